/* belfry-sink between a real broker and a real Redis, through kills and rollbacks. Each law of its script is
 * tested alone in tests/unit/sinks/test_redis.c; here the daemon keeps them all at once. */
#include "tests/flow/stage.h"

#include <unistd.h>

static struct stage stage;

#define KEY "belfry:v1:kpi:air:zone.mitte"
#define HIST "belfry:v1:hist:air:zone.mitte"

static const char kpis[] = "kpis:\n" STAGE_KPI("air") STAGE_KPI("noise");
static const char fewer_kpis[] = "kpis:\n" STAGE_KPI("noise");

static bool hist_is(int64_t length)
{
    return stage_number(&stage, "XLEN " HIST) == length;
}

/* The newest window in the hash: all that was written before it has been applied. */
static bool newest_is(int64_t hour)
{
    char digits[32];
    snprintf(digits, sizeof digits, "%lld", (long long)(hour * HOUR_US / BF_US_PER_MS));
    return stage_says(&stage, "HGET " KEY " window_start_ms", digits);
}

static void values_arrive(void **state)
{
    struct bf_device device = {.device = BF_SLICE("city:A1"), .profile = BF_SLICE("airbox@1"), .readings = 5,
                               .last_event_us = 6000000, .last_ingest_us = 7000000, .clock_us = 8000000};
    (void)state;
    stage_sink_start(&stage, &stage.sink);
    stage_kpi(&stage, stage_window("zone.mitte", 1, 12.5, BF_KPI_PROVISIONAL));
    stage_tick(&stage);
    stage_kpi(&stage, stage_window("zone.mitte", 1, 13, BF_KPI_FINAL));
    stage_settle(&stage);
    BF_EVENTUALLY(stage_says(&stage, "HGET " KEY " final", "1"), 20000);
    assert_true(stage_says(&stage, "HGET " KEY " value", "13"));
    assert_true(stage_says(&stage, "HGET " KEY " seq", "2"));
    assert_true(stage_says(&stage, "HGET belfry:v1:board:wall air:zone.mitte", "13"));
    assert_true(hist_is(1));
    BF_EVENTUALLY(stage_says(&stage, "HGET belfry:v1:meta behind_records", "0"), 5000);
    /* Its profile is in no configuration, which is said only when one changes. */
    stage_device(&stage, &device);
    BF_EVENTUALLY(stage_says(&stage, "HGET belfry:v1:device:city~3A~411 readings", "5"), 5000);
}

static void what_a_task_wrote_twice_counts_once(void **state)
{
    (void)state;
    stage_kpi(&stage, stage_window("zone.mitte", 2, 20, BF_KPI_FINAL));
    stage.origin--; /* its successor writes it again, and goes on */
    stage_kpi(&stage, stage_window("zone.mitte", 2, 20, BF_KPI_FINAL));
    stage_kpi(&stage, stage_window("zone.mitte", 3, 30, BF_KPI_FINAL));
    stage_settle(&stage);
    BF_EVENTUALLY(stage_says(&stage, "HGET " KEY " value", "30"), 5000);
    assert_true(hist_is(3));
    assert_true(stage_says(&stage, "HGET " KEY " seq", "4"));
}

static void killed_at_any_moment_nothing_is_lost_or_doubled(void **state)
{
    int64_t before = stage_number(&stage, "XLEN " HIST);
    (void)state;
    for (int64_t i = 0; i < 60; i++) {
        stage_kpi(&stage, stage_window("zone.mitte", 10 + i, (double)i, BF_KPI_FINAL));
        if (i % 12 == 11) {
            stage_settle(&stage);
            bf_child_kill(&stage.sink);
            stage_sink_start(&stage, &stage.sink);
        }
    }
    stage_settle(&stage);
    BF_EVENTUALLY(newest_is(69), 20000);
    assert_true(hist_is(before + 60));
}

static void connections_that_break_do_no_harm(void **state)
{
    int64_t before = stage_number(&stage, "XLEN " HIST);
    (void)state;
    for (int64_t i = 0; i < 60; i++) {
        stage_kpi(&stage, stage_window("zone.mitte", 100 + i, (double)i, BF_KPI_FINAL));
        if (i % 6 == 5) {
            stage_settle(&stage);
            stage_ask(&stage, "CLIENT KILL TYPE normal SKIPME yes");
        }
    }
    stage_settle(&stage);
    BF_EVENTUALLY(newest_is(159), 20000);
    assert_true(hist_is(before + 60));
}

