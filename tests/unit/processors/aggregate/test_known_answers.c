/* Known answers, worked by hand, of the aggregates that are not sketches. */
#include "tests/unit/processors/aggregate/feed.h"

#include <string.h>

static const struct bf_value_options plain = {.scale = 1};

static void means_by_weight(void **state)
{
    (void)state;
    struct feed feed;
    feed_begin(&feed, "weighted_mean", plain);
    assert_false(feed_has(&feed));
    feed_sample(&feed, (struct bf_sample){.value = 50, .weight = 300}); /* 300 vehicles at 50 km/h */
    feed_sample(&feed, (struct bf_sample){.value = 30, .weight = 100});
    assert_near(feed_result(&feed), 45, 1e-15);
}

static void means_by_time(void **state)
{
    (void)state;
    struct feed feed;
    feed_begin(&feed, "time_weighted_mean", plain);
    assert_false(feed_has(&feed));
    feed_step(&feed, 0, 50, 10, 20);
    feed_step(&feed, 50, 60, 20, 0);
    assert_near(feed_result(&feed), 35.0 / 3, 1e-15);
}

/* ISO 1996-1's own example of the kind: 60 dB for half of the time and 70 dB for the other is 67.4 dB. */
static void means_of_energy(void **state)
{
    (void)state;
    struct feed feed;
    feed_begin(&feed, "energy_mean", plain);
    feed_value(&feed, 60);
    feed_value(&feed, 70);
    assert_near(feed_result(&feed), 10 * log10((1e6 + 1e7) / 2), 1e-14);
    feed_begin(&feed, "energy_mean", plain);
    feed_value(&feed, 63.2);
    feed_value(&feed, 63.2);
    assert_near(feed_result(&feed), 63.2, 1e-14);
    feed_begin(&feed, "energy_mean", plain); /* 16 h of 65 dB, 8 h of 55 dB */
    feed_sample(&feed, (struct bf_sample){.value = 65, .weight = 16});
    feed_sample(&feed, (struct bf_sample){.value = 55, .weight = 8});
    assert_near(feed_result(&feed), 10 * log10((16 * pow(10, 6.5) + 8 * pow(10, 5.5)) / 24), 1e-14);
    feed_value(&feed, 1e5); /* no level; the window says nothing rather than nonsense */
    assert_false(feed_has(&feed));
}

static void means_of_directions(void **state)
{
    (void)state;
    struct feed feed;
    feed_begin(&feed, "circular_mean", plain);
    assert_false(feed_has(&feed));
    feed_value(&feed, 350);
    feed_value(&feed, 30);
    assert_near(feed_result(&feed), 10, 1e-13);
    feed_value(&feed, -350); /* any number of turns */
    assert_near(feed_result(&feed), 10, 1e-13);
    feed_begin(&feed, "circular_mean", plain);
    feed_value(&feed, 90);
    feed_value(&feed, 270);
    assert_false(feed_has(&feed));
    feed_begin(&feed, "circular_mean", plain); /* a strong wind from the east, a breeze from the north */
    feed_sample(&feed, (struct bf_sample){.value = 90, .weight = 10});
    feed_sample(&feed, (struct bf_sample){.value = 0, .weight = 10 / sqrt(3)});
    assert_near(feed_result(&feed), 60, 1e-14);
    feed_begin(&feed, "circular_mean", plain);
    feed_value(&feed, 359.9999999999999);
    feed_value(&feed, 360);
    assert_true(feed_result(&feed) >= 0 && feed_result(&feed) < 360);
}

static void counters_rise_reset_and_roll_over(void **state)
{
    (void)state;
    struct feed increase, rate;
    feed_begin(&increase, "increase", plain);
    feed_begin(&rate, "rate", (struct bf_value_options){.per_us = 3600 * SECOND});
    assert_false(feed_has(&increase) || feed_has(&rate));
    struct feed *const both[] = {&increase, &rate};
    for (size_t i = 0; i < 2; i++) {
        feed_step(both[i], 0, 600, 100, 130);    /* 30 */
        feed_step(both[i], 600, 1200, 130, 130); /* still */
        feed_step(both[i], 1200, 1800, 130, 12); /* reset: 12 */
    }
    assert_true(feed_result(&increase) == 42);
    assert_near(feed_result(&rate), 84, 1e-15); /* in half an hour */
    feed_begin(&increase, "increase", (struct bf_value_options){.rollover = 1000});
    feed_step(&increase, 0, 1, 990, 15);
    assert_true(feed_result(&increase) == 25);
    feed_step(&increase, 1, 2, 2000, 5); /* it was never below 1000: a reset */
    assert_true(feed_result(&increase) == 30);
    feed_step(&increase, 2, 3, 5, -7); /* a counter does not fall below zero */
    assert_true(feed_result(&increase) == 30);
    const struct bf_step cut = {.from_us = 0, .to_us = SECOND, .value = 1, .ends = false, .next = 99};
    increase.aggregate->step(increase.state, &cut, &increase.options);
    assert_true(feed_result(&increase) == 30);
}

