/* count.c: how many readings, with a number or without. The one aggregate that has a value where nothing
 * was added: zero. */
#include "processors/aggregate/aggregate.h"

struct state {
    uint64_t n;
};

static void init(void *state, const struct bf_value_options *options)
{
    (void)options;
    ((struct state *)state)->n = 0;
}

static void add(void *state, const struct bf_sample *sample, const struct bf_value_options *options)
{
    (void)options;
    (void)sample;
    ((struct state *)state)->n++;
}

static void merge(void *state, const void *other)
{
    ((struct state *)state)->n += ((const struct state *)other)->n;
}

static bool result(const void *state, const struct bf_value_options *options, double *value)
{
    (void)options;
    *value = (double)((const struct state *)state)->n;
    return true;
}

static void save(const void *state, struct bf_mp_writer *writer)
{
    bf_mp_put_uint(writer, ((const struct state *)state)->n);
}

static enum bf_status load(void *state, struct bf_mp_reader *reader)
{
    ((struct state *)state)->n = bf_mp_get_uint(reader);
    return bf_mp_ok(reader) ? BF_OK : BF_MALFORMED;
}

extern const struct bf_aggregate bf_aggregate_count;
const struct bf_aggregate bf_aggregate_count = {
    .kind = {.name = "count", .unit = BF_RESULT_NUMBER, .input = BF_INPUT_ANY},
    .summary = "The number of readings in the window, texts too; zero where there are none.",
    .exact = true,
    .state_size = sizeof(struct state),
    .init = init,
    .add = add,
    .merge = merge,
    .result = result,
    .save = save,
    .load = load,
};
