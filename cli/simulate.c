/* Why: a city to try belfry on, to test it against and to measure it with, the same to the byte for one seed.
 * Declined: a daemon; it ends when it is told to, prints its sums, and leaves nothing behind. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/closing.h"
#include "cli/command.h"
#include "cli/pace.h"
#include "cli/simulator.h"
#include "config/scalar.h"
#include "core/daemon.h"

struct run {
    const char *config;
    struct bf_simulator_options options;
    double speed;
    int64_t length_us; /* 0: until a signal */
    size_t connections;
    bool json;
};

static const char usage[] =
    "usage: belfry simulate [--config FILE] [--seed N] [--devices N] [--rate MESSAGES/S] [--for DURATION]\n"
    "                       [--fault KIND=SHARE]... [--start TIME] [--speed N|max] [--connections N] "
    "[--json]\n"
    "\n"
    "examples:\n"
    "  belfry simulate --for 60s\n"
    "  belfry simulate --rate 1000 --devices 10000 --fault spike=2% --fault silent=5%\n"
    "\n"
    "faults:\n"
#define X(constant, text, summary) "  " text ": a device with it " summary "\n"
#include "cli/faults.def"
#undef X
    "\n"
    "--speed other than 1 and --start need `clock: message` in the configuration.\n";

static enum bf_status parse_fault(const char *text, struct bf_simulator_options *options, struct bf_err *err)
{
    const char *equals = strchr(text, '=');
    struct bf_slice name = {text, equals ? (size_t)(equals - text) : strlen(text)};
    enum bf_fault fault;
    if (!bf_fault_parse(name, &fault)) {
        return bf_err_set(err, BF_CONFIG, "--fault: there is no fault \"%.*s\"", BF_SLICE_ARG(name));
    }
    char *end = NULL;
    double share = equals ? strtod(equals + 1, &end) : 1;
    if (end && *end == '%') {
        share /= 100;
        end++;
    }
    if ((end && (*end != '\0' || end == equals + 1)) || !(share >= 0 && share <= 1)) {
        return bf_err_set(err, BF_CONFIG, "--fault %.*s: expected a share such as 0.02 or 2%%, not \"%s\"",
                          BF_SLICE_ARG(name), equals + 1);
    }
    options->fault_share[fault] = share;
    return BF_OK;
}

static enum bf_status parse_count(const char *option, const char *text, double least, double most,
                                  double *out, struct bf_err *err)
{
    char *end = NULL;
    *out = strtod(text, &end);
    if (end == text || *end != '\0' || !(*out >= least && *out <= most)) {
        return bf_err_set(err, BF_CONFIG, "--%s: expected a number from %g to %g, not \"%s\"", option, least,
                          most, text);
    }
    return BF_OK;
}

enum { OPTION_FOR = 1000, OPTION_START, OPTION_SPEED, OPTION_JSON };

static const struct option long_options[] = {{"config", required_argument, NULL, 'c'},
                                             {"seed", required_argument, NULL, 's'},
                                             {"devices", required_argument, NULL, 'd'},
                                             {"rate", required_argument, NULL, 'r'},
                                             {"for", required_argument, NULL, OPTION_FOR},
                                             {"fault", required_argument, NULL, 'f'},
                                             {"start", required_argument, NULL, OPTION_START},
                                             {"speed", required_argument, NULL, OPTION_SPEED},
                                             {"connections", required_argument, NULL, 'n'},
                                             {"json", no_argument, NULL, OPTION_JSON},
                                             {"help", no_argument, NULL, 'h'},
                                             {NULL, 0, NULL, 0}};

static enum bf_status parse_option(int option, const char *value, struct run *run, struct bf_err *err)
{
    double number = 0;
    enum bf_status status = BF_OK;
    switch (option) {
    case 'c':
        run->config = value;
        return BF_OK;
    case 'f':
        return parse_fault(value, &run->options, err);
    case 's':
        status = parse_count("seed", value, 0, 9e15, &number, err);
        run->options.seed = (uint64_t)number;
        return status;
    case 'd':
        status = parse_count("devices", value, 1, 1e6, &number, err);
        run->options.devices = (uint64_t)number;
        return status;
    case 'n':
        status = parse_count("connections", value, 1, BF_PUBLISHER_CONNECTIONS, &number, err);
        run->connections = (size_t)number;
        return status;
    case 'r':
        return parse_count("rate", value, 0.001, 1e6, &run->options.rate, err);
    case OPTION_FOR:
        return bf_scalar_duration(bf_slice_of(value), &run->length_us)
                   ? BF_OK
                   : bf_err_set(err, BF_CONFIG, "--for: expected a duration such as 60s, not \"%s\"", value);
    case OPTION_START:
        status = bf_time_parse_rfc3339(bf_slice_of(value), &run->options.start_us);
        return status == BF_OK ? BF_OK
                               : bf_err_set(err, BF_CONFIG,
                                            "--start: expected a time such as "
                                            "2024-02-13T08:00:00Z, not \"%s\"",
                                            value);
    case OPTION_SPEED:
        return bf_pace_parse(bf_slice_of(value), &run->speed, err);
    default:
        run->json = true;
        return BF_OK;
    }
}

