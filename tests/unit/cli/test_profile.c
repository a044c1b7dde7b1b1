/* belfry profile: what there is, what one begins with, and what is proposed from messages: each proposal
 * is loaded and must read at least 95 % of what it was made from.
 * Covers: cli/guess.c, cli/infer.c, cli/infer_write.c, cli/leaf.c, cli/profile_infer.c, cli/sample.c */
#include "tests/unit/cli/command_run.h"

#include <sys/stat.h>

#include "cli/guess.h"
#include "tests/support/tempdir.h"

#define CITY TEST_SOURCE_DIR "/config/city"
#define VECTORS TEST_SOURCE_DIR "/tests/vectors"

static const char *folder;

static const char *at(const char *name)
{
    static char path[4][300];
    static size_t turn;
    char *made = path[turn++ % 4];
    (void)snprintf(made, sizeof path[0], "%s/%s", folder, name);
    return made;
}

static const char *capture(const char *text)
{
    const char *path = at("capture");
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    return path;
}

static void what_there_is(void **state)
{
    (void)state;
    assert_int_equal(RUN("profile", "list", "-c", CITY), BF_EXIT_OK);
    assert_printed("hfp@2                    profiles/bus.yaml              4 readings   4 examples  "
                   "/hfp/v2/{journey}/");
    assert_int_equal(RUN("profile", "list", "-c", CITY, "--json"), BF_EXIT_OK);
    assert_printed("[{\"profile\":\"air-station@1\",\"file\":\"profiles/air.yaml\",\"enabled\":true,"
                   "\"topic\":\"city/air/{device}\",\"readings\":3,\"examples\":3},\n");
    assert_int_equal(RUN("profile", "show", "air-station", "-c", CITY), BF_EXIT_OK);
    assert_printed("  filter   city/air/+\n");
    assert_printed("  no2                  ug/m3, valid 0 to 1000; KPIs: no2\n");
    assert_int_equal(RUN("profile", "show", "air-station@1", "-c", CITY, "-j"), BF_EXIT_OK);
    assert_printed("{\"quantity\":\"no2\",\"unit\":\"ug/m3\",\"kpis\":[\"no2\"]}");
    assert_int_equal(RUN("profile", "show", "air-statoin", "-c", CITY), BF_EXIT_CONFIG);
    assert_printed("Did you mean \"air-station\"?");
    assert_int_equal(RUN("profile"), BF_EXIT_USAGE);
    assert_int_equal(RUN("profile", "show"), BF_EXIT_USAGE);
    assert_int_equal(RUN("profile", "sing"), BF_EXIT_USAGE);
    assert_int_equal(RUN("profile", "infer"), BF_EXIT_USAGE);
    assert_int_equal(RUN("profile", "infer", "a", "--for", "1s"), BF_EXIT_USAGE);
    assert_int_equal(RUN("profile", "list", "more", "-c", CITY), BF_EXIT_USAGE);
}

static void what_one_begins_with_is_good(void **state)
{
    (void)state;
    FILE *file = fopen(at("city.yaml"), "w");
    fputs("name: testville\n", file);
    fclose(file);
    assert_int_equal(mkdir(at("profiles"), 0700), 0);
    assert_int_equal(RUN("profile", "new", "air-box", "-c", folder), BF_EXIT_OK);
    assert_printed("/profiles/air-box.yaml\n");
    assert_int_equal(RUN("test", folder), BF_EXIT_OK);
    assert_printed("2 examples of 1 profile: 2 as expected");
    assert_int_equal(RUN("try", "-c", folder, "-p", "air-box", "{\"ts\": 1772366400, \"temperature\": 3}"),
                     BF_EXIT_OK);
    assert_int_equal(RUN("profile", "new", "air-box", "-c", folder), BF_EXIT_CONFIG);
    assert_printed("air-box.yaml: File exists");
    assert_int_equal(RUN("profile", "new", "../x", "-c", folder), BF_EXIT_CONFIG);
    assert_int_equal(RUN("profile", "new", "x", "-o", "-", "--network", "net"), BF_EXIT_OK);
    assert_printed("network: net ");
}

