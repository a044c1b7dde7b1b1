/* Two sides' results of the same windows: what is equal, what differs, what cannot be told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>

#include "cli/compare.h"
#include "core/time.h"

#define SECOND BF_US_PER_S
#define MARGIN (60 * SECOND)
#define HASH 77

static struct bf_kpi_definition definitions[] = {{.id = {"air", 3},
                                                  .window_us = 10 * SECOND,
                                                  .delay_us = SECOND,
                                                  .lateness_us = 30 * SECOND,
                                                  .hash = HASH},
                                                 {.id = {"noise", 5},
                                                  .window_us = 10 * SECOND,
                                                  .delay_us = SECOND,
                                                  .lateness_us = 30 * SECOND,
                                                  .hash = HASH}};
static const struct bf_city city = {.kpis = definitions, .kpi_count = 2, .time = {.emit_every_us = SECOND}};
static struct bf_comparison *comparison;
static uint64_t recorded_hash;

static uint64_t definition_of(void *context, int64_t generation, struct bf_slice kpi)
{
    (void)context;
    (void)generation;
    (void)kpi;
    return recorded_hash;
}

static struct bf_kpi window(const char *scope, int64_t start_s, double value)
{
    return (struct bf_kpi){.kpi = BF_SLICE("air"),
                           .scope = bf_slice_of(scope),
                           .unit = BF_SLICE("1"),
                           .start_us = start_s * SECOND,
                           .end_us = (start_s + 10) * SECOND,
                           .has_value = true,
                           .value = value,
                           .n = 3,
                           .phase = BF_KPI_FINAL,
                           .quality = BF_QUALITY_GOOD,
                           .generation = 1,
                           .clock_us = (start_s + 11) * SECOND};
}

static void put(enum bf_compare_side side, struct bf_kpi kpi)
{
    struct bf_err err;
    kpi.generation = side == BF_COMPARE_RECORD ? 7 : 1;
    kpi.stale_after_us = side == BF_COMPARE_RECORD ? 5 : 6; /* none of these is compared */
    assert_int_equal(bf_comparison_put(comparison, side, &kpi, &err), BF_OK);
}

static void both(struct bf_kpi kpi)
{
    put(BF_COMPARE_RECORD, kpi);
    put(BF_COMPARE_REPLAY, kpi);
}

static struct bf_compare_kpi air(void)
{
    return bf_comparison_kpi(comparison, 0);
}

static int set_up(void **state)
{
    (void)state;
    const struct bf_compare_options options = {
        .city = &city, .definition = definition_of, .margin_us = MARGIN, .windows = 100, .show = 2};
    recorded_hash = HASH;
    return bf_comparison_create(&options, &comparison, NULL) == BF_OK ? 0 : 1;
}

static int tear_down(void **state)
{
    (void)state;
    bf_comparison_destroy(comparison);
    return 0;
}

static void the_same_results_are_equal_in_any_order(void **state)
{
    (void)state;
    bf_comparison_from(comparison, BF_TIME_NONE, true);
    put(BF_COMPARE_REPLAY, window("city", 0, 1.5));
    put(BF_COMPARE_REPLAY, window("zone.a", 0, 2));
    put(BF_COMPARE_RECORD, window("zone.a", 0, 2));
    put(BF_COMPARE_RECORD, window("city", 0, 1.5));
    put(BF_COMPARE_RECORD, window("city", 0, 1.5)); /* written again by a task that replayed */
    struct bf_kpi provisional = window("city", 10, 9);
    provisional.phase = BF_KPI_PROVISIONAL;
    put(BF_COMPARE_RECORD, provisional);
    bf_comparison_end(comparison, 1000 * SECOND);
    assert_int_equal(air().equal, 2);
    assert_int_equal(air().left_out, 0);
    assert_true(bf_comparison_equal(comparison));
}

static void one_bit_of_a_value_is_a_difference(void **state)
{
    (void)state;
    put(BF_COMPARE_RECORD, window("city", 0, 1.5));
    put(BF_COMPARE_REPLAY, window("city", 0, nextafter(1.5, 2)));
    struct bf_kpi band = window("city", 10, 1);
    put(BF_COMPARE_RECORD, band);
    band.band = BF_SLICE("fair");
    put(BF_COMPARE_REPLAY, band);
    bf_comparison_end(comparison, 1000 * SECOND);
    struct bf_compare_kpi kpi = air();
    assert_int_equal(kpi.different, 2);
    assert_int_equal(kpi.shown_count, 2);
    assert_int_equal(kpi.shown[0].kind, BF_COMPARE_VALUE);
    assert_true(kpi.shown[0].old.value < kpi.shown[0].new.value);
    assert_false(kpi.shown[0].redefined);
    assert_false(bf_comparison_equal(comparison));
}

static void what_only_one_side_has_is_said_by_side(void **state)
{
    (void)state;
    recorded_hash = 1; /* another definition */
    put(BF_COMPARE_RECORD, window("city", 0, 1));
    put(BF_COMPARE_REPLAY, window("zone.a", 0, 1));
    struct bf_kpi gone = window("city", 0, 1);
    gone.kpi = BF_SLICE("smell");
    put(BF_COMPARE_RECORD, gone);
    bf_comparison_end(comparison, 1000 * SECOND);
    struct bf_compare_kpi kpi = air();
    assert_int_equal(kpi.missing, 1);
    assert_int_equal(kpi.surplus, 1);
    assert_true(kpi.redefined && kpi.shown[0].redefined);
    assert_int_equal(bf_comparison_gone(comparison), 1);
    assert_false(bf_comparison_equal(comparison));
}

