/* range.c: the largest value less the smallest. */
#include "processors/aggregate/extreme.h"

struct state {
    struct bf_extreme low, high;
};

static void init(void *state, const struct bf_value_options *options)
{
    bf_extreme_init(&((struct state *)state)->low, options);
    bf_extreme_init(&((struct state *)state)->high, options);
}

static void take(struct state *state, double low, double high, uint64_t count)
{
    bf_extreme_take(&state->low, low, count, low < state->low.value);
    bf_extreme_take(&state->high, high, count, high > state->high.value);
}

static void add(void *state, const struct bf_sample *sample, const struct bf_value_options *options)
{
    (void)options;
    take(state, sample->value, sample->value, 1);
}

static void merge(void *state, const void *other)
{
    const struct state *from = other;
    take(state, from->low.value, from->high.value, from->low.n);
}

static bool result(const void *state, const struct bf_value_options *options, double *value)
{
    (void)options;
    const struct state *range = state;
    *value = range->high.value - range->low.value;
    return range->low.n > 0;
}

static void save(const void *state, struct bf_mp_writer *writer)
{
    bf_mp_put_double(writer, ((const struct state *)state)->low.value);
    bf_extreme_save(&((const struct state *)state)->high, writer);
}

static enum bf_status load(void *state, struct bf_mp_reader *reader)
{
    struct state *range = state;
    range->low.value = bf_mp_get_double(reader);
    enum bf_status status = bf_extreme_load(&range->high, reader);
    range->low.n = range->high.n;
    return status;
}

extern const struct bf_aggregate bf_aggregate_range;
const struct bf_aggregate bf_aggregate_range = {
    .kind = {.name = "range", .unit = BF_RESULT_SAME, .input = BF_INPUT_VALUE},
    .summary = "The largest value less the smallest.",
    .exact = true,
    .state_size = sizeof(struct state),
    .init = init,
    .add = add,
    .merge = merge,
    .result = result,
    .save = save,
    .load = load,
};
