/* The ack gate's thread and sockets, between a hand-made Paho and a hand-made broker: what it takes, holds
 * and lets through, and what hostile bytes do to it. The rules one by one are test_relay.c's.
 * Covers: ingest/dial.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/time.h"
#include "ingest/dial.h"
#include "ingest/downlink.h"
#include "ingest/gate.h"
#include "tests/support/eventually.h"

#define QUIET_MS 60 /* how long a test looks whether something does not come */
#define MAX_PAYLOAD 4096

struct world {
    _Atomic uint64_t handed, acked, pending;
    atomic_int taken, cut, last_id;
    atomic_bool block; /* `take` waits for a place in the queue */
    pthread_mutex_t lock;
    pthread_cond_t let_go;
    struct bf_counter wait_us, oversize, faults;
    struct bf_gate *gate;
    int listener, client, broker;
};
static struct world world;

static bool take(void *context, const struct bf_mqtt_message *message)
{
    (void)context;
    atomic_store(&world.last_id, message->packet_id);
    atomic_fetch_add(&world.cut, message->is_cut);
    atomic_fetch_add(&world.taken, 1);
    pthread_mutex_lock(&world.lock);
    bool blocked = atomic_load(&world.block);
    while (atomic_load(&world.block)) {
        pthread_cond_wait(&world.let_go, &world.lock);
    }
    pthread_mutex_unlock(&world.lock);
    atomic_fetch_add(&world.handed, !blocked);
    return !blocked; /* who was let go was not handed over */
}

static void let_go(void)
{
    pthread_mutex_lock(&world.lock);
    atomic_store(&world.block, false);
    pthread_cond_broadcast(&world.let_go);
    pthread_mutex_unlock(&world.lock);
}

static uint64_t handed(void *context)
{
    (void)context;
    return atomic_load(&world.handed);
}

static uint64_t acked(void *context)
{
    (void)context;
    return atomic_load(&world.acked);
}

static uint64_t pending(void *context)
{
    (void)context;
    return atomic_load(&world.pending);
}

static void serve(void *context)
{
    (void)context;
}

static int connect_to(uint16_t port)
{
    int fd, cancel = -1;
    struct bf_err err;
    assert_int_equal(bf_dial_connect("127.0.0.1", port, 5000, cancel, &fd, &err), BF_OK);
    return fd;
}

static void wait_for(int fd, short events)
{
    struct pollfd ready = {.fd = fd, .events = events};
    assert_int_equal(poll(&ready, 1, 5000), 1);
}

static void start(bool tls, uint64_t window)
{
    uint16_t port;
    struct bf_err err;
    memset(&world, 0, sizeof world);
    pthread_mutex_init(&world.lock, NULL);
    pthread_cond_init(&world.let_go, NULL);
    world.client = world.broker = -1;
    assert_int_equal(bf_dial_listen(&world.listener, &port, &err), BF_OK);
    struct bf_gate_options options = {
        .host = "127.0.0.1",
        .broker_port = port,
        .tls = tls,
        .mqtt5 = true,
        .max_payload = MAX_PAYLOAD,
        .head_max = 64,
        .window_deliveries = window,
        .window_bytes = 1 << 20,
        .stall_us = 300 * BF_US_PER_MS,
        .connect_timeout_ms = 5000,
        .port = {.take = take, .handed = handed, .acked = acked, .pending_bytes = pending, .serve = serve},
        .counters = {.wait_us = &world.wait_us, .oversize = &world.oversize, .faults = &world.faults},
    };
    assert_int_equal(bf_gate_start(&options, &world.gate, &err), BF_OK);
}

static void let_paho_in(void)
{
    bf_gate_arm(world.gate);
    world.client = connect_to(bf_gate_listens(world.gate));
    wait_for(world.listener, POLLIN);
    world.broker = bf_dial_accept(world.listener);
    assert_true(world.broker >= 0);
}

static int stop(void **state)
{
    (void)state;
    bf_gate_stop(world.gate);
    close(world.listener);
    close(world.client);
    close(world.broker);
    return 0;
}

static void say(int fd, const void *bytes, size_t len)
{
    const char *data = bytes;
    while (len > 0) {
        ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
        if (n < 0) {
            wait_for(fd, POLLOUT);
            continue;
        }
        data += n;
        len -= (size_t)n;
    }
}