static void windows_that_are_cut_are_left_out(void **state)
{
    (void)state;
    bf_comparison_from(comparison, 20 * SECOND, false);
    put(BF_COMPARE_RECORD, window("city", 10, 1)); /* began before */
    put(BF_COMPARE_RECORD, window("city", 90, 1)); /* closes at 101, behind the end */
    struct bf_kpi empty = window("zone.quiet", 40, 0);
    empty.has_value = false;
    empty.n = 0;
    put(BF_COMPARE_RECORD, empty); /* its scope may be known from before 20 s */
    empty.start_us = 60 * SECOND;
    empty.end_us = 70 * SECOND;
    put(BF_COMPARE_RECORD, empty); /* not any more: the lateness is 30 s */
    both(window("city", 30, 1));
    bf_comparison_end(comparison, 100 * SECOND);
    struct bf_compare_kpi kpi = air();
    assert_int_equal(kpi.equal, 1);
    assert_int_equal(kpi.left_out, 3);
    assert_int_equal(kpi.missing, 1);
}

static void the_newest_revision_counts(void **state)
{
    (void)state;
    bf_comparison_from(comparison, BF_TIME_NONE, false);
    struct bf_kpi revised = window("city", 0, 1);
    both(revised);
    revised.revision = 1; /* sent at two instants on record, at one in the replay */
    revised.value = 2;
    put(BF_COMPARE_RECORD, revised);
    revised.revision = 2;
    revised.value = 3;
    put(BF_COMPARE_RECORD, revised);
    revised.revision = 1;
    put(BF_COMPARE_REPLAY, revised);
    bf_comparison_end(comparison, 100 * SECOND);
    assert_int_equal(air().equal, 1);
}

static void from_the_beginning_the_number_of_revisions_counts_too(void **state)
{
    (void)state;
    bf_comparison_from(comparison, BF_TIME_NONE, true);
    struct bf_kpi revised = window("city", 0, 1);
    both(revised);
    revised.revision = 1;
    put(BF_COMPARE_RECORD, revised);
    bf_comparison_end(comparison, 100 * SECOND);
    assert_int_equal(air().different, 1);
    assert_true(air().shown[0].revision);
}

static void a_revision_that_may_be_under_way_is_left_out(void **state)
{
    (void)state;
    struct bf_kpi revised = window("city", 0, 1);
    both(revised);
    revised.revision = 1;
    revised.value = 2;
    revised.clock_us = 99 * SECOND;
    put(BF_COMPARE_RECORD, revised);
    bf_comparison_end(comparison, 100 * SECOND);
    assert_int_equal(air().left_out, 1);
}

/* However long the log, only open windows are held. */
static void what_both_sides_are_past_goes(void **state)
{
    (void)state;
    bf_comparison_from(comparison, BF_TIME_NONE, true);
    for (int64_t start = 0; start < 10000; start += 10) {
        both(window("city", start, (double)start));
        bf_comparison_reached(comparison, BF_COMPARE_RECORD, (start + 11) * SECOND);
        bf_comparison_reached(comparison, BF_COMPARE_REPLAY, (start + 11) * SECOND);
    }
    bf_comparison_end(comparison, 20000 * SECOND);
    assert_int_equal(air().equal, 1000);
}

static void a_full_table_is_said(void **state)
{
    (void)state;
    struct bf_err err = {.message = ""};
    enum bf_status status = BF_OK;
    for (int64_t start = 0; status == BF_OK && start < 10000; start += 10) {
        struct bf_kpi kpi = window("city", start, 1);
        status = bf_comparison_put(comparison, BF_COMPARE_REPLAY, &kpi, &err);
    }
    assert_int_equal(status, BF_LIMIT);
    assert_non_null(strstr(err.hint, "--windows"));
}

static void the_first_differences_are_shown(void **state)
{
    (void)state;
    for (int64_t start = 50; start >= 0; start -= 10) {
        put(BF_COMPARE_RECORD, window("zone.b", start, 1));
        put(BF_COMPARE_RECORD, window("zone.a", start, 1));
    }
    bf_comparison_end(comparison, 1000 * SECOND);
    struct bf_compare_kpi kpi = air();
    assert_int_equal(kpi.missing, 12);
    assert_int_equal(kpi.shown_count, 2);
    assert_true(kpi.shown[0].start_us == 0 && kpi.shown[1].start_us == 0);
    assert_string_equal(kpi.shown[0].scope, "zone.a");
    assert_string_equal(kpi.shown[1].scope, "zone.b");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_same_results_are_equal_in_any_order),
        TEST(one_bit_of_a_value_is_a_difference),
        TEST(what_only_one_side_has_is_said_by_side),
        TEST(windows_that_are_cut_are_left_out),
        TEST(the_newest_revision_counts),
        TEST(from_the_beginning_the_number_of_revisions_counts_too),
        TEST(a_revision_that_may_be_under_way_is_left_out),
        TEST(what_both_sides_are_past_goes),
        TEST(a_full_table_is_said),
        TEST(the_first_differences_are_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
