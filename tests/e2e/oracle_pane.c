/* Why: which pane takes a reading. Days and hours come from the C library's clock in the city's zone,
 * where belfry computes them from the zone's bytes; sessions and counts are a list for each device,
 * walked from its newest.
 * Declined: weeks, months and years, which no test of minutes sees end: the oracle says that it does not
 * know them; and windows of several calendar panes. */
#include <stdlib.h>

#include "tests/e2e/oracle_inside.h"

#define DAYS_AROUND 8

struct tm oracle_local(int64_t time_us)
{
    struct tm local;
    time_t time_s = (time_t)(bf_time_floor(time_us, BF_US_PER_S) / BF_US_PER_S);
    localtime_r(&time_s, &local);
    return local;
}

/* ---- panes of the calendar */

/* When clocks show that second of the day, so many days after the one of `day`. */
static int64_t clock_time(const struct tm *day, int days, int32_t second)
{
    struct tm when = {.tm_year = day->tm_year,
                      .tm_mon = day->tm_mon,
                      .tm_mday = day->tm_mday + days,
                      .tm_hour = second / 3600,
                      .tm_min = second / 60 % 60,
                      .tm_sec = second % 60,
                      .tm_isdst = -1};
    return (int64_t)mktime(&when) * BF_US_PER_S;
}

static bool wants_day(const struct bf_window_shape *shape, const struct tm *day, int days)
{
    struct tm when = {.tm_year = day->tm_year,
                      .tm_mon = day->tm_mon,
                      .tm_mday = day->tm_mday + days,
                      .tm_hour = 12,
                      .tm_isdst = -1};
    mktime(&when);
    return shape->weekdays == 0 || (shape->weekdays >> (when.tm_wday + 6) % 7 & 1) != 0; /* bit 0: Monday */
}

static struct oracle_pane day_after(const struct bf_window_shape *shape, int64_t time_us)
{
    const struct tm today = oracle_local(time_us);
    struct oracle_pane pane = {.end_us = INT64_MIN};
    for (int days = -2; days <= DAYS_AROUND; days++) {
        size_t count = shape->part_count > 0 ? shape->part_count : 1;
        for (size_t i = 0; i < count && wants_day(shape, &today, days); i++) {
            bool whole = shape->part_count == 0;
            int32_t from_s = whole ? shape->day_start_s : shape->parts[i].from_s;
            int32_t to_s = whole ? shape->day_start_s + 86400 : shape->parts[i].to_s;
            pane.start_us = clock_time(&today, days, from_s);
            pane.end_us = clock_time(&today, days, to_s);
            if (pane.end_us > time_us) {
                return pane;
            }
        }
    }
    return pane;
}

/* Offsets of zones that cities have today are whole hours or halves; an hour that a change cuts is not
 * told. */
static struct oracle_pane hour_after(int64_t time_us)
{
    struct tm local = oracle_local(time_us);
    int64_t in_hour_us = (local.tm_min * 60 + local.tm_sec) * BF_US_PER_S;
    int64_t start_us = bf_time_floor(time_us, BF_US_PER_S) - in_hour_us;
    return (struct oracle_pane){.start_us = start_us, .end_us = start_us + 3600 * BF_US_PER_S};
}

struct oracle_pane oracle_pane_after(const struct bf_window_shape *shape, int64_t time_us)
{
    if (shape->kind == BF_WINDOW_FIXED) {
        int64_t start_us = bf_time_floor(time_us, shape->pane_us);
        return (struct oracle_pane){.start_us = start_us, .end_us = start_us + shape->pane_us};
    }
    return shape->unit == BF_CALENDAR_DAY ? day_after(shape, time_us) : hour_after(time_us);
}

/* ---- panes that readings make */

struct row {
    uint64_t definition, scope;
    struct oracle_run *newest; /* by start, then `older` */
};

static struct row *row_of(struct oracle *oracle, uint32_t definition, const char *scope)
{
    const uint64_t key[2] = {definition, (uint64_t)(uintptr_t)scope};
    return bf_table_put(oracle->rows, key, NULL);
}

