/* gate.c: see gate.h. What the real gate's thread does, in its order: bytes from Paho, bytes from the broker,
 * work, bytes to the broker. */
#include "tests/sim/gate.h"

#include <assert.h>
#include <string.h>

#include "ingest/relay.h"
#include "tests/sim/kafka.h"
#include "tests/sim/mqtt_codec.h"

#define TURN_US (30 * BF_US_PER_MS)
#define WAIT_US (400 * BF_US_PER_MS)
#define IDLE_US (20 * SECOND)

struct bf_gate {
    bool used, is_taken, connected, stopping;
    bool busy; /* as the real one's mutex: `take` may wait */
    struct sim_process *process;
    struct bf_gate_options options;
    struct bf_relay_shared shared;
    struct bf_relay *relay;
    struct sim_link *link; /* NULL until the broker has read CONNECT */
    struct sim_pipe up, down;
    const char *fault;
};
static struct bf_gate gates[SIM_INGESTS];

void sim_gate_reset(void)
{
    memset(gates, 0, sizeof(gates));
}

struct bf_gate *sim_gate_of(const struct sim_process *process)
{
    return &gates[process->number];
}

/* ---- Paho's side */
bool sim_gate_dial(struct bf_gate *gate)
{
    if (!gate->used || gate->is_taken ||
        atomic_load(&gate->shared.armed) <= atomic_load(&gate->shared.severed) ||
        sim_now() < sim_mqtt_away_us) {
        return false;
    }
    gate->is_taken = gate->connected = true;
    gate->up.len = gate->down.len = 0;
    gate->link = NULL;
    return true;
}

void sim_gate_write(struct bf_gate *gate, const void *bytes, size_t len)
{
    assert(len <= SIM_PIPE - gate->up.len);
    memcpy(gate->up.bytes + gate->up.len, bytes, len);
    gate->up.len += len;
    sim_wake(gate->process);
}

struct sim_pipe *sim_gate_read(struct bf_gate *gate)
{
    return gate->connected ? &gate->down : NULL;
}

static void drop(struct bf_gate *gate)
{
    bool just_woken = sim_now() < gate->process->woken_us + SECOND; /* what it waited for came in its sleep */
    if (gate->connected && gate->relay != NULL && gate->relay->fault != NULL && !just_woken) {
        sim_fail("gate", "%s", gate->relay->fault); /* the simulated broker is no hostile one */
    }
    if (gate->link != NULL) {
        sim_mqtt_close(gate->link);
        gate->link = NULL;
    }
    gate->connected = false;
    sim_wake(gate->process);
}

void sim_gate_hang_up(struct bf_gate *gate)
{
    if (gate->used && gate->connected) {
        drop(gate);
    }
}

/* ---- the broker's side */
static bool read_by_broker(struct bf_gate *gate, struct bf_slice bytes)
{
    struct sim_packet packet;
    while (sim_packet_next(&bytes, &packet)) {
        if (packet.type == SIM_CONNECT) {
            bool kept;
            gate->link = sim_mqtt_connect(gate->process->number % SIM_IDS, &kept);
        } else if (gate->link != NULL && packet.type == SIM_SUBSCRIBE) {
            sim_mqtt_subscribe(gate->link);
        } else if (gate->link != NULL && packet.type == SIM_PUBLISH) {
            sim_mqtt_publish(gate->process->number % SIM_IDS, packet.topic, packet.payload);
            sim_mqtt_answer(gate->link, SIM_PUBACK, packet.packet_id);
        } else if (gate->link != NULL && packet.type == SIM_PUBACK) {
            sim_mqtt_puback(gate->link, packet.packet_id);
        }
        if (gate->link == NULL) {
            return false;
        }
    }
    assert(bytes.len == 0); /* the relay passes whole packets on */
    return true;
}

