/* civil.h: the proleptic Gregorian calendar as arithmetic on days since 1970-01-01 (day 0, a Thursday).
 * Declined: gmtime_r, timegm, mktime: they consult the locale or the process's zone.
 * Thread: any.   Limits: years -1,000,000 to 1,000,000. */
#ifndef BF_CORE_CIVIL_H
#define BF_CORE_CIVIL_H

#include <stdbool.h>
#include <stdint.h>

struct bf_date {
    int64_t year;
    int month, day; /* from 1 */
};

int64_t bf_civil_days(int64_t year, int month, int day);
struct bf_date bf_civil_date(int64_t days);
bool bf_civil_is_leap(int64_t year);
int bf_civil_month_days(int64_t year, int month);
/* 0 is Monday, as in ISO 8601. */
int bf_civil_weekday(int64_t days);

#endif
