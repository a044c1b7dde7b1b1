/* Why: the small city's whole installation from one file: an embedded Kafka if wanted, topics, the first
 * configuration, and the daemons, looked after.
 * Declined: mosquitto and Redis: they are services of the machine (deploy/demo starts private ones). */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/argument.h"
#include "cli/command.h"
#include "cli/pace.h"
#include "cli/setting.h"
#include "cli/supervise.h"
#include "config/log/config_log.h"
#include "config/log/wiring.h"
#include "core/daemon.h"
#include "core/log.h"
#include "processors/aggregate/aggregate.h"

#define KAFKA_WAIT_MS 60000
#define STOP_MS 4000
#define TEND_MS 50

static const char usage[] =
    "belfry up --config /etc/belfry/belfry.yaml      run the whole installation until Ctrl-C\n"
    "\n"
    "  -c, --config FILE   belfry.yaml ($BELFRY_CONFIG, else /etc/belfry/belfry.yaml)\n"
    "  -j, --log-json      log lines are JSON\n"
    "\n"
    "Makes topics and the first configuration where they are missing, then runs belfry-ingest, "
    "belfry-process\n"
    "and belfry-sink (and the embedded Kafka where the configuration says `embedded: true`), and starts "
    "again\n"
    "what dies. TERM or Ctrl-C ends all of them.\n";

struct up {
    const char *config;
    bool log_json;
    char folder[PATH_MAX]; /* of the programs: where this one stands */
    char programs[4][PATH_MAX + 32];
    char kafka_port[16];
    struct bf_supervisor supervisor;
};

static enum bf_status find_programs(struct up *up, struct bf_err *err)
{
    ssize_t length = readlink("/proc/self/exe", up->folder, sizeof up->folder - 1);
    if (length <= 0) {
        return bf_err_set(err, BF_FATAL, "could not tell where belfry is installed: %s", strerror(errno));
    }
    up->folder[length] = '\0';
    char *slash = strrchr(up->folder, '/');
    *slash = '\0';
    static const char *const names[] = {"belfry-kafka", "belfry-ingest", "belfry-process", "belfry-sink"};
    for (size_t i = 0; i < 4; i++) {
        snprintf(up->programs[i], sizeof up->programs[i], "%s/%s", up->folder, names[i]);
    }
    return BF_OK;
}

/* The cluster says "bootstrap=…" when it serves; nothing else may start before. */
static enum bf_status start_cluster(struct up *up, const struct bf_site *site, struct bf_err *err)
{
    const char *colon = strrchr(site->kafka.brokers, ':');
    snprintf(up->kafka_port, sizeof up->kafka_port, "%s", colon ? colon + 1 : "9092");
    int pipe_ends[2];
    if (pipe2(pipe_ends, O_CLOEXEC) != 0) {
        return bf_err_set(err, BF_FATAL, "could not make a pipe: %s", strerror(errno));
    }
    struct bf_child child = {.name = "belfry-kafka",
                             .program = up->programs[0],
                             .vital = true,
                             .out = pipe_ends[1],
                             .arguments = {"--port", up->kafka_port, "--prefix", site->kafka.prefix, NULL}};
    enum bf_status status = bf_supervisor_start(&up->supervisor, &child, err);
    close(pipe_ends[1]);
    char line[128] = "";
    if (status == BF_OK) {
        struct pollfd wait = {.fd = pipe_ends[0], .events = POLLIN};
        ssize_t got = poll(&wait, 1, 10000) > 0 ? read(pipe_ends[0], line, sizeof line - 1) : 0;
        if (got <= 0 || strncmp(line, "bootstrap=", 10) != 0) {
            status = bf_err_set(err, BF_PEER, "the embedded Kafka did not start on port %s", up->kafka_port);
        }
    }
    close(pipe_ends[0]);
    return status;
}

