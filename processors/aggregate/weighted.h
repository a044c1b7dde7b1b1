/* weighted.h: a sum of values times their weights, and the weights, both compensated: for `weighted_mean`,
 * `energy_mean` and, with time as weight, `time_weighted_mean`.
 * Owner: the aggregate's state.   Thread: values, any. */
#ifndef BF_PROCESSORS_WEIGHTED_H
#define BF_PROCESSORS_WEIGHTED_H

#include "processors/aggregate/compensated.h"

struct bf_weighted {
    struct bf_compensated values, weights;
};

static inline void bf_weighted_init(void *state, const struct bf_value_options *options)
{
    (void)options;
    *(struct bf_weighted *)state = (struct bf_weighted){.values = {.sum = 0}, .weights = {.sum = 0}};
}

static inline void bf_weighted_add(struct bf_weighted *weighted, double value, double weight)
{
    bf_compensated_add(&weighted->values, value * weight);
    bf_compensated_add(&weighted->weights, weight);
}

static inline void bf_weighted_merge(void *state, const void *other)
{
    struct bf_weighted *weighted = state;
    const struct bf_weighted *from = other;
    bf_compensated_merge(&weighted->values, &from->values);
    bf_compensated_merge(&weighted->weights, &from->weights);
}

static inline bool bf_weighted_result(const void *state, const struct bf_value_options *options,
                                      double *value)
{
    (void)options;
    const struct bf_weighted *weighted = state;
    double weight = bf_compensated_value(&weighted->weights);
    if (!(weight > 0)) {
        return false;
    }
    *value = bf_compensated_value(&weighted->values) / weight;
    return true;
}

static inline void bf_weighted_save(const void *state, struct bf_mp_writer *writer)
{
    bf_compensated_put(&((const struct bf_weighted *)state)->values, writer);
    bf_compensated_put(&((const struct bf_weighted *)state)->weights, writer);
}

static inline enum bf_status bf_weighted_load(void *state, struct bf_mp_reader *reader)
{
    bf_compensated_get(&((struct bf_weighted *)state)->values, reader);
    bf_compensated_get(&((struct bf_weighted *)state)->weights, reader);
    return bf_mp_ok(reader) ? BF_OK : BF_MALFORMED;
}

#endif
