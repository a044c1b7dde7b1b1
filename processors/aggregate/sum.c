/* sum.c: the sum of all values, compensated so that order and magnitude hardly matter. */
#include "processors/aggregate/compensated.h"

static bool result(const void *state, const struct bf_value_options *options, double *value)
{
    (void)options;
    const struct bf_total *total = state;
    if (total->n == 0) {
        return false;
    }
    *value = bf_compensated_value(&total->values);
    return true;
}

extern const struct bf_aggregate bf_aggregate_sum;
const struct bf_aggregate bf_aggregate_sum = {
    .kind = {.name = "sum", .unit = BF_RESULT_SAME, .input = BF_INPUT_VALUE},
    .summary = "The sum of all values, with compensated rounding.",
    .state_size = sizeof(struct bf_total),
    .init = bf_total_init,
    .add = bf_total_add,
    .merge = bf_total_merge,
    .result = result,
    .save = bf_total_save,
    .load = bf_total_load,
};
