/* uplink.h: bytes on their way to the broker, held until Kafka is far enough. Each piece comes with a *mark*:
 * the newest sequence that had been handed to Kafka when it was written. It leaves once everything up to
 * there is acknowledged without a gap.
 *
 * Two segments take turns: one waits, the other collects, so what is written while Kafka works leaves
 * together (group commit). A segment's mark is that of its last piece; marks only rise.
 *
 * Owner: the caller's memory.   Thread: one.   No sockets, no clock.
 * Limits: two segments of BF_UPLINK_SEGMENT bytes. */
#ifndef BF_INGEST_UPLINK_H
#define BF_INGEST_UPLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/slice.h"

#define BF_UPLINK_SEGMENT 131072

struct bf_uplink_segment {
    size_t len, sent;
    uint64_t mark;       /* what Kafka must have acknowledged */
    uint64_t deliveries; /* messages whose PUBACK has left once this has */
    int64_t since_us;    /* of its first byte */
    char data[BF_UPLINK_SEGMENT];
};

struct bf_uplink {
    unsigned front; /* the segment that waits */
    struct bf_uplink_segment segments[2];
};

void bf_uplink_clear(struct bf_uplink *uplink);
bool bf_uplink_is_empty(const struct bf_uplink *uplink);

/* Where the next bytes may be written, and that they were. */
char *bf_uplink_room(struct bf_uplink *uplink, size_t *room);
void bf_uplink_came(struct bf_uplink *uplink, size_t len, uint64_t mark, uint64_t deliveries, int64_t now_us);

/* What may leave now that Kafka has acknowledged so much; empty: nothing. */
struct bf_slice bf_uplink_due(struct bf_uplink *uplink, uint64_t acked);
/* So much of it has left. True: a segment is through; *deliveries and *since_us are its own. */
bool bf_uplink_left(struct bf_uplink *uplink, size_t len, uint64_t *deliveries, int64_t *since_us);

#endif
