/* Why: one place that knows how an installation is wired, as deploy/demo does, but with every part in the
 * test's hand. Declined: `belfry up` (it restarts what a test has killed, at its own pace). */
#include "tests/e2e/town.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config/bundle.h"
#include "config/log/config_log.h"
#include "peers/http/http.h"
#include "tests/e2e/town_inside.h"
#include "tests/support/disk.h"
#include "tests/support/port.h"
#include "tests/support/tempdir.h"

#define READY_MS 40000
#define RESTARTS_MAX 2000

struct kind {
    const char *name, *program;
    enum town_daemon first; /* of its kind */
    bool uses[TOWN_PEERS];
};

#define INGEST                                                 \
    .program = TOWN_BIN "belfry-ingest", .first = TOWN_INGEST, \
    .uses = {[TOWN_MQTT] = true, [TOWN_KAFKA] = true}
#define PROCESS .program = TOWN_BIN "belfry-process", .first = TOWN_PROCESS, .uses = {[TOWN_KAFKA] = true}

static const struct kind kinds[TOWN_DAEMONS] = {
    [TOWN_INGEST] = {.name = "ingest", INGEST},
    [TOWN_INGEST_2] = {.name = "ingest-2", INGEST},
    [TOWN_PROCESS] = {.name = "process", PROCESS},
    [TOWN_PROCESS_2] = {.name = "process-2", PROCESS},
    [TOWN_PROCESS_3] = {.name = "process-3", PROCESS},
    [TOWN_SINK] = {.name = "sink",
                   .program = TOWN_BIN "belfry-sink",
                   .first = TOWN_SINK,
                   .uses = {[TOWN_KAFKA] = true, [TOWN_REDIS] = true}},
};

const char *town_name(enum town_daemon which)
{
    return kinds[which].name;
}

enum town_daemon town_kind(enum town_daemon which)
{
    return kinds[which].first;
}

char *town_log_of(const struct town *town, const char *name, char path[400])
{
    snprintf(path, 400, "%s/%s.log", town->folder, name);
    return path;
}

/* ---- open and close */

/* As `belfry up` does at its first start. */
static enum bf_status fill_log(struct town *town, struct bf_err *err)
{
    struct bf_bundle *bundle = NULL;
    int created = 0;
    bool made = false;
    int64_t generation = 0;
    enum bf_status status =
        town->kafka.kind == BF_PEER_KAFKA ? BF_OK : bf_topics_ensure(&town->options, 1, &created, err);
    status = status == BF_OK ? bf_config_log_install_once(&town->options, &made, err) : status;
    status = status == BF_OK ? bf_bundle_read(town->city, &bundle, err) : status;
    status = status == BF_OK ? bf_config_log_reload(&town->options, bundle, BF_TIME_NONE, &generation, err)
                             : status;
    bf_bundle_destroy(bundle);
    return status;
}

/* A relay on every way from a daemon to a peer. Kafka tells who comes in at a listener to come back there, so
 * each relay to it ends at a listener of its own. */
static enum bf_status lay_cables(struct town *town, struct bf_err *err)
{
    enum bf_status status = BF_OK;
    size_t len = 0;
    const uint16_t targets[TOWN_PEERS] = {[TOWN_MQTT] = town->broker.port, [TOWN_REDIS] = town->redis.port};
    for (int i = 0; i < TOWN_DAEMONS; i++) {
        for (int peer = 0; peer < TOWN_PEERS && town->exists[i] && status == BF_OK; peer++) {
            struct bf_cut *cut = &town->cuts[i][peer];
            if (!kinds[i].uses[peer]) {
                continue;
            }
            cut->target = peer == TOWN_KAFKA ? bf_port_take() : targets[peer];
            status = bf_cut_open(cut, err);
            if (peer == TOWN_KAFKA) {
                len += (size_t)snprintf(town->via + len, sizeof town->via - len, "%s%u=%u", len ? " " : "",
                                        cut->target, cut->port);
            }
        }
    }
    town->kafka.via = len ? town->via : NULL;
    town->devices_cut.target = town->broker.port;
    return status == BF_OK ? bf_cut_open(&town->devices_cut, err) : status;
}

