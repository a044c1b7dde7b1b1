/* test_json.c: the json decoder on what real devices send: HFP with its nulls and its first key,
 * airrohr's and RIoTBench's named items, numbers as texts, arrays, duplicates, and faults that
 * cost one reading only. */
#include <math.h>

#include "kit.h"

#define VECTORS TEST_SOURCE_DIR "/tests/vectors/"

static const char air[] = "network: town\ntopic: air/{device}\ntime: {path: $.ts, unit: ms}\nplace: {lat: "
                          "\"$.pos[0]\", lon: \"$.pos[1]\"}\n"
                          "readings:\n"
                          "  - {path: $.pm, quantity: pm2_5, unit: ug/m3, valid: [0, 1000]}\n"
                          "  - {path: $.n, quantity: count, unit: \"1\", type: integer}\n"
                          "  - {path: $.open, quantity: open, type: bool}\n"
                          "  - {path: $.mode, quantity: mode, type: text}\n"
                          "  - {path: \"$.deep.list[1].v\", quantity: deep, unit: m}\n"
                          "tags: {class: \"{$.class}\"}\n";

static void test_values(void **unused)
{
    (void)unused;
    struct kit *kit = kit_open(air);
    assert_int_equal(
        kit_run(kit, "air/a1",
                "{\"x\":{\"pm\":1},\"ts\":1699999999123,\"pm\":\"12.5\",\"n\":9007199254740993,\"open\":true,"
                "\"mode\":\"a\\u00e4\",\"deep\":{\"list\":[{\"v\":1},{\"w\":0,\"v\":-2.25},{\"v\":3}]},"
                "\"pos\":[60.171325,24.925031],\"class\":\"low\\\"cost\"}"),
        5);
    const struct bf_reading *reading = kit_find(kit, "pm2_5");
    kit_text(reading->source, "town:a1");
    kit_text(reading->profile, "0@1");
    kit_text(reading->unit, "ug/m3");
    assert_true(reading->event_us == INT64_C(1699999999123000) && reading->ingest_us == KIT_INGEST);
    assert_int_equal(reading->time_source, BF_TIME_DEVICE);
    assert_int_equal(reading->quality, BF_QUALITY_GOOD);
    assert_int_equal(reading->reasons, 0);
    assert_true(reading->has_place && reading->lat_e7 == 601713250 && reading->lon_e7 == 249250310);
    assert_int_equal(reading->tag_count, 1);
    kit_text(reading->tags[0].value, "low\"cost");
    assert_true(kit_number(kit, "pm2_5") == 12.5 && kit_number(kit, "deep") == -2.25);
    reading = kit_find(kit, "count");
    assert_int_equal(reading->value.kind, BF_VALUE_INT);
    assert_true(reading->value.as.integer == INT64_C(9007199254740993));
    assert_int_equal(reading->quality, BF_QUALITY_NOT_EVALUATED);
    assert_true(kit_find(kit, "open")->value.as.truth);
    kit_text(kit_find(kit, "mode")->value.as.text, "a\xc3\xa4");
    for (size_t i = 0; i < kit->reading_count; i++) {
        assert_int_equal(kit->readings[i].delivery.index, i);
        assert_int_equal(kit->readings[i].delivery.serial, 7);
    }
    kit_close(kit);
}

