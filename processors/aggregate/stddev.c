/* stddev.c: the standard deviation, the variance's root, which has the values' unit. */
#include <math.h>

#include "processors/aggregate/moments.h"

static bool result(const void *state, const struct bf_value_options *options, double *value)
{
    double variance = 0;
    bool any = bf_moments_variance(state, options, &variance);
    *value = sqrt(variance);
    return any;
}

extern const struct bf_aggregate bf_aggregate_stddev;
const struct bf_aggregate bf_aggregate_stddev = {
    .kind = {.name = "stddev", .unit = BF_RESULT_SAME, .input = BF_INPUT_VALUE},
    .summary = "The standard deviation of a sample, the root of the variance; none below two values.",
    .state_size = sizeof(struct bf_moments),
    .init = bf_moments_init,
    .add = bf_moments_add,
    .merge = bf_moments_merge,
    .result = result,
    .save = bf_moments_save,
    .load = bf_moments_load,
};
