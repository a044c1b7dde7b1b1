/* relay.c: the rules of the ack gate for one connection.
 * The order of looking matters: `handed` is asked *after* a message was handed over, or after Paho's bytes
 * were read (a PUBACK in them was written after its callback had returned), so its readings are below that
 * mark. */
#include "ingest/relay.h"

#include <stdlib.h>
#include <string.h>

#include "core/time.h"

#define SLOWEST_BYTES_PER_S 65536 /* a packet that has begun comes at least this fast, after stall_us */
#define NEWS_US (BF_US_PER_S / 2) /* Paho hears that the broker speaks at least so often */
#define PUBACK_SIZE 4

struct bf_relay *bf_relay_create(const struct bf_gate_options *options, struct bf_relay_shared *shared)
{
    struct bf_relay *relay = calloc(1, sizeof *relay);
    if (relay == NULL) {
        return NULL;
    }
    relay->options = options;
    relay->shared = shared;
    relay->downlink =
        bf_downlink_create(options->max_payload, options->head_max, options->mqtt5, options->tls);
    if (relay->downlink == NULL) {
        free(relay);
        return NULL;
    }
    return relay;
}

void bf_relay_destroy(struct bf_relay *relay)
{
    if (relay) {
        bf_downlink_destroy(relay->downlink);
        free(relay);
    }
}

void bf_relay_begin(struct bf_relay *relay, uint64_t number)
{
    struct bf_relay_shared *shared = relay->shared;
    relay->number = number;
    relay->fault = NULL;
    relay->phase = relay->options->tls ? BF_RELAY_OPEN : BF_RELAY_GREETING;
    relay->out = (struct bf_slice){NULL, 0};
    relay->deadline_us = relay->told_us = 0;
    relay->is_news = relay->is_closed = false;
    bf_uplink_clear(&relay->uplink);
    bf_downlink_reset(relay->downlink);
    atomic_store(&shared->admitted, false);
    atomic_store(&shared->paused, false);
    atomic_store(&shared->probe, false);
    atomic_store(&shared->doomed, false);
    atomic_store(&shared->delivered, 0);
    atomic_store(&shared->released, 0);
}

bool bf_relay_is_severed(const struct bf_relay *relay)
{
    return atomic_load(&relay->shared->severed) >= relay->number;
}

/* ---- what may move now */

static uint64_t handed(const struct bf_relay *relay)
{
    return relay->options->port.handed(relay->options->port.context);
}

static uint64_t acked(const struct bf_relay *relay)
{
    return relay->options->port.acked(relay->options->port.context);
}

/* Room for the PUBACK of one message more: in the uplink, and in what may be unacknowledged. */
static bool is_window_open(struct bf_relay *relay)
{
    const struct bf_gate_port *port = &relay->options->port;
    const struct bf_relay_shared *shared = relay->shared;
    uint64_t open = atomic_load(&shared->delivered) - atomic_load(&shared->released);
    size_t room;
    (void)bf_uplink_room(&relay->uplink, &room);
    return open < relay->options->window_deliveries && room >= PUBACK_SIZE &&
           port->pending_bytes(port->context) < relay->options->window_bytes;
}

static bool may_pass(struct bf_relay *relay)
{
    const struct bf_relay_shared *shared = relay->shared;
    return !atomic_load_explicit(&shared->paused, memory_order_relaxed) && is_window_open(relay) &&
           (relay->phase != BF_RELAY_HOLDING || atomic_load(&shared->admitted));
}

bool bf_relay_wants_downlink(struct bf_relay *relay)
{
    return relay->out.len == 0 && may_pass(relay);
}

bool bf_relay_wants_uplink(struct bf_relay *relay)
{
    size_t room;
    (void)bf_uplink_room(&relay->uplink, &room);
    return room > 0 && !atomic_load(&relay->shared->doomed);
}

bool bf_relay_has_work(struct bf_relay *relay)
{
    return relay->is_stopped && bf_relay_wants_downlink(relay);
}

bool bf_relay_is_waiting(struct bf_relay *relay)
{
    bool held = !bf_uplink_is_empty(&relay->uplink) && bf_relay_to_broker(relay).len == 0;
    return held || (relay->out.len == 0 && !may_pass(relay));
}

bool bf_relay_is_quiet(const struct bf_relay *relay)
{
    const struct bf_relay_shared *shared = relay->shared;
    return atomic_load(&shared->released) == atomic_load(&shared->delivered) &&
           bf_uplink_is_empty(&relay->uplink);
}

/* ---- from Paho to the broker */

char *bf_relay_uplink_room(struct bf_relay *relay, size_t *room)
{
    return bf_uplink_room(&relay->uplink, room);
}

bool bf_relay_came_up(struct bf_relay *relay, size_t len, int64_t now_us)
{
    struct bf_relay_shared *shared = relay->shared;
    if (bf_relay_is_severed(relay)) {
        return false;
    }
    bf_uplink_came(&relay->uplink, len, handed(relay), atomic_load(&shared->delivered), now_us);
    if (atomic_load(&shared->probe)) { /* these are the last that leave */
        atomic_store(&shared->doomed, true);
        atomic_store(&shared->paused, false);
    }
    return true;
}

struct bf_slice bf_relay_to_broker(struct bf_relay *relay)
{
    return bf_uplink_due(&relay->uplink, acked(relay));
}

