/* belfry try: what takes a message and what comes near, readings, windows, keys, hints; for a person and for
 * a program; again when a file changes.
 * Covers: cli/match.c, cli/reach.c, cli/try_json.c, cli/try_keys.c, cli/try_say.c, cli/watch.c */
#include "tests/unit/cli/command_run.h"

#include "cli/match.h"
#include "cli/setting.h"
#include "cli/watch.h"
#include "tests/support/tempdir.h"

#define CITY TEST_SOURCE_DIR "/config/city"
#define AT "2026-03-01T12:00:05Z"

static void a_message_stage_by_stage(void **state)
{
    (void)state;
    assert_int_equal(RUN("try", "-c", CITY, "-t", "city/water/mill/m-1", "-a", AT,
                         "{\"timestamp\": \"2026-03-01T12:00:00Z\", \"use\": \"customer\", \"total_m3\": 5, "
                         "\"flow_m3h\": 500}"),
                     BF_EXIT_OK);
    assert_printed("topic        city/water/mill/m-1\n");
    assert_printed("profile      water-meter@1, profiles/water.yaml\n"
                   "             city/water/{district}/{device}: district = mill, device = m-1\n");
    assert_printed("reading 1: water_total\n  source     bellhaven:m-1\n  value      5 m3\n"
                   "  time       2026-03-01T12:00:00Z (device)\n  quality    good\n  zone       mill\n");
    assert_printed("reading 2: water_flow\n");
    assert_printed("  value      500000 L/h (sent: 500 m3/h)\n");
    assert_printed("  quality    fail (range)\n");
    assert_printed(
        "it has failed: not counted, but named as excluded, in\n"
        "             water_flow of zone.mill, 2026-03-01T12:00:00Z to\n             2026-03-01T12:00:");
    assert_printed("  belfry:v1:kpi:water_flow:zone.mill\n");
    assert_printed("  belfry:v1:device:bellhaven~3Am-1\n");
    for (const char *line = printed; *line != '\0'; line += strcspn(line, "\n") + 1) {
        assert_in_range(strcspn(line, "\n"), 0, 79);
    }
    assert_null(strchr(printed, '\x1b'));
}

static void what_comes_near_and_why_not(void **state)
{
    (void)state;
    assert_int_equal(RUN("try", "-c", CITY, "-t", "city/air/mill/air-9", "{}"), BF_EXIT_FAILED);
    assert_printed("profile      none\n"
                   "not          air-station@1: the topic has 4 levels, the profile wants 3\n"
                   "not          energy-meter@1: level 2 is 'air', the profile wants 'energy'\n");
    assert_printed("rejected: no_profile\n  because    no profile's topic template matches this topic\n");
    assert_printed("  hint       see the profiles that come near");
    assert_int_equal(RUN("try", "-c", CITY, "-p", "hfp", "-t", "/hfp/v2/a", "{\"VP\": {}}"), BF_EXIT_FAILED);
    assert_printed("not          hfp@2 (which was asked for): the topic has 4 levels, the profile\n"
                   "             wants 9 or more\n");
    assert_int_equal(RUN("try", "-c", CITY, "-p", "hfp", "{\"TLR\": {}}"), BF_EXIT_FAILED);
    assert_printed("(made from the template of the profile)\n");
    assert_printed("hfp@2 takes the topic, but not the payload's first key\n");
}

static void bytes_as_text(void **state)
{
    (void)state;
    assert_int_equal(
        RUN("try", "-c", CITY, "-p", "sound-meter", "--hex", "5b7b226e223a226c61\n6571222c2276223a35387d5d"),
        BF_EXIT_OK);
    assert_printed("value      58 dB\n");
    assert_int_equal(RUN("try", "-c", CITY, "-p", "sound-meter", "--base64", "W3sibiI6ImxhZXEiLCJ2Ijo1OH1d"),
                     BF_EXIT_OK);
    assert_int_equal(RUN("try", "-c", CITY, "-p", "sound-meter", "--hex", "5b7"), BF_EXIT_CONFIG);
    assert_printed("the payload is no pairs of hexadecimal digits");
    assert_int_equal(RUN("try", "-c", CITY, "-p", "weather-mast", "--hex", "00ff1b"), BF_EXIT_FAILED);
    assert_printed("payload      3 bytes: 00 ff 1b");
    assert_printed("rejected: malformed\n");
}

static void for_a_program(void **state)
{
    (void)state;
    assert_int_equal(RUN("try", "-c", CITY, "-j", "-t", "city/energy/mill/p-1", "-a", AT,
                         "{\"apower\": 5, \"aenergy\": 1}"),
                     BF_EXIT_OK);
    assert_printed(
        "{\"topic\":\"city/energy/mill/p-1\",\"bytes\":27,\"profile\":\"energy-meter@1\",\"readings\":["
        "{\"reading\":{\"quantity\":\"power\",\"value\":5,\"unit\":\"W\",\"source\":\"bellhaven:p-1\","
        "\"device\":\"bellhaven:p-1\",\"time\":\"2026-03-01T12:00:05Z\",\"time_source\":\"marker\","
        "\"quality\":\"good\",\"reasons\":[\"estimated\"],\"zone\":\"mill\",");
    assert_printed("\"kpis\":[{\"kpi\":\"power\",\"scope\":\"zone.mill\",\"window_start_ms\":1772366400000,");
    assert_printed("}],\"rejects\":[],\"redis\":[{\"key\":\"belfry:v1:kpi:power:zone.mill\"},");
    assert_printed("{\"key\":\"belfry:v1:board:wall\",\"field\":\"power:zone.mill\"}");
    assert_printed("{\"key\":\"belfry:v1:device:bellhaven~3Ap-1\"}]}\n");
    assert_int_equal(strchr(printed, '\n') - printed, strlen(printed) - 1); /* one line */
    assert_int_equal(RUN("try", "-c", CITY, "-j", "-t", "city/x/y", "{}"), BF_EXIT_FAILED);
    assert_printed(
        "\"near\":[{\"profile\":\"air-station@1\",\"why\":\"level 2 is 'x', the profile wants 'air'\"}");
}

