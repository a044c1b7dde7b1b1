/* Time zones against the vectors of tests/vectors/timezone (from Python's zoneinfo), the days that are not of
 * 24 hours, and bytes that are no time zone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/civil.h"
#include "core/time.h"
#include "core/timezone.h"

#define FOLDER TEST_SOURCE_DIR "/tests/vectors/timezone/"
#define HOUR (3600 * BF_US_PER_S)
#define DAY (24 * HOUR)

static char bytes[BF_TIMEZONE_BYTES_MAX + 1];

static struct bf_slice tzif(const char *stem)
{
    char path[512];
    snprintf(path, sizeof(path), FOLDER "%s.tzif", stem);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t len = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    return (struct bf_slice){bytes, len};
}

static struct bf_timezone *zone_of(const char *stem)
{
    struct bf_timezone *zone = NULL;
    struct bf_err err = {.message = ""};
    if (bf_timezone_create(tzif(stem), &zone, &err) != BF_OK) {
        fail_msg("%s: %s", stem, err.message);
    }
    return zone;
}

static int check_vectors(const char *stem)
{
    char path[512], kind[8];
    long long a, b;
    int lines = 0;
    struct bf_timezone *zone = zone_of(stem);
    snprintf(path, sizeof(path), FOLDER "%s.txt", stem);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    for (; fscanf(file, "%7s %lld %lld", kind, &a, &b) == 3; lines++) {
        long long got = strcmp(kind, "offset") == 0
                            ? bf_timezone_at(zone, a * BF_US_PER_S).offset_us / BF_US_PER_S
                            : bf_timezone_utc(zone, a * BF_US_PER_S) / BF_US_PER_S;
        if (got != b) {
            fail_msg("%s: %s %lld is %lld, not %lld", stem, kind, a, b, got);
        }
    }
    fclose(file);
    bf_timezone_destroy(zone);
    return lines;
}

static void agrees_with_the_vectors(void **state)
{
    (void)state;
    DIR *folder = opendir(FOLDER);
    int zones = 0, lines = 0;
    assert_non_null(folder);
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        size_t len = strlen(entry->d_name);
        if (len > 5 && strcmp(entry->d_name + len - 5, ".tzif") == 0) {
            char stem[64];
            snprintf(stem, sizeof(stem), "%.*s", (int)(len - 5), entry->d_name);
            lines += check_vectors(stem);
            zones++;
        }
    }
    closedir(folder);
    assert_true(zones >= 16 && lines > 2000);
}

static int64_t day_length(const struct bf_timezone *zone, int64_t year, int month, int day)
{
    int64_t days = bf_civil_days(year, month, day);
    return bf_timezone_utc(zone, (days + 1) * DAY) - bf_timezone_utc(zone, days * DAY);
}

static void days_have_their_length(void **state)
{
    (void)state;
    static const struct {
        const char *zone;
        int64_t year;
        int month, day;
        int64_t length;
    } known[] = {
        {.zone = "Europe_Helsinki", .year = 2024, .month = 3, .day = 31, .length = 23 * HOUR},
        {.zone = "Europe_Helsinki", .year = 2024, .month = 10, .day = 27, .length = 25 * HOUR},
        {.zone = "Europe_Helsinki", .year = 2024, .month = 10, .day = 28, .length = 24 * HOUR},
        {.zone = "Europe_Helsinki", .year = 2199, .month = 3, .day = 31, .length = 23 * HOUR},
        {.zone = "America_New_York", .year = 2024, .month = 3, .day = 10, .length = 23 * HOUR},
        {.zone = "America_New_York", .year = 2024, .month = 11, .day = 3, .length = 25 * HOUR},
        {.zone = "Australia_Lord_Howe", .year = 2024, .month = 4, .day = 7, .length = 24 * HOUR + HOUR / 2},
        {.zone = "Australia_Lord_Howe", .year = 2024, .month = 10, .day = 6, .length = 23 * HOUR + HOUR / 2},
        {.zone = "Pacific_Apia", .year = 2011, .month = 12, .day = 29, .length = 24 * HOUR},
        {.zone = "Pacific_Apia", .year = 2011, .month = 12, .day = 30, .length = 0},
        {.zone = "Pacific_Apia", .year = 2011, .month = 12, .day = 31, .length = 24 * HOUR},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        struct bf_timezone *zone = zone_of(known[i].zone);
        assert_int_equal(day_length(zone, known[i].year, known[i].month, known[i].day), known[i].length);
        bf_timezone_destroy(zone);
    }
}

static void local_time_never_runs_back(void **state)
{
    (void)state;
    struct bf_timezone *zone = zone_of("America_St_Johns"); /* changed its clocks at 00:01 */
    int64_t before = INT64_MIN;
    for (int64_t local = bf_civil_days(1986, 1, 1) * DAY; local < bf_civil_days(2012, 1, 1) * DAY;
         local += 29 * 60 * BF_US_PER_S) {
        int64_t utc = bf_timezone_utc(zone, local);
        assert_true(utc >= before);
        assert_true(utc + bf_timezone_at(zone, utc).offset_us >= local);
        assert_true(utc - 1 + bf_timezone_at(zone, utc - 1).offset_us < local);
        before = utc;
    }
    bf_timezone_destroy(zone);
}

