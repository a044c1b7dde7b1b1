/* What /metrics says, byte for byte, and what the registry refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "core/counters.h"

static void formats_one_group_per_name(void **state)
{
    (void)state;
    static struct bf_counters counters;
    char text[1024];
    struct bf_counter *late = bf_counters_add(&counters, BF_COUNTER, "belfry_rejects_total",
                                              "Messages that did not count.", "reason", "late");
    struct bf_counter *depth =
        bf_counters_add(&counters, BF_GAUGE, "belfry_lag", "Records behind.", NULL, NULL);
    struct bf_counter *malformed = bf_counters_add(&counters, BF_COUNTER, "belfry_rejects_total",
                                                   "Messages that did not count.", "reason", "malformed");
    bf_count(late, 3);
    bf_count(malformed, INT64_MAX);
    bf_gauge(depth, -4);
    static const char wanted[] = "# HELP belfry_rejects_total Messages that did not count.\n"
                                 "# TYPE belfry_rejects_total counter\n"
                                 "belfry_rejects_total{reason=\"late\"} 3\n"
                                 "belfry_rejects_total{reason=\"malformed\"} 9223372036854775807\n"
                                 "# HELP belfry_lag Records behind.\n"
                                 "# TYPE belfry_lag gauge\n"
                                 "belfry_lag -4\n";
    assert_int_equal(bf_counters_format(&counters, text, sizeof text), sizeof wanted - 1);
    assert_string_equal(text, wanted);
}

static void escapes_what_the_format_cannot_hold(void **state)
{
    (void)state;
    static struct bf_counters counters;
    char text[256];
    bf_counters_add(&counters, BF_COUNTER, "a_total", "say \"a\\b\"\nthen", "who", "\"x\\y\"\nz");
    bf_counters_format(&counters, text, sizeof text);
    assert_non_null(strstr(text, "# HELP a_total say \"a\\\\b\"\\nthen\n"));
    assert_non_null(strstr(text, "a_total{who=\"\\\"x\\\\y\\\"\\nz\"} 0\n"));
}

static void says_what_it_needs_and_writes_what_fits(void **state)
{
    (void)state;
    static struct bf_counters counters;
    char whole[512];
    bf_counters_add(&counters, BF_COUNTER, "a_total", "A.", NULL, NULL);
    bf_counters_add(&counters, BF_COUNTER, "b_total", "B.", NULL, NULL);
    size_t needed = bf_counters_format(&counters, whole, sizeof whole);
    assert_int_equal(needed, strlen(whole));
    assert_int_equal(bf_counters_format(&counters, NULL, 0), needed);
    for (size_t size = 1; size <= needed; size++) {
        char part[512];
        memset(part, 'x', sizeof part);
        assert_int_equal(bf_counters_format(&counters, part, size), needed);
        assert_int_equal(strlen(part), size - 1);
        assert_memory_equal(part, whole, size - 1);
        assert_int_equal(part[size], 'x');
    }
}

static void the_same_series_is_one(void **state)
{
    (void)state;
    static struct bf_counters counters;
    struct bf_counter *first = bf_counters_add(&counters, BF_COUNTER, "a_total", "A.", "k", "v");
    assert_ptr_equal(bf_counters_add(&counters, BF_COUNTER, "a_total", "A.", "k", "v"), first);
    assert_ptr_not_equal(bf_counters_add(&counters, BF_COUNTER, "a_total", "A.", "k", "w"), first);
    assert_int_equal(counters.used, 2);
}

static void holds_as_many_as_it_says(void **state)
{
    (void)state;
    static struct bf_counters counters;
    static char values[BF_COUNTERS_MAX][8];
    static char text[65536];
    for (size_t i = 0; i < BF_COUNTERS_MAX; i++) {
        snprintf(values[i], sizeof values[i], "%zu", i);
        bf_count(bf_counters_add(&counters, BF_COUNTER, "a_total", "A.", "i", values[i]), (int64_t)i);
    }
    assert_true(bf_counters_format(&counters, text, sizeof text) < sizeof text);
    assert_non_null(strstr(text, "a_total{i=\"255\"} 255\n"));
}

static void *add_many(void *counter)
{
    for (int i = 0; i < 50000; i++) {
        bf_count(counter, 1);
    }
    return NULL;
}

static void threads_lose_no_count(void **state)
{
    (void)state;
    static struct bf_counters counters;
    pthread_t threads[3];
    struct bf_counter *counter = bf_counters_add(&counters, BF_COUNTER, "a_total", "A.", NULL, NULL);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, add_many, counter), 0);
    }
    for (size_t i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(bf_counter_read(counter), 150000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats_one_group_per_name),
        cmocka_unit_test(escapes_what_the_format_cannot_hold),
        cmocka_unit_test(says_what_it_needs_and_writes_what_fits),
        cmocka_unit_test(the_same_series_is_one),
        cmocka_unit_test(holds_as_many_as_it_says),
        cmocka_unit_test(threads_lose_no_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
