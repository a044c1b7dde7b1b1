/* The publisher against a real mosquitto: its counts are exact, also when the broker goes away in the middle.
 * Covers: cli/closing.c, cli/publisher.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "cli/closing.h"
#include "cli/publisher.h"
#include "core/time.h"
#include "tests/flow/listener.h"
#include "tests/support/peers.h"

#define MESSAGES 2000

/* Paho 1.3.12 never frees the messages that were under way on a connection when its client is destroyed. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libpaho-mqtt3as\n";
}

static struct bf_peer broker = {.kind = BF_PEER_MOSQUITTO,
                                .config =
                                    "persistence true\nmax_queued_messages 0\nmax_inflight_messages 1000\n"};
static char url[96];
static struct bf_site site = {.mqtt = {.url = url, .version = 5}, .ingest = {.id = "belfry-1"}};

/* ---- who listens, and what it has heard */

static atomic_int heard, markers;
static _Atomic int64_t marker_us;

static void on_message(void *context, const struct bf_mqtt_message *message)
{
    (void)context;
    if (bf_slice_equal(message->topic, BF_SLICE("belfry/marker/belfry-1"))) {
        atomic_store(&marker_us, message->has_time ? message->time_us : BF_TIME_NONE);
        atomic_fetch_add(&markers, 1);
    } else {
        atomic_fetch_add(&heard, 1);
    }
}

static struct bf_publisher *publisher_of(size_t connections)
{
    struct bf_publisher *publisher = NULL;
    struct bf_err err = {.message = ""};
    if (bf_publisher_open(&site, "test", connections, &publisher, &err) != BF_OK) {
        fail_msg("%s", err.message);
    }
    return publisher;
}

static void send(struct bf_publisher *publisher, uint64_t device)
{
    char topic[40], payload[40];
    struct bf_err err = {.message = ""};
    snprintf(topic, sizeof topic, "city/%llu", (unsigned long long)device % 7);
    snprintf(payload, sizeof payload, "{\"n\":%llu}", (unsigned long long)device);
    if (bf_publisher_send(publisher, device, bf_slice_of(topic), bf_slice_of(payload), BF_TIME_NONE, &err) !=
        BF_OK) {
        fail_msg("%s", err.message);
    }
}

static void what_is_published_is_acknowledged_and_heard(void **state)
{
    (void)state;
    struct bf_err err = {.message = ""};
    struct bf_mqtt *listener = listener_open(url, "#", on_message);
    struct bf_publisher *publisher = publisher_of(4);
    for (uint64_t i = 0; i < MESSAGES; i++) {
        send(publisher, i);
    }
    assert_int_equal(bf_publisher_drain(publisher, 20000, &err), BF_OK);
    struct bf_publisher_counts counts = bf_publisher_read(publisher);
    assert_int_equal(counts.published, MESSAGES);
    assert_int_equal(counts.acknowledged, MESSAGES);
    assert_int_equal(counts.again, 0);
    BF_EVENTUALLY(atomic_load(&heard) == MESSAGES, 20000);
    bf_publisher_close(publisher);
    bf_mqtt_destroy(listener);
}

static void a_closing_moves_time_beyond_the_last_window(void **state)
{
    (void)state;
    struct bf_err err = {.message = ""};
    struct bf_kpi_definition kpi = {.window_us = 60 * BF_US_PER_S, .delay_us = 5 * BF_US_PER_S};
    struct bf_city city = {.kpis = &kpi, .kpi_count = 1, .time = {.emit_every_us = BF_US_PER_S}};
    struct bf_setting setting = {.site = &site, .city = &city};
    struct bf_mqtt *listener = listener_open(url, "#", on_message);
    struct bf_publisher *publisher = publisher_of(1);
    assert_int_equal(bf_closing_send(publisher, &setting, 1000 * BF_US_PER_S, &err), BF_OK);
    BF_EVENTUALLY(atomic_load(&markers) >= 8, 10000);
    assert_true(atomic_load(&marker_us) >= 1065 * BF_US_PER_S);
    bf_publisher_close(publisher);
    bf_mqtt_destroy(listener);
}

