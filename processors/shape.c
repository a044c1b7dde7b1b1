/* shape.c: numbers of panes to times and back. Days, weeks, months and years have numbers by arithmetic on
 * civil dates; their ends come from the zone, so a day is as long as it was. */
#include "processors/shape.h"

#include "core/civil.h"
#include "core/timezone.h"

#define HOUR_US (INT64_C(3600) * BF_US_PER_S)
#define DAY_S INT64_C(86400)
#define DAY_US (24 * HOUR_US)

static int64_t floor_div(int64_t number, int64_t by)
{
    return bf_time_floor(number, by) / by;
}

static bool takes_weekday(const struct bf_window_shape *shape, int64_t day)
{
    return shape->weekdays == 0 || (shape->weekdays >> bf_civil_weekday(day) & 1) != 0;
}

/* Whether the hours and days wanted hold that local time. */
static bool is_wanted(const struct bf_window_shape *shape, int64_t local_us)
{
    int64_t local_s = floor_div(local_us, BF_US_PER_S) - shape->day_start_s;
    int64_t day = floor_div(local_s, DAY_S), in_day_s = local_s - day * DAY_S + shape->day_start_s;
    bool wanted = shape->part_count == 0 && takes_weekday(shape, day);
    for (size_t i = 0; i < shape->part_count; i++) {
        const struct bf_day_part *part = &shape->parts[i];
        /* Of this day, or of the one before, over its end. */
        wanted = wanted || (in_day_s >= part->from_s && in_day_s < part->to_s && takes_weekday(shape, day)) ||
                 (in_day_s + DAY_S < part->to_s && takes_weekday(shape, day - 1));
    }
    return wanted;
}

/* ---- hours */

/* The hour on the clock's face around time_us, cut where clocks change. */
static struct bf_pane hour_of(const struct bf_window_shape *shape, int64_t time_us)
{
    struct bf_timezone_span span = bf_timezone_at(shape->timezone, time_us);
    int64_t start_us = bf_time_floor(time_us + span.offset_us, HOUR_US) - span.offset_us;
    int64_t end_us = start_us + HOUR_US;
    return (struct bf_pane){.start_us = start_us > span.from_us ? start_us : span.from_us,
                            .end_us = end_us < span.to_us ? end_us : span.to_us};
}

static bool hour_is_wanted(const struct bf_window_shape *shape, const struct bf_pane *pane)
{
    return is_wanted(shape, pane->start_us + bf_timezone_at(shape->timezone, pane->start_us).offset_us);
}

/* From the pane on, in that direction; there is a wanted hour in every week. */
static struct bf_pane wanted_hour(const struct bf_window_shape *shape, struct bf_pane pane, bool forward)
{
    while (!hour_is_wanted(shape, &pane)) {
        pane = hour_of(shape, forward ? pane.end_us : pane.start_us - 1);
    }
    return pane;
}

/* ---- days and longer */

static int wanted_days(const struct bf_window_shape *shape)
{
    int count = 0;
    for (int day = 0; day < 7; day++) {
        count += shape->weekdays >> day & 1;
    }
    return count == 0 ? 7 : count;
}

/* The wanted days of one week, counted from Monday, before weekday. */
static int days_before(const struct bf_window_shape *shape, int weekday)
{
    int count = 0;
    for (int day = 0; day < weekday; day++) {
        count += shape->weekdays == 0 || (shape->weekdays >> day & 1);
    }
    return count;
}

/* The number of a day that is wanted, and back. */
static int64_t number_of_day(const struct bf_window_shape *shape, int64_t day)
{
    int weekday = bf_civil_weekday(day);
    return (day - weekday + 3) / 7 * wanted_days(shape) + days_before(shape, weekday);
}

static int64_t day_of_number(const struct bf_window_shape *shape, int64_t number)
{
    int64_t week = floor_div(number, wanted_days(shape));
    int in_week = (int)(number - week * wanted_days(shape)), weekday = 0;
    while (days_before(shape, weekday + 1) <= in_week) {
        weekday++;
    }
    return week * 7 - 3 + weekday;
}

/* The pane of that number; it may be empty. */
static struct bf_pane pane_of(const struct bf_window_shape *shape, int64_t number)
{
    int64_t from_s = shape->day_start_s, to_s = shape->day_start_s;
    int64_t first = 0, behind = 0; /* days */
    if (shape->unit == BF_CALENDAR_DAY && shape->part_count > 0) {
        int64_t count = (int64_t)shape->part_count, in_days = floor_div(number, count);
        first = behind = day_of_number(shape, in_days);
        from_s = shape->parts[number - in_days * count].from_s;
        to_s = shape->parts[number - in_days * count].to_s;
    } else if (shape->unit == BF_CALENDAR_DAY) {
        first = day_of_number(shape, number);
        behind = first + 1;
    } else if (shape->unit == BF_CALENDAR_WEEK) {
        first = number * 7 - 3;
        behind = first + 7;
    } else if (shape->unit == BF_CALENDAR_MONTH) {
        first = bf_civil_days(floor_div(number, 12), (int)(number - 12 * floor_div(number, 12)) + 1, 1);
        behind = bf_civil_days(floor_div(number + 1, 12),
                               (int)(number + 1 - 12 * floor_div(number + 1, 12)) + 1, 1);
    } else {
        first = bf_civil_days(number, 1, 1);
        behind = bf_civil_days(number + 1, 1, 1);
    }
    return (struct bf_pane){
        .start_us = bf_timezone_utc(shape->timezone, (first * DAY_S + from_s) * BF_US_PER_S),
        .end_us = bf_timezone_utc(shape->timezone, (behind * DAY_S + to_s) * BF_US_PER_S),
    };
}

