/* uplink.c: see uplink.h.
 * Declined: a ring with a mark for each piece: it would let the first PUBACKs of a group leave a little
 * earlier, in more and smaller writes. */
#include "ingest/uplink.h"

#include <assert.h>

static struct bf_uplink_segment *front_of(struct bf_uplink *uplink)
{
    return &uplink->segments[uplink->front];
}

static struct bf_uplink_segment *back_of(struct bf_uplink *uplink)
{
    return &uplink->segments[1 - uplink->front];
}

void bf_uplink_clear(struct bf_uplink *uplink)
{
    uplink->front = 0;
    for (int i = 0; i < 2; i++) {
        uplink->segments[i].len = uplink->segments[i].sent = 0;
    }
}

bool bf_uplink_is_empty(const struct bf_uplink *uplink)
{
    return uplink->segments[0].len == 0 && uplink->segments[1].len == 0;
}

char *bf_uplink_room(struct bf_uplink *uplink, size_t *room)
{
    struct bf_uplink_segment *back = back_of(uplink);
    *room = BF_UPLINK_SEGMENT - back->len;
    return back->data + back->len;
}

void bf_uplink_came(struct bf_uplink *uplink, size_t len, uint64_t mark, uint64_t deliveries, int64_t now_us)
{
    struct bf_uplink_segment *back = back_of(uplink);
    assert(len <= BF_UPLINK_SEGMENT - back->len);
    if (back->len == 0) {
        back->since_us = now_us;
    }
    back->len += len;
    back->mark = mark;
    back->deliveries = deliveries;
}

struct bf_slice bf_uplink_due(struct bf_uplink *uplink, uint64_t acked)
{
    if (front_of(uplink)->len == 0) {
        uplink->front = 1 - uplink->front;
    }
    struct bf_uplink_segment *front = front_of(uplink);
    bool may_leave = front->len > 0 && acked >= front->mark;
    return may_leave ? (struct bf_slice){front->data + front->sent, front->len - front->sent}
                     : (struct bf_slice){NULL, 0};
}

bool bf_uplink_left(struct bf_uplink *uplink, size_t len, uint64_t *deliveries, int64_t *since_us)
{
    struct bf_uplink_segment *front = front_of(uplink);
    assert(len <= front->len - front->sent);
    front->sent += len;
    if (front->sent < front->len) {
        return false;
    }
    *deliveries = front->deliveries;
    *since_us = front->since_us;
    front->len = front->sent = 0;
    return true;
}
