/* belfry-sink's own steps, called one by one: what it does before there is a configuration, with one, and
 * with a broken start. Its long life between kills is tests/flow/test_sink.c.
 * Covers: sinks/feed.c, sinks/generation.c */
#include "sinks/runner.h"

#include "sinks/feed.h"
#include "tests/flow/stage.h"

static struct stage stage;
static struct bf_counters counters;
static struct bf_health health;
static struct bf_daemon_context context = {.counters = &counters, .health = &health};

static bool health_says(const char *words)
{
    char json[4096];
    (void)bf_health_format(&health, json, sizeof json);
    return strstr(json, words) != NULL;
}

/* Steps until the health says so. */
static void step_until(void *self, const char *words)
{
    int64_t deadline_us = bf_deadline_us(20000);
    while (!health_says(words)) {
        struct bf_err err = {0};
        enum bf_status status = bf_sink_daemon.step(self, &err);
        if ((status != BF_OK && status != BF_AGAIN) || bf_time_monotonic_us() > deadline_us) {
            fail_msg("status %d, waiting for %s: %s", (int)status, words, err.message);
        }
    }
}

static void without_its_file_it_does_not_open(void **state)
{
    void *self = NULL;
    struct bf_err err = {0};
    (void)state;
    context.config_path = "/no/such/belfry.yaml";
    assert_int_equal(bf_sink_daemon.open(&context, &self, &err), BF_CONFIG);
    assert_null(self);
    assert_true(err.message[0]);
}

static void it_waits_for_a_configuration_and_takes_it(void **state)
{
    void *self = NULL;
    struct bf_err err = {0};
    (void)state;
    memset(&counters, 0, sizeof counters);
    context.config_path = stage.config;
    assert_int_equal(bf_sink_daemon.open(&context, &self, &err), BF_OK);
    assert_true(health_says("not connected yet"));
    step_until(self, "no configuration in the log yet");
    stage_city(&stage, "  - {name: wall, title: W, kpis: [air]}\n", "kpis:\n" STAGE_KPI("air"));
    step_until(self, "generation 1");
    stage_kpi(&stage, stage_window("zone.mitte", 1, 7, BF_KPI_FINAL));
    stage_settle(&stage);
    int64_t deadline_us = bf_deadline_us(20000);
    while (!stage_says(&stage, "HGET belfry:v1:kpi:air:zone.mitte value", "7")) {
        enum bf_status status = bf_sink_daemon.step(self, &err);
        assert_true(status == BF_OK || status == BF_AGAIN);
        assert_true(bf_time_monotonic_us() < deadline_us);
    }
    bf_sink_daemon.dump(self);
    bf_sink_daemon.close(self);
}

static void a_feed_knows_how_far_it_is(void **state)
{
    struct bf__feed feed;
    struct bf_incoming tick = {.partition = 3, .offset = 41, .appended_ms = 5};
    (void)state;
    assert_int_equal(bf__feed_init(&feed, 3, 8, NULL), BF_OK);
    bf__feed_start(&feed, BF_SINK_NO_POSITION, 40);
    assert_false(feed.moved);
    bf__feed_skip(&feed, &tick);
    struct bf_sink_batch batch = bf__feed_batch(&feed);
    assert_true(feed.moved);
    assert_int_equal(batch.partition, 3);
    assert_int_equal(batch.expected, BF_SINK_NO_POSITION);
    assert_int_equal(batch.next, 42);
    assert_int_equal(batch.count, 0);
    bf__feed_done(&feed);
    assert_false(feed.moved);
    assert_int_equal(bf__feed_batch(&feed).expected, 42);
    bf__feed_deinit(&feed);
}

int main(void)
{
    bf_health_init(&health);
    if (!stage_open(&stage)) {
        return 77;
    }
    stage_redis(&stage);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_its_file_it_does_not_open),
        cmocka_unit_test(it_waits_for_a_configuration_and_takes_it),
        cmocka_unit_test(a_feed_knows_how_far_it_is),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    stage_close(&stage);
    return failed;
}
