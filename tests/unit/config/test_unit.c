/* Units: every name has one meaning, conversions are right and go back, dimensions do not mix. */
#include "tests/unit/config/support.h"

#include <math.h>

#include "config/unit.h"

static const struct bf_unit *unit(const char *text)
{
    const struct bf_unit *found = bf_unit_find(bf_slice_of(text));
    if (found == NULL) {
        fail_msg("no unit %s", text);
    }
    return found;
}

static double convert(double value, const char *from, const char *to)
{
    double scale = 0, offset = 0;
    assert_true(bf_unit_convert(unit(from), unit(to), &scale, &offset));
    return value * scale + offset;
}

struct conversion {
    double value;
    const char *from;
    double expected;
    const char *to;
};

static void test_conversions(void **state)
{
    (void)state;
    static const struct conversion conversions[] = {
        {.value = 36, .from = "km/h", .expected = 10, .to = "m/s"},
        {.value = 10, .from = "[mi_i]/h", .expected = 16.09344, .to = "km/h"},
        {.value = 0, .from = "Cel", .expected = 273.15, .to = "K"},
        {.value = 212, .from = "[degF]", .expected = 100, .to = "Cel"},
        {.value = -40, .from = "Cel", .expected = -40, .to = "[degF]"},
        {.value = 1.5, .from = "mg/m3", .expected = 1500, .to = "ug/m3"},
        {.value = 1013.25, .from = "hPa", .expected = 101.325, .to = "kPa"},
        {.value = 1, .from = "kW.h", .expected = 3.6, .to = "MJ"},
        {.value = 2500, .from = "W.h", .expected = 2.5, .to = "kW.h"},
        {.value = 3.6, .from = "m3/h", .expected = 1, .to = "L/s"},
        {.value = 0.5, .from = "1", .expected = 50, .to = "%"},
        {.value = 400, .from = "[ppm]", .expected = 400000, .to = "[ppb]"},
        {.value = 12, .from = "{veh}/min", .expected = 720, .to = "{veh}/h"},
        {.value = 90, .from = "min", .expected = 1.5, .to = "h"},
        {.value = 3.14159265358979323846, .from = "rad", .expected = 180, .to = "deg"},
        {.value = 2, .from = "B", .expected = 20, .to = "dB"},
        {.value = 1.2, .from = "t", .expected = 1200, .to = "kg"},
        {.value = 250, .from = "uS/cm", .expected = 0.025, .to = "S/m"},
    };
    for (size_t i = 0; i < sizeof conversions / sizeof conversions[0]; i++) {
        const struct conversion *c = &conversions[i];
        assert_true(fabs(convert(c->value, c->from, c->to) - c->expected) <=
                    1e-9 * fabs(c->expected) + 1e-12);
        assert_true(fabs(convert(c->expected, c->to, c->from) - c->value) <= 1e-9 * fabs(c->value) + 1e-9);
    }
}

static void test_other_names(void **state)
{
    (void)state;
    static const char *const names[][2] = {
        {"°C", "Cel"},   {"CEL", "Cel"},    {"µg/m³", "ug/m3"}, {"μg/m³", "ug/m3"}, {"GQ", "ug/m3"},
        {"GP", "mg/m3"}, {"P1", "%"},       {"%RH", "%"},       {"KMH", "km/h"},    {"KWH", "kW.h"},
        {"kWh", "kW.h"}, {"l/s", "L/s"},    {"m³", "m3"},       {"dBA", "dB"},      {"count", "1"},
        {"lat", "deg"},  {"1/min", "/min"}, {"mph", "[mi_i]/h"},{"pH", "[pH]"},     {"VA", "V.A"},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_string_equal(unit(names[i][0])->code, names[i][1]);
    }
}

static void test_the_table_is_sound(void **state)
{
    (void)state;
    static const char *const codes[] = {
#define UNIT(code, dimension, scale, offset, aliases) code,
#include "config/units.def"
#undef UNIT
    };
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        const struct bf_unit *one = unit(codes[i]);
        assert_string_equal(one->code, codes[i]);
        assert_true(one->scale > 0 && isfinite(one->offset));
        assert_true(strlen(one->code) < 32 && strchr(one->code, ' ') == NULL);
        double scale = 0, offset = 1;
        assert_true(bf_unit_convert(one, one, &scale, &offset));
        assert_true(scale >= 1 && scale <= 1 && fabs(offset) <= 0);
    }
}

static void test_what_does_not_fit(void **state)
{
    (void)state;
    double scale = 0, offset = 0;
    assert_false(bf_unit_convert(unit("Cel"), unit("m"), &scale, &offset));
    assert_false(bf_unit_convert(unit("kW.h"), unit("kW"), &scale, &offset));
    assert_false(bf_unit_same(unit("%"), unit("1")));
    assert_true(bf_unit_same(unit("{veh}"), unit("1")));
    assert_null(bf_unit_find(BF_SLICE("")));
    assert_null(bf_unit_find(BF_SLICE("far")));
    assert_null(bf_unit_find((struct bf_slice){"km/h\0", 5}));
    assert_string_equal(bf_unit_nearest("KM/H"), "km/h");
    assert_string_equal(bf_unit_nearest("ugm/m3"), "ug/m3");
    assert_null(bf_unit_nearest("furlong per fortnight"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conversions),
        cmocka_unit_test(test_other_names),
        cmocka_unit_test(test_the_table_is_sound),
        cmocka_unit_test(test_what_does_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
