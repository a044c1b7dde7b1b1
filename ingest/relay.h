/* relay.h: one connection through the ack gate, without its sockets: bytes come and go through buffers, and
 * the rules of gate.h say what may move. Whoever moves the bytes (the gate's thread, a test, a simulation)
 * decides nothing.
 *
 *   broker --room, came_down--> [downlink] --work--> port.take(PUBLISH), or to_paho --> Paho
 *   broker <--to_broker, gone_up-- [uplink, held until Kafka is far enough] <--came_up-- Paho
 *                                     ^-- the PUBACK of what was taken
 *
 * Owner: the gate.   Thread: one at a time (the gate's); the shared part is atomic.   No sockets, no clock.
 * Limits: window_deliveries and window_bytes stop the downlink. */
#ifndef BF_INGEST_RELAY_H
#define BF_INGEST_RELAY_H

#include <stdatomic.h>

#include "ingest/downlink.h"
#include "ingest/gate.h"
#include "ingest/uplink.h"

/* What other threads tell the gate and ask of it. Connections are numbered; all but the first two are of one
 * connection, and bf_relay_begin resets them. */
struct bf_relay_shared {
    _Atomic uint64_t armed;   /* the newest connection that may come */
    _Atomic uint64_t severed; /* this one and all before it are over */
    atomic_bool admitted, paused, probe, doomed;
    _Atomic uint64_t delivered; /* messages above QoS 0 that were handed over */
    _Atomic uint64_t released;  /* ... whose PUBACK has left */
};

struct bf_relay {
    const struct bf_gate_options *options;
    struct bf_relay_shared *shared;
    struct bf_downlink *downlink;
    uint64_t number;                                                   /* of the connection */
    const char *fault;                                                 /* static text */
    enum { BF_RELAY_GREETING, BF_RELAY_HOLDING, BF_RELAY_OPEN } phase; /* CONNACK, then admit */
    struct bf_slice out; /* of the downlink's buffer; not yet written to Paho */
    int64_t deadline_us; /* for the next bytes of a packet that has begun */
    int64_t told_us;     /* when Paho was last given something */
    bool is_news;        /* messages were taken since */
    bool is_stopped;     /* work ended at a closed window, not for want of bytes */
    bool is_closed;      /* by the broker */
    struct bf_uplink uplink;
};

/* NULL when memory is out. */
struct bf_relay *bf_relay_create(const struct bf_gate_options *options, struct bf_relay_shared *shared);
void bf_relay_destroy(struct bf_relay *relay);
/* The connection `number` (the one that is armed) begins. */
void bf_relay_begin(struct bf_relay *relay, uint64_t number);
bool bf_relay_is_severed(const struct bf_relay *relay);

/* ---- from the broker */
bool bf_relay_wants_downlink(struct bf_relay *relay);
char *bf_relay_downlink_room(struct bf_relay *relay, size_t *room);
void bf_relay_came_down(struct bf_relay *relay, size_t len, int64_t now_us);
/* Takes what has come apart, as far as it may pass, up to something for Paho. False: the connection is over
 * (`fault` says why). */
bool bf_relay_work(struct bf_relay *relay, int64_t now_us) BF_MUST_CHECK;
bool bf_relay_has_work(struct bf_relay *relay); /* without further bytes */
struct bf_slice bf_relay_to_paho(const struct bf_relay *relay);
void bf_relay_gone_down(struct bf_relay *relay, size_t len, int64_t now_us);
/* The broker has closed its end: PUBACKs go nowhere. What it had sent may still be read, for its reason; its
 * messages above QoS 0 are not taken, for they will be delivered anew. */
void bf_relay_closed(struct bf_relay *relay);
/* False: a declared length does not come; the connection is over. */
bool bf_relay_is_in_time(struct bf_relay *relay, int64_t now_us) BF_MUST_CHECK;

/* ---- from Paho */
bool bf_relay_wants_uplink(struct bf_relay *relay);
char *bf_relay_uplink_room(struct bf_relay *relay, size_t *room);
/* False: severed meanwhile; the bytes never leave. */
bool bf_relay_came_up(struct bf_relay *relay, size_t len, int64_t now_us) BF_MUST_CHECK;
/* Empty while Kafka has not acknowledged what they wait for. */
struct bf_slice bf_relay_to_broker(struct bf_relay *relay);
void bf_relay_gone_up(struct bf_relay *relay, size_t len, int64_t now_us);

/* Something waits for Kafka or for a command, not for bytes. */
bool bf_relay_is_waiting(struct bf_relay *relay);
/* Everything that was handed over is acknowledged by Kafka, and its PUBACK has left. */
bool bf_relay_is_quiet(const struct bf_relay *relay);

#endif
