/* ingest_town.h: a small town for the flow tests of belfry-ingest: mosquitto, the embedded Kafka cluster, a
 * configuration with one profile, the daemon, a publisher, and what stands in the log afterwards.
 * Owner: the test (static).   Thread: main; the publisher's counter is atomic. */
#ifndef BF_TESTS_INGEST_TOWN_H
#define BF_TESTS_INGEST_TOWN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
/* after these, as cmocka wants it */
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/log/config_log.h"
#include "core/wire.h"
#include "peers/http/http.h"
#include "peers/mqtt/mqtt.h"
#include "tests/support/eventually.h"
#include "tests/support/peers.h"
#include "tests/support/port.h"
#include "tests/support/tempdir.h"

#define TOWN_DAEMON TEST_BINARY_DIR "/bin/belfry-ingest"
#define TOWN_MESSAGES_MAX 20000
#define TOWN_STARTS_MAX 64

/* What the log says of one message: its number travels as the value of its only reading. */
struct town_seen {
    uint32_t times;
    int64_t serial; /* of its first reading */
    bool same_serial;
};

struct town {
    struct bf_peer broker, kafka;
    struct bf_child daemon;
    const char *folder;
    char config[300], log[300], city[300];
    uint16_t http;
    struct bf_kafka_options options;
    struct bf_mqtt *publisher;
    _Atomic int connected, acknowledged, refused;
    int64_t read_from[64]; /* next offset by partition */
    struct town_seen seen[TOWN_MESSAGES_MAX];
    uint32_t readings, ticks, hellos, rejects, whole;
    char last_reason[64];
    uint64_t last_len;
    int64_t newest_incarnation, newest_epoch, newest_generation, clock_us;
    /* incarnations in the order of the log, with the smallest generation of their ticks */
    int64_t start[TOWN_STARTS_MAX], start_generation[TOWN_STARTS_MAX];
    size_t starts;
};

static inline void town_write(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static inline void town_profile(struct town *town, const char *quantity)
{
    char path[400], text[400];
    snprintf(path, sizeof path, "%s/profiles/meter.yaml", town->city);
    snprintf(text, sizeof text,
             "name: meter\nversion: 1\nnetwork: town\ntopic: town/{device}\nformat: json\n"
             "readings:\n  - {path: $.n, quantity: %s, unit: \"1\"}\n",
             quantity);
    town_write(path, text);
}

/* Puts the city's files into force; returns the generation. */
static inline int64_t town_reload(struct town *town)
{
    struct bf_bundle *bundle;
    struct bf_err err;
    int64_t generation = 0;
    assert_int_equal(bf_bundle_read(town->city, &bundle, &err), BF_OK);
    if (bf_config_log_reload(&town->options, bundle, BF_TIME_NONE, &generation, &err) != BF_OK) {
        fail_msg("reload: %s: %s", err.message, err.detail);
    }
    bf_bundle_destroy(bundle);
    return generation;
}

static inline void town_configure(struct town *town, const char *more)
{
    char path[400], text[1200];
    struct bf_err err;
    bool made;
    snprintf(town->city, sizeof town->city, "%s/city", town->folder);
    assert_int_equal(mkdir(town->city, 0700), 0);
    snprintf(path, sizeof path, "%s/profiles", town->city);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/city.yaml", town->city);
    town_write(path, "name: town\n");
    town_profile(town, "count");
    town->options =
        (struct bf_kafka_options){.brokers = town->kafka.address, .prefix = "belfry", .client_id = "town"};
    assert_int_equal(bf_config_log_install_once(&town->options, &made, &err), BF_OK);
    assert_int_equal(town_reload(town), 1);
    town->http = bf_port_take();
    snprintf(town->config, sizeof town->config, "%s/belfry.yaml", town->folder);
    snprintf(text, sizeof text,
             "city: city\nmqtt: {url: \"mqtt://%s\"}\nkafka: {brokers: \"%s\"}\n"
             "ingest:\n  id: town-1\n  filters: [\"town/#\"]\n  http: \"127.0.0.1:%u\"\n%s",
             town->broker.address, town->kafka.address, town->http, more);
    town_write(town->config, text);
}

static inline bool town_ready(void *context)
{
    struct town *town = context;
    int code = 0;
    char body[1024];
    return bf_http_get("127.0.0.1", town->http, "/readyz", 1000, &code, body, sizeof body, NULL) == BF_OK &&
           code == 200;
}

/* Whether /readyz gives that reason. */
static inline bool town_says(struct town *town, const char *words)
{
    int code = 0;
    char body[2048];
    return bf_http_get("127.0.0.1", town->http, "/readyz", 1000, &code, body, sizeof body, NULL) == BF_OK &&
           strstr(body, words) != NULL;
}

static inline void town_start_daemon(struct town *town)
{
    const char *const argv[] = {TOWN_DAEMON, "--config", town->config, NULL};
    const struct bf_child_options options = {.argv = argv, .out = town->log, .err = town->log};
    struct bf_err err;
    assert_int_equal(bf_child_start(&town->daemon, &options, &err), BF_OK);
}

static inline void town_await_daemon(struct town *town)
{
    struct bf_err err;
    if (bf_child_wait_ready(&town->daemon, town_ready, town, 30000, town->log, &err) != BF_OK) {
        fail_msg("not ready: %s: %s", err.message, err.detail);
    }
}

/* One number of /metrics; -1: not there. */
static inline int64_t town_metric(struct town *town, const char *name)
{
    static char body[65536];
    int code = 0;
    if (bf_http_get("127.0.0.1", town->http, "/metrics", 2000, &code, body, sizeof body, NULL) != BF_OK) {
        return -1;
    }
    for (const char *line = body; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ' ') {
            return strtoll(line + strlen(name), NULL, 10);
        }
    }
    return -1;
}