/* Keys, a topic of any length, one vehicle. */
static void positions_of_a_bus(void **state)
{
    (void)state;
    assert_int_equal(RUN("profile", "infer", VECTORS "/hfp/excerpt.dump"), BF_EXIT_OK);
    assert_printed("the proposal reads 18 of 18 messages (100.0 %)");
    assert_printed("topic: \"/hfp/v2/");
    assert_printed("/bus/#\"\n");
    assert_printed("\nkey: [\"VP\", ");
    assert_printed("device: \"{$.veh}\" # 4 values\n");
    assert_printed("time: {path: \"$.tst\", unit: rfc3339}\n");
    assert_printed("place: {lat: \"$.lat\", lon: \"$.long\"}\n");
    assert_printed("{path: \"$.spd\", quantity: speed, unit: \"m/s\"");
}

/* A list of items, numbers as texts, milliseconds, the device and the place among the items. */
static void boxes_of_a_draft_of_senml(void **state)
{
    (void)state;
    assert_int_equal(RUN("profile", "infer", VECTORS "/riotbench/excerpt.csv", "-t", "lab/boxes", "-n", "box",
                         "-N", "lab"),
                     BF_EXIT_OK);
    assert_printed("the proposal reads 20 of 20 messages (100.0 %)");
    assert_printed("name: box\nversion: 1\nnetwork: lab ");
    assert_printed("device: \"{$.e[0].sv}\"");
    assert_printed("time: {path: \"$.bt\", unit: ms}\nplace: {lat: \"$.e[2].v\", lon: \"$.e[1].v\"}\n"
                   "each: {path: \"$.e\", name: $.n, value: $.v} # unit: $.u, where what it says is right\n");
    assert_printed(
        "  - {name: \"humidity\", quantity: humidity, unit: \"%\", valid: [0, 100]} # 90 % sure; ");
    assert_int_equal(RUN("profile", "infer", VECTORS "/riotbench/excerpt.csv"), BF_EXIT_CONFIG);
    assert_printed("this line names no topic");
}

/* The device is the level with digits; names, units and truth values; two of a kind. */
static void boxes_on_topics_of_their_own(void **state)
{
    (void)state;
    const char *path = capture("2026-03-01T12:00:00Z city/air/mill/box-1 {\"time\": 1772366400, \"Temp\": "
                               "21.5, \"in\": {\"temp\": 25}, \"pm2.5\": 8, "
                               "\"batt\": 3.6, \"open\": true, \"fCnt\": 17, \"it's\": 5, \"w x\": 7, "
                               "\"none\": null, \"text\": \"ok\"}\n"
                               "2026-03-01T12:00:10Z city/air/harbour/box-2 {\"time\": 1772366410, \"Temp\": "
                               "19.5, \"in\": {\"temp\": 24}, "
                               "\"pm2.5\": 9, \"batt\": 3.5, \"open\": false, \"fCnt\": 18, \"w x\": 8}\n");
    assert_int_equal(RUN("profile", "infer", path), BF_EXIT_OK);
    assert_printed("the proposal reads 2 of 2 messages");
    assert_printed(
        "topic: \"city/air/{level3}/{device}\"\n  # level 3: 2 values, such as \"mill\" and \"harbour\"\n");
    assert_printed("time: {path: \"$.time\", unit: s}\n");
    assert_printed("{path: \"$.Temp\", quantity: temperature, unit: \"Cel\", valid: [-60, 85]} # 90 % sure; "
                   "19.5 to 21.5\n");
    assert_printed(
        "{path: \"$.in.temp\", quantity: temperature, unit: \"Cel\", valid: [-60, 85], channel: in_temp}");
    assert_printed("{path: \"$[\\\"pm2.5\\\"]\", quantity: pm2_5, unit: \"ug/m3\"");
    assert_printed("quantity: battery, unit: \"V\"");
    assert_printed("{path: \"$.open\", quantity: open, type: bool}\n");
    assert_printed(
        "{path: \"$[\\\"w x\\\"]\", quantity: w_x, unit: \"1\"} # quantity and unit unknown; 7 to 8\n");
    assert_printed("tags: {level3: \"{level3}\"}\n");
    assert_null(strstr(printed, "quantity: fcnt"));
    assert_int_equal(RUN("profile", "infer", path, "-o", at("profiles/proposal.yaml")), BF_EXIT_OK);
    assert_int_equal(RUN("test", at("profiles/proposal.yaml")), BF_EXIT_OK);
    assert_int_equal(RUN("profile", "infer", path, "-o", at("profiles/proposal.yaml")), BF_EXIT_CONFIG);
    assert_printed("File exists");
}

