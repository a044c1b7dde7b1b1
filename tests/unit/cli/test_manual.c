/* Manual pages and completions: made of what --help says, all of it, and read by the programs they are for.
 * Covers: cli/completion.c, cli/usage.c */
#include "tests/unit/cli/command_run.h"

#include <sys/wait.h>

#include "cli/usage.h"
#include "tests/support/tempdir.h"

static void every_option_of_every_help_is_found(void **state)
{
    (void)state;
    for (size_t i = 0; bf_commands()[i] != NULL; i++) {
        const struct bf_command *command = bf_commands()[i];
        struct bf_usage usage;
        struct bf_slice rest = bf_slice_of(command->usage), line;
        size_t options = 0;
        bf_usage_read(command->name, command->usage, &usage);
        while (bf_usage_line(&rest, &line)) {
            size_t at = 0;
            while (at < line.len && line.data[at] == ' ') {
                at++;
            }
            options += at > 0 && at < 8 && at < line.len && line.data[at] == '-';
        }
        if (options != usage.option_count) {
            fail_msg("%s: %zu options in its help, %zu found", command->name, options, usage.option_count);
        }
        for (size_t o = 0; o < usage.option_count; o++) {
            char words[80];
            const struct bf_usage_option *option = &usage.options[o];
            assert_true(option->text.len > 0);
            /* What its help names, the command knows: with a value that it may refuse, but as its own. */
            (void)snprintf(words, sizeof words, "--%.*s%s", BF_SLICE_ARG(option->name),
                           option->argument.len > 0 ? "=?" : "");
            (void)RUN(command->name, words, "--help");
            if (strstr(printed, "unrecognized option") != NULL || strstr(printed, "ambiguous") != NULL ||
                strstr(printed, "requires an argument") != NULL ||
                strstr(printed, "allow an argument") != NULL) {
                fail_msg("%s %s: %s", command->name, words, printed);
            }
        }
    }
}

static void a_usage_in_its_parts(void **state)
{
    (void)state;
    struct bf_usage usage;
    bf_usage_read("x",
                  "belfry x list --all        all\n"
                  "belfry x show NAME\n"
                  "belfry x                   list nothing\n"
                  "belfry x a.b\n"
                  "\n"
                  "  -c, --config FILE   where,\n"
                  "                      and why\n"
                  "      --dry-run       only say\n"
                  "\n"
                  "  more\n",
                  &usage);
    assert_int_equal(usage.option_count, 2);
    assert_int_equal(usage.options[0].letter, 'c');
    assert_true(bf_slice_equal(usage.options[0].name, BF_SLICE("config")));
    assert_true(bf_slice_equal(usage.options[0].argument, BF_SLICE("FILE")));
    assert_non_null(memmem(usage.options[0].text.data, usage.options[0].text.len, "and why", 7));
    assert_int_equal(usage.options[1].letter, 0);
    assert_int_equal(usage.options[1].argument.len, 0);
    assert_int_equal(usage.verb_count, 2);
    assert_true(bf_slice_equal(usage.verbs[1], BF_SLICE("show")));
    struct bf_usage_option option;
    assert_false(bf_usage_is_option(BF_SLICE("  - a list"), &option));
    assert_false(bf_usage_is_option(BF_SLICE("--name"), &option));
    assert_false(bf_usage_is_option(BF_SLICE("  -x"), &option));
    assert_false(bf_usage_is_option(BF_SLICE(""), &option));
}

/* -1: the program is not installed. */
static int check_with(const char *program, const char *const *words)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        union {
            const char *const *in;
            char *const *out;
        } argv = {.in = words};
        execvp(program, argv.out);
        _exit(127);
    }
    int status = 0;
    assert_true(child > 0 && waitpid(child, &status, 0) == child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 127 ? -1 : status;
}

