/* sum.c: the sum of all values, compensated so that order and magnitude hardly matter. */
#include "processors/aggregate/compensated.h"

static bool result(const void *state, const struct bf_value_options *options, double *value)
{
    (void)options;
    const struct bf_compensated *total = state;
    if (total->n == 0) {
        return false;
    }
    *value = total->sum + total->lost;
    return true;
}

extern const struct bf_aggregate bf_aggregate_sum;
const struct bf_aggregate bf_aggregate_sum = {
    .kind = {.name = "sum", .unit = BF_RESULT_SAME, .input = BF_INPUT_VALUE},
    .summary = "The sum of all values, with compensated rounding.",
    .state_size = sizeof(struct bf_compensated),
    .init = bf_compensated_init,
    .add = bf_compensated_take,
    .merge = bf_compensated_merge,
    .result = result,
    .save = bf_compensated_save,
    .load = bf_compensated_load,
};
