/* moments.h: count, mean and sum of squared deviations, for `variance` and `stddev`: Welford's update
 * (1962) and Chan, Golub and LeVeque's merge (1979), which do not subtract large squares from each other.
 * Mean and squares are double-doubles (Dekker 1971; sums by Knuth, products by fma): with a mean of 1e9 and
 * a deviation of 1 plain doubles keep seven digits, and which seven depends on the order of merging.
 * Owner: the aggregate's state.   Thread: values, any. */
#ifndef BF_PROCESSORS_MOMENTS_H
#define BF_PROCESSORS_MOMENTS_H

#include "processors/aggregate/aggregate.h"

struct bf_pair { /* high + low, |low| at most half a unit in the last place of high */
    double high, low;
};

struct bf_moments {
    struct bf_pair mean, squares;
    uint64_t n;
};

void bf_moments_init(void *state, const struct bf_value_options *options);
void bf_moments_add(void *state, const struct bf_sample *sample, const struct bf_value_options *options);
void bf_moments_merge(void *state, const void *other);
/* Of a sample: the squares by n - 1. False below two values. */
bool bf_moments_variance(const void *state, const struct bf_value_options *options, double *value);
void bf_moments_save(const void *state, struct bf_mp_writer *writer);
enum bf_status bf_moments_load(void *state, struct bf_mp_reader *reader);

#endif
