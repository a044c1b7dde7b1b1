/* time.c: clocks, and times as text.
 * Declined: strptime, timegm, gmtime_r: they consult the locale or the zone, know no fractions, and
 * refuse or accept differently from libc to libc, while the same log must give the same times. */
#include "core/time.h"

#include <assert.h>
#include <stdio.h>
#include <time.h>

#include "core/civil.h"

#define US_PER_DAY (INT64_C(86400) * BF_US_PER_S)

static int64_t clock_us(clockid_t clock)
{
    struct timespec now;
    int failed = clock_gettime(clock, &now);
    assert(!failed);
    return (int64_t)now.tv_sec * BF_US_PER_S + now.tv_nsec / 1000;
}

int64_t bf_time_wall_us(void)
{
    return clock_us(CLOCK_REALTIME);
}

int64_t bf_time_monotonic_us(void)
{
    return clock_us(CLOCK_MONOTONIC);
}

/* The parser's cursor: bad once, bad for good. */
struct cursor {
    const char *at, *end;
    bool bad;
};

static int take_digits(struct cursor *cursor, int count, int min, int max)
{
    int number = 0;
    for (int i = 0; i < count; i++) {
        if (cursor->at == cursor->end || *cursor->at < '0' || *cursor->at > '9') {
            cursor->bad = true;
            return min;
        }
        number = number * 10 + (*cursor->at++ - '0');
    }
    if (number < min || number > max) {
        cursor->bad = true;
        return min;
    }
    return number;
}

/* One byte out of `allowed`; '\0' and bad otherwise. */
static char take_one(struct cursor *cursor, const char *allowed)
{
    char byte = cursor->at < cursor->end ? *cursor->at : '\0';
    if (byte == '\0' || !strchr(allowed, byte)) {
        cursor->bad = true;
        return '\0';
    }
    cursor->at++;
    return byte;
}

/* ".005271" as microseconds; digits beyond the sixth are read and cut; no point, no fraction. */
static int take_fraction(struct cursor *cursor)
{
    if (cursor->bad || cursor->at == cursor->end || *cursor->at != '.') {
        return 0;
    }
    cursor->at++;
    int micros = 0, digits = 0;
    for (; cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9'; cursor->at++) {
        if (digits < 6) {
            micros = micros * 10 + (*cursor->at - '0');
        }
        digits++;
    }
    cursor->bad = digits == 0 || digits > 9;
    for (; digits < 6; digits++) {
        micros *= 10;
    }
    return micros;
}

/* "Z" or "+02:00", in minutes east. */
static int take_offset(struct cursor *cursor)
{
    char sign = take_one(cursor, "Zz+-");
    if (sign != '+' && sign != '-') {
        return 0;
    }
    int hours = take_digits(cursor, 2, 0, 23);
    take_one(cursor, ":");
    int minutes = hours * 60 + take_digits(cursor, 2, 0, 59);
    return sign == '-' ? -minutes : minutes;
}

enum bf_status bf_time_parse_rfc3339(struct bf_slice text, int64_t *time_us)
{
    if (text.len == 0) {
        return BF_MALFORMED;
    }
    struct cursor cursor = {.at = text.data, .end = text.data + text.len, .bad = false};
    int year = take_digits(&cursor, 4, 0, 9999);
    take_one(&cursor, "-");
    int month = take_digits(&cursor, 2, 1, 12);
    take_one(&cursor, "-");
    int day = take_digits(&cursor, 2, 1, bf_civil_month_days(year, month));
    take_one(&cursor, "Tt ");
    int hour = take_digits(&cursor, 2, 0, 23);
    take_one(&cursor, ":");
    int minute = take_digits(&cursor, 2, 0, 59);
    take_one(&cursor, ":");
    int second = take_digits(&cursor, 2, 0, 60);
    int micros = take_fraction(&cursor);
    int offset = take_offset(&cursor);
    if (cursor.bad || cursor.at != cursor.end) {
        return BF_MALFORMED;
    }
    int64_t minutes = bf_civil_days(year, month, day) * 1440 + hour * 60 + minute - offset;
    if (second == 60) {
        /* Leap seconds end a UTC day. POSIX time has no room for them: the last microsecond
         * before. */
        if (minutes - bf_time_floor(minutes, 1440) != 1439) {
            return BF_MALFORMED;
        }
        second = 59;
        micros = 999999;
    }
    *time_us = (minutes * 60 + second) * BF_US_PER_S + micros;
    return BF_OK;
}

char *bf_time_format(int64_t time_us, char *text, size_t size)
{
    assert(size >= 32);
    if (time_us == BF_TIME_NONE) {
        snprintf(text, size, "none");
        return text;
    }
    int64_t in_day = time_us % US_PER_DAY;
    int64_t days = time_us / US_PER_DAY;
    if (in_day < 0) {
        in_day += US_PER_DAY;
        days--;
    }
    struct bf_date date = bf_civil_date(days);
    int seconds = (int)(in_day / BF_US_PER_S);
    int micros = (int)(in_day % BF_US_PER_S);
    char fraction[16] = "";
    if (micros % 1000 != 0) {
        snprintf(fraction, sizeof(fraction), ".%06d", micros);
    } else if (micros != 0) {
        snprintf(fraction, sizeof(fraction), ".%03d", micros / 1000);
    }
    snprintf(text, size, "%04lld-%02d-%02dT%02d:%02d:%02d%sZ", (long long)date.year, date.month, date.day,
             seconds / 3600, seconds / 60 % 60, seconds % 60, fraction);
    return text;
}
