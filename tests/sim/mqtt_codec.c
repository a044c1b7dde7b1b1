/* mqtt_codec.c: see mqtt_codec.h. */
#include "tests/sim/mqtt_codec.h"

#include <assert.h>
#include <string.h>

static unsigned char byte_at(struct bf_slice bytes, size_t at)
{
    return (unsigned char)bytes.data[at];
}

static uint16_t word_at(struct bf_slice bytes, size_t at)
{
    return (uint16_t)(byte_at(bytes, at) << 8 | byte_at(bytes, at + 1));
}

static void read_publish(struct bf_slice body, struct sim_packet *packet)
{
    size_t topic_len = word_at(body, 0);
    packet->topic = (struct bf_slice){body.data + 2, topic_len};
    packet->packet_id = word_at(body, 2 + topic_len);
    size_t at = 4 + topic_len + 1; /* no properties */
    packet->payload = (struct bf_slice){body.data + at, body.len - at};
}

bool sim_packet_next(struct bf_slice *bytes, struct sim_packet *packet)
{
    if (bytes->len < 2) {
        return false;
    }
    size_t len = byte_at(*bytes, 1) & 0x7f, at = 2;
    if (byte_at(*bytes, 1) & 0x80) {
        if (bytes->len < 3) {
            return false;
        }
        len |= (size_t)byte_at(*bytes, 2) << 7;
        at = 3;
    }
    if (bytes->len < at + len) {
        return false;
    }
    const struct bf_slice body = {bytes->data + at, len};
    *packet = (struct sim_packet){.type = (enum sim_packet_type)(byte_at(*bytes, 0) >> 4)};
    if (packet->type == SIM_PUBLISH) {
        read_publish(body, packet);
    } else if (packet->type == SIM_CONNACK) {
        packet->kept = (byte_at(body, 0) & 1) != 0;
    } else if (packet->type != SIM_CONNECT && len >= 2) {
        packet->packet_id = word_at(body, 0);
    }
    *bytes = (struct bf_slice){bytes->data + at + len, bytes->len - at - len};
    return true;
}

size_t sim_packet_publish(char *bytes, size_t size, const struct sim_flight *flight)
{
    const struct sim_message *message = flight->message;
    size_t len = 2 + message->topic.len + 2 + 1 + message->payload.len, at = 0;
    assert(len < 16384 && len + 3 <= size);
    bytes[at++] = (char)(SIM_PUBLISH << 4 | (flight->dup ? 8 : 0) | 2);
    bytes[at++] = (char)((len & 0x7f) | (len > 0x7f ? 0x80 : 0));
    if (len > 0x7f) {
        bytes[at++] = (char)(len >> 7);
    }
    bytes[at++] = (char)(message->topic.len >> 8);
    bytes[at++] = (char)message->topic.len;
    memcpy(bytes + at, message->topic.data, message->topic.len);
    at += message->topic.len;
    bytes[at++] = (char)(flight->packet_id >> 8);
    bytes[at++] = (char)flight->packet_id;
    bytes[at++] = 0;
    memcpy(bytes + at, message->payload.data, message->payload.len);
    return at + message->payload.len;
}

size_t sim_packet_short(char *bytes, enum sim_packet_type type, uint16_t packet_id, bool kept)
{
    const char flags = type == SIM_SUBSCRIBE ? 2 : 0;
    bytes[0] = (char)((unsigned)type << 4 | (unsigned char)flags);
    if (type == SIM_CONNACK) {
        memcpy(bytes + 1, (const char[]){3, kept ? 1 : 0, 0, 0}, 4);
        return 5;
    }
    bytes[2] = (char)(packet_id >> 8);
    bytes[3] = (char)packet_id;
    if (type == SIM_SUBACK) {
        memcpy(bytes + 4, (const char[]){0, 1}, 2);
        bytes[1] = 4;
        return 6;
    }
    bytes[1] = 2;
    return 4;
}