static void redis_killed_and_back(void **state)
{
    struct bf_err err = {0};
    int64_t before = stage_number(&stage, "XLEN " HIST);
    (void)state;
    bf_peer_kill(&stage.redis);
    for (int64_t i = 0; i < 20; i++) {
        stage_kpi(&stage, stage_window("zone.mitte", 200 + i, (double)i, BF_KPI_FINAL));
    }
    stage_settle(&stage);
    assert_true(bf_child_running(&stage.sink)); /* degraded, not dead */
    assert_int_equal(bf_peer_start(&stage.redis, &err), BF_OK);
    stage_redis(&stage);
    BF_EVENTUALLY(newest_is(219), 20000);
    assert_true(hist_is(before + 20));
}

/* The state of an hour ago comes back, and no further record: the heartbeat finds it out. */
static void a_rollback_on_a_quiet_partition(void **state)
{
    char entry[64];
    int64_t before = stage_number(&stage, "XLEN " HIST);
    (void)state;
    struct bf_reply reply = stage_ask(&stage, "XREVRANGE " HIST " + - COUNT 1");
    snprintf(entry, sizeof entry, "%.*s", BF_SLICE_ARG(reply.items[0].items[0].text));
    stage_ask(&stage, "FLUSHALL");
    BF_EVENTUALLY(newest_is(219), 20000);
    BF_EVENTUALLY(hist_is(before), 20000);
    reply = stage_ask(&stage, "XREVRANGE " HIST " + - COUNT 1");
    assert_true(bf_slice_equal(reply.items[0].items[0].text, bf_slice_of(entry))); /* the same id again */
}

static void a_second_sink_changes_nothing(void **state)
{
    struct bf_child zombie = {0};
    int64_t before = stage_number(&stage, "XLEN " HIST);
    (void)state;
    bf_child_pause(&stage.sink);
    stage_sink_start(&stage, &zombie);
    for (int64_t i = 0; i < 20; i++) {
        stage_kpi(&stage, stage_window("zone.mitte", 300 + i, (double)i, BF_KPI_FINAL));
        if (i == 10) {
            stage_settle(&stage);
            BF_EVENTUALLY(hist_is(before + 11), 20000);
            bf_child_resume(&stage.sink); /* it thinks that it is still alone */
        }
    }
    stage_settle(&stage);
    BF_EVENTUALLY(newest_is(319), 20000);
    assert_true(hist_is(before + 20));
    assert_int_equal(bf_child_stop(&zombie, 5000), 0);
}

static void a_reload_removes_what_it_no_longer_has(void **state)
{
    struct bf_kpi noise = stage_window("city", 400, 5, BF_KPI_FINAL);
    (void)state;
    assert_int_equal(stage_number(&stage, "EXISTS " KEY), 1);
    stage_city(&stage, "  - {name: street, title: S, kpis: [noise]}\n", fewer_kpis);
    noise.kpi = BF_SLICE("noise");
    stage_kpi(&stage, noise);
    stage_settle(&stage);
    BF_EVENTUALLY(stage_number(&stage, "EXISTS " KEY " " HIST) == 0, 20000);
    BF_EVENTUALLY(stage_says(&stage, "HGET belfry:v1:board:street noise:city", "5"), 20000);
    assert_int_equal(stage_number(&stage, "SISMEMBER belfry:v1:idx:kpi air"), 0);
    assert_true(stage_says(&stage, "HGET belfry:v1:meta generation", "2"));
}

static void it_stops_when_told(void **state)
{
    (void)state;
    assert_int_equal(bf_child_stop(&stage.sink, 5000), 0);
}

int main(void)
{
    if (!stage_open(&stage)) {
        return 77;
    }
    stage_redis(&stage);
    stage_city(&stage, "  - {name: wall, title: W, kpis: [air]}\n", kpis);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_arrive),
        cmocka_unit_test(what_a_task_wrote_twice_counts_once),
        cmocka_unit_test(killed_at_any_moment_nothing_is_lost_or_doubled),
        cmocka_unit_test(connections_that_break_do_no_harm),
        cmocka_unit_test(redis_killed_and_back),
        cmocka_unit_test(a_rollback_on_a_quiet_partition),
        cmocka_unit_test(a_second_sink_changes_nothing),
        cmocka_unit_test(a_reload_removes_what_it_no_longer_has),
        cmocka_unit_test(it_stops_when_told),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    char tail[3000];
    if (failed) {
        fprintf(stderr, "%s\n", bf_file_tail(stage.log, tail, sizeof tail));
    }
    stage_close(&stage);
    return failed;
}