/* A number near the pane of that time, not behind it by more than a few days. */
static int64_t guess_of(const struct bf_window_shape *shape, int64_t time_us)
{
    int64_t local_us = time_us + bf_timezone_at(shape->timezone, time_us).offset_us;
    int64_t day = floor_div(local_us - shape->day_start_s * BF_US_PER_S, DAY_US);
    if (shape->unit == BF_CALENDAR_DAY) {
        while (!takes_weekday(shape, day)) {
            day--;
        }
        int64_t parts = shape->part_count > 0 ? (int64_t)shape->part_count : 1;
        return number_of_day(shape, day) * parts;
    }
    if (shape->unit == BF_CALENDAR_WEEK) {
        return floor_div(day + 3, 7);
    }
    struct bf_date date = bf_civil_date(day);
    return shape->unit == BF_CALENDAR_YEAR ? date.year : date.year * 12 + date.month - 1;
}

/* The number of the first pane that ends after time_us. */
static int64_t number_after(const struct bf_window_shape *shape, int64_t time_us)
{
    int64_t number = guess_of(shape, time_us);
    while (pane_of(shape, number - 1).end_us > time_us) {
        number--;
    }
    for (;; number++) {
        struct bf_pane pane = pane_of(shape, number);
        if (pane.end_us > time_us && pane.end_us > pane.start_us) {
            return number;
        }
    }
}

struct bf_pane bf_shape_after(const struct bf_window_shape *shape, int64_t time_us)
{
    if (shape->kind == BF_WINDOW_FIXED) {
        int64_t start_us = bf_time_floor(time_us, shape->pane_us);
        return (struct bf_pane){.start_us = start_us, .end_us = start_us + shape->pane_us};
    }
    if (shape->unit == BF_CALENDAR_HOUR) {
        return wanted_hour(shape, hour_of(shape, time_us), true);
    }
    return pane_of(shape, number_after(shape, time_us));
}

struct bf_pane bf_shape_step(const struct bf_window_shape *shape, int64_t start_us, int64_t steps)
{
    if (shape->kind == BF_WINDOW_FIXED) {
        start_us += steps * shape->pane_us;
        return (struct bf_pane){.start_us = start_us, .end_us = start_us + shape->pane_us};
    }
    if (shape->unit != BF_CALENDAR_HOUR) {
        return pane_of(shape, number_after(shape, start_us) + steps);
    }
    struct bf_pane pane = hour_of(shape, start_us);
    for (; steps > 0; steps--) {
        pane = wanted_hour(shape, hour_of(shape, pane.end_us), true);
    }
    for (; steps < 0; steps++) {
        pane = wanted_hour(shape, hour_of(shape, pane.start_us - 1), false);
    }
    return pane;
}

bool bf_shape_calendar_pane(const struct bf_window_shape *shape, int64_t time_us, struct bf_pane *pane)
{
    *pane = bf_shape_after(shape, time_us);
    bool holes = shape->part_count > 0 || shape->weekdays != 0;
    if (holes && shape->unit != BF_CALENDAR_HOUR && shape->unit != BF_CALENDAR_DAY) {
        return is_wanted(shape, time_us + bf_timezone_at(shape->timezone, time_us).offset_us);
    }
    return pane->start_us <= time_us;
}

int64_t bf_shape_reach_us(const struct bf_window_shape *shape)
{
    static const int64_t days[] = {[BF_CALENDAR_HOUR] = 0,
                                   [BF_CALENDAR_DAY] = 1,
                                   [BF_CALENDAR_WEEK] = 7,
                                   [BF_CALENDAR_MONTH] = 31,
                                   [BF_CALENDAR_YEAR] = 366};
    int64_t others = shape->panes > 0 ? (int64_t)shape->panes - 1 : 0;
    if (shape->kind != BF_WINDOW_CALENDAR) {
        return others * shape->pane_us;
    }
    if (others == 0) {
        return 0;
    }
    if (shape->unit == BF_CALENDAR_HOUR && shape->part_count == 0 && shape->weekdays == 0) {
        return others * HOUR_US + 2 * HOUR_US;
    }
    bool in_weeks =
        shape->unit == BF_CALENDAR_HOUR || (shape->unit == BF_CALENDAR_DAY && shape->weekdays != 0);
    int64_t count = shape->unit == BF_CALENDAR_HOUR ? others : others / wanted_days(shape) + 1;
    return (in_weeks ? count * 7 : others * days[shape->unit]) * DAY_US + 2 * DAY_US;
}
