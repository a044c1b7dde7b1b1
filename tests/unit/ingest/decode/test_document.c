/* test_document.c: what all tree formats share, in JSON: records, items of maps, inner payloads, and
 * faults that cost one record only. */
#include "kit.h"

static const char records[] = "network: town\ntopic: r/+\ndevice: \"{$.id}\"\nrecords: $.data\n"
                              "time: {path: $.at, unit: s}\n"
                              "readings: [{path: $.t, quantity: temperature, unit: Cel, required: true}]\n"
                              "tags: {class: \"{$.class}\"}\n";

static void test_records(void **unused)
{
    (void)unused;
    struct kit *kit = kit_open(records);
    /* `id` and `class` stand at the top, and the second record has a class of its own */
    assert_int_equal(kit_run(kit, "r/x",
                             "{\"id\":\"d1\",\"data\":[{\"at\":1699999000,\"t\":1},"
                             "{\"t\":2,\"at\":1699999001,\"class\":\"b\"}],\"class\":\"a\"}"),
                     2);
    kit_text(kit->readings[0].source, "town:d1");
    assert_true(kit->readings[0].event_us == INT64_C(1699999000000000));
    assert_true(kit->readings[1].event_us == INT64_C(1699999001000000));
    kit_text(kit->readings[0].tags[0].value, "a");
    kit_text(kit->readings[1].tags[0].value, "b");
    assert_int_equal(kit->reject_count, 0);
    kit_close(kit);
}

static void test_bad_records(void **unused)
{
    (void)unused;
    struct kit *kit = kit_open(records);
    assert_int_equal(kit_run(kit, "r/x",
                             "{\"id\":\"d1\",\"data\":[{\"at\":\"soon\",\"t\":1},{\"t\":2},7,{\"t\":null},"
                             "{\"id\":\"\",\"t\":1},{\"x\":0}]}"),
                     1);
    assert_int_equal(kit->reject_count, 5);
    assert_string_equal(kit->rejects[0].reason, "bad_time");
    assert_string_equal(kit->rejects[1].reason, "missing_field");
    assert_string_equal(kit->rejects[2].reason, "missing_field");
    assert_string_equal(kit->rejects[3].reason, "bad_identity");
    assert_string_equal(kit->rejects[4].reason, "missing_field");
    kit_refused(kit, "r/x", "{\"id\":\"d1\"}", "missing_field");
    kit_refused(kit, "r/x", "{\"id\":\"d1\",\"data\":{}}", "missing_field");
    kit_refused(kit, "r/x", "{\"id\":\"d1\",\"data\":[]}", "empty");
    kit_refused(kit, "r/x", "{\"id\":\"d1\",\"data\":[{\"t\":1},]}", "malformed");
    kit_close(kit);
}

static void test_records_need_memory(void **unused)
{
    (void)unused;
    const char *const profiles[] = {records, NULL};
    struct bf_pipeline_limits limits = kit_limits;
    limits.decode_memory = 2048;
    struct kit *kit = kit_open_limited(profiles, limits);
    char payload[2048] = "{\"id\":\"d1\",\"data\":[{\"t\":1}";
    for (size_t i = 0; i < 100; i++) {
        strcat(payload, ",{\"t\":2}");
    }
    kit_refused(kit, "r/x", strcat(payload, "]}"), "arena");
    kit_close(kit);
}

