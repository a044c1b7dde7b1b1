/* Which record and which word of Redis belongs to which message that was heard.
 * Covers: cli/ear.c, cli/listen.c, cli/trace.c, cli/trace_say.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "cli/trail.h"
#include "core/time.h"

#define SECOND BF_US_PER_S
#define EVENTS 64

static struct bf_kpi_definition air = {.id = {"air", 3}}, seen = {.id = {"seen", 4}};
static struct bf_kpi_plan_item items[] = {{.definition = &air}, {.definition = &seen}};
static const struct bf_kpi_plan plan = {.kpis = items, .count = 2};
static struct bf_trail *trail;
static struct {
    enum bf_trail_stage stage;
    uint64_t message, others;
    int64_t after_us;
    bool final, dup;
} events[EVENTS];
static size_t count;

static void say(void *context, const struct bf_trail_event *event)
{
    (void)context;
    assert_true(count < EVENTS);
    events[count].stage = event->stage;
    events[count].message = event->message;
    events[count].others = event->others;
    events[count].after_us = event->after_us;
    events[count].final = event->final;
    events[count++].dup = event->dup;
}

static int set_up(void **state)
{
    (void)state;
    count = 0;
    return bf_trail_create(&plan, say, NULL, &trail, NULL) == BF_OK ? 0 : 1;
}

static int tear_down(void **state)
{
    (void)state;
    bf_trail_destroy(trail);
    return 0;
}

/* At second `at`, of event time `event`. */
static void heard(int64_t at, uint64_t hash, int64_t event)
{
    struct bf_heard message = {.at_us = at * SECOND,
                               .hash = hash,
                               .readings = 1,
                               .event_us = event * SECOND,
                               .interest_count = 2,
                               .interests = {{.kpi = 0, .scope = "zone.a", .event_us = event * SECOND},
                                             {.kpi = 1, .scope = "device.x", .event_us = event * SECOND}}};
    bf_trail_heard(trail, &message);
}

static void logged(int64_t at, uint64_t hash, bool dup)
{
    const struct bf_reading reading = {.event_us = at * SECOND,
                                       .delivery = {.payload_hash = hash, .dup = dup}};
    bf_trail_reading(trail, at * SECOND, &reading, 3, 100);
}

static void result(int64_t at, const char *kpi, const char *scope, int64_t start, bool final)
{
    const struct bf_kpi record = {.kpi = bf_slice_of(kpi),
                                  .scope = bf_slice_of(scope),
                                  .start_us = start * SECOND,
                                  .end_us = (start + 10) * SECOND,
                                  .phase = final ? BF_KPI_FINAL : BF_KPI_PROVISIONAL};
    bf_trail_kpi(trail, at * SECOND, &record);
}

static void told(int64_t at, const char *channel, int64_t start, bool final)
{
    char json[200];
    (void)snprintf(json, sizeof json,
                   "{\"kpi\":\"x\",\"value\":1,\"window_start_ms\":%lld,\"window_end_ms\":%lld,\"final\":%s}",
                   (long long)start * 1000, (long long)(start + 10) * 1000, final ? "true" : "false");
    bf_trail_redis(trail, at * SECOND, bf_slice_of(channel), bf_slice_of(json));
}

static void assert_event(size_t at, enum bf_trail_stage stage, uint64_t message, int64_t after)
{
    assert_true(at < count);
    assert_int_equal(events[at].stage, stage);
    assert_int_equal(events[at].message, message);
    assert_true(events[at].after_us == after * SECOND);
}

static void a_message_is_followed_to_redis(void **state)
{
    (void)state;
    heard(100, 7, 95);
    assert_false(bf_trail_settled(trail));
    result(100, "air", "zone.a", 90, false); /* before its reading is in the log: of others */
    logged(101, 7, false);
    result(102, "air", "zone.b", 90, false); /* another zone */
    result(102, "air", "zone.a", 80, false); /* another window */
    result(103, "air", "zone.a", 90, false);
    result(103, "air", "zone.a", 90, false); /* once */
    told(104, "belfry:v1:kpi:air:zone.a", 90, false);
    assert_false(bf_trail_settled(trail));
    result(105, "seen", "device.x", 90, true);
    told(106, "belfry:v1:kpi:seen:device.x", 90, true);
    assert_true(bf_trail_settled(trail));
    result(111, "air", "zone.a", 90, true);
    assert_int_equal(count, 7);
    assert_event(0, BF_TRAIL_MQTT, 1, 0);
    assert_event(1, BF_TRAIL_LOG, 1, 1);
    assert_event(2, BF_TRAIL_KPI, 1, 3);
    assert_event(3, BF_TRAIL_REDIS, 1, 4);
    assert_event(4, BF_TRAIL_KPI, 1, 5);
    assert_event(5, BF_TRAIL_REDIS, 1, 6);
    assert_event(6, BF_TRAIL_KPI, 1, 11);
    assert_true(events[6].final && !events[2].final);
}

