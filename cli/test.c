/* Why: a profile that reads its device right today is broken by tomorrow's edit, and nobody sees it in a live
 * city. So a profile carries messages and what they must give, and this runs them through the code that
 * belfry-ingest runs.
 * Declined: --update (writing what came into the profile): it turns a mistake into the expectation, and would
 * have to rewrite a person's YAML. */
#include <getopt.h>
#include <stdlib.h>

#include "cli/argument.h"
#include "cli/command.h"
#include "cli/setting.h"
#include "cli/test_report.h"
#include "cli/trial.h"
#include "core/daemon.h"

static const char usage[] =
    "belfry test                              the examples of all profiles of the usual configuration\n"
    "belfry test config/city                  of a city's folder, without belfry.yaml\n"
    "belfry test config/city/profiles/air.yaml\n"
    "belfry test --profile hfp --tap | prove -\n"
    "belfry test --junit report.xml           for a CI server\n"
    "\n"
    "  -p, --profile NAME   this profile only: hfp, or hfp@2\n"
    "  -t, --tap            TAP 14 instead of text\n"
    "  -J, --junit FILE     also as JUnit's XML\n"
    "\n"
    "Each argument is a belfry.yaml, the folder of one, a city's folder, or a profile in one; without any,\n"
    "$BELFRY_CONFIG, else /etc/belfry/belfry.yaml. A profile's `examples:` are run in their order, by the\n"
    "code that belfry-ingest runs, and compared field by field: numbers may differ by 1e-9 of their size,\n"
    "what an example does not name is not compared.\n"
    "\n"
    "Exit code: 0 all as expected, 1 one is not, 78 a file is wrong.\n";

static const struct option long_options[] = {{"profile", required_argument, NULL, 'p'},
                                             {"tap", no_argument, NULL, 't'},
                                             {"junit", required_argument, NULL, 'J'},
                                             {"help", no_argument, NULL, 'h'},
                                             {NULL, 0, NULL, 0}};

struct test {
    const char *profile; /* NULL: all */
    struct bf_test_report report;
    bool broken; /* a profile that was asked for is disabled */
};

static enum bf_status run_example(struct test *test, const struct bf_trial *of, size_t number,
                                  struct bf_err *err)
{
    struct bf_trial trial = *of;
    char *difference = NULL, name[200], place[1200];
    size_t size = 0;
    bool good = false;
    const struct bf_example *example = trial.example;
    trial.difference = open_memstream(&difference, &size);
    if (trial.difference == NULL) {
        return bf_err_set(err, BF_LIMIT, "no memory");
    }
    (void)snprintf(name, sizeof name, "example %zu%s%.*s", number, example->note.len > 0 ? ": " : "",
                   (int)(example->note.len < 150 ? example->note.len : 150), example->note.data);
    (void)snprintf(place, sizeof place, "%s/%.*s:%d:%d", trial.folder, BF_SLICE_ARG(trial.profile->file),
                   example->line, example->column);
    int64_t begun_us = bf_time_monotonic_us();
    enum bf_status status = bf_trial_run(&trial, &good, err);
    if (status == BF_CONFIG) { /* its file: an example that cannot be run has failed */
        fprintf(trial.difference, "+ %s\n", err->message);
        status = BF_OK;
    }
    fclose(trial.difference);
    if (status == BF_OK) {
        const struct bf_test_case one = {.profile = trial.profile->name,
                                         .place = place,
                                         .name = name,
                                         .difference = good ? NULL : difference,
                                         .spent_us = bf_time_monotonic_us() - begun_us};
        bf_test_report_case(&test->report, &one);
    }
    free(difference);
    return status;
}

/* Each profile has a pipeline of its own: what decoders remember of one never shows in another. */
static enum bf_status run_profile(struct test *test, const struct bf_setting *setting,
                                  const struct bf_profile *profile, struct bf_err *err)
{
    const struct bf_pipeline_limits limits = bf_setting_limits(setting->site);
    struct bf_trial trial = {.folder = setting->folder, .profile = profile};
    uint64_t failed = test->report.failed;
    enum bf_status status = bf_catch_create(setting->city, &limits, &trial.catch, err);
    for (size_t i = 0; status == BF_OK && i < profile->example_count; i++) {
        trial.example = &profile->examples[i];
        status = run_example(test, &trial, i + 1, err);
    }
    bf_catch_destroy(trial.catch);
    bf_test_report_profile(&test->report, profile->name, profile->example_count,
                           test->report.failed - failed);
    return status;
}

static void report_broken(struct test *test, const struct bf_setting *setting,
                          const struct bf_profile *profile)
{
    test->broken = true;
    for (size_t i = 0; i < setting->city->problem_count; i++) {
        const struct bf_problem *problem = &setting->city->problems[i];
        if (strncmp(problem->text, profile->file.data, profile->file.len) == 0) {
            fprintf(stderr, "belfry test: %s/%s\n", setting->folder, problem->text);
        }
    }
}

static enum bf_status run_target(struct test *test, const char *target, struct bf_err *err)
{
    struct bf_setting setting;
    const struct bf_profile *only = NULL;
    enum bf_status status = bf_setting_find(target, &setting, err);
    if (status == BF_OK && test->profile != NULL) {
        status = bf_setting_profile(setting.city, test->profile, &only, err);
    }
    for (size_t i = 0; status == BF_OK && i < setting.city->profile_count; i++) {
        const struct bf_profile *profile = &setting.city->profiles[i];
        bool wanted = (only == NULL || profile == only) &&
                      (setting.only[0] == '\0' || strcmp(profile->file.data, setting.only) == 0);
        if (wanted && !profile->enabled) {
            report_broken(test, &setting, profile);
        } else if (wanted) {
            status = run_profile(test, &setting, profile, err);
        }
    }
    bf_setting_unload(&setting);
    return status;
}

static int run_all(struct test *test, int count, char **targets)
{
    struct bf_err err = {.message = ""};
    enum bf_status status = bf_test_report_begin(&test->report, &err);
    for (int i = 0; status == BF_OK && (i < count || (i == 0 && count == 0)); i++) {
        status = run_target(test, count > 0 ? targets[i] : NULL, &err);
    }
    if (status == BF_OK) {
        status = bf_test_report_end(&test->report, &err);
    }
    if (status != BF_OK) {
        return bf_setting_fail("test", &err);
    }
    return test->broken ? BF_EXIT_CONFIG : test->report.failed > 0 ? BF_EXIT_FAILED : BF_EXIT_OK;
}

static int run_test(int argc, char **argv)
{
    struct test test = {.profile = NULL};
    for (int option; (option = getopt_long(argc, argv, "p:tJ:h", long_options, NULL)) != -1;) {
        switch (option) {
        case 'p':
            test.profile = optarg;
            break;
        case 't':
            test.report.tap = true;
            break;
        case 'J':
            test.report.junit = optarg;
            break;
        case 'h':
            fputs(usage, stdout);
            return BF_EXIT_OK;
        default:
            return bf_argument_help("test");
        }
    }
    return run_all(&test, argc - optind, argv + optind);
}

const struct bf_command bf_command_test = {
    .name = "test",
    .summary = "Run the examples of the profiles and say where one gives something else.",
    .usage = usage,
    .run = run_test,
};
