/* mqtt_codec.h: as much of MQTT 5 in bytes as the simulated broker and client say to each other. Written
 * apart from ingest/packet.c, which it feeds.
 * Thread: values, any.   Limits: packets below 16 KiB. */
#ifndef SIM_MQTT_CODEC_H
#define SIM_MQTT_CODEC_H

#include "core/slice.h"
#include "tests/sim/mqtt.h"

enum sim_packet_type {
    SIM_CONNECT = 1,
    SIM_CONNACK = 2,
    SIM_PUBLISH = 3,
    SIM_PUBACK = 4,
    SIM_SUBSCRIBE = 8,
    SIM_SUBACK = 9,
    SIM_PINGRESP = 13
};
struct sim_packet {
    enum sim_packet_type type;
    uint16_t packet_id;
    bool kept; /* CONNACK: the session is present */
    struct bf_slice topic, payload;
};

/* Takes one whole packet off the front; false: none is whole. */
bool sim_packet_next(struct bf_slice *bytes, struct sim_packet *packet);
/* Writes one; returns its length. */
size_t sim_packet_publish(char *bytes, size_t size, const struct sim_flight *flight);
size_t sim_packet_short(char *bytes, enum sim_packet_type type, uint16_t packet_id, bool kept);

#endif