/* The broker's bytes, in pieces of any size. */
static void from_broker(struct bf_gate *gate)
{
    size_t room, some = 1 + sim_draw(SIM_BROKER, 400);
    char *data = bf_relay_downlink_room(gate->relay, &room);
    size_t len = sim_mqtt_read(gate->link, data, room < some ? room : some);
    if (len > 0) {
        bf_relay_came_down(gate->relay, len, bf_time_monotonic_us());
    }
}

/* ---- the gate's thread */
static void take_from_paho(struct bf_gate *gate)
{
    size_t room;
    if (gate->up.len > 0 && bf_relay_wants_uplink(gate->relay)) {
        char *data = bf_relay_uplink_room(gate->relay, &room);
        if (room >= gate->up.len) {
            size_t len = gate->up.len;
            memcpy(data, gate->up.bytes, len);
            gate->up.len = 0;
            gate->connected = bf_relay_came_up(gate->relay, len, bf_time_monotonic_us()) && gate->connected;
        }
    }
}

static bool work(struct bf_gate *gate)
{
    while (bf_relay_work(gate->relay, bf_time_monotonic_us())) {
        struct bf_slice out = bf_relay_to_paho(gate->relay);
        if (out.len == 0 || out.len > SIM_PIPE - gate->down.len) {
            return true;
        }
        memcpy(gate->down.bytes + gate->down.len, out.data, out.len);
        gate->down.len += out.len;
        bf_relay_gone_down(gate->relay, out.len, bf_time_monotonic_us());
        sim_wake(gate->process);
    }
    return false;
}

static bool to_broker(struct bf_gate *gate)
{
    struct bf_slice due;
    while ((due = bf_relay_to_broker(gate->relay)).len > 0) {
        char bytes[2048];
        assert(due.len <= sizeof(bytes));
        memcpy(bytes, due.data, due.len);
        bf_relay_gone_up(gate->relay, due.len, bf_time_monotonic_us());
        if (!read_by_broker(gate, (struct bf_slice){bytes, due.len})) {
            return false;
        }
    }
    return true;
}

static bool move(struct bf_gate *gate)
{
    take_from_paho(gate);
    if (gate->link != NULL && !gate->link->alive) {
        bf_relay_closed(gate->relay); /* what is on the wire is still read */
        if (!sim_mqtt_has_next(gate->link)) {
            return false;
        }
    }
    if (gate->link != NULL && bf_relay_wants_downlink(gate->relay)) {
        from_broker(gate);
    } else if (gate->link != NULL && !gate->link->alive) {
        return false;
    }
    return work(gate) && to_broker(gate) && bf_relay_is_in_time(gate->relay, bf_time_monotonic_us());
}

static int64_t patience_us(struct bf_gate *gate)
{
    bool ready =
        gate->connected &&
        (bf_relay_has_work(gate->relay) || bf_relay_to_broker(gate->relay).len > 0 ||
         (gate->link != NULL && bf_relay_wants_downlink(gate->relay) && sim_mqtt_has_next(gate->link)));
    bool waits = gate->connected && bf_relay_is_waiting(gate->relay);
    return ready ? sim_draw_us(SIM_BROKER, TURN_US) : waits ? WAIT_US : IDLE_US;
}

static void turn(struct bf_gate *gate)
{
    uint64_t armed = atomic_load(&gate->shared.armed);
    if (armed != gate->relay->number) {
        drop(gate);
        bf_relay_begin(gate->relay, armed);
        gate->is_taken = false;
    }
    gate->busy = true;
    bool over = bf_relay_is_severed(gate->relay) || (gate->connected && !move(gate));
    gate->busy = false;
    if (over && gate->connected) {
        drop(gate);
    }
    if (gate->connected && bf_relay_is_waiting(gate->relay)) {
        gate->options.port.serve(gate->options.port.context);
    }
}

static void run(void *context)
{
    struct bf_gate *gate = context;
    while (!gate->stopping) {
        turn(gate);
        sim_wait(sim_now() + patience_us(gate));
    }
    drop(gate);
    gate->used = false;
}

void sim_gate_forget(struct sim_process *process)
{
    if (process->kind == SIM_INGEST && gates[process->number].used) {
        struct bf_gate *gate = &gates[process->number];
        gate->relay = NULL; /* its memory goes with the process */
        drop(gate);
        gate->used = false;
    }
}

