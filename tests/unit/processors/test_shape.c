/* Panes: known days over the changes of clocks, hours of a day, days of a week, and laws that hold for every
 * shape at random times: a pane holds its time, panes follow each other, steps there and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/civil.h"
#include "core/timezone.h"
#include "processors/shape.h"

#define FOLDER TEST_SOURCE_DIR "/tests/vectors/timezone/"
#define HOUR (3600 * BF_US_PER_S)
#define DAY (24 * HOUR)
#define MINUTE (60 * BF_US_PER_S)

static struct bf_timezone *zone_of(const char *stem)
{
    static char bytes[BF_TIMEZONE_BYTES_MAX];
    char path[512];
    struct bf_timezone *zone = NULL;
    snprintf(path, sizeof(path), FOLDER "%s.tzif", stem);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t len = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    assert_int_equal(bf_timezone_create((struct bf_slice){bytes, len}, &zone, NULL), BF_OK);
    return zone;
}

static int64_t at(const char *text)
{
    int64_t time_us = 0;
    assert_int_equal(bf_time_parse_rfc3339(bf_slice_of(text), &time_us), BF_OK);
    return time_us;
}

static void assert_pane(const struct bf_window_shape *shape, const char *time, const char *start,
                        const char *end)
{
    struct bf_pane pane = {.start_us = 0};
    char a[32], b[32];
    assert_true(bf_shape_pane(shape, at(time), &pane));
    if (pane.start_us != at(start) || pane.end_us != at(end)) {
        fail_msg("%s lies in %s to %s, not %s to %s", time, bf_time_format(pane.start_us, a, sizeof(a)),
                 bf_time_format(pane.end_us, b, sizeof(b)), start, end);
    }
}

static void assert_outside(const struct bf_window_shape *shape, const char *time)
{
    struct bf_pane pane;
    assert_false(bf_shape_pane(shape, at(time), &pane));
}

static void days_follow_the_clock(void **state)
{
    (void)state;
    struct bf_timezone *zone = zone_of("Europe_Helsinki");
    struct bf_window_shape day = {
        .kind = BF_WINDOW_CALENDAR, .panes = 1, .unit = BF_CALENDAR_DAY, .timezone = zone};
    assert_pane(&day, "2024-03-31T12:00:00Z", "2024-03-31T00:00:00+02:00", "2024-04-01T00:00:00+03:00");
    assert_pane(&day, "2024-10-27T00:00:00Z", "2024-10-27T00:00:00+03:00", "2024-10-28T00:00:00+02:00");
    assert_pane(&day, "2024-10-26T20:59:59Z", "2024-10-26T00:00:00+03:00", "2024-10-27T00:00:00+03:00");
    struct bf_window_shape operating = day;
    operating.day_start_s = 16200;
    assert_pane(&operating, "2024-03-31T01:29:59Z", "2024-03-30T04:30:00+02:00", "2024-03-31T04:30:00+03:00");
    assert_pane(&operating, "2024-03-31T01:30:00Z", "2024-03-31T04:30:00+03:00", "2024-04-01T04:30:00+03:00");
    struct bf_window_shape week = day;
    week.unit = BF_CALENDAR_WEEK;
    assert_pane(&week, "2024-03-31T12:00:00Z", "2024-03-25T00:00:00+02:00", "2024-04-01T00:00:00+03:00");
    struct bf_window_shape month = day;
    month.unit = BF_CALENDAR_MONTH;
    assert_pane(&month, "2024-02-29T21:59:59Z", "2024-02-01T00:00:00+02:00", "2024-03-01T00:00:00+02:00");
    assert_pane(&month, "2024-10-15T00:00:00Z", "2024-10-01T00:00:00+03:00", "2024-11-01T00:00:00+02:00");
    struct bf_window_shape year = day;
    year.unit = BF_CALENDAR_YEAR;
    year.day_start_s = 16200;
    assert_pane(&year, "2024-01-01T00:00:00Z", "2023-01-01T04:30:00+02:00", "2024-01-01T04:30:00+02:00");
    bf_timezone_destroy(zone);
}

static void hours_are_those_that_clocks_show(void **state)
{
    (void)state;
    struct bf_timezone *zone = zone_of("Australia_Lord_Howe"); /* half an hour, at 02:00 */
    struct bf_window_shape hour = {
        .kind = BF_WINDOW_CALENDAR, .panes = 1, .unit = BF_CALENDAR_HOUR, .timezone = zone};
    assert_pane(&hour, "2024-07-01T00:00:00Z", "2024-07-01T10:00:00+10:30", "2024-07-01T11:00:00+10:30");
    /* 02:00 becomes 01:30: an hour to the change, then half of one once more. */
    assert_pane(&hour, "2024-04-07T01:59:00+11:00", "2024-04-07T01:00:00+11:00", "2024-04-07T02:00:00+11:00");
    assert_pane(&hour, "2024-04-07T01:31:00+10:30", "2024-04-07T01:30:00+10:30", "2024-04-07T02:00:00+10:30");
    /* 02:00 becomes 02:30. */
    assert_pane(&hour, "2024-10-06T02:31:00+11:00", "2024-10-06T02:30:00+11:00", "2024-10-06T03:00:00+11:00");
    hour.parts[0] = (struct bf_day_part){.from_s = 8 * 3600, .to_s = 10 * 3600};
    hour.part_count = 1;
    assert_outside(&hour, "2024-07-01T10:00:00+10:30");
    assert_pane(&hour, "2024-07-01T09:30:00+10:30", "2024-07-01T09:00:00+10:30", "2024-07-01T10:00:00+10:30");
    struct bf_pane next = bf_shape_step(&hour, at("2024-07-01T09:00:00+10:30"), 1);
    assert_int_equal(next.start_us, at("2024-07-02T08:00:00+10:30"));
    bf_timezone_destroy(zone);
}