/* Only the data: pid files, logs and configurations lie beside it and must not be lost. */
static enum bf_status give_disk(struct bf_peer *peer, const char *name, uint64_t bytes, char *path,
                                size_t size, struct bf_err *err)
{
    if (bytes == 0) {
        return BF_OK;
    }
    peer->folder = bf_tempdir(name);
    snprintf(path, size, "%s/log", peer->folder); /* where kafka.sh keeps Kafka's data */
    return bf_disk_mount(path, bytes, err);
}

static enum bf_status start_peers(struct town *town, const struct town_options *options, struct bf_err *err)
{
    enum bf_status status =
        give_disk(&town->redis, "redis", options->redis_disk, town->redis_disk, sizeof town->redis_disk, err);
    if (status == BF_OK) {
        status = give_disk(&town->kafka, "kafka", options->kafka_disk, town->kafka_disk,
                           sizeof town->kafka_disk, err);
    }
    snprintf(town->redis_config, sizeof town->redis_config,
             "appendonly yes\nappendfsync everysec\nauto-aof-rewrite-percentage 0\n%s%s\n",
             town->redis_disk[0] ? "dir " : "", town->redis_disk);
    town->redis.config = town->redis_config;
    status = status == BF_OK ? bf_peer_start(&town->broker, err) : status;
    status = status == BF_OK ? bf_peer_start(&town->redis, err) : status;
    if (status == BF_OK && options->cuttable) {
        status = lay_cables(town, err);
    }
    return status == BF_OK ? bf_peer_start(&town->kafka, err) : status;
}

static bool installed(enum bf_peer_kind kafka)
{
    if (!bf_peer_available(BF_PEER_MOSQUITTO) || !bf_peer_available(BF_PEER_REDIS)) {
        puts("skipped: mosquitto or redis-server is not installed");
        return false;
    }
    if (!bf_peer_available(kafka)) {
        puts("skipped: no Java, or Maven Central does not answer and Apache Kafka's jars are not there");
        return false;
    }
    return true;
}

bool town_build(struct town *town, const struct town_options *options)
{
    struct bf_err err = {0};
    *town = (struct town){.broker = {.kind = BF_PEER_MOSQUITTO, .config = "autosave_interval 300\n"},
                          .redis = {.kind = BF_PEER_REDIS},
                          .kafka = {.kind = options->kafka},
                          .exists = {[TOWN_INGEST] = true,
                                     [TOWN_PROCESS] = true,
                                     [TOWN_SINK] = true,
                                     [TOWN_INGEST_2] = options->ingests > 1,
                                     [TOWN_PROCESS_2] = options->processes > 1,
                                     [TOWN_PROCESS_3] = options->processes > 2}};
    if (!installed(options->kafka)) {
        return false;
    }
    town->folder = bf_tempdir("town");
    snprintf(town->city, sizeof town->city, "%s/city", town->folder);
    snprintf(town->config, sizeof town->config, "%s/belfry.yaml", town->folder);
    mkdir(town->city, 0700);
    enum bf_status status = start_peers(town, options, &err);
    snprintf(town->url, sizeof town->url, "redis://%s/0", town->redis.address);
    town->options =
        (struct bf_kafka_options){.brokers = town->kafka.address, .prefix = "belfry", .client_id = "town"};
    bool filed = status == BF_OK && town_make_city(town, options) && town_write_configs(town);
    if (filed) {
        status = fill_log(town, &err);
    }
    if (!filed || status != BF_OK) {
        fail_msg("the town does not open: %s: %s", filed || status != BF_OK ? err.message : "files",
                 err.detail);
    }
    return true;
}

bool town_open(struct town *town, enum bf_peer_kind kafka, const char *delay)
{
    const struct town_options options = {.kafka = kafka, .delay = delay};
    return town_build(town, &options);
}

void town_close(struct town *town)
{
    for (size_t i = 0; i < TOWN_DAEMONS; i++) {
        bf_child_stop(&town->daemons[i], 6000);
    }
    bf_child_stop(&town->devices, 2000);
    bf_peer_stop(&town->redis);
    bf_peer_stop(&town->kafka);
    bf_peer_stop(&town->broker);
    bf_cut_close(&town->devices_cut);
    for (size_t i = 0; i < TOWN_DAEMONS; i++) {
        for (size_t peer = 0; peer < TOWN_PEERS; peer++) {
            bf_cut_close(&town->cuts[i][peer]);
        }
    }
}

