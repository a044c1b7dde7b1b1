/* distinct: exact while few, the stated standard error beyond, whatever the names look like. */
#include "tests/unit/processors/aggregate/feed.h"

#include <stdio.h>
#include <string.h>

#define SEEDS 20
#define KINDS 5
#define SIZES 4

static void name_of(char text[64], size_t kind, unsigned seed, unsigned i)
{
    switch (kind) {
    case 0:
        snprintf(text, 64, "n:device-%06u-%u", i, seed);
        break;
    case 1:
        snprintf(text, 64, "%x:%u", i * 2654435761u, seed);
        break;
    case 2:
        snprintf(text, 64, "hsl:bus/0022/%08u/%u", i * 64, seed);
        break;
    case 3:
        snprintf(text, 64, "%u.%u", i, seed);
        break;
    default:
        snprintf(text, 64, "a very long name that all of them have in common %u %u", i * 7, seed);
        break;
    }
}

static double error_of(size_t kind, unsigned seed, unsigned size)
{
    struct feed feed;
    char text[64];
    feed_begin(&feed, "distinct", (struct bf_value_options){.k = 1});
    for (unsigned i = 0; i < size; i++) {
        name_of(text, kind, seed, i);
        feed_label(&feed, text);
    }
    return feed_result(&feed) / size - 1;
}

static void the_standard_error_is_below_two_per_cent(void **state)
{
    (void)state;
    static const unsigned sizes[SIZES] = {300, 1000, 5000, 20000};
    static const char *const names[KINDS] = {"counted", "scattered", "strided", "short", "long"};
    double by_size[SIZES] = {0}, bias = 0;
    printf("HyperLogLog, standard error in per cent of %d seeds\n%10s", SEEDS, "names");
    for (size_t s = 0; s < SIZES; s++) {
        printf(" %6u", sizes[s]);
    }
    for (size_t kind = 0; kind < KINDS; kind++) {
        double by_kind = 0;
        printf("\n%10s", names[kind]);
        for (size_t s = 0; s < SIZES; s++) {
            double squares = 0;
            for (unsigned seed = 0; seed < SEEDS; seed++) {
                double error = error_of(kind, seed, sizes[s]);
                squares += error * error / SEEDS;
                bias += s > 0 ? error / (SEEDS * KINDS * (SIZES - 1)) : 0;
            }
            printf(" %6.3f", 100 * sqrt(squares));
            by_size[s] += squares / KINDS;
            by_kind += s > 0 ? squares / (SIZES - 1) : 0;
        }
        assert_true(sqrt(by_kind) < 0.02);
    }
    printf("\n");
    assert_true(by_size[0] == 0); /* exact */
    for (size_t s = 1; s < SIZES; s++) {
        assert_true(sqrt(by_size[s]) < 0.02);
    }
    assert_true(fabs(bias) < 0.002);
}

static void few_are_counted_exactly(void **state)
{
    (void)state;
    struct feed feed, twin;
    char text[64];
    feed_begin(&feed, "distinct", (struct bf_value_options){.k = 1});
    feed_begin(&twin, "distinct", (struct bf_value_options){.k = 1});
    feed_label(&feed, ""); /* a reading without the tag */
    assert_true(feed_result(&feed) == 0);
    for (unsigned i = 0; i < 384; i++) {
        name_of(text, 0, 1, i);
        feed_label(&feed, text);
        feed_label(&feed, text);
        feed_label(&twin, text);
        assert_true(feed_result(&feed) == i + 1);
    }
    feed_merge(&feed, &twin);
    assert_true(feed_result(&feed) == 384);
    feed_label(&feed, "one more");
    assert_true(feed_result(&feed) != 384);
    assert_near(feed_result(&feed), 385, 0.02);
}

static void a_union_counts_each_once(void **state)
{
    (void)state;
    struct feed a, b;
    char text[64];
    feed_begin(&a, "distinct", (struct bf_value_options){.k = 1});
    feed_begin(&b, "distinct", (struct bf_value_options){.k = 1});
    for (unsigned i = 0; i < 20000; i++) {
        name_of(text, 1, 1, i);
        feed_label(i < 15000 ? &a : &b, text);
        feed_label(i >= 5000 ? &b : &a, text);
    }
    double alone = feed_result(&a);
    feed_merge(&a, &b);
    assert_near(alone, 15000, 0.05);
    assert_near(feed_result(&a), 20000, 0.05);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_standard_error_is_below_two_per_cent),
        cmocka_unit_test(few_are_counted_exactly),
        cmocka_unit_test(a_union_counts_each_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
