/* counter.h: what `increase` and `rate` share: by how much counters rose from reading to reading, and the
 * time between these. A fall is a reset: the counter began again at zero and has risen to what it shows;
 * with `rollover`, at which a meter's display begins again, it has risen by what was left up to there as
 * well. The step belongs to the window of its later reading, whole; so windows add up to what was counted.
 * Owner: the aggregate's state.   Thread: values, any. */
#ifndef BF_PROCESSORS_COUNTER_H
#define BF_PROCESSORS_COUNTER_H

#include "processors/aggregate/compensated.h"
#include "processors/aggregate/ratio.h"

struct bf_counter {
    struct bf_compensated risen;
    uint64_t covered_us;
};

static inline void bf_counter_init(void *state, const struct bf_value_options *options)
{
    (void)options;
    *(struct bf_counter *)state = (struct bf_counter){.risen = {.sum = 0, .lost = 0}, .covered_us = 0};
}

static inline double bf_counter_rise(double from, double to, double rollover)
{
    if (to >= from) {
        return to - from;
    }
    double rise = rollover > 0 && from <= rollover && to >= 0 ? to + rollover - from : to;
    return rise > 0 ? rise : 0; /* a counter does not fall below zero */
}

static inline void bf_counter_step(void *state, const struct bf_step *step,
                                   const struct bf_value_options *options)
{
    struct bf_counter *counter = state;
    if (step->ends) {
        bf_compensated_add(&counter->risen, bf_counter_rise(step->value, step->next, options->rollover));
        counter->covered_us += bf_step_us(step);
    }
}

static inline void bf_counter_merge(void *state, const void *other)
{
    struct bf_counter *counter = state;
    bf_compensated_merge(&counter->risen, &((const struct bf_counter *)other)->risen);
    counter->covered_us += ((const struct bf_counter *)other)->covered_us;
}

static inline void bf_counter_save(const void *state, struct bf_mp_writer *writer)
{
    bf_compensated_put(&((const struct bf_counter *)state)->risen, writer);
    bf_mp_put_uint(writer, ((const struct bf_counter *)state)->covered_us);
}

static inline enum bf_status bf_counter_load(void *state, struct bf_mp_reader *reader)
{
    struct bf_counter *counter = state;
    bf_compensated_get(&counter->risen, reader);
    counter->covered_us = bf_mp_get_uint(reader);
    return bf_mp_ok(reader) ? BF_OK : BF_MALFORMED;
}

#endif
