/* gate.h: the ack gate: a relay on loopback between Paho and the MQTT broker.
 *
 * No acknowledgement leaves before its readings are safe: bytes for the broker are held until Kafka has
 * acknowledged, without a gap, everything that had been handed over when they were written. Group commit
 * comes by itself, because messages are taken while earlier acknowledgements wait.
 *
 * On a plain connection the gate takes the PUBLISHes out of the stream itself and writes their PUBACKs: Paho
 * makes four reads, two polls and a write for each message, most of what a message used to cost. Paho has
 * the rest of the session: CONNECT, SUBSCRIBE, keep-alive. Everything behind the CONNACK is held until the
 * gate is told to admit, oversize payloads are drained, hostile lengths refused.
 * TLS runs through unseen, asked for by HTTP CONNECT; there Paho calls back, and writes its PUBACK into the
 * gate only after the callback has returned. The callback itself must wait and cut.
 * Declined: waiting for Kafka in the callback (a fifth of the throughput), a write-ahead log, and an MQTT
 * client of our own (what is rare and intricate in a session is Paho's).
 *
 * Owner: ingest.   Thread: its own; all functions from any.
 * Limits: one connection at a time; nothing is taken while window_deliveries or window_bytes are
 *   unacknowledged; 256 KiB of uplink; max_payload and BF_DOWNLINK_SLACK of downlink. */
#ifndef BF_INGEST_GATE_H
#define BF_INGEST_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/counters.h"
#include "core/err.h"
#include "peers/mqtt/mqtt.h"

/* What the gate asks of the world; tests bring their own. All are called on the gate's thread. */
struct bf_gate_port {
    /* A message of a plain connection: hands its readings over, waiting where it must. False: it did not, and
     * the connection is over; no PUBACK is written. */
    bool (*take)(void *context, const struct bf_mqtt_message *message);
    /* Kafka: the newest sequence handed over, the contiguous low watermark, what is between them. */
    uint64_t (*handed)(void *context);
    uint64_t (*acked)(void *context);
    uint64_t (*pending_bytes)(void *context);
    void (*serve)(void *context); /* delivery reports, without waiting: a reserve for a busy main thread */
    void *context;
};

struct bf_gate_counters {
    struct bf_counter *wait_us;  /* time in which uplink bytes waited */
    struct bf_counter *oversize; /* messages cut */
    struct bf_counter *faults;   /* connections dropped because of what the broker sent */
};

struct bf_gate_options {
    const char *host; /* of the broker */
    uint16_t broker_port;
    bool tls;
    bool mqtt5;
    size_t max_payload, head_max; /* head_max bytes are kept of a payload that is drained */
    uint64_t window_deliveries, window_bytes;
    int64_t stall_us; /* a packet that makes no progress for so long ends the connection */
    int connect_timeout_ms;
    struct bf_gate_port port;
    struct bf_gate_counters counters;
};

struct bf_gate;

enum bf_status bf_gate_start(const struct bf_gate_options *options, struct bf_gate **gate,
                             struct bf_err *err) BF_MUST_CHECK;
void bf_gate_stop(struct bf_gate *gate);
uint16_t bf_gate_listens(const struct bf_gate *gate); /* the loopback port for Paho */

/* A connection attempt follows. Before this, and after sever, nobody is let in. */
void bf_gate_arm(struct bf_gate *gate);
/* No byte more leaves; the connection is closed. */
void bf_gate_sever(struct bf_gate *gate);
/* After sever: when it returns, `take` does not run and will not for that connection. Not from `take`;
 * whoever makes `take` wait lets it go first. */
void bf_gate_join(struct bf_gate *gate);
/* The start is through: messages may pass. */
void bf_gate_admit(struct bf_gate *gate);
/* TLS: the message callback is about to return: one more delivery whose PUBACK will follow. */
void bf_gate_delivered(struct bf_gate *gate);
/* Delivery reports have come; cheap where nothing waits. */
void bf_gate_wake(struct bf_gate *gate);

/* ---- stopping in order, and changing the generation */
/* No further downlink bytes are read. */
void bf_gate_pause(struct bf_gate *gate);
/* Everything that was delivered is acknowledged by Kafka, and its PUBACK handed to the broker. Under TLS ask
 * for a while: a message may be with Paho, or its PUBACK on the way from there. */
bool bf_gate_is_quiet(struct bf_gate *gate);
/* The next uplink bytes (a publish of ours) are the last that leave; then the downlink flows again, but the
 * connection is *doomed*: what it still brings must not be handed over, for it will be delivered anew. */
void bf_gate_probe(struct bf_gate *gate);
bool bf_gate_is_doomed(const struct bf_gate *gate);

/* Why the gate dropped the last connection; NULL: it did not. Static text. */
const char *bf_gate_fault(const struct bf_gate *gate);
uint64_t bf_gate_unacknowledged(const struct bf_gate *gate); /* deliveries whose PUBACK has not left */

#endif
