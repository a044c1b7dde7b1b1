/* redis_place.h: a real Redis, a city made by hand, and the Redis sink between them: the tests of its laws.
 * Owner: the test program.   Thread: main. */
#ifndef BF_TESTS_UNIT_SINKS_REDIS_PLACE_H
#define BF_TESTS_UNIT_SINKS_REDIS_PLACE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/time.h"
#include "peers/redis/redis.h"
#include "sinks/sink.h"
#include "tests/support/eventually.h"
#include "tests/support/peers.h"

#define PARTITIONS 2
#define INSTALL "00000000000000aa"
#define HOUR_US INT64_C(3600000000)

static struct bf_peer server = {.kind = BF_PEER_REDIS, .config = "enable-debug-command yes\n"};
static struct bf_redis *reader;
static char url[64];
static struct bf_site site;
static struct bf_counters counters;

/* ---- a city made by hand */

static struct bf_slice wall_kpis[] = {{"air", 3}, {"noise", 5}};
static struct bf_board boards[] = {{.name = {"wall", 4}, .kpis = wall_kpis, .count = 2}};
static struct bf_kpi_definition kpis[] = {{.id = {"air", 3}}, {.id = {"noise", 5}}, {.id = {"water", 5}}};
static struct bf_profile profiles[] = {{.name = {"airbox@2", 8}, .enabled = true},
                                       {.name = {"meter@1", 7}, .enabled = true}};
static const struct bf_city city = {
    .kpis = kpis,
    .kpi_count = 3,
    .boards = boards,
    .board_count = 1,
    .profiles = profiles,
    .profile_count = 2,
};

/* ---- talking to Redis */

static inline struct bf_reply ask(const char *line)
{
    struct bf_slice words[16];
    size_t count = 0;
    struct bf_reply reply;
    struct bf_err err = {0};
    for (const char *at = line; *at && count < 16;) {
        size_t len = strcspn(at, " ");
        words[count++] = (struct bf_slice){at, len};
        at += len + (at[len] == ' ');
    }
    assert_int_equal(bf_redis_command(reader, words, count, &reply, &err), BF_OK);
    return reply;
}

static inline void assert_text(const char *line, const char *expected)
{
    struct bf_reply reply = ask(line);
    if (!expected) {
        assert_int_equal(reply.kind, BF_REPLY_NIL);
        return;
    }
    assert_int_equal(reply.kind, BF_REPLY_TEXT);
    assert_int_equal(reply.text.len, strlen(expected));
    assert_memory_equal(reply.text.data, expected, strlen(expected));
}

static inline int64_t number(const char *line)
{
    struct bf_reply reply = ask(line);
    assert_int_equal(reply.kind, BF_REPLY_INT);
    return reply.integer;
}

/* All that Redis holds, but for the heartbeat's hash and who wrote last, as 40 digits. */
static inline void digest(char text[41])
{
    ask("DEL belfry:v1:meta");
    ask("HDEL belfry:v1:position writer");
    struct bf_reply reply = ask("DEBUG DIGEST");
    snprintf(text, 41, "%.*s", BF_SLICE_ARG(reply.text));
}

/* ---- the sink under test */

struct fixture {
    void *self;
    int64_t positions[PARTITIONS], clock_us;
};

static inline void open_sink(struct fixture *fixture, const char *install)
{
    struct bf_sink_options options = {
        .site = &site, .install = bf_slice_of(install), .partitions = PARTITIONS, .counters = &counters,
    };
    struct bf_err err = {0};
    *fixture = (struct fixture){0};
    assert_int_equal(bf_sink_find(BF_SLICE("redis"))->open(&options, &fixture->self, &err), BF_OK);
}

static inline const struct bf_sink *sink(void)
{
    return bf_sink_find(BF_SLICE("redis"));
}

static inline enum bf_status sync_sink(struct fixture *fixture)
{
    return sink()->sync(fixture->self, fixture->positions, &fixture->clock_us, NULL);
}

static inline void adopt(struct fixture *fixture, const struct bf_city *in_force, int64_t generation)
{
    struct bf_sink_view view = {.generation = generation, .city = in_force};
    struct bf_err err = {0};
    assert_int_equal(sink()->adopt(fixture->self, &view, &err), BF_OK);
}

static inline enum bf_status beat(struct fixture *fixture, int64_t wall_us)
{
    struct bf_sink_beat pulse = {.wall_us = wall_us, .behind_us = 2000, .behind_records = 3};
    return sink()->beat(fixture->self, &pulse, NULL);
}

static inline void ready(struct fixture *fixture)
{
    open_sink(fixture, INSTALL);
    assert_int_equal(sync_sink(fixture), BF_OK);
    adopt(fixture, &city, 1);
}

static inline int setup(void **state)
{
    (void)state;
    memset(&counters, 0, sizeof counters);
    ask("FLUSHALL");
    return 0;
}

/* ---- records */

static inline struct bf_sink_record window(int64_t offset, int64_t hour, double value,
                                           enum bf_kpi_phase phase, uint32_t revision)
{
    return (struct bf_sink_record){
        .type = BF_RECORD_KPI,
        .offset = offset,
        .origin = {.task = BF_SLICE("i/s2/0"), .offset = offset, .index = 0},
        .as.kpi =
            {
                .kpi = BF_SLICE("air"),
                .scope = BF_SLICE("zone.mitte"),
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
                .revision = revision,
                .quality = BF_QUALITY_GOOD,
                .clock_us = (hour + 1) * HOUR_US,
                .stale_after_us = (hour + 3) * HOUR_US,
            },
    };
}

static inline struct bf_sink_record device(int64_t offset, const char *id, const char *profile)
{
    return (struct bf_sink_record){
        .type = BF_RECORD_DEVICE, .offset = offset,
        .origin = {.task = BF_SLICE("i/s1/0"), .offset = offset, .index = 0},
        .as.device = {.device = bf_slice_of(id), .profile = bf_slice_of(profile), .readings = 5,
                      .last_ingest_us = 7000, .last_event_us = 6000, .clock_us = 8000},
    };
}

static inline enum bf_status write_at(struct fixture *fixture, int64_t expected, int64_t next,
                               const struct bf_sink_record *records, size_t count)
{
    struct bf_sink_batch batch = {.partition = 0, .expected = expected, .next = next, .records = records,
                                  .count = count};
    enum bf_status status = sink()->write(fixture->self, &batch, NULL);
    return status == BF_OK ? sink()->flush(fixture->self, NULL) : status;
}

#define KEY "belfry:v1:kpi:air:zone.mitte"
#define HIST_LEN "XLEN belfry:v1:hist:air:zone.mitte"

/* 0; 77 where there is no redis-server; 1. */
static inline int place_open(void)
{
    if (!bf_peer_available(BF_PEER_REDIS)) {
        puts("skipped: redis-server is not installed");
        return 77;
    }
    struct bf_err err = {0};
    if (bf_peer_start(&server, &err) != BF_OK) {
        fprintf(stderr, "%s\n%s\n", err.message, err.detail);
        return 1;
    }
    snprintf(url, sizeof url, "redis://127.0.0.1:%u", server.port);
    site.redis.url = url;
    site.redis.timeout_us = 5 * BF_US_PER_S;
    site.sink.batch = 200;
    site.sink.history = 500;
    struct bf_redis_options options = {.url = url, .timeout_ms = 5000};
    if (bf_redis_open(&options, &reader, &err) != BF_OK) {
        return 1;
    }
    return 0;
}

static inline void place_close(void)
{
    bf_redis_close(reader);
    bf_peer_stop(&server);
}

#define LAW(test) cmocka_unit_test_setup(test, setup)

#endif
