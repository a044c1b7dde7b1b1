/* belfry test: what is as expected, what differs and how that is said, TAP, JUnit; and all shipped profiles.
 * Covers: cli/catch.c, cli/reading_text.c, cli/screen.c, cli/test_report.c, cli/trial.c */
#include "tests/unit/cli/command_run.h"

#include <sys/stat.h>

#include "cli/reading_text.h"
#include "cli/setting.h"
#include "tests/support/tempdir.h"

static const char *folder;

static const char profile_head[] =
    "network: n\ntopic: t/{kind}/{device}\n"
    "time: {path: $.ts, unit: s}\n"
    "place: {lat: $.lat, lon: $.lon}\n"
    "readings:\n"
    "  - {path: $.t, quantity: temperature, from: Cel, unit: K, valid: [200, 400]}\n"
    "  - {path: $.s, quantity: state, type: text}\n"
    "  - {path: $.on, quantity: open, type: bool}\n"
    "  - {path: $.n, quantity: count, type: integer, unit: \"1\"}\n"
    "tags: {kind: \"{kind}\"}\n"
    "examples:\n";

static const char *at(const char *name)
{
    static char path[600];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const char *front, const char *rest)
{
    FILE *file = fopen(at(name), "w");
    assert_non_null(file);
    fputs(front, file);
    fputs(rest, file);
    fclose(file);
}

static void write_city(const char *examples)
{
    write_file("city.yaml", "name: testville\n", "");
    write_file("profiles/box.yaml", profile_head, examples);
}

static int test_city(const char *examples)
{
    write_city(examples);
    return RUN("test", folder);
}

static void what_is_as_expected(void **state)
{
    (void)state;
    assert_int_equal(
        test_city(
            "  - topic: t/a/7\n"
            "    payload: '{\"ts\": 1772366400, \"lat\": 60.1, \"lon\": 25, \"t\": 20, \"s\": \"ok\", "
            "\"on\": true, \"n\": 9007199254740993}'\n"
            "    readings:\n"
            "      - {source: \"n:7\", device: \"n:7\", quantity: temperature, value: 293.15, unit: K, raw: "
            "20.0,\n"
            "         raw_unit: Cel, time: \"2026-03-01T13:00:00+01:00\", time_source: device, quality: "
            "good,\n"
            "         reasons: [], lat: 60.1, lon: 25, zone: \"\", tags: {kind: a}, profile: box@1,\n"
            "         privacy: public, aggregation: none, accuracy: \"\", interval_start: \"\"}\n"
            "      - {value: ok, raw: \"\"}\n"
            "      - {value: true}\n"
            "      - {value: 9007199254740993, quality: not_evaluated}\n"
            "  - {topic: t/a/7, payload_hex: \"7b 22 74 22 3a 31 7d\", at: \"2026-03-01T12:00:00Z\",\n"
            "     readings: [{value: 274.15000000001, reasons: [estimated], time_source: marker}]}\n"
            "  - {topic: t/a/7, payload_base64: eyJ0IjogMX0, note: only that it is read}\n"
            "  - {topic: t/a/7, payload: '{\"t\": 1', rejects: [malformed]}\n"
            "  - {topic: t/a/7, payload: '{\"t\": 1000, \"lat\": 91, \"lon\": 1}', rejects: [out_of_range],\n"
            "     readings: [{quality: fail, reasons: [range, estimated]}]}\n"
            "  - {topic: t/a/7, payload: '{\"t\": 1}', retained: true, rejects: [retained]}\n"),
        BF_EXIT_OK);
    assert_printed("ok      box@1                                    6 examples");
    assert_printed("6 examples of 1 profile: 6 as expected, 0 not");
    assert_null(strchr(printed, '\x1b')); /* no colours into a file */
}

