/* packet.c: taking packets apart. A cursor walks over the bytes and never past their end; what does not fit
 * is the broker's fault, since a packet's own length was kept before.
 * Declined: a parser that is fed byte by byte (nearly every packet lies whole in the buffer). */
#include "ingest/packet.h"

#define NO_SHAPE "a PUBLISH contradicts its own length"
#define NO_PROPERTIES "a PUBLISH has properties that cannot be read"

struct cursor {
    const unsigned char *at, *end;
    bool short_of; /* a read went past the end */
};

static const unsigned char *take(struct cursor *cursor, size_t len)
{
    if ((size_t)(cursor->end - cursor->at) < len) {
        cursor->short_of = true;
        cursor->at = cursor->end;
        return NULL;
    }
    const unsigned char *here = cursor->at;
    cursor->at += len;
    return here;
}

static unsigned take_u16(struct cursor *cursor)
{
    const unsigned char *here = take(cursor, 2);
    return here ? (unsigned)here[0] << 8 | here[1] : 0;
}

static struct bf_slice take_text(struct cursor *cursor)
{
    size_t len = take_u16(cursor);
    const unsigned char *here = take(cursor, len);
    return here ? (struct bf_slice){(const char *)here, len} : (struct bf_slice){NULL, 0};
}

/* A variable byte integer: seven bits a byte, at most four bytes. */
static size_t take_varint(struct cursor *cursor)
{
    size_t value = 0;
    for (int shift = 0; shift <= 21; shift += 7) {
        const unsigned char *here = take(cursor, 1);
        if (here == NULL) {
            return 0;
        }
        value |= (size_t)(*here & 127) << shift;
        if (*here < 128) {
            return value;
        }
    }
    cursor->short_of = true;
    return 0;
}

const char *bf_packet_header(struct bf_slice bytes, struct bf_packet_header *header)
{
    const unsigned char *data = (const unsigned char *)bytes.data;
    header->size = header->length = 0;
    for (size_t i = 1; i < bytes.len && i < BF_PACKET_HEADER; i++) {
        header->length |= (size_t)(data[i] & 127) << (7 * (i - 1));
        if (data[i] < 128) {
            header->first = data[0];
            header->size = i + 1;
            return data[0] >> 4 ? NULL : "a packet of type 0";
        }
    }
    return bytes.len < BF_PACKET_HEADER ? NULL : "a packet's length has five bytes";
}

/* ---- MQTT 5.0, section 3.3.2.3 */

enum shape { NONE, BYTE, FOUR, VARINT, TEXT, PAIR };

static const unsigned char shapes[] = {
    [0x01] = BYTE,   /* payload format */
    [0x02] = FOUR,   /* message expiry */
    [0x03] = TEXT,   /* content type */
    [0x08] = TEXT,   /* response topic */
    [0x09] = TEXT,   /* correlation data */
    [0x0b] = VARINT, /* subscription identifier */
    [0x26] = PAIR,   /* user property */
};
#define TOPIC_ALIAS 0x23

static void take_user_property(struct cursor *cursor, bool *seen, struct bf_mqtt_message *message)
{
    struct bf_slice name = take_text(cursor), value = take_text(cursor);
    if (!*seen && bf_slice_equal(name, BF_SLICE(BF_MQTT_TIME_PROPERTY))) {
        *seen = true;
        message->has_time = bf_mqtt_parse_time(value, &message->time_us);
    }
}

static const char *read_properties(struct cursor cursor, struct bf_mqtt_message *message)
{
    bool seen = false;
    while (cursor.at < cursor.end) {
        unsigned id = *take(&cursor, 1);
        switch (id < sizeof shapes ? (enum shape)shapes[id] : NONE) {
        case NONE:
            return id == TOPIC_ALIAS ? "a topic alias, which nobody asked for" : NO_PROPERTIES;
        case BYTE:
            (void)take(&cursor, 1);
            break;
        case FOUR:
            (void)take(&cursor, 4);
            break;
        case VARINT:
            (void)take_varint(&cursor);
            break;
        case TEXT:
            (void)take_text(&cursor);
            break;
        case PAIR:
            take_user_property(&cursor, &seen, message);
            break;
        }
    }
    return cursor.short_of ? NO_PROPERTIES : NULL;
}

const char *bf_packet_publish(struct bf_packet_header header, struct bf_slice body, bool mqtt5,
                              struct bf_mqtt_message *message, size_t *payload_at)
{
    const unsigned char *start = (const unsigned char *)body.data;
    struct cursor cursor = {.at = start, .end = start + body.len};
    *message = (struct bf_mqtt_message){
        .qos = header.first >> 1 & 3,
        .retained = header.first & 1,
        .dup = header.first >> 3 & 1,
    };
    if (message->qos > 1) {
        return "a PUBLISH of QoS 2, which nobody asked for";
    }
    message->topic = take_text(&cursor);
    message->packet_id = message->qos > 0 ? (uint16_t)take_u16(&cursor) : 0;
    size_t properties = mqtt5 ? take_varint(&cursor) : 0;
    *payload_at = (size_t)(cursor.at - start) + properties;
    if (cursor.short_of || *payload_at > header.length) {
        return NO_SHAPE;
    }
    if (message->topic.len == 0) {
        return "a PUBLISH without a topic";
    }
    if (message->qos > 0 && message->packet_id == 0) {
        return "a PUBLISH of QoS 1 without a packet id";
    }
    if (properties > BF_PACKET_PROPERTIES) {
        return NULL;
    }
    cursor.end = start + *payload_at;
    return read_properties(cursor, message);
}
