/* change.h: the change of the configuration's generation. A redelivered message must decode to the same
 * sources and indexes, so no message that was decoded by the old generation may come again under the new.
 *
 *   IDLE --a newer generation--> DRAIN: the gate reads no more; until all is acknowledged and every PUBACK is
 *   out --> PROBE: a QoS 1 publish of ours on that connection; what still comes is not handed over (the
 *   broker will deliver it anew) --PUBACK--> the broker has seen every PUBACK before it: the connection is
 *   ended, and the next start runs the new generation.
 * Anything else (connection lost, too slow, a message that slipped through): a new start with the old one.
 * Declined: changing without a new connection: what the broker had sent meanwhile would have to be parked.
 *
 * Owner: ingest.   Thread: main. */
#ifndef BF_INGEST_CHANGE_H
#define BF_INGEST_CHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"

struct bf_change_port {
    void (*pause)(void *context);
    bool (*quiet)(void *context);     /* all acknowledged, every PUBACK out */
    uint64_t (*taken)(void *context); /* messages handed over on this connection */
    enum bf_status (*probe)(void *context, struct bf_err *err);
    void (*restart)(void *context, bool change, const char *why); /* ends the connection, starts anew */
    void *context;
};

struct bf_change {
    struct bf_change_port port;
    enum { BF_CHANGE_IDLE, BF_CHANGE_DRAIN, BF_CHANGE_PROBE } phase;
    int64_t since_us, quiet_since_us, not_before_us;
    uint64_t taken;
};

void bf_change_init(struct bf_change *change, const struct bf_change_port *port);
/* wanted: a newer generation is ready. running: the session is. answered: our publish is acknowledged. */
void bf_change_turn(struct bf_change *change, bool wanted, bool running, bool answered, int64_t monotonic_us);

#endif