static void hear(int fd, const void *expected, size_t len)
{
    static char got[1 << 20];
    size_t at = 0;
    while (at < len) {
        wait_for(fd, POLLIN);
        ssize_t n = recv(fd, got + at, len - at, 0);
        assert_true(n > 0);
        at += (size_t)n;
    }
    if (expected) {
        assert_memory_equal(got, expected, len);
    }
}

static void hear_nothing(int fd)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&ready, 1, QUIET_MS), 0);
}

static void hear_end(int fd)
{
    char rest[4096];
    for (;;) {
        wait_for(fd, POLLIN);
        ssize_t n = recv(fd, rest, sizeof rest, 0);
        if (n <= 0) {
            return;
        }
    }
}

#define SAY(fd, text) say(fd, text, sizeof text - 1)
#define HEAR(fd, text) hear(fd, text, sizeof text - 1)
#define CONNACK "\x20\x03\x01\x00\x00"
#define PUBLISH(id)                   \
    "\x32\x08\x00\x01t\x00" id "\x00" \
    "ab"
#define PUBACK(id) "\x40\x02\x00" id

static void start_running(uint64_t window)
{
    start(false, window);
    let_paho_in();
    SAY(world.broker, CONNACK);
    HEAR(world.client, CONNACK);
    bf_gate_admit(world.gate);
}

static void await_taken(int count)
{
    BF_EVENTUALLY(atomic_load(&world.taken) == count, 5000);
}

static void take_nothing(int count)
{
    hear_nothing(world.client);
    assert_int_equal(atomic_load(&world.taken), count);
}

static void a_puback_waits_for_kafka(void **state)
{
    (void)state;
    start_running(100);
    SAY(world.broker, PUBLISH("\x01"));
    await_taken(1);
    hear_nothing(world.broker);
    hear_nothing(world.client); /* Paho has no part in it */
    assert_int_equal(bf_gate_unacknowledged(world.gate), 1);
    assert_false(bf_gate_is_quiet(world.gate));
    atomic_store(&world.handed, 9); /* what comes later does not hold it */
    atomic_store(&world.acked, 1);
    bf_gate_wake(world.gate);
    HEAR(world.broker, PUBACK("\x01"));
    BF_EVENTUALLY(bf_gate_unacknowledged(world.gate) == 0, 5000);
    BF_EVENTUALLY(bf_gate_is_quiet(world.gate), 5000);
    assert_true(bf_counter_read(&world.wait_us) > 0);
}

static void many_messages_in_any_pieces(void **state)
{
    (void)state;
    enum { COUNT = 20000 };
    static char bytes[COUNT * 10], pubacks[COUNT * 4];
    for (int i = 0; i < COUNT; i++) {
        memcpy(bytes + (size_t)i * 10, PUBLISH("\x01"), 10);
        memcpy(pubacks + (size_t)i * 4, PUBACK("\x01"), 4);
        bytes[(size_t)i * 10 + 5] = pubacks[(size_t)i * 4 + 2] = (char)(i >> 8);
        bytes[(size_t)i * 10 + 6] = pubacks[(size_t)i * 4 + 3] = (char)(i | 1);
    }
    start_running(16384);
    atomic_store(&world.acked, UINT64_MAX);
    for (size_t at = 0, piece = 1; at < sizeof bytes; at += piece, piece = piece * 5 % 7919 + 1) {
        size_t left = sizeof bytes - at;
        say(world.broker, bytes + at, piece < left ? piece : left);
    }
    hear(world.broker, pubacks, sizeof pubacks);
    assert_int_equal(atomic_load(&world.taken), COUNT);
    BF_EVENTUALLY(bf_gate_is_quiet(world.gate), 5000);
}

static void a_connect_is_held_too(void **state)
{
    (void)state;
    start(false, 100);
    atomic_store(&world.handed, 1);
    let_paho_in();
    SAY(world.client, "\x10\x00");
    hear_nothing(world.broker);
    atomic_store(&world.acked, 1);
    HEAR(world.broker, "\x10\x00"); /* also where nobody wakes it */
}

static void nothing_passes_behind_the_connack(void **state)
{
    (void)state;
    start(false, 100);
    let_paho_in();
    SAY(world.broker, CONNACK PUBLISH("\x01"));
    HEAR(world.client, CONNACK);
    take_nothing(0);
    bf_gate_admit(world.gate);
    await_taken(1);
}

