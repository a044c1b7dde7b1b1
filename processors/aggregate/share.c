/* share.c: how large a part of the readings meets a condition. It takes every reading, with a number or
 * with a text, because states come as texts ("open"); what the condition cannot say of a reading does not
 * hold. */
#include "processors/aggregate/ratio.h"

static void add(void *state, const struct bf_sample *sample, const struct bf_value_options *options)
{
    (void)options;
    struct bf_ratio *ratio = state;
    ratio->part += sample->holds ? 1 : 0;
    ratio->whole++;
}

static bool result(const void *state, const struct bf_value_options *options, double *value)
{
    const struct bf_ratio *ratio = state;
    if (ratio->whole == 0) {
        return false;
    }
    *value = (double)ratio->part / (double)ratio->whole * options->scale;
    return true;
}

extern const struct bf_aggregate bf_aggregate_share;
const struct bf_aggregate bf_aggregate_share = {
    .kind = {.name = "share", .takes = "when!", .unit = BF_RESULT_SHARE, .input = BF_INPUT_ANY},
    .summary = "The share of the readings for which `when` holds: 0 to 1, or per cent.",
    .exact = true,
    .state_size = sizeof(struct bf_ratio),
    .init = bf_ratio_init,
    .add = add,
    .merge = bf_ratio_merge,
    .result = result,
    .save = bf_ratio_save,
    .load = bf_ratio_load,
};
