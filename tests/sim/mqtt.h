/* mqtt.h: a simulated MQTT broker (mqtt_broker.c): one persistent QoS 1 session per ingest process, first in
 * first out, a window, packet ids in a cycle, DUP at a new connection for all that is unacknowledged, whether
 * it was ever read or not.
 * Owner: static.   Thread: one.   Limits: SIM_MESSAGES messages a schedule. */
#ifndef SIM_MQTT_H
#define SIM_MQTT_H

#include "core/slice.h"
#include "tests/sim/sim.h"

#define SIM_MESSAGES 8192

struct sim_message {
    struct bf_slice topic, payload;
    int first_truth, truths; /* which readings it carries; 0: a marker, a probe */
};
struct sim_flight {
    const struct sim_message *message;
    uint16_t packet_id;
    bool dup;
    int answer; /* no PUBLISH but this type of packet; 0: a PUBLISH */
    bool kept;
};
/* One connection of a client, as the broker sees it. */
struct sim_link {
    bool used, alive;
    int session; /* -1: a marker's connection */
    struct sim_flight *down;
    size_t down_at, down_count, down_room;
    struct sim_process *process;
    /* bytes under way to the client (sim_mqtt_read) */
    size_t bytes_at, bytes_len;
    const struct sim_message *source; /* of the packet that these bytes are of */
    char bytes[1024];
};

void sim_mqtt_reset(uint16_t ids, size_t window);
extern int64_t sim_mqtt_away_us;
/* A device's message to the ingest process that has its part of the city; false: nobody has subscribed. */
bool sim_mqtt_deliver(int session, const struct sim_message *message);
void sim_mqtt_lose_session(int session);
void sim_mqtt_lose_link(int session, bool marker);
/* Calls `seen` for the truths of all that the broker still holds. */
void sim_mqtt_held(void (*seen)(int truth));
bool sim_mqtt_forgot(int truth);

/* ---- for mqtt_client.c */
/* NULL: the broker is away. session -1: none is kept. *kept: it was there. */
struct sim_link *sim_mqtt_connect(int session, bool *kept);
void sim_mqtt_close(struct sim_link *link);
void sim_mqtt_subscribe(struct sim_link *link);
void sim_mqtt_puback(struct sim_link *link, uint16_t packet_id);
/* A client publishes: a marker or a probe, to the session of that number. */
void sim_mqtt_publish(int session, struct bf_slice topic, struct bf_slice payload);
/* A short answer: a flight without a message. */
void sim_mqtt_answer(struct sim_link *link, int type, uint16_t packet_id);
bool sim_mqtt_has_next(const struct sim_link *link);
/* The next bytes for the client, at most `room`, never beyond the end of a packet. */
size_t sim_mqtt_read(struct sim_link *link, char *data, size_t room);
/* Which message the last bytes read belong to. */
const struct sim_message *sim_mqtt_source(const struct sim_link *link);

#endif
