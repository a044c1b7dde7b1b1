/* What stands behind options, and how each command takes its own: help on standard output, examples first;
 * mistakes in one sentence on standard error, with exit code 2.
 * Covers: cli/audit.c, cli/replay.c, cli/reload.c, cli/simulate.c, cli/top.c, cli/topics.c, cli/up.c */
#include "tests/unit/cli/command_run.h"

#include "cli/argument.h"
#include "tests/support/tempdir.h"

#define GOOD TEST_SOURCE_DIR "/tests/vectors/config/good/belfry.yaml"

static void values_are_typed_and_bounded(void **state)
{
    (void)state;
    struct bf_err err;
    uint64_t count = 0;
    double number = 0;
    int64_t us = 0;
    assert_int_equal(bf_argument_count("n", "64", 1, 64, &count, &err), BF_OK);
    assert_int_equal(count, 64);
    static const char *const no_counts[] = {"",    "0",    "65", "-1", "1.5",
                                            "1e1", "0x10", " 1", "1 ", "99999999999999999999"};
    for (size_t i = 0; i < sizeof no_counts / sizeof no_counts[0]; i++) {
        assert_int_equal(bf_argument_count("n", no_counts[i], 1, 64, &count, &err), BF_CONFIG);
        assert_non_null(strstr(err.message, "--n: expected a whole number from 1 to 64, not \""));
    }
    assert_int_equal(bf_argument_number("rate", "0.5", 0.001, 1e6, &number, &err), BF_OK);
    assert_true(number >= 0.5 && number <= 0.5);
    static const char *const no_numbers[] = {"", "0", "nan", "inf", ".inf", "2e6", "1x"};
    for (size_t i = 0; i < sizeof no_numbers / sizeof no_numbers[0]; i++) {
        assert_int_equal(bf_argument_number("rate", no_numbers[i], 0.001, 1e6, &number, &err), BF_CONFIG);
    }
    assert_int_equal(bf_argument_duration("for", "90s", &us, &err), BF_OK);
    assert_true(us == 90000000);
    assert_int_equal(bf_argument_duration("for", "90", &us, &err), BF_CONFIG);
    assert_string_equal(err.message, "--for: expected a duration such as 500ms, 60s or 2h, not \"90\"");
}

static void every_command_has_help_that_begins_with_an_example(void **state)
{
    (void)state;
    for (size_t i = 0; bf_commands()[i] != NULL; i++) {
        const struct bf_command *command = bf_commands()[i];
        assert_int_equal(RUN(command->name, "--help"), BF_EXIT_OK);
        assert_string_equal(printed, command->usage);
        assert_int_equal(printed_out, strlen(printed)); /* nothing on standard error */
        char example[80];
        snprintf(example, sizeof example, "belfry %s", command->name);
        assert_printed(example);
        assert_true(strncmp(command->usage, "belfry ", 7) == 0 || strstr(command->usage, "examples:"));
        for (const char *line = command->usage; *line; line += strcspn(line, "\n") + 1) {
            assert_in_range(strcspn(line, "\n"), 0, 110);
        }
    }
}

static void every_command_refuses_what_it_does_not_know(void **state)
{
    (void)state;
    for (size_t i = 0; bf_commands()[i] != NULL; i++) {
        const char *name = bf_commands()[i]->name;
        assert_int_equal(RUN(name, "--nonsense"), BF_EXIT_USAGE);
        assert_printed("--nonsense");
        assert_int_equal(printed_out, 0);
        assert_int_equal(RUN(name, "--config"), BF_EXIT_USAGE); /* without its value */
    }
}