/* ---- the devices */

static inline void town_on_message(void *context, const struct bf_mqtt_message *message)
{
    (void)context;
    (void)message;
}

static inline void town_on_connected(void *context, bool kept)
{
    struct town *town = context;
    (void)kept;
    atomic_store(&town->connected, 1);
}

static inline void town_on_broken(void *context, const char *reason)
{
    struct town *town = context;
    (void)reason;
    atomic_store(&town->connected, -1);
}

static inline void town_on_subscribed(void *context, bool ok, const char *reason)
{
    (void)context;
    (void)ok;
    (void)reason;
}

static inline void town_on_published(void *context, int token, bool ok)
{
    struct town *town = context;
    (void)token;
    atomic_fetch_add(ok ? &town->acknowledged : &town->refused, 1);
}

static inline void town_start_publisher(struct town *town)
{
    char url[100];
    struct bf_err err;
    snprintf(url, sizeof url, "mqtt://%s", town->broker.address);
    const struct bf_mqtt_options options = {.url = url,
                                            .version = 5,
                                            .client_id = "devices",
                                            .keep_alive_s = 60,
                                            .clean = true,
                                            .connect_timeout_s = 5};
    const struct bf_mqtt_callbacks callbacks = {.message = town_on_message,
                                                .connected = town_on_connected,
                                                .failed = town_on_broken,
                                                .lost = town_on_broken,
                                                .subscribed = town_on_subscribed,
                                                .published = town_on_published,
                                                .context = town};
    atomic_store(&town->connected, 0);
    assert_int_equal(bf_mqtt_create(&options, &callbacks, &town->publisher, &err), BF_OK);
    assert_int_equal(bf_mqtt_connect(town->publisher, &err), BF_OK);
    BF_EVENTUALLY(atomic_load(&town->connected) == 1, 10000);
}

static inline void town_publish(struct town *town, const char *topic, struct bf_slice payload, int qos,
                                bool retained)
{
    struct bf_err err;
    if (bf_mqtt_publish(town->publisher, bf_slice_of(topic), payload, qos, retained, BF_TIME_NONE, NULL,
                        &err) != BF_OK) {
        fail_msg("publish: %s", err.message);
    }
}

/* Messages numbered from `first`, over 16 devices; waits until the broker has them all. */
static inline void town_send(struct town *town, int first, int count)
{
    int before = atomic_load(&town->acknowledged);
    for (int i = first; i < first + count; i++) {
        char topic[64], payload[64];
        snprintf(topic, sizeof topic, "town/d%d", i % 16);
        int len = snprintf(payload, sizeof payload, "{\"n\": %d}", i);
        BF_EVENTUALLY(i - first - (atomic_load(&town->acknowledged) - before) < 1000, 20000);
        town_publish(town, topic, (struct bf_slice){payload, (size_t)len}, 1, false);
    }
    BF_EVENTUALLY(atomic_load(&town->acknowledged) - before == count, 30000);
}

/* ---- the log */

static inline void town_take_reading(struct town *town, const struct bf_incoming *incoming)
{
    struct bf_reading reading;
    double number;
    assert_int_equal(bf_reading_unpack(incoming->value, &reading, NULL), BF_OK);
    assert_true(bf_value_number(&reading.value, &number));
    assert_in_range((uint64_t)number, 0, TOWN_MESSAGES_MAX - 1);
    struct town_seen *seen = &town->seen[(size_t)number];
    seen->same_serial = seen->times == 0 || (seen->same_serial && seen->serial == reading.delivery.serial);
    seen->serial = reading.delivery.serial;
    seen->times++;
    town->readings++;
}

static inline void town_note_start(struct town *town, const struct bf_tick *tick)
{
    size_t at = 0;
    while (at < town->starts && town->start[at] < tick->incarnation) {
        at++;
    }
    if (at == town->starts || town->start[at] != tick->incarnation) {
        assert_true(town->starts < TOWN_STARTS_MAX);
        size_t tail = (town->starts++ - at) * sizeof(int64_t);
        memmove(&town->start[at + 1], &town->start[at], tail);
        memmove(&town->start_generation[at + 1], &town->start_generation[at], tail);
        town->start[at] = tick->incarnation;
        town->start_generation[at] = 0;
    }
    if (tick->generation > 0 &&
        (town->start_generation[at] == 0 || tick->generation < town->start_generation[at])) {
        town->start_generation[at] = tick->generation;
    }
}

