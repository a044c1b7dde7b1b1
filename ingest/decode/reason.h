/* reason.h: core/reasons.def as C: why a message, or a part of it, gave no reading.
 * Thread: constants, any. */
#ifndef BF_DECODE_REASON_H
#define BF_DECODE_REASON_H

#include "core/record.h"

enum bf_reject_reason {
    BF_REJECT_none,
#define X(name, stage, text) BF_REJECT_##name,
#include "core/reasons.def"
#undef X
    BF_REJECT_COUNT
};

struct bf_reject_kind {
    struct bf_slice name;
    enum bf_reject_stage stage;
    struct bf_slice text; /* a sentence for a person */
};

/* Never NULL; `reason` is not BF_REJECT_none. */
const struct bf_reject_kind *bf_reject_kind(enum bf_reject_reason reason);

#endif
