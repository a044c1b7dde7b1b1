/* marker.h: markers: a small QoS 1 message with its send time, published over a connection of its own to a
 * topic that ingest's session subscribes to. The broker keeps order, so when it comes back, everything that
 * the broker had accepted before it has come too.
 *
 * Owner: ingest.   Thread: `turn` main; the topic functions any.
 * Limits: 8 markers without the broker's answer; then none is sent. Errors: none; it connects again. */
#ifndef BF_INGEST_MARKER_H
#define BF_INGEST_MARKER_H

#include <stdint.h>

#include "core/err.h"
#include "core/slice.h"
#include "peers/mqtt/mqtt.h"

/* "belfry/marker/<ingest id>". */
char *bf_marker_topic(const char *ingest, char *topic, size_t size);
/* Of any ingest id: no message for the counters. */
bool bf_marker_is_topic(struct bf_slice topic);
/* The payload: microseconds as decimal digits. */
bool bf_marker_parse(struct bf_slice payload, int64_t *sent_us);
size_t bf_marker_format(int64_t sent_us, char *payload, size_t size);

struct bf_marker;

/* `options` as those of the session, but for client id, session and relay, which are the marker's own. */
enum bf_status bf_marker_create(const struct bf_mqtt_options *options, const char *ingest,
                                struct bf_marker **marker, struct bf_err *err) BF_MUST_CHECK;
void bf_marker_destroy(struct bf_marker *marker);
/* Connects where it is not connected; sends a marker where one is due (every_us). */
void bf_marker_turn(struct bf_marker *marker, int64_t wall_us, int64_t monotonic_us, int64_t every_us);

#endif
