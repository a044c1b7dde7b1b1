/* publisher.h: publishes to an MQTT broker at QoS 1 over a few connections, with a bound on what is not
 * acknowledged, and counts both. What a connection loss leaves unacknowledged is published again on the
 * next connection, as a device with a persistent session would, marked in `again`: the broker may then
 * hold it twice, and belfry counts what the broker hands over. On one connection a message is sent once.
 *
 * Owner: creator.   Thread: one caller; Paho's thread inside.
 * Limits: BF_PUBLISHER_CONNECTIONS connections, `window` unacknowledged messages each. */
#ifndef BF_CLI_PUBLISHER_H
#define BF_CLI_PUBLISHER_H

#include <stdint.h>
#include <stdio.h>

#include "config/site.h"
#include "core/err.h"
#include "core/slice.h"

#define BF_PUBLISHER_CONNECTIONS 64

struct bf_publisher;

struct bf_publisher_counts {
    uint64_t published;    /* messages handed to bf_publisher_send */
    uint64_t acknowledged; /* of these, PUBACKed */
    uint64_t again;        /* sent a second time after a connection was lost */
};

/* Connects all; PEER where the broker cannot be reached within 10 s. */
enum bf_status bf_publisher_open(const struct bf_site *site, const char *name, size_t connections,
                                 struct bf_publisher **publisher, struct bf_err *err) BF_MUST_CHECK;
void bf_publisher_close(struct bf_publisher *publisher);
/* Writes a line for each message as it ends: its hash as belfry-ingest will know it (bf_message_hash), on how
 * many connections it was sent, and 1 if it was acknowledged. What is not acknowledged ends with close. */
void bf_publisher_journal(struct bf_publisher *publisher, FILE *journal);
/* From here on nothing is sent a second time: a connection that is lost with messages unacknowledged is
 * PEER. */
void bf_publisher_once(struct bf_publisher *publisher);
/* Sends one message on connection `device` modulo their number; waits for a place in the window. time_us:
 * BF_TIME_NONE, or the user property belfry-time. PEER when the broker stays away for 60 s. */
enum bf_status bf_publisher_send(struct bf_publisher *publisher, uint64_t device, struct bf_slice topic,
                                 struct bf_slice payload, int64_t time_us, struct bf_err *err) BF_MUST_CHECK;
/* Waits until everything is acknowledged. PEER after timeout_ms. */
enum bf_status bf_publisher_drain(struct bf_publisher *publisher, int timeout_ms,
                                  struct bf_err *err) BF_MUST_CHECK;
struct bf_publisher_counts bf_publisher_read(struct bf_publisher *publisher);

#endif
