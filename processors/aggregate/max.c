/* max.c: the largest value. */
#include "processors/aggregate/aggregate.h"

struct state {
    double value;
    uint64_t n;
};

static void init(void *state)
{
    *(struct state *)state = (struct state){.value = 0, .n = 0};
}

static void take(struct state *state, double value)
{
    if (state->n == 0 || value > state->value) {
        state->value = value;
    }
}

static void add(void *state, const struct bf_sample *sample)
{
    take(state, sample->value);
    ((struct state *)state)->n++;
}

static void merge(void *state, const void *other)
{
    const struct state *from = other;
    if (from->n > 0) {
        take(state, from->value);
        ((struct state *)state)->n += from->n;
    }
}

static bool result(const void *state, double *value)
{
    *value = ((const struct state *)state)->value;
    return ((const struct state *)state)->n > 0;
}

static void save(const void *state, struct bf_mp_writer *writer)
{
    bf_mp_put_double(writer, ((const struct state *)state)->value);
    bf_mp_put_uint(writer, ((const struct state *)state)->n);
}

static enum bf_status load(void *state, struct bf_mp_reader *reader)
{
    ((struct state *)state)->value = bf_mp_get_double(reader);
    ((struct state *)state)->n = bf_mp_get_uint(reader);
    return bf_mp_ok(reader) ? BF_OK : BF_MALFORMED;
}

extern const struct bf_aggregate bf_aggregate_max;
const struct bf_aggregate bf_aggregate_max = {
    .name = "max",
    .summary = "The largest value in the window.",
    .state_size = sizeof(struct state),
    .init = init,
    .add = add,
    .merge = merge,
    .result = result,
    .save = save,
    .load = load,
};
