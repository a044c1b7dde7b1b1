/* last.c: the value with the newest event time. */
#include "processors/aggregate/placed.h"

static void take(struct bf_placed *state, const struct bf_placed *other)
{
    if (other->any && (!state->any || bf_placed_after(other, state))) {
        *state = *other;
    }
}

static void add(void *state, const struct bf_sample *sample, const struct bf_value_options *options)
{
    (void)options;
    const struct bf_placed one = bf_placed_of(sample);
    take(state, &one);
}

static void merge(void *state, const void *other)
{
    take(state, other);
}

extern const struct bf_aggregate bf_aggregate_last;
const struct bf_aggregate bf_aggregate_last = {
    .kind = {.name = "last", .unit = BF_RESULT_SAME, .input = BF_INPUT_VALUE},
    .summary = "The value with the newest event time.",
    .exact = true,
    .state_size = sizeof(struct bf_placed),
    .init = bf_placed_init,
    .add = add,
    .merge = merge,
    .result = bf_placed_result,
    .save = bf_placed_save,
    .load = bf_placed_load,
};
