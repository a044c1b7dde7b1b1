/* A board as `belfry top` reads it, from a private Redis; and the rights in deploy/redis/users.acl: with its
 * own the sink and a dashboard can do their work, and nothing else. Covers: cli/board.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "cli/board.h"
#include "tests/flow/stage.h"

static struct bf_peer redis = {.kind = BF_PEER_REDIS,
                               .config = "aclfile " TEST_SOURCE_DIR "/deploy/redis/users.acl\n"};
static char url[96];

static struct bf_redis *as(const char *user)
{
    char password[64];
    struct bf_redis *connection = NULL;
    struct bf_err err = {.message = ""};
    snprintf(password, sizeof password, "change-me-%s", user + strlen("belfry-"));
    struct bf_redis_options options = {
        .url = url, .username = user, .password = password, .timeout_ms = 5000};
    if (bf_redis_open(&options, &connection, &err) != BF_OK) {
        fail_msg("%s: %s", user, err.message);
    }
    return connection;
}

/* One command, its words parted by spaces. */
static enum bf_status tell(struct bf_redis *connection, const char *line, struct bf_err *err)
{
    struct bf_slice words[16];
    struct bf_reply reply;
    size_t count = 0;
    for (const char *at = line; *at && count < 16;) {
        size_t len = strcspn(at, " ");
        words[count++] = (struct bf_slice){at, len};
        at += len + (at[len] == ' ');
    }
    return bf_redis_command(connection, words, count, &reply, err);
}

static void must(struct bf_redis *connection, const char *line)
{
    struct bf_err err = {.message = ""};
    if (tell(connection, line, &err) != BF_OK) {
        fail_msg("%s: %s", line, err.message);
    }
}

static void must_not(struct bf_redis *connection, const char *line)
{
    struct bf_err err = {.message = ""};
    if (tell(connection, line, &err) != BF_MALFORMED || !strstr(err.message, "NOPERM")) {
        fail_msg("%s is allowed (%s)", line, err.message);
    }
}

static void an_empty_redis_has_no_board(void **state)
{
    (void)state;
    struct bf_board_view view;
    struct bf_err err = {.message = ""};
    struct bf_redis *dashboard = as("belfry-dashboard");
    assert_int_equal(bf_board_read(dashboard, NULL, true, &view, &err), BF_OK);
    assert_string_equal(view.name, "");
    assert_int_equal(view.count + view.kpis + view.devices + view.kinds, 0);
    bf_redis_close(dashboard);
}

static void a_board_has_a_row_for_each_kpi(void **state)
{
    (void)state;
    struct bf_board_view view;
    struct bf_err err = {.message = ""};
    struct bf_redis *sink = as("belfry-sink"), *dashboard = as("belfry-dashboard");
    must(sink, "SADD belfry:v1:idx:board wall atrium");
    must(sink, "SADD belfry:v1:idx:kpi pm2_5 noise");
    must(sink, "SADD belfry:v1:idx:device d1 d2 d3");
    must(sink, "HSET belfry:v1:device:d1 profile airbox@1");
    must(sink, "HSET belfry:v1:device:d2 profile airbox@1");
    must(sink, "HSET belfry:v1:device:d3 profile sound@2");
    must(sink,
         "HSET belfry:v1:board:wall pm2_5:zone.mill 5.5 pm2_5:zone.market -1 pm2_5:zone.quay 7 nonsense 9 "
         "noise:city 61.5");
    must(sink, "HSET belfry:v1:kpi:pm2_5:zone.quay unit ug/m3 window_end_ms 1700000000000 final 1");
    must(sink, "HSET belfry:v1:meta clock_ms 1700000000500 behind_ms 20 generation 3 heartbeat_ms 1");
    assert_int_equal(bf_board_read(dashboard, "wall", true, &view, &err), BF_OK);
    assert_int_equal(view.count, 2);
    assert_string_equal(view.rows[0].kpi, "noise");
    const struct bf_board_row *row = &view.rows[1];
    assert_string_equal(row->kpi, "pm2_5");
    assert_string_equal(row->unit, "ug/m3");
    assert_int_equal(row->scopes, 3);
    assert_string_equal(row->low.scope, "zone.market");
    assert_string_equal(row->high.scope, "zone.quay");
    assert_true(row->low.value < 0 && row->high.value > 6.9 && row->final);
    assert_true(row->window_end_ms == INT64_C(1700000000000));
    assert_int_equal(view.kpis, 2);
    assert_int_equal(view.devices, 3);
    assert_int_equal(view.kinds, 2);
    assert_int_equal(view.generation, 3);
    assert_int_equal(bf_board_read(dashboard, NULL, false, &view, &err), BF_OK);
    assert_string_equal(view.name, "atrium"); /* the first by name */
    assert_int_equal(view.kinds, 0);
    bf_redis_close(dashboard);
    bf_redis_close(sink);
}

static void more_than_fits_is_counted(void **state)
{
    (void)state;
    struct bf_board_view view;
    struct bf_err err = {.message = ""};
    struct bf_redis *sink = as("belfry-sink"), *dashboard = as("belfry-dashboard");
    for (int i = 0; i < BF_BOARD_ROWS + 5; i++) {
        char line[100];
        snprintf(line, sizeof line, "HSET belfry:v1:board:full kpi%03d:city %d", i, i);
        must(sink, line);
    }
    assert_int_equal(bf_board_read(dashboard, "full", false, &view, &err), BF_OK);
    assert_int_equal(view.count, BF_BOARD_ROWS);
    assert_int_equal(view.more, 5);
    bf_redis_close(dashboard);
    bf_redis_close(sink);
}

