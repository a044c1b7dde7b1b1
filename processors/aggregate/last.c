/* last.c: the value with the newest event time. */
#include "processors/aggregate/placed.h"

static void add(void *state, const struct bf_sample *sample, const struct bf_value_options *options)
{
    (void)options;
    struct bf_placed *so_far = state;
    const struct bf_placed one = bf_placed_of(sample);
    bf_placed_take(so_far, &one, bf_placed_after(&one, so_far));
}

static void merge(void *state, const void *other)
{
    struct bf_placed *so_far = state;
    bf_placed_take(so_far, other, bf_placed_after(other, so_far));
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
