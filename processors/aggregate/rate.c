/* rate.c: how fast counters rise: the sum of their increases by the sum of the seconds between their
 * readings, times `per`. Both are summed over the sources of the group, so it is the mean rate of one
 * source. Declined: a total of all sources' rates (the increase, by the window's length, is that), and
 * Prometheus' extrapolation to the window's edges: what was not read is not known. */
#include "processors/aggregate/counter.h"

static bool result(const void *state, const struct bf_value_options *options, double *value)
{
    const struct bf_counter *counter = state;
    if (counter->covered_us == 0) {
        return false;
    }
    *value = bf_compensated_value(&counter->risen) / (double)counter->covered_us * (double)options->per_us *
             options->scale;
    return true;
}

extern const struct bf_aggregate bf_aggregate_rate;
const struct bf_aggregate bf_aggregate_rate = {
    .kind = {.name = "rate",
             .takes = "per rollover hold",
             .unit = BF_RESULT_PER_TIME,
             .input = BF_INPUT_CHANGE},
    .summary = "How fast counters rise, per second or `per`: their increase by the time between readings.",
    .state_size = sizeof(struct bf_counter),
    .init = bf_counter_init,
    .step = bf_counter_step,
    .merge = bf_counter_merge,
    .result = result,
    .save = bf_counter_save,
    .load = bf_counter_load,
};
