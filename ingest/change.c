/* change.c: the steps of change.h. */
#include "ingest/change.h"

#include "core/log.h"
#include "core/time.h"

#define QUIET_US (50 * BF_US_PER_MS) /* a PUBACK may be on its way from Paho to the gate */
#define DRAIN_MAX_US (30 * BF_US_PER_S)
#define PROBE_MAX_US (10 * BF_US_PER_S)
#define AGAIN_US (10 * BF_US_PER_S)

void bf_change_init(struct bf_change *change, const struct bf_change_port *port)
{
    *change = (struct bf_change){.port = *port, .phase = BF_CHANGE_IDLE};
}

static void give_up(struct bf_change *change, int64_t now_us, const char *why)
{
    change->phase = BF_CHANGE_IDLE;
    change->not_before_us = now_us + AGAIN_US;
    bf_log(BF_LOG_WARN, "generation.later", "reason=%s", why);
    change->port.restart(change->port.context, false, why);
}

static void drain(struct bf_change *change, int64_t now_us)
{
    struct bf_err err;
    if (!change->port.quiet(change->port.context)) {
        change->quiet_since_us = now_us;
        if (now_us - change->since_us > DRAIN_MAX_US) {
            give_up(change, now_us, "Kafka did not acknowledge in time");
        }
        return;
    }
    if (now_us - change->quiet_since_us < QUIET_US) {
        return;
    }
    change->taken = change->port.taken(change->port.context);
    change->phase = BF_CHANGE_PROBE;
    change->since_us = now_us;
    if (change->port.probe(change->port.context, &err) != BF_OK) {
        give_up(change, now_us, err.message);
    }
}

static void probe(struct bf_change *change, bool answered, int64_t now_us)
{
    if (change->port.taken(change->port.context) != change->taken) {
        give_up(change, now_us, "a message came before the connection was empty");
    } else if (answered) {
        change->phase = BF_CHANGE_IDLE;
        change->port.restart(change->port.context, true, "changing to a new configuration");
    } else if (now_us - change->since_us > PROBE_MAX_US) {
        give_up(change, now_us, "the broker did not acknowledge a publish in time");
    }
}

void bf_change_turn(struct bf_change *change, bool wanted, bool running, bool answered, int64_t now_us)
{
    if (change->phase != BF_CHANGE_IDLE && !running) {
        change->phase = BF_CHANGE_IDLE; /* the connection is gone, and with it the pause */
        return;
    }
    switch (change->phase) {
    case BF_CHANGE_IDLE:
        if (wanted && running && now_us >= change->not_before_us) {
            change->phase = BF_CHANGE_DRAIN;
            change->since_us = change->quiet_since_us = now_us;
            change->port.pause(change->port.context);
        }
        break;
    case BF_CHANGE_DRAIN:
        drain(change, now_us);
        break;
    case BF_CHANGE_PROBE:
        probe(change, answered, now_us);
        break;
    }
}