static void time_in_a_state(void **state)
{
    (void)state;
    struct feed seconds, share;
    feed_begin(&seconds, "time_in_state", (struct bf_value_options){.scale = 1.0 / 60});
    feed_begin(&share, "time_in_state", (struct bf_value_options){.scale = 100, .fraction = true});
    assert_false(feed_has(&seconds) || feed_has(&share));
    struct feed *const both[] = {&seconds, &share};
    for (size_t i = 0; i < 2; i++) { /* occupied where above 0 */
        feed_step(both[i], 0, 90, 1, 0);
        feed_step(both[i], 90, 300, 0, 1);
        feed_step(both[i], 300, 360, 1, 1);
    }
    assert_true(feed_result(&seconds) == 2.5);
    assert_near(feed_result(&share), 100 * 150.0 / 360, 1e-15);
}

static void shares_and_completeness(void **state)
{
    (void)state;
    struct feed share, completeness;
    feed_begin(&share, "share", (struct bf_value_options){.scale = 100});
    assert_false(feed_has(&share));
    for (int i = 0; i < 8; i++) {
        feed_sample(&share, (struct bf_sample){.holds = i < 3});
    }
    assert_true(feed_result(&share) == 37.5);
    feed_begin(&completeness, "completeness", (struct bf_value_options){.every_us = 10 * SECOND});
    feed_value(&completeness, 1);
    assert_false(feed_has(&completeness));
    feed_step(&completeness, 0, 60, 1, 1);
    feed_value(&completeness, 2);
    feed_value(&completeness, 2);
    assert_near(feed_result(&completeness), 0.5, 1e-15);
    for (int i = 0; i < 50; i++) {
        feed_value(&completeness, 3);
    }
    assert_true(feed_result(&completeness) == 1); /* never more than all */
}

static void extremes_and_ends(void **state)
{
    (void)state;
    struct feed range, first, last;
    feed_begin(&range, "range", plain);
    feed_begin(&first, "first", plain);
    feed_begin(&last, "last", plain);
    static const double values[] = {-3, 8, 2.5};
    static const int64_t times[] = {30, 10, 20};
    for (size_t i = 0; i < 3; i++) {
        const struct bf_sample sample = {.value = values[i], .event_us = times[i], .offset = (int64_t)i};
        feed_sample(&range, sample);
        feed_sample(&first, sample);
        feed_sample(&last, sample);
    }
    assert_true(feed_result(&range) == 11);
    assert_true(feed_result(&first) == 8);
    assert_true(feed_result(&last) == -3);
    /* Of equal times the earlier place in the log is first. */
    feed_sample(&first, (struct bf_sample){.value = 9, .event_us = 10, .partition = 0, .offset = 0});
    assert_true(feed_result(&first) == 9);
}

static void histograms_count_up_to_and_with_each_bound(void **state)
{
    (void)state;
    static const double bounds[] = {-1, 0.1, 10};
    char json[BF_KPI_DETAIL_MAX];
    struct feed feed;
    feed_begin(&feed, "histogram", (struct bf_value_options){.bounds = bounds, .bound_count = 3});
    static const double values[] = {-5, -1, -0.5, 0.1, 0.2, 10, 10.5, 1e300};
    for (size_t i = 0; i < 8; i++) {
        feed_value(&feed, values[i]);
    }
    assert_true(feed_result(&feed) == 8);
    struct bf_slice got = {json, feed.aggregate->detail(feed.state, &feed.options, json)};
    assert_true(bf_slice_equal(got, BF_SLICE("{\"bounds\":[-1,0.1,10],\"counts\":[2,2,2,2]}")));
}

/* The longest possible one: every bound of 24 characters, every count of 20. */
static void the_longest_histogram_fits(void **state)
{
    (void)state;
    static double bounds[BF_BOUNDS_MAX];
    char json[BF_KPI_DETAIL_MAX];
    char saved[4096];
    struct feed feed;
    for (int i = 0; i < BF_BOUNDS_MAX; i++) {
        bounds[i] = -1.2345678901234567e-300 / (i + 3);
    }
    feed_begin(&feed, "histogram", (struct bf_value_options){.bounds = bounds, .bound_count = BF_BOUNDS_MAX});
    struct bf_mp_writer writer;
    struct bf_mp_reader reader;
    bf_mp_writer_init(&writer, saved, sizeof saved);
    bf_mp_put_array(&writer, BF_BOUNDS_MAX + 1);
    for (int i = 0; i <= BF_BOUNDS_MAX; i++) {
        bf_mp_put_uint(&writer, UINT64_MAX - 1);
    }
    bf_mp_reader_init(&reader, (struct bf_slice){saved, writer.len});
    assert_int_equal(feed.aggregate->load(feed.state, &reader), BF_OK);
    size_t len = feed.aggregate->detail(feed.state, &feed.options, json);
    assert_true(len > 1500 && len <= BF_KPI_DETAIL_MAX && json[len - 1] == '}');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(means_by_weight),
        cmocka_unit_test(means_by_time),
        cmocka_unit_test(means_of_energy),
        cmocka_unit_test(means_of_directions),
        cmocka_unit_test(counters_rise_reset_and_roll_over),
        cmocka_unit_test(time_in_a_state),
        cmocka_unit_test(shares_and_completeness),
        cmocka_unit_test(extremes_and_ends),
        cmocka_unit_test(histograms_count_up_to_and_with_each_bound),
        cmocka_unit_test(the_longest_histogram_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
