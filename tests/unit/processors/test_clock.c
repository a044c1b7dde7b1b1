/* The partition's clock, rule by rule. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "processors/clock.h"

#define SECOND BF_US_PER_S

static const struct bf_clock_rules rules = {.tick_every_us = 2 * SECOND,
                                            .writer_timeout_us = 16 * SECOND,
                                            .hold_max_us = 16 * SECOND,
                                            .max_writers = 3};
static struct bf_clock clock_under_test;

static int fresh(void **state)
{
    (void)state;
    bf_clock_init(&clock_under_test);
    return 0;
}

static int gone(void **state)
{
    (void)state;
    bf_clock_deinit(&clock_under_test);
    return 0;
}

/* The clock after a tick of `id`; clock_s < 0: a tick without one. */
static int64_t tick(const char *id, int64_t incarnation, int64_t clock_s, bool flows)
{
    const struct bf_tick record = {.ingest = bf_slice_of(id),
                                   .incarnation = incarnation,
                                   .has_clock = clock_s >= 0,
                                   .clock_us = clock_s >= 0 ? clock_s * SECOND : 0,
                                   .flows = flows};
    struct bf_writer *writer = bf_clock_writer(&clock_under_test, &rules, bf_slice_of(id));
    assert_non_null(writer);
    clock_under_test.now_us = bf_clock_tick(&clock_under_test, &rules, writer, &record);
    return clock_under_test.now_us;
}

static void it_is_the_smallest_and_never_runs_back(void **state)
{
    (void)state;
    assert_int_equal(tick("a", 1, 100, true), 100 * SECOND);
    assert_int_equal(tick("b", 1, 90, true), 100 * SECOND);
    assert_int_equal(tick("a", 1, 120, true), 100 * SECOND);
    assert_int_equal(tick("b", 1, 110, true), 110 * SECOND);
    assert_int_equal(tick("b", 1, 105, true), 110 * SECOND);
}

static void a_tick_without_a_clock_leaves_the_last(void **state)
{
    (void)state;
    (void)tick("a", 1, 100, true);
    assert_int_equal(tick("a", 2, -1, true), 100 * SECOND);
    assert_int_equal(tick("a", 2, -1, true), 100 * SECOND);
    assert_int_equal(tick("b", 1, 200, true), 100 * SECOND); /* a holds it at its last one */
}

static void death_is_counted_in_anothers_ticks(void **state)
{
    (void)state;
    (void)tick("a", 1, 100, true);
    for (int i = 0; i < 9; i++) { /* its first, and 8 = writer_timeout / tick_every */
        assert_int_equal(tick("b", 1, 500 + i, true), 100 * SECOND);
    }
    assert_int_equal(tick("b", 1, 600, true), 600 * SECOND);
    assert_int_equal(tick("a", 1, 700, true), 600 * SECOND); /* alive again; b holds it now */
    assert_int_equal(tick("b", 1, 650, true), 650 * SECOND);
}

static void a_clockless_writer_holds_for_hold_max_of_flowing_ticks(void **state)
{
    (void)state;
    assert_int_equal(tick("new", 1, -1, true), BF_TIME_NONE);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(tick("new", 1, -1, false), BF_TIME_NONE); /* Kafka is away: does not count */
        assert_int_equal(tick("b", 1, 100, true), BF_TIME_NONE);
    }
    for (int i = 0; i < 7; i++) {
        assert_int_equal(tick("new", 1, -1, true), BF_TIME_NONE);
    }
    assert_int_equal(tick("new", 1, -1, true), 100 * SECOND);
    /* A new connection begins to count anew. */
    assert_int_equal(tick("new", 2, -1, true), 100 * SECOND);
    assert_int_equal(tick("b", 1, 200, true), 100 * SECOND);
}

static void one_writer_more_than_max_writers_is_refused(void **state)
{
    (void)state;
    (void)tick("a", 1, 1, true);
    (void)tick("b", 1, 1, true);
    (void)tick("c", 1, 1, true);
    assert_null(bf_clock_writer(&clock_under_test, &rules, BF_SLICE("d")));
    assert_non_null(bf_clock_writer(&clock_under_test, &rules, BF_SLICE("a")));
}

static void save_and_load_change_nothing(void **state)
{
    (void)state;
    char bytes[4096], again[4096];
    struct bf_mp_writer out;
    struct bf_mp_reader in;
    (void)tick("a", 7, 100, true);
    (void)tick("b", 8, -1, true);
    bf_mp_writer_init(&out, bytes, sizeof bytes);
    bf_clock_save(&clock_under_test, &out);
    assert_false(out.full);
    struct bf_clock *loaded = test_malloc(sizeof *loaded);
    bf_clock_init(loaded);
    bf_mp_reader_init(&in, (struct bf_slice){bytes, out.len});
    assert_int_equal(bf_clock_load(loaded, &in), BF_OK);
    assert_true(bf_mp_done(&in));
    size_t len = out.len;
    bf_mp_writer_init(&out, again, sizeof again);
    bf_clock_save(loaded, &out);
    assert_int_equal(out.len, len);
    assert_memory_equal(bytes, again, len);
    bf_clock_deinit(loaded);
    for (size_t cut = 0; cut < len; cut++) { /* every truncation is refused */
        bf_clock_init(loaded);
        bf_mp_reader_init(&in, (struct bf_slice){bytes, cut});
        assert_int_equal(bf_clock_load(loaded, &in), BF_MALFORMED);
        bf_clock_deinit(loaded);
    }
    test_free(loaded);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_is_the_smallest_and_never_runs_back, fresh, gone),
        cmocka_unit_test_setup_teardown(a_tick_without_a_clock_leaves_the_last, fresh, gone),
        cmocka_unit_test_setup_teardown(death_is_counted_in_anothers_ticks, fresh, gone),
        cmocka_unit_test_setup_teardown(a_clockless_writer_holds_for_hold_max_of_flowing_ticks, fresh, gone),
        cmocka_unit_test_setup_teardown(one_writer_more_than_max_writers_is_refused, fresh, gone),
        cmocka_unit_test_setup_teardown(save_and_load_change_nothing, fresh, gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
