/* marker.c: the marker's connection and its payload.
 * Declined: publishing over the session's own connection: the gate would hold markers with the PUBACKs, and a
 * marker must be sent while the backlog is still on its way. */
#include "ingest/marker.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "core/reading.h"
#include "core/time.h"

#define PREFIX "belfry/marker/"
#define OUTSTANDING_MAX 8
#define RETRY_FIRST_US (BF_US_PER_S / 2)
#define RETRY_MAX_US (30 * BF_US_PER_S)

enum state { OFF, CONNECTING, UP, BROKEN };

struct bf_marker {
    struct bf_mqtt_options options;
    char client_id[BF_MAX_TEXT + 16], topic[BF_MAX_TEXT + 32];
    struct bf_mqtt *mqtt;
    _Atomic int state; /* written by callbacks; OFF by main */
    _Atomic int outstanding;
    int64_t retry_us; /* pause before the next attempt */
    int64_t not_before_us, sent_us;
};

char *bf_marker_topic(const char *ingest, char *topic, size_t size)
{
    snprintf(topic, size, PREFIX "%s", ingest);
    return topic;
}

bool bf_marker_is_topic(struct bf_slice topic)
{
    return topic.len >= sizeof PREFIX - 1 && memcmp(topic.data, PREFIX, sizeof PREFIX - 1) == 0;
}

bool bf_marker_parse(struct bf_slice payload, int64_t *sent_us)
{
    int64_t value = 0;
    if (payload.len == 0 || payload.len > 16) {
        return false;
    }
    for (size_t i = 0; i < payload.len; i++) {
        if (payload.data[i] < '0' || payload.data[i] > '9') {
            return false;
        }
        value = value * 10 + (payload.data[i] - '0');
    }
    *sent_us = value;
    return value < BF_TIME_MAX;
}

size_t bf_marker_format(int64_t sent_us, char *payload, size_t size)
{
    return (size_t)snprintf(payload, size, "%lld", (long long)sent_us);
}

/* ---- the connection */

static void on_message(void *context, const struct bf_mqtt_message *message)
{
    (void)context; /* it subscribes to nothing */
    (void)message;
}

static void on_connected(void *context, bool kept)
{
    struct bf_marker *marker = context;
    (void)kept;
    atomic_store(&marker->state, UP);
}

static void on_broken(void *context, const char *reason)
{
    struct bf_marker *marker = context;
    bf_log(BF_LOG_WARN, "marker.lost", "reason=%s", reason);
    atomic_store(&marker->state, BROKEN);
}

static void on_subscribed(void *context, bool ok, const char *reason)
{
    (void)context;
    (void)ok;
    (void)reason;
}

static void on_published(void *context, int token, bool ok)
{
    struct bf_marker *marker = context;
    (void)token;
    atomic_fetch_sub(&marker->outstanding, 1);
    if (!ok) {
        bf_log(BF_LOG_WARN, "marker.refused", "topic=%s", marker->topic);
    }
}

enum bf_status bf_marker_create(const struct bf_mqtt_options *options, const char *ingest,
                                struct bf_marker **result, struct bf_err *err)
{
    struct bf_marker *marker = calloc(1, sizeof *marker);
    if (marker == NULL) {
        return bf_err_set(err, BF_FATAL, "out of memory");
    }
    marker->options = *options;
    snprintf(marker->client_id, sizeof marker->client_id, "%s-marker", ingest);
    bf_marker_topic(ingest, marker->topic, sizeof marker->topic);
    marker->options.client_id = marker->client_id;
    marker->options.clean = true;
    marker->options.session_expiry_s = 0;
    marker->options.relay_port = 0;
    marker->retry_us = RETRY_FIRST_US;
    *result = marker;
    return BF_OK;
}

void bf_marker_destroy(struct bf_marker *marker)
{
    if (marker) {
        bf_mqtt_destroy(marker->mqtt);
        free(marker);
    }
}

static void end(struct bf_marker *marker, int64_t now_us)
{
    bf_mqtt_destroy(marker->mqtt);
    marker->mqtt = NULL;
    atomic_store(&marker->state, OFF);
    marker->not_before_us = now_us + marker->retry_us;
    marker->retry_us = marker->retry_us * 2 < RETRY_MAX_US ? marker->retry_us * 2 : RETRY_MAX_US;
}

static void begin(struct bf_marker *marker, int64_t now_us)
{
    const struct bf_mqtt_callbacks callbacks = {
        .message = on_message,
        .connected = on_connected,
        .failed = on_broken,
        .lost = on_broken,
        .subscribed = on_subscribed,
        .published = on_published,
        .context = marker,
    };
    struct bf_err err;
    atomic_store(&marker->outstanding, 0);
    atomic_store(&marker->state, CONNECTING);
    if (bf_mqtt_create(&marker->options, &callbacks, &marker->mqtt, &err) != BF_OK ||
        bf_mqtt_connect(marker->mqtt, &err) != BF_OK) {
        bf_log_err(BF_LOG_WARN, "marker.failed", &err);
        end(marker, now_us);
    }
}

static void send_one(struct bf_marker *marker, int64_t wall_us)
{
    char payload[24];
    struct bf_err err;
    size_t len = bf_marker_format(wall_us, payload, sizeof payload);
    atomic_fetch_add(&marker->outstanding, 1);
    if (bf_mqtt_publish(marker->mqtt, bf_slice_of(marker->topic), (struct bf_slice){payload, len}, 1, false,
                        BF_TIME_NONE, NULL, &err) != BF_OK) {
        atomic_fetch_sub(&marker->outstanding, 1);
        bf_log_err(BF_LOG_WARN, "marker.failed", &err);
        atomic_store(&marker->state, BROKEN);
    }
}

void bf_marker_turn(struct bf_marker *marker, int64_t wall_us, int64_t now_us, int64_t every_us)
{
    switch (atomic_load(&marker->state)) {
    case OFF:
        if (now_us >= marker->not_before_us) {
            begin(marker, now_us);
        }
        break;
    case UP:
        if (now_us - marker->sent_us >= every_us && atomic_load(&marker->outstanding) < OUTSTANDING_MAX) {
            marker->sent_us = now_us;
            marker->retry_us = RETRY_FIRST_US;
            send_one(marker, wall_us);
        }
        break;
    case BROKEN:
        end(marker, now_us);
        break;
    default:
        break;
    }
}
