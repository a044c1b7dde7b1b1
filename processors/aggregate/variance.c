/* variance.c: the variance of the values as a sample of more. */
#include "processors/aggregate/moments.h"

extern const struct bf_aggregate bf_aggregate_variance;
const struct bf_aggregate bf_aggregate_variance = {
    .kind = {.name = "variance", .unit = BF_RESULT_SQUARE, .input = BF_INPUT_VALUE},
    .summary = "The sample variance: squared deviations from the mean, by n - 1; none below two values.",
    .state_size = sizeof(struct bf_moments),
    .init = bf_moments_init,
    .add = bf_moments_add,
    .merge = bf_moments_merge,
    .result = bf_moments_variance,
    .save = bf_moments_save,
    .load = bf_moments_load,
};