static bool take(void *context, const struct bf_mqtt_message *message)
{
    struct bf_gate *gate = context;
    sim_producer_source(gate->process, sim_mqtt_source(gate->link));
    bool taken = gate->options.port.take(gate->options.port.context, message);
    sim_producer_source(gate->process, NULL);
    return taken;
}

/* ---- ingest/gate.h */
static uint64_t handed(void *context)
{
    const struct bf_gate *gate = context;
    return gate->options.port.handed(gate->options.port.context);
}

static uint64_t acked(void *context)
{
    const struct bf_gate *gate = context;
    return gate->options.port.acked(gate->options.port.context);
}

static uint64_t pending_bytes(void *context)
{
    const struct bf_gate *gate = context;
    return gate->options.port.pending_bytes(gate->options.port.context);
}

enum bf_status bf_gate_start(const struct bf_gate_options *options, struct bf_gate **result,
                             struct bf_err *err)
{
    static struct bf_gate_options relayed[SIM_INGESTS]; /* the same, but for whose message it is */
    (void)err;
    struct sim_process *self = sim_self();
    struct bf_gate *gate = &gates[self->number];
    memset(gate, 0, sizeof(*gate));
    gate->used = true;
    gate->process = self;
    gate->options = *options;
    relayed[self->number] = *options;
    relayed[self->number].port = (struct bf_gate_port){.take = take,
                                                       .handed = handed,
                                                       .acked = acked,
                                                       .pending_bytes = pending_bytes,
                                                       .serve = options->port.serve,
                                                       .context = gate};
    gate->relay = bf_relay_create(&relayed[self->number], &gate->shared);
    assert(gate->relay != NULL);
    sim_spawn(self, run, gate);
    *result = gate;
    return BF_OK;
}

void bf_gate_stop(struct bf_gate *gate)
{
    if (gate == NULL) {
        return;
    }
    bf_gate_sever(gate);
    gate->stopping = true;
    while (gate->used) {
        sim_wake(gate->process);
        sim_wait(sim_now() + TURN_US);
    }
    bf_relay_destroy(gate->relay);
}

uint16_t bf_gate_listens(const struct bf_gate *gate)
{
    (void)gate;
    return 1;
}

void bf_gate_arm(struct bf_gate *gate)
{
    atomic_fetch_add(&gate->shared.armed, 1);
    while (gate->relay->number != atomic_load(&gate->shared.armed)) { /* its thread opens the door */
        sim_wake(gate->process);
        sim_wait(sim_now() + TURN_US);
    }
}

void bf_gate_sever(struct bf_gate *gate)
{
    atomic_store(&gate->shared.severed, atomic_load(&gate->shared.armed));
    sim_wake(gate->process);
}

void bf_gate_join(struct bf_gate *gate)
{
    while (gate->busy) {
        sim_wake(gate->process);
        sim_wait(sim_now() + TURN_US);
    }
}

void bf_gate_admit(struct bf_gate *gate)
{
    atomic_store(&gate->shared.admitted, true);
    sim_wake(gate->process);
}

void bf_gate_delivered(struct bf_gate *gate)
{
    atomic_fetch_add(&gate->shared.delivered, 1);
}

void bf_gate_wake(struct bf_gate *gate)
{
    sim_wake(gate->process);
}

void bf_gate_pause(struct bf_gate *gate)
{
    atomic_store(&gate->shared.paused, true);
    sim_wake(gate->process);
}

bool bf_gate_is_quiet(struct bf_gate *gate)
{
    return !gate->busy && bf_relay_is_quiet(gate->relay);
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
    return gate->fault;
}

uint64_t bf_gate_unacknowledged(const struct bf_gate *gate)
{
    uint64_t released = atomic_load(&gate->shared.released);
    uint64_t delivered = atomic_load(&gate->shared.delivered);
    return delivered > released ? delivered - released : 0;
}
