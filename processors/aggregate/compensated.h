/* compensated.h: a sum that does not lose small values beside large ones (Neumaier's variant of Kahan's
 * summation, 1974), and the same with a count, which is the state of `sum` and `mean`. Merging adds the
 * other's sum and carries both compensations over.
 * Declined: long double (its width is the platform's, so two hosts would differ).
 * Thread: values, any. */
#ifndef BF_PROCESSORS_COMPENSATED_H
#define BF_PROCESSORS_COMPENSATED_H

#include <math.h>
#include <stdint.h>

#include "processors/aggregate/aggregate.h"

struct bf_compensated {
    double sum, lost;
};

static inline void bf_compensated_add(struct bf_compensated *total, double value)
{
    double sum = total->sum + value;
    total->lost += fabs(total->sum) >= fabs(value) ? (total->sum - sum) + value : (value - sum) + total->sum;
    total->sum = sum;
}

static inline void bf_compensated_merge(struct bf_compensated *total, const struct bf_compensated *other)
{
    bf_compensated_add(total, other->sum);
    total->lost += other->lost;
}

static inline double bf_compensated_value(const struct bf_compensated *total)
{
    return total->sum + total->lost;
}

static inline void bf_compensated_put(const struct bf_compensated *total, struct bf_mp_writer *writer)
{
    bf_mp_put_double(writer, total->sum);
    bf_mp_put_double(writer, total->lost);
}

static inline void bf_compensated_get(struct bf_compensated *total, struct bf_mp_reader *reader)
{
    total->sum = bf_mp_get_double(reader);
    total->lost = bf_mp_get_double(reader);
}

struct bf_total {
    struct bf_compensated values;
    uint64_t n;
};

static inline void bf_total_init(void *state, const struct bf_value_options *options)
{
    (void)options;
    *(struct bf_total *)state = (struct bf_total){.values = {.sum = 0, .lost = 0}, .n = 0};
}

static inline void bf_total_add(void *state, const struct bf_sample *sample,
                                const struct bf_value_options *options)
{
    (void)options;
    struct bf_total *total = state;
    bf_compensated_add(&total->values, sample->value);
    total->n++;
}

static inline void bf_total_merge(void *state, const void *other)
{
    struct bf_total *total = state;
    const struct bf_total *from = other;
    bf_compensated_merge(&total->values, &from->values);
    total->n += from->n;
}

static inline void bf_total_save(const void *state, struct bf_mp_writer *writer)
{
    const struct bf_total *total = state;
    bf_compensated_put(&total->values, writer);
    bf_mp_put_uint(writer, total->n);
}

static inline enum bf_status bf_total_load(void *state, struct bf_mp_reader *reader)
{
    struct bf_total *total = state;
    bf_compensated_get(&total->values, reader);
    total->n = bf_mp_get_uint(reader);
    return bf_mp_ok(reader) ? BF_OK : BF_MALFORMED;
}

#endif