/* Publishes until the time is up or a signal comes; *last_us becomes the time of the last message. */
static enum bf_status publish_all(const struct run *run, struct bf_simulator *simulator,
                                  struct bf_publisher *publisher, bool clock_message, int64_t *last_us,
                                  struct bf_err *err)
{
    struct bf_pace pace;
    int64_t first = run->options.start_us;
    int64_t end = run->length_us ? first + run->length_us : INT64_MAX;
    bf_pace_start(&pace, run->speed, first);
    struct bf_simulated message;
    while (bf_simulator_next(simulator, end, &message)) {
        if (!bf_pace_wait(&pace, message.due_us)) {
            break;
        }
        enum bf_status status = bf_publisher_send(publisher, message.device, message.topic, message.payload,
                                                  clock_message ? message.due_us : BF_TIME_NONE, err);
        if (status != BF_OK) {
            return status;
        }
        *last_us = message.due_us;
    }
    return bf_publisher_drain(publisher, 60000, err);
}

static void print_sums(const struct run *run, const struct bf_simulator *simulator,
                       struct bf_publisher_counts counts)
{
    unsigned long long devices = bf_simulator_devices(simulator), published = counts.published;
    unsigned long long acknowledged = counts.acknowledged, again = counts.again, seed = run->options.seed;
    if (run->json) {
        printf("{\"devices\":%llu,\"seed\":%llu,\"published\":%llu,\"acknowledged\":%llu,\"again\":%llu}\n",
               devices, seed, published, acknowledged, again);
        return;
    }
    printf("%llu devices (seed %llu): %llu messages published, %llu acknowledged, %llu sent again\n", devices,
           seed, published, acknowledged, again);
}

static enum bf_status simulate(struct run *run, struct bf_err *err)
{
    struct bf_setting setting;
    struct bf_simulator *simulator = NULL;
    struct bf_publisher *publisher = NULL;
    enum bf_status status = bf_setting_load(run->config, true, &setting, err);
    if (status != BF_OK) {
        return status;
    }
    bool clock_message = setting.site->ingest.clock_message;
    if (!clock_message && (run->speed < 1 || run->speed > 1 || run->options.start_us)) {
        status = bf_err_set(err, BF_CONFIG, "--speed and --start need `clock: message` under `ingest:`");
        goto out;
    }
    status = bf_publisher_open(setting.site, "belfry-simulate", run->connections, &publisher, err);
    run->options.start_us = run->options.start_us ? run->options.start_us : bf_time_wall_us();
    status = status == BF_OK ? bf_simulator_create(&run->options, &simulator, err) : status;
    if (status != BF_OK) {
        goto out;
    }
    int64_t last_us = run->options.start_us;
    status = publish_all(run, simulator, publisher, clock_message, &last_us, err);
    print_sums(run, simulator, bf_publisher_read(publisher));
    if (status == BF_OK && clock_message) {
        status = bf_closing_send(publisher, &setting, last_us, err);
    }
out:
    bf_publisher_close(publisher);
    bf_simulator_destroy(simulator);
    bf_setting_unload(&setting);
    return status;
}

static int run_simulate(int argc, char **argv)
{
    struct run run = {.options = {.seed = 1}, .speed = 1, .connections = 4};
    struct bf_err err;
    for (int option; (option = getopt_long(argc, argv, "c:s:d:r:f:n:h", long_options, NULL)) != -1;) {
        if (option == 'h' || option == '?') {
            fputs(usage, option == 'h' ? stdout : stderr);
            return option == 'h' ? BF_EXIT_OK : BF_EXIT_USAGE;
        }
        if (parse_option(option, optarg, &run, &err) != BF_OK) {
            bf_setting_fail("simulate", &err);
            return BF_EXIT_USAGE;
        }
    }
    return simulate(&run, &err) == BF_OK ? BF_EXIT_OK : bf_setting_fail("simulate", &err);
}

const struct bf_command bf_command_simulate = {
    .name = "simulate",
    .summary = "Publish a simulated city's messages, the same for one seed.",
    .usage = usage,
    .run = run_simulate,
};