static void lines_of_tap_bring_their_topic(void **state)
{
    (void)state;
    char path[300];
    (void)snprintf(path, sizeof path, "%s/lines", bf_tempdir("try"));
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("{\"tap\":\"raw\",\"at\":\"2026-03-01T12:00:00Z\",\"topic\":\"city/waste/"
          "bin-1\",\"payload\":\"{\\\"fill\\\": 3}\"}\n"
          "{\"tap\":\"rejects\",\"reason\":\"x\",\"at\":\"2026-03-01T12:00:01Z\",\"topic\":\"city/waste/"
          "bin-2\","
          "\"payload_base64\":\"eyJmaWxsIjogNH0=\"}\n",
          file);
    fclose(file);
    assert_int_equal(RUN("try", "-c", CITY, "-f", path), BF_EXIT_OK);
    assert_printed(
        "source     bellhaven:bin-1\n  value      3 %\n  time       2026-03-01T12:00:00Z (marker)");
    assert_printed("source     bellhaven:bin-2\n  value      4 %\n");
}

static void what_is_late_by_now(void **state)
{
    (void)state;
    assert_int_equal(
        RUN("try", "-c", CITY, "-p", "car-park", "-a", AT, "{\"at\": \"2025-01-01T00:00:00Z\", \"free\": 1}"),
        BF_EXIT_OK);
    assert_printed("late by now, it would be refused");
}

static void mistakes_on_the_command_line(void **state)
{
    (void)state;
    assert_int_equal(RUN("try", "-c", CITY, "{}"), BF_EXIT_CONFIG);
    assert_printed("on which topic? Say --topic, or --profile");
    assert_int_equal(RUN("try", "--hex", "--base64", "00"), BF_EXIT_USAGE);
    assert_int_equal(RUN("try", "-f", "x", "{}"), BF_EXIT_USAGE);
    assert_int_equal(RUN("try", "--watch", "-f", "-"), BF_EXIT_USAGE);
    assert_int_equal(RUN("try", "{}", "{}"), BF_EXIT_USAGE);
    assert_int_equal(RUN("try", "--at", "noon", "{}"), BF_EXIT_USAGE);
    assert_printed("--at: expected a time such as");
    assert_int_equal(RUN("try", "-c", CITY, "-p", "car-parc", "{}"), BF_EXIT_CONFIG);
    assert_printed("Did you mean \"car-park\"?");
    assert_int_equal(RUN("try", "-c", CITY, "-p", "hfp", "-f", "/not/there"), BF_EXIT_CONFIG);
}

static void a_topic_is_made_that_its_profile_takes(void **state)
{
    (void)state;
    struct bf_setting setting;
    struct bf_err err;
    static const char *const cities[] = {CITY, TEST_SOURCE_DIR "/tests/vectors/config/good/city"};
    for (size_t c = 0; c < 2; c++) {
        assert_int_equal(bf_setting_find(cities[c], &setting, &err), BF_OK);
        for (size_t i = 0; i < setting.city->profile_count; i++) {
            const struct bf_profile *profile = &setting.city->profiles[i];
            struct bf_match match;
            char topic[300];
            bf_match_explain(profile, bf_slice_of(bf_match_topic(profile, topic, sizeof topic)), &match);
            if (!match.takes) {
                fail_msg("%s: %s", topic, match.why);
            }
        }
        bf_setting_unload(&setting);
    }
}

static void a_change_is_seen(void **state)
{
    (void)state;
    char path[300], other[300];
    const char *folder = bf_tempdir("watch");
    struct bf_watch *watch = NULL;
    struct bf_err err;
    (void)snprintf(path, sizeof path, "%s/payload", folder);
    (void)snprintf(other, sizeof other, "%s/other", folder);
    fclose(fopen(path, "w"));
    const char *const paths[] = {path, "/not/there", NULL};
    assert_int_equal(bf_watch_open(paths, 3, &watch, &err), BF_OK);
    assert_int_equal(bf_watch_wait(watch, 0, &err), BF_AGAIN);
    fclose(fopen(other, "w")); /* beside it */
    assert_int_equal(bf_watch_wait(watch, 20, &err), BF_AGAIN);
    assert_int_equal(rename(other, path), 0); /* as editors do */
    assert_int_equal(bf_watch_wait(watch, 10000, &err), BF_OK);
    FILE *file = fopen(path, "w");
    fputs("x", file);
    fclose(file);
    assert_int_equal(bf_watch_wait(watch, 10000, &err), BF_OK);
    assert_int_equal(bf_watch_wait(watch, 0, &err), BF_AGAIN);
    bf_watch_close(watch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_stage_by_stage),
        cmocka_unit_test(what_comes_near_and_why_not),
        cmocka_unit_test(bytes_as_text),
        cmocka_unit_test(for_a_program),
        cmocka_unit_test(lines_of_tap_bring_their_topic),
        cmocka_unit_test(what_is_late_by_now),
        cmocka_unit_test(mistakes_on_the_command_line),
        cmocka_unit_test(a_topic_is_made_that_its_profile_takes),
        cmocka_unit_test(a_change_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
