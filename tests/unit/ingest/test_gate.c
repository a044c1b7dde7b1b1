/* The ack gate between a hand-made client and a hand-made broker: what it holds, what it lets through, and
 * what hostile bytes do to it.
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
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/time.h"
#include "ingest/dial.h"
#include "ingest/gate.h"
#include "ingest/packet.h"
#include "tests/support/eventually.h"

#define QUIET_MS 60 /* how long a test looks whether something does not come */
#define MAX_PAYLOAD 4096

struct world {
    _Atomic uint64_t handed, acked, pending;
    struct bf_counter wait_us, oversize, faults;
    struct bf_gate *gate;
    int listener, client, broker;
};
static struct world world;

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
    world.client = world.broker = -1;
    assert_int_equal(bf_dial_listen(&world.listener, &port, &err), BF_OK);
    struct bf_gate_options options = {
        .host = "127.0.0.1",
        .port = port,
        .tls = tls,
        .mqtt5 = true,
        .max_payload = MAX_PAYLOAD,
        .head_max = 64,
        .window_deliveries = window,
        .window_bytes = 1 << 20,
        .stall_us = 300 * BF_US_PER_MS,
        .connect_timeout_ms = 5000,
        .kafka = {.handed = handed, .acked = acked, .pending_bytes = pending, .serve = serve},
        .counters = {.wait_us = &world.wait_us, .oversize = &world.oversize, .faults = &world.faults},
    };
    assert_int_equal(bf_gate_start(&options, &world.gate, &err), BF_OK);
}

static void let_in(void)
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
    let_in();
    SAY(world.broker, CONNACK);
    HEAR(world.client, CONNACK);
    bf_gate_admit(world.gate);
}

static void holds_what_kafka_has_not(void **state)
{
    (void)state;
    start_running(100);
    SAY(world.broker, PUBLISH("\x01"));
    HEAR(world.client, PUBLISH("\x01"));
    atomic_store(&world.handed, 3);
    bf_gate_delivered(world.gate);
    SAY(world.client, PUBACK("\x01"));
    hear_nothing(world.broker);
    assert_int_equal(bf_gate_unacknowledged(world.gate), 1);
    assert_false(bf_gate_is_quiet(world.gate));
    atomic_store(&world.acked, 2);
    bf_gate_wake(world.gate);
    hear_nothing(world.broker);
    atomic_store(&world.handed, 9); /* what comes later does not hold these bytes */
    atomic_store(&world.acked, 3);
    bf_gate_wake(world.gate);
    HEAR(world.broker, PUBACK("\x01"));
    BF_EVENTUALLY(bf_gate_unacknowledged(world.gate) == 0, 5000);
    BF_EVENTUALLY(bf_gate_is_quiet(world.gate), 5000);
    assert_true(bf_counter_read(&world.wait_us) > 0);
}

static void group_commit(void **state)
{
    (void)state;
    start_running(100);
    atomic_store(&world.handed, 1);
    SAY(world.client, PUBACK("\x01"));
    hear_nothing(world.broker);
    atomic_store(&world.handed, 2);
    SAY(world.client, PUBACK("\x02"));
    SAY(world.client, PUBACK("\x03"));
    hear_nothing(world.broker);
    atomic_store(&world.acked, 1);
    bf_gate_wake(world.gate);
    HEAR(world.broker, PUBACK("\x01"));
    hear_nothing(world.broker);
    atomic_store(&world.acked, 2);
    bf_gate_wake(world.gate);
    HEAR(world.broker, PUBACK("\x02") PUBACK("\x03"));
}

static void a_connect_is_held_too(void **state)
{
    (void)state;
    start(false, 100);
    atomic_store(&world.handed, 1);
    let_in();
    SAY(world.client, "\x10\x00");
    hear_nothing(world.broker);
    atomic_store(&world.acked, 1);
    HEAR(world.broker, "\x10\x00"); /* also where nobody wakes it */
}

static void nothing_passes_behind_the_connack(void **state)
{
    (void)state;
    start(false, 100);
    let_in();
    SAY(world.broker, CONNACK PUBLISH("\x01"));
    HEAR(world.client, CONNACK);
    hear_nothing(world.client);
    bf_gate_admit(world.gate);
    HEAR(world.client, PUBLISH("\x01"));
}

static void the_window_closes(void **state)
{
    (void)state;
    start_running(2);
    SAY(world.broker, PUBLISH("\x01") PUBLISH("\x02") PUBLISH("\x03"));
    HEAR(world.client, PUBLISH("\x01") PUBLISH("\x02"));
    hear_nothing(world.client);
    bf_gate_delivered(world.gate);
    SAY(world.client, PUBACK("\x01"));
    HEAR(world.broker, PUBACK("\x01"));
    HEAR(world.client, PUBLISH("\x03"));
}

