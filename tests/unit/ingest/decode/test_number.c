/* test_number.c: numbers as they are written become the nearest double, the exact integer, the
 * exact time; strtod is the oracle for the first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ingest/decode/number.h"

static struct bf_number parsed(const char *text)
{
    struct bf_number number;
    assert_true(bf_number_parse(bf_slice_of(text), &number));
    return number;
}

static void same_as_strtod(const char *text)
{
    struct bf_number number = parsed(text);
    double value = 0, expected = strtod(text, NULL);
    bool finite = expected <= 1.7976931348623157e308 && expected >= -1.7976931348623157e308;
    assert_int_equal(bf_number_double(&number, &value), finite);
    if (finite && memcmp(&value, &expected, sizeof value) != 0) {
        fail_msg("%s: %.17g, not %.17g", text, value, expected);
    }
}

static void test_doubles(void **unused)
{
    (void)unused;
    static const char *const texts[] = {"0",
                                        "-0",
                                        "0.0",
                                        "1",
                                        "-1",
                                        "12.5",
                                        "0.1",
                                        "-1.70",
                                        "60.171325",
                                        "1e22",
                                        "1e23",
                                        "9007199254740992",
                                        "9007199254740993",
                                        "123456789012345678901234567890",
                                        "0.000001",
                                        "1e-22",
                                        "1e-23",
                                        "4.9e-324",
                                        "2.4703282292062327e-324",
                                        "2.4703282292062328e-324",
                                        "1.7976931348623157e308",
                                        "1e308",
                                        "1e309",
                                        "-1e999",
                                        "1e-999",
                                        "1e99999999999999999999",
                                        "0e99999999999999999999",
                                        "8.5E+1",
                                        "5e-1",
                                        "0.1000000000000000055511151231257827021181583404541015625",
                                        "100000000000000000000000",
                                        "1.00000000000000000000000",
                                        "9223372036854775807",
                                        "18446744073709551616"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        same_as_strtod(texts[i]);
    }
}

static void test_doubles_at_random(void **unused)
{
    (void)unused;
    uint64_t state = 42;
    for (int i = 0; i < 200000; i++) {
        char text[64];
        state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
        unsigned long long whole = state >> (state >> 58);
        snprintf(text, sizeof text, "%s%llu.%0*llue%d", state & 1 ? "-" : "", whole % 100000000,
                 1 + (int)(state >> 20 & 15), whole % 10, (int)(state >> 32 & 63) - 32);
        same_as_strtod(text);
    }
}

static void test_grammar(void **unused)
{
    (void)unused;
    struct bf_number number;
    static const char *const bad[] = {"",   "-",  "+1",  "01",  "1.",  ".5",  "1e",  "1e+",  "1.e1", "0x10",
                                      "1 ", " 1", "--1", "1,5", "nan", "inf", "Inf", "NaNs", "-",    "1e5.0"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(bf_number_parse(bf_slice_of(bad[i]), &number));
    }
    static const char *const words[] = {"NaN", "Infinity", "-Infinity", "-NaN"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        double value;
        int64_t integer;
        number = parsed(words[i]);
        assert_false(bf_number_double(&number, &value));
        assert_false(bf_number_int64(&number, &integer));
        assert_false(bf_number_scaled(&number, 3, &integer));
    }
}

static void test_integers(void **unused)
{
    (void)unused;
    static const struct {
        const char *text;
        int64_t value;
    } good[] = {{"0", 0},
                {"-0", 0},
                {"5.0", 5},
                {"1e3", 1000},
                {"1200e-2", 12},
                {"9223372036854775807", INT64_MAX},
                {"-9223372036854775808", INT64_MIN},
                {"9007199254740993", 9007199254740993},
                {"0e99999", 0},
                {"5.000000000000000000000000", 5}};
    static const char *const bad[] = {
        "0.5",    "9223372036854775808", "-9223372036854775809", "1e19", "1e-1", "1.0000000000000000000001",
        "1e99999"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        int64_t value = 99;
        struct bf_number number = parsed(good[i].text);
        assert_true(bf_number_int64(&number, &value));
        assert_true(value == good[i].value);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t value;
        struct bf_number number = parsed(bad[i]);
        assert_false(bf_number_int64(&number, &value));
    }
}

static void test_scaled(void **unused)
{
    (void)unused;
    static const struct {
        const char *text;
        int power;
        int64_t value;
    } good[] = {{"1422748800000", 3, 1422748800000000},
                {"1276020076.001", 6, 1276020076001000},
                {"1.276020076001e+09", 6, 1276020076001000},
                {"1.9999999", 6, 1999999},
                {"-5", 6, -5000000},
                {"-0.0000001", 6, -1},
                {"1700000000123456", 0, 1700000000123456},
                {"1e-999", 6, 0},
                {"-1e-99999", 6, -1}};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        int64_t value = 99;
        struct bf_number number = parsed(good[i].text);
        assert_true(bf_number_scaled(&number, good[i].power, &value));
        assert_true(value == good[i].value);
    }
    int64_t value;
    struct bf_number number = parsed("9223372036854775");
    assert_false(bf_number_scaled(&number, 6, &value));
    number = parsed("1e400");
    assert_false(bf_number_scaled(&number, 0, &value));
}

static void test_long(void **unused)
{
    (void)unused;
    char text[BF_NUMBER_MAX + 2];
    double value;
    memset(text, '7', sizeof text);
    text[1] = '.';
    struct bf_number number;
    assert_true(bf_number_parse((struct bf_slice){.data = text, .len = BF_NUMBER_MAX}, &number));
    assert_true(bf_number_double(&number, &value));
    assert_true(value > 7.77 && value < 7.78);
    assert_true(bf_number_parse((struct bf_slice){.data = text, .len = BF_NUMBER_MAX + 1}, &number));
    assert_false(bf_number_double(&number, &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_doubles), cmocka_unit_test(test_doubles_at_random),
        cmocka_unit_test(test_grammar), cmocka_unit_test(test_integers),
        cmocka_unit_test(test_scaled),  cmocka_unit_test(test_long)};
    return bf_number_setup() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
