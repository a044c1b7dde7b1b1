/* extreme.h: what min and max share: the value that stands out so far, and how many there were. Which of
 * two stands out is all that differs, so each of them brings only that.
 * Owner: the aggregate's state.   Thread: the task's. */
#ifndef BF_PROCESSORS_EXTREME_H
#define BF_PROCESSORS_EXTREME_H

#include "processors/aggregate/aggregate.h"

struct bf_extreme {
    double value; /* valid where n > 0 */
    uint64_t n;
};

static inline void bf_extreme_init(void *state, const struct bf_value_options *options)
{
    (void)options;
    *(struct bf_extreme *)state = (struct bf_extreme){.value = 0, .n = 0};
}

/* `count` values whose extreme is `value`; `beats`: it stands out against the one so far. */
static inline void bf_extreme_take(struct bf_extreme *state, double value, uint64_t count, bool beats)
{
    if (count > 0 && (state->n == 0 || beats)) {
        state->value = value;
    }
    state->n += count;
}

static inline bool bf_extreme_result(const void *state, const struct bf_value_options *options, double *value)
{
    (void)options;
    *value = ((const struct bf_extreme *)state)->value;
    return ((const struct bf_extreme *)state)->n > 0;
}

static inline void bf_extreme_save(const void *state, struct bf_mp_writer *writer)
{
    bf_mp_put_double(writer, ((const struct bf_extreme *)state)->value);
    bf_mp_put_uint(writer, ((const struct bf_extreme *)state)->n);
}

static inline enum bf_status bf_extreme_load(void *state, struct bf_mp_reader *reader)
{
    ((struct bf_extreme *)state)->value = bf_mp_get_double(reader);
    ((struct bf_extreme *)state)->n = bf_mp_get_uint(reader);
    return bf_mp_ok(reader) ? BF_OK : BF_MALFORMED;
}

#endif