static void the_window_closes(void **state)
{
    (void)state;
    start_running(2);
    SAY(world.broker, PUBLISH("\x01") PUBLISH("\x02") PUBLISH("\x03"));
    await_taken(2);
    take_nothing(2);
    atomic_store(&world.acked, 2);
    bf_gate_wake(world.gate);
    HEAR(world.broker, PUBACK("\x01") PUBACK("\x02"));
    await_taken(3); /* without another byte */
}

static void a_sever_ends_a_message_that_waits(void **state)
{
    (void)state;
    start_running(100);
    atomic_store(&world.block, true);
    atomic_store(&world.acked, UINT64_MAX);
    SAY(world.broker, PUBLISH("\x01") PUBLISH("\x02"));
    await_taken(1);
    assert_false(bf_gate_is_quiet(world.gate)); /* and asking does not wait */
    bf_gate_sever(world.gate);
    let_go();
    bf_gate_join(world.gate);
    hear_end(world.broker); /* without a PUBACK */
    assert_int_equal(atomic_load(&world.taken), 1);
}

static void it_stops_while_a_message_waits(void **state)
{
    (void)state;
    start_running(100);
    atomic_store(&world.block, true);
    SAY(world.broker, PUBLISH("\x01"));
    await_taken(1);
    bf_gate_sever(world.gate);
    let_go(); /* the rest is stop's */
}

static void nobody_else_comes_through_an_open_door(void **state)
{
    (void)state;
    start_running(100);
    int stranger = connect_to(bf_gate_listens(world.gate));
    hear_nothing(world.listener);
    SAY(world.broker, PUBLISH("\x01"));
    await_taken(1);
    close(stranger);
}

static void after_a_sever_nothing_leaves(void **state)
{
    (void)state;
    start_running(100);
    SAY(world.broker, PUBLISH("\x01"));
    await_taken(1);
    bf_gate_sever(world.gate);
    atomic_store(&world.acked, 1);
    (void)send(world.client, "\xc0\x00", 2, MSG_NOSIGNAL);
    hear_end(world.client);
    char bytes[16];
    wait_for(world.broker, POLLIN);
    assert_true(recv(world.broker, bytes, sizeof bytes, 0) <= 0); /* no PUBACK, no PINGREQ */
    close(world.client);
    close(world.broker);
    let_paho_in(); /* the next connection is a new one */
    SAY(world.broker, CONNACK PUBLISH("\x01"));
    HEAR(world.client, CONNACK);
    take_nothing(1);
}

static void a_fault_ends_the_connection(void **state)
{
    static const struct bf_slice cases[] = {
        BF_SLICE_INIT("\x32\xff\xff\xff\xff\x01\x00"),         /* a length of five bytes */
        BF_SLICE_INIT("\x32\xff\xff\xff\x7f\x00\x04town"),     /* one that never comes */
        BF_SLICE_INIT("\x32\xff"),                               /* half a header that never ends */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        start_running(100);
        say(world.broker, cases[i].data, cases[i].len);
        hear_end(world.client);
        hear_end(world.broker);
        BF_EVENTUALLY(bf_counter_read(&world.faults) == 1, 5000);
        assert_non_null(bf_gate_fault(world.gate));
        if (i + 1 < sizeof cases / sizeof *cases) {
            stop(state);
        }
    }
}

static void a_length_that_drips(void **state)
{
    (void)state;
    start_running(100);
    SAY(world.broker, "\x32\xff\xff\xff\x7f\x00\x04town");
    int64_t until_us = bf_deadline_us(20000); /* a byte at each turn: progress, and yet it ends */
    while (bf_counter_read(&world.faults) == 0 && bf_wait_turn(until_us)) {
        (void)send(world.broker, "x", 1, MSG_NOSIGNAL);
    }
    assert_int_equal(bf_counter_read(&world.faults), 1);
}

static void an_oversize_message_is_cut(void **state)
{
    (void)state;
    size_t payload_len = MAX_PAYLOAD + BF_DOWNLINK_SLACK + 2000000, length = 2 + 1 + 2 + 1 + payload_len;
    char *packet = calloc(1, length + 5);
    memcpy(packet, "\x32", 1);
    for (int i = 0; i < 4; i++) {
        packet[1 + i] = (char)((length >> (7 * i) & 127) | (i < 3 ? 128 : 0));
    }
    memcpy(packet + 5, "\0\1t\0\7\0", 6);
    start_running(100);
    say(world.broker, packet, length + 5);
    SAY(world.broker, PUBLISH("\x08"));
    await_taken(2);
    assert_int_equal(atomic_load(&world.cut), 1);
    assert_int_equal(atomic_load(&world.last_id), 8);
    assert_int_equal(bf_counter_read(&world.oversize), 1);
    free(packet);
}

