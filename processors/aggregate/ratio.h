/* ratio.h: a part and a whole, both counted in integers, for `share`, `time_in_state` and `completeness`.
 * Merging adds both, so any order gives the same bits.
 * Owner: the aggregate's state.   Thread: values, any. */
#ifndef BF_PROCESSORS_RATIO_H
#define BF_PROCESSORS_RATIO_H

#include "processors/aggregate/aggregate.h"

struct bf_ratio {
    uint64_t part, whole; /* readings, or microseconds */
};

static inline void bf_ratio_init(void *state, const struct bf_value_options *options)
{
    (void)options;
    *(struct bf_ratio *)state = (struct bf_ratio){.part = 0, .whole = 0};
}

static inline void bf_ratio_merge(void *state, const void *other)
{
    struct bf_ratio *ratio = state;
    ratio->part += ((const struct bf_ratio *)other)->part;
    ratio->whole += ((const struct bf_ratio *)other)->whole;
}

static inline void bf_ratio_save(const void *state, struct bf_mp_writer *writer)
{
    bf_mp_put_uint(writer, ((const struct bf_ratio *)state)->part);
    bf_mp_put_uint(writer, ((const struct bf_ratio *)state)->whole);
}

static inline enum bf_status bf_ratio_load(void *state, struct bf_mp_reader *reader)
{
    ((struct bf_ratio *)state)->part = bf_mp_get_uint(reader);
    ((struct bf_ratio *)state)->whole = bf_mp_get_uint(reader);
    return bf_mp_ok(reader) ? BF_OK : BF_MALFORMED;
}

/* The length of a step, for `whole`. */
static inline uint64_t bf_step_us(const struct bf_step *step)
{
    return step->to_us > step->from_us ? (uint64_t)step->to_us - (uint64_t)step->from_us : 0;
}

#endif
