/* test_field.c: what each kind of value answers when it is asked for a number, a truth, a time or
 * a text. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ingest/decode/field.h"

static struct bf_field text(const char *bytes)
{
    return (struct bf_field){.kind = BF_FIELD_TEXT, .as.text = bf_slice_of(bytes)};
}

static struct bf_field decimal(const char *bytes)
{
    struct bf_field field = {.kind = BF_FIELD_DECIMAL};
    assert_true(bf_number_parse(bf_slice_of(bytes), &field.as.decimal));
    return field;
}

static struct bf_field real(double number)
{
    return (struct bf_field){.kind = BF_FIELD_DOUBLE, .as.number = number};
}

static struct bf_field integer(int64_t number)
{
    return (struct bf_field){.kind = BF_FIELD_INT, .as.integer = number};
}

static struct bf_field truth(bool value)
{
    return (struct bf_field){.kind = BF_FIELD_BOOL, .as.truth = value};
}

static const struct bf_field other = {.kind = BF_FIELD_OTHER};

static void test_double(void **unused)
{
    (void)unused;
    const struct {
        struct bf_field field;
        enum bf_field_answer answer;
        double value;
    } cases[] = {
        {decimal("12.5"), BF_FIELD_OK, 12.5},
        {text("-79"), BF_FIELD_OK, -79},
        {real(0.5), BF_FIELD_OK, 0.5},
        {integer(7), BF_FIELD_OK, 7},
        {text(""), BF_FIELD_BAD_TYPE, 0},
        {text(" 1"), BF_FIELD_BAD_TYPE, 0},
        {text("1 m"), BF_FIELD_BAD_TYPE, 0},
        {text("nan"), BF_FIELD_BAD_NUMBER, 0},
        {text("-Inf"), BF_FIELD_BAD_NUMBER, 0},
        {text("+INFINITY"), BF_FIELD_BAD_NUMBER, 0},
        {decimal("1e999"), BF_FIELD_BAD_NUMBER, 0},
        {real((double)NAN), BF_FIELD_BAD_NUMBER, 0},
        {real((double)-INFINITY), BF_FIELD_BAD_NUMBER, 0},
        {truth(true), BF_FIELD_BAD_TYPE, 0},
        {other, BF_FIELD_BAD_TYPE, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double value = -1;
        assert_int_equal(bf_field_double(&cases[i].field, &value), cases[i].answer);
        assert_true(cases[i].answer != BF_FIELD_OK || value == cases[i].value);
    }
}

static void test_int64(void **unused)
{
    (void)unused;
    const struct {
        struct bf_field field;
        bool good;
        int64_t value;
    } cases[] = {
        {decimal("9007199254740993"), true, INT64_C(9007199254740993)},
        {text("5.0"), true, 5},
        {real(-3), true, -3},
        {integer(INT64_MIN), true, INT64_MIN},
        {decimal("0.5"), false, 0},
        {real(0.5), false, 0},
        {real(0x1p63), false, 0},
        {real(-0x1p63), true, INT64_MIN},
        {real((double)NAN), false, 0},
        {truth(true), false, 0},
        {text("x"), false, 0},
        {other, false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t value = 99;
        assert_int_equal(bf_field_int64(&cases[i].field, &value), cases[i].good);
        assert_true(!cases[i].good || value == cases[i].value);
    }
}

static void test_bool(void **unused)
{
    (void)unused;
    const struct {
        struct bf_field field;
        int value; /* -1: none */
    } cases[] = {
        {truth(true), 1},  {truth(false), 0},  {decimal("1"), 1}, {integer(0), 0},
        {text("true"), 1}, {text("false"), 0}, {text("1"), 1},    {decimal("2"), -1},
        {text("on"), -1},  {text("TRUE"), -1}, {real(0.5), -1},   {other, -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool value = false;
        assert_int_equal(bf_field_bool(&cases[i].field, &value),
                         cases[i].value < 0 ? BF_FIELD_BAD_TYPE : BF_FIELD_OK);
        assert_true(cases[i].value < 0 || value == (cases[i].value == 1));
    }
}

static void test_scaled(void **unused)
{
    (void)unused;
    const struct {
        struct bf_field field;
        int power;
        enum bf_field_answer answer;
        int64_t value;
    } cases[] = {
        {decimal("1422748800000"), 3, BF_FIELD_OK, INT64_C(1422748800000000)},
        {text("1422748800.5"), 6, BF_FIELD_OK, INT64_C(1422748800500000)},
        {real(1276020076.001), 6, BF_FIELD_OK, INT64_C(1276020076001000)},
        {integer(-5), 6, BF_FIELD_OK, -5000000},
        {integer(INT64_MAX), 6, BF_FIELD_BAD_NUMBER, 0},
        {real(1e300), 6, BF_FIELD_BAD_NUMBER, 0},
        {real((double)NAN), 0, BF_FIELD_BAD_NUMBER, 0},
        {decimal("1e300"), 0, BF_FIELD_BAD_NUMBER, 0},
        {text("now"), 6, BF_FIELD_BAD_TYPE, 0},
        {truth(true), 6, BF_FIELD_BAD_TYPE, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t value = 99;
        assert_int_equal(bf_field_scaled(&cases[i].field, cases[i].power, &value), cases[i].answer);
        assert_true(cases[i].answer != BF_FIELD_OK || value == cases[i].value);
    }
}

static void test_text(void **unused)
{
    (void)unused;
    const struct {
        struct bf_field field;
        const char *text;
    } cases[] = {
        {text("x"), "x"},          {decimal("7"), "7"},
        {decimal("1.50"), "1.50"}, {truth(true), "true"},
        {truth(false), "false"},   {integer(INT64_MIN), "-9223372036854775808"},
        {real(0.5), "0.5"},        {other, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char scratch[BF_FIELD_SCRATCH];
        assert_true(bf_slice_equal(bf_field_text(&cases[i].field, scratch), bf_slice_of(cases[i].text)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_double), cmocka_unit_test(test_int64),
                                       cmocka_unit_test(test_bool), cmocka_unit_test(test_scaled),
                                       cmocka_unit_test(test_text)};
    return bf_number_setup() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
