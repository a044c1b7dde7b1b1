/* completeness.c: how much of what ought to have come did come. A source that is known owes one reading for
 * each `every`; it is known from its first reading until `hold` after its last, so one that falls silent
 * lowers the result until then. More than was owed is never more than all.
 * Declined: a count by source: a source that sends too often hides a gap of another within its group; group
 * by device where that matters. */
#include "processors/aggregate/ratio.h"

static void add(void *state, const struct bf_sample *sample, const struct bf_value_options *options)
{
    (void)sample;
    (void)options;
    ((struct bf_ratio *)state)->part++;
}

static void take(void *state, const struct bf_step *step, const struct bf_value_options *options)
{
    (void)options;
    ((struct bf_ratio *)state)->whole += bf_step_us(step);
}

static bool result(const void *state, const struct bf_value_options *options, double *value)
{
    const struct bf_ratio *ratio = state;
    if (ratio->whole == 0) {
        return false;
    }
    double share = (double)ratio->part * (double)options->every_us / (double)ratio->whole;
    *value = (share < 1 ? share : 1) * options->scale;
    return true;
}

extern const struct bf_aggregate bf_aggregate_completeness;
const struct bf_aggregate bf_aggregate_completeness = {
    .kind = {.name = "completeness", .takes = "every! hold", .unit = BF_RESULT_SHARE, .input = BF_INPUT_HELD},
    .summary = "Readings received of those that `every` lets expect, for as long as a source is known.",
    .exact = true,
    .state_size = sizeof(struct bf_ratio),
    .init = bf_ratio_init,
    .add = add,
    .step = take,
    .merge = bf_ratio_merge,
    .result = result,
    .save = bf_ratio_save,
    .load = bf_ratio_load,
};