static void what_differs_is_said_field_by_field(void **state)
{
    (void)state;
    assert_int_equal(test_city("  - topic: t/a/7\n"
                               "    note: a warm day\n"
                               "    payload: '{\"ts\": 1772366400, \"t\": 20}'\n"
                               "    readings:\n"
                               "      - {quantity: temperature, value: 293.1500003, tags: {kind: b}}\n"
                               "      - {value: 5}\n"
                               "  - {topic: t/a/7, payload: '{\"t\": 1, \"s\": 2}', rejects: [malformed]}\n"
                               "  - {topic: t/a/7, payload: 'x'}\n"
                               "  - {topic: t/a/7, file: not-there.bin}\n"
                               "  - {topic: t/a/7, payload: '{\"t\": 1, \"n\": 2}', readings: []}\n"),
                     BF_EXIT_FAILED);
    char text[700];
    (void)snprintf(text, sizeof text,
                   "not ok  %s/profiles/box.yaml:12:5\n        box@1, example 1: a warm day\n", folder);
    assert_printed(text);
    assert_printed(
        "    - readings: 2\n    + readings: 1\n      reading 1\n        quantity       temperature\n");
    (void)snprintf(text, sizeof text, "    -   value          293.1500003    %s/profiles/box.yaml:16:40\n",
                   folder);
    assert_printed(text);
    assert_printed("    +   value          293.15\n");
    assert_printed("    -   tags.kind      b    ");
    assert_printed("    +   tags.kind      a\n");
    assert_printed("    - reading 2    ");
    assert_printed("    - no reading\n    + reading 1\n    +   source         n:7\n");
    assert_printed("    - reject malformed\n    + reject bad_type: ");
    assert_printed("    - at least one reading\n    + none\n    + reject malformed: ");
    assert_printed("    + could not open ");
    assert_printed("    - readings: 0\n    + readings: 2\n");
    assert_printed("5 examples of 1 profile: 0 as expected, 5 not");
}

static void a_file_is_read_from_the_profile_s_folder(void **state)
{
    (void)state;
    write_file("profiles/one.json", "{\"t\": 1}", "");
    assert_int_equal(test_city("  - {topic: t/a/7, file: one.json, readings: [{value: 274.15}]}\n"),
                     BF_EXIT_OK);
}

static void programs_read_tap_and_junit(void **state)
{
    (void)state;
    char junit[700], text[4096] = "";
    (void)snprintf(junit, sizeof junit, "%s", at("report.xml"));
    write_city("  - {topic: t/a/7, payload: '{\"t\": 1}', note: 'a & <b>'}\n"
               "  - {topic: t/a/7, payload: 'x', note: second}\n");
    assert_int_equal(RUN("test", folder, "--tap", "--junit", junit, "--profile", "box"), BF_EXIT_FAILED);
    assert_true(strncmp(printed,
                        "TAP version 14\nok 1 - box@1 example 1: a & <b>\nnot ok 2 - box@1 example 2",
                        60) == 0);
    assert_printed("  ---\n  at: ");
    assert_printed("  difference: |\n    - at least one reading\n");
    assert_printed("\n  ...\n1..2\n");
    FILE *file = fopen(junit, "r");
    assert_non_null(file);
    assert_true(fread(text, 1, sizeof text - 1, file) > 0);
    fclose(file);
    assert_non_null(strstr(text, "<testsuite name=\"belfry test\" tests=\"2\" failures=\"1\">\n"));
    assert_non_null(
        strstr(text, "<testcase classname=\"box@1\" name=\"example 1: a &amp; &lt;b>\" time=\"0."));
    assert_non_null(strstr(text, "    <failure message=\""));
    assert_int_equal(RUN("test", folder, "--junit", "/not/there/x.xml"), BF_EXIT_CONFIG);
    assert_printed("could not write /not/there/x.xml");
}

