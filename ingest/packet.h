/* packet.h: the broker's byte stream cut into MQTT packets, for the ack gate of a plain connection. A pure
 * scanner: it keeps no packet, only where in a packet the stream stands, so a declared length costs nothing.
 *
 * An oversize PUBLISH is swallowed and replaced by a small one with the same topic, packet id, DUP, QoS,
 * RETAIN and properties, whose payload is a *note*: a secret of this process (so that no device can forge
 * one), length and hash of the whole payload, and its head. Paho delivers and acknowledges it as any other.
 *
 * Owner: creator.   Thread: one.
 * Limits: topic 65,535 bytes, properties 64 KiB (more are left out of the note's packet), head_max bytes
 *   of payload; a packet other than PUBLISH at most BF_PACKET_SMALL.
 * Errors: BF_SCAN_BAD with a reason; the connection must be dropped. */
#ifndef BF_INGEST_PACKET_H
#define BF_INGEST_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/slice.h"

#define BF_PACKET_SMALL 65536  /* CONNACK, SUBACK, ...: nothing honest is larger */
#define BF_PACKET_SLACK 131072 /* a PUBLISH may be larger than max_payload by this: topic and properties */
#define BF_PACKET_BLOCK 65536  /* an oversize payload is hashed in blocks of this size */
#define BF_NOTE_SECRET 16
#define BF_NOTE_HEADER (BF_NOTE_SECRET + 16)

enum bf_packet_type { BF_PACKET_CONNACK = 2, BF_PACKET_PUBLISH = 3, BF_PACKET_PUBACK = 4 };

enum bf_scan_event {
    BF_SCAN_MORE,     /* all bytes are taken; the stream stands inside a packet or between two */
    BF_SCAN_PACKET,   /* a packet has ended; it passed as it came */
    BF_SCAN_OVERSIZE, /* an oversize PUBLISH has ended; bf_scanner_replacement stands for it */
    BF_SCAN_BAD       /* bf_scanner_fault says why */
};

struct bf_scanner;

/* NULL when memory is out. mqtt5: PUBLISH has properties. */
struct bf_scanner *bf_scanner_create(size_t max_payload, size_t head_max, bool mqtt5);
void bf_scanner_destroy(struct bf_scanner *scanner);
void bf_scanner_reset(struct bf_scanner *scanner); /* a connection begins */

/* Takes bytes up to the next event. *taken: how many; *pass: they are to be forwarded as they are. */
enum bf_scan_event bf_scanner_feed(struct bf_scanner *scanner, struct bf_slice bytes, size_t *taken,
                                   bool *pass);
enum bf_packet_type bf_scanner_type(const struct bf_scanner *scanner); /* of the packet that ended */
int bf_scanner_qos(const struct bf_scanner *scanner);
bool bf_scanner_inside(const struct bf_scanner *scanner);   /* of a packet */
size_t bf_scanner_length(const struct bf_scanner *scanner); /* declared, of that packet */
/* Until the next feed. */
struct bf_slice bf_scanner_replacement(const struct bf_scanner *scanner);
const char *bf_scanner_fault(const struct bf_scanner *scanner);

struct bf_note {
    uint64_t payload_len, payload_hash; /* hash: bf_payload_hash of the whole payload */
    struct bf_slice head;
};
/* Whether a payload is a note of this process. */
bool bf_note_parse(struct bf_slice payload, struct bf_note *note);

/* The hash of an oversize payload: bf_hash64 of each BF_PACKET_BLOCK, mixed in order. */
uint64_t bf_payload_hash(struct bf_slice payload);

#endif
