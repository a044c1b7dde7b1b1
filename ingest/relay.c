/* relay.c: the bytes of one connection through the ack gate.
 * The order of reading matters: `handed` is asked *after* the uplink bytes were read. A PUBACK in them was
 * written after its callback had returned, so its readings are below that mark. */
#include "ingest/relay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/time.h"

#define SLOWEST_BYTES_PER_S 65536 /* a packet that has begun comes at least this fast, after stall_us */

struct bf_relay *bf__relay_create(const struct bf_gate_options *options, struct bf_relay_shared *shared)
{
    struct bf_relay *relay = calloc(1, sizeof *relay);
    if (relay == NULL) {
        return NULL;
    }
    relay->options = options;
    relay->shared = shared;
    relay->paho = relay->broker = -1;
    if (!options->tls) {
        relay->scanner = bf_scanner_create(options->max_payload, options->head_max, options->mqtt5);
        if (relay->scanner == NULL) {
            free(relay);
            return NULL;
        }
    }
    return relay;
}

void bf__relay_destroy(struct bf_relay *relay)
{
    if (relay) {
        bf_scanner_destroy(relay->scanner);
        free(relay);
    }
}

void bf__relay_begin(struct bf_relay *relay, int paho, int broker)
{
    relay->paho = paho;
    relay->broker = broker;
    relay->fault = NULL;
    relay->holding = false;
    relay->in_at = relay->in_len = 0;
    relay->out[0] = relay->out[1] = (struct bf_slice){NULL, 0};
    relay->deadline_us = 0;
    relay->front = 0;
    for (int i = 0; i < 2; i++) {
        relay->up[i].len = relay->up[i].sent = 0;
    }
    if (relay->scanner) {
        bf_scanner_reset(relay->scanner);
    }
    atomic_store(&relay->shared->uplink_empty, true);
}

static void close_one(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
        *fd = -1;
    }
}

void bf__relay_end(struct bf_relay *relay)
{
    close_one(&relay->paho);
    close_one(&relay->broker);
}

/* ---- what may move now */

static bool is_pending(const struct bf_relay *relay)
{
    return relay->out[0].len > 0 || relay->out[1].len > 0;
}

/* Deliveries that have passed and whose PUBACK has not left. Under TLS only the callback can count. */
static bool is_window_open(const struct bf_relay *relay)
{
    const struct bf_relay_shared *shared = relay->shared;
    uint64_t passed = atomic_load(relay->scanner ? &shared->passed : &shared->delivered);
    return passed - atomic_load(&shared->released) < relay->options->window_deliveries;
}

static bool may_pass(const struct bf_relay *relay)
{
    return !atomic_load(&relay->shared->paused) && is_window_open(relay) &&
           (!relay->holding || atomic_load(&relay->shared->admitted));
}

static bool may_read(const struct bf_relay *relay)
{
    const struct bf_gate_port *kafka = &relay->options->kafka;
    return may_pass(relay) && kafka->pending_bytes(kafka->context) < relay->options->window_bytes;
}

static bool may_collect(const struct bf_relay *relay)
{
    return relay->up[1 - relay->front].len < BF_RELAY_SEGMENT && !atomic_load(&relay->shared->doomed);
}

static bool is_released(const struct bf_relay *relay)
{
    const struct bf_relay_segment *front = &relay->up[relay->front];
    const struct bf_gate_port *kafka = &relay->options->kafka;
    return front->len > 0 && kafka->acked(kafka->context) >= front->mark;
}

void bf__relay_interest(const struct bf_relay *relay, struct pollfd fds[2])
{
    fds[0] = (struct pollfd){.fd = relay->paho};
    fds[1] = (struct pollfd){.fd = relay->broker, .events = POLLRDHUP};
    if (may_collect(relay)) {
        fds[0].events |= POLLIN;
    }
    if (is_pending(relay)) {
        fds[0].events |= POLLOUT;
    } else if (may_read(relay)) {
        fds[1].events |= POLLIN;
    }
    if (is_released(relay)) {
        fds[1].events |= POLLOUT;
    }
}