static void a_result_of_several_messages_is_told_once(void **state)
{
    (void)state;
    heard(100, 7, 95);
    heard(101, 8, 96);
    heard(102, 9, 105); /* of the next window */
    logged(102, 7, false);
    logged(102, 8, false);
    logged(102, 9, false);
    result(103, "air", "zone.a", 90, false);
    assert_event(count - 1, BF_TRAIL_KPI, 2, 2);
    assert_int_equal(events[count - 1].others, 1);
    result(104, "air", "zone.a", 100, false);
    assert_event(count - 1, BF_TRAIL_KPI, 3, 2);
    assert_int_equal(events[count - 1].others, 0);
}

static void equal_payloads_are_taken_in_turn(void **state)
{
    (void)state;
    heard(100, 7, 95);
    heard(101, 7, 95);
    logged(102, 7, false);
    assert_event(count - 1, BF_TRAIL_LOG, 1, 2);
    logged(103, 7, false);
    assert_event(count - 1, BF_TRAIL_LOG, 2, 2);
    size_t before = count;
    logged(104, 7, false); /* a further reading of the same message */
    assert_int_equal(count, before);
    logged(105, 7, true);
    assert_event(count - 1, BF_TRAIL_LOG, 2, 4);
    assert_true(events[count - 1].dup);
}

static void a_rejected_message_is_settled(void **state)
{
    (void)state;
    heard(100, 7, 95);
    const struct bf_reject reject = {.reason = BF_SLICE("malformed"), .whole = true, .payload_hash = 7};
    bf_trail_reject(trail, 101 * SECOND, &reject);
    assert_event(1, BF_TRAIL_REJECT, 1, 1);
    assert_true(bf_trail_settled(trail));
    const struct bf_reject other = {.reason = BF_SLICE("malformed"), .whole = true, .payload_hash = 8};
    bf_trail_reject(trail, 101 * SECOND, &other);
    assert_int_equal(count, 2);
}

static void what_redis_says_may_be_anything(void **state)
{
    (void)state;
    heard(100, 7, 95);
    logged(100, 7, false);
    static const char *const channels[] = {"", "belfry:v1:kpi:", "belfry:v1:kpi:air", "belfry:v1:alert:x:y",
                                           "belfry:v1:kpi::"};
    static const char *const texts[] = {"", "{}", "{\"window_start_ms\":", "{\"window_start_ms\":1}",
                                        "{\"window_start_ms\":99999999999999999999,\"window_end_ms\":-1}"};
    for (size_t i = 0; i < 5; i++) {
        told(101, channels[i], 90, false);
        bf_trail_redis(trail, 0, BF_SLICE("belfry:v1:kpi:air:zone.a"), bf_slice_of(texts[i]));
    }
    assert_int_equal(count, 2);
}

static void old_messages_are_let_go(void **state)
{
    (void)state;
    heard(100, 7, 95);
    for (uint64_t i = 0; i < BF_TRAIL_ROOM; i++) {
        count = 0;
        heard(101, 1000 + i, 95);
    }
    count = 0;
    logged(102, 7, false);
    assert_int_equal(count, 0);
    logged(102, 1000, false);
    assert_event(0, BF_TRAIL_LOG, 2, 1);
    assert_int_equal(bf_trail_count(trail), BF_TRAIL_ROOM + 1);
}

static void a_device_has_a_network(void **state)
{
    (void)state;
    char device[64];
    struct bf_err err = {.message = ""};
    struct bf_profile profiles[] = {
        {.network = {"city", 4}}, {.network = {"city", 4}}, {.network = {"hsl", 3}}};
    const struct bf_city one = {.profiles = profiles, .profile_count = 2};
    const struct bf_city two = {.profiles = profiles, .profile_count = 3};
    assert_int_equal(bf_ear_device(&one, "desk-42", device, sizeof device, &err), BF_OK);
    assert_string_equal(device, "city:desk-42");
    assert_int_equal(bf_ear_device(&two, "hsl:7", device, sizeof device, &err), BF_OK);
    assert_string_equal(device, "hsl:7");
    assert_int_equal(bf_ear_device(&two, "desk-42", device, sizeof device, &err), BF_CONFIG);
    assert_string_equal(err.detail, "there are city, hsl");
    assert_int_equal(bf_ear_device(&one, "desk-42", device, 8, &err), BF_CONFIG);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_message_is_followed_to_redis),   TEST(a_result_of_several_messages_is_told_once),
        TEST(equal_payloads_are_taken_in_turn), TEST(a_rejected_message_is_settled),
        TEST(what_redis_says_may_be_anything),  TEST(old_messages_are_let_go),
        TEST(a_device_has_a_network),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
