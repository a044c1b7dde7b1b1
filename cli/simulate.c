/* Why: a city to try belfry on, to test it against and to measure it with, the same to the byte for one seed.
 * Declined: a daemon; it ends when it is told to, prints its sums, and leaves nothing behind. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/argument.h"
#include "cli/closing.h"
#include "cli/command.h"
#include "cli/pace.h"
#include "cli/simulator.h"
#include "config/scalar.h"
#include "core/daemon.h"

struct run {
    const char *config, *journal;
    struct bf_simulator_options options;
    double speed;
    int64_t length_us; /* 0: until a signal */
    uint64_t connections;
    bool json;
};

static const char usage[] =
    "belfry simulate --for 60s                               a minute of the demo city\n"
    "belfry simulate --rate 1000 --devices 10000             more of it\n"
    "belfry simulate --fault spike=2% --fault silent=0.05    with sick devices\n"
    "\n"
    "  -c, --config FILE       belfry.yaml ($BELFRY_CONFIG, else /etc/belfry/belfry.yaml)\n"
    "  -s, --seed N            another city life (1)\n"
    "  -d, --devices N         how many devices (360)\n"
    "  -r, --rate N            messages per second, of all together (each kind its own interval)\n"
    "      --for DURATION      then end; without it Ctrl-C ends it\n"
    "  -f, --fault KIND=SHARE  that share of the devices has it; may be given several times\n"
    "  -n, --connections N     MQTT connections (4)\n"
    "      --start TIME        log time of the first message, 2024-02-13T08:00:00Z (now)\n"
    "      --speed N|max       how fast that time passes (1)\n"
    "      --journal FILE      a line for each message: its hash (as in key 21 of a reading), how often it "
    "was\n"
    "                          sent, 1 if it was acknowledged\n"
    "  -j, --json              the sums as one line of JSON\n"
    "\n"
    "Faults, of a device that has one:\n"
#define X(constant, text, summary) "  " text ": " summary "\n"
#include "cli/faults.def"
#undef X
    "\n"
    "--start, and a --speed other than 1, need `clock: message` in the configuration.\n";

static enum bf_status parse_fault(const char *text, struct bf_simulator_options *options, struct bf_err *err)
{
    const char *equals = strchr(text, '=');
    struct bf_slice name = {text, equals ? (size_t)(equals - text) : strlen(text)};
    struct bf_slice share = equals ? bf_slice_of(equals + 1) : BF_SLICE("1");
    double value = 0;
    enum bf_fault fault;
    if (!bf_fault_parse(name, &fault)) {
        return bf_err_set(err, BF_CONFIG, "--fault: there is no fault \"%.*s\"", BF_SLICE_ARG(name));
    }
    bool percent = share.len > 0 && share.data[share.len - 1] == '%';
    share.len -= percent;
    bool understood = bf_scalar_number(share, &value);
    value = percent ? value / 100 : value;
    if (!understood || value < 0 || value > 1) {
        return bf_err_set(err, BF_CONFIG, "--fault %.*s: expected a share such as 0.02 or 2%%, not \"%s\"",
                          BF_SLICE_ARG(name), equals + 1);
    }
    options->fault_share[fault] = value;
    return BF_OK;
}

enum { OPTION_FOR = 1000, OPTION_START, OPTION_SPEED, OPTION_JOURNAL };

static const struct option long_options[] = {{"config", required_argument, NULL, 'c'},
                                             {"seed", required_argument, NULL, 's'},
                                             {"devices", required_argument, NULL, 'd'},
                                             {"rate", required_argument, NULL, 'r'},
                                             {"for", required_argument, NULL, OPTION_FOR},
                                             {"fault", required_argument, NULL, 'f'},
                                             {"start", required_argument, NULL, OPTION_START},
                                             {"speed", required_argument, NULL, OPTION_SPEED},
                                             {"journal", required_argument, NULL, OPTION_JOURNAL},
                                             {"connections", required_argument, NULL, 'n'},
                                             {"json", no_argument, NULL, 'j'},
                                             {"help", no_argument, NULL, 'h'},
                                             {NULL, 0, NULL, 0}};