/* Items of a map have their keys as names: Tasmota's sensors, values of a flat object. */
static void test_each_of_a_map(void **unused)
{
    (void)unused;
    struct kit *kit =
        kit_open("network: home\ntopic: tele/{device}/SENSOR\neach: {path: $, value: $.Temperature}\n"
                 "readings: [{name: \"*\", quantity: temperature, unit: Cel, channel: \"{item}\"}]\n");
    assert_int_equal(kit_run(kit, "tele/hall/SENSOR",
                             "{\"Time\":\"2020-03-24T12:47:51\",\"MJ_HT_V1-d8799d\":{\"Temperature\":21.4},"
                             "\"b\\u0062\":{\"Temperature\":5},\"TempUnit\":\"C\"}"),
                     2);
    kit_text(kit->readings[0].source, "home:hall:MJ_HT_V1-d8799d");
    kit_text(kit->readings[1].source, "home:hall:bb");
    kit_close(kit);
    kit = kit_open(
        "network: home\ntopic: x/{device}\neach: {path: $.v}\n"
        "readings: [{name: h, quantity: humidity, unit: \"%\"}, {name: t, quantity: t, unit: Cel}]\n");
    assert_int_equal(kit_run(kit, "x/d", "{\"v\":{\"t\":1,\"h\":70,\"z\":3}}"), 2);
    assert_true(kit_number(kit, "humidity") == 70 && kit_number(kit, "t") == 1);
    kit_refused(kit, "x/d", "{\"v\":3}", "missing_field");
    kit_close(kit);
    kit = kit_open("network: home\ntopic: x/{device}\neach: {path: $.v, name: $.n, value: $.v}\n"
                   "readings: [{name: h, quantity: humidity, unit: \"%\"}]\n");
    assert_int_equal(kit_run(kit, "x/d", "{\"v\":[{\"n\":\"h\",\"v\":1}]}"), 1);
    kit_refused(kit, "x/d", "{\"v\":{\"h\":{\"n\":\"h\",\"v\":1}}}",
                "missing_field"); /* names are asked for */
    kit_close(kit);
}

static void test_inner(void **unused)
{
    (void)unused;
    struct kit *kit =
        kit_open("network: net\ntopic: up/{app}\ndevice: \"{$.dev}\"\ntime: {path: $.at, unit: s}\n"
                 "inner: {path: $.msg.body, format: json}\n"
                 "readings: [{path: $.t, quantity: temperature, unit: Cel}]\n"
                 "tags: {kind: \"{$.kind}\"}\n");
    assert_int_equal(kit_run(kit, "up/a",
                             "{\"dev\":\"d7\",\"kind\":\"k\",\"at\":1699999000,\"t\":99,"
                             "\"msg\":{\"body\":\"{\\\"t\\\":4.5,\\\"dev\\\":\\\"no\\\"}\"}}"),
                     1);
    assert_true(kit_number(kit, "temperature") == 4.5);
    kit_text(kit->readings[0].source, "net:d7");
    assert_true(kit->readings[0].event_us == INT64_C(1699999000000000));
    kit_text(kit->readings[0].tags[0].value, "k");
    kit_refused(kit, "up/a", "{\"dev\":\"d7\",\"msg\":{}}", "missing_field");
    kit_refused(kit, "up/a", "{\"dev\":\"d7\",\"msg\":{\"body\":5}}", "bad_type");
    kit_refused(kit, "up/a", "{\"dev\":\"d7\",\"msg\":{\"body\":\"{\"}}", "malformed");
    kit_refused(kit, "up/a", "{\"dev\":\"d7\",\"msg\":{\"body\":\"{}\"}}", "missing_field");
    kit_close(kit);
}

static void test_inner_records(void **unused)
{
    (void)unused;
    struct kit *kit = kit_open("network: net\ntopic: up/{device}\nrecords: $.list\n"
                               "inner: {path: $.body, format: json}\n"
                               "readings: [{path: $.t, quantity: temperature, unit: Cel}]\n");
    assert_int_equal(kit_run(kit, "up/a", "{\"body\":\"{\\\"list\\\":[{\\\"t\\\":1},{\\\"t\\\":2},{}]}\"}"),
                     2);
    assert_int_equal(kit->reject_count, 1);
    kit_close(kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_bad_records),
        cmocka_unit_test(test_records_need_memory),
        cmocka_unit_test(test_each_of_a_map),
        cmocka_unit_test(test_inner),
        cmocka_unit_test(test_inner_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
