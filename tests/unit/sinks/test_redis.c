/* The Redis sink against a real Redis: what DESIGN calls "Redis, once", one law a test. */
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
    .kpis = kpis, .kpi_count = 3, .boards = boards, .board_count = 1, .profiles = profiles, .profile_count = 2,
};

/* ---- talking to Redis */

static struct bf_reply ask(const char *line)
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

static void assert_text(const char *line, const char *expected)
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

static int64_t number(const char *line)
{
    struct bf_reply reply = ask(line);
    assert_int_equal(reply.kind, BF_REPLY_INT);
    return reply.integer;
}

/* All that Redis holds, but for the heartbeat's hash, as 40 digits. */
static void digest(char text[41])
{
    ask("DEL belfry:v1:meta");
    struct bf_reply reply = ask("DEBUG DIGEST");
    snprintf(text, 41, "%.*s", BF_SLICE_ARG(reply.text));
}

/* ---- the sink under test */

struct fixture {
    void *self;
    int64_t positions[PARTITIONS], clock_us;
};

static void open_sink(struct fixture *fixture, const char *install)
{
    struct bf_sink_options options = {
        .site = &site, .install = bf_slice_of(install), .partitions = PARTITIONS, .counters = &counters,
    };
    struct bf_err err = {0};
    *fixture = (struct fixture){0};
    assert_int_equal(bf_sink_find(BF_SLICE("redis"))->open(&options, &fixture->self, &err), BF_OK);
}

static const struct bf_sink *sink(void)
{
    return bf_sink_find(BF_SLICE("redis"));
}

static enum bf_status sync_sink(struct fixture *fixture)
{
    return sink()->sync(fixture->self, fixture->positions, &fixture->clock_us, NULL);
}

static void adopt(struct fixture *fixture, const struct bf_city *in_force, int64_t generation)
{
    struct bf_sink_view view = {.generation = generation, .city = in_force};
    struct bf_err err = {0};
    assert_int_equal(sink()->adopt(fixture->self, &view, &err), BF_OK);
}

static enum bf_status beat(struct fixture *fixture, int64_t wall_us)
{
    struct bf_sink_beat pulse = {.wall_us = wall_us, .behind_us = 2000, .behind_records = 3};
    return sink()->beat(fixture->self, &pulse, NULL);
}

static void ready(struct fixture *fixture)
{
    open_sink(fixture, INSTALL);
    assert_int_equal(sync_sink(fixture), BF_OK);
    adopt(fixture, &city, 1);
}

static int setup(void **state)
{
    (void)state;
    memset(&counters, 0, sizeof counters);
    ask("FLUSHALL");
    return 0;
}

/* ---- records */

static struct bf_sink_record window(int64_t offset, int64_t hour, double value, enum bf_kpi_phase phase,
                                    uint32_t revision)
{
    return (struct bf_sink_record){
        .type = BF_RECORD_KPI, .offset = offset,
        .origin = {.task = BF_SLICE("i/s2/0"), .offset = offset, .index = 0},
        .as.kpi = {
            .kpi = BF_SLICE("air"), .scope = BF_SLICE("zone.mitte"), .unit = BF_SLICE("ug/m3"),
            .start_us = hour * HOUR_US, .end_us = (hour + 1) * HOUR_US, .has_value = true, .value = value, .n = 3,
            .has_range = true, .min = 1, .max = 9, .phase = phase, .revision = revision,
            .quality = BF_QUALITY_GOOD, .clock_us = (hour + 1) * HOUR_US,
            .stale_after_us = (hour + 3) * HOUR_US,
        },
    };
}

static struct bf_sink_record device(int64_t offset, const char *id, const char *profile)
{
    return (struct bf_sink_record){
        .type = BF_RECORD_DEVICE, .offset = offset,
        .origin = {.task = BF_SLICE("i/s1/0"), .offset = offset, .index = 0},
        .as.device = {.device = bf_slice_of(id), .profile = bf_slice_of(profile), .readings = 5,
                      .last_ingest_us = 7000, .last_event_us = 6000, .clock_us = 8000},
    };
}

