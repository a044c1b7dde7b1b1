/* timezone_rule.c: a small recursive-descent reader; bad once, bad for good. */
#include "core/timezone_rule.h"

#include "core/civil.h"

#define DAY_S 86400

struct cursor {
    const char *at, *end;
    bool bad;
};

static bool peek(const struct cursor *cursor, char byte)
{
    return !cursor->bad && cursor->at < cursor->end && *cursor->at == byte;
}

static bool take(struct cursor *cursor, char byte)
{
    bool there = peek(cursor, byte);
    cursor->at += there ? 1 : 0;
    return there;
}

static int take_number(struct cursor *cursor, int min, int max)
{
    int number = 0;
    const char *begin = cursor->at;
    while (cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9' && number <= max) {
        number = number * 10 + (*cursor->at++ - '0');
    }
    if (cursor->at == begin || number < min || number > max) {
        cursor->bad = true;
    }
    return number;
}

/* "EET", or "<+1030>". */
static void take_name(struct cursor *cursor)
{
    bool quoted = take(cursor, '<');
    int letters = 0;
    while (cursor->at < cursor->end) {
        char c = *cursor->at;
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(quoted && ((c >= '0' && c <= '9') || c == '+' || c == '-'))) {
            break;
        }
        cursor->at++;
        letters++;
    }
    if (letters < 3 || (quoted && !take(cursor, '>'))) {
        cursor->bad = true;
    }
}

/* [+-]hh[:mm[:ss]] in seconds. */
static int32_t take_time(struct cursor *cursor, int max_hours)
{
    int32_t sign = take(cursor, '-') ? -1 : 1;
    if (sign > 0) {
        take(cursor, '+');
    }
    int32_t seconds = take_number(cursor, 0, max_hours) * 3600;
    if (take(cursor, ':')) {
        seconds += take_number(cursor, 0, 59) * 60;
        seconds += take(cursor, ':') ? take_number(cursor, 0, 59) : 0;
    }
    return sign * seconds;
}

static void take_day(struct cursor *cursor, struct bf__timezone_day *day)
{
    if (!take(cursor, ',')) {
        cursor->bad = true;
    }
    if (take(cursor, 'M')) {
        day->kind = BF__DAY_MONTH;
        day->month = take_number(cursor, 1, 12);
        cursor->bad = !take(cursor, '.');
        day->week = take_number(cursor, 1, 5);
        cursor->bad = cursor->bad || !take(cursor, '.');
        day->day = take_number(cursor, 0, 6);
    } else if (take(cursor, 'J')) {
        day->kind = BF__DAY_JULIAN;
        day->day = take_number(cursor, 1, 365);
    } else {
        day->kind = BF__DAY_ZERO;
        day->day = take_number(cursor, 0, 365);
    }
    day->time_s = take(cursor, '/') ? take_time(cursor, 167) : 2 * 3600;
}

bool bf__timezone_rule_parse(struct bf_slice text, struct bf__timezone_rule *rule)
{
    struct cursor cursor = {.at = text.data, .end = text.data + text.len, .bad = text.len == 0};
    *rule = (struct bf__timezone_rule){.has_summer = false};
    take_name(&cursor);
    rule->standard_s = -take_time(&cursor, 24);
    if (!cursor.bad && cursor.at < cursor.end) {
        rule->has_summer = true;
        take_name(&cursor);
        rule->summer_s = peek(&cursor, ',') ? rule->standard_s + 3600 : -take_time(&cursor, 24);
        take_day(&cursor, &rule->begin);
        take_day(&cursor, &rule->end);
    }
    return !cursor.bad && cursor.at == cursor.end;
}

/* In days since 1970. */
static int64_t day_of(const struct bf__timezone_day *day, int64_t year)
{
    int64_t first = bf_civil_days(year, 1, 1);
    if (day->kind == BF__DAY_JULIAN) {
        return first + day->day - (day->day < 60 || !bf_civil_is_leap(year) ? 1 : 0);
    }
    if (day->kind == BF__DAY_ZERO) {
        return first + day->day;
    }
    int64_t month = bf_civil_days(year, day->month, 1);
    int from_sunday = (bf_civil_weekday(month) + 1) % 7;
    int64_t in_month = (day->day - from_sunday + 7) % 7 + 7 * (day->week - 1);
    return month + (in_month < bf_civil_month_days(year, day->month) ? in_month : in_month - 7);
}

void bf__timezone_rule_year(const struct bf__timezone_rule *rule, int64_t year, int64_t *begin_s,
                            int64_t *end_s)
{
    *begin_s = day_of(&rule->begin, year) * DAY_S + rule->begin.time_s - rule->standard_s;
    *end_s = day_of(&rule->end, year) * DAY_S + rule->end.time_s - rule->summer_s;
}