static enum bf_status parse_start(const char *text, int64_t *start_us, struct bf_err *err)
{
    if (bf_time_parse_rfc3339(bf_slice_of(text), start_us) == BF_OK) {
        return BF_OK;
    }
    return bf_err_set(err, BF_CONFIG, "--start: expected a time such as 2024-02-13T08:00:00Z, not \"%s\"",
                      text);
}

static enum bf_status parse_option(int option, const char *value, struct run *run, struct bf_err *err)
{
    switch (option) {
    case 'c':
        run->config = value;
        return BF_OK;
    case 'f':
        return parse_fault(value, &run->options, err);
    case 's':
        return bf_argument_count("seed", value, 0, INT64_MAX, &run->options.seed, err);
    case 'd':
        return bf_argument_count("devices", value, 1, BF_SIMULATOR_DEVICES, &run->options.devices, err);
    case 'n':
        return bf_argument_count("connections", value, 1, BF_PUBLISHER_CONNECTIONS, &run->connections, err);
    case 'r':
        return bf_argument_number("rate", value, 0.001, 1e6, &run->options.rate, err);
    case OPTION_FOR:
        return bf_argument_duration("for", value, &run->length_us, err);
    case OPTION_START:
        return parse_start(value, &run->options.start_us, err);
    case OPTION_SPEED:
        return bf_pace_parse(bf_slice_of(value), &run->speed, err);
    case OPTION_JOURNAL:
        run->journal = value;
        return BF_OK;
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

static enum bf_status open_journal(const struct run *run, FILE **journal, struct bf_err *err)
{
    *journal = run->journal ? fopen(run->journal, "w") : NULL;
    return run->journal && !*journal
               ? bf_err_set(err, BF_CONFIG, "could not open %s: %s", run->journal, strerror(errno))
               : BF_OK;
}

/* What is not on the disk is no account: a journal that cannot be written whole fails the command. */
static enum bf_status close_journal(const struct run *run, FILE *journal, enum bf_status status,
                                    struct bf_err *err)
{
    bool written = !journal || !ferror(journal);
    written = (!journal || fclose(journal) == 0) && written;
    return written || status != BF_OK ? status
                                      : bf_err_set(err, BF_FATAL, "could not write %s", run->journal);
}

static enum bf_status simulate(struct run *run, struct bf_err *err)
{
    FILE *journal = NULL;
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
    status = open_journal(run, &journal, err);
    status = status == BF_OK
                 ? bf_publisher_open(setting.site, "belfry-simulate", run->connections, &publisher, err)
                 : status;
    run->options.start_us = run->options.start_us ? run->options.start_us : bf_time_wall_us();
    status = status == BF_OK ? bf_simulator_create(&run->options, &simulator, err) : status;
    if (status != BF_OK) {
        goto out;
    }
    bf_publisher_journal(publisher, journal);
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
    return close_journal(run, journal, status, err);
}

static int run_simulate(int argc, char **argv)
{
    struct run run = {.options = {.seed = 1}, .speed = 1, .connections = 4};
    struct bf_err err;
    for (int option; (option = getopt_long(argc, argv, "c:s:d:r:f:n:jh", long_options, NULL)) != -1;) {
        if (option == 'h') {
            fputs(usage, stdout);
            return BF_EXIT_OK;
        }
        if (option == '?') {
            return bf_argument_help("simulate");
        }
        if (parse_option(option, optarg, &run, &err) != BF_OK) {
            return bf_argument_refuse("simulate", &err);
        }
    }
    if (optind != argc) {
        return bf_argument_surplus("simulate", argv[optind]);
    }
    return simulate(&run, &err) == BF_OK ? BF_EXIT_OK : bf_setting_fail("simulate", &err);
}

const struct bf_command bf_command_simulate = {
    .name = "simulate",
    .summary = "Publish a simulated city's messages, the same for one seed.",
    .usage = usage,
    .run = run_simulate,
};
