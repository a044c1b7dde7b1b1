/* RFC 3339 in and out: offsets, fractions, calendar edges, leap seconds, garbage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <time.h>

#include "core/time.h"

static const struct {
    const char *text;
    int64_t time_us;
} good[] = {
    {.text = "1970-01-01T00:00:00Z", .time_us = 0},
    {.text = "1970-01-01T00:00:00-00:00", .time_us = 0},
    {.text = "1970-01-01T01:30:00+01:30", .time_us = 0},
    {.text = "1969-12-31T23:59:59.999999Z", .time_us = -1},
    {.text = "2024-02-13T16:33:00.005271Z", .time_us = 1707841980005271},
    {.text = "2024-02-13 16:33:00.005271Z", .time_us = 1707841980005271},
    {.text = "2024-02-13t18:33:00.005271+02:00", .time_us = 1707841980005271},
    {.text = "2024-02-13T16:33:00z", .time_us = 1707841980000000},
    {.text = "2024-02-13T16:33:00.1Z", .time_us = 1707841980100000},
    {.text = "2024-02-13T16:33:00.123456789Z", .time_us = 1707841980123456},
    {.text = "2024-02-13T16:33:00.000000999Z", .time_us = 1707841980000000},
    {.text = "2024-02-29T00:00:00-23:59", .time_us = 1709251140000000},
    {.text = "2000-02-29T12:00:00Z", .time_us = 951825600000000},
    {.text = "0000-01-01T00:00:00Z", .time_us = INT64_C(-62167219200000000)},
    {.text = "9999-12-31T23:59:59.999999Z", .time_us = INT64_C(253402300799999999)},
    {.text = "2200-01-01T00:00:00Z", .time_us = BF_TIME_MAX},
    /* Leap seconds are the last microsecond of the second before, by UTC whatever the offset. */
    {.text = "2016-12-31T23:59:60Z", .time_us = 1483228799999999},
    {.text = "2016-12-31T23:59:60.5Z", .time_us = 1483228799999999},
    {.text = "2017-01-01T00:59:60+01:00", .time_us = 1483228799999999},
};

static const char *const bad[] = {
    "", "2", "2024", "2024-02-13", "2024-02-13T16:33:00", "2024-02-13T16:33Z", "now",
    "2024-02-13T16:33:00.Z", "2024-02-13T16:33:00,5Z", "2024-02-13T16:33:00.1234567890Z",
    "2024-02-30T00:00:00Z", "2023-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2024-04-31T00:00:00Z",
    "2024-00-10T00:00:00Z", "2024-13-10T00:00:00Z", "2024-01-00T00:00:00Z", "2024-01-32T00:00:00Z",
    "2024-01-01T24:00:00Z", "2024-01-01T00:60:00Z", "2024-01-01T00:00:61Z", "2024-01-01T00:00:60Z",
    "2024-01-01T23:59:60+01:00", "2024-01-01T00:00:00+24:00", "2024-01-01T00:00:00+01:60",
    "2024-01-01T00:00:00+0100", "2024-01-01T00:00:00+1:00", "2024-01-01T00:00:00Z ",
    " 2024-01-01T00:00:00Z", "2024-01-01T00:00:00ZZ", "2024-01-01T00:00:00UTC",
    "-024-01-01T00:00:00Z", "+2024-01-01T00:00:00Z", "2024/01/01T00:00:00Z",
    "2024-01-01X00:00:00Z", "2024-1-01T00:00:00Z", "20240101T000000Z", "2024-01-01T00:00:0\xffZ",
};

static void reads_what_is_right(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        int64_t time_us = 42;
        assert_int_equal(bf_time_parse_rfc3339(bf_slice_of(good[i].text), &time_us), BF_OK);
        assert_int_equal(time_us, good[i].time_us);
    }
}

static void refuses_what_is_not(void **state)
{
    (void)state;
    int64_t time_us = 42;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(bf_time_parse_rfc3339(bf_slice_of(bad[i]), &time_us), BF_MALFORMED);
    }
    struct bf_slice with_nul = BF_SLICE("2024-01-01T00:00:00\0");
    assert_int_equal(bf_time_parse_rfc3339(with_nul, &time_us), BF_MALFORMED);
    struct bf_slice nothing = {.data = NULL, .len = 0};
    assert_int_equal(bf_time_parse_rfc3339(nothing, &time_us), BF_MALFORMED);
    assert_int_equal(time_us, 42);
}

static void refuses_every_prefix(void **state)
{
    (void)state;
    struct bf_slice text = BF_SLICE("2024-02-13T16:33:00.005271+02:00");
    for (size_t len = 0; len < text.len; len++) {
        int64_t time_us;
        struct bf_slice prefix = {.data = text.data, .len = len};
        assert_int_equal(bf_time_parse_rfc3339(prefix, &time_us), BF_MALFORMED);
    }
}

static void formats_no_more_digits_than_needed(void **state)
{
    (void)state;
    char text[32];
    assert_string_equal(bf_time_format(1707841980005271, text, sizeof(text)),
                        "2024-02-13T16:33:00.005271Z");
    assert_string_equal(bf_time_format(1707841980005000, text, sizeof(text)),
                        "2024-02-13T16:33:00.005Z");
    assert_string_equal(bf_time_format(1707841980000000, text, sizeof(text)),
                        "2024-02-13T16:33:00Z");
    assert_string_equal(bf_time_format(-1, text, sizeof(text)), "1969-12-31T23:59:59.999999Z");
    assert_string_equal(bf_time_format(BF_TIME_NONE, text, sizeof(text)), "none");
    assert_string_equal(bf_time_format(INT64_MAX, text, sizeof(text)),
                        "294247-01-10T04:00:54.775807Z");
    assert_string_equal(bf_time_format(INT64_MIN + 1, text, sizeof(text)),
                        "-290308-12-21T19:59:05.224193Z");
}

/* Odd steps through four centuries, held against libc's calendar and back through the parser. */
static void agrees_with_libc(void **state)
{
    (void)state;
    for (int64_t seconds = INT64_C(-62167219200); seconds < INT64_C(15000000000);
         seconds += 7777777) {
        char text[32], expected[96];
        time_t libc_time = (time_t)seconds;
        struct tm tm;
        assert_non_null(gmtime_r(&libc_time, &tm));
        snprintf(expected, sizeof(expected), "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900,
                 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
        bf_time_format(seconds * BF_US_PER_S, text, sizeof(text));
        assert_string_equal(text, expected);
        int64_t time_us;
        assert_int_equal(bf_time_parse_rfc3339(bf_slice_of(text), &time_us), BF_OK);
        assert_int_equal(time_us, seconds * BF_US_PER_S);
    }
}

static void floors_towards_the_past(void **state)
{
    (void)state;
    assert_int_equal(bf_time_floor(0, 10), 0);
    assert_int_equal(bf_time_floor(19, 10), 10);
    assert_int_equal(bf_time_floor(-1, 10), -10);
    assert_int_equal(bf_time_floor(-10, 10), -10);
}

static void clocks_run(void **state)
{
    (void)state;
    int64_t before = bf_time_monotonic_us();
    assert_true(bf_time_wall_us() > INT64_C(1600000000000000));
    assert_true(bf_time_monotonic_us() >= before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_is_right),
        cmocka_unit_test(refuses_what_is_not),
        cmocka_unit_test(refuses_every_prefix),
        cmocka_unit_test(formats_no_more_digits_than_needed),
        cmocka_unit_test(agrees_with_libc),
        cmocka_unit_test(floors_towards_the_past),
        cmocka_unit_test(clocks_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