static void test_parts_fail_alone(void **unused)
{
    (void)unused;
    struct kit *kit = kit_open(air);
    static const struct {
        const char *json, *reason;
    } cases[] = {{"{\"pm\":NaN,\"n\":1}", "bad_number"},
                 {"{\"pm\":1e999,\"n\":1}", "bad_number"},
                 {"{\"pm\":-Infinity,\"n\":1}", "bad_number"},
                 {"{\"pm\":\"nan\",\"n\":1}", "bad_number"},
                 {"{\"pm\":\"\",\"n\":1}", "bad_type"},
                 {"{\"pm\":{},\"n\":1}", "bad_type"},
                 {"{\"pm\":[1],\"n\":1}", "bad_type"},
                 {"{\"pm\":true,\"n\":1}", "bad_type"},
                 {"{\"mode\":5,\"n\":1}", "bad_type"},
                 {"{\"mode\":\"a\\u0000b\",\"n\":1}", "bad_type"},
                 {"{\"open\":2,\"n\":1}", "bad_type"},
                 {"{\"n\":1,\"pos\":[91,0]}", "out_of_range"},
                 {"{\"n\":1,\"pos\":[1]}", "missing_field"},
                 {"{\"n\":1,\"pos\":[NaN,0]}", "bad_number"},
                 {"{\"n\":1,\"class\":\"a\\nb\"}", "bad_identity"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(kit_run(kit, "air/a1", cases[i].json), 1);
        assert_int_equal(kit->reject_count, 1);
        assert_string_equal(kit->rejects[0].reason, cases[i].reason);
        assert_true(kit_number(kit, "count") == 1);
    }
    kit_close(kit);
}

static void test_whole_faults(void **unused)
{
    (void)unused;
    struct kit *kit = kit_open(air);
    static const struct {
        const char *json, *reason;
    } cases[] = {{"", "malformed"},
                 {"{", "malformed"},
                 {"{\"n\":1}x", "malformed"},
                 {"{\"n\":1,}", "malformed"},
                 {"{\"n\":1,\"z\":\"\xff\"}", "encoding"},
                 {"{\"n\":1,\"mode\":\"\\ud800\"}", "encoding"},
                 {"{\"n\":1,\"ts\":\"soon\"}", "bad_time"},
                 {"{\"n\":1,\"ts\":-1}", "bad_time"},
                 {"{\"n\":1,\"ts\":{}}", "bad_time"},
                 {"{\"n\":1,\"ts\":NaN}", "bad_time"},
                 {"{\"other\":1}", "missing_field"},
                 {"[]", "missing_field"},
                 {"5", "missing_field"},
                 {"{\"pm\":null}", "empty"},
                 {"{\"pm\":NaN}", "bad_number"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        kit_refused(kit, "air/a1", cases[i].json, cases[i].reason);
        assert_int_equal(kit->rejects[0].record.by_profile, strcmp(cases[i].reason, "empty") == 0);
    }
    kit_close(kit);
}

static void test_duplicates(void **unused)
{
    (void)unused;
    struct kit *kit = kit_open(air);
    assert_int_equal(
        kit_run(kit, "air/a", "{\"pm\":1,\"pm\":2,\"deep\":{\"x\":1},\"deep\":{\"list\":[0,{\"v\":3}]}}"), 1);
    assert_true(kit_number(kit, "pm2_5") == 1);
    assert_int_equal(kit_run(kit, "air/a", "{\"p\\u006d\":4}"), 1);
    assert_true(kit_number(kit, "pm2_5") == 4);
    kit_close(kit);
}

static void test_scalar_payload(void **unused)
{
    (void)unused;
    struct kit *kit =
        kit_open("network: h\ntopic: homie/5/{device}/{node}/temperature\n"
                 "readings: [{path: $, quantity: temperature, unit: Cel, channel: \"{node}\"}]\n");
    assert_int_equal(kit_run(kit, "homie/5/car/engine/temperature", "21.5"), 1);
    kit_text(kit->readings[0].source, "h:car:engine");
    kit_close(kit);
}

static const char airrohr[] = "network: sc\ntopic: feinstaub/+\ndevice: \"{$.esp8266id}\"\n"
                              "each: {path: $.sensordatavalues, name: $.value_type, value: $.value}\n"
                              "readings:\n  - {name: SDS_P1, quantity: pm10, unit: ug/m3, valid: [0, 1999]}\n"
                              "  - {name: SDS_P2, quantity: pm2_5, unit: ug/m3, required: true}\n"
                              "  - {name: BME280_pressure, quantity: pressure, from: Pa, unit: hPa}\n";

static void test_items(void **unused)
{
    (void)unused;
    struct kit *kit = kit_open(airrohr);
    assert_int_equal(
        kit_run(
            kit, "feinstaub/x",
            "{\"esp8266id\":\"16659171\",\"sensordatavalues\":[{\"value_type\":\"SDS_P1\",\"value\":\"1.10\"}"
            ","
            "{\"value_type\":\"SDS_P2\",\"value\":\"1.00\"},{\"value_type\":\"signal\",\"value\":\"-79\"},"
            "{\"value_type\":\"BME280_pressure\",\"value\":\"101325.5\"}]}"),
        3);
    assert_int_equal(kit->reject_count, 0);
    kit_text(kit->readings[0].source, "sc:16659171");
    assert_true(kit_number(kit, "pm10") == 1.1 && kit_number(kit, "pm2_5") == 1);
    const struct bf_reading *pressure = kit_find(kit, "pressure");
    assert_true(fabs(pressure->value.as.number - 1013.255) < 1e-9);
    assert_true(pressure->has_raw && pressure->raw_value.as.number == 101325.5);
    kit_text(pressure->raw_unit, "Pa");
    assert_int_equal(pressure->time_source, BF_TIME_MARKER);
    assert_int_equal(pressure->reasons, BF_REASON_ESTIMATED);
    assert_true(pressure->event_us == KIT_CLOCK);
    kit_refused(kit, "feinstaub/x", "{\"esp8266id\":\"1\"}", "missing_field");
    kit_refused(kit, "feinstaub/x", "{\"esp8266id\":\"1\",\"sensordatavalues\":[]}", "missing_field");
    kit_refused(kit, "feinstaub/x", "{\"sensordatavalues\":[{\"value_type\":\"SDS_P1\",\"value\":1}]}",
                "missing_field");
    assert_int_equal(kit_run(kit, "feinstaub/x",
                             "{\"esp8266id\":1,\"sensordatavalues\":[7,null,{\"value\":1},"
                             "{\"value_type\":\"SDS_P1\"},{\"value_type\":\"SDS_P2\",\"value\":3}]}"),
                     1);
    kit_text(kit->readings[0].source, "sc:1");
    kit_close(kit);
}

/* A line of the sample: milliseconds, a comma, the payload. */
static size_t run_riotbench(struct kit *kit, const char *line, size_t len)
{
    const char *comma = memchr(line, ',', len);
    assert_non_null(comma);
    struct bf_slice payload = {.data = comma + 1, .len = len - (size_t)(comma + 1 - line)};
    while (payload.len > 0 && (unsigned char)payload.data[payload.len - 1] <= ' ') {
        payload.len--;
    }
    return kit_run_bytes(kit, BF_SLICE("sys/senml"), payload);
}

static const char riotbench[] =
    "network: sys\ntopic: sys/senml\ndevice: \"{$.e[0].sv}\"\ntime: {path: $.bt, unit: ms}\n"
    "place: {lat: \"$.e[2].v\", lon: \"$.e[1].v\"}\n"
    "each: {path: $.e, name: $.n, value: $.v, unit: $.u}\n"
    "readings:\n  - {name: temperature, quantity: temperature, unit: Cel, valid: [-60, 60]}\n"
    "  - {name: humidity, quantity: humidity, unit: \"%\", valid: [0, 100]}\n"
    "  - {name: dust, quantity: dust, unit: ug/m3, valid: [0, 100000], invalid: reject}\n"
    "  - {name: light, quantity: light, unit: lx, valid: [0, 200000]}\n";

static void check_riotbench(struct kit *kit, struct bf_slice bytes, size_t lines, size_t min_dust,
                            size_t min_places)
{
    size_t count = 0, dust = 0, places = 0;
    for (const char *at = bytes.data, *end; at < bytes.data + bytes.len; at = end + 1, count++) {
        end = strchr(at, '\n');
        end = end ? end : bytes.data + bytes.len;
        size_t readings = run_riotbench(kit, at, (size_t)(end - at));
        assert_true(readings == 4 || readings == 3);
        const struct bf_reading *temperature = kit_find(kit, "temperature");
        kit_text(temperature->unit, "Cel");
        kit_text(temperature->raw_unit, "far"); /* what it said stays beside what it meant */
        assert_true(temperature->reasons & BF_REASON_UNIT_GUESS);
        assert_int_equal(temperature->quality, BF_QUALITY_GOOD);
        assert_false(kit_find(kit, "humidity")->has_raw);
        for (size_t i = 0; i < kit->reject_count; i++) {
            assert_string_equal(kit->rejects[i].reason, "out_of_range");
            bool of_dust = strstr(kit->rejects[i].detail, "dust") != NULL;
            dust += of_dust;
            places += !of_dust;
        }
    }
    assert_int_equal(count, lines);
    assert_true(dust >= min_dust && places >= min_places);
}

static void test_riotbench(void **unused)
{
    (void)unused;
    struct kit *kit = kit_open(riotbench);
    kit->next.ingest_us = INT64_C(1422748900000000);
    struct bf_slice bytes = kit_read(VECTORS "riotbench/excerpt.csv");
    check_riotbench(kit, bytes, 20, 1, 1);
    kit_free(bytes);
    kit_text(kit->readings[0].source, "sys:ci4lr75ve000c02ypnfy0qt8n3");
    assert_true(kit->readings[0].has_place && kit->readings[0].lat_e7 == 60549290);
    const char *data = getenv("BELFRY_DATA");
    char path[1024];
    snprintf(path, sizeof path, "%s/riotbench/SYS_sample_data_senml.csv", data ? data : ".");
    bytes = kit_read(path);
    if (bytes.len > 0) {
        check_riotbench(kit, bytes, 1000, 1, 1);
        kit_free(bytes);
    } else {
        print_message("skipped the whole sample: BELFRY_DATA does not name a folder that has it\n");
    }
    kit_close(kit);
}

static const char hfp[] =
    "network: hsl\ntopic: /hfp/v2/{journey}/{temporal}/{event}/{mode}/{operator}/{vehicle}/#\nonly_keys: "
    "true\n"
    "key: [VP, DUE, ARR, DEP, ARS, PDE, PAS, WAIT, VJA, VJOUT]\ndevice: \"{operator}/{vehicle}\"\n"
    "time: {path: $.tst, unit: rfc3339}\nplace: {lat: $.lat, lon: $.long}\n"
    "readings:\n  - {path: $.spd, quantity: bus_speed, from: m/s, unit: km/h, valid: [0, 150]}\n"
    "  - {path: $.dl, quantity: bus_deviation, unit: s, valid: [-7200, 7200]}\n"
    "  - {path: $.odo, quantity: bus_odometer, unit: m, aggregation: counter}\n"
    "tags: {route: \"{$.route}\", event: \"{event}\"}\n";

struct totals {
    size_t lines, silent, readings, placed, rejects;
};

/* Every line is readings, or nothing by its profile: no fault in real traffic. */
static void run_hfp(struct kit *kit, struct bf_slice bytes, struct totals *totals)
{
    for (const char *at = bytes.data, *end; at < bytes.data + bytes.len; at = end + 1) {
        end = strchr(at, '\n');
        end = end ? end : bytes.data + bytes.len;
        const char *topic = memchr(at, ' ', (size_t)(end - at));
        const char *brace = topic ? strstr(topic, " {") : NULL;
        if (!brace || brace > end) {
            continue;
        }
        assert_int_equal(
            bf_time_parse_rfc3339((struct bf_slice){at, (size_t)(topic - at)}, &kit->next.ingest_us), BF_OK);
        size_t count = kit_run_bytes(kit, (struct bf_slice){topic + 1, (size_t)(brace - topic - 1)},
                                     (struct bf_slice){brace + 1, (size_t)(end - brace - 1)});
        totals->lines++;
        totals->readings += count;
        totals->rejects += kit->reject_count;
        totals->silent += count == 0;
        totals->placed += count > 0 && kit->readings[0].has_place;
        if (count == 0) {
            assert_string_equal(kit->rejects[0].reason, "empty");
        }
    }
}

static void test_hfp(void **unused)
{
    (void)unused;
    struct kit *kit = kit_open(hfp);
    struct totals totals = {.lines = 0};
    struct bf_slice bytes = kit_read(VECTORS "hfp/excerpt.dump");
    run_hfp(kit, bytes, &totals);
    assert_int_equal(totals.lines, 18);
    assert_int_equal(totals.silent, 3); /* DOO and TLR by their key, a VJA of nothing but nulls */
    assert_int_equal(totals.rejects, 3);
    assert_int_equal(
        kit_run(
            kit,
            "/hfp/v2/journey/ongoing/vp/bus/0012/01913/4400/1/Vantaankoski/15:21/1130110/4/60;24/19/72/15",
            "{\"VP\":{\"desi\":\"400\",\"tst\":\"2023-10-29T13:24:10.684Z\",\"spd\":4.53,\"lat\":60.171325,"
            "\"long\":24.925031,\"dl\":-112,\"odo\":746,\"stop\":null,\"route\":\"4400\"}}"),
        3);
    kit_text(kit->readings[0].source, "hsl:0012/01913");
    assert_true(fabs(kit_number(kit, "bus_speed") - 16.308) < 1e-9 &&
                kit_number(kit, "bus_deviation") == -112);
    assert_true(kit->readings[0].event_us == INT64_C(1698585850684000));
    assert_int_equal(kit->readings[0].lat_e7, 601713250);
    kit_text(kit->readings[0].tags[0].name, "event");
    kit_text(kit->readings[0].tags[1].value, "4400");
    kit_refused(kit, "/hfp/v2/journey/ongoing/vp/bus/0012/01913", "[]", "malformed");
    kit_refused(kit, "/hfp/v2/journey/ongoing/vp/bus/0012/01913", "{}", "missing_field");
    kit_refused(kit, "/hfp/v2/journey/ongoing/vp/bus/0012", "{\"VP\":{}}", "no_profile");
    kit_free(bytes);
    kit_close(kit);
}

static void test_hfp_captures(void **unused)
{
    (void)unused;
    static const struct {
        const char *name;
        size_t lines;
    } captures[] = {{"currentStopNull", 1034},
                    {"partialApcAfterLongDeadRunStart", 37},
                    {"serviceJourneyChangeDifferentStop", 38},
                    {"stopChange", 14},
                    {"wrongServiceJourneySelectedBeforeDeadRun", 411}};
    const char *data = getenv("BELFRY_DATA");
    if (!data) {
        print_message("skipped: BELFRY_DATA does not name the folder with the captures\n");
        return;
    }
    struct kit *kit = kit_open(hfp);
    for (size_t i = 0; i < sizeof captures / sizeof captures[0]; i++) {
        char path[1024];
        struct totals totals = {.lines = 0};
        snprintf(path, sizeof path, "%s/hsl/%s.dump", data, captures[i].name);
        struct bf_slice bytes = kit_read(path);
        assert_true(bytes.len > 0);
        run_hfp(kit, bytes, &totals);
        kit_free(bytes);
        assert_int_equal(totals.lines, captures[i].lines);
        assert_int_equal(totals.rejects, totals.silent);
        if (i == 0) {
            /* Of 940 messages without a position all count but 7 with other keys and a VJA of
             * nulls. */
            assert_int_equal(totals.lines - totals.silent - totals.placed, 932);
        }
    }
    kit_close(kit);
}

static void test_full_arena(void **unused)
{
    (void)unused;
    const char *const profiles[] = {airrohr, NULL};
    struct bf_pipeline_limits limits = kit_limits;
    size_t refused = 0;
    for (limits.decode_memory = 16; limits.decode_memory < 4096; limits.decode_memory += 16) {
        struct kit *kit = kit_open_limited(profiles, limits);
        size_t count = kit_run(
            kit, "feinstaub/x",
            "{\"esp8266id\":\"16659171\",\"sensordatavalues\":["
            "{\"value_type\":\"SDS_\\u00501\",\"value\":\"1.10\"},{\"value_type\":\"SDS_P2\",\"value\":2}]}");
        if (count == 0) {
            assert_string_equal(kit->rejects[0].reason, "arena");
            refused++;
        } else {
            assert_int_equal(count, 2);
        }
        kit_close(kit);
    }
    assert_true(refused > 10 && refused < 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),         cmocka_unit_test(test_parts_fail_alone),
        cmocka_unit_test(test_whole_faults),   cmocka_unit_test(test_duplicates),
        cmocka_unit_test(test_scalar_payload), cmocka_unit_test(test_items),
        cmocka_unit_test(test_riotbench),      cmocka_unit_test(test_hfp),
        cmocka_unit_test(test_hfp_captures),   cmocka_unit_test(test_full_arena)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
