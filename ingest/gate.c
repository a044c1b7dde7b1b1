/* gate.c: the gate's thread: lets Paho in, reaches the broker, and moves bytes between the two sockets and
 * the relay, which decides.
 * Declined: a thread for each direction: one poll loop needs no locks between them. */
#include "ingest/gate.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
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
#include "ingest/proxy.h"
#include "ingest/relay.h"

#define WAIT_MS 10   /* a reserve where the main thread is too busy to wake us */
#define IDLE_MS 1000 /* stalls are noticed within this */
#define PACE_US 1000 /* under load a turn moves what has come in this time, */
#define PACE_BURST 8 /* but a message that comes alone takes a few turns, and does not wait */

struct bf_gate {
    struct bf_gate_options options;
    char host[256];
    struct bf_relay_shared shared;
    struct bf_relay *relay;
    pthread_mutex_t busy; /* of the relay: held while it works, so that others can wait for the end of that */
    pthread_t thread;
    atomic_bool stopping;
    atomic_bool waiting; /* the thread wants to know of delivery reports */
    _Atomic(const char *) fault;
    int wake, listener;
    uint16_t port;
    struct bf_pace pace;
    int paho, broker;      /* -1: not connected */
    bool is_taken;         /* somebody came through the door since it was opened */
    struct bf_proxy proxy; /* TLS: Paho before it has asked for the broker */
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

void bf_gate_join(struct bf_gate *gate)
{
    pthread_mutex_lock(&gate->busy);
    pthread_mutex_unlock(&gate->busy);
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

bool bf_gate_is_quiet(struct bf_gate *gate)
{
    if (pthread_mutex_trylock(&gate->busy) != 0) {
        return false;
    }
    bool quiet = bf_relay_is_quiet(gate->relay);
    pthread_mutex_unlock(&gate->busy);
    return quiet;
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

static void close_one(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
        *fd = -1;
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
    close_one(&gate->paho);
    close_one(&gate->broker);
    bf_proxy_end(&gate->proxy);
}

/* Paho is at the door; under TLS it has said where it wants to go (always the broker). */
static void reach(struct bf_gate *gate, int paho)
{
    struct bf_err err;
    int broker;
    if (bf_dial_connect(gate->options.host, gate->options.broker_port, gate->options.connect_timeout_ms,
                        gate->wake, &broker, &err) != BF_OK) {
        bf_log_err(BF_LOG_WARN, "gate.unreachable", &err);
        close(paho);
        return;
    }
    if (gate->options.tls && !bf_proxy_agree(paho)) {
        close(broker);
        close(paho);
        return;
    }
    gate->paho = paho;
    gate->broker = broker;
}

/* One for each time that the door is opened. */
static void let_in(struct bf_gate *gate)
{
    int paho = bf_dial_accept(gate->listener);
    if (paho < 0) {
        return;
    }
    gate->is_taken = true;
    if (gate->options.tls) {
        bf_proxy_begin(&gate->proxy, paho, bf_time_monotonic_us());
    } else {
        reach(gate, paho);
    }
}

static void listen_to(struct bf_gate *gate)
{
    int paho = bf_proxy_turn(&gate->proxy, bf_time_monotonic_us());
    if (paho >= 0) {
        reach(gate, paho);
    }
}

static void unring(struct bf_gate *gate)
{
    uint64_t rings;
    ssize_t n = read(gate->wake, &rings, sizeof rings);
    (void)n;
}

/* Ends what is over and opens the door for the connection that is armed. */
static void follow(struct bf_gate *gate)
{
    uint64_t armed = atomic_load(&gate->shared.armed);
    if (armed == gate->relay->number && !bf_relay_is_severed(gate->relay)) {
        return;
    }
    drop(gate);
    if (armed != gate->relay->number) {
        pthread_mutex_lock(&gate->busy);
        bf_relay_begin(gate->relay, armed);
        pthread_mutex_unlock(&gate->busy);
        gate->is_taken = false;
    }
}

/* ---- between the sockets and the relay. False: the connection is over. */

/* -1: over; 0: nothing now; else bytes. */
static ssize_t receive(int fd, char *data, size_t room)
{
    ssize_t n = recv(fd, data, room, 0);
    if (n > 0) {
        return n;
    }
    return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

static bool from_paho(struct bf_gate *gate, int64_t now_us)
{
    size_t room;
    if (!bf_relay_wants_uplink(gate->relay)) {
        return true;
    }
    char *data = bf_relay_uplink_room(gate->relay, &room);
    ssize_t n = receive(gate->paho, data, room);
    return n >= 0 && (n == 0 || bf_relay_came_up(gate->relay, (size_t)n, now_us));
}

static bool to_broker(struct bf_gate *gate, int64_t now_us)
{
    struct bf_slice due;
    while ((due = bf_relay_to_broker(gate->relay)).len > 0) {
        ssize_t n = send(gate->broker, due.data, due.len, MSG_NOSIGNAL);
        if (n < 0) {
            return errno == EAGAIN || errno == EINTR;
        }
        bf_relay_gone_up(gate->relay, (size_t)n, now_us);
    }
    return true;
}

static bool from_broker(struct bf_gate *gate, int64_t now_us)
{
    size_t room;
    char *data = bf_relay_downlink_room(gate->relay, &room);
    if (room == 0) {
        return true;
    }
    ssize_t n = receive(gate->broker, data, room);
    if (n > 0) {
        bf_relay_came_down(gate->relay, (size_t)n, now_us);
    }
    return n >= 0;
}

static bool work(struct bf_gate *gate, int64_t now_us)
{
    while (bf_relay_work(gate->relay, now_us)) {
        struct bf_slice out = bf_relay_to_paho(gate->relay);
        if (out.len == 0) {
            return true;
        }
        ssize_t n = send(gate->paho, out.data, out.len, MSG_NOSIGNAL);
        if (n < 0) {
            return errno == EAGAIN || errno == EINTR;
        }
        bf_relay_gone_down(gate->relay, (size_t)n, now_us);
    }
    return false;
}

/* One read of each side: what one turn moves is bounded. */
static bool move(struct bf_gate *gate, const struct pollfd *paho, const struct pollfd *broker, int64_t now_us)
{
    struct bf_relay *relay = gate->relay;
    if ((paho->revents | broker->revents) & (POLLERR | POLLNVAL)) {
        return false;
    }
    if (paho->revents & (POLLIN | POLLHUP) && !from_paho(gate, now_us)) {
        return false;
    }
    bool gone = broker->revents & (POLLRDHUP | POLLHUP);
    if (gone) {
        bf_relay_closed(relay);
    }
    if (bf_relay_wants_downlink(relay)) {
        if ((broker->revents & POLLIN || gone) && !from_broker(gate, now_us)) {
            return false;
        }
    } else if (gone && bf_relay_to_paho(relay).len == 0) {
        return false; /* closed while we do not read: nothing that it still brings is lost to us */
    }
    return work(gate, now_us) && to_broker(gate, now_us) && bf_relay_is_in_time(relay, now_us);
}

static void interest(struct bf_gate *gate, struct pollfd *paho, struct pollfd *broker)
{
    struct bf_relay *relay = gate->relay;
    *paho = (struct pollfd){.fd = gate->paho};
    *broker = (struct pollfd){.fd = gate->broker, .events = POLLRDHUP};
    if (bf_relay_wants_uplink(relay)) {
        paho->events |= POLLIN;
    }
    if (bf_relay_to_paho(relay).len > 0) {
        paho->events |= POLLOUT;
    } else if (bf_relay_wants_downlink(relay)) {
        broker->events |= POLLIN;
    }
    if (bf_relay_to_broker(relay).len > 0) {
        broker->events |= POLLOUT;
    }
}

static int patience_ms(struct bf_gate *gate, bool waits)
{
    bool ready = gate->paho >= 0 && bf_relay_has_work(gate->relay);
    return ready ? 0 : waits ? WAIT_MS : IDLE_MS;
}

static bool move_or_drop(struct bf_gate *gate, const struct pollfd *paho, const struct pollfd *broker)
{
    int64_t now_us = bf_time_monotonic_us();
    bf_pace_turn(&gate->pace, now_us);
    pthread_mutex_lock(&gate->busy);
    bool over = bf_relay_is_severed(gate->relay);
    if (!over && gate->paho >= 0) {
        over = !move(gate, paho, broker, now_us);
    }
    pthread_mutex_unlock(&gate->busy);
    if (over) {
        drop(gate);
    }
    return !over;
}

static void turn(struct bf_gate *gate)
{
    enum { WAKE, DOOR, ASKING, PAHO, BROKER, COUNT };
    follow(gate);
    atomic_store(&gate->waiting, true); /* before we look: a ring after this is not lost */
    bool is_open = !gate->is_taken && !bf_relay_is_severed(gate->relay);
    struct pollfd fds[COUNT] = {
        [WAKE] = {.fd = gate->wake, .events = POLLIN},
        [DOOR] = {.fd = is_open ? gate->listener : -1, .events = POLLIN},
        [ASKING] = {.fd = gate->proxy.fd, .events = POLLIN},
        [PAHO] = {.fd = -1},
        [BROKER] = {.fd = -1},
    };
    bool waits = gate->paho >= 0 && bf_relay_is_waiting(gate->relay);
    if (gate->paho >= 0) {
        interest(gate, &fds[PAHO], &fds[BROKER]);
    }
    if (!waits) {
        atomic_store(&gate->waiting, false);
    }
    int ready = poll(fds, COUNT, patience_ms(gate, waits));
    if (ready < 0) {
        assert(errno == EINTR);
        return;
    }
    if (fds[WAKE].revents) {
        unring(gate);
    }
    if (ready == 0 && waits) {
        gate->options.port.serve(gate->options.port.context);
    }
    if (!move_or_drop(gate, &fds[PAHO], &fds[BROKER])) {
        return;
    }
    if (gate->proxy.fd >= 0) {
        listen_to(gate);
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
    gate->listener = gate->paho = gate->broker = -1;
    bf_proxy_init(&gate->proxy);
    pthread_mutex_init(&gate->busy, NULL);
    gate->pace = (struct bf_pace){.every_us = PACE_US, .burst = PACE_BURST};
    gate->relay = bf_relay_create(&gate->options, &gate->shared);
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
    bf_relay_destroy(gate->relay);
    pthread_mutex_destroy(&gate->busy);
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
    bf_relay_destroy(gate->relay);
    pthread_mutex_destroy(&gate->busy);
    free(gate);
}