/* Killed while messages are on their way, and back after some were handed over that nobody could take. */
static void a_broker_that_comes_back_gets_what_it_never_acknowledged(void **state)
{
    (void)state;
    struct bf_err err = {.message = ""};
    struct bf_publisher *publisher = publisher_of(2);
    for (uint64_t i = 0; i < 500; i++) {
        send(publisher, i);
    }
    assert_int_equal(bf_publisher_drain(publisher, 20000, &err), BF_OK);
    bf_peer_pause(&broker); /* it takes bytes and answers nothing */
    for (uint64_t i = 0; i < 100; i++) {
        send(publisher, i);
    }
    assert_int_equal(bf_publisher_read(publisher).acknowledged, 500);
    bf_peer_kill(&broker);
    assert_int_equal(bf_peer_start(&broker, &err), BF_OK);
    for (uint64_t i = 0; i < 400; i++) {
        send(publisher, i);
    }
    assert_int_equal(bf_publisher_drain(publisher, 30000, &err), BF_OK);
    struct bf_publisher_counts counts = bf_publisher_read(publisher);
    assert_int_equal(counts.published, 1000);
    assert_int_equal(counts.acknowledged, 1000);
    assert_in_range(counts.again, 100, 500);
    bf_publisher_close(publisher);
}

/* More than the sockets between take: the rest waits in Paho when the connection is lost, and must not go out
 * from there too. */
static void on_one_connection_nothing_is_sent_twice(void **state)
{
    enum { BIG = 256 * 1024, BIGS = 60 };
    static char payload[BIG];
    (void)state;
    struct bf_err err = {.message = ""};
    struct bf_publisher *publisher = publisher_of(1);
    FILE *journal = tmpfile();
    assert_non_null(journal);
    bf_publisher_journal(publisher, journal);
    memset(payload, 'x', sizeof payload);
    bf_peer_pause(&broker);
    for (int i = 0; i < BIGS; i++) {
        payload[0] = (char)i;
        assert_int_equal(bf_publisher_send(publisher, 0, BF_SLICE("big"), (struct bf_slice){payload, BIG},
                                           BF_TIME_NONE, &err),
                         BF_OK);
    }
    bf_peer_kill(&broker);
    assert_int_equal(bf_peer_start(&broker, &err), BF_OK);
    struct bf_mqtt *listener = listener_open(url, "#", on_message);
    int before = atomic_load(&heard);
    assert_int_equal(bf_publisher_drain(publisher, 60000, &err), BF_OK);
    send(publisher, 1); /* whatever Paho had left has come before this one */
    assert_int_equal(bf_publisher_drain(publisher, 60000, &err), BF_OK);
    BF_EVENTUALLY(atomic_load(&heard) - before >= BIGS + 1, 20000);
    assert_int_equal(atomic_load(&heard) - before, BIGS + 1);
    bf_publisher_close(publisher);
    bf_mqtt_destroy(listener);
    int lines = 0;
    unsigned long long hash;
    unsigned sends, acknowledged;
    rewind(journal);
    while (fscanf(journal, "%llx %u %u", &hash, &sends, &acknowledged) == 3) {
        assert_int_equal(sends, lines++ < BIGS ? 2 : 1);
        assert_int_equal(acknowledged, 1);
    }
    assert_int_equal(lines, BIGS + 1);
    fclose(journal);
}

static void an_old_protocol_is_spoken_too(void **state)
{
    (void)state;
    struct bf_err err = {.message = ""};
    site.mqtt.version = 4; /* as belfry.yaml calls MQTT 3.1.1 */
    struct bf_publisher *publisher = publisher_of(1);
    send(publisher, 1);
    assert_int_equal(bf_publisher_drain(publisher, 10000, &err), BF_OK);
    assert_int_equal(bf_publisher_read(publisher).acknowledged, 1);
    bf_publisher_close(publisher);
    site.mqtt.version = 5;
}

static void nobody_there_is_a_peer_error(void **state)
{
    (void)state;
    struct bf_publisher *publisher = NULL;
    struct bf_err err = {.message = ""};
    bf_peer_stop(&broker);
    assert_int_equal(bf_publisher_open(&site, "test", 1, &publisher, &err), BF_PEER);
    assert_null(publisher);
    assert_non_null(strstr(err.message, "could not connect to the MQTT broker"));
    bf_publisher_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_published_is_acknowledged_and_heard),
        cmocka_unit_test(a_closing_moves_time_beyond_the_last_window),
        cmocka_unit_test(a_broker_that_comes_back_gets_what_it_never_acknowledged),
        cmocka_unit_test(on_one_connection_nothing_is_sent_twice),
        cmocka_unit_test(an_old_protocol_is_spoken_too),
        cmocka_unit_test(nobody_there_is_a_peer_error),
    };
    struct bf_err err = {.message = ""};
    if (!bf_peer_available(BF_PEER_MOSQUITTO)) {
        fputs("skipped: mosquitto is not installed\n", stderr);
        return 77;
    }
    if (bf_peer_start(&broker, &err) != BF_OK) {
        fprintf(stderr, "%s\n%s\n", err.message, err.detail);
        return 1;
    }
    snprintf(url, sizeof url, "mqtt://%s", broker.address);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    bf_peer_stop(&broker);
    return failed;
}