void bf_relay_gone_up(struct bf_relay *relay, size_t len, int64_t now_us)
{
    uint64_t deliveries;
    int64_t since_us;
    if (bf_uplink_left(&relay->uplink, len, &deliveries, &since_us)) {
        bf_count(relay->options->counters.wait_us, now_us - since_us);
        atomic_store(&relay->shared->released, deliveries);
    }
}

/* ---- from the broker */

/* Each byte buys the packet a little time, up to stall_us: a declared length that never comes, or that
 * drips, ends the connection. */
void bf_relay_came_down(struct bf_relay *relay, size_t len, int64_t now_us)
{
    bool begun = bf_downlink_is_inside(relay->downlink);
    int64_t longest = now_us + relay->options->stall_us;
    int64_t bought = relay->deadline_us + (int64_t)len * BF_US_PER_S / SLOWEST_BYTES_PER_S;
    relay->deadline_us = begun && bought < longest ? bought : longest;
    bf_downlink_came(relay->downlink, len);
}

/* Else a process that its successor has put out would go on taking what stands in its socket, and count its
 * PUBACKs as gone: as far as the broker's window reaches, farther than the gate's. */
void bf_relay_closed(struct bf_relay *relay)
{
    relay->is_closed = true;
}

bool bf_relay_is_in_time(struct bf_relay *relay, int64_t now_us)
{
    if (!bf_downlink_is_inside(relay->downlink) || !bf_relay_wants_downlink(relay)) {
        relay->deadline_us = now_us + relay->options->stall_us;
        return true;
    }
    if (now_us < relay->deadline_us) {
        return true;
    }
    relay->fault = "a packet's declared length does not come";
    return false;
}

char *bf_relay_downlink_room(struct bf_relay *relay, size_t *room)
{
    return bf_downlink_room(relay->downlink, room);
}

static bool is_greeted(struct bf_relay *relay, enum bf_packet_type type)
{
    if (relay->phase == BF_RELAY_GREETING) {
        relay->phase = BF_RELAY_HOLDING;
        relay->fault = type == BF_PACKET_CONNACK ? NULL : "the broker's first packet is no CONNACK";
    }
    return relay->fault == NULL;
}

static bool pass(struct bf_relay *relay, struct bf_slice bytes)
{
    relay->out = bytes;
    return relay->options->tls || is_greeted(relay, (enum bf_packet_type)((unsigned char)bytes.data[0] >> 4));
}

static void acknowledge(struct bf_relay *relay, uint16_t packet_id, int64_t now_us)
{
    size_t room;
    char *puback = bf_uplink_room(&relay->uplink, &room);
    puback[0] = (char)(BF_PACKET_PUBACK << 4);
    puback[1] = 2; /* version 5 means success by this, too */
    puback[2] = (char)(packet_id >> 8);
    puback[3] = (char)packet_id;
    uint64_t delivered = atomic_fetch_add(&relay->shared->delivered, 1) + 1;
    bf_uplink_came(&relay->uplink, PUBACK_SIZE, handed(relay), delivered, now_us);
}

static bool take(struct bf_relay *relay, const struct bf_mqtt_message *message, int64_t now_us)
{
    const struct bf_gate_port *port = &relay->options->port;
    if (!is_greeted(relay, BF_PACKET_PUBLISH) || bf_relay_is_severed(relay)) {
        return false;
    }
    relay->is_news = true;
    if (atomic_load(&relay->shared->doomed) || (relay->is_closed && message->qos > 0)) {
        return true; /* it will be delivered anew */
    }
    if (!port->take(port->context, message)) {
        return false;
    }
    bf_count(relay->options->counters.oversize, message->is_cut);
    if (message->qos > 0) {
        acknowledge(relay, message->packet_id, now_us);
    }
    return true;
}

/* Paho sees no PUBLISH, and would think that the broker is silent where its answer to a PINGREQ is far behind
 * many of them. So it hears a PINGRESP now and then while messages come, and only then. */
static void tell_news(struct bf_relay *relay, int64_t now_us)
{
    static const char pingresp[] = {(char)(BF_PACKET_PINGRESP << 4), 0};
    if (relay->is_news && now_us - relay->told_us >= NEWS_US) {
        relay->out = (struct bf_slice){pingresp, sizeof pingresp};
    }
}

bool bf_relay_work(struct bf_relay *relay, int64_t now_us)
{
    struct bf_slice bytes;
    struct bf_mqtt_message message;
    bool good = true, more = true;
    while (good && more && bf_relay_wants_downlink(relay)) {
        enum bf_downlink_event event = bf_downlink_next(relay->downlink, &bytes, &message);
        if (event != BF_DOWNLINK_MORE) {
            relay->deadline_us = now_us + relay->options->stall_us; /* of the packet behind it */
        }
        switch (event) {
        case BF_DOWNLINK_MORE:
            more = false;
            break;
        case BF_DOWNLINK_PASS:
            good = pass(relay, bytes);
            break;
        case BF_DOWNLINK_MESSAGE:
            good = take(relay, &message, now_us);
            break;
        case BF_DOWNLINK_BAD:
            relay->fault = bf_downlink_fault(relay->downlink);
            good = false;
            break;
        }
    }
    relay->is_stopped = more;
    if (good && relay->out.len == 0) {
        tell_news(relay, now_us);
    }
    return good;
}

struct bf_slice bf_relay_to_paho(const struct bf_relay *relay)
{
    return relay->out;
}

void bf_relay_gone_down(struct bf_relay *relay, size_t len, int64_t now_us)
{
    relay->out.data += len;
    relay->out.len -= len;
    relay->told_us = now_us;
    relay->is_news = false;
}
