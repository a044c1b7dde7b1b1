/* reason.c: the table behind reason.h, made from the one list that docs and counters use too. */
#include "ingest/decode/reason.h"

#include <assert.h>

static const struct bf_reject_kind kinds[BF_REJECT_COUNT] = {
#define X(id, at, sentence) \
    [BF_REJECT_##id] = {.name = BF_SLICE_INIT(#id), .stage = BF_STAGE_##at, .text = BF_SLICE_INIT(sentence)},
#include "core/reasons.def"
#undef X
};

const struct bf_reject_kind *bf_reject_kind(enum bf_reject_reason reason)
{
    assert(reason > BF_REJECT_none && reason < BF_REJECT_COUNT);
    return &kinds[reason];
}