bool bf__relay_is_waiting(const struct bf_relay *relay)
{
    return (relay->up[relay->front].len > 0 && !is_released(relay)) ||
           (!is_pending(relay) && !may_read(relay));
}

/* ---- uplink */

/* -1: over; 0: nothing now; else bytes. */
static ssize_t receive(int fd, char *data, size_t room)
{
    ssize_t n = recv(fd, data, room, 0);
    if (n > 0) {
        return n;
    }
    return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

static bool collect(struct bf_relay *relay, int64_t now_us)
{
    struct bf_relay_shared *shared = relay->shared;
    struct bf_relay_segment *back = &relay->up[1 - relay->front];
    if (!may_collect(relay)) {
        return true;
    }
    ssize_t n = receive(relay->paho, back->data + back->len, BF_RELAY_SEGMENT - back->len);
    if (n < 0 || atomic_load(&shared->severed) >= relay->number) {
        return false;
    }
    if (n == 0) {
        return true;
    }
    atomic_store(&shared->uplink_empty, false);
    if (back->len == 0) {
        back->since_us = now_us;
    }
    back->len += (size_t)n;
    back->mark = relay->options->kafka.handed(relay->options->kafka.context);
    back->deliveries = atomic_load(&shared->delivered);
    if (atomic_load(&shared->probe)) { /* these are the last that leave */
        atomic_store(&shared->doomed, true);
        atomic_store(&shared->paused, false);
    }
    return true;
}

static bool release(struct bf_relay *relay, int64_t now_us)
{
    for (;;) {
        struct bf_relay_segment *front = &relay->up[relay->front];
        if (front->len == 0) {
            if (relay->up[1 - relay->front].len == 0) {
                atomic_store(&relay->shared->uplink_empty, true);
                return true;
            }
            relay->front = 1 - relay->front;
            continue;
        }
        if (!is_released(relay)) {
            return true;
        }
        ssize_t n = send(relay->broker, front->data + front->sent, front->len - front->sent, MSG_NOSIGNAL);
        if (n < 0) {
            return errno == EAGAIN || errno == EINTR;
        }
        front->sent += (size_t)n;
        if (front->sent < front->len) {
            return true;
        }
        bf_count(relay->options->counters.wait_us, now_us - front->since_us);
        atomic_store(&relay->shared->released, front->deliveries);
        front->len = front->sent = 0;
    }
}

/* ---- downlink */

static bool flush(struct bf_relay *relay)
{
    for (int i = 0; i < 2; i++) {
        struct bf_slice *out = &relay->out[i];
        while (out->len > 0) {
            ssize_t n = send(relay->paho, out->data, out->len, MSG_NOSIGNAL);
            if (n < 0) {
                return errno == EAGAIN || errno == EINTR;
            }
            out->data += n;
            out->len -= (size_t)n;
        }
    }
    return true;
}

static void count_packet(struct bf_relay *relay)
{
    enum bf_packet_type type = bf_scanner_type(relay->scanner);
    if (type == BF_PACKET_PUBLISH && bf_scanner_qos(relay->scanner) > 0) {
        atomic_fetch_add(&relay->shared->passed, 1);
    } else if (type == BF_PACKET_CONNACK) {
        relay->holding = true;
    }
}

/* Cuts what has been read into packets, as far as they may pass. */
static bool scan(struct bf_relay *relay)
{
    const char *start = relay->in + relay->in_at;
    size_t through = 0;
    bool pass = true;
    enum bf_scan_event event = BF_SCAN_PACKET;
    while (pass && event == BF_SCAN_PACKET && relay->in_at < relay->in_len && may_pass(relay)) {
        size_t taken;
        event = bf_scanner_feed(relay->scanner,
                                (struct bf_slice){relay->in + relay->in_at, relay->in_len - relay->in_at},
                                &taken, &pass);
        relay->in_at += taken;
        through += pass ? taken : 0;
        if (event == BF_SCAN_PACKET) {
            count_packet(relay);
        }
    }
    relay->out[0] = (struct bf_slice){start, through};
    if (event == BF_SCAN_OVERSIZE) {
        count_packet(relay);
        bf_count(relay->options->counters.oversize, 1);
        relay->out[1] = bf_scanner_replacement(relay->scanner);
    }
    if (event == BF_SCAN_BAD) {
        relay->fault = bf_scanner_fault(relay->scanner);
    }
    return event != BF_SCAN_BAD;
}

static void take_all(struct bf_relay *relay)
{
    relay->out[0] = (struct bf_slice){relay->in + relay->in_at, relay->in_len - relay->in_at};
    relay->in_at = relay->in_len;
}

/* Each byte buys the packet a little time, up to stall_us: a declared length that never comes, or that
 * drips, ends the connection. */
static void extend(struct bf_relay *relay, size_t bytes, int64_t now_us)
{
    int64_t longest = now_us + relay->options->stall_us;
    bool begun = relay->scanner && bf_scanner_inside(relay->scanner);
    int64_t bought = relay->deadline_us + (int64_t)bytes * BF_US_PER_S / SLOWEST_BYTES_PER_S;
    relay->deadline_us = begun && bought < longest ? bought : longest;
}

static bool is_stalled(struct bf_relay *relay, int64_t now_us)
{
    bool begun = relay->scanner && (bf_scanner_inside(relay->scanner) || relay->in_at < relay->in_len);
    if (!begun || is_pending(relay) || !may_read(relay)) {
        relay->deadline_us = now_us + relay->options->stall_us;
        return false;
    }
    if (now_us < relay->deadline_us) {
        return false;
    }
    relay->fault = "a packet's declared length does not come";
    return true;
}

/* A read that does not fill the room has emptied the socket. */
static bool fill(struct bf_relay *relay, int64_t now_us, bool *dry)
{
    size_t left = relay->in_len - relay->in_at;
    memmove(relay->in, relay->in + relay->in_at, left); /* at most part of a fixed header */
    relay->in_at = 0;
    relay->in_len = left;
    ssize_t n = receive(relay->broker, relay->in + left, BF_RELAY_INPUT - left);
    if (n < 0) {
        return false;
    }
    *dry = (size_t)n < BF_RELAY_INPUT - left;
    if (n > 0) {
        relay->in_len += (size_t)n;
        extend(relay, (size_t)n, now_us);
    }
    return true;
}

static bool move_down(struct bf_relay *relay, bool dry, int64_t now_us)
{
    for (int round = 0; round < 32; round++) { /* bounded, so that the uplink gets its turn */
        if (!flush(relay)) {
            return false;
        }
        if (is_pending(relay)) {
            return true;
        }
        size_t before = relay->in_at;
        if (relay->in_at < relay->in_len) {
            if (relay->scanner == NULL) {
                take_all(relay);
            } else if (!scan(relay)) {
                return false;
            }
        }
        if (relay->in_at != before) {
            continue;
        }
        if (dry || !may_read(relay)) {
            return true;
        }
        if (!fill(relay, now_us, &dry)) {
            return false;
        }
    }
    return flush(relay);
}

bool bf__relay_turn(struct bf_relay *relay, const struct pollfd fds[2], int64_t now_us)
{
    if ((fds[0].revents | fds[1].revents) & (POLLERR | POLLNVAL)) {
        return false;
    }
    if (fds[0].revents & (POLLIN | POLLHUP) && !collect(relay, now_us)) {
        return false;
    }
    bool dry = (fds[1].revents & (POLLIN | POLLHUP | POLLRDHUP)) == 0;
    if (!release(relay, now_us) || !move_down(relay, dry, now_us)) {
        return false;
    }
    bool gone = fds[1].revents & (POLLRDHUP | POLLHUP);
    if (gone && !is_pending(relay) && !may_read(relay)) {
        return false; /* closed while we do not read: nothing that it still brings is lost to us */
    }
    return !is_stalled(relay, now_us);
}
