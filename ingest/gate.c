/* gate.c: the gate's thread: lets Paho in, reaches the broker, runs the relay.
 * Declined: a thread for each direction: one poll loop needs no locks, and the relay is a few per
 * cent of what
 * Paho itself costs. */
#include "ingest/gate.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/log.h"
#include "core/time.h"
#include "ingest/dial.h"
#include "ingest/pace.h"
#include "ingest/relay.h"

#define WAIT_MS 10     /* a reserve where the main thread is too busy to wake us */
#define IDLE_MS 1000   /* stalls are noticed within this */
#define PACE_US 1000   /* under load a turn moves what has come in this time, */
#define PACE_BURST 8   /* but a message that comes alone takes a few turns, and does not wait */
#define PROXY_MAX 4096 /* bytes of an HTTP CONNECT request */
#define PROXY_US (10 * BF_US_PER_S)

struct bf_gate {
    struct bf_gate_options options;
    char host[256];
    struct bf_relay_shared shared;
    struct bf_relay *relay;
    pthread_t thread;
    atomic_bool stopping;
    atomic_bool waiting; /* the thread wants to know of delivery reports */
    _Atomic(const char *) fault;
    int wake, listener;
    uint16_t port;
    struct bf_pace pace;
    int asking; /* Paho's socket before its CONNECT is read (TLS); -1: none */
    int64_t asking_until_us;
    size_t request_len;
    char request[PROXY_MAX];
};

/* ---- commands, from any thread */

static void ring(struct bf_gate *gate)
{
    uint64_t one = 1;
    ssize_t n = write(gate->wake, &one, sizeof one); /* fails only when it is full of rings already */
    (void)n;
}

void bf_gate_arm(struct bf_gate *gate)
{
    atomic_store(&gate->fault, NULL);
    atomic_fetch_add(&gate->shared.armed, 1);
    ring(gate);
}

void bf_gate_sever(struct bf_gate *gate)
{
    atomic_store(&gate->shared.severed, atomic_load(&gate->shared.armed));
    ring(gate);
}

void bf_gate_admit(struct bf_gate *gate)
{
    atomic_store(&gate->shared.admitted, true);
    ring(gate);
}

void bf_gate_delivered(struct bf_gate *gate)
{
    atomic_fetch_add(&gate->shared.delivered, 1);
}

void bf_gate_wake(struct bf_gate *gate)
{
    if (atomic_load(&gate->waiting)) {
        ring(gate);
    }
}

void bf_gate_pause(struct bf_gate *gate)
{
    atomic_store(&gate->shared.paused, true);
    ring(gate);
}

bool bf_gate_is_quiet(const struct bf_gate *gate)
{
    const struct bf_relay_shared *shared = &gate->shared;
    uint64_t delivered = atomic_load(&shared->delivered);
    return (gate->options.tls || atomic_load(&shared->passed) == delivered) &&
           atomic_load(&shared->released) == delivered && atomic_load(&shared->uplink_empty);
}

void bf_gate_probe(struct bf_gate *gate)
{
    atomic_store(&gate->shared.probe, true);
}

bool bf_gate_is_doomed(const struct bf_gate *gate)
{
    return atomic_load(&gate->shared.doomed);
}

const char *bf_gate_fault(const struct bf_gate *gate)
{
    return atomic_load(&gate->fault);
}

uint64_t bf_gate_unacknowledged(const struct bf_gate *gate)
{
    uint64_t released = atomic_load(&gate->shared.released);
    uint64_t delivered = atomic_load(&gate->shared.delivered);
    return delivered > released ? delivered - released : 0;
}

uint16_t bf_gate_listens(const struct bf_gate *gate)
{
    return gate->port;
}

/* ---- the gate's thread */

static void drop_asking(struct bf_gate *gate)
{
    if (gate->asking >= 0) {
        close(gate->asking);
        gate->asking = -1;
    }
}

static void drop(struct bf_gate *gate)
{
    if (gate->relay->fault) {
        atomic_store(&gate->fault, gate->relay->fault);
        bf_count(gate->options.counters.faults, 1);
        bf_log(BF_LOG_WARN, "gate.fault", "reason=%s", gate->relay->fault);
        gate->relay->fault = NULL;
    }
    bf__relay_end(gate->relay);
    drop_asking(gate);
}

/* Paho is at the door; under TLS it has said where it wants to go (always the broker). */
static void reach(struct bf_gate *gate, int paho)
{
    struct bf_err err;
    int broker;
    if (bf_dial_connect(gate->options.host, gate->options.port, gate->options.connect_timeout_ms, gate->wake,
                        &broker, &err) != BF_OK) {
        bf_log_err(BF_LOG_WARN, "gate.unreachable", &err);
        close(paho);
        return;
    }
    static const char answer[] = "HTTP/1.1 200 Connection established\r\n\r\n";
    if (gate->options.tls &&
        send(paho, answer, sizeof answer - 1, MSG_NOSIGNAL) != (ssize_t)(sizeof answer - 1)) {
        close(broker);
        close(paho);
        return;
    }
    bf__relay_begin(gate->relay, paho, broker);
}

static void let_in(struct bf_gate *gate)
{
    int paho = bf_dial_accept(gate->listener);
    if (paho < 0) {
        return;
    }
    drop(gate); /* a new attempt ends the one before */
    if (!gate->options.tls) {
        reach(gate, paho);
        return;
    }
    gate->asking = paho;
    gate->request_len = 0;
    gate->asking_until_us = bf_time_monotonic_us() + PROXY_US;
}