static void senml(void **state)
{
    (void)state;
    const char *path =
        capture("{\"tap\":\"raw\",\"at\":\"2026-03-01T12:00:00Z\",\"topic\":\"noise/snd-1\",\"payload\":"
                "\"[{\\\"bn\\\":\\\"urn:dev:snd-1:\\\",\\\"bt\\\":1772366400,\\\"n\\\":\\\"laeq\\\","
                "\\\"u\\\":\\\"dB\\\",\\\"v\\\":61},{\\\"n\\\":\\\"odd\\\",\\\"v\\\":1}]\"}\n");
    assert_int_equal(RUN("profile", "infer", path), BF_EXIT_OK);
    assert_printed("topic: \"noise/{device}\"\nformat: senml\n");
    assert_printed("  - {name: \"laeq\", quantity: laeq, unit: \"dB\", valid: [0, 140]}");
    assert_printed("reads 1 of 1 messages");
}

static void what_cannot_be_proposed(void **state)
{
    (void)state;
    assert_int_equal(RUN("profile", "infer", capture("2026-03-01T12:00:00Z a/b hello\n")), BF_EXIT_CONFIG);
    assert_printed("1 of 1 messages are neither JSON objects nor SenML. For other formats begin with: belfry "
                   "profile new");
    assert_int_equal(RUN("profile", "infer", capture("2026-03-01T12:00:00Z a/b {\"id\": \"x\"}\n")),
                     BF_EXIT_CONFIG);
    assert_printed("no field of the messages is mostly a number");
    assert_int_equal(RUN("profile", "infer", capture("\n")), BF_EXIT_CONFIG);
    assert_printed("there are no messages to look at");
    assert_int_equal(RUN("profile", "infer", "/not/there"), BF_EXIT_CONFIG);
    assert_int_equal(RUN("profile", "infer",
                         capture("2026-03-01T12:00:00Z a/b {\"v\": 1}\n2026-03-01T12:00:00Z a/b {\"v\n")),
                     BF_EXIT_FAILED);
    assert_printed("reads 1 of 2 messages (50.0 %)\n  1 rejects: malformed\n");
}

/* Whatever comes is looked at without harm. */
static void hostile_messages(void **state)
{
    (void)state;
    char *deep = calloc(1, 8192);
    size_t len = (size_t)snprintf(deep, 8192, "2026-03-01T12:00:00Z a/b {\"v\": 1, \"d\": ");
    memset(deep + len, '[', 3000);
    FILE *file = fopen(at("capture"), "w");
    fprintf(file, "%s\n2026-03-01T12:00:00Z %s/%s {\"v\": 1}\n", deep, "a///", "{x}+#");
    for (int i = 0; i < 700; i++) {
        fprintf(file,
                "2026-03-01T12:00:00Z a/b {\"v\": 1e308, \"k%d\": %d, \"\": 1, \"a\\\"b\": 2, \"x]\": 3}\n",
                i, i);
    }
    fprintf(file, "2026-03-01T12:00:00Z a/b {\"%s\": 1}\n",
            "long-long-long-long-long-long-long-long-long-long-long-long-"
            "long-long-long-long-long-long-long-long-long-long-long-long-"
            "long-long-long-long-long-long-long-long-long-long-long-long-"
            "long-long-long-long-long-long-long-long-long-long-long");
    fclose(file);
    free(deep);
    assert_int_equal(RUN("profile", "infer", at("capture")), BF_EXIT_OK);
    assert_printed("{path: \"$.v\", quantity: v, unit: \"1\"}");
}

