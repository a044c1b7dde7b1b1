/* placed.h: what first and last share: one value and where it stands in time. Equal times are decided by
 * where the reading stands (partition, then offset), never by who arrived first at a merge.
 * Owner: the aggregate's state.   Thread: values, any. */
#ifndef BF_PROCESSORS_PLACED_H
#define BF_PROCESSORS_PLACED_H

#include "processors/aggregate/aggregate.h"

struct bf_placed {
    double value;
    int64_t event_us, offset;
    int32_t partition;
    uint32_t any;
};

static inline void bf_placed_init(void *state, const struct bf_value_options *options)
{
    (void)options;
    *(struct bf_placed *)state =
        (struct bf_placed){.value = 0, .event_us = 0, .offset = 0, .partition = 0, .any = 0};
}

static inline struct bf_placed bf_placed_of(const struct bf_sample *sample)
{
    return (struct bf_placed){.value = sample->value,
                              .event_us = sample->event_us,
                              .offset = sample->offset,
                              .partition = sample->partition,
                              .any = 1};
}

static inline bool bf_placed_after(const struct bf_placed *a, const struct bf_placed *b)
{
    if (a->event_us != b->event_us) {
        return a->event_us > b->event_us;
    }
    if (a->partition != b->partition) {
        return a->partition > b->partition;
    }
    return a->offset > b->offset;
}

/* `beats`: the other stands out against the one so far. */
static inline void bf_placed_take(struct bf_placed *state, const struct bf_placed *other, bool beats)
{
    if (other->any && (!state->any || beats)) {
        *state = *other;
    }
}

static inline bool bf_placed_result(const void *state, const struct bf_value_options *options, double *value)
{
    (void)options;
    *value = ((const struct bf_placed *)state)->value;
    return ((const struct bf_placed *)state)->any != 0;
}

static inline void bf_placed_save(const void *state, struct bf_mp_writer *writer)
{
    const struct bf_placed *from = state;
    bf_mp_put_double(writer, from->value);
    bf_mp_put_int(writer, from->event_us);
    bf_mp_put_int(writer, from->offset);
    bf_mp_put_int(writer, from->partition);
    bf_mp_put_bool(writer, from->any != 0);
}

static inline enum bf_status bf_placed_load(void *state, struct bf_mp_reader *reader)
{
    struct bf_placed *to = state;
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

#endif
