/* gate.h: the ack gate of a simulated ingest process, in the place of ingest/gate.c: belfry's own relay, with
 * pipes instead of sockets and a fiber instead of a thread. One end is Paho's (mqtt_client.c), the other the
 * broker's (mqtt_broker.c); both speak MQTT 5 in bytes.
 * Owner: static.   Thread: one.   Limits: SIM_PIPE bytes between Paho and the gate. */
#ifndef SIM_GATE_H
#define SIM_GATE_H

#include "ingest/gate.h"
#include "tests/sim/mqtt.h"

#define SIM_PIPE 1024

struct sim_pipe {
    size_t len;
    char bytes[SIM_PIPE];
};

void sim_gate_reset(void);
void sim_gate_forget(struct sim_process *process);
struct bf_gate *sim_gate_of(const struct sim_process *process);
/* Paho comes to the door. False: nobody is let in, or the broker cannot be reached. */
bool sim_gate_dial(struct bf_gate *gate);
/* Paho writes. */
void sim_gate_write(struct bf_gate *gate, const void *bytes, size_t len);
/* What Paho may read; it takes all of it. NULL: the connection is over. */
struct sim_pipe *sim_gate_read(struct bf_gate *gate);
void sim_gate_hang_up(struct bf_gate *gate);

#endif