static enum bf_status write_at(struct fixture *fixture, int64_t expected, int64_t next,
                               const struct bf_sink_record *records, size_t count)
{
    struct bf_sink_batch batch = {.partition = 0, .expected = expected, .next = next, .records = records,
                                  .count = count};
    enum bf_status status = sink()->write(fixture->self, &batch, NULL);
    return status == BF_OK ? sink()->flush(fixture->self, NULL) : status;
}

#define KEY "belfry:v1:kpi:air:zone.mitte"
#define HIST_LEN "XLEN belfry:v1:hist:air:zone.mitte"

/* ---- the tests */

static void a_final_reaches_every_key(void **state)
{
    struct fixture it;
    (void)state;
    ready(&it);
    assert_int_equal(it.positions[0], BF_SINK_NO_POSITION);
    struct bf_sink_record record = window(4, 1, 12.5, BF_KPI_FINAL, 0);
    assert_int_equal(write_at(&it, BF_SINK_NO_POSITION, 5, &record, 1), BF_OK);
    assert_text("HGET " KEY " value", "12.5");
    assert_text("HGET " KEY " window_start_ms", "3600000");
    assert_text("HGET " KEY " final", "1");
    assert_text("HGET " KEY " seq", "1");
    assert_text("HGET " KEY " target", NULL);
    assert_text("HGET belfry:v1:board:wall air:zone.mitte", "12.5");
    assert_int_equal(number("SISMEMBER belfry:v1:idx:kpi air"), 1);
    assert_int_equal(number("SISMEMBER belfry:v1:idx:scope zone.mitte"), 1);
    assert_int_equal(number("SISMEMBER belfry:v1:idx:board wall"), 1);
    struct bf_reply reply = ask("XRANGE belfry:v1:hist:air:zone.mitte 4-1 4-1");
    assert_int_equal(reply.count, 1);
    assert_text("HGET belfry:v1:position 0", "5");
    assert_text("HGET belfry:v1:origin:0 i/s2/0", "4:0");
    assert_text("HGET belfry:v1:meta clock_ms", "7200000");
    assert_text("HGET belfry:v1:meta generation", "1");
    sink()->close(it.self);
}

static void the_channel_says_the_same_with_its_number(void **state)
{
    struct bf_redis_options options = {.url = url, .timeout_ms = 5000};
    struct bf_redis *listener = NULL;
    struct bf_reply push;
    struct bf_slice words[] = {BF_SLICE("SUBSCRIBE"), BF_SLICE(KEY)};
    struct fixture it;
    (void)state;
    assert_int_equal(bf_redis_open(&options, &listener, NULL), BF_OK);
    assert_int_equal(bf_redis_command(listener, words, 2, &push, NULL), BF_OK);
    ready(&it);
    struct bf_sink_record record = window(4, 1, 12.5, BF_KPI_PROVISIONAL, 0);
    assert_int_equal(write_at(&it, BF_SINK_NO_POSITION, 5, &record, 1), BF_OK);
    assert_int_equal(bf_redis_listen(listener, 5000, &push, NULL), BF_OK);
    static const char expected[] =
        "{\"kpi\":\"air\",\"scope\":\"zone.mitte\",\"value\":12.5,\"unit\":\"ug/m3\",\"window_start_ms\":3600000,"
        "\"window_end_ms\":7200000,\"n\":3,\"min\":1,\"max\":9,\"quality\":1,\"final\":false,\"revision\":0,"
        "\"stale_after_ms\":14400000,\"seq\":1}";
    assert_int_equal(push.items[2].text.len, sizeof expected - 1);
    assert_memory_equal(push.items[2].text.data, expected, sizeof expected - 1);
    bf_redis_close(listener);
    sink()->close(it.self);
}

