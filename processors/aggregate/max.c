/* max.c: the largest value. */
#include "processors/aggregate/extreme.h"

static void add(void *state, const struct bf_sample *sample, const struct bf_value_options *options)
{
    (void)options;
    struct bf_extreme *so_far = state;
    bf_extreme_take(so_far, sample->value, 1, sample->value > so_far->value);
}

static void merge(void *state, const void *other)
{
    struct bf_extreme *so_far = state;
    const struct bf_extreme *from = other;
    bf_extreme_take(so_far, from->value, from->n, from->value > so_far->value);
}

extern const struct bf_aggregate bf_aggregate_max;
const struct bf_aggregate bf_aggregate_max = {
    .kind = {.name = "max", .unit = BF_RESULT_SAME, .input = BF_INPUT_VALUE},
    .summary = "The largest value in the window.",
    .exact = true,
    .state_size = sizeof(struct bf_extreme),
    .init = bf_extreme_init,
    .add = add,
    .merge = merge,
    .result = bf_extreme_result,
    .save = bf_extreme_save,
    .load = bf_extreme_load,
};
