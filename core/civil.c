/* civil.c: years are counted from March, so that a leap day is the last of its year and the lengths of months
 * follow a straight line. */
#include "core/civil.h"

#include "core/time.h"

#define DAYS_PER_ERA INT64_C(146097) /* 400 years */

int64_t bf_civil_days(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = bf_time_floor(year, 400) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_PER_ERA + day_of_era - 719468; /* 0000-03-01 to 1970-01-01 */
}

struct bf_date bf_civil_date(int64_t days)
{
    days += 719468;
    int64_t era = bf_time_floor(days, DAYS_PER_ERA) / DAYS_PER_ERA;
    int64_t day_of_era = days - era * DAYS_PER_ERA;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t from_march = (5 * day_of_year + 2) / 153;
    struct bf_date date = {.day = (int)(day_of_year - (153 * from_march + 2) / 5 + 1),
                           .month = (int)(from_march < 10 ? from_march + 3 : from_march - 9)};
    date.year = year_of_era + era * 400 + (date.month <= 2);
    return date;
}

bool bf_civil_is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

int bf_civil_month_days(int64_t year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && bf_civil_is_leap(year) ? 29 : days[month - 1];
}

int bf_civil_weekday(int64_t days)
{
    int64_t from_monday = days + 3; /* 1969-12-29 was one */
    return (int)(from_monday - bf_time_floor(from_monday, 7));
}