static void a_repeated_record_is_dropped_and_the_position_moves(void **state)
{
    struct fixture it;
    (void)state;
    ready(&it);
    struct bf_sink_record records[] = {window(4, 1, 1, BF_KPI_FINAL, 0), window(5, 1, 99, BF_KPI_FINAL, 0),
                                       window(6, 2, 2, BF_KPI_FINAL, 0)};
    records[1].origin = records[0].origin; /* what a successor of the writing task wrote again */
    assert_int_equal(write_at(&it, BF_SINK_NO_POSITION, 7, records, 3), BF_OK);
    assert_int_equal(number(HIST_LEN), 2);
    assert_text("HGET " KEY " seq", "2");
    assert_text("HGET belfry:v1:position 0", "7");
    records[0].offset = 8; /* and in a later batch */
    assert_int_equal(write_at(&it, 7, 9, records, 1), BF_OK);
    assert_int_equal(number(HIST_LEN), 2);
    assert_text("HGET belfry:v1:position 0", "9");
    sink()->close(it.self);
}

static void a_zombie_cannot_write(void **state)
{
    struct fixture zombie, successor;
    (void)state;
    ready(&zombie);
    ready(&successor);
    struct bf_sink_record first = window(0, 1, 1, BF_KPI_FINAL, 0), late = window(0, 1, 666, BF_KPI_FINAL, 0);
    assert_int_equal(write_at(&successor, BF_SINK_NO_POSITION, 1, &first, 1), BF_OK);
    assert_int_equal(write_at(&zombie, BF_SINK_NO_POSITION, 1, &late, 1), BF_AGAIN);
    assert_int_equal(beat(&zombie, 1000), BF_AGAIN);
    assert_text("HGET " KEY " value", "1");
    assert_int_equal(sync_sink(&zombie), BF_OK); /* it learns where Redis is */
    assert_int_equal(zombie.positions[0], 1);
    sink()->close(zombie.self);
    sink()->close(successor.self);
}

static void a_lost_reply_is_harmless(void **state)
{
    struct fixture it;
    (void)state;
    ready(&it);
    int64_t at = BF_SINK_NO_POSITION;
    for (int64_t i = 0; i < 20; i++) {
        struct bf_sink_record record = window(i, i, (double)i, BF_KPI_FINAL, 0);
        struct bf_sink_batch batch = {.partition = 0, .expected = at, .next = i + 1, .records = &record, .count = 1};
        assert_int_equal(sink()->write(it.self, &batch, NULL), BF_OK);
        ask("CLIENT KILL TYPE normal SKIPME yes"); /* before or after it was applied: nobody knows */
        enum bf_status status = sink()->flush(it.self, NULL);
        if (status != BF_OK) {
            assert_int_equal(status, BF_PEER);
            assert_int_equal(sync_sink(&it), BF_OK);
            adopt(&it, &city, 1);
            if (it.positions[0] != i + 1) {
                assert_int_equal(it.positions[0], at);
                assert_int_equal(write_at(&it, at, i + 1, &record, 1), BF_OK);
            }
        }
        at = i + 1;
    }
    assert_int_equal(number(HIST_LEN), 20);
    assert_text("HGET " KEY " seq", "20");
    sink()->close(it.self);
}

/* Saves every key, goes on, puts the older state back: what an append-only file that lagged does. */
struct saved {
    char key[128];
    char bytes[8192];
    size_t len;
};
static struct saved saves[32];

static size_t save_all(void)
{
    char keys[32][128];
    struct bf_reply reply = ask("KEYS *");
    size_t count = reply.count;
    assert_in_range(count, 1, 32);
    for (size_t i = 0; i < count; i++) {
        snprintf(keys[i], sizeof keys[i], "%.*s", BF_SLICE_ARG(reply.items[i].text));
    }
    for (size_t i = 0; i < count; i++) {
        char line[160];
        snprintf(line, sizeof line, "DUMP %s", keys[i]);
        reply = ask(line);
        assert_true(reply.text.len <= sizeof saves[i].bytes);
        memcpy(saves[i].bytes, reply.text.data, reply.text.len);
        saves[i].len = reply.text.len;
        snprintf(saves[i].key, sizeof saves[i].key, "%s", keys[i]);
    }
    return count;
}