static struct oracle_run *insert(struct oracle *oracle, struct oracle_run **at, int64_t start_us,
                                 int64_t end_us)
{
    struct oracle_run *run = calloc(1, sizeof *run);
    if (run == NULL) {
        oracle_differ(oracle, "out of memory");
        return NULL;
    }
    *run = (struct oracle_run){
        .older = *at, .made_before = oracle->runs, .start_us = start_us, .end_us = end_us};
    oracle->runs = run;
    *at = run;
    return run;
}

/* A reading in an open session moves its end, and may reach the next one. */
static void lengthen(const struct bf_window_shape *shape, struct oracle_run *run, struct oracle_run **next,
                     int64_t event_us, int64_t close_after_us, int64_t clock_us)
{
    int64_t latest_us = run->start_us + shape->longest_us, end_us = event_us + shape->gap_us;
    struct oracle_run *other = next ? *next : NULL;
    end_us = end_us < latest_us ? end_us : latest_us;
    if (other != NULL && other->start_us < end_us) {
        bool open = clock_us < other->end_us + close_after_us;
        if (open && other->end_us <= latest_us) {
            other->joined = run;
            *next = run;
            end_us = other->end_us > end_us ? other->end_us : end_us;
        } else {
            end_us = other->start_us;
        }
    }
    run->end_us = end_us > run->end_us ? end_us : run->end_us;
}

static struct oracle_run *session_of(struct oracle *oracle, const struct bf_kpi_definition *definition,
                                     struct row *row, int64_t event_us, int64_t clock_us)
{
    const struct bf_window_shape *shape = &definition->window;
    struct oracle_run **at = &row->newest, **next = NULL; /* next: what points at the one behind */
    while (*at != NULL && (*at)->start_us > event_us) {
        next = at;
        at = &(*at)->older;
    }
    struct oracle_run *run = *at, *behind = next ? *next : NULL;
    if (run != NULL && event_us < run->end_us) {
        if (clock_us < run->end_us + definition->delay_us) {
            lengthen(shape, run, next, event_us, definition->delay_us, clock_us);
        }
        return run;
    }
    if (behind != NULL && behind->start_us - event_us < shape->gap_us) {
        bool open = clock_us < behind->end_us + definition->delay_us;
        if (!open || behind->end_us - event_us <= shape->longest_us) {
            behind->start_us = open ? event_us : behind->start_us;
            return behind;
        }
    }
    if (clock_us >= event_us + shape->gap_us + definition->delay_us + definition->lateness_us) {
        return NULL;
    }
    int64_t end_us = event_us + shape->gap_us;
    end_us = behind != NULL && behind->start_us < end_us ? behind->start_us : end_us;
    return insert(oracle, at, event_us, end_us);
}

static struct oracle_run *count_of(struct oracle *oracle, const struct bf_kpi_definition *definition,
                                   struct row *row, int64_t event_us, int64_t clock_us)
{
    struct oracle_run *run = row->newest;
    if (clock_us >= event_us + 1 + definition->delay_us + definition->lateness_us) {
        return NULL;
    }
    if (run == NULL || run->counted >= definition->window.readings) {
        bool behind = run == NULL || event_us > run->start_us;
        int64_t start_us = behind ? event_us : run->start_us + 1;
        run = insert(oracle, &row->newest, start_us, start_us + 1);
    } else if (event_us + 1 > run->end_us) {
        run->end_us = event_us + 1;
    }
    return run;
}

struct oracle_run *oracle_run_of(struct oracle *oracle, uint32_t definition, const char *scope,
                                 int64_t event_us, int64_t clock_us)
{
    const struct bf_kpi_definition *is = oracle->definitions[definition];
    struct row *row = row_of(oracle, definition, scope);
    if (row == NULL) {
        oracle_differ(oracle, "more than %u rows of sessions and counts", ORACLE_TEXTS);
        return NULL;
    }
    return is->window.kind == BF_WINDOW_SESSION ? session_of(oracle, is, row, event_us, clock_us)
                                                : count_of(oracle, is, row, event_us, clock_us);
}
