/* relay_world.h: a relay between a broker and a Paho that are strings, with a Kafka of two numbers.
 * Owner: one test program.   Thread: its own. */
#ifndef BF_TESTS_RELAY_WORLD_H
#define BF_TESTS_RELAY_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/time.h"
#include "ingest/relay.h"

#define MAX_PAYLOAD 4096
#define CONNACK "\x20\x03\x01\x00\x00"
#define PUBLISH(id)                   \
    "\x32\x08\x00\x01t\x00" id "\x00" \
    "ab"
#define QOS0 "\x30\x04\0\1t\0"
#define PUBACK(id) "\x40\x02\x00" id
#define PINGRESP "\xd0\x00"

static struct {
    uint64_t handed, acked, pending;
    struct bf_counter wait_us, oversize, faults;
    struct bf_gate_options options;
    struct bf_relay_shared shared;
    struct bf_relay *relay;
    int64_t now_us;
    uint64_t connection;
    /* what `take` saw, and does */
    int taken;
    struct bf_mqtt_message last;
    char payload[16];
    bool refuse, sever;
} world;

static inline bool take(void *context, const struct bf_mqtt_message *message)
{
    (void)context;
    if (world.refuse) {
        return false;
    }
    world.taken++;
    world.handed++;
    world.last = *message;
    size_t len =
        message->payload.len < sizeof world.payload - 1 ? message->payload.len : sizeof world.payload - 1;
    memcpy(world.payload, message->payload.data, len);
    world.payload[len] = '\0';
    if (world.sever) { /* another thread does, just now */
        atomic_store(&world.shared.severed, world.connection);
    }
    return true;
}

static inline uint64_t handed(void *context)
{
    (void)context;
    return world.handed;
}

static inline uint64_t acked(void *context)
{
    (void)context;
    return world.acked;
}

static inline uint64_t pending(void *context)
{
    (void)context;
    return world.pending;
}

static inline void connect(void)
{
    atomic_store(&world.shared.armed, ++world.connection);
    bf_relay_begin(world.relay, world.connection);
}

static inline int begin(bool tls)
{
    memset(&world, 0, sizeof world);
    world.now_us = BF_US_PER_S;
    world.options = (struct bf_gate_options){
        .tls = tls,
        .mqtt5 = true,
        .max_payload = MAX_PAYLOAD,
        .head_max = 10,
        .window_deliveries = 4,
        .window_bytes = 1000,
        .stall_us = BF_US_PER_S,
        .port = {.take = take, .handed = handed, .acked = acked, .pending_bytes = pending},
        .counters = {.wait_us = &world.wait_us, .oversize = &world.oversize, .faults = &world.faults},
    };
    world.relay = bf_relay_create(&world.options, &world.shared);
    assert_non_null(world.relay);
    connect();
    return 0;
}

static inline int begin_plain(void **state)
{
    (void)state;
    return begin(false);
}

static inline int begin_tls(void **state)
{
    (void)state;
    return begin(true);
}

static inline int end(void **state)
{
    (void)state;
    bf_relay_destroy(world.relay);
    return 0;
}

/* ---- the broker and Paho */

static inline bool down(const char *bytes, size_t len)
{
    size_t room;
    char *to = bf_relay_downlink_room(world.relay, &room);
    assert_true(len <= room);
    memcpy(to, bytes, len);
    bf_relay_came_down(world.relay, len, world.now_us);
    return bf_relay_work(world.relay, world.now_us);
}

static inline bool up(const char *bytes, size_t len)
{
    size_t room;
    char *to = bf_relay_uplink_room(world.relay, &room);
    assert_true(len <= room);
    memcpy(to, bytes, len);
    return bf_relay_came_up(world.relay, len, world.now_us);
}

/* What Paho gets now, exactly. */
static inline void paho_hears(const char *bytes, size_t len)
{
    char got[256];
    size_t at = 0;
    for (;;) {
        struct bf_slice out = bf_relay_to_paho(world.relay);
        if (out.len == 0) {
            break;
        }
        assert_true(at + out.len <= sizeof got);
        memcpy(got + at, out.data, out.len);
        at += out.len;
        bf_relay_gone_down(world.relay, out.len, world.now_us);
        assert_true(bf_relay_work(world.relay, world.now_us));
    }
    assert_int_equal(at, len);
    assert_memory_equal(got, bytes, len);
}

/* What leaves for the broker now, exactly. */
static inline void broker_hears(const char *bytes, size_t len)
{
    char got[256];
    size_t at = 0;
    for (struct bf_slice due; (due = bf_relay_to_broker(world.relay)).len > 0;) {
        assert_true(at + due.len <= sizeof got);
        memcpy(got + at, due.data, due.len);
        at += due.len;
        bf_relay_gone_up(world.relay, due.len, world.now_us);
    }
    assert_int_equal(at, len);
    assert_memory_equal(got, bytes, len);
}

#define DOWN(text) down(text, sizeof(text) - 1)
#define UP(text) up(text, sizeof(text) - 1)
#define PAHO(text) paho_hears(text, sizeof(text) - 1)
#define BROKER(text) broker_hears(text, sizeof(text) - 1)

static inline void run(void) /* the start is through */
{
    assert_true(DOWN(CONNACK));
    PAHO(CONNACK);
    atomic_store(&world.shared.admitted, true);
}

#endif
