/* test_scalar.c: the scalar decoder: numbers with and without units, texts that mean numbers, truths, and
 * what is none of them. */
#include "kit.h"

static void test_numbers(void **unused)
{
    (void)unused;
    struct kit *kit = kit_open("network: home\ntopic: homie/5/{device}/{node}/{property}\nformat: scalar\n"
                               "readings: [{quantity: temperature, unit: Cel, channel: \"{node}\"}]\n");
    static const struct {
        const char *payload;
        double value;
        const char *raw_unit; /* "": as it came */
    } rows[] = {
        {"21.5", 21.5, ""},
        {" -3 \r\n", -3, ""},
        {"21.5 \xc2\xb0"
         "C",
         21.5, ""},
        {"70.7\xc2\xb0"
         "F",
         21.5, "[degF]"},
        {"1e1", 10, ""},
        {"294.65 K", 21.5, "K"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(kit_run(kit, "homie/5/car/engine/temperature", rows[i].payload), 1);
        double error = kit_number(kit, "temperature") - rows[i].value;
        assert_true(error < 1e-9 && error > -1e-9);
        if (rows[i].raw_unit[0] != '\0') {
            kit_text(kit->readings[0].raw_unit, rows[i].raw_unit);
        }
        assert_int_equal(kit->readings[0].reasons & BF_REASON_UNIT_GUESS, 0);
    }
    kit_text(kit->readings[0].source, "home:car:engine");
    assert_int_equal(kit_run(kit, "homie/5/car/engine/temperature", "21.5 ug/m3"), 1);
    assert_true(kit->readings[0].reasons & BF_REASON_UNIT_GUESS); /* a unit, but not of temperature */
    kit_refused(kit, "homie/5/car/engine/temperature", "21.5 bananas", "bad_type");
    kit_refused(kit, "homie/5/car/engine/temperature", "12:30", "bad_type");
    kit_refused(kit, "homie/5/car/engine/temperature", "", "missing_field");
    kit_refused(kit, "homie/5/car/engine/temperature", " \n", "missing_field");
    kit_refused(kit, "homie/5/car/engine/temperature", "warm", "bad_type");
    kit_refused(kit, "homie/5/car/engine/temperature", "0x10", "bad_type");
    kit_refused(kit, "homie/5/car/engine/temperature", "1e999", "bad_number");
    kit_refused(kit, "homie/5/car/engine/temperature", "nan", "bad_number");
    kit_refused(kit, "homie/5/car/engine/temperature", "2\xff", "encoding");
    kit_close(kit);
}

static void test_values(void **unused)
{
    (void)unused;
    struct kit *kit = kit_open("network: home\ntopic: stat/{device}/POWER\nformat: scalar\nreadings:\n"
                               "  - {quantity: on, unit: \"1\", values: {\"ON\": 1, \"OFF\": 0}}\n"
                               "  - {quantity: state, type: text}\n");
    assert_int_equal(kit_run(kit, "stat/plug/POWER", "ON"), 2);
    assert_true(kit_number(kit, "on") == 1);
    kit_text(kit_find(kit, "state")->value.as.text, "ON");
    assert_int_equal(kit_run(kit, "stat/plug/POWER", "OFF"), 2);
    assert_true(kit_number(kit, "on") == 0);
    assert_int_equal(kit_run(kit, "stat/plug/POWER", "0.5"), 2); /* a number is one, too */
    assert_true(kit_number(kit, "on") == 0.5);
    assert_int_equal(kit_run(kit, "stat/plug/POWER", "on"), 1);
    assert_string_equal(kit->rejects[0].reason, "bad_type");
    kit_close(kit);
    kit = kit_open("network: home\ntopic: x/{device}\nformat: scalar\nreadings:\n"
                   "  - {quantity: open, type: bool, values: {OPEN: 1, SHUT: 0}}\n");
    assert_int_equal(kit_run(kit, "x/d", "OPEN"), 1);
    assert_true(kit->readings[0].value.as.truth);
    assert_int_equal(kit_run(kit, "x/d", "false"), 1);
    assert_false(kit->readings[0].value.as.truth);
    kit_close(kit);
}

/* `values` of other formats: also of numbers and truths as they are written. */
static void test_values_of_json(void **unused)
{
    (void)unused;
    struct kit *kit = kit_open("network: n\ntopic: x/{device}\nreadings:\n"
                               "  - {path: $.s, quantity: s, type: integer, unit: \"1\","
                               " values: {ok: 0, \"true\": 7, \"3\": 30}}\n");
    assert_int_equal(kit_run(kit, "x/d", "{\"s\":\"ok\"}"), 1);
    assert_int_equal(kit->readings[0].value.kind, BF_VALUE_INT);
    assert_int_equal(kit_run(kit, "x/d", "{\"s\":true}"), 1);
    assert_true(kit_number(kit, "s") == 7);
    assert_int_equal(kit_run(kit, "x/d", "{\"s\":3}"), 1);
    assert_true(kit_number(kit, "s") == 30);
    assert_int_equal(kit_run(kit, "x/d", "{\"s\":4}"), 1);
    assert_true(kit_number(kit, "s") == 4);
    kit_close(kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_numbers), cmocka_unit_test(test_values),
                                       cmocka_unit_test(test_values_of_json)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
