/* compensated.h: a sum that does not lose small values beside large ones (Neumaier's variant of Kahan's
 * summation), for `sum` and `mean`. Merging adds the other's sum and carries both compensations over.
 * Declined: long double (its width is the platform's, so two hosts would differ).
 * Thread: values, any. */
#ifndef BF_PROCESSORS_COMPENSATED_H
#define BF_PROCESSORS_COMPENSATED_H

#include <math.h>
#include <stdint.h>

#include "core/mp.h"

struct bf_compensated {
    double sum, lost;
    uint64_t n;
};

static inline void bf_compensated_add(struct bf_compensated *total, double value)
{
    double sum = total->sum + value;
    total->lost +=
        fabs(total->sum) >= fabs(value) ? (total->sum - sum) + value : (value - sum) + total->sum;
    total->sum = sum;
}

static inline void bf_compensated_merge(struct bf_compensated *total,
                                        const struct bf_compensated *other)
{
    bf_compensated_add(total, other->sum);
    total->lost += other->lost;
    total->n += other->n;
}

static inline void bf_compensated_save(const struct bf_compensated *total,
                                       struct bf_mp_writer *writer)
{
    bf_mp_put_double(writer, total->sum);
    bf_mp_put_double(writer, total->lost);
    bf_mp_put_uint(writer, total->n);
}

static inline enum bf_status bf_compensated_load(struct bf_compensated *total,
                                                 struct bf_mp_reader *reader)
{
    total->sum = bf_mp_get_double(reader);
    total->lost = bf_mp_get_double(reader);
    total->n = bf_mp_get_uint(reader);
    return bf_mp_ok(reader) ? BF_OK : BF_MALFORMED;
}

#endif
