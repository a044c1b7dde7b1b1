/* test_normalise.c: the rules that every reading must pass, one by one: identity, time, place,
 * range, raw, quality, channel, content hash. */
#include <math.h>

#include "kit.h"

static void test_time(void **unused)
{
    (void)unused;
    struct kit *kit = kit_open("network: n\ntopic: a/{device}\ntime: {path: $.t, unit: rfc3339}\n"
                               "readings: [{path: $.v, quantity: v, unit: \"1\"}]\n");
    static const struct {
        const char *json;
        int64_t event_us;
        int64_t clock_us;
        enum bf_time_source source;
        uint32_t reasons;
    } cases[] = {
        {"{\"v\":1,\"t\":\"2023-11-14T22:13:20.000001Z\"}", KIT_INGEST + 1, KIT_CLOCK, BF_TIME_DEVICE, 0},
        {"{\"v\":1,\"t\":\"2023-11-14T22:18:20Z\"}", KIT_INGEST + 300000000, KIT_CLOCK, BF_TIME_DEVICE, 0},
        {"{\"v\":1,\"t\":\"2023-11-14T22:18:20.000001Z\"}", KIT_CLOCK, KIT_CLOCK, BF_TIME_MARKER,
         BF_REASON_CLOCK | BF_REASON_ESTIMATED},
        {"{\"v\":1,\"t\":null}", KIT_CLOCK, KIT_CLOCK, BF_TIME_MARKER, BF_REASON_ESTIMATED},
        {"{\"v\":1}", KIT_CLOCK, KIT_CLOCK, BF_TIME_MARKER, BF_REASON_ESTIMATED},
        {"{\"v\":1}", 0, BF_TIME_NONE, BF_TIME_INGEST, BF_REASON_ESTIMATED},
        {"{\"v\":1,\"t\":\"2199-01-01T00:00:00Z\"}", 0, BF_TIME_NONE, BF_TIME_INGEST,
         BF_REASON_CLOCK | BF_REASON_ESTIMATED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        kit->next.clock_us = cases[i].clock_us;
        assert_int_equal(kit_run(kit, "a/d", cases[i].json), 1);
        assert_true(kit->readings[0].event_us == cases[i].event_us);
        assert_int_equal(kit->readings[0].time_source, cases[i].source);
        assert_int_equal(kit->readings[0].reasons, cases[i].reasons);
    }
    kit->next.historical = true; /* published again: its own time, else that of its first coming */
    kit->next.historical_us = KIT_INGEST - 5;
    assert_int_equal(kit_run(kit, "a/d", "{\"v\":1}"), 1);
    assert_true(kit->readings[0].event_us == KIT_INGEST - 5);
    assert_int_equal(kit->readings[0].time_source, BF_TIME_INGEST);
    assert_int_equal(kit->readings[0].reasons, BF_REASON_HISTORICAL);
    assert_int_equal(kit_run(kit, "a/d", "{\"v\":1,\"t\":\"2023-11-14T22:13:20Z\"}"), 1);
    assert_true(kit->readings[0].event_us == KIT_INGEST);
    assert_int_equal(kit->readings[0].reasons, BF_REASON_HISTORICAL);
    kit->next.historical = false;
    kit_refused(kit, "a/d", "{\"v\":1,\"t\":1700000000}", "bad_time");
    kit_refused(kit, "a/d", "{\"v\":1,\"t\":\"2023-11-14T22:13:20\"}", "bad_time");
    kit_refused(kit, "a/d", "{\"v\":1,\"t\":\"1969-12-31T23:59:59Z\"}", "bad_time");
    kit_close(kit);
}

static void test_time_units(void **unused)
{
    (void)unused;
    static const struct {
        const char *unit, *json;
    } cases[] = {{"s", "{\"v\":1,\"t\":1699999999.25}"},
                 {"s", "{\"v\":1,\"t\":\"1699999999.25\"}"},
                 {"s", "{\"v\":1,\"t\":1.69999999925e9}"},
                 {"ms", "{\"v\":1,\"t\":1699999999250}"},
                 {"us", "{\"v\":1,\"t\":1699999999250000}"},
                 {"us", "{\"v\":1,\"t\":1699999999250000.9}"},
                 {"rfc3339", "{\"v\":1,\"t\":\"2023-11-15T00:13:19.25+02:00\"}"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char profile[256];
        snprintf(profile, sizeof profile,
                 "network: n\ntopic: a/{device}\ntime: {path: $.t, unit: %s}\n"
                 "readings: [{path: $.v, quantity: v, unit: \"1\"}]\n",
                 cases[i].unit);
        struct kit *kit = kit_open(profile);
        assert_int_equal(kit_run(kit, "a/d", cases[i].json), 1);
        assert_true(kit->readings[0].event_us == INT64_C(1699999999250000));
        kit_close(kit);
    }
}

static void test_range_and_raw(void **unused)
{
    (void)unused;
    struct kit *kit = kit_open(
        "network: n\ntopic: a/{device}\nreadings:\n"
        "  - {path: $.a, quantity: speed, from: m/s, unit: km/h, valid: [0, 100]}\n"
        "  - {path: $.b, quantity: level, unit: m, scale: 0.5, offset: 1, valid: [0, 5], invalid: reject}\n"
        "  - {path: $.c, quantity: n, unit: \"1\", type: integer, valid: [0, 9]}\n");
    assert_int_equal(kit_run(kit, "a/d", "{\"a\":10,\"b\":4,\"c\":9}"), 3);
    const struct bf_reading *speed = kit_find(kit, "speed");
    assert_true(fabs(speed->value.as.number - 36) < 1e-9 && speed->has_raw &&
                speed->raw_value.as.number == 10);
    kit_text(speed->raw_unit, "m/s");
    kit_text(speed->unit, "km/h");
    assert_int_equal(speed->quality, BF_QUALITY_GOOD);
    assert_true(kit_number(kit, "level") == 3 && kit_find(kit, "level")->raw_value.as.number == 4);
    assert_false(kit_find(kit, "n")->has_raw);
    assert_int_equal(kit_run(kit, "a/d", "{\"a\":100,\"b\":100,\"c\":10}"), 2);
    assert_int_equal(kit_find(kit, "speed")->quality, BF_QUALITY_FAIL);
    assert_true(kit_find(kit, "speed")->reasons & BF_REASON_RANGE);
    assert_int_equal(kit_find(kit, "n")->quality, BF_QUALITY_FAIL);
    assert_string_equal(kit->rejects[0].reason, "out_of_range");
    assert_int_equal(kit_run(kit, "a/d", "{\"a\":1e308,\"c\":1}"), 1); /* overflows in the conversion */
    assert_string_equal(kit->rejects[0].reason, "bad_number");
    assert_int_equal(kit_run(kit, "a/d", "{\"c\":1.5}"), 1); /* not cut to an integer */
    assert_int_equal(kit->readings[0].value.kind, BF_VALUE_DOUBLE);
    kit_close(kit);
}

static void test_identity(void **unused)
{
    (void)unused;
    struct kit *kit = kit_open("network: n\ntopic: a/{x}/{y}\ndevice: \"{x}-{$.id}\"\nzone: \"{$.zone}\"\n"
                               "readings: [{path: $.v, quantity: v, unit: \"1\", channel: \"{$.ch}\"}]\n"
                               "tags: {zeta: \"{y}\", alpha: \"<{$.al}>\"}\n");
    assert_int_equal(
        kit_run(kit, "a/p:q~/y", "{\"v\":1,\"id\":12.50,\"ch\":\"c:1\",\"zone\":\"z1\",\"al\":true}"), 1);
    kit_text(kit->readings[0].source, "n:p~3Aq~7E-12.50:c:1");
    kit_text(bf_reading_device(kit->readings[0].source), "n:p~3Aq~7E-12.50");
    kit_text(kit->readings[0].zone, "z1");
    assert_int_equal(kit->readings[0].tag_count, 2);
    kit_text(kit->readings[0].tags[0].name, "alpha");
    kit_text(kit->readings[0].tags[0].value, "<true>");
    kit_text(kit->readings[0].tags[1].value, "y");
    assert_int_equal(kit_run(kit, "a/x/", "{\"v\":1,\"id\":1,\"ch\":1,\"zone\":null}"),
                     1); /* empty level, no zone */
    assert_int_equal(kit->readings[0].tag_count, 0);
    assert_int_equal(kit->readings[0].zone.len, 0);
    assert_int_equal(kit->reject_count, 0);
    kit_refused(kit, "a/x/y", "{\"v\":1,\"ch\":1}", "missing_field");
    kit_refused(kit, "a/x/y", "{\"v\":1,\"id\":null,\"ch\":1}", "missing_field");
    kit_refused(kit, "a/x/y", "{\"v\":1,\"id\":\"\",\"ch\":1}", "bad_identity");
    kit_refused(kit, "a/x/y", "{\"v\":1,\"id\":[],\"ch\":1}", "bad_identity");
    kit_refused(kit, "a/x/y", "{\"v\":1,\"id\":1}", "missing_field");
    kit_refused(kit, "a/x/y", "{\"v\":1,\"id\":1,\"ch\":\"\\u0000\"}", "bad_identity");
    kit_close(kit);
}

static void test_content_hash(void **unused)
{
    (void)unused;
    struct kit *kit =
        kit_open("network: n\ntopic: a/{device}\ntime: {path: $.t, unit: s}\ndedup: content\n"
                 "readings: [{path: $.v, quantity: v, unit: \"1\"}, {path: $.s, quantity: s, type: text}]\n");
    static const struct {
        const char *topic, *json;
    } all[] = {{"a/1", "{\"t\":1600000000,\"v\":1}"},     {"a/2", "{\"t\":1600000000,\"v\":1}"},
               {"a/1", "{\"t\":1600000001,\"v\":1}"},     {"a/1", "{\"t\":1600000000,\"v\":2}"},
               {"a/1", "{\"t\":1600000000,\"s\":\"1\"}"}, {"a/1", "{\"t\":1600000000,\"s\":\"2\"}"}};
    uint64_t hashes[6];
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(kit_run(kit, all[i].topic, all[i].json), 1);
        assert_true(kit->readings[0].has_content_hash);
        hashes[i] = kit->readings[0].content_hash;
        for (size_t j = 0; j < i; j++) {
            assert_true(hashes[i] != hashes[j]);
        }
        assert_int_equal(kit_run(kit, all[i].topic, all[i].json), 1);
        assert_true(kit->readings[0].content_hash == hashes[i]);
    }
    kit_close(kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_time), cmocka_unit_test(test_time_units),
                                       cmocka_unit_test(test_range_and_raw), cmocka_unit_test(test_identity),
                                       cmocka_unit_test(test_content_hash)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
