/* The calendar: known days, leap years, month lengths, weekdays, and there and back over 1,200 years. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/civil.h"

static void knows_days(void **state)
{
    (void)state;
    assert_int_equal(bf_civil_days(1970, 1, 1), 0);
    assert_int_equal(bf_civil_days(1969, 12, 31), -1);
    assert_int_equal(bf_civil_days(2000, 2, 29), 11016);
    assert_int_equal(bf_civil_days(2200, 1, 1), 84006);
    assert_int_equal(bf_civil_weekday(0), 3);                          /* a Thursday */
    assert_int_equal(bf_civil_weekday(-4), 6);                         /* a Sunday */
    assert_int_equal(bf_civil_weekday(bf_civil_days(2024, 3, 31)), 6); /* when clocks go forward */
    assert_int_equal(bf_civil_month_days(1900, 2), 28);
    assert_int_equal(bf_civil_month_days(2000, 2), 29);
    assert_int_equal(bf_civil_month_days(2023, 12), 31);
    assert_true(bf_civil_is_leap(2024) && !bf_civil_is_leap(2100));
}

static void goes_there_and_back(void **state)
{
    (void)state;
    int64_t days = bf_civil_days(1400, 1, 1);
    for (int64_t year = 1400; year < 2600; year++) {
        for (int month = 1; month <= 12; month++) {
            for (int day = 1; day <= bf_civil_month_days(year, month); day++, days++) {
                struct bf_date date = bf_civil_date(days);
                assert_int_equal(bf_civil_days(year, month, day), days);
                assert_true(date.year == year && date.month == month && date.day == day);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_days),
        cmocka_unit_test(goes_there_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