static void restore_all(size_t count)
{
    ask("FLUSHALL");
    for (size_t i = 0; i < count; i++) {
        struct bf_slice words[] = {BF_SLICE("RESTORE"), bf_slice_of(saves[i].key), BF_SLICE("0"),
                                   {saves[i].bytes, saves[i].len}};
        struct bf_reply reply;
        assert_int_equal(bf_redis_command(reader, words, 4, &reply, NULL), BF_OK);
    }
}

static void a_rollback_is_brought_forward_to_the_same(void **state)
{
    struct fixture it;
    char before[41], after[41], epoch[64];
    (void)state;
    ready(&it);
    struct bf_sink_record early[] = {window(0, 1, 1, BF_KPI_FINAL, 0), device(1, "city:A1", "airbox@2")};
    struct bf_sink_record late[] = {window(2, 2, 2, BF_KPI_FINAL, 0), window(3, 1, 1.5, BF_KPI_FINAL, 1),
                                    window(4, 3, 3, BF_KPI_PROVISIONAL, 0)};
    assert_int_equal(write_at(&it, BF_SINK_NO_POSITION, 2, early, 2), BF_OK);
    assert_int_equal(beat(&it, 1000), BF_OK);
    struct bf_reply reply = ask("HGET belfry:v1:meta epoch");
    snprintf(epoch, sizeof epoch, "%.*s", BF_SLICE_ARG(reply.text));
    size_t count = save_all();
    assert_int_equal(write_at(&it, 2, 5, late, 3), BF_OK);
    digest(before);
    restore_all(count);
    assert_int_equal(beat(&it, 2000), BF_AGAIN); /* seen on a quiet partition, too */
    assert_int_equal(sync_sink(&it), BF_OK);
    assert_int_equal(it.positions[0], 2);
    adopt(&it, &city, 1);
    assert_int_equal(write_at(&it, 2, 5, late, 3), BF_OK);
    assert_int_equal(beat(&it, 3000), BF_OK);
    reply = ask("HGET belfry:v1:meta epoch");
    assert_true(reply.text.len > 0 && strncmp(epoch, reply.text.data, reply.text.len) != 0);
    digest(after);
    assert_string_equal(before, after);
    assert_int_equal(number(HIST_LEN), 3);
    sink()->close(it.self);
}

static void a_revision_does_not_overwrite_a_newer_window(void **state)
{
    struct fixture it;
    (void)state;
    ready(&it);
    struct bf_sink_record records[] = {window(0, 1, 1, BF_KPI_FINAL, 0), window(1, 2, 2, BF_KPI_FINAL, 0),
                                       window(2, 1, 1.5, BF_KPI_FINAL, 1), window(3, 2, 2.5, BF_KPI_FINAL, 1)};
    assert_int_equal(write_at(&it, BF_SINK_NO_POSITION, 3, records, 3), BF_OK);
    assert_text("HGET " KEY " value", "2");
    assert_text("HGET " KEY " revision", "0");
    assert_text("HGET " KEY " seq", "3"); /* the channel has had three messages */
    assert_text("HGET belfry:v1:board:wall air:zone.mitte", "2");
    assert_int_equal(number(HIST_LEN), 3);
    assert_int_equal(write_at(&it, 3, 4, records + 3, 1), BF_OK); /* of the newest window it does */
    assert_text("HGET " KEY " value", "2.5");
    assert_text("HGET " KEY " revision", "1");
    sink()->close(it.self);
}

