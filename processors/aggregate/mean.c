/* mean.c: the arithmetic mean. A sum and a count, so that the pieces of partitions merge exactly. */
#include "processors/aggregate/compensated.h"

static bool result(const void *state, const struct bf_value_options *options, double *value)
{
    (void)options;
    const struct bf_total *total = state;
    if (total->n == 0) {
        return false;
    }
    *value = bf_compensated_value(&total->values) / (double)total->n;
    return true;
}

extern const struct bf_aggregate bf_aggregate_mean;
const struct bf_aggregate bf_aggregate_mean = {
    .kind = {.name = "mean", .unit = BF_RESULT_SAME, .input = BF_INPUT_VALUE},
    .summary = "The arithmetic mean of all values.",
    .state_size = sizeof(struct bf_total),
    .init = bf_total_init,
    .add = bf_total_add,
    .merge = bf_total_merge,
    .result = result,
    .save = bf_total_save,
    .load = bf_total_load,
};