/* A command line, and a part of what it is answered with exit code 2. */
static void mistakes_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *words[8];
        const char *answer;
    } cases[] = {
        {.words = {"audit", "--wait", "soon"}, .answer = "belfry audit: --wait: expected a duration"},
        {.words = {"audit", "--messages", "0"}, .answer = "--messages: expected a whole number from 1"},
        {.words = {"audit", "--published", "-1"}, .answer = "--published: expected"},
        {.words = {"audit", "--published", "5"}, .answer = "--published and --acknowledged belong together"},
        {.words = {"audit", "surplus"}, .answer = "belfry audit: nothing asks for \"surplus\""},
        {.words = {"top", "--await", "1"}, .answer = "belfry top: --await: expected a duration"},
        {.words = {"top", "wall"}, .answer = "nothing asks for \"wall\""},
        {.words = {"up", "now"}, .answer = "belfry up: nothing asks for \"now\""},
        {.words = {"check", "--tags", "0"}, .answer = "--tags: expected a whole number from 1"},
        {.words = {"config"}, .answer = "belfry config: show or reference?"},
        {.words = {"simulate", "--devices", "1000001"}, .answer = "--devices: expected a whole number"},
        {.words = {"simulate", "--connections", "65"}, .answer = "--connections: expected a whole number"},
        {.words = {"simulate", "--rate", "0"}, .answer = "--rate: expected a number"},
        {.words = {"simulate", "--seed", "x"}, .answer = "--seed: expected"},
        {.words = {"simulate", "--for", "x"}, .answer = "--for: expected a duration"},
        {.words = {"simulate", "--start", "noon"}, .answer = "--start: expected a time such as"},
        {.words = {"simulate", "--speed", "slow"}, .answer = "--speed: expected a number such as"},
        {.words = {"simulate", "--fault", "rust"}, .answer = "--fault: there is no fault \"rust\""},
        {.words = {"simulate", "--fault", "spike=2"}, .answer = "--fault spike: expected a share such as"},
        {.words = {"simulate", "--fault", "spike="}, .answer = "--fault spike: expected a share such as"},
        {.words = {"simulate", "--fault", "spike=101%"}, .answer = "not \"101%\""},
        {.words = {"simulate", "surplus"}, .answer = "nothing asks for \"surplus\""},
        {.words = {"checkpoint"}, .answer = "belfry checkpoint: show or verify?"},
        {.words = {"checkpoint", "mend"}, .answer = "nothing asks for \"mend\""},
        {.words = {"checkpoint", "show", "s1/0", "s1/1"}, .answer = "nothing asks for \"s1/1\""},
        {.words = {"trace"}, .answer = "belfry trace: which device?"},
        {.words = {"trace", "a", "b"}, .answer = "nothing asks for \"b\""},
        {.words = {"trace", "a", "--count", "0"}, .answer = "--count: expected a whole number from 1"},
        {.words = {"replay"}, .answer = "belfry replay: which file, or which"},
        {.words = {"replay", "a", "b"}, .answer = "nothing asks for \"b\""},
        {.words = {"replay", "a", "--for", "x"}, .answer = "belfry replay: --for: expected a duration"},
        {.words = {"replay", "a", "--speed", "0"}, .answer = "belfry replay: --speed: expected"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(run(cases[i].words), BF_EXIT_USAGE);
        assert_printed(cases[i].answer);
        char help[80];
        snprintf(help, sizeof help, "belfry %s --help shows how it is used\n", cases[i].words[0]);
        assert_printed(help);
        assert_int_equal(printed_out, 0);
    }
}

static void a_configuration_that_is_not_there_is_78(void **state)
{
    (void)state;
    static const char *const names[] = {"audit", "top", "up", "simulate", "topics", "reload"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char begin[40];
        assert_int_equal(RUN(names[i], "--config", "/not/there.yaml"), BF_EXIT_CONFIG);
        snprintf(begin, sizeof begin, "belfry %s: ", names[i]);
        assert_printed(begin);
        assert_printed("/not/there.yaml");
    }
    assert_int_equal(RUN("replay", "file", "--config", "/not/there.yaml"), BF_EXIT_CONFIG);
}

static void time_that_is_not_real_needs_a_city_of_its_own(void **state)
{
    (void)state;
    char config[300];
    snprintf(config, sizeof config, "%s/belfry.yaml", bf_tempdir("argument"));
    FILE *file = fopen(config, "w");
    assert_non_null(file);
    assert_true(fputs("city: " TEST_SOURCE_DIR "/tests/vectors/config/good/city\n"
                      "mqtt: {url: \"mqtt://127.0.0.1:1\"}\nkafka: {brokers: \"127.0.0.1:1\"}\n"
                      "redis: {url: \"redis://127.0.0.1:1/0\"}\ningest: {id: t, filters: [a]}\n",
                      file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(RUN("simulate", "-c", config, "--speed", "10"), BF_EXIT_CONFIG);
    assert_printed("--speed and --start need `clock: message`");
    assert_int_equal(RUN("simulate", "-c", config, "--start", "2024-02-13T08:00:00Z"), BF_EXIT_CONFIG);
    assert_int_equal(RUN("replay", "x", "-c", config), BF_EXIT_CONFIG);
    assert_printed("a replay needs `clock: message`");
    assert_int_equal(RUN("replay", "/not/there", "-c", GOOD), BF_EXIT_CONFIG);
    assert_printed("could not open /not/there");
    assert_int_equal(RUN("top", "--once", "-c", config), BF_EXIT_UNAVAILABLE);
    assert_printed("belfry top: ");
    assert_int_equal(RUN("audit", "-c", GOOD, "--kpi", "none"), BF_EXIT_CONFIG);
    assert_printed("the city has no KPI \"none\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_typed_and_bounded),
        cmocka_unit_test(every_command_has_help_that_begins_with_an_example),
        cmocka_unit_test(every_command_refuses_what_it_does_not_know),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(a_configuration_that_is_not_there_is_78),
        cmocka_unit_test(time_that_is_not_real_needs_a_city_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