static void provisional_values_never_enter_the_history(void **state)
{
    struct fixture it;
    (void)state;
    ready(&it);
    struct bf_sink_record records[] = {
        window(0, 1, 1, BF_KPI_PROVISIONAL, 0), window(1, 2, 2, BF_KPI_PROVISIONAL, 0),
        window(2, 1, 1.5, BF_KPI_FINAL, 0),     window(3, 2, 2.5, BF_KPI_FINAL, 0),
        window(4, 2, 9, BF_KPI_PROVISIONAL, 0), window(5, 3, 3, BF_KPI_PROVISIONAL, 0),
        window(6, 2, 9, BF_KPI_PROVISIONAL, 0),
    };
    assert_int_equal(write_at(&it, BF_SINK_NO_POSITION, 2, records, 2), BF_OK);
    assert_text("HGET " KEY " value", "2");
    assert_text("HGET " KEY " final", "0");
    assert_int_equal(write_at(&it, 2, 3, records + 2, 1), BF_OK); /* the older window closes */
    assert_text("HGET " KEY " value", "2");
    assert_int_equal(write_at(&it, 3, 5, records + 3, 2), BF_OK);
    assert_text("HGET " KEY " value", "2.5"); /* a provisional value does not undo a final */
    assert_int_equal(write_at(&it, 5, 7, records + 5, 2), BF_OK);
    assert_text("HGET " KEY " value", "3");
    assert_text("HGET " KEY " final", "0");
    assert_int_equal(number(HIST_LEN), 2);
    sink()->close(it.self);
}

static void what_becomes_unknown_vanishes(void **state)
{
    struct fixture it;
    (void)state;
    ready(&it);
    struct bf_sink_record records[] = {window(0, 1, 1, BF_KPI_FINAL, 0), window(1, 2, 2, BF_KPI_FINAL, 0)};
    records[1].as.kpi.has_value = records[1].as.kpi.has_range = false;
    records[1].as.kpi.n = 0;
    assert_int_equal(write_at(&it, BF_SINK_NO_POSITION, 2, records, 2), BF_OK);
    assert_text("HGET " KEY " value", NULL);
    assert_text("HGET " KEY " min", NULL);
    assert_text("HGET " KEY " n", "0");
    assert_text("HGET belfry:v1:board:wall air:zone.mitte", NULL);
    struct bf_sink_record places[] = {device(2, "city:A1", "airbox@2"), device(3, "city:A1", "airbox@2")};
    places[0].as.device.has_place = true;
    assert_int_equal(write_at(&it, 2, 3, places, 1), BF_OK);
    assert_text("HGET belfry:v1:device:city~3A~411 lat", "0");
    assert_int_equal(write_at(&it, 3, 4, places + 1, 1), BF_OK);
    assert_text("HGET belfry:v1:device:city~3A~411 lat", NULL);
    assert_text("HGET belfry:v1:device:city~3A~411 device", "city:A1");
    assert_int_equal(number("SCARD belfry:v1:idx:device"), 1);
    sink()->close(it.self);
}

