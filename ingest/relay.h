/* relay.h: one connection through the ack gate: two sockets, what waits between them, and the rules of
 * gate.h. Internal to the gate.
 * Owner: the gate.   Thread: the gate's; the shared part is atomic. */
#ifndef BF_INGEST_RELAY_H
#define BF_INGEST_RELAY_H

#include <poll.h>
#include <stdatomic.h>

#include "ingest/gate.h"
#include "ingest/packet.h"

#define BF_RELAY_SEGMENT 131072
#define BF_RELAY_INPUT 65536

/* What other threads tell the gate and ask of it. Connections are numbered; all but the first two are of one
 * connection, and the gate's thread resets them when the next is armed. */
struct bf_relay_shared {
    _Atomic uint64_t armed;   /* the newest connection that may come */
    _Atomic uint64_t severed; /* this one and all before it are over */
    atomic_bool admitted, paused, probe, doomed;
    atomic_bool uplink_empty;
    _Atomic uint64_t passed;    /* PUBLISHes above QoS 0 that went to Paho */
    _Atomic uint64_t delivered; /* ... whose callback has returned */
    _Atomic uint64_t released;  /* ... whose PUBACK has left */
};

/* Uplink bytes and the mark that Kafka must reach before they leave. Two take turns: one waits, the other
 * collects. */
struct bf_relay_segment {
    size_t len, sent;
    uint64_t mark, deliveries;
    int64_t since_us;
    char data[BF_RELAY_SEGMENT];
};

struct bf_relay {
    const struct bf_gate_options *options;
    struct bf_relay_shared *shared;
    struct bf_scanner *scanner; /* NULL under TLS */
    uint64_t number;            /* of the connection */
    int paho, broker;           /* -1: none */
    const char *fault;          /* static text */
    bool holding;               /* the CONNACK has passed: nothing more before admit */
    size_t in_at, in_len;       /* of `in`: taken, there */
    struct bf_slice out[2];     /* bytes of `in`, then a replacement; not yet written to Paho */
    int64_t deadline_us;        /* for the next bytes of a packet that has begun */
    unsigned front;             /* the segment that waits */
    struct bf_relay_segment up[2];
    char in[BF_RELAY_INPUT];
};

/* NULL when memory is out. */
struct bf_relay *bf__relay_create(const struct bf_gate_options *options, struct bf_relay_shared *shared);
void bf__relay_destroy(struct bf_relay *relay);
void bf__relay_begin(struct bf_relay *relay, int paho, int broker);
void bf__relay_end(struct bf_relay *relay); /* closes both */
/* Fills fds[0] (Paho) and fds[1] (broker). */
void bf__relay_interest(const struct bf_relay *relay, struct pollfd fds[2]);
/* Something waits for Kafka or for a command, not for a socket. */
bool bf__relay_is_waiting(const struct bf_relay *relay);
/* Moves what can be moved. False: the connection is over (fault says why, NULL: one side closed). */
bool bf__relay_turn(struct bf_relay *relay, const struct pollfd fds[2], int64_t now_us);

#endif
