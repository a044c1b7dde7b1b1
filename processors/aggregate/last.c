/* last.c: the value with the newest event time. Equal times are decided by where the reading stands
 * (partition, then offset), never by who arrived first at a merge. */
#include "processors/aggregate/aggregate.h"

struct state {
    double value;
    int64_t event_us, offset;
    int32_t partition;
    uint32_t any;
};

static void init(void *state, const struct bf_value_options *options)
{
    (void)options;
    *(struct state *)state = (struct state){.value = 0, .event_us = 0, .offset = 0, .partition = 0, .any = 0};
}

static bool newer(const struct state *a, const struct state *b)
{
    if (a->event_us != b->event_us) {
        return a->event_us > b->event_us;
    }
    if (a->partition != b->partition) {
        return a->partition > b->partition;
    }
    return a->offset > b->offset;
}

static void take(struct state *state, const struct state *other)
{
    if (other->any && (!state->any || newer(other, state))) {
        *state = *other;
    }
}

static void add(void *state, const struct bf_sample *sample, const struct bf_value_options *options)
{
    (void)options;
    const struct state one = {.value = sample->value,
                              .event_us = sample->event_us,
                              .offset = sample->offset,
                              .partition = sample->partition,
                              .any = 1};
    take(state, &one);
}

static void merge(void *state, const void *other)
{
    take(state, other);
}

static bool result(const void *state, const struct bf_value_options *options, double *value)
{
    (void)options;
    *value = ((const struct state *)state)->value;
    return ((const struct state *)state)->any != 0;
}

static void save(const void *state, struct bf_mp_writer *writer)
{
    const struct state *from = state;
    bf_mp_put_double(writer, from->value);
    bf_mp_put_int(writer, from->event_us);
    bf_mp_put_int(writer, from->offset);
    bf_mp_put_int(writer, from->partition);
    bf_mp_put_bool(writer, from->any != 0);
}

static enum bf_status load(void *state, struct bf_mp_reader *reader)
{
    struct state *to = state;
    to->value = bf_mp_get_double(reader);
    to->event_us = bf_mp_get_int(reader);
    to->offset = bf_mp_get_int(reader);
    int64_t partition = bf_mp_get_int(reader);
    to->any = bf_mp_get_bool(reader) ? 1 : 0;
    if (!bf_mp_ok(reader) || partition < 0 || partition > INT32_MAX) {
        return BF_MALFORMED;
    }
    to->partition = (int32_t)partition;
    return BF_OK;
}

extern const struct bf_aggregate bf_aggregate_last;
const struct bf_aggregate bf_aggregate_last = {
    .kind = {.name = "last", .unit = BF_RESULT_SAME, .input = BF_INPUT_VALUE},
    .summary = "The value with the newest event time.",
    .exact = true,
    .state_size = sizeof(struct state),
    .init = init,
    .add = add,
    .merge = merge,
    .result = result,
    .save = save,
    .load = load,
};
