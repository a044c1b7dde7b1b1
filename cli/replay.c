/* Why: a recorded day tells more than a simulated one, be it the messages as they came (a capture) or the
 * readings as they were understood (the log).
 * Declined: two commands; who replays thinks of what to replay, and its form says which it is. */
#include "cli/replay.h"

#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/argument.h"
#include "cli/command.h"
#include "cli/pace.h"
#include "cli/setting.h"
#include "cli/span.h"
#include "core/daemon.h"

#define THREADS_MAX 256

static const char usage[] =
    "belfry replay tram.dump --speed 10x                               a capture, ten times as fast\n"
    "belfry replay belfry.readings@-24h.. --config new/city --compare  yesterday's log through other KPIs\n"
    "\n"
    "A capture: FILE, with a message a line (TIME TOPIC {JSON}, MILLISECONDS,PAYLOAD, or what belfry tap\n"
    "--json prints). It is published to MQTT with its own time; that needs `clock: message` under\n"
    "`ingest:`, in an installation of its own.\n"
    "  -c, --config FILE    belfry.yaml ($BELFRY_CONFIG, else /etc/belfry/belfry.yaml)\n"
    "  -s, --speed N|max    its pace (1)\n"
    "  -t, --topic TOPIC    for lines without one\n"
    "  -f, --for DURATION   end after that much real time\n"
    "\n"
    "A log: TOPIC@FROM..TO, each a time (2024-02-13T08:00:00Z), a time ago (-24h), an offset of every\n"
    "partition, or nothing (the log's beginning, its end). The readings of belfry.readings go once more\n"
    "through the tasks of stage 1 and 2, as fast as they can; nothing of the running installation changes.\n"
    "  -c, --config NEW     a city's folder, or a belfry.yaml with the city to try\n"
    "      --site FILE      belfry.yaml of the installation, where NEW is a folder ($BELFRY_CONFIG, else\n"
    "                       /etc/belfry/belfry.yaml)\n"
    "      --compare        say what differs from the results on record in belfry.kpis\n"
    "      --prefix NAME    write the results to <prefix>.replay-NAME.kpis, which must be new\n"
    "      --into PREFIX    ... to PREFIX.kpis\n"
    "      --threads N      workers (one a core)\n"
    "      --show N         differences shown of each KPI (5)\n"
    "      --windows N      most windows that a comparison may hold at once (1000000, 240 bytes each)\n"
    "\n"
    "  -j, --json           the sums as JSON\n"
    "\n"
    "Exit code 1: --compare found a difference. docs/COMMANDS.md says what is compared.\n";

enum {
    OPTION_SITE = 1000,
    OPTION_COMPARE,
    OPTION_PREFIX,
    OPTION_INTO,
    OPTION_THREADS,
    OPTION_SHOW,
    OPTION_WINDOWS
};

static const struct option long_options[] = {{"config", required_argument, NULL, 'c'},
                                             {"speed", required_argument, NULL, 's'},
                                             {"topic", required_argument, NULL, 't'},
                                             {"for", required_argument, NULL, 'f'},
                                             {"site", required_argument, NULL, OPTION_SITE},
                                             {"compare", no_argument, NULL, OPTION_COMPARE},
                                             {"prefix", required_argument, NULL, OPTION_PREFIX},
                                             {"into", required_argument, NULL, OPTION_INTO},
                                             {"threads", required_argument, NULL, OPTION_THREADS},
                                             {"show", required_argument, NULL, OPTION_SHOW},
                                             {"windows", required_argument, NULL, OPTION_WINDOWS},
                                             {"json", no_argument, NULL, 'j'},
                                             {"help", no_argument, NULL, 'h'},
                                             {NULL, 0, NULL, 0}};

static enum bf_status parse_option(int option, const char *value, struct bf_replay *replay,
                                   struct bf_err *err)
{
    switch (option) {
    case 'c':
        replay->config = value;
        return BF_OK;
    case 't':
        replay->topic = value;
        return BF_OK;
    case 'f':
        return bf_argument_duration("for", value, &replay->length_us, err);
    case 's':
        return bf_pace_parse(bf_slice_of(value), &replay->speed, err);
    case OPTION_SITE:
        replay->site = value;
        return BF_OK;
    case OPTION_COMPARE:
        replay->compare = true;
        return BF_OK;
    case OPTION_PREFIX:
        replay->name = value;
        return BF_OK;
    case OPTION_INTO:
        replay->into = value;
        return BF_OK;
    case OPTION_THREADS:
        return bf_argument_count("threads", value, 1, THREADS_MAX, &replay->threads, err);
    case OPTION_SHOW:
        return bf_argument_count("show", value, 0, 10000, &replay->show, err);
    case OPTION_WINDOWS:
        return bf_argument_count("windows", value, 1000, 1 << 28, &replay->windows, err);
    default:
        replay->json = true;
        return BF_OK;
    }
}

/* Options of the one kind are a slip with the other. */
static enum bf_status check(const struct bf_replay *replay, bool log, struct bf_err *err)
{
    bool of_log = replay->site || replay->compare || replay->name || replay->into;
    bool of_capture = replay->topic || replay->length_us || replay->speed < 1 || replay->speed > 1;
    if (!log) {
        return of_log ? bf_err_set(err, BF_CONFIG,
                                   "\"%s\" is a file; --site, --compare, --prefix and --into are for a log, "
                                   "belfry.readings@FROM..TO",
                                   replay->what)
                      : BF_OK;
    }
    if (of_capture) {
        return bf_err_set(err, BF_CONFIG, "--speed, --topic and --for are for a capture, not for a log");
    }
    if (!replay->config) {
        return bf_err_set(err, BF_CONFIG, "which configuration? --config FOLDER");
    }
    if (replay->name && replay->into) {
        return bf_err_set(err, BF_CONFIG, "--prefix or --into, not both");
    }
    if (!replay->compare && !replay->name && !replay->into) {
        return bf_err_set(err, BF_CONFIG, "what for? --compare, --prefix NAME or --into PREFIX");
    }
    return BF_OK;
}

static int run_replay(int argc, char **argv)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    struct bf_replay replay = {
        .speed = 1, .threads = cores > 0 ? (uint64_t)cores : 1, .windows = 1000000, .show = 5};
    struct bf_err err = {.message = ""};
    bool same = true;
    for (int option; (option = getopt_long(argc, argv, "c:s:t:f:jh", long_options, NULL)) != -1;) {
        if (option == 'h') {
            fputs(usage, stdout);
            return BF_EXIT_OK;
        }
        if (option == '?') {
            return bf_argument_help("replay");
        }
        if (parse_option(option, optarg, &replay, &err) != BF_OK) {
            return bf_argument_refuse("replay", &err);
        }
    }
    if (optind == argc) {
        fputs("belfry replay: which file, or which part of a log?\n", stderr);
        return bf_argument_help("replay");
    }
    if (optind + 1 < argc) {
        return bf_argument_surplus("replay", argv[optind + 1]);
    }
    replay.what = argv[optind];
    bool log = bf_span_is(replay.what);
    if (check(&replay, log, &err) != BF_OK) {
        return bf_argument_refuse("replay", &err);
    }
    enum bf_status status = log ? bf_replay_log(&replay, &same, &err) : bf_replay_capture(&replay, &err);
    if (status != BF_OK) {
        return bf_setting_fail("replay", &err);
    }
    return same ? BF_EXIT_OK : BF_EXIT_FAILED;
}

const struct bf_command bf_command_replay = {
    .name = "replay",
    .summary = "Publish a capture on its own time, or run a log through other KPIs.",
    .usage = usage,
    .run = run_replay,
};
