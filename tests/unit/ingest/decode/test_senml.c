/* test_senml.c: SenML packs as readings: names, units, places by time, relative times, and what a
 * profile does not ask for. */
#include <math.h>

#include "kit.h"

#define VECTORS TEST_SOURCE_DIR "/tests/vectors/senml/"

static const char meter[] =
    "network: town\ntopic: noise/{device}\nformat: senml\n"
    "readings:\n  - {name: laeq, quantity: laeq, unit: dB, valid: [20, 140], aggregation: energy-mean}\n"
    "  - {name: temp, quantity: temperature, unit: Cel}\n  - {name: open, quantity: open, type: bool}\n"
    "  - {name: label, quantity: label, type: text}\n  - {name: energy, quantity: energy, unit: W.h, "
    "aggregation: counter}\n";

static void test_records(void **unused)
{
    (void)unused;
    struct kit *kit = kit_open(meter);
    assert_int_equal(kit_run(kit, "noise/n1",
                             "[{\"bn\":\"urn:x:\",\"bt\":1699999990,\"n\":\"laeq\",\"u\":\"dB\",\"v\":55.5},"
                             "{\"n\":\"temp\",\"t\":1.5,\"u\":\"K\",\"v\":300},{\"n\":\"open\",\"vb\":true},"
                             "{\"n\":\"label\",\"vs\":\"hall\"},{\"n\":\"other\",\"v\":3},{\"n\":\"energy\","
                             "\"u\":\"kWh\",\"s\":2}]"),
                     5);
    assert_int_equal(kit->reject_count, 0);
    const struct bf_reading *reading = kit_find(kit, "laeq");
    kit_text(reading->source, "town:n1");
    assert_int_equal(reading->quality, BF_QUALITY_GOOD);
    assert_int_equal(reading->aggregation, BF_AGGREGATION_ENERGY_MEAN);
    assert_true(reading->event_us == INT64_C(1699999990000000));
    reading = kit_find(kit, "temperature");
    assert_true(fabs(reading->value.as.number - 26.85) < 1e-9 &&
                reading->event_us == INT64_C(1699999991500000));
    kit_text(reading->raw_unit, "K");
    assert_true(kit_find(kit, "open")->value.as.truth);
    kit_text(kit_find(kit, "label")->value.as.text, "hall");
    assert_true(kit_number(kit, "energy") == 2000);
    kit_close(kit);
}

static void test_times(void **unused)
{
    (void)unused;
    struct kit *kit = kit_open(meter);
    assert_int_equal(kit_run(kit, "noise/n1",
                             "[{\"n\":\"temp\",\"v\":1},{\"n\":\"temp\",\"v\":2,\"t\":-5},"
                             "{\"n\":\"temp\",\"v\":3,\"t\":4e9},{\"n\":\"temp\",\"v\":3,\"t\":\"x\"}]"),
                     3);
    assert_string_equal(kit->rejects[0].reason, "bad_time");
    assert_true(kit->readings[0].event_us == KIT_CLOCK && kit->readings[0].reasons == BF_REASON_ESTIMATED);
    assert_true(kit->readings[1].event_us == KIT_INGEST - 5000000 && kit->readings[1].reasons == 0);
    assert_true(kit->readings[2].event_us == KIT_CLOCK);
    assert_int_equal(kit->readings[2].reasons, BF_REASON_ESTIMATED | BF_REASON_CLOCK);
    kit_close(kit);
}

static void test_units(void **unused)
{
    (void)unused;
    struct kit *kit = kit_open(meter);
    assert_int_equal(kit_run(kit, "noise/n",
                             "[{\"n\":\"temp\",\"u\":\"Cel\",\"v\":1},{\"n\":\"temp\",\"u\":\"V\",\"v\":1},"
                             "{\"n\":\"temp\",\"u\":\"nonsense\",\"v\":1},{\"n\":\"temp\",\"v\":1}]"),
                     2);
    assert_int_equal(kit->reject_count, 2);
    assert_string_equal(kit->rejects[0].reason, "bad_unit");
    assert_string_equal(kit->rejects[1].reason, "bad_unit");
    kit_close(kit);
}