static void names_and_what_they_mean(void **state)
{
    (void)state;
    struct bf_guess guess;
    char code[64];
    assert_true(bf_guess_field(BF_SLICE("PM2.5"), 1, 20, &guess));
    assert_string_equal(guess.quantity, "pm2_5");
    assert_true(bf_guess_field(BF_SLICE("bme280_temperature"), -5, 20, &guess));
    assert_string_equal(guess.quantity, "temperature");
    assert_int_equal(guess.confidence, 60);
    assert_true(bf_guess_field(BF_SLICE("pressure"), 101000, 101400, &guess));
    assert_string_equal(guess.unit, "Pa");
    assert_true(bf_guess_field(BF_SLICE("pressure"), 990, 1020, &guess));
    assert_string_equal(guess.unit, "hPa");
    assert_true(bf_guess_field(BF_SLICE("battery"), 60, 100, &guess));
    assert_string_equal(guess.unit, "%");
    assert_false(bf_guess_field(BF_SLICE("temperature"), 290, 300, &guess)); /* kelvin: nobody knows */
    assert_false(bf_guess_field(BF_SLICE("xyzzy"), 0, 1, &guess));
    assert_false(bf_guess_field(BF_SLICE(""), 0, 1, &guess));
    assert_string_equal(bf_guess_code(BF_SLICE("Air Quality-1!"), code, sizeof code), "air_quality_1");
    assert_string_equal(bf_guess_code(BF_SLICE("--"), code, sizeof code), "value");
    assert_true(bf_guess_is(BF_ROLE_DEVICE, BF_SLICE("Dev_EUI")));
    assert_false(bf_guess_is(BF_ROLE_LAT, BF_SLICE("flat")));
}

/* The whole captures, where they are. */
static void whole_captures(void **state)
{
    (void)state;
    const char *data = getenv("BELFRY_DATA");
    if (data == NULL) {
        print_message("skipped: BELFRY_DATA does not name the folder with the captures\n");
        skip();
    }
    static const char *const dumps[] = {"currentStopNull", "partialApcAfterLongDeadRunStart",
                                        "serviceJourneyChangeDifferentStop", "stopChange",
                                        "wrongServiceJourneySelectedBeforeDeadRun"};
    char path[600];
    for (size_t i = 0; i < sizeof dumps / sizeof dumps[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/hsl/%s.dump", data, dumps[i]);
        assert_int_equal(RUN("profile", "infer", path), BF_EXIT_OK);
    }
    (void)snprintf(path, sizeof path, "%s/riotbench/SYS_sample_data_senml.csv", data);
    assert_int_equal(RUN("profile", "infer", path, "--topic", "lab/boxes"), BF_EXIT_OK);
}

static int make_dir(void **state)
{
    (void)state;
    folder = bf_tempdir("profile");
    return folder != NULL ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_there_is),
        cmocka_unit_test(what_one_begins_with_is_good),
        cmocka_unit_test(positions_of_a_bus),
        cmocka_unit_test(boxes_of_a_draft_of_senml),
        cmocka_unit_test(boxes_on_topics_of_their_own),
        cmocka_unit_test(senml),
        cmocka_unit_test(what_cannot_be_proposed),
        cmocka_unit_test(hostile_messages),
        cmocka_unit_test(names_and_what_they_mean),
        cmocka_unit_test(whole_captures),
    };
    return cmocka_run_group_tests(tests, make_dir, NULL);
}
