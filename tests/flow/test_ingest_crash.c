/* belfry-ingest, and its peers, killed and paused: nothing is lost, a message keeps its serial through every
 * redelivery, and nothing is acknowledged that Kafka has not. */
#include "tests/flow/ingest_town.h"

static struct town town;

static int close_town(void **state)
{
    (void)state;
    bf_peer_resume(&town.kafka);
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

static void expect_all(int count)
{
    BF_EVENTUALLY((town_read(&town), town_has_all(&town, 0, count)), 60000);
    for (int i = 0; i < count; i++) {
        if (!town.seen[i].same_serial) {
            fail_msg("message %d came with more than one serial", i);
        }
    }
}

static void killed_in_the_middle(void **state)
{
    (void)state;
    open_town("");
    for (int round = 0; round < 5; round++) {
        town_send(&town, round * 2000, 1000);
        bf_child_kill(&town.daemon);
        town_send(&town, round * 2000 + 1000, 1000); /* the session keeps them */
        town_start_daemon(&town);
        if (round % 2 == 0) { /* else it is killed while it still starts */
            town_await_daemon(&town);
        }
    }
    expect_all(10000);
    town_await_daemon(&town);
    assert_int_equal(town.newest_epoch, 1); /* one session of the broker, one epoch */
    assert_true(town.hellos > 12);
    assert_int_equal(town.rejects, 0);
}

/* The cluster stands: no PUBACK leaves, so the broker still holds everything when the daemon is killed. */
static void nothing_is_acknowledged_while_kafka_stands(void **state)
{
    (void)state;
    open_town("");
    town_send(&town, 0, 100);
    expect_all(100);
    bf_peer_pause(&town.kafka);
    town_send(&town, 100, 500);
    BF_EVENTUALLY(town_metric(&town, "belfry_messages_total") == 600, 20000);
    BF_EVENTUALLY(town_metric(&town, "belfry_gate_unacknowledged") >= 500, 10000);
    BF_EVENTUALLY(!town_ready(&town) && town_says(&town, "has acknowledged nothing for"), 10000);
    assert_true(town_metric(&town, "belfry_gate_unacknowledged") >= 500);
    bf_child_kill(&town.daemon);
    bf_peer_resume(&town.kafka);
    town_start_daemon(&town);
    expect_all(600);
    assert_true(town_metric(&town, "belfry_messages_dup_total") >= 500);
}

static void kafka_comes_back(void **state)
{
    (void)state;
    open_town("");
    bf_peer_pause(&town.kafka);
    town_send(&town, 0, 2000);
    BF_EVENTUALLY(!town_ready(&town), 15000);
    bf_peer_resume(&town.kafka);
    expect_all(2000);
    town_await_daemon(&town);
    BF_EVENTUALLY(town_metric(&town, "belfry_gate_unacknowledged") == 0, 10000);
    assert_true(bf_child_running(&town.daemon));
}

/* With a small window the gate stops reading long before a redelivery could leave the tasks' memory. */
static void the_window_bounds_what_is_unacknowledged(void **state)
{
    (void)state;
    open_town("  window_deliveries: 64\n");
    bf_peer_pause(&town.kafka);
    town_send(&town, 0, 1000);
    BF_EVENTUALLY(town_metric(&town, "belfry_gate_unacknowledged") >= 64, 10000);
    assert_in_range((uint64_t)town_metric(&town, "belfry_messages_total"), 1, 64);
    bf_peer_resume(&town.kafka);
    expect_all(1000);
}

static void the_broker_is_killed_and_comes_back(void **state)
{
    (void)state;
    struct bf_err err;
    open_town("");
    town_send(&town, 0, 500);
    expect_all(500);
    bf_peer_stop(&town.broker); /* in order: it saves its sessions */
    BF_EVENTUALLY(!town_ready(&town), 10000);
    bf_mqtt_destroy(town.publisher);
    town.publisher = NULL;
    assert_int_equal(bf_peer_start(&town.broker, &err), BF_OK);
    town_await_daemon(&town);
    town_start_publisher(&town);
    atomic_store(&town.acknowledged, 0);
    town_send(&town, 500, 500);
    expect_all(1000);
    assert_int_equal(town.newest_epoch, 1);
    int64_t first = town.newest_incarnation;
    bf_peer_kill(&town.broker); /* -9, and its memory is lost with it */
    BF_EVENTUALLY(!town_ready(&town), 10000);
    char path[400];
    snprintf(path, sizeof path, "%s/mosquitto.db", town.broker.folder);
    unlink(path);
    bf_mqtt_destroy(town.publisher);
    town.publisher = NULL;
    assert_int_equal(bf_peer_start(&town.broker, &err), BF_OK);
    town_await_daemon(&town);
    town_start_publisher(&town);
    atomic_store(&town.acknowledged, 0);
    town_send(&town, 1000, 100);
    BF_EVENTUALLY((town_read(&town), town_has_all(&town, 1000, 100)), 20000);
    assert_true(town.newest_epoch > first); /* a new session is a new epoch */
    assert_true(bf_child_running(&town.daemon));
}

static void a_clean_stop_leaves_nothing_to_deliver_again(void **state)
{
    (void)state;
    open_town("");
    town_send(&town, 0, 3000);
    assert_int_equal(bf_child_stop(&town.daemon, 5000), 0);
    town_start_daemon(&town);
    town_await_daemon(&town);
    expect_all(3000);
    assert_int_equal(town.readings, 3000);
}

static void it_stops_in_time_while_kafka_stands(void **state)
{
    (void)state;
    open_town("");
    bf_peer_pause(&town.kafka);
    town_send(&town, 0, 200);
    BF_EVENTUALLY(town_metric(&town, "belfry_messages_total") == 200, 10000);
    assert_int_equal(bf_child_stop(&town.daemon, 5000), 0);
    bf_peer_resume(&town.kafka);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(killed_in_the_middle, close_town),
        cmocka_unit_test_teardown(nothing_is_acknowledged_while_kafka_stands, close_town),
        cmocka_unit_test_teardown(kafka_comes_back, close_town),
        cmocka_unit_test_teardown(the_window_bounds_what_is_unacknowledged, close_town),
        cmocka_unit_test_teardown(the_broker_is_killed_and_comes_back, close_town),
        cmocka_unit_test_teardown(a_clean_stop_leaves_nothing_to_deliver_again, close_town),
        cmocka_unit_test_teardown(it_stops_in_time_while_kafka_stands, close_town),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
