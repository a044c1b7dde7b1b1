/* test_replay.c's properties over calendar windows, with time stretched so that a log runs across a change of
 * clocks: days of 23, 24.5 and 25 hours, operating days, hours as clocks show them, and the last days. */
#include <stdint.h>

#include "core/time.h"

static int64_t base_us;
#define SECOND (180 * BF_US_PER_S)
#define BASE base_us
#define CALENDAR(of, count, start)                                                              \
    .kind = BF_WINDOW_CALENDAR, .pane_us = 27 * 3600 * BF_US_PER_S, .unit = of, .panes = count, \
    .day_start_s = start
#define PANES_ORACLE
#define ORACLE_BEFORE (1500 * SECOND)
#define ORACLE_BEHIND (1500 * SECOND)
#define MORE_FIRST_KPIS                                                                                      \
    DEFINITION_OVER("zone_day", "sum", by_zone, 1, false, 31, CALENDAR(BF_CALENDAR_DAY, 1, 0)),              \
        DEFINITION_OVER("zone_hours", "sum", by_zone, 1, false, 32, CALENDAR(BF_CALENDAR_HOUR, 5, 0)),       \
        DEFINITION_OVER("device_day", "count", by_device, 1, true, 33, CALENDAR(BF_CALENDAR_DAY, 2, 16200)), \
        DEFINITION_OVER("device_hour", "count", by_device, 1, true, 34, CALENDAR(BF_CALENDAR_HOUR, 1, 0)),
#define MORE_SECOND_KPIS                                                                        \
    DEFINITION_OVER("zone_day", "sum", by_zone, 1, false, 31, CALENDAR(BF_CALENDAR_DAY, 1, 0)), \
        DEFINITION_OVER("device_day", "count", by_device, 1, true, 43, CALENDAR(BF_CALENDAR_DAY, 1, 16200)),

#include "tests/unit/processors/random_log.h"

static struct bf_timezone *zone;

static void set_zone(struct bf_kpi_definition *kpis, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        kpis[i].window.timezone = kpis[i].window.kind == BF_WINDOW_CALENDAR ? zone : NULL;
    }
}

static void begin(const char *stem, const char *from)
{
    static char bytes[BF_TIMEZONE_BYTES_MAX];
    char path[512];
    snprintf(path, sizeof(path), TEST_SOURCE_DIR "/tests/vectors/timezone/%s.tzif", stem);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t len = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    assert_int_equal(bf_timezone_create((struct bf_slice){bytes, len}, &zone, NULL), BF_OK);
    assert_int_equal(bf_time_parse_rfc3339(bf_slice_of(from), &base_us), BF_OK);
    set_zone(first_kpis, sizeof(first_kpis) / sizeof(first_kpis[0]));
    set_zone(second_kpis, sizeof(second_kpis) / sizeof(second_kpis[0]));
    assert_int_equal(make_plans(NULL), 0);
}

static void run_across(const char *stem, const char *from)
{
    begin(stem, from);
    for (uint64_t number = 1; number <= 2; number++) {
        seed = number * 104729 + 1;
        make_log(false);
        check_log(number, false);
    }
    seed = 77;
    make_log(true);
    check_log(77, true);
    free_plans(NULL);
    bf_timezone_destroy(zone);
}

static void a_day_of_23_hours(void **state)
{
    (void)state;
    run_across("Europe_Helsinki", "2024-03-30T16:00:00Z");
}

static void a_day_of_25_hours(void **state)
{
    (void)state;
    run_across("America_New_York", "2024-11-02T20:00:00Z");
}

static void a_day_of_24_hours_and_a_half(void **state)
{
    (void)state;
    run_across("Australia_Lord_Howe", "2024-04-06T04:00:00Z");
}

static void a_day_that_was_left_out(void **state)
{
    (void)state;
    run_across("Pacific_Apia", "2011-12-29T20:00:00Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_day_of_23_hours),
        cmocka_unit_test(a_day_of_25_hours),
        cmocka_unit_test(a_day_of_24_hours_and_a_half),
        cmocka_unit_test(a_day_that_was_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
