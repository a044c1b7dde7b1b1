/* compensated.h: a sum that does not lose small values beside large ones (Neumaier's variant of Kahan's
 * summation), for `sum` and `mean`. Merging adds the other's sum and carries both compensations over.
 * Declined: long double (its width is the platform's, so two hosts would differ).
 * Thread: values, any. */
#ifndef BF_PROCESSORS_COMPENSATED_H
#define BF_PROCESSORS_COMPENSATED_H

#include <math.h>
#include <stdint.h>

#include "processors/aggregate/aggregate.h"

struct bf_compensated {
    double sum, lost;
    uint64_t n;
};

static inline void bf_compensated_add(struct bf_compensated *total, double value)
{
    double sum = total->sum + value;
    total->lost += fabs(total->sum) >= fabs(value) ? (total->sum - sum) + value : (value - sum) + total->sum;
    total->sum = sum;
}

/* The rest as a family's entry wants it (aggregate.h): `state` is a struct bf_compensated. */
static inline void bf_compensated_init(void *state, const struct bf_value_options *options)
{
    (void)options;
    *(struct bf_compensated *)state = (struct bf_compensated){.sum = 0, .lost = 0, .n = 0};
}

static inline void bf_compensated_take(void *state, const struct bf_sample *sample,
                                       const struct bf_value_options *options)
{
    (void)options;
    struct bf_compensated *total = state;
    bf_compensated_add(total, sample->value);
    total->n++;
}

static inline void bf_compensated_merge(void *state, const void *other)
{
    struct bf_compensated *total = state;
    const struct bf_compensated *from = other;
    bf_compensated_add(total, from->sum);
    total->lost += from->lost;
    total->n += from->n;
}

static inline void bf_compensated_save(const void *state, struct bf_mp_writer *writer)
{
    const struct bf_compensated *total = state;
    bf_mp_put_double(writer, total->sum);
    bf_mp_put_double(writer, total->lost);
    bf_mp_put_uint(writer, total->n);
}

static inline enum bf_status bf_compensated_load(void *state, struct bf_mp_reader *reader)
{
    struct bf_compensated *total = state;
    total->sum = bf_mp_get_double(reader);
    total->lost = bf_mp_get_double(reader);
    total->n = bf_mp_get_uint(reader);
    return bf_mp_ok(reader) ? BF_OK : BF_MALFORMED;
}

#endif
