/* time_weighted_mean.c: the mean over time, where a value holds until the next one of its source, at most
 * `hold`. For devices that send when something changes: their plain mean counts the restless times most. */
#include "processors/aggregate/ratio.h"
#include "processors/aggregate/weighted.h"

static void take(void *state, const struct bf_step *step, const struct bf_value_options *options)
{
    (void)options;
    bf_weighted_add(state, step->value, (double)bf_step_us(step) / 1e6);
}

extern const struct bf_aggregate bf_aggregate_time_weighted_mean;
const struct bf_aggregate bf_aggregate_time_weighted_mean = {
    .kind = {.name = "time_weighted_mean", .takes = "hold", .unit = BF_RESULT_SAME, .input = BF_INPUT_HELD},
    .summary = "The mean over time: each value counts for as long as it holds.",
    .state_size = sizeof(struct bf_weighted),
    .init = bf_weighted_init,
    .step = take,
    .merge = bf_weighted_merge,
    .result = bf_weighted_result,
    .save = bf_weighted_save,
    .load = bf_weighted_load,
};