static void too_many_bytes_close_it_too(void **state)
{
    (void)state;
    start_running(100);
    atomic_store(&world.pending, 1 << 20);
    SAY(world.broker, PUBLISH("\x01"));
    hear_nothing(world.client);
    atomic_store(&world.pending, 0);
    HEAR(world.client, PUBLISH("\x01"));
}

static void after_a_sever_nothing_leaves(void **state)
{
    (void)state;
    start_running(100);
    bf_gate_sever(world.gate);
    (void)send(world.client, "\x40\x02\x00\x01", 4, MSG_NOSIGNAL);
    hear_end(world.broker);
    hear_end(world.client);
    close(world.client);
    close(world.broker);
    let_in(); /* the next connection is a new one */
    SAY(world.broker, CONNACK PUBLISH("\x01"));
    HEAR(world.client, CONNACK);
    hear_nothing(world.client);
}

static void a_fault_ends_the_connection(const void *bytes, size_t len)
{
    start_running(100);
    say(world.broker, bytes, len);
    hear_end(world.client);
    hear_end(world.broker);
    BF_EVENTUALLY(bf_counter_read(&world.faults) == 1, 5000);
    assert_non_null(bf_gate_fault(world.gate));
}

static void a_length_of_five_bytes(void **state)
{
    (void)state;
    a_fault_ends_the_connection("\x32\xff\xff\xff\xff\x01\x00", 7);
}

static void a_length_that_never_comes(void **state)
{
    (void)state;
    a_fault_ends_the_connection("\x32\xff\xff\xff\x7f\x00\x04town", 11);
}

static void half_a_header_that_never_ends(void **state)
{
    (void)state;
    a_fault_ends_the_connection("\x32\xff", 2);
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
    size_t payload_len = MAX_PAYLOAD + BF_PACKET_SLACK + 2000000, length = 2 + 1 + 2 + 1 + payload_len;
    char *packet = calloc(1, length + 5);
    memcpy(packet, "\x32", 1);
    for (int i = 0; i < 4; i++) {
        packet[1 + i] = (char)((length >> (7 * i) & 127) | (i < 3 ? 128 : 0));
    }
    memcpy(packet + 5, "\0\1t\0\7\0", 6);
    start_running(100);
    say(world.broker, packet, length + 5);
    SAY(world.broker, PUBLISH("\x08"));
    size_t small = 2 + 1 + 2 + 1 + BF_NOTE_HEADER + 64;
    char header[] = {0x32, (char)small};
    hear(world.client, header, 2);
    hear(world.client, NULL, small);
    HEAR(world.client, PUBLISH("\x08"));
    assert_int_equal(bf_counter_read(&world.oversize), 1);
    free(packet);
}

static void a_topic_of_64_kib_passes(void **state)
{
    (void)state;
    size_t length = 2 + 65535 + 2 + 1 + 3;
    char *packet = malloc(length + 4);
    packet[0] = 0x32;
    for (int i = 0; i < 3; i++) {
        packet[1 + i] = (char)((length >> (7 * i) & 127) | (i < 2 ? 128 : 0));
    }
    memset(packet + 4, 'x', length);
    memcpy(packet + 4, "\xff\xff", 2);
    memset(packet + 4 + 2 + 65535, 0, 3);
    start_running(100);
    say(world.broker, packet, length + 4);
    hear(world.client, packet, length + 4);
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
    hear_nothing(world.client);
    BF_EVENTUALLY(bf_gate_is_quiet(world.gate), 5000);
    bf_gate_probe(world.gate);
    SAY(world.client, "\x32\x06probe!");
    HEAR(world.broker, "\x32\x06probe!");
    HEAR(world.client, PUBLISH("\x01"));
    assert_true(bf_gate_is_doomed(world.gate));
    SAY(world.client, PUBACK("\x01"));
    hear_nothing(world.broker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(holds_what_kafka_has_not, stop),
        cmocka_unit_test_teardown(group_commit, stop),
        cmocka_unit_test_teardown(a_connect_is_held_too, stop),
        cmocka_unit_test_teardown(nothing_passes_behind_the_connack, stop),
        cmocka_unit_test_teardown(the_window_closes, stop),
        cmocka_unit_test_teardown(too_many_bytes_close_it_too, stop),
        cmocka_unit_test_teardown(after_a_sever_nothing_leaves, stop),
        cmocka_unit_test_teardown(a_length_of_five_bytes, stop),
        cmocka_unit_test_teardown(a_length_that_never_comes, stop),
        cmocka_unit_test_teardown(half_a_header_that_never_ends, stop),
        cmocka_unit_test_teardown(a_length_that_drips, stop),
        cmocka_unit_test_teardown(an_oversize_message_is_cut, stop),
        cmocka_unit_test_teardown(a_topic_of_64_kib_passes, stop),
        cmocka_unit_test_teardown(tls_is_asked_for_by_connect, stop),
        cmocka_unit_test_teardown(a_request_without_end_is_dropped, stop),
        cmocka_unit_test_teardown(nobody_is_let_in_unasked, stop),
        cmocka_unit_test_teardown(a_probe_is_the_last_that_leaves, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
