/* stage.h: what a test of belfry-sink plays on: the embedded Kafka, a Redis, a small city in the log, a
 * producer that writes what the processors would, and the daemon itself.
 * Owner: the test's static struct.   Thread: main. */
#ifndef BF_TESTS_FLOW_STAGE_H
#define BF_TESTS_FLOW_STAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "config/bundle.h"
#include "config/log/config_log.h"
#include "core/hash.h"
#include "core/wire.h"
#include "peers/kafka/kafka.h"
#include "peers/redis/redis.h"
#include "tests/support/eventually.h"
#include "tests/support/peers.h"
#include "tests/support/port.h"
#include "tests/support/tempdir.h"

#define STAGE_PARTITIONS 4
#define HOUR_US INT64_C(3600000000)

struct stage {
    struct bf_peer kafka, redis;
    struct bf_child sink;
    char folder[256], config[300], log[300], url[96];
    struct bf_kafka_options options;
    struct bf_producer *producer;
    struct bf_redis *reader;
    int64_t generation, origin; /* of the next record */
};

static inline void stage_file(const struct stage *stage, const char *name, const char *text)
{
    char path[400];
    snprintf(path, sizeof path, "%s/%s", stage->folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static inline void stage_city(struct stage *stage, const char *boards, const char *kpis)
{
    char text[512], city[300];
    struct bf_bundle *bundle = NULL;
    struct bf_err err = {0};
    snprintf(text, sizeof text, "name: test\ntitle: Test\ntimezone: UTC\nboards:\n%s", boards);
    stage_file(stage, "city/city.yaml", text);
    stage_file(stage, "city/kpis/all.yaml", kpis);
    snprintf(city, sizeof city, "%s/city", stage->folder);
    if (bf_bundle_read(city, &bundle, &err) != BF_OK
        || bf_config_log_reload(&stage->options, bundle, BF_TIME_NONE, &stage->generation, &err) != BF_OK) {
        fail_msg("%s: %s", err.message, err.detail);
    }
    bf_bundle_destroy(bundle);
}

#define STAGE_KPI(id)                                                                       \
    "  - {id: " id ", title: T, unit: ug/m3, from: {quantity: q}, window: {tumbling: 1h}, " \
    "group: [zone], value: mean, target: 15}\n"

static inline void stage_redis(struct stage *stage)
{
    struct bf_redis_options options = {.url = stage->url, .timeout_ms = 5000};
    struct bf_err err = {0};
    bf_redis_close(stage->reader);
    stage->reader = NULL;
    assert_int_equal(bf_redis_open(&options, &stage->reader, &err), BF_OK);
}

static inline void stage_sink_start(const struct stage *stage, struct bf_child *child)
{
    const char *const argv[] = {TEST_BINARY_DIR "/bin/belfry-sink", "--config", stage->config, NULL};
    struct bf_child_options options = {.argv = argv, .err = stage->log, .out = stage->log};
    struct bf_err err = {0};
    assert_int_equal(bf_child_start(child, &options, &err), BF_OK);
}

/* False where a server that it needs is not installed. */
static inline bool stage_open(struct stage *stage)
{
    struct bf_err err = {0};
    char text[1024], path[400];
    bool made = false;
    stage->kafka.kind = BF_PEER_KAFKA;
    stage->redis.kind = BF_PEER_REDIS;
    stage->redis.durable = true;
    if (!bf_peer_available(BF_PEER_KAFKA) || !bf_peer_available(BF_PEER_REDIS)) {
        puts("skipped: belfry-kafka or redis-server is missing");
        return false;
    }
    snprintf(stage->folder, sizeof stage->folder, "%s", bf_tempdir("sink"));
    snprintf(stage->config, sizeof stage->config, "%s/belfry.yaml", stage->folder);
    snprintf(stage->log, sizeof stage->log, "%s/sink.log", stage->folder);
    snprintf(path, sizeof path, "%s/city", stage->folder);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/city/kpis", stage->folder);
    mkdir(path, 0700);
    if (bf_peer_start(&stage->kafka, &err) != BF_OK || bf_peer_start(&stage->redis, &err) != BF_OK) {
        fprintf(stderr, "%s\n%s\n", err.message, err.detail);
        return false;
    }
    snprintf(stage->url, sizeof stage->url, "redis://%s/0", stage->redis.address);
    snprintf(text, sizeof text, "kafka: {brokers: \"%s\"}\nredis: {url: \"%s\", timeout: 2s}\n"
             "sink: {http: \"127.0.0.1:0\"}\n", stage->kafka.address, stage->url);
    stage_file(stage, "belfry.yaml", text);
    stage->options = (struct bf_kafka_options){
        .brokers = stage->kafka.address, .prefix = "belfry", .client_id = "test"};
    return bf_config_log_install_once(&stage->options, &made, &err) == BF_OK
           && bf_producer_create(&stage->options, 1, 10000, &stage->producer, &err) == BF_OK;
}

static inline void stage_close(struct stage *stage)
{
    bf_child_stop(&stage->sink, 5000);
    bf_producer_destroy(stage->producer, 1000);
    bf_redis_close(stage->reader);
    bf_peer_stop(&stage->redis);
    bf_peer_stop(&stage->kafka);
}

static inline struct bf_kpi stage_window(const char *scope, int64_t hour, double value,
                                         enum bf_kpi_phase phase)
{
    return (struct bf_kpi){
        .kpi = BF_SLICE("air"),
        .scope = bf_slice_of(scope),
        .unit = BF_SLICE("ug/m3"),
        .start_us = hour * HOUR_US,
        .end_us = (hour + 1) * HOUR_US,
        .has_value = true,
        .value = value,
        .n = 3,
        .has_range = true,
        .min = 1,
        .max = 9,
        .phase = phase,
        .quality = BF_QUALITY_GOOD,
        .clock_us = (hour + 1) * HOUR_US,
        .stale_after_us = (hour + 3) * HOUR_US,
        .has_target = true,
        .target = 15,
        .band = BF_SLICE("fair"),
    };
}

static inline void stage_put(struct stage *stage, enum bf_record_type type, struct bf_slice key,
                             struct bf_slice value, int64_t origin_offset)
{
    char origin_bytes[128];
    struct bf_mp_writer writer;
    struct bf_origin origin = {.task = BF_SLICE("test/s2/0"), .offset = origin_offset};
    struct bf_err err = {0};
    bf_mp_writer_init(&writer, origin_bytes, sizeof origin_bytes);
    bf_origin_pack(&origin, &writer);
    struct bf_outgoing record = {
        .topic = BF_TOPIC_KPIS,
        .partition = bf_hash_partition(key, STAGE_PARTITIONS),
        .key = key,
        .value = value,
        .type = type,
        .origin = {origin_bytes, writer.len},
    };
    assert_int_equal(bf_producer_send_wait(stage->producer, &record, NULL, &err), BF_OK);
}

/* As a task would write it: each record for an input record of its own. */
static inline void stage_kpi(struct stage *stage, struct bf_kpi kpi)
{
    char bytes[2048], key[600];
    struct bf_mp_writer writer;
    kpi.generation = stage->generation;
    bf_mp_writer_init(&writer, bytes, sizeof bytes);
    bf_kpi_pack(&kpi, &writer);
    assert_false(writer.full);
    int len = snprintf(key, sizeof key, "%.*s|%.*s", BF_SLICE_ARG(kpi.kpi), BF_SLICE_ARG(kpi.scope));
    stage_put(stage, BF_RECORD_KPI, (struct bf_slice){key, (size_t)len}, (struct bf_slice){bytes, writer.len},
              stage->origin++);
}

static inline void stage_device(struct stage *stage, const struct bf_device *device)
{
    char bytes[1024];
    struct bf_mp_writer writer;
    bf_mp_writer_init(&writer, bytes, sizeof bytes);
    bf_device_pack(device, &writer);
    stage_put(stage, BF_RECORD_DEVICE, device->device, (struct bf_slice){bytes, writer.len}, stage->origin++);
}

static inline void stage_tick(struct stage *stage)
{
    char bytes[256];
    struct bf_mp_writer writer;
    struct bf_task_tick tick = {.source = 0, .clock_us = HOUR_US, .generation = stage->generation};
    bf_mp_writer_init(&writer, bytes, sizeof bytes);
    bf_task_tick_pack(&tick, &writer);
    stage_put(stage, BF_RECORD_TASK_TICK, BF_SLICE("tick"), (struct bf_slice){bytes, writer.len}, 0);
}

static inline void stage_settle(struct stage *stage)
{
    struct bf_err err = {0};
    assert_int_equal(bf_producer_wait(stage->producer, bf_producer_handed(stage->producer), 10000, &err),
                     BF_OK);
}

/* ---- what Redis says */

static inline struct bf_reply stage_ask(struct stage *stage, const char *line)
{
    struct bf_slice words[16];
    size_t count = 0;
    struct bf_reply reply = {.kind = BF_REPLY_NIL};
    for (const char *at = line; *at && count < 16;) {
        size_t len = strcspn(at, " ");
        words[count++] = (struct bf_slice){at, len};
        at += len + (at[len] == ' ');
    }
    if (bf_redis_command(stage->reader, words, count, &reply, NULL) != BF_OK) {
        reply = (struct bf_reply){.kind = BF_REPLY_NIL};
    }
    return reply;
}

static inline bool stage_says(struct stage *stage, const char *line, const char *expected)
{
    struct bf_reply reply = stage_ask(stage, line);
    return reply.kind == BF_REPLY_TEXT && bf_slice_equal(reply.text, bf_slice_of(expected));
}

static inline int64_t stage_number(struct stage *stage, const char *line)
{
    struct bf_reply reply = stage_ask(stage, line);
    return reply.kind == BF_REPLY_INT ? reply.integer : -1;
}

#endif