static void which_files_are_meant(void **state)
{
    (void)state;
    write_city("  - {topic: t/a/7, payload: '{\"t\": 1}'}\n");
    write_file("profiles/broken.yaml", "network: n\ntopic: t\n", "");
    assert_int_equal(RUN("test", at("profiles/box.yaml")), BF_EXIT_OK);
    assert_int_equal(RUN("test", at("profiles/broken.yaml")), BF_EXIT_CONFIG);
    assert_printed("/profiles/broken.yaml:");
    assert_int_equal(RUN("test", folder), BF_EXIT_CONFIG); /* and the good one ran */
    assert_printed("1 example of 1 profile");
    assert_int_equal(RUN("test", folder, "--profile", "boxs"), BF_EXIT_CONFIG);
    assert_printed("there is no profile \"boxs\". Did you mean \"box\"?");
    assert_int_equal(RUN("test", at("nowhere")), BF_EXIT_CONFIG);
    write_file("belfry.yaml", "city: .\n", "");
    assert_int_equal(RUN("test", at("belfry.yaml"), "-p", "box@1"), BF_EXIT_OK);
    assert_int_equal(remove(at("profiles/broken.yaml")), 0);
}

/* What is shipped shows at least three messages each, one of them bad, and gives what it says. */
static void shipped_profiles_do_as_they_say(void **state)
{
    (void)state;
    static const char *const cities[] = {TEST_SOURCE_DIR "/config/city",
                                         TEST_SOURCE_DIR "/config/samples/lab"};
    for (size_t i = 0; i < sizeof cities / sizeof cities[0]; i++) {
        struct bf_setting setting;
        struct bf_err err;
        if (RUN("test", cities[i]) != BF_EXIT_OK) {
            fail_msg("%s", printed);
        }
        assert_int_equal(bf_setting_find(cities[i], &setting, &err), BF_OK);
        for (size_t p = 0; p < setting.city->profile_count; p++) {
            const struct bf_profile *profile = &setting.city->profiles[p];
            size_t bad = 0;
            for (size_t e = 0; e < profile->example_count; e++) {
                bad += profile->examples[e].reject_count > 0;
            }
            if (profile->example_count < 3 || bad == 0) {
                fail_msg("%s: %zu examples, %zu of them bad", profile->file.data, profile->example_count,
                         bad);
            }
        }
        bf_setting_unload(&setting);
    }
}

static void a_reading_as_json(void **state)
{
    (void)state;
    const struct bf_reading reading = {
        .source = BF_SLICE_INIT("n:7:b"),
        .quantity = BF_SLICE_INIT("state"),
        .event_us = 1772366400000000,
        .time_source = BF_TIME_GATEWAY,
        .value = {.kind = BF_VALUE_TEXT, .as.text = BF_SLICE_INIT("\"on\"")},
        .unit = BF_SLICE_INIT("1"),
        .quality = BF_QUALITY_SUSPECT,
        .reasons = BF_REASON_SPIKE | BF_REASON_CLOCK,
        .has_place = true,
        .lat_e7 = 601500000,
        .lon_e7 = -1,
        .tags = {{.name = BF_SLICE_INIT("a"), .value = BF_SLICE_INIT("b")}},
        .tag_count = 1,
    };
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    bf_reading_json(out, &reading);
    fclose(out);
    assert_string_equal(
        text, "{\"quantity\":\"state\",\"value\":\"\\\"on\\\"\",\"unit\":\"1\",\"source\":\"n:7:b\","
              "\"device\":\"n:7\","
              "\"time\":\"2026-03-01T12:00:00Z\",\"time_source\":\"gateway\",\"quality\":\"suspect\","
              "\"reasons\":[\"clock\",\"spike\"],\"lat\":60.15,\"lon\":-1e-07,\"aggregation\":\"none\","
              "\"privacy\":\"public\",\"tags\":{\"a\":\"b\"}}");
    free(text);
}

static int make_dir(void **state)
{
    (void)state;
    folder = bf_tempdir("test");
    return folder != NULL ? mkdir(at("profiles"), 0700) : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_as_expected),
        cmocka_unit_test(what_differs_is_said_field_by_field),
        cmocka_unit_test(a_file_is_read_from_the_profile_s_folder),
        cmocka_unit_test(programs_read_tap_and_junit),
        cmocka_unit_test(which_files_are_meant),
        cmocka_unit_test(shipped_profiles_do_as_they_say),
        cmocka_unit_test(a_reading_as_json),
    };
    return cmocka_run_group_tests(tests, make_dir, NULL);
}
