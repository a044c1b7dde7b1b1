/* downlink.h: the broker's byte stream cut into what it says: PUBLISHes, taken apart where they lie in the
 * buffer, and packets that are Paho's business. Under TLS the stream is opaque and passes as it comes.
 *
 * A packet that the buffer holds is never copied. A larger PUBLISH is drained: topic, packet id and head of
 * the payload stay at the front of the buffer, the rest is hashed and dropped as it comes, so a declared
 * length costs nothing.
 *
 * Owner: creator.   Thread: one.   No sockets, no clock.
 * Limits: a PUBLISH above max_payload + BF_DOWNLINK_SLACK is drained; of one whose properties are larger than
 *   BF_PACKET_PROPERTIES no head is kept. A packet that is no PUBLISH has at most BF_DOWNLINK_SMALL bytes.
 * Errors: BF_DOWNLINK_BAD with a reason; the connection must be dropped. */
#ifndef BF_INGEST_DOWNLINK_H
#define BF_INGEST_DOWNLINK_H

#include "ingest/decode/message_hash.h"
#include "ingest/packet.h"

#define BF_DOWNLINK_SMALL 65536 /* CONNACK, SUBACK, ...: nothing honest is larger */
#define BF_DOWNLINK_SLACK (BF_PACKET_FRONT + BF_PAYLOAD_BLOCK)

enum bf_downlink_event {
    BF_DOWNLINK_MORE,    /* nothing whole is there: more bytes are needed */
    BF_DOWNLINK_PASS,    /* a packet (or opaque bytes) for Paho */
    BF_DOWNLINK_MESSAGE, /* a PUBLISH */
    BF_DOWNLINK_BAD      /* bf_downlink_fault says why */
};

struct bf_downlink;

/* opaque: TLS. mqtt5: a PUBLISH has properties. head_max: bytes kept of a payload that is drained. NULL when
 * memory is out. */
struct bf_downlink *bf_downlink_create(size_t max_payload, size_t head_max, bool mqtt5, bool opaque);
void bf_downlink_destroy(struct bf_downlink *downlink);
void bf_downlink_reset(struct bf_downlink *downlink); /* a connection begins */

/* Where the next bytes go; what `next` gave is void after this. There is always room behind a MORE. */
char *bf_downlink_room(struct bf_downlink *downlink, size_t *room);
void bf_downlink_came(struct bf_downlink *downlink, size_t len);

/* What comes next; `bytes` and `message` hold until the next call. */
enum bf_downlink_event bf_downlink_next(struct bf_downlink *downlink, struct bf_slice *bytes,
                                        struct bf_mqtt_message *message);
bool bf_downlink_is_inside(const struct bf_downlink *downlink); /* a packet has begun and is not whole */
const char *bf_downlink_fault(const struct bf_downlink *downlink);

#endif