static inline void town_take_tick(struct town *town, const struct bf_incoming *incoming)
{
    struct bf_tick tick;
    assert_int_equal(bf_tick_unpack(incoming->value, &tick, NULL), BF_OK);
    town_note_start(town, &tick);
    town->ticks++;
    town->hellos += tick.hello;
    if (tick.incarnation > town->newest_incarnation) {
        town->newest_incarnation = tick.incarnation;
    }
    if (tick.has_epoch) {
        town->newest_epoch = tick.epoch;
    }
    if (tick.has_clock && tick.clock_us > town->clock_us) {
        town->clock_us = tick.clock_us;
    }
    if (tick.generation > town->newest_generation) {
        town->newest_generation = tick.generation;
    }
}

static inline void town_take_reject(struct town *town, const struct bf_incoming *incoming)
{
    struct bf_reject reject;
    assert_int_equal(bf_reject_unpack(incoming->value, &reject, NULL), BF_OK);
    town->rejects++;
    town->whole += reject.whole;
    town->last_len = reject.payload_len;
    snprintf(town->last_reason, sizeof town->last_reason, "%.*s", BF_SLICE_ARG(reject.reason));
}

/* Reads what has come since the last call, of one topic. */
static inline void town_read_topic(struct town *town, enum bf_topic topic, int64_t *from)
{
    struct bf_consumer *consumer;
    struct bf_err err;
    struct bf_position positions[32];
    int64_t ends[32] = {0};
    int32_t count;
    size_t assigned = 0, open = 0;
    assert_int_equal(bf_consumer_create(&town->options, NULL, true, &consumer, &err), BF_OK);
    assert_int_equal(bf_consumer_partitions(consumer, topic, &count, &err), BF_OK);
    for (int32_t p = 0; p < count; p++) {
        int64_t begin;
        assert_int_equal(bf_consumer_range(consumer, topic, p, &begin, &ends[p], &err), BF_OK);
        if (from[p] < ends[p]) {
            positions[assigned++] = (struct bf_position){.topic = topic, .partition = p, .offset = from[p]};
        }
    }
    open = assigned;
    if (assigned > 0) {
        assert_int_equal(bf_consumer_assign(consumer, positions, assigned, &err), BF_OK);
    }
    int64_t until_us = bf_deadline_us(30000);
    while (open > 0 && bf_time_monotonic_us() < until_us) {
        struct bf_incoming incoming;
        if (bf_consumer_poll(consumer, 100, &incoming, &err) != BF_OK) {
            continue;
        }
        enum bf_record_type type;
        if (!incoming.eof && incoming.offset < ends[incoming.partition]) {
            if (topic == BF_TOPIC_REJECTS) {
                town_take_reject(town, &incoming);
            } else if (incoming.has_key) {
                town_take_reading(town, &incoming);
            } else if (bf_incoming_type(&incoming, &type) && type == BF_RECORD_TICK) {
                town_take_tick(town, &incoming);
            }
            from[incoming.partition] = incoming.offset + 1;
            open -= from[incoming.partition] == ends[incoming.partition];
        }
        bf_incoming_release(&incoming);
    }
    bf_consumer_destroy(consumer);
    assert_int_equal(open, 0);
}

static inline void town_read(struct town *town)
{
    town_read_topic(town, BF_TOPIC_READINGS, town->read_from);
    town_read_topic(town, BF_TOPIC_REJECTS, town->read_from + 32);
}

static inline bool town_has_all(struct town *town, int first, int count)
{
    for (int i = first; i < first + count; i++) {
        if (town->seen[i].times == 0) {
            return false;
        }
    }
    return true;
}

/* ---- a town from beginning to end */

static inline void town_open(struct town *town, const char *more)
{
    struct bf_err err;
    if (!bf_peer_available(BF_PEER_MOSQUITTO) || !bf_peer_available(BF_PEER_KAFKA)) {
        print_message("skipped: mosquitto or belfry-kafka is not there\n");
        skip();
    }
    memset(town, 0, sizeof *town);
    town->broker.kind = BF_PEER_MOSQUITTO;
    town->kafka.kind = BF_PEER_KAFKA;
    town->folder = bf_tempdir("ingest");
    assert_non_null(town->folder);
    snprintf(town->log, sizeof town->log, "%s/ingest.log", town->folder);
    if (bf_peer_start(&town->broker, &err) != BF_OK || bf_peer_start(&town->kafka, &err) != BF_OK) {
        fail_msg("%s: %s", err.message, err.detail);
    }
    town_configure(town, more);
}

static inline void town_close(struct town *town)
{
    if (bf_child_running(&town->daemon)) {
        assert_int_equal(bf_child_stop(&town->daemon, 6000), 0);
    }
    bf_mqtt_destroy(town->publisher);
    town->publisher = NULL;
    bf_peer_stop(&town->broker);
    bf_peer_stop(&town->kafka);
}

#endif
