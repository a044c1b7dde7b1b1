/* downlink.c: one buffer, compacted before each read. Nearly always a read ends within a packet, whose few
 * bytes move to the front; everything else stays where the socket put it.
 * Declined: a ring (a packet across its seam would have to be copied), and a parser that keeps its state
 * between any two bytes: only a packet that no buffer holds needs one, and there only for the payload. */
#include "ingest/downlink.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct bf_downlink {
    size_t capacity, head_max;
    bool mqtt5, opaque;
    const char *fault;
    size_t at, end; /* of the buffer: what has come and is not taken */
    /* a PUBLISH that is being drained */
    bool draining;
    size_t kept;       /* bytes at the buffer's front that hold its topic and head */
    size_t skip, left; /* bytes of properties and of payload that are not taken yet */
    struct bf_mqtt_message large;
    char buffer[];
};

struct bf_downlink *bf_downlink_create(size_t max_payload, size_t head_max, bool mqtt5, bool opaque)
{
    size_t capacity = max_payload + BF_DOWNLINK_SLACK;
    struct bf_downlink *downlink = malloc(sizeof *downlink + capacity);
    if (downlink) {
        *downlink = (struct bf_downlink){
            .capacity = capacity,
            .head_max = head_max < max_payload ? head_max : max_payload,
            .mqtt5 = mqtt5,
            .opaque = opaque,
        };
    }
    return downlink;
}

void bf_downlink_destroy(struct bf_downlink *downlink)
{
    free(downlink);
}

void bf_downlink_reset(struct bf_downlink *downlink)
{
    downlink->fault = NULL;
    downlink->at = downlink->end = downlink->kept = 0;
    downlink->draining = false;
}

bool bf_downlink_is_inside(const struct bf_downlink *downlink)
{
    return downlink->draining || (!downlink->opaque && downlink->at < downlink->end);
}

const char *bf_downlink_fault(const struct bf_downlink *downlink)
{
    return downlink->fault;
}

char *bf_downlink_room(struct bf_downlink *downlink, size_t *room)
{
    size_t front = downlink->draining ? downlink->kept : 0, here = downlink->end - downlink->at;
    memmove(downlink->buffer + front, downlink->buffer + downlink->at, here);
    downlink->at = front;
    downlink->end = front + here;
    *room = downlink->capacity - downlink->end;
    return downlink->buffer + downlink->end;
}

void bf_downlink_came(struct bf_downlink *downlink, size_t len)
{
    assert(len <= downlink->capacity - downlink->end);
    downlink->end += len;
}

/* ---- a PUBLISH larger than the buffer */

static enum bf_downlink_event drain(struct bf_downlink *downlink, struct bf_mqtt_message *message)
{
    struct bf_mqtt_message *large = &downlink->large;
    size_t here = downlink->end - downlink->at;
    size_t skipped = downlink->skip < here ? downlink->skip : here;
    downlink->skip -= skipped;
    downlink->at += skipped;
    if (downlink->skip > 0) {
        return BF_DOWNLINK_MORE;
    }
    while (downlink->left > 0) {
        size_t block = downlink->left < BF_PAYLOAD_BLOCK ? downlink->left : BF_PAYLOAD_BLOCK;
        if (downlink->end - downlink->at < block) {
            return BF_DOWNLINK_MORE;
        }
        bool is_first = downlink->left == large->whole_len;
        const struct bf_slice bytes = {downlink->buffer + downlink->at, block};
        large->whole_hash = bf_payload_hash_block(large->whole_hash, is_first, bytes);
        downlink->at += block;
        downlink->left -= block;
    }
    downlink->draining = false;
    *message = *large;
    return BF_DOWNLINK_MESSAGE;
}

/* The packet's first bytes fill the buffer. Behind what is kept a block always finds room: the front of a
 * PUBLISH, the head and one block together are no larger than the buffer. */
static enum bf_downlink_event begin_drain(struct bf_downlink *downlink, struct bf_packet_header header,
                                          struct bf_slice body, struct bf_mqtt_message *message)
{
    struct bf_mqtt_message *large = &downlink->large;
    size_t payload_at;
    downlink->fault = bf_packet_publish(header, body, downlink->mqtt5, large, &payload_at);
    if (downlink->fault) {
        return BF_DOWNLINK_BAD;
    }
    downlink->left = header.length - payload_at;
    large->is_cut = true;
    large->whole_len = downlink->left;
    large->whole_hash = bf_payload_hash((struct bf_slice){NULL, 0});
    bool has_head = header.size + payload_at <= BF_PACKET_FRONT;
    if (has_head) {
        size_t head = downlink->head_max < downlink->left ? downlink->head_max : downlink->left;
        large->payload = (struct bf_slice){body.data + payload_at, head};
        downlink->kept = header.size + payload_at + head;
    } else {
        large->payload = (struct bf_slice){NULL, 0};
        downlink->kept = (size_t)(large->topic.data - downlink->buffer) + large->topic.len;
    }
    size_t body_at = (size_t)(body.data - downlink->buffer);
    downlink->at = body_at + (payload_at < body.len ? payload_at : body.len);
    downlink->skip = payload_at < body.len ? 0 : payload_at - body.len;
    downlink->draining = true;
    return drain(downlink, message);
}

/* ---- any packet */

static const char *check(struct bf_packet_header header)
{
    bool is_small = header.length <= BF_DOWNLINK_SMALL;
    return bf_packet_type(header) == BF_PACKET_PUBLISH || is_small
               ? NULL
               : "a packet that is no PUBLISH is too large";
}

static enum bf_downlink_event bad(struct bf_downlink *downlink, const char *fault)
{
    downlink->fault = fault;
    return BF_DOWNLINK_BAD;
}

static enum bf_downlink_event take_publish(struct bf_downlink *downlink, struct bf_packet_header header,
                                           struct bf_slice body, struct bf_mqtt_message *message)
{
    size_t payload_at;
    downlink->fault = bf_packet_publish(header, body, downlink->mqtt5, message, &payload_at);
    if (downlink->fault) {
        return BF_DOWNLINK_BAD;
    }
    message->payload = (struct bf_slice){body.data + payload_at, body.len - payload_at};
    return BF_DOWNLINK_MESSAGE;
}

enum bf_downlink_event bf_downlink_next(struct bf_downlink *downlink, struct bf_slice *bytes,
                                        struct bf_mqtt_message *message)
{
    if (downlink->draining) {
        return drain(downlink, message);
    }
    const struct bf_slice there = {downlink->buffer + downlink->at, downlink->end - downlink->at};
    if (there.len == 0) {
        return BF_DOWNLINK_MORE;
    }
    if (downlink->opaque) {
        *bytes = there;
        downlink->at = downlink->end;
        return BF_DOWNLINK_PASS;
    }
    struct bf_packet_header header;
    const char *fault = bf_packet_header(there, &header);
    if (!fault && header.size > 0) {
        fault = check(header);
    }
    if (fault) {
        return bad(downlink, fault);
    }
    if (header.size == 0 || header.size + header.length > there.len) {
        bool is_full = there.len == downlink->capacity;
        const struct bf_slice body = {there.data + header.size, there.len - header.size};
        return is_full ? begin_drain(downlink, header, body, message) : BF_DOWNLINK_MORE;
    }
    const struct bf_slice body = {there.data + header.size, header.length};
    downlink->at += header.size + header.length;
    if (bf_packet_type(header) == BF_PACKET_PUBLISH) {
        return take_publish(downlink, header, body, message);
    }
    *bytes = (struct bf_slice){there.data, header.size + header.length};
    return BF_DOWNLINK_PASS;
}
