/* byte_text.h: bytes written as text: hexadecimal and base64 (RFC 4648, sections 4 and 5).
 * People paste both from anywhere, so white space between digits is passed over; base64 may use either
 * alphabet and leave out its padding. What is left over (half a byte, bits that are not zero) is refused.
 * Thread: any.   Errors: false where the text is none of it; what was written by then is meaningless. */
#ifndef BF_CORE_BYTE_TEXT_H
#define BF_CORE_BYTE_TEXT_H

#include "core/slice.h"

/* bytes: room for text.len / 2, in base64 for text.len / 4 * 3 + 2. */
bool bf_hex_decode(struct bf_slice text, char *bytes, size_t *len);
bool bf_base64_decode(struct bf_slice text, char *bytes, size_t *len);
/* Padded, of the alphabet with + and /. text: room for (bytes.len + 2) / 3 * 4. Returns the length. */
size_t bf_base64_encode(struct bf_slice bytes, char *text);

#endif