static void spans_meet(void **state)
{
    (void)state;
    struct bf_timezone *zone = zone_of("Europe_Helsinki");
    struct bf_timezone_span span = bf_timezone_at(zone, 0);
    int count = 0;
    for (; span.to_us != INT64_MAX; count++) {
        struct bf_timezone_span next = bf_timezone_at(zone, span.to_us);
        assert_int_equal(next.from_us, span.to_us);
        assert_int_not_equal(next.offset_us, span.offset_us);
        span = next;
    }
    assert_true(count > 400); /* two a year, until the end of time */
    bf_timezone_destroy(zone);
    assert_int_equal(bf_timezone_at(NULL, 42).offset_us, 0);
    assert_int_equal(bf_timezone_utc(NULL, 42), 42);
}

static void refuses_other_bytes(void **state)
{
    (void)state;
    struct bf_slice good = tzif("Europe_Helsinki");
    struct bf_timezone *zone = NULL;
    struct bf_err err = {.message = ""};
    for (size_t len = 0; len < good.len; len++) { /* every prefix */
        assert_int_equal(bf_timezone_create((struct bf_slice){good.data, len}, &zone, &err), BF_MALFORMED);
        assert_non_null(strstr(err.message, "not a time zone"));
    }
    assert_int_equal(bf_timezone_create((struct bf_slice){bytes, sizeof(bytes)}, &zone, &err), BF_MALFORMED);
    char head[44] = "TZif";
    assert_int_equal(bf_timezone_create((struct bf_slice){head, sizeof(head)}, &zone, &err), BF_MALFORMED);
    assert_non_null(strstr(err.message, "header"));
}

/* A file with one type and this footer. */
static enum bf_status with_footer(const char *footer, struct bf_timezone **zone)
{
    static const char head[] = "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                               "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\4";
    static const char body[] = "\0\0\0\0\0\0UTC";
    char file[512];
    size_t len = 0;
    for (int i = 0; i < 2; i++) {
        memcpy(file + len, head, 44);
        memcpy(file + len + 44, body, 10);
        len += 54;
    }
    len += (size_t)snprintf(file + len, sizeof(file) - len, "\n%s\n", footer);
    return bf_timezone_create((struct bf_slice){file, len}, zone, NULL);
}

static void reads_footers(void **state)
{
    (void)state;
    static const struct {
        const char *rule;
        int64_t january_s, july_s;
    } good[] = {
        {.rule = "", .january_s = 0, .july_s = 0},
        {.rule = "EET-2EEST,M3.5.0/3,M10.5.0/4", .january_s = 7200, .july_s = 10800},
        {.rule = "EST5EDT,M3.2.0,M11.1.0", .january_s = -18000, .july_s = -14400},
        {.rule = "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", .january_s = 39600, .july_s = 37800},
        {.rule = "IST-1GMT0,M10.5.0,M3.5.0/1", .january_s = 0, .july_s = 3600},
        {.rule = "XXX3EDT4,0/0,J365/23", .january_s = -14400, .july_s = -14400}, /* summer all year */
        {.rule = "AAA0BBB,J60/-167,J300/167:59:59", .january_s = 0, .july_s = 3600},
    };
    static const char *const bad[] = {
        "E",
        "EET",
        "EET-25",
        "EET-2EEST",
        "EET-2EEST,M3.5.0",
        "EET-2EEST,M13.5.0,M10.5.0",
        "EET-2EEST,M3.6.0,M10.5.0",
        "EET-2EEST,M3.5.7,M10.5.0",
        "EET-2EEST,J0,J3",
        "EET-2EEST,J366,J3",
        "EET-2EEST,366,3",
        "EET-2EEST,M3.5.0/168,M10.5.0",
        "EET-2EEST,M3.5.0,M10.5.0,",
        "<EET-2",
        "EET-2:60",
        "EET-99999999999999999999",
        "EET-2EEST;M3.5.0,M10.5.0",
        "EET--2",
        "EET-2EEST,M3.5,0,J4",
    };
    struct bf_timezone *zone = NULL;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(with_footer(good[i].rule, &zone), BF_OK);
        assert_int_equal(bf_timezone_at(zone, bf_civil_days(2100, 1, 15) * DAY).offset_us,
                         good[i].january_s * BF_US_PER_S);
        assert_int_equal(bf_timezone_at(zone, bf_civil_days(2100, 7, 15) * DAY).offset_us,
                         good[i].july_s * BF_US_PER_S);
        bf_timezone_destroy(zone);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (with_footer(bad[i], &zone) != BF_MALFORMED) {
            fail_msg("took %s", bad[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_the_vectors),    cmocka_unit_test(days_have_their_length),
        cmocka_unit_test(local_time_never_runs_back), cmocka_unit_test(spans_meet),
        cmocka_unit_test(refuses_other_bytes),        cmocka_unit_test(reads_footers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
