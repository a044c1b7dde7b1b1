/* energy_mean.c: the mean of levels in decibels, Leq = 10 log10(sum w 10^(L/10) / sum w) (ISO 1996-1:2016,
 * the equivalent continuous sound pressure level). The `weight` may be the interval that a level stands
 * for; without one all count alike.
 * The sum is kept in the linear domain, so merging is adding; the powers are portable.h's, so that every
 * host sums the same bits. */
#include "processors/aggregate/portable.h"
#include "processors/aggregate/weighted.h"

#define LOG2_10 3.3219280948873623479

static void add(void *state, const struct bf_sample *sample, const struct bf_value_options *options)
{
    (void)options;
    bf_weighted_add(state, bf_portable_exp2(sample->value / 10 * LOG2_10), sample->weight);
}

static bool result(const void *state, const struct bf_value_options *options, double *value)
{
    double linear = 0;
    if (!bf_weighted_result(state, options, &linear) || !(linear > 0) || !isfinite(linear)) {
        return false;
    }
    *value = 10 * bf_portable_log2(linear) / LOG2_10;
    return true;
}

extern const struct bf_aggregate bf_aggregate_energy_mean;
const struct bf_aggregate bf_aggregate_energy_mean = {
    .kind = {.name = "energy_mean", .takes = "weight", .unit = BF_RESULT_SAME, .input = BF_INPUT_VALUE},
    .summary = "The energy mean of levels in decibels: 10 log10 of the mean of 10^(L/10).",
    .state_size = sizeof(struct bf_weighted),
    .init = bf_weighted_init,
    .add = add,
    .merge = bf_weighted_merge,
    .result = result,
    .save = bf_weighted_save,
    .load = bf_weighted_load,
};
