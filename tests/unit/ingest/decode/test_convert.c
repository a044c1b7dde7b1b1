/* test_convert.c: whose word on the unit counts: the profile's, the payload's, or neither's. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ingest/decode/convert.h"

static void test_rules(void **unused)
{
    (void)unused;
    const struct {
        const char *unit, *from; /* of the profile */
        double profile_scale;
        const char *sent;
        bool strict, good, guessed;
        double scale, offset;
        const char *to;
    } cases[] = {
        {"Cel", "", 1, "", true, true, false, 1, 0, "Cel"},
        {"Cel", "", 1, "Cel", true, true, false, 1, 0, "Cel"},
        {"Cel", "", 1, "K", true, true, false, 1, -273.15, "Cel"},
        {"Cel", "", 1, "K", false, true, false, 1, -273.15, "Cel"},
        {"Cel", "", 1, "V", true, false, true, 1, 0, "Cel"},
        {"Cel", "", 1, "V", false, true, true, 1, 0, "Cel"},
        {"Cel", "", 1, "far", true, false, true, 1, 0, "Cel"},
        {"Cel", "", 1, "far", false, true, true, 1, 0, "Cel"},
        {"Cel", "", 1, "a\n", false, false, true, 1, 0, "Cel"},
        {"%", "", 1, "%RH", true, true, false, 1, 0, "%"},
        {"km/h", "m/s", 3.6, "mph", true, true, false, 3.6, 0, "km/h"},
        {"V", "", 0.001, "mV", true, true, false, 0.001, 0, "V"},
        {"", "", 1, "", true, true, false, 1, 0, "1"},
        {"", "", 1, "KEL", true, true, false, 1, 0, "K"},
        {"", "", 1, "far", true, false, true, 1, 0, "1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct bf_profile_reading what = {.unit = bf_slice_of(cases[i].unit),
                                                .from_unit = bf_slice_of(cases[i].from),
                                                .scale = cases[i].profile_scale};
        struct bf_conversion by;
        assert_int_equal(bf_conversion_find(&what, bf_slice_of(cases[i].sent), cases[i].strict, &by),
                         cases[i].good);
        assert_int_equal(by.guessed, cases[i].guessed);
        assert_true(fabs(by.scale - cases[i].scale) < 1e-12 && fabs(by.offset - cases[i].offset) < 1e-9);
        assert_true(bf_slice_equal(by.to, bf_slice_of(cases[i].to)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rules)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
