/* belfry check, belfry config and the way to a command: exit codes, what is printed, JSON that is JSON.
 * Covers: cli/commands.c, cli/config.c, cli/json_text.c, cli/need.c */
#include "tests/unit/cli/command_run.h"

#include "cli/json_text.h"
#include "cli/need.h"
#include "processors/aggregate/aggregate.h"

#define GOOD TEST_SOURCE_DIR "/tests/vectors/config/good/"
#define BAD TEST_SOURCE_DIR "/tests/vectors/config/bad/"

static void test_the_way_to_a_command(void **state)
{
    (void)state;
    assert_int_equal(RUN("--help"), BF_EXIT_OK);
    for (size_t i = 0; bf_commands()[i] != NULL; i++) {
        const struct bf_command *command = bf_commands()[i];
        assert_printed(command->name);
        assert_printed(command->summary);
        size_t len = strlen(command->summary), usage = strlen(command->usage);
        assert_true(command->summary[len - 1] == '.' && command->usage[usage - 1] == '\n');
    }
    assert_int_equal(RUN("--version"), BF_EXIT_OK);
    assert_printed("belfry " BELFRY_VERSION);
    assert_int_equal(RUN("chekc"), BF_EXIT_USAGE);
    assert_printed("did you mean \"check\"?");
    assert_int_equal(RUN("xyzzy"), BF_EXIT_USAGE);
    assert_int_equal(run((const char *const[]){NULL}), BF_EXIT_USAGE);
    assert_int_equal(RUN("check", "--nonsense"), BF_EXIT_USAGE);
    assert_int_equal(RUN("check", "surplus"), BF_EXIT_USAGE);
    assert_int_equal(RUN("check", "--devices", "many"), BF_EXIT_USAGE);
    assert_int_equal(RUN("check", "--help"), BF_EXIT_OK);
    assert_int_equal(RUN("config"), BF_EXIT_USAGE);
    assert_int_equal(RUN("config", "shwo"), BF_EXIT_USAGE);
}

static void test_a_good_configuration(void **state)
{
    (void)state;
    assert_int_equal(RUN("check", "--config", GOOD "belfry.yaml", "--strict"), BF_EXIT_OK);
    assert_printed("testville: 4 of 4 profiles, 3 KPIs, 2 boards, 2 zones");
    assert_printed("pm2_5_hour             1h    5s       2d       3     50");
    assert_printed("0 errors, 0 warnings");
    assert_int_equal(RUN("check", "-c", GOOD "belfry.yaml", "--json"), BF_EXIT_OK);
    assert_printed("\"pm2_5_hour\": {\"scopes\": 3, \"open\": 50, ");
    assert_printed("\"good\": true");
}

static void test_what_a_newcomer_starts_from(void **state)
{
    (void)state;
    assert_int_equal(RUN("check", "-c", TEST_SOURCE_DIR "/config/belfry.yaml", "--strict"), BF_EXIT_OK);
    assert_printed("0 errors, 0 warnings");
}

static void test_a_bad_one(void **state)
{
    (void)state;
    assert_int_equal(RUN("check", "-c", BAD "site-many.yaml"), BF_EXIT_CONFIG);
    assert_printed("error    " BAD "site-many.yaml:4:17: version");
    assert_printed("site-many.yaml:6:8: unknown key \"bach\" in sink; did you mean \"batch\"?");
    assert_printed("3 errors, 0 warnings");
    assert_int_equal(RUN("check", "-c", BAD "site-many.yaml", "--json"), BF_EXIT_CONFIG);
    assert_printed("did you mean \\\"batch\\\"?\"}");
    assert_printed("\"good\": false");
    assert_int_equal(RUN("check", "-c", BAD "not-there.yaml"), BF_EXIT_CONFIG);
    assert_int_equal(RUN("config", "show", "-c", BAD "site-many.yaml"), BF_EXIT_CONFIG);
    assert_printed("belfry config show: ");
}

static void test_more_devices_than_the_limits(void **state)
{
    (void)state;
    assert_int_equal(RUN("check", "-c", GOOD "belfry.yaml", "--devices", "100000"), BF_EXIT_OK);
    assert_printed("warning  city.yaml: a task of stage 1 needs up to");
    assert_int_equal(RUN("check", "-c", GOOD "belfry.yaml", "--devices", "100000", "-s"), BF_EXIT_CONFIG);
}

static void test_config(void **state)
{
    (void)state;
    assert_int_equal(RUN("config", "show", "-c", GOOD "belfry.yaml"), BF_EXIT_OK);
    assert_printed("mqtt.version                 5 ");
    assert_printed("default");
    assert_int_equal(RUN("config", "show", "-j", "-c", GOOD "belfry.yaml"), BF_EXIT_OK);
    assert_printed("\"redis.timeout\": {\"value\": \"250ms\", \"origin\": ");
    assert_int_equal(RUN("config", "reference"), BF_EXIT_OK);
    assert_printed("# Configuration\n");
}

static void test_texts_are_json(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    bf_json_text(out, (struct bf_slice){"a\"\\\n\0ü", 7});
    fclose(out);
    assert_string_equal(text, "\"a\\\"\\\\\\u000a\\u0000ü\"");
    free(text);
}

static void test_what_the_windows_need(void **state)
{
    (void)state;
    struct bf_city city = {.zones = NULL};
    struct bf_group_by group[] = {{.kind = BF_GROUP_DEVICE}, {.kind = BF_GROUP_TAG}};
    struct bf_kpi_definition kpi = {.window = {.pane_us = 10000000, .panes = 1},
                                    .window_us = 10000000, .delay_us = 5000000, .lateness_us = 100000000};
    struct bf_need_scale scale = {.devices = 1000, .tags = 50, .readings = 12, .partials = 4};
    struct bf_need need = bf_need_of(&city, &kpi, &scale);
    assert_int_equal(need.open, 12); /* ceil(115 / 10) */
    assert_int_equal(need.scopes, 1);
    assert_int_equal(need.second_windows, 12);
    kpi.aggregate = BF_SLICE("count");
    need = bf_need_of(&city, &kpi, &scale);
    uint64_t one_pane = need.second_bytes;
    kpi.window.panes = 365;
    need = bf_need_of(&city, &kpi, &scale);
    assert_int_equal(need.open, 12 + 364);
    assert_in_range(need.second_bytes - one_pane, 364 * 100, 364 * 200); /* one cell each */
    kpi.window.panes = 1;
    kpi.group = group;
    kpi.group_count = 2;
    kpi.by_device = true;
    need = bf_need_of(&city, &kpi, &scale);
    assert_int_equal(need.scopes, 1000);
    assert_int_equal(need.first_windows, 84 * 12);
    assert_int_equal(need.second_windows, 0);
    kpi.by_device = false;
    kpi.group = group + 1;
    kpi.group_count = 1;
    kpi.window.pane_us = 1;
    kpi.lateness_us = INT64_MAX / 2;
    scale.tags = UINT64_MAX / 2;
    need = bf_need_of(&city, &kpi, &scale);
    assert_true(need.first_windows == UINT64_MAX); /* saturates */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_way_to_a_command),
        cmocka_unit_test(test_a_good_configuration),
        cmocka_unit_test(test_what_a_newcomer_starts_from),
        cmocka_unit_test(test_a_bad_one),
        cmocka_unit_test(test_more_devices_than_the_limits),
        cmocka_unit_test(test_config),
        cmocka_unit_test(test_texts_are_json),
        cmocka_unit_test(test_what_the_windows_need),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