static void a_day_that_was_left_out_takes_no_time(void **state)
{
    (void)state;
    struct bf_timezone *zone = zone_of("Pacific_Apia");
    struct bf_window_shape day = {
        .kind = BF_WINDOW_CALENDAR, .panes = 3, .unit = BF_CALENDAR_DAY, .timezone = zone};
    assert_pane(&day, "2011-12-30T09:59:59Z", "2011-12-29T00:00:00-10:00", "2011-12-30T00:00:00-10:00");
    assert_pane(&day, "2011-12-30T10:00:00Z", "2011-12-31T00:00:00+14:00", "2012-01-01T00:00:00+14:00");
    struct bf_pane pane = bf_shape_after(&day, at("2011-12-31T12:00:00+14:00"));
    /* Three days, one of which is empty. */
    assert_int_equal(bf_shape_window_start(&day, &pane), at("2011-12-29T00:00:00-10:00"));
    bf_timezone_destroy(zone);
}

static void hours_of_a_day_are_panes(void **state)
{
    (void)state;
    struct bf_timezone *zone = zone_of("Europe_Helsinki");
    struct bf_window_shape noise = {.kind = BF_WINDOW_CALENDAR,
                                    .panes = 1,
                                    .unit = BF_CALENDAR_DAY,
                                    .parts = {{.from_s = 7 * 3600, .to_s = 19 * 3600},
                                              {.from_s = 19 * 3600, .to_s = 22 * 3600},
                                              {.from_s = 22 * 3600, .to_s = 31 * 3600}},
                                    .part_count = 3,
                                    .timezone = zone};
    assert_pane(&noise, "2024-03-30T23:00:00Z", "2024-03-30T22:00:00+02:00", "2024-03-31T07:00:00+03:00");
    assert_pane(&noise, "2024-03-31T04:00:00Z", "2024-03-31T07:00:00+03:00", "2024-03-31T19:00:00+03:00");
    assert_pane(&noise, "2024-03-31T16:00:00Z", "2024-03-31T19:00:00+03:00", "2024-03-31T22:00:00+03:00");
    struct bf_window_shape peak = {
        .kind = BF_WINDOW_CALENDAR,
        .panes = 1,
        .unit = BF_CALENDAR_DAY,
        .parts = {{.from_s = 7 * 3600, .to_s = 9 * 3600}, {.from_s = 16 * 3600, .to_s = 18 * 3600}},
        .part_count = 2,
        .weekdays = 0x1f,
        .timezone = zone};
    assert_pane(&peak, "2024-10-28T08:59:00+02:00", "2024-10-28T07:00:00+02:00", "2024-10-28T09:00:00+02:00");
    assert_outside(&peak, "2024-10-28T09:00:00+02:00");
    assert_outside(&peak, "2024-10-27T08:00:00+02:00"); /* a Sunday */
    struct bf_pane pane = bf_shape_after(&peak, at("2024-10-25T17:00:00+03:00"));
    pane = bf_shape_after(&peak, pane.end_us);
    assert_int_equal(pane.start_us, at("2024-10-28T07:00:00+02:00"));
    /* A month of nothing but its peak hours. */
    peak.unit = BF_CALENDAR_MONTH;
    assert_pane(&peak, "2024-10-28T08:59:00+02:00", "2024-10-01T00:00:00+03:00", "2024-11-01T00:00:00+02:00");
    assert_outside(&peak, "2024-10-28T09:00:00+02:00");
    assert_outside(&peak, "2024-10-27T08:00:00+02:00");
    /* Fridays' nights end on Saturday. */
    struct bf_window_shape night = {.kind = BF_WINDOW_CALENDAR,
                                    .panes = 1,
                                    .unit = BF_CALENDAR_MONTH,
                                    .parts = {{.from_s = 22 * 3600, .to_s = 30 * 3600}},
                                    .part_count = 1,
                                    .weekdays = 1 << 4,
                                    .timezone = zone};
    struct bf_pane any;
    assert_true(bf_shape_pane(&night, at("2024-10-26T05:59:00+03:00"), &any));
    assert_outside(&night, "2024-10-26T06:00:00+03:00");
    assert_outside(&night, "2024-10-25T05:59:00+03:00");
    bf_timezone_destroy(zone);
}