static void pages_that_man_reads(void **state)
{
    (void)state;
    const char *folder = bf_tempdir("man");
    char path[400], text[32768];
    assert_int_equal(RUN("manual", "--output", folder), BF_EXIT_OK);
    (void)snprintf(path, sizeof path, "%s/belfry-replay.1", folder);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    assert_true(strncmp(text, ".TH BELFRY-REPLAY 1 ", 20) == 0);
    assert_true(strstr(text, ".SH EXAMPLES") < strstr(text, ".SH OPTIONS"));
    assert_non_null(strstr(text, "\\fB\\-s\\fR, \\fB\\-\\-speed\\fR \\fIN|max\\fR\nits pace (1)\n"));
    for (size_t i = 0; bf_commands()[i] != NULL; i++) {
        (void)snprintf(path, sizeof path, "%s/belfry-%s.1", folder, bf_commands()[i]->name);
        assert_int_equal(access(path, R_OK), 0);
        const char *const words[] = {"mandoc", "-Tlint", "-Wfatal", path, NULL};
        assert_in_range(check_with("mandoc", words) + 1, 0, 1);
    }
    assert_int_equal(RUN("manual"), BF_EXIT_OK);
    assert_printed(".BR belfry\\-check (1)\n");
    assert_int_equal(RUN("manual", "tap"), BF_EXIT_OK);
    assert_printed("belfry\\-tap \\- Watch a stage live");
    assert_int_equal(RUN("manual", "tap", "raw"), BF_EXIT_USAGE);
    assert_int_equal(RUN("manual", "xyzzy"), BF_EXIT_USAGE);
    assert_int_equal(RUN("manual", "--output", "/not/there"), BF_EXIT_CONFIG);
}

static const char *write_printed(const char *name)
{
    static char path[400];
    (void)snprintf(path, sizeof path, "%s/%s", bf_tempdir("shell"), name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(printed, 1, printed_out, file), printed_out);
    fclose(file);
    return path;
}

static void what_shells_read(void **state)
{
    (void)state;
    assert_int_equal(RUN("completion", "bash"), BF_EXIT_OK);
    assert_printed("    rejects) words='list replay --config --reason ");
    const char *bash[] = {"bash", "-n", write_printed("belfry.bash"), NULL};
    assert_in_range(check_with("bash", bash) + 1, 0, 1);
    char script[600]; /* completes as a person would */
    (void)snprintf(
        script, sizeof script,
        "source %s; COMP_WORDS=(belfry rejects --unsu); COMP_CWORD=2; _belfry; "
        "[ \"${COMPREPLY[*]}\" = --unsure ] || exit 1; "
        "COMP_WORDS=(belfry chec); COMP_CWORD=1; _belfry; [ \"${COMPREPLY[*]}\" = 'check checkpoint' ]",
        bash[2]);
    const char *completes[] = {"bash", "-c", script, NULL};
    assert_in_range(check_with("bash", completes) + 1, 0, 1);
    assert_int_equal(RUN("completion", "zsh"), BF_EXIT_OK);
    assert_printed("#compdef belfry\n");
    assert_printed("'(-s --strict)'{-s,--strict}'[a warning fails the check too]'");
    const char *zsh[] = {"zsh", "-n", write_printed("_belfry"), NULL};
    assert_in_range(check_with("zsh", zsh) + 1, 0, 1);
    assert_int_equal(RUN("completion", "fish"), BF_EXIT_OK);
    assert_printed(
        "complete -c belfry -n '__fish_seen_subcommand_from check' -l strict -s s -d 'a warning fails");
    const char *fish[] = {"fish", "-n", write_printed("belfry.fish"), NULL};
    assert_in_range(check_with("fish", fish) + 1, 0, 1);
    assert_int_equal(RUN("completion"), BF_EXIT_USAGE);
    assert_int_equal(RUN("completion", "csh"), BF_EXIT_USAGE);
    assert_int_equal(RUN("completion", "bash", "zsh"), BF_EXIT_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_option_of_every_help_is_found),
        cmocka_unit_test(a_usage_in_its_parts),
        cmocka_unit_test(pages_that_man_reads),
        cmocka_unit_test(what_shells_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
