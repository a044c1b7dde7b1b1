/* increase.c: by how much counters rose: kilowatt hours, cubic metres, passengers. Resets and rollover are
 * counter.h's. */
#include "processors/aggregate/counter.h"

static bool result(const void *state, const struct bf_value_options *options, double *value)
{
    (void)options;
    const struct bf_counter *counter = state;
    *value = bf_compensated_value(&counter->risen);
    return counter->covered_us > 0;
}

extern const struct bf_aggregate bf_aggregate_increase;
const struct bf_aggregate bf_aggregate_increase = {
    .kind = {.name = "increase", .takes = "rollover hold", .unit = BF_RESULT_SAME, .input = BF_INPUT_CHANGE},
    .summary = "By how much counters rose; a fall is a reset to zero, or with `rollover` a new turn.",
    .state_size = sizeof(struct bf_counter),
    .init = bf_counter_init,
    .step = bf_counter_step,
    .merge = bf_counter_merge,
    .result = result,
    .save = bf_counter_save,
    .load = bf_counter_load,
};
