/* weighted_mean.c: the mean in which each reading counts by its `weight`: a speed by the vehicles, a level
 * by the inhabitants. */
#include "processors/aggregate/weighted.h"

static void add(void *state, const struct bf_sample *sample, const struct bf_value_options *options)
{
    (void)options;
    bf_weighted_add(state, sample->value, sample->weight);
}

extern const struct bf_aggregate bf_aggregate_weighted_mean;
const struct bf_aggregate bf_aggregate_weighted_mean = {
    .kind = {.name = "weighted_mean", .takes = "weight!", .unit = BF_RESULT_SAME, .input = BF_INPUT_VALUE},
    .summary = "The mean of all values, each counted by its `weight`.",
    .state_size = sizeof(struct bf_weighted),
    .init = bf_weighted_init,
    .add = add,
    .merge = bf_weighted_merge,
    .result = bf_weighted_result,
    .save = bf_weighted_save,
    .load = bf_weighted_load,
};
