/* belfry-ingest with a real broker and the embedded cluster: every message reaches the log once, and what
 * gives no reading is told of.
 * Covers: ingest/ingest.c, ingest/intake.c, ingest/link.c */
#include "tests/flow/ingest_town.h"

#include "core/hash.h"

static struct town town;

static int close_town(void **state)
{
    (void)state;
    town_close(&town);
    return 0;
}

static void open_town(const char *more)
{
    town_open(&town, more);
    town_start_daemon(&town);
    town_await_daemon(&town);
    town_start_publisher(&town);
}

static void messages_arrive_once(void **state)
{
    (void)state;
    open_town("");
    town_send(&town, 0, 1000);
    BF_EVENTUALLY(town_metric(&town, "belfry_messages_total") == 1000, 20000);
    BF_EVENTUALLY((town_read(&town), town.readings >= 1000), 20000);
    assert_int_equal(town.readings, 1000);
    assert_true(town_has_all(&town, 0, 1000));
    assert_int_equal(town.rejects, 0);
    assert_int_equal(town.hellos, 12);
    assert_int_equal(town.newest_generation, 1);
    BF_EVENTUALLY((town_read(&town), town.clock_us > 0), 10000); /* a marker came back */
    BF_EVENTUALLY(town_metric(&town, "belfry_gate_unacknowledged") == 0, 10000);
    int64_t before = town.clock_us;
    BF_EVENTUALLY((town_read(&town), town.clock_us > before), 10000);
}

static void version_3_1_1_works_too(void **state)
{
    (void)state;
    char text[2000];
    town_open(&town, "");
    bf_file_tail(town.config, text, sizeof text);
    char *at = strstr(text, "\"}\nkafka");
    assert_non_null(at);
    char changed[2400];
    snprintf(changed, sizeof changed, "%.*s\", version: 4%s", (int)(at - text), text, at + 1);
    town_write(town.config, changed);
    town_start_daemon(&town);
    town_await_daemon(&town);
    town_start_publisher(&town);
    town_send(&town, 0, 300);
    BF_EVENTUALLY((town_read(&town), town.readings >= 300), 20000);
    assert_int_equal(town.readings, 300);
}

static void what_is_no_reading_is_a_reject(void **state)
{
    (void)state;
    open_town("  max_payload: 8KiB\n");
    town_publish(&town, "town/d1", BF_SLICE("{\"n\": "), 1, false);
    BF_EVENTUALLY((town_read(&town), town.rejects == 1), 10000);
    assert_string_equal(town.last_reason, "malformed");
    town_publish(&town, "town/d1/deeper", BF_SLICE("{\"n\": 1}"), 1, false);
    BF_EVENTUALLY((town_read(&town), town.rejects == 2), 10000);
    assert_string_equal(town.last_reason, "no_profile");
    town_publish(&town, "town/d1", (struct bf_slice){NULL, 0}, 1, false);
    BF_EVENTUALLY((town_read(&town), town.rejects == 3), 10000);
    assert_int_equal(town.whole, 3);
    town_send(&town, 5, 1);
    BF_EVENTUALLY((town_read(&town), town.readings == 1), 10000);
    assert_int_equal(town_metric(&town, "belfry_rejects_total{reason=\"malformed\"}"), 2);
    assert_int_equal(town_metric(&town, "belfry_messages_total"), 4);
}

/* A little too large is cut when it is taken; much too large is drained as it comes. */
static void oversize_messages_are_rejects(void **state)
{
    (void)state;
    static const size_t sizes[] = {8193, 300000, 2 << 20};
    open_town("  max_payload: 8KiB\n");
    char *payload = calloc(1, sizes[2]);
    assert_non_null(payload);
    for (uint32_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        town_publish(&town, "town/d1", (struct bf_slice){payload, sizes[i]}, 1, false);
        BF_EVENTUALLY((town_read(&town), town.rejects == i + 1), 20000);
        assert_string_equal(town.last_reason, "oversize");
        assert_int_equal(town.last_len, sizes[i]);
    }
    town_publish(&town, "town/d1", (struct bf_slice){payload, sizes[2]}, 0, false); /* QoS 0 as well */
    BF_EVENTUALLY((town_read(&town), town.rejects == 4), 20000);
    free(payload);
    assert_int_equal(town_metric(&town, "belfry_gate_oversize_total"), 3);
    town_send(&town, 0, 10);
    BF_EVENTUALLY((town_read(&town), town.readings == 10), 10000);
}

