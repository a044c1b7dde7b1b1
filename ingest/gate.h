/* gate.h: the ack gate: a relay on loopback between Paho and the MQTT broker.
 *
 * Downlink bytes are copied as they come. Uplink bytes, which carry the PUBACKs, are held until Kafka has
 * acknowledged, without a gap, everything that had been handed over when they were read. Paho writes a
 * PUBACK only after the message callback has returned, so no PUBACK leaves before its readings are safe;
 * group commit comes by itself, because Paho goes on reading while the gate waits.
 * On a plain connection the gate knows packets (packet.h): it holds the downlink behind the CONNACK until
 * it is told to admit, replaces oversize messages and refuses hostile lengths. TLS runs through unseen,
 * asked for by HTTP CONNECT; there the callback itself must wait and cut.
 * Declined: waiting for Kafka in the callback (a fifth of the throughput), a write-ahead log.
 *
 * Owner: ingest.   Thread: its own; all functions from any.
 * Limits: one connection at a time; reading stops while window_deliveries or window_bytes are
 *   unacknowledged; 256 KiB of uplink. */
#ifndef BF_INGEST_GATE_H
#define BF_INGEST_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/counters.h"
#include "core/err.h"

/* Kafka as the gate sees it; tests bring their own. All are called on the gate's thread. */
struct bf_gate_port {
    uint64_t (*handed)(void *context); /* newest sequence handed over */
    uint64_t (*acked)(void *context);  /* contiguous low watermark */
    uint64_t (*pending_bytes)(void *context);
    void (*serve)(void *context); /* delivery reports, without waiting: a reserve for a busy main thread */
    void *context;
};

struct bf_gate_counters {
    struct bf_counter *wait_us;  /* time in which uplink bytes waited */
    struct bf_counter *oversize; /* messages replaced by notes */
    struct bf_counter *faults;   /* connections dropped because of what the broker sent */
};

struct bf_gate_options {
    const char *host; /* of the broker */
    uint16_t port;
    bool tls;
    bool mqtt5;
    size_t max_payload, head_max; /* a note keeps head_max bytes of an oversize payload */
    uint64_t window_deliveries, window_bytes;
    int64_t stall_us; /* a packet that makes no progress for so long ends the connection */
    int connect_timeout_ms;
    struct bf_gate_port kafka;
    struct bf_gate_counters counters;
};

struct bf_gate;

enum bf_status bf_gate_start(const struct bf_gate_options *options, struct bf_gate **gate,
                             struct bf_err *err) BF_MUST_CHECK;
void bf_gate_stop(struct bf_gate *gate);
uint16_t bf_gate_listens(const struct bf_gate *gate); /* the loopback port for Paho */

/* A connection attempt follows. Before this, and after sever, nobody is let in. */
void bf_gate_arm(struct bf_gate *gate);
/* What Paho writes from now on never leaves; the connection is closed. */
void bf_gate_sever(struct bf_gate *gate);
/* The start is through: messages may pass. */
void bf_gate_admit(struct bf_gate *gate);
/* The message callback is about to return: one more delivery whose PUBACK will follow. */
void bf_gate_delivered(struct bf_gate *gate);
/* Delivery reports have come; cheap where nothing waits. */
void bf_gate_wake(struct bf_gate *gate);

/* ---- stopping in order, and changing the generation */
/* No further downlink bytes are read. */
void bf_gate_pause(struct bf_gate *gate);
/* Everything that has passed was delivered, acknowledged by Kafka, and its PUBACK handed to the broker.
 * Ask for a while: a PUBACK may be on its way from Paho. */
bool bf_gate_is_quiet(const struct bf_gate *gate);
/* The next uplink bytes (a publish of ours) are the last that leave; then the downlink flows again, but the
 * connection is *doomed*: what it still brings must not be handed over, for it will be delivered anew. */
void bf_gate_probe(struct bf_gate *gate);
bool bf_gate_is_doomed(const struct bf_gate *gate);

/* Why the gate dropped the last connection; NULL: it did not. Static text. */
const char *bf_gate_fault(const struct bf_gate *gate);
uint64_t bf_gate_unacknowledged(const struct bf_gate *gate); /* deliveries whose PUBACK has not left */

#endif
