/* unwrap.h: what lies around a payload: base64, hex, gzip.
 * Owner: the arena.   Thread: the message's.
 * Limits: max_inflated bytes of what gzip unpacks, checked while it is unpacked. */
#ifndef BF_DECODE_UNWRAP_H
#define BF_DECODE_UNWRAP_H

#include "config/payload.h"
#include "core/arena.h"
#include "ingest/decode/reason.h"

struct bf_unwrap_fault {
    enum bf_reject_reason reason;
    const char *what; /* static */
};

/* One wrap after the other; *bytes is what is left. False: *fault says why. */
bool bf_unwrap(const struct bf_wraps *wraps, size_t max_inflated, struct bf_arena *arena,
               struct bf_slice *bytes, struct bf_unwrap_fault *fault);

#endif
