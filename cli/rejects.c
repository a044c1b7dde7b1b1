/* Why: "why does my device not show up" is asked more often than anything else, and the answer lies in
 * belfry.rejects. Declined: a shell over Kafka's own tools: the records are msgpack. */
#include "cli/rejects.h"

#include <getopt.h>
#include <stdio.h>

#include "cli/argument.h"
#include "cli/command.h"
#include "cli/pace.h"
#include "cli/span.h"
#include "config/log/wiring.h"
#include "core/daemon.h"
#include "core/time.h"
#include "processors/aggregate/aggregate.h"

#define NEWEST_MAX 10000

static const char usage[] =
    "belfry rejects list                              the newest, and how many of each reason\n"
    "belfry rejects list --follow --reason malformed  ... and what comes, until Ctrl-C\n"
    "belfry rejects replay --profile airbox --dry-run what would give readings now\n"
    "belfry rejects replay --profile airbox           publish these again, each once\n"
    "\n"
    "  -c, --config FILE    belfry.yaml ($BELFRY_CONFIG, else /etc/belfry/belfry.yaml)\n"
    "  -r, --reason REASON  only of this reason (malformed, no_profile, ...)\n"
    "  -p, --profile NAME   only of this profile; NAME or NAME@VERSION\n"
    "      --from TIME      only what ingest refused at that time or later: a time, or -2h\n"
    "      --to TIME        ... before that time\n"
    "  -n, --newest N       list: how many are shown (20)\n"
    "  -f, --follow         list: go on with what comes\n"
    "      --dry-run        replay: only say what would be published\n"
    "      --unsure         replay: also those that a run which was cut short may have published\n"
    "  -j, --json           a line of JSON for each, and one for the sums\n"
    "\n"
    "replay publishes the payloads of messages that gave no reading to their topics again, where the\n"
    "configuration in force makes readings of them now, with the time at which they first came. Each is\n"
    "published once, however often the command runs. docs/COMMANDS.md says what cannot be replayed.\n";

enum { OPTION_FROM = 1000, OPTION_TO, OPTION_DRY, OPTION_UNSURE };

static const struct option long_options[] = {{"config", required_argument, NULL, 'c'},
                                             {"reason", required_argument, NULL, 'r'},
                                             {"profile", required_argument, NULL, 'p'},
                                             {"from", required_argument, NULL, OPTION_FROM},
                                             {"to", required_argument, NULL, OPTION_TO},
                                             {"newest", required_argument, NULL, 'n'},
                                             {"follow", no_argument, NULL, 'f'},
                                             {"dry-run", no_argument, NULL, OPTION_DRY},
                                             {"unsure", no_argument, NULL, OPTION_UNSURE},
                                             {"json", no_argument, NULL, 'j'},
                                             {"help", no_argument, NULL, 'h'},
                                             {NULL, 0, NULL, 0}};

static enum bf_status parse_reason(const char *value, struct bf_rejects *rejects, struct bf_err *err)
{
    const char *nearest = NULL;
    if (bf_reject_reason_known(value, &nearest)) {
        rejects->filter.reason = value;
        return BF_OK;
    }
    return bf_err_set(err, BF_CONFIG, "--reason: there is no reason \"%s\"%s%s%s", value,
                      nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
}

static enum bf_status parse_time(const char *option, const char *value, int64_t *time_us, struct bf_err *err)
{
    struct bf_span_end end;
    if (bf_span_parse_end(bf_slice_of(value), bf_time_wall_us(), &end, err) == BF_OK &&
        end.kind == BF_SPAN_TIME) {
        *time_us = end.value;
        return BF_OK;
    }
    return bf_err_set(err, BF_CONFIG, "--%s: expected a time such as 2024-02-13T08:00:00Z or -2h, not \"%s\"",
                      option, value);
}

static enum bf_status parse_option(int option, const char *value, struct bf_rejects *rejects,
                                   struct bf_err *err)
{
    switch (option) {
    case 'r':
        return parse_reason(value, rejects, err);
    case 'p':
        rejects->filter.profile = value;
        return BF_OK;
    case OPTION_FROM:
        return parse_time("from", value, &rejects->filter.from_us, err);
    case OPTION_TO:
        return parse_time("to", value, &rejects->filter.to_us, err);
    case 'n':
        return bf_argument_count("newest", value, 0, NEWEST_MAX, &rejects->newest, err);
    case 'f':
        rejects->follow = true;
        return BF_OK;
    case OPTION_DRY:
        rejects->dry_run = true;
        return BF_OK;
    case OPTION_UNSURE:
        rejects->unsure = true;
        return BF_OK;
    default:
        rejects->json = true;
        return BF_OK;
    }
}

static enum bf_status run_with(struct bf_rejects *rejects, const char *config, bool replay,
                               struct bf_err *err)
{
    struct bf_setting setting;
    struct bf_property properties[BF_WIRING_PROPERTIES];
    struct bf_pace signals;
    enum bf_status status = bf_setting_load(config, false, &setting, err);
    if (status != BF_OK) {
        return status;
    }
    bf_pace_start(&signals, 1, 0);
    struct bf_kafka_options kafka = bf_wiring_kafka(setting.site, "belfry-rejects", properties);
    rejects->setting = &setting;
    rejects->kafka = &kafka;
    status = bf_config_log_open(&kafka, bf_aggregate_kinds(), &rejects->config, err);
    if (status == BF_OK) {
        status = bf_reject_log_open(&kafka, bf_config_log_install(rejects->config), &rejects->log, err);
    }
    if (status == BF_OK) {
        status = replay ? bf_rejects_replay(rejects, err) : bf_rejects_list(rejects, err);
    }
    bf_reject_log_close(rejects->log);
    bf_config_log_close(rejects->config);
    bf_setting_unload(&setting);
    return status;
}

static int run_rejects(int argc, char **argv)
{
    struct bf_rejects rejects = {.newest = 20, .filter = {.from_us = BF_TIME_NONE, .to_us = BF_TIME_NONE}};
    const char *config = NULL;
    struct bf_err err = {.message = ""};
    for (int option; (option = getopt_long(argc, argv, "c:r:p:n:fjh", long_options, NULL)) != -1;) {
        if (option == 'h') {
            fputs(usage, stdout);
            return BF_EXIT_OK;
        }
        if (option == '?') {
            return bf_argument_help("rejects");
        }
        if (option == 'c') {
            config = optarg;
        } else if (parse_option(option, optarg, &rejects, &err) != BF_OK) {
            return bf_argument_refuse("rejects", &err);
        }
    }
    if (optind == argc) {
        fputs("belfry rejects: list or replay?\n", stderr);
        return bf_argument_help("rejects");
    }
    bool replay = strcmp(argv[optind], "replay") == 0;
    if (!replay && strcmp(argv[optind], "list") != 0) {
        return bf_argument_surplus("rejects", argv[optind]);
    }
    if (optind + 1 < argc) {
        return bf_argument_surplus("rejects", argv[optind + 1]);
    }
    if (replay ? rejects.follow : rejects.dry_run || rejects.unsure) {
        fprintf(stderr, "belfry rejects: %s\n",
                replay ? "--follow is for list" : "--dry-run and --unsure are for replay");
        return bf_argument_help("rejects");
    }
    return run_with(&rejects, config, replay, &err) == BF_OK ? BF_EXIT_OK : bf_setting_fail("rejects", &err);
}

const struct bf_command bf_command_rejects = {
    .name = "rejects",
    .summary = "Show what was refused and why, and feed it back once that was mended.",
    .usage = usage,
    .run = run_rejects,
};
