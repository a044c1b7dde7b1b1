/* time_in_state.c: for how long a condition held: how long a gate was open, a space occupied. A reading
 * holds until the next of its source, at most `hold`; time for which nothing is known counts nowhere.
 * Summed over the sources of the group: two spaces occupied for an hour make two hours. */
#include "processors/aggregate/ratio.h"

static void take(void *state, const struct bf_step *step, const struct bf_value_options *options)
{
    (void)options;
    struct bf_ratio *ratio = state;
    ratio->part += step->holds ? bf_step_us(step) : 0;
    ratio->whole += bf_step_us(step);
}

static bool result(const void *state, const struct bf_value_options *options, double *value)
{
    const struct bf_ratio *ratio = state;
    if (ratio->whole == 0) {
        return false;
    }
    double whole = options->fraction ? (double)ratio->whole : 1e6;
    *value = (double)ratio->part / whole * options->scale;
    return true;
}

extern const struct bf_aggregate bf_aggregate_time_in_state;
const struct bf_aggregate bf_aggregate_time_in_state = {
    .kind = {.name = "time_in_state",
             .takes = "when! hold fraction",
             .unit = BF_RESULT_TIME,
             .input = BF_INPUT_HELD},
    .summary = "How long `when` held, or with `fraction` its part of the time that is known.",
    .exact = true,
    .state_size = sizeof(struct bf_ratio),
    .init = bf_ratio_init,
    .step = take,
    .merge = bf_ratio_merge,
    .result = result,
    .save = bf_ratio_save,
    .load = bf_ratio_load,
};