/* Topics, install record, and generation 1 where there is none. */
static enum bf_status prepare_once(const struct bf_setting *setting, const struct bf_kafka_options *kafka,
                                   struct bf_err *err)
{
    int created = 0;
    bool made = false;
    enum bf_status status =
        setting->site->kafka.embedded
            ? BF_OK
            : bf_topics_ensure(kafka, (int16_t)setting->site->kafka.replication, &created, err);
    status = status == BF_OK ? bf_config_log_install_once(kafka, &made, err) : status;
    struct bf_config_log *log = NULL;
    status = status == BF_OK ? bf_config_log_open(kafka, bf_aggregate_kinds(), &log, err) : status;
    if (status != BF_OK) {
        return status;
    }
    int64_t generation = bf_config_log_newest(log);
    bf_config_log_close(log);
    if (generation > 0) {
        return BF_OK; /* what runs, runs; `belfry reload` changes it */
    }
    struct bf_bundle *bundle = NULL;
    status = bf_bundle_read(setting->site->city_path, &bundle, err);
    if (status == BF_OK) {
        status = bf_config_log_reload(kafka, bundle, BF_TIME_NONE, &generation, err);
        bf_bundle_destroy(bundle);
    }
    if (status == BF_OK) {
        bf_log(BF_LOG_INFO, "up.configured", "generation=%lld topics_made=%d", (long long)generation,
               created);
    }
    return status;
}

static enum bf_status prepare(const struct bf_setting *setting, struct bf_err *err)
{
    struct bf_property properties[BF_WIRING_PROPERTIES];
    struct bf_kafka_options kafka = bf_wiring_kafka(setting->site, "belfry-up", properties);
    int64_t deadline = bf_time_monotonic_us() + KAFKA_WAIT_MS * BF_US_PER_MS;
    for (;;) {
        enum bf_status status = prepare_once(setting, &kafka, err);
        bool again = (status == BF_PEER || status == BF_AGAIN) && bf_time_monotonic_us() < deadline;
        if (!again || !bf_pace_idle(250)) {
            return status;
        }
        bf_log_err(BF_LOG_WARN, "up.waiting", err);
    }
}

static enum bf_status start_daemons(struct up *up, struct bf_err *err)
{
    static const char *const names[] = {"belfry-ingest", "belfry-process", "belfry-sink"};
    for (size_t i = 0; i < 3; i++) {
        struct bf_child child = {
            .name = names[i],
            .program = up->programs[i + 1],
            .out = -1,
            .arguments = {"--config", up->config, up->log_json ? "--log-json" : NULL, NULL}};
        enum bf_status status = bf_supervisor_start(&up->supervisor, &child, err);
        if (status != BF_OK) {
            return status;
        }
    }
    return BF_OK;
}

static enum bf_status run(struct up *up, struct bf_err *err)
{
    struct bf_setting setting;
    enum bf_status status = bf_setting_load(up->config, true, &setting, err);
    if (status != BF_OK) {
        return status;
    }
    struct bf_pace signals;
    bf_pace_start(&signals, 1, 0);
    status = find_programs(up, err);
    if (status == BF_OK && setting.site->kafka.embedded) {
        status = start_cluster(up, setting.site, err);
    }
    status = status == BF_OK ? prepare(&setting, err) : status;
    status = status == BF_OK && !bf_pace_stopped() ? start_daemons(up, err) : status;
    while (status == BF_OK && bf_pace_idle(TEND_MS)) {
        status = bf_supervisor_tend(&up->supervisor, err);
    }
    if (status == BF_PEER && bf_pace_stopped()) {
        status = BF_OK; /* somebody would not wait until a peer was there */
    }
    bf_supervisor_stop(&up->supervisor, STOP_MS);
    bf_setting_unload(&setting);
    return status;
}

static const struct option long_options[] = {{"config", required_argument, NULL, 'c'},
                                             {"log-json", no_argument, NULL, 'j'},
                                             {"help", no_argument, NULL, 'h'},
                                             {NULL, 0, NULL, 0}};

static int run_up(int argc, char **argv)
{
    static struct up up; /* a few paths: too large for a comfortable stack */
    up.config = bf_setting_path(NULL);
    for (int option; (option = getopt_long(argc, argv, "c:jh", long_options, NULL)) != -1;) {
        switch (option) {
        case 'c':
            up.config = bf_setting_path(optarg);
            break;
        case 'j':
            up.log_json = true;
            break;
        case 'h':
            fputs(usage, stdout);
            return BF_EXIT_OK;
        default:
            return bf_argument_help("up");
        }
    }
    if (optind != argc) {
        return bf_argument_surplus("up", argv[optind]);
    }
    bf_log_init(&(struct bf_log_options){.level = BF_LOG_INFO, .json = up.log_json, .program = "belfry-up"});
    struct bf_err err;
    return run(&up, &err) == BF_OK ? BF_EXIT_OK : bf_setting_fail("up", &err);
}

const struct bf_command bf_command_up = {
    .name = "up",
    .summary = "Run and look after the whole installation.",
    .usage = usage,
    .run = run_up,
};
