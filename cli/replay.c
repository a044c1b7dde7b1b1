/* Why: a recorded day tells more than a simulated one. A capture is published with its own time in an MQTT 5
 * user property, so that belfry (`clock: message`) sees it as if it were then.
 * Declined: rewriting the times inside payloads: the decoder's work on real bytes is what is looked at. */
#include <getopt.h>
#include <stdio.h>

#include "cli/argument.h"
#include "cli/capture.h"
#include "cli/closing.h"
#include "cli/command.h"
#include "cli/pace.h"
#include "core/daemon.h"

struct run {
    const char *config, *file, *topic;
    double speed;
    int64_t length_us; /* of real time; 0: to the end of the file */
    bool json;
};

struct sums {
    uint64_t lines, unreadable;
    int64_t last_us;
};

static const char usage[] =
    "belfry replay tram.dump --speed 10x                              a recorded day, ten times as fast\n"
    "belfry replay readings.csv --topic lab/readings --speed max      lines that name no topic\n"
    "\n"
    "  -c, --config FILE    belfry.yaml ($BELFRY_CONFIG, else /etc/belfry/belfry.yaml)\n"
    "  -s, --speed N|max    its pace (1)\n"
    "  -t, --topic TOPIC    for lines without one\n"
    "  -f, --for DURATION   end after that much real time\n"
    "  -j, --json           the sums as one line of JSON\n"
    "\n"
    "The file holds a message a line: TIME TOPIC {JSON}, or MILLISECONDS,PAYLOAD. The configuration needs\n"
    "`clock: message` under `ingest:`, in an installation of its own.\n";

static const struct option long_options[] = {{"config", required_argument, NULL, 'c'},
                                             {"speed", required_argument, NULL, 's'},
                                             {"topic", required_argument, NULL, 't'},
                                             {"json", no_argument, NULL, 'j'},
                                             {"for", required_argument, NULL, 'f'},
                                             {"help", no_argument, NULL, 'h'},
                                             {NULL, 0, NULL, 0}};

static enum bf_status publish_lines(const struct run *run, struct bf_capture *capture,
                                    struct bf_publisher *publisher, struct sums *sums, struct bf_err *err)
{
    struct bf_pace pace = {.speed = run->speed};
    struct bf_capture_line line;
    int64_t deadline = run->length_us ? bf_time_monotonic_us() + run->length_us : INT64_MAX;
    while (bf_time_monotonic_us() < deadline) {
        struct bf_err bad;
        enum bf_status status = bf_capture_next(capture, &line, &bad);
        if (status == BF_AGAIN) {
            break;
        }
        if (status != BF_OK) {
            sums->unreadable++;
            fprintf(stderr, "belfry replay: %s\n", bad.message);
            continue;
        }
        if (sums->lines++ == 0) {
            bf_pace_start(&pace, run->speed, line.time_us);
            sums->last_us = line.time_us;
        }
        if (!bf_pace_wait(&pace, line.time_us)) {
            break;
        }
        /* One connection: the broker keeps its order, and with it the order of the capture. */
        status = bf_publisher_send(publisher, 0, line.topic, line.payload, line.time_us, err);
        if (status != BF_OK) {
            return status;
        }
        sums->last_us = line.time_us > sums->last_us ? line.time_us : sums->last_us;
    }
    return bf_publisher_drain(publisher, 60000, err);
}

static void print_sums(const struct run *run, const struct sums *sums, struct bf_publisher_counts counts)
{
    unsigned long long lines = sums->lines + sums->unreadable, unreadable = sums->unreadable;
    unsigned long long published = counts.published, acknowledged = counts.acknowledged, again = counts.again;
    if (run->json) {
        printf(
            "{\"lines\":%llu,\"unreadable\":%llu,\"published\":%llu,\"acknowledged\":%llu,\"again\":%llu}\n",
            lines, unreadable, published, acknowledged, again);
        return;
    }
    printf("%llu lines (%llu unreadable): %llu messages published, %llu acknowledged, %llu sent again\n",
           lines, unreadable, published, acknowledged, again);
}

static enum bf_status replay(const struct run *run, struct bf_err *err)
{
    struct bf_setting setting;
    struct bf_capture *capture = NULL;
    struct bf_publisher *publisher = NULL;
    struct sums sums = {.lines = 0};
    enum bf_status status = bf_setting_load(run->config, true, &setting, err);
    if (status != BF_OK) {
        return status;
    }
    if (!setting.site->ingest.clock_message) {
        status = bf_err_set(err, BF_CONFIG, "a replay needs `clock: message` under `ingest:`");
        bf_err_hint(
            err, "In an installation that runs on real time, a capture would be late from its first line.");
        goto out;
    }
    status = bf_capture_open(run->file, run->topic, &capture, err);
    status = status == BF_OK ? bf_publisher_open(setting.site, "belfry-replay", 1, &publisher, err) : status;
    if (status != BF_OK) {
        goto out;
    }
    status = publish_lines(run, capture, publisher, &sums, err);
    print_sums(run, &sums, bf_publisher_read(publisher));
    if (status == BF_OK && sums.lines > 0) {
        status = bf_closing_send(publisher, &setting, sums.last_us, err);
    }
out:
    bf_publisher_close(publisher);
    bf_capture_close(capture);
    bf_setting_unload(&setting);
    return status;
}

static enum bf_status parse_option(int option, const char *value, struct run *run, struct bf_err *err)
{
    switch (option) {
    case 'c':
        run->config = value;
        return BF_OK;
    case 't':
        run->topic = value;
        return BF_OK;
    case 'f':
        return bf_argument_duration("for", value, &run->length_us, err);
    case 's':
        return bf_pace_parse(bf_slice_of(value), &run->speed, err);
    default:
        run->json = true;
        return BF_OK;
    }
}

static int run_replay(int argc, char **argv)
{
    struct run run = {.speed = 1};
    struct bf_err err;
    for (int option; (option = getopt_long(argc, argv, "c:s:t:f:jh", long_options, NULL)) != -1;) {
        if (option == 'h') {
            fputs(usage, stdout);
            return BF_EXIT_OK;
        }
        if (option == '?') {
            return bf_argument_help("replay");
        }
        if (parse_option(option, optarg, &run, &err) != BF_OK) {
            return bf_argument_refuse("replay", &err);
        }
    }
    if (optind == argc) {
        fputs("belfry replay: which file?\n", stderr);
        return bf_argument_help("replay");
    }
    if (optind + 1 < argc) {
        return bf_argument_surplus("replay", argv[optind + 1]);
    }
    run.file = argv[optind];
    return replay(&run, &err) == BF_OK ? BF_EXIT_OK : bf_setting_fail("replay", &err);
}

const struct bf_command bf_command_replay = {
    .name = "replay",
    .summary = "Publish a recorded capture on its own time.",
    .usage = usage,
    .run = run_replay,
};
