/* One connection through the gate, turn by turn, without its thread: two socket pairs, and a Kafka of two
 * numbers. Packets are the business of test_gate.c; here the stream is opaque, as under TLS. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <sys/socket.h>
#include <unistd.h>

#include "core/time.h"
#include "ingest/relay.h"

static struct {
    uint64_t handed, acked, pending;
    struct bf_counter wait_us, oversize, faults;
    struct bf_gate_options options;
    struct bf_relay_shared shared;
    struct bf_relay *relay;
    int paho, broker; /* the far ends */
    int64_t now_us;
} world;

static uint64_t handed(void *context)
{
    (void)context;
    return world.handed;
}

static uint64_t acked(void *context)
{
    (void)context;
    return world.acked;
}

static uint64_t pending(void *context)
{
    (void)context;
    return world.pending;
}

static int begin(void **state)
{
    (void)state;
    int paho[2], broker[2];
    memset(&world, 0, sizeof world);
    world.options = (struct bf_gate_options){
        .tls = true,
        .window_deliveries = 4,
        .window_bytes = 1000,
        .stall_us = BF_US_PER_S,
        .kafka = {.handed = handed, .acked = acked, .pending_bytes = pending},
        .counters = {.wait_us = &world.wait_us, .oversize = &world.oversize, .faults = &world.faults},
    };
    world.relay = bf__relay_create(&world.options, &world.shared);
    assert_non_null(world.relay);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, paho), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, broker), 0);
    atomic_store(&world.shared.armed, 1);
    atomic_store(&world.shared.admitted, true);
    world.relay->number = 1;
    world.paho = paho[0];
    world.broker = broker[0];
    bf__relay_begin(world.relay, paho[1], broker[1]);
    return 0;
}

static int end(void **state)
{
    (void)state;
    bf__relay_end(world.relay);
    bf__relay_destroy(world.relay);
    close(world.paho);
    close(world.broker);
    return 0;
}

/* One turn on what poll says now. */
static bool turn(void)
{
    struct pollfd fds[2];
    world.now_us += 1000;
    bf__relay_interest(world.relay, fds);
    (void)poll(fds, 2, 0);
    return bf__relay_turn(world.relay, fds, world.now_us);
}

static void put(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* What has come, exactly. */
static void expect(int fd, const char *text)
{
    char got[256];
    ssize_t n = recv(fd, got, sizeof got, 0);
    assert_int_equal(n < 0 ? 0 : n, (ssize_t)strlen(text));
    assert_memory_equal(got, text, strlen(text));
}

static void downlink_goes_at_once(void **state)
{
    (void)state;
    put(world.broker, "publish");
    assert_true(turn());
    expect(world.paho, "publish");
}

static void uplink_waits_for_what_had_been_handed_over(void **state)
{
    (void)state;
    world.handed = 3;
    put(world.paho, "first");
    assert_true(turn());
    world.handed = 5; /* after the first was read */
    put(world.paho, "second");
    assert_true(turn());
    expect(world.broker, "");
    assert_true(bf__relay_is_waiting(world.relay));
    world.acked = 2;
    assert_true(turn());
    expect(world.broker, "");
    world.acked = 3;
    assert_true(turn());
    expect(world.broker, "first");
    world.acked = 5;
    assert_true(turn());
    expect(world.broker, "second");
    assert_false(bf__relay_is_waiting(world.relay));
    assert_true(atomic_load(&world.shared.uplink_empty));
    assert_true(bf_counter_read(&world.wait_us) > 0);
}

static void what_comes_while_one_waits_leaves_together(void **state)
{
    (void)state;
    world.handed = 1;
    put(world.paho, "a");
    assert_true(turn());
    for (int i = 0; i < 10; i++) {
        world.handed++;
        put(world.paho, "b");
        assert_true(turn());
    }
    world.acked = 10; /* of 11: the ten went into one segment, whose mark is the newest */
    assert_true(turn());
    expect(world.broker, "a");
    world.acked = 11;
    assert_true(turn());
    expect(world.broker, "bbbbbbbbbb");
}

static void deliveries_are_released_with_their_bytes(void **state)
{
    (void)state;
    world.handed = 2;
    atomic_store(&world.shared.delivered, 2);
    put(world.paho, "pubacks");
    assert_true(turn());
    assert_int_equal(atomic_load(&world.shared.released), 0);
    world.acked = 2;
    assert_true(turn());
    assert_int_equal(atomic_load(&world.shared.released), 2);
}

static void full_windows_stop_the_downlink(void **state)
{
    (void)state;
    atomic_store(&world.shared.delivered, 4);
    put(world.broker, "more");
    assert_true(turn());
    expect(world.paho, "");
    atomic_store(&world.shared.released, 1);
    world.pending = 1000;
    assert_true(turn());
    expect(world.paho, "");
    world.pending = 999;
    assert_true(turn());
    expect(world.paho, "more");
}

static void a_lot_passes_whole(void **state)
{
    (void)state;
    static char sent[1 << 20], got[1 << 20];
    size_t in = 0, out = 0;
    for (size_t i = 0; i < sizeof sent; i++) {
        sent[i] = (char)(i * 7 + i / 251);
    }
    for (int round = 0; round < 10000 && out < sizeof got; round++) {
        ssize_t n = send(world.broker, sent + in, sizeof sent - in, MSG_NOSIGNAL);
        in += n > 0 ? (size_t)n : 0;
        assert_true(turn());
        n = recv(world.paho, got + out, sizeof got - out, 0);
        out += n > 0 ? (size_t)n : 0;
    }
    assert_int_equal(out, sizeof got);
    assert_memory_equal(got, sent, sizeof sent);
}

static void after_a_sever_nothing_leaves(void **state)
{
    (void)state;
    put(world.paho, "puback");
    atomic_store(&world.shared.severed, 1);
    assert_false(turn());
    expect(world.broker, "");
}

static void a_side_that_closes_ends_it(void **state)
{
    (void)state;
    put(world.broker, "last");
    assert_int_equal(shutdown(world.broker, SHUT_WR), 0);
    bool goes_on = true;
    for (int i = 0; i < 3 && goes_on; i++) {
        goes_on = turn();
    }
    assert_false(goes_on);
    assert_null(world.relay->fault);
    expect(world.paho, "last");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(downlink_goes_at_once, begin, end),
        cmocka_unit_test_setup_teardown(uplink_waits_for_what_had_been_handed_over, begin, end),
        cmocka_unit_test_setup_teardown(what_comes_while_one_waits_leaves_together, begin, end),
        cmocka_unit_test_setup_teardown(deliveries_are_released_with_their_bytes, begin, end),
        cmocka_unit_test_setup_teardown(full_windows_stop_the_downlink, begin, end),
        cmocka_unit_test_setup_teardown(a_lot_passes_whole, begin, end),
        cmocka_unit_test_setup_teardown(after_a_sever_nothing_leaves, begin, end),
        cmocka_unit_test_setup_teardown(a_side_that_closes_ends_it, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
