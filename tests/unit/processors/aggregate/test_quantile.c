/* quantile: the stated error on five distributions, both ends, and what happens where bins run out. */
#include "tests/unit/processors/aggregate/feed.h"

#include <stdio.h>
#include <string.h>

#define VALUES 100000
#define ERROR 0.0100001 /* 1 per cent, and the rounding of the edges */

static uint64_t seed = 1;

static double unit(void)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return ((double)(seed >> 11) + 0.5) / 9007199254740992.0;
}

static double normal(void)
{
    return sqrt(-2 * log(unit())) * cos(6.283185307179586 * unit());
}

static double uniform(void)
{
    return 100 * unit();
}
static double bell(void)
{
    return 20 + 5 * normal();
}
static double lognormal(void)
{
    return exp(1.5 * normal());
}
static double pareto(void)
{
    return pow(unit(), -1 / 1.5);
}
static double bimodal(void)
{
    return unit() < 0.4 ? -20 + 3 * normal() : 60 + 10 * normal();
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double off(double value, double wanted)
{
    return wanted == 0 ? fabs(value) : fabs(value - wanted) / fabs(wanted);
}

static void quantiles_are_within_one_per_cent(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        double (*draw)(void);
    } distributions[] = {{.name = "uniform", .draw = uniform},
                         {.name = "normal", .draw = bell},
                         {.name = "lognormal", .draw = lognormal},
                         {.name = "pareto", .draw = pareto},
                         {.name = "bimodal", .draw = bimodal}};
    static const double shares[] = {0.01, 0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999};
    static double values[VALUES];
    printf("DDSketch, error in per cent of %d values\n%10s", VALUES, "p");
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
        printf(" %6.3g", shares[i]);
    }
    for (size_t d = 0; d < sizeof distributions / sizeof *distributions; d++) {
        struct feed feed;
        feed_begin(&feed, "quantile", (struct bf_value_options){.p = 0.5});
        for (size_t i = 0; i < VALUES; i++) {
            values[i] = distributions[d].draw();
            feed_value(&feed, values[i]);
        }
        qsort(values, VALUES, sizeof *values, ascending);
        printf("\n%10s", distributions[d].name);
        for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
            feed.options.p = shares[i];
            double error = off(feed_result(&feed), values[(size_t)floor(shares[i] * (VALUES - 1))]);
            printf(" %6.3f", 100 * error);
            assert_true(error <= ERROR);
        }
    }
    printf("\n");
}

static void every_magnitude_has_the_same_error(void **state)
{
    (void)state;
    for (double value = 1e-140; value < 1e140; value *= 1.0371) {
        struct feed feed;
        feed_begin(&feed, "quantile", (struct bf_value_options){.p = 0.5});
        feed_value(&feed, value);
        assert_true(off(feed_result(&feed), value) <= ERROR);
        feed_begin(&feed, "quantile", (struct bf_value_options){.p = 0.5});
        feed_value(&feed, -value);
        assert_true(off(feed_result(&feed), -value) <= ERROR);
    }
}

static void signs_zero_and_ends_are_in_order(void **state)
{
    (void)state;
    static const double values[] = {-1e200, -5, -0.0, 0, 1e-200, 3, 1e200};
    struct feed feed;
    feed_begin(&feed, "quantile", (struct bf_value_options){.p = 0});
    for (size_t i = 0; i < 7; i++) {
        feed_value(&feed, values[i]);
    }
    assert_true(feed_result(&feed) < -1e139);
    static const double wanted[] = {-5, 0, 0, 0, 3};
    for (size_t i = 0; i < 5; i++) {
        feed.options.p = (double)(i + 1) / 6 + 1e-9;
        assert_true(off(feed_result(&feed), wanted[i]) <= ERROR);
    }
    feed.options.p = 1;
    assert_true(feed_result(&feed) > 1e139);
}

/* 40 powers of ten do not fit: the lowest lose their place, and nothing else, in whatever order they
 * came. */
static void the_lowest_give_way(void **state)
{
    (void)state;
    static char bytes[2][2 * BF_AGGREGATE_STATE_MAX];
    size_t len[2] = {0, 0};
    for (int way = 0; way < 2; way++) {
        struct feed whole, part;
        feed_begin(&whole, "quantile", (struct bf_value_options){.p = 1});
        for (int p = 0; p < 4; p++) {
            feed_begin(&part, "quantile", (struct bf_value_options){.p = 1});
            for (int i = p; i < 4000; i += 4) {
                feed_value(&part, pow(10, (way ? i : 3999 - i) / 100.0 - 20));
            }
            feed_merge(&whole, &part);
        }
        for (double share = 0.95; share <= 1; share += 0.01) {
            whole.options.p = share;
            double wanted = pow(10, floor(share * 3999) / 100.0 - 20);
            assert_true(off(feed_result(&whole), wanted) <= ERROR);
        }
        whole.options.p = 0;
        assert_true(feed_result(&whole) > 1e11);
        struct bf_mp_writer writer;
        bf_mp_writer_init(&writer, bytes[way], sizeof bytes[way]);
        whole.aggregate->save(whole.state, &writer);
        len[way] = writer.len;
    }
    assert_int_equal(len[0], len[1]);
    assert_memory_equal(bytes[0], bytes[1], len[0]);
}

/* A thousand bins of 100,000 values: two units each, so half of them give way, in whatever order it
 * happens. */
static void large_counts_take_room_too(void **state)
{
    (void)state;
    static char bytes[2][2 * BF_AGGREGATE_STATE_MAX];
    size_t len[2] = {0, 0};
    for (int way = 0; way < 2; way++) {
        struct feed whole, part;
        feed_begin(&whole, "quantile", (struct bf_value_options){.p = 1});
        for (int p = 0; p < 10; p++) { /* a tenth of the range each, from below or from above */
            feed_begin(&part, "quantile", (struct bf_value_options){.p = 1});
            for (int i = 0; i < 1000; i++) {
                feed_value(&part, exp(((way ? p : 9 - p) * 1000 + i) / 500.0));
            }
            for (int twice = 0; twice < 14; twice++) {
                struct feed same = part;
                feed_merge(&part, &same);
            }
            feed_merge(&whole, &part);
        }
        assert_true(off(feed_result(&whole), exp(9999 / 500.0)) <= ERROR);
        whole.options.p = 0.6;
        assert_true(off(feed_result(&whole), exp(6000 / 500.0)) <= 2 * ERROR);
        struct bf_mp_writer writer;
        bf_mp_writer_init(&writer, bytes[way], sizeof bytes[way]);
        whole.aggregate->save(whole.state, &writer);
        len[way] = writer.len;
    }
    assert_int_equal(len[0], len[1]);
    assert_memory_equal(bytes[0], bytes[1], len[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles_are_within_one_per_cent),
        cmocka_unit_test(every_magnitude_has_the_same_error),
        cmocka_unit_test(signs_zero_and_ends_are_in_order),
        cmocka_unit_test(the_lowest_give_way),
        cmocka_unit_test(large_counts_take_room_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