static void retained_messages_are_no_observations(void **state)
{
    (void)state;
    town_open(&town, "");
    town_start_publisher(&town);
    town_publish(&town, "town/d1", BF_SLICE("{\"n\": 1}"), 1, true);
    BF_EVENTUALLY(atomic_load(&town.acknowledged) == 1, 10000);
    town_start_daemon(&town);
    town_await_daemon(&town);
    BF_EVENTUALLY((town_read(&town), town.rejects == 1), 10000);
    assert_string_equal(town.last_reason, "retained");
    town_send(&town, 2, 1);
    BF_EVENTUALLY((town_read(&town), town.readings == 1), 10000);
    assert_int_equal(town_metric(&town, "belfry_retained_total"), 1);
}

static void qos_0_is_handed_over_once(void **state)
{
    (void)state;
    open_town("");
    town_publish(&town, "town/d1", BF_SLICE("{\"n\": 3}"), 0, false);
    town_publish(&town, "town/d1", BF_SLICE("{\"n\": 3}"), 0, false); /* the same again is another message */
    BF_EVENTUALLY((town_read(&town), town.seen[3].times == 2), 10000);
    assert_int_equal(town_metric(&town, "belfry_messages_dup_total"), 0);
}

static void markers_of_others_move_nothing(void **state)
{
    (void)state;
    open_town("  markers: true\n");
    town_publish(&town, "belfry/marker/town-1", BF_SLICE("4102444800000000"), 1, false); /* the year 2100 */
    town_publish(&town, "belfry/marker/town-1", BF_SLICE("nonsense"), 1, false);
    BF_EVENTUALLY(town_metric(&town, "belfry_markers_ignored_total") == 2, 10000);
    BF_EVENTUALLY(town_metric(&town, "belfry_markers_total") > 2, 10000);
    town_read(&town);
    assert_true(town.clock_us < INT64_C(4102444800000000));
    assert_int_equal(town_metric(&town, "belfry_messages_total"), 0);
    assert_int_equal(town.rejects, 0);
}

/* `clock: message`: time is what the messages say. */
static void time_can_come_with_the_messages(void **state)
{
    (void)state;
    struct bf_err err;
    open_town("  clock: message\n");
    const int64_t then_us = INT64_C(1600000000000000);
    for (int i = 0; i < 10; i++) {
        char payload[32];
        int len = snprintf(payload, sizeof payload, "{\"n\": %d}", i);
        assert_int_equal(bf_mqtt_publish(town.publisher, BF_SLICE("town/d1"),
                                         (struct bf_slice){payload, (size_t)len}, 1, false,
                                         then_us + i * BF_US_PER_S, NULL, &err),
                         BF_OK);
    }
    BF_EVENTUALLY((town_read(&town), town.clock_us == then_us + 9 * BF_US_PER_S), 10000);
    assert_int_equal(town.readings, 10);
    assert_int_equal(town_metric(&town, "belfry_markers_total"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(messages_arrive_once, close_town),
        cmocka_unit_test_teardown(version_3_1_1_works_too, close_town),
        cmocka_unit_test_teardown(what_is_no_reading_is_a_reject, close_town),
        cmocka_unit_test_teardown(oversize_messages_are_rejects, close_town),
        cmocka_unit_test_teardown(retained_messages_are_no_observations, close_town),
        cmocka_unit_test_teardown(qos_0_is_handed_over_once, close_town),
        cmocka_unit_test_teardown(markers_of_others_move_nothing, close_town),
        cmocka_unit_test_teardown(time_can_come_with_the_messages, close_town),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