static void a_year_of_days(void **state)
{
    (void)state;
    struct bf_timezone *zone = zone_of("America_New_York");
    struct bf_window_shape year = {
        .kind = BF_WINDOW_CALENDAR, .panes = 365, .unit = BF_CALENDAR_DAY, .timezone = zone};
    struct bf_pane pane = bf_shape_after(&year, at("2025-01-15T12:00:00-05:00"));
    assert_int_equal(bf_shape_window_start(&year, &pane), at("2024-01-17T00:00:00-05:00")); /* a leap year */
    assert_true(bf_shape_reach_us(&year) >= 364 * DAY);
    struct bf_window_shape fixed = {.kind = BF_WINDOW_FIXED, .panes = 365, .pane_us = DAY};
    assert_true(bf_shape_pane(&fixed, at("2025-01-15T12:00:00Z"), &pane));
    assert_int_equal(bf_shape_window_start(&fixed, &pane), at("2024-01-17T00:00:00Z"));
    assert_int_equal(bf_shape_reach_us(&fixed), 364 * DAY);
    bf_timezone_destroy(zone);
}

/* ---- laws */
static uint64_t seed = 7;
static int64_t draw(int64_t below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (int64_t)(seed >> 20) % below;
}

static struct bf_window_shape random_shape(const struct bf_timezone *zone)
{
    struct bf_window_shape shape = {.kind = BF_WINDOW_CALENDAR,
                                    .unit = (enum bf_calendar_unit)draw(5),
                                    .panes = (uint32_t)draw(9) + 1,
                                    .weekdays = (uint8_t)(draw(2) * draw(128)),
                                    .timezone = zone};
    if (shape.unit == BF_CALENDAR_DAY || shape.unit == BF_CALENDAR_HOUR) {
        shape.part_count = (size_t)draw(3);
        shape.parts[0] = (struct bf_day_part){.from_s = 2 * 3600, .to_s = 5 * 3600};
        shape.parts[1] = (struct bf_day_part){.from_s = 21 * 3600, .to_s = 26 * 3600};
    } else {
        shape.day_start_s = (int32_t)draw(24) * 3600;
        shape.weekdays = 0;
    }
    return shape;
}

static void check_laws(const struct bf_window_shape *shape, int64_t time_us)
{
    struct bf_pane pane = bf_shape_after(shape, time_us), same, held;
    assert_true(pane.end_us > time_us && pane.end_us > pane.start_us);
    assert_true(bf_shape_pane(shape, pane.start_us, &held));
    assert_true(held.start_us == pane.start_us && held.end_us == pane.end_us);
    same = bf_shape_after(shape, pane.end_us - 1);
    assert_true(same.start_us == pane.start_us && same.end_us == pane.end_us);
    struct bf_pane next = bf_shape_after(shape, pane.end_us);
    assert_true(next.start_us >= pane.end_us);
    if (shape->part_count == 0 && shape->weekdays == 0) {
        assert_int_equal(next.start_us, pane.end_us);
    }
    int64_t steps = draw(20);
    same = bf_shape_step(shape, bf_shape_step(shape, pane.start_us, steps).start_us, -steps);
    struct bf_pane last = bf_shape_step(shape, pane.start_us, (int64_t)shape->panes - 1);
    assert_true(last.end_us - pane.end_us <= bf_shape_reach_us(shape));
    if (last.end_us > last.start_us) {
        assert_int_equal(bf_shape_window_start(shape, &last), pane.start_us);
        assert_int_equal(same.start_us, pane.start_us);
    }
}

static void laws_hold(void **state)
{
    (void)state;
    static const char *const names[] = {"Europe_Helsinki", "America_St_Johns", "Australia_Lord_Howe",
                                        "America_Havana",  "Pacific_Apia",     "Africa_Casablanca",
                                        "Etc_UTC",         "America_Nuuk"};
    for (size_t z = 0; z < sizeof(names) / sizeof(names[0]); z++) {
        struct bf_timezone *zone = zone_of(names[z]);
        for (int i = 0; i < 300; i++) {
            struct bf_window_shape shape = random_shape(zone);
            int64_t time_us = draw(BF_TIME_MAX / MINUTE / 2) * MINUTE;
            struct bf_timezone_span span = bf_timezone_at(zone, time_us);
            int64_t change_us = span.to_us == INT64_MAX ? time_us : span.to_us; /* where it is hardest */
            for (int64_t near = -5; near <= 5; near++) {
                check_laws(&shape, change_us + near * 20 * MINUTE + draw(3) - 1);
            }
            check_laws(&shape, time_us);
        }
        bf_timezone_destroy(zone);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_follow_the_clock),
        cmocka_unit_test(hours_are_those_that_clocks_show),
        cmocka_unit_test(a_day_that_was_left_out_takes_no_time),
        cmocka_unit_test(hours_of_a_day_are_panes),
        cmocka_unit_test(a_year_of_days),
        cmocka_unit_test(laws_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