static void a_reload_takes_away_what_it_removed(void **state)
{
    static struct bf_slice kept_kpis[] = {{"noise", 5}};
    static struct bf_board kept_boards[] = {{.name = {"street", 6}, .kpis = kept_kpis, .count = 1}};
    const struct bf_city smaller = {.kpis = kpis + 1, .kpi_count = 2, .boards = kept_boards, .board_count = 1,
                                    .profiles = profiles + 1, .profile_count = 1};
    struct fixture it;
    (void)state;
    ready(&it);
    struct bf_sink_record records[] = {window(0, 1, 1, BF_KPI_FINAL, 0), window(1, 1, 2, BF_KPI_FINAL, 0),
                                       device(2, "city:A1", "airbox@2"), device(3, "city:M1", "meter@7")};
    records[1].as.kpi.kpi = BF_SLICE("noise");
    records[1].as.kpi.scope = BF_SLICE("city");
    assert_int_equal(write_at(&it, BF_SINK_NO_POSITION, 4, records, 4), BF_OK);
    assert_int_equal(number("EXISTS belfry:v1:device:city~3A~411"), 1);
    adopt(&it, &smaller, 2);
    assert_int_equal(number("EXISTS " KEY " belfry:v1:hist:air:zone.mitte belfry:v1:board:wall"), 0);
    assert_int_equal(number("SISMEMBER belfry:v1:idx:kpi air"), 0);
    assert_int_equal(number("SISMEMBER belfry:v1:idx:scope zone.mitte"), 0);
    assert_int_equal(number("SISMEMBER belfry:v1:idx:scope city"), 1);
    assert_int_equal(number("EXISTS belfry:v1:device:city~3A~411"), 0);
    assert_int_equal(number("EXISTS belfry:v1:device:city~3A~4d1 belfry:v1:device:city~3A~4D1"), 1);
    assert_text("HGET belfry:v1:board:street noise:city", "2"); /* what stays is on its new board at once */
    assert_text("HGET belfry:v1:meta generation", "2");
    records[0].offset = records[0].origin.offset = 9; /* a late result of what is gone */
    assert_int_equal(write_at(&it, 4, 10, records, 1), BF_OK);
    assert_int_equal(number("EXISTS " KEY), 0);
    assert_text("HGET belfry:v1:position 0", "10");
    sink()->close(it.self);
}

static void a_script_that_redis_forgot_is_loaded_again(void **state)
{
    struct fixture it;
    (void)state;
    ready(&it);
    struct bf_sink_record record = window(0, 1, 1, BF_KPI_FINAL, 0);
    ask("SCRIPT FLUSH SYNC");
    assert_int_equal(write_at(&it, BF_SINK_NO_POSITION, 1, &record, 1), BF_PEER);
    assert_int_equal(sync_sink(&it), BF_OK);
    adopt(&it, &city, 1);
    assert_int_equal(write_at(&it, BF_SINK_NO_POSITION, 1, &record, 1), BF_OK);
    sink()->close(it.self);
}

static void the_place_of_another_log_is_cleared_but_not_of_a_living_one(void **state)
{
    struct fixture old, new;
    (void)state;
    ready(&old);
    struct bf_sink_record record = window(1000, 1, 1, BF_KPI_FINAL, 0);
    assert_int_equal(write_at(&old, BF_SINK_NO_POSITION, 1001, &record, 1), BF_OK);
    assert_int_equal(beat(&old, bf_time_wall_us()), BF_OK);
    open_sink(&new, "00000000000000bb");
    assert_int_equal(sync_sink(&new), BF_PEER); /* somebody is at work there */
    assert_text("HGET " KEY " value", "1");
    assert_int_equal(beat(&old, bf_time_wall_us() - 60 * BF_US_PER_S), BF_OK);
    assert_int_equal(sync_sink(&new), BF_OK);
    assert_int_equal(new.positions[0], BF_SINK_NO_POSITION);
    assert_int_equal(number("DBSIZE"), 0);
    adopt(&new, &city, 1);
    record.offset = 3;
    assert_int_equal(write_at(&new, BF_SINK_NO_POSITION, 4, &record, 1), BF_OK);
    sink()->close(old.self);
    sink()->close(new.self);
}

