/* packet.h: MQTT packets as they lie in memory (MQTT 3.1.1 and 5.0, sections 2 and 3.3): the fixed header,
 * and a PUBLISH taken apart in place.
 *
 * Owner: slices point into the caller's bytes.   Thread: any; no state.
 * Limits: those of the protocol; properties above BF_PACKET_PROPERTIES are not looked at.
 * Errors: static text that says what the broker did wrong; the connection must be dropped. */
#ifndef BF_INGEST_PACKET_H
#define BF_INGEST_PACKET_H

#include "peers/mqtt/mqtt.h"

#define BF_PACKET_PROPERTIES 65536
#define BF_PACKET_HEADER 5 /* bytes of a fixed header, at most */
/* A PUBLISH up to its payload, where its properties are looked at. */
#define BF_PACKET_FRONT (BF_PACKET_HEADER + 2 + 65535 + 2 + 4 + BF_PACKET_PROPERTIES)

enum bf_packet_type {
    BF_PACKET_CONNACK = 2,
    BF_PACKET_PUBLISH = 3,
    BF_PACKET_PUBACK = 4,
    BF_PACKET_PINGRESP = 13
};

struct bf_packet_header {
    unsigned char first; /* type and flags */
    size_t size;         /* of this header; 0: it is not whole yet */
    size_t length;       /* of what follows it */
};

static inline enum bf_packet_type bf_packet_type(struct bf_packet_header header)
{
    return (enum bf_packet_type)(header.first >> 4);
}

/* Reads the fixed header that `bytes` begin with. NULL, or what is wrong with it. */
const char *bf_packet_header(struct bf_slice bytes, struct bf_packet_header *header) BF_MUST_CHECK;

/* Takes a PUBLISH apart. `body`: what follows the fixed header, whole or at least its first BF_PACKET_FRONT
 * bytes. Fills all of the message but its payload; *payload_at is where in the packet's body that begins.
 * NULL, or what is wrong. */
const char *bf_packet_publish(struct bf_packet_header header, struct bf_slice body, bool mqtt5,
                              struct bf_mqtt_message *message, size_t *payload_at) BF_MUST_CHECK;

#endif