void town_move(struct town *town, const char *prefix)
{
    struct bf_err err = {0};
    for (size_t i = 0; i < TOWN_DAEMONS; i++) {
        town->wanted[i] = false;
        bf_child_stop(&town->daemons[i], 10000);
    }
    town->options.prefix = prefix;
    if (fill_log(town, &err) != BF_OK || !town_write_configs(town)) {
        fail_msg("no log %s: %s", prefix, err.message);
    }
}

/* ---- daemons */

void town_start(struct town *town, enum town_daemon which)
{
    char log[400], config[400];
    struct bf_err err;
    const char *const argv[] = {kinds[which].program, "--config", town_config_of(town, which, config), NULL};
    town_log_of(town, kinds[which].name, log);
    const struct bf_child_options options = {.argv = argv, .out = log, .err = log};
    assert_true(town->exists[which]);
    town->wanted[which] = true;
    town->killed[which] = false;
    if (bf_child_start(&town->daemons[which], &options, &err) != BF_OK) {
        fail_msg("%s: %s", kinds[which].program, err.message);
    }
}

void town_kill(struct town *town, enum town_daemon which)
{
    bf_child_kill(&town->daemons[which]);
    town->killed[which] = true;
}

void town_stop(struct town *town, enum town_daemon which)
{
    char log[400], tail[1200];
    town->wanted[which] = false;
    int code = bf_child_stop(&town->daemons[which], 6000);
    if (code != 0) {
        fail_msg("belfry-%s: exit code %d after TERM\n%s", kinds[which].name, code,
                 bf_file_tail(town_log_of(town, kinds[which].name, log), tail, sizeof tail));
    }
}

void town_tend(struct town *town)
{
    for (int i = 0; i < TOWN_DAEMONS; i++) {
        if (!town->wanted[i] || bf_child_running(&town->daemons[i])) {
            continue;
        }
        if (!town->killed[i]) {
            char log[400], tail[700];
            town->restarts[i]++;
            printf("belfry-%s ended by itself with %d; started again. Its last words:\n%s\n", kinds[i].name,
                   town->daemons[i].ended,
                   bf_file_tail(town_log_of(town, kinds[i].name, log), tail, sizeof tail));
        }
        assert_true(town->restarts[i] < RESTARTS_MAX);
        town_start(town, (enum town_daemon)i);
    }
}

static bool fetch(const struct town *town, enum town_daemon which, const char *path, char *body, size_t size)
{
    int code = 0;
    return bf_http_get("127.0.0.1", town->http[which], path, 2000, &code, body, size, NULL) == BF_OK &&
           code == 200;
}

bool town_ready(struct town *town, enum town_daemon which)
{
    char body[2048];
    return fetch(town, which, "/readyz", body, sizeof body);
}

void town_await(struct town *town, enum town_daemon which, int timeout_ms)
{
    char log[400], tail[1200];
    int64_t deadline_us = bf_deadline_us(timeout_ms);
    while (town->exists[which] && !town_ready(town, which)) {
        town_tend(town);
        if (!bf_wait_turn(deadline_us)) {
            fail_msg("belfry-%s is not ready after %d ms\n%s", kinds[which].name, timeout_ms,
                     bf_file_tail(town_log_of(town, kinds[which].name, log), tail, sizeof tail));
        }
    }
}

void town_run(struct town *town)
{
    for (int i = 0; i < TOWN_DAEMONS; i++) {
        if (town->exists[i]) {
            town_start(town, (enum town_daemon)i);
        }
    }
    for (int i = 0; i < TOWN_DAEMONS; i++) {
        town_await(town, (enum town_daemon)i, READY_MS);
    }
}

int64_t town_metric(struct town *town, enum town_daemon which, const char *name)
{
    static char body[131072];
    int64_t sum = 0;
    bool found = false;
    size_t len = strlen(name);
    if (!fetch(town, which, "/metrics", body, sizeof body)) {
        return -1;
    }
    for (const char *line = body; line != NULL && *line != '\0'; line = strchr(line, '\n')) {
        line += *line == '\n';
        const char *space = strncmp(line, name, len) == 0 ? strchr(line, ' ') : NULL;
        if (space && (line[len] == ' ' || line[len] == '{')) {
            const char *label_end = line[len] == '{' ? strstr(line, "} ") : NULL;
            sum += strtoll(label_end ? label_end + 2 : space + 1, NULL, 10);
            found = true;
        }
    }
    return found ? sum : -1;
}