static void tls_is_asked_for_by_connect(void **state)
{
    (void)state;
    start(true, 2);
    bf_gate_arm(world.gate);
    world.client = connect_to(bf_gate_listens(world.gate));
    SAY(world.client, "CONNECT broker.example:8883 HTTP/1.1\r\nHost: broker");
    hear_nothing(world.client);
    SAY(world.client, ".example\r\n\r\n");
    wait_for(world.listener, POLLIN);
    world.broker = bf_dial_accept(world.listener);
    HEAR(world.client, "HTTP/1.1 200 Connection established\r\n\r\n");
    SAY(world.broker, "\x16\x03\x01 opaque \xff\xff\xff\xff\xff"); /* no packets: nothing is cut or held */
    HEAR(world.client, "\x16\x03\x01 opaque \xff\xff\xff\xff\xff");
    atomic_store(&world.handed, 1);
    bf_gate_delivered(world.gate);
    bf_gate_delivered(world.gate);
    SAY(world.client, "sealed");
    hear_nothing(world.broker);
    SAY(world.broker, "more");
    hear_nothing(world.client); /* two deliveries are unacknowledged */
    atomic_store(&world.acked, 1);
    bf_gate_wake(world.gate);
    HEAR(world.broker, "sealed");
    HEAR(world.client, "more");
}

static void a_request_without_end_is_dropped(void **state)
{
    (void)state;
    start(true, 2);
    bf_gate_arm(world.gate);
    world.client = connect_to(bf_gate_listens(world.gate));
    char junk[5000];
    memset(junk, 'x', sizeof junk);
    (void)send(world.client, junk, sizeof junk, MSG_NOSIGNAL);
    hear_end(world.client);
}

static void nobody_is_let_in_unasked(void **state)
{
    (void)state;
    start(false, 2);
    world.client = connect_to(bf_gate_listens(world.gate));
    hear_nothing(world.listener);
}

static void a_probe_is_the_last_that_leaves(void **state)
{
    (void)state;
    start_running(100);
    bf_gate_pause(world.gate);
    SAY(world.broker, PUBLISH("\x01"));
    take_nothing(0);
    BF_EVENTUALLY(bf_gate_is_quiet(world.gate), 5000);
    bf_gate_probe(world.gate);
    SAY(world.client, "\x32\x06probe!");
    HEAR(world.broker, "\x32\x06probe!");
    SAY(world.broker, PUBLISH("\x02") PUBACK("\x07"));
    HEAR(world.client, PUBACK("\x07"));
    assert_true(bf_gate_is_doomed(world.gate));
    assert_int_equal(atomic_load(&world.taken), 0);
    SAY(world.client, "\xc0\x00");
    hear_nothing(world.broker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_puback_waits_for_kafka, stop),
        cmocka_unit_test_teardown(many_messages_in_any_pieces, stop),
        cmocka_unit_test_teardown(a_connect_is_held_too, stop),
        cmocka_unit_test_teardown(nothing_passes_behind_the_connack, stop),
        cmocka_unit_test_teardown(the_window_closes, stop),
        cmocka_unit_test_teardown(a_sever_ends_a_message_that_waits, stop),
        cmocka_unit_test_teardown(it_stops_while_a_message_waits, stop),
        cmocka_unit_test_teardown(nobody_else_comes_through_an_open_door, stop),
        cmocka_unit_test_teardown(after_a_sever_nothing_leaves, stop),
        cmocka_unit_test_teardown(a_fault_ends_the_connection, stop),
        cmocka_unit_test_teardown(a_length_that_drips, stop),
        cmocka_unit_test_teardown(an_oversize_message_is_cut, stop),
        cmocka_unit_test_teardown(tls_is_asked_for_by_connect, stop),
        cmocka_unit_test_teardown(a_request_without_end_is_dropped, stop),
        cmocka_unit_test_teardown(nobody_is_let_in_unasked, stop),
        cmocka_unit_test_teardown(a_probe_is_the_last_that_leaves, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
