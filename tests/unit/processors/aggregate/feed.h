/* feed.h: what the tests of aggregates share: an aggregate by name with options, two states, and short ways
 * to feed them.   Thread: one. */
#ifndef BF_TESTS_UNIT_AGGREGATE_FEED_H
#define BF_TESTS_UNIT_AGGREGATE_FEED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>

#include "processors/aggregate/aggregate.h"

#define SECOND INT64_C(1000000)

struct feed {
    const struct bf_aggregate *aggregate;
    struct bf_value_options options;
    _Alignas(8) unsigned char state[BF_AGGREGATE_STATE_MAX];
};

static inline void feed_begin(struct feed *feed, const char *name, struct bf_value_options options)
{
    *feed = (struct feed){.aggregate = bf_aggregate_find(bf_slice_of(name)), .options = options};
    assert_non_null(feed->aggregate);
    feed->options.scale = options.scale != 0 ? options.scale : 1;
    feed->aggregate->init(feed->state, &feed->options);
}

static inline void feed_sample(struct feed *feed, struct bf_sample sample)
{
    sample.weight = sample.weight != 0 ? sample.weight : 1;
    feed->aggregate->add(feed->state, &sample, &feed->options);
}

static inline void feed_value(struct feed *feed, double value)
{
    feed_sample(feed, (struct bf_sample){.value = value, .has_value = true});
}

static inline void feed_label(struct feed *feed, const char *label)
{
    feed_sample(feed, (struct bf_sample){.label = bf_slice_of(label)});
}

/* A value that holds from the one second to the other, and what follows it. */
static inline void feed_step(struct feed *feed, int64_t from_s, int64_t to_s, double value, double next)
{
    const struct bf_step step = {.from_us = from_s * SECOND,
                                 .to_us = to_s * SECOND,
                                 .value = value,
                                 .holds = value > 0,
                                 .ends = true,
                                 .next = next};
    feed->aggregate->step(feed->state, &step, &feed->options);
}

static inline void feed_merge(struct feed *feed, const struct feed *other)
{
    feed->aggregate->merge(feed->state, other->state);
}

static inline bool feed_has(const struct feed *feed)
{
    double value = 0;
    return feed->aggregate->result(feed->state, &feed->options, &value);
}

static inline double feed_result(const struct feed *feed)
{
    double value = 0;
    assert_true(feed->aggregate->result(feed->state, &feed->options, &value));
    return value;
}

static inline void assert_near(double value, double wanted, double relative)
{
    if (!(fabs(value - wanted) <= relative * fabs(wanted))) {
        fail_msg("%.17g is not %.17g", value, wanted);
    }
}

#endif