/* RFC 8428's moving sensor: lat and lon records are the place of the records of their time. */
static void test_places(void **unused)
{
    (void)unused;
    static const struct {
        const char *format, *file;
    } forms[] = {{"senml", "ex5.gen.json"}, {"senml+cbor", "ex5.gen.cbor"}};
    for (size_t i = 0; i < 2; i++) {
        char profile[512], path[512];
        snprintf(profile, sizeof profile,
                 "network: town\ntopic: t\ndevice: \"{$.bn}\"\nformat: %s\n"
                 "readings: [{name: \"*\", quantity: humidity, unit: \"%%\"}]\n",
                 forms[i].format);
        snprintf(path, sizeof path, VECTORS "%s", forms[i].file);
        struct kit *kit = kit_open(profile);
        struct bf_slice bytes = kit_read(path);
        assert_int_equal(kit_run_bytes(kit, BF_SLICE("t"), bytes), 5);
        kit_text(kit->readings[0].source, "town:urn~3Adev~3Aow~3A10e2073a01080063");
        kit_text(bf_reading_device(kit->readings[0].source), "town:urn~3Adev~3Aow~3A10e2073a01080063");
        static const struct {
            int64_t after_s;
            bool placed;
            int32_t lon_e7;
        } expected[] = {{0, true, 243062100},
                        {60, true, 243062200},
                        {120, true, 243062300},
                        {150, false, 0},
                        {180, true, 243062800}};
        for (size_t j = 0; j < 5; j++) {
            const struct bf_reading *reading = &kit->readings[j];
            assert_true(reading->event_us == (INT64_C(1320067464) + expected[j].after_s) * 1000000);
            assert_int_equal(reading->has_place, expected[j].placed);
            assert_true(!reading->has_place || reading->lon_e7 == expected[j].lon_e7);
        }
        kit_free(bytes);
        kit_close(kit);
    }
}

static void test_identity_by_record(void **unused)
{
    (void)unused;
    struct kit *kit =
        kit_open("network: town\ntopic: t\ndevice: \"{$.n}\"\nformat: senml\n"
                 "readings: [{name: temperature, quantity: temperature, unit: Cel, required: true}]\n");
    struct bf_slice bytes = kit_read(VECTORS "ex6.gen.json");
    assert_int_equal(kit_run_bytes(kit, BF_SLICE("t"), bytes), 2);
    kit_text(kit->readings[0].source, "town:2001~3Adb8~3A~3A2");
    kit_text(kit->readings[1].source, "town:2001~3Adb8~3A~3A1");
    kit_free(bytes);
    kit_refused(kit, "t", "[{\"n\":\"x:y\",\"v\":1}]", "missing_field");
    kit_refused(kit, "t", "[]", "missing_field");
    kit_refused(kit, "t", "[{\"n\":\"x:temperature\",\"v\":\"1\"}]", "bad_type");
    kit_refused(kit, "t", "[{\"n\":\"a\\u0001:temperature\",\"v\":1}]", "bad_identity");
    kit_refused(kit, "t", "{\"e\":[]}", "malformed");
    kit_close(kit);
}

static void test_foreign_records(void **unused)
{
    (void)unused;
    struct kit *kit = kit_open(meter);
    kit_refused(kit, "noise/n", "[{\"n\":\"other\",\"v\":1}]", "empty");
    kit_refused(kit, "noise/n", "[{\"n\":\"temp\",\"vd\":\"aGk\"}]", "bad_type");
    kit_refused(kit, "noise/n", "[{\"n\":\"temp\",\"v\":NaN}]", "bad_number");
    kit_close(kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_records),
                                       cmocka_unit_test(test_times),
                                       cmocka_unit_test(test_units),
                                       cmocka_unit_test(test_places),
                                       cmocka_unit_test(test_identity_by_record),
                                       cmocka_unit_test(test_foreign_records)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