static void nobody_may_more_than_he_needs(void **state)
{
    (void)state;
    struct bf_redis *sink = as("belfry-sink"), *dashboard = as("belfry-dashboard");
    struct bf_redis *alerting = as("belfry-alerting");
    must_not(sink, "SET other 1");
    must_not(sink, "HSET other a 1");
    must_not(sink, "FLUSHALL");
    must_not(sink, "CONFIG GET *");
    must_not(sink, "KEYS *");
    must_not(sink, "PUBLISH elsewhere x");
    must(sink, "PUBLISH belfry:v1:kpi:pm2_5:city x");
    must(dashboard, "HGETALL belfry:v1:board:wall");
    must(dashboard, "XRANGE belfry:v1:hist:pm2_5:city - +");
    must_not(dashboard, "HSET belfry:v1:board:wall a 1");
    must_not(dashboard, "HGETALL other");
    must_not(dashboard, "PUBLISH belfry:v1:kpi:pm2_5:city x");
    must(alerting, "XGROUP CREATE belfry:v1:alerts:log desk $ MKSTREAM");
    must(alerting, "HGETALL belfry:v1:alert:1234");
    must(alerting, "ZRANGE belfry:v1:alerts:active 0 -1");
    must_not(alerting, "HSET belfry:v1:alert:1234 a 1");
    must_not(alerting, "HGETALL belfry:v1:device:d1");
    struct bf_redis *nobody = NULL;
    struct bf_redis_options options = {.url = url, .timeout_ms = 5000};
    struct bf_err err = {.message = ""};
    if (bf_redis_open(&options, &nobody, &err) == BF_OK) {
        assert_int_equal(tell(nobody, "HGETALL belfry:v1:meta", &err), BF_MALFORMED); /* NOAUTH */
    }
    bf_redis_close(nobody);
    bf_redis_close(alerting);
    bf_redis_close(dashboard);
    bf_redis_close(sink);
}

/* The daemon itself, with nothing but those rights. */
static void the_sink_works_with_its_rights(void **state)
{
    (void)state;
    static struct stage stage;
    char text[1200], path[400];
    static const char kpis[] = "kpis:\n" STAGE_KPI("air");
    stage.redis.config = redis.config;
    struct bf_err err = {.message = ""};
    if (!stage_open(&stage)) {
        skip();
    }
    stage_file(&stage, "password", "change-me-sink\n");
    snprintf(path, sizeof path, "%s/password", stage.folder);
    assert_int_equal(chmod(path, 0600), 0);
    snprintf(text, sizeof text,
             "kafka: {brokers: \"%s\"}\nsink: {http: \"127.0.0.1:0\"}\n"
             "redis: {url: \"%s\", timeout: 2s, username: belfry-sink, password: {file: \"%s\"}}\n",
             stage.kafka.address, stage.url, path);
    stage_file(&stage, "belfry.yaml", text);
    stage_city(&stage, "  - {name: wall, title: Wall, kpis: [air]}\n", kpis);
    struct bf_redis_options options = {.url = stage.url,
                                       .username = "belfry-dashboard",
                                       .password = "change-me-dashboard",
                                       .timeout_ms = 5000};
    assert_int_equal(bf_redis_open(&options, &stage.reader, &err), BF_OK);
    stage_sink_start(&stage, &stage.sink);
    struct bf_device device = {.device = BF_SLICE("city:A1"), .profile = BF_SLICE("airbox@1"), .readings = 5};
    stage_kpi(&stage, stage_window("zone.mitte", 1, 12.5, BF_KPI_PROVISIONAL));
    stage_kpi(&stage, stage_window("zone.mitte", 1, 13, BF_KPI_FINAL));
    stage_device(&stage, &device);
    stage_tick(&stage);
    stage_settle(&stage);
    BF_EVENTUALLY(stage_says(&stage, "HGET belfry:v1:board:wall air:zone.mitte", "13"), 20000);
    BF_EVENTUALLY(stage_says(&stage, "HGET belfry:v1:meta behind_records", "0"), 10000);
    BF_EVENTUALLY(stage_number(&stage, "XLEN belfry:v1:hist:air:zone.mitte") == 1, 5000);
    stage_city(&stage, "  - {name: wall, title: Wall, kpis: [air2]}\n",
               "kpis:\n" STAGE_KPI("air2")); /* it sweeps */
    stage_tick(&stage);
    BF_EVENTUALLY(stage_number(&stage, "SISMEMBER belfry:v1:idx:kpi air") == 0, 20000);
    assert_true(bf_child_running(&stage.sink));
    assert_false(bf_file_contains(stage.log, "NOPERM"));
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_redis_has_no_board),    cmocka_unit_test(a_board_has_a_row_for_each_kpi),
        cmocka_unit_test(more_than_fits_is_counted),      cmocka_unit_test(nobody_may_more_than_he_needs),
        cmocka_unit_test(the_sink_works_with_its_rights),
    };
    struct bf_err err = {.message = ""};
    if (!bf_peer_available(BF_PEER_REDIS)) {
        fputs("skipped: redis-server is not installed\n", stderr);
        return 77;
    }
    if (bf_peer_start(&redis, &err) != BF_OK) {
        fprintf(stderr, "%s\n%s\n", err.message, err.detail);
        return 1;
    }
    snprintf(url, sizeof url, "redis://%s/0", redis.address);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    bf_peer_stop(&redis);
    return failed;
}
