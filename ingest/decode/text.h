/* text.h: whether bytes that came from outside may become text inside.
 * Thread: any.   Errors: none; they answer. */
#ifndef BF_DECODE_TEXT_H
#define BF_DECODE_TEXT_H

#include "core/slice.h"

/* Well-formed UTF-8 (Unicode 15, table 3-7): no overlong forms, no surrogates, nothing above
 * U+10FFFF. */
bool bf_text_utf8(struct bf_slice text);
/* UTF-8 and free of the control bytes 00-1F and 7F. */
bool bf_text_clean(struct bf_slice text);

/* What stands behind the last ':' or '/' of a name, and what stands before it (all of it where
 * there is neither): "urn:dev:ow:10e2:voltage" is `voltage` of `urn:dev:ow:10e2`. */
struct bf_slice bf_text_leaf(struct bf_slice name);
struct bf_slice bf_text_stem(struct bf_slice name);

#endif
