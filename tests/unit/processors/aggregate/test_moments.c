/* variance and stddev: textbook numbers, and those that plain sums of squares get wrong. */
#include "tests/unit/processors/aggregate/feed.h"

#include "processors/aggregate/moments.h"

static void it_is_the_sample_variance(void **state)
{
    (void)state;
    static const double values[] = {2, 4, 4, 4, 5, 5, 7, 9};
    struct feed variance, stddev;
    feed_begin(&variance, "variance", (struct bf_value_options){.scale = 1});
    feed_begin(&stddev, "stddev", (struct bf_value_options){.scale = 1});
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(feed_has(&variance), i >= 2);
        feed_value(&variance, values[i]);
        feed_value(&stddev, values[i]);
    }
    assert_near(feed_result(&variance), 32.0 / 7, 1e-15);
    assert_near(feed_result(&stddev), sqrt(32.0 / 7), 1e-15);
}

/* NIST StRD NumAcc4: 1001 values around 1e7 whose deviation is 0.1. */
static void digits_far_behind_the_point_survive(void **state)
{
    (void)state;
    struct feed whole, parts, part;
    feed_begin(&whole, "stddev", (struct bf_value_options){.scale = 1});
    feed_begin(&parts, "stddev", (struct bf_value_options){.scale = 1});
    for (int p = 0; p < 7; p++) {
        feed_begin(&part, "stddev", (struct bf_value_options){.scale = 1});
        for (int i = p; i < 1001; i += 7) {
            double value = i == 0 ? 10000000.2 : i % 2 ? 10000000.1 : 10000000.3;
            feed_value(&whole, value);
            feed_value(&part, value);
        }
        feed_merge(&parts, &part);
    }
    assert_near(feed_result(&whole), 0.1, 1e-8); /* 10000000.1 is not quite that as a double */
    assert_near(feed_result(&parts), feed_result(&whole), 1e-14);
}

static void offsets_do_not_matter(void **state)
{
    (void)state;
    for (double base = 1; base < 1e12; base *= 1024) {
        struct feed feed;
        feed_begin(&feed, "variance", (struct bf_value_options){.scale = 1});
        for (int i = 0; i < 1000; i++) {
            feed_value(&feed, base * 4503 + i % 2 * 2);
        }
        assert_near(feed_result(&feed), 1000.0 / 999, 1e-15);
    }
}

static void what_overflows_has_no_value(void **state)
{
    (void)state;
    struct feed feed;
    double value = 0;
    feed_begin(&feed, "variance", (struct bf_value_options){.scale = 1});
    feed_value(&feed, 1e300);
    feed_value(&feed, -1e300);
    assert_true(!feed.aggregate->result(feed.state, &feed.options, &value) || !isfinite(value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_the_sample_variance),
        cmocka_unit_test(digits_far_behind_the_point_survive),
        cmocka_unit_test(offsets_do_not_matter),
        cmocka_unit_test(what_overflows_has_no_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