/* More tasks and more records than one script call takes: cut in several, nothing lost. */
static void a_large_batch_is_cut(void **state)
{
    static struct bf_sink_record records[3000];
    static char names[3000][24], scopes[3000][24];
    struct fixture it;
    (void)state;
    ready(&it);
    for (int i = 0; i < 3000; i++) {
        records[i] = window(i, 1, i, BF_KPI_FINAL, 0);
        snprintf(names[i], sizeof names[i], "i/s2/%d", i % 150);
        snprintf(scopes[i], sizeof scopes[i], "zone.z%d", i);
        records[i].origin.task = bf_slice_of(names[i]);
        records[i].as.kpi.scope = bf_slice_of(scopes[i]);
    }
    assert_int_equal(write_at(&it, BF_SINK_NO_POSITION, 3000, records, 3000), BF_OK);
    assert_int_equal(number("SCARD belfry:v1:idx:scope"), 3000);
    assert_int_equal(number("HLEN belfry:v1:board:wall"), 3000);
    assert_int_equal(number("HLEN belfry:v1:origin:0"), 150);
    assert_text("HGET belfry:v1:kpi:air:zone.z2999 value", "2999");
    adopt(&it, &(struct bf_city){.kpis = kpis + 1, .kpi_count = 1}, 2); /* and swept in several steps */
    assert_int_equal(number("EXISTS belfry:v1:idx:scope belfry:v1:idx:kpi belfry:v1:board:wall"), 0);
    sink()->close(it.self);
}

static void two_batches_travel_at_once(void **state)
{
    struct fixture it;
    (void)state;
    ready(&it);
    int64_t at = BF_SINK_NO_POSITION;
    for (int64_t i = 0; i < 100; i++) {
        struct bf_sink_record record = window(i, i, (double)i, BF_KPI_FINAL, 0);
        struct bf_sink_batch batch = {.partition = 1, .expected = at, .next = i + 1, .records = &record, .count = 1};
        assert_int_equal(sink()->write(it.self, &batch, NULL), BF_OK);
        at = i + 1;
    }
    assert_int_equal(sink()->flush(it.self, NULL), BF_OK);
    assert_text("HGET belfry:v1:position 1", "100");
    assert_text("HGET belfry:v1:position 0", NULL);
    sink()->close(it.self);
}

static void redis_away_is_a_peer_error_and_comes_back(void **state)
{
    struct fixture it;
    (void)state;
    ready(&it);
    struct bf_sink_record record = window(0, 1, 1, BF_KPI_FINAL, 0);
    assert_int_equal(write_at(&it, BF_SINK_NO_POSITION, 1, &record, 1), BF_OK);
    bf_peer_kill(&server);
    assert_int_equal(beat(&it, 1000), BF_PEER);
    assert_int_equal(sync_sink(&it), BF_PEER);
    assert_int_equal(write_at(&it, 1, 2, &record, 1), BF_AGAIN); /* no connection: first sync */
    struct bf_err err = {0};
    assert_int_equal(bf_peer_start(&server, &err), BF_OK);
    bf_redis_close(reader);
    struct bf_redis_options options = {.url = url, .timeout_ms = 5000};
    assert_int_equal(bf_redis_open(&options, &reader, &err), BF_OK);
    assert_int_equal(sync_sink(&it), BF_OK);
    assert_int_equal(it.positions[0], BF_SINK_NO_POSITION); /* it keeps nothing on disk: rolled back to empty */
    sink()->close(it.self);
}

int main(void)
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
#define LAW(test) cmocka_unit_test_setup(test, setup)
    const struct CMUnitTest tests[] = {
        LAW(a_final_reaches_every_key), LAW(the_channel_says_the_same_with_its_number),
        LAW(a_repeated_record_is_dropped_and_the_position_moves), LAW(a_zombie_cannot_write),
        LAW(a_lost_reply_is_harmless), LAW(a_rollback_is_brought_forward_to_the_same),
        LAW(a_revision_does_not_overwrite_a_newer_window), LAW(provisional_values_never_enter_the_history),
        LAW(what_becomes_unknown_vanishes), LAW(a_reload_takes_away_what_it_removed),
        LAW(a_script_that_redis_forgot_is_loaded_again),
        LAW(the_place_of_another_log_is_cleared_but_not_of_a_living_one), LAW(a_large_batch_is_cut),
        LAW(two_batches_travel_at_once), LAW(redis_away_is_a_peer_error_and_comes_back),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    bf_redis_close(reader);
    bf_peer_stop(&server);
    return failed;
}