/* The CONNECT request ends with an empty line. What stands in it does not matter: there is one broker. */
static void listen_to(struct bf_gate *gate, short revents)
{
    if (revents == 0) {
        if (bf_time_monotonic_us() > gate->asking_until_us) {
            drop_asking(gate);
        }
        return;
    }
    ssize_t n =
        recv(gate->asking, gate->request + gate->request_len, sizeof gate->request - gate->request_len, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (n > 0) {
        gate->request_len += (size_t)n;
        if (gate->request_len >= 8 && memcmp(gate->request, "CONNECT ", 8) == 0 &&
            memcmp(gate->request + gate->request_len - 4, "\r\n\r\n", 4) == 0) {
            int paho = gate->asking;
            gate->asking = -1;
            reach(gate, paho);
            return;
        }
    }
    if (n <= 0 || gate->request_len == sizeof gate->request) {
        drop_asking(gate);
    }
}

static void unring(struct bf_gate *gate)
{
    uint64_t rings;
    ssize_t n = read(gate->wake, &rings, sizeof rings);
    (void)n;
}

static bool is_severed(const struct bf_gate *gate)
{
    return atomic_load(&gate->shared.severed) >= gate->relay->number;
}

/* Ends what is over and opens the door for the connection that is armed. */
static void follow(struct bf_gate *gate)
{
    struct bf_relay_shared *shared = &gate->shared;
    uint64_t armed = atomic_load(&shared->armed);
    if (armed == gate->relay->number && !is_severed(gate)) {
        return;
    }
    drop(gate);
    if (armed != gate->relay->number) {
        atomic_store(&shared->admitted, false);
        atomic_store(&shared->paused, false);
        atomic_store(&shared->probe, false);
        atomic_store(&shared->doomed, false);
        atomic_store(&shared->passed, 0);
        atomic_store(&shared->delivered, 0);
        atomic_store(&shared->released, 0);
        gate->relay->number = armed;
    }
}

static void turn(struct bf_gate *gate)
{
    enum { WAKE, DOOR, ASKING, PAHO, BROKER, COUNT };
    struct bf_relay *relay = gate->relay;
    follow(gate);
    atomic_store(&gate->waiting, true); /* before we look: a ring after this is not lost */
    struct pollfd fds[COUNT] = {
        [WAKE] = {.fd = gate->wake, .events = POLLIN},
        [DOOR] = {.fd = is_severed(gate) ? -1 : gate->listener, .events = POLLIN},
        [ASKING] = {.fd = gate->asking, .events = POLLIN},
        [PAHO] = {.fd = -1},
        [BROKER] = {.fd = -1},
    };
    bool connected = relay->paho >= 0;
    bool waits = connected && bf__relay_is_waiting(relay);
    if (connected) {
        bf__relay_interest(relay, &fds[PAHO]);
    }
    if (!waits) {
        atomic_store(&gate->waiting, false);
    }
    int ready = poll(fds, COUNT, waits ? WAIT_MS : IDLE_MS);
    if (ready < 0) {
        assert(errno == EINTR);
        return;
    }
    if (fds[WAKE].revents) {
        unring(gate);
    }
    if (ready == 0 && waits) {
        gate->options.kafka.serve(gate->options.kafka.context);
    }
    if (is_severed(gate)) {
        return;
    }
    int64_t now_us = bf_time_monotonic_us();
    bf_pace_turn(&gate->pace, now_us);
    if (connected && !bf__relay_turn(relay, &fds[PAHO], now_us)) {
        drop(gate);
    }
    if (gate->asking >= 0) {
        listen_to(gate, fds[ASKING].revents);
    }
    if (fds[DOOR].revents) {
        let_in(gate);
    }
}

static void *run(void *context)
{
    struct bf_gate *gate = context;
    while (!atomic_load(&gate->stopping)) {
        bf_pace_wait(&gate->pace, gate->wake);
        turn(gate);
    }
    drop(gate);
    return NULL;
}

enum bf_status bf_gate_start(const struct bf_gate_options *options, struct bf_gate **result,
                             struct bf_err *err)
{
    struct bf_gate *gate = calloc(1, sizeof *gate);
    if (gate == NULL) {
        return bf_err_set(err, BF_FATAL, "out of memory");
    }
    gate->options = *options;
    snprintf(gate->host, sizeof gate->host, "%s", options->host);
    gate->options.host = gate->host;
    gate->asking = gate->listener = -1;
    gate->pace = (struct bf_pace){.every_us = PACE_US, .burst = PACE_BURST};
    gate->relay = bf__relay_create(&gate->options, &gate->shared);
    gate->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    enum bf_status status = BF_FATAL;
    if (gate->relay == NULL || gate->wake < 0) {
        bf_err_set(err, BF_FATAL, "out of memory");
        goto out;
    }
    status = bf_dial_listen(&gate->listener, &gate->port, err);
    if (status != BF_OK) {
        goto out;
    }
    if (pthread_create(&gate->thread, NULL, run, gate) != 0) {
        status = bf_err_set(err, BF_FATAL, "could not start the gate's thread");
        goto out;
    }
    *result = gate;
    return BF_OK;
out:
    if (gate->listener >= 0) {
        close(gate->listener);
    }
    if (gate->wake >= 0) {
        close(gate->wake);
    }
    bf__relay_destroy(gate->relay);
    free(gate);
    return status;
}

void bf_gate_stop(struct bf_gate *gate)
{
    if (gate == NULL) {
        return;
    }
    bf_gate_sever(gate);
    atomic_store(&gate->stopping, true);
    ring(gate);
    pthread_join(gate->thread, NULL);
    close(gate->listener);
    close(gate->wake);
    bf__relay_destroy(gate->relay);
    free(gate);
}
