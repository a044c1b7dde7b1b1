/* fuzz_downlink.c: what an MQTT broker sends, in both versions: whatever the cuts between reads, the same
 * packets and messages come out of it, and nothing points outside of the buffer. Behind the input a long
 * filler comes, so that declared lengths are reached and payloads drained. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "ingest/downlink.h"
#include "tests/fuzz/target.h"

#define MAX_PAYLOAD 1024
#define FILLER (3 * 65536 + MAX_PAYLOAD + BF_DOWNLINK_SLACK)

static uint64_t add(uint64_t hash, struct bf_slice bytes)
{
    return bf_hash64_mix(hash, bf_hash64(bytes));
}

static uint64_t add_message(uint64_t hash, const struct bf_mqtt_message *message)
{
    assert(message->topic.len > 0 && message->qos <= 1);
    assert((message->packet_id > 0) == (message->qos > 0));
    assert(!message->is_cut || message->payload.len <= 100);
    hash = add(add(hash, message->topic), message->payload);
    hash = bf_hash64_mix(hash, message->is_cut ? message->whole_hash : bf_payload_hash(message->payload));
    hash = bf_hash64_mix(hash, message->is_cut ? message->whole_len : message->payload.len);
    return bf_hash64_mix(hash, message->packet_id + (message->has_time ? (uint64_t)message->time_us : 0));
}

static bool take_all(struct bf_downlink *downlink, uint64_t *hash)
{
    struct bf_slice bytes;
    struct bf_mqtt_message message;
    for (;;) {
        switch (bf_downlink_next(downlink, &bytes, &message)) {
        case BF_DOWNLINK_MORE:
            return true;
        case BF_DOWNLINK_PASS:
            assert(bytes.len >= 2 && bytes.len <= BF_DOWNLINK_SMALL + BF_PACKET_HEADER);
            *hash = add(*hash, bytes);
            break;
        case BF_DOWNLINK_MESSAGE:
            *hash = add_message(*hash, &message);
            break;
        case BF_DOWNLINK_BAD:
            *hash = add(*hash, bf_slice_of(bf_downlink_fault(downlink)));
            return false;
        }
    }
}

/* The hash of all that comes out. */
static uint64_t run(struct bf_downlink *downlink, struct bf_slice input, size_t piece)
{
    static char filler[FILLER];
    const struct bf_slice parts[] = {input, {filler, sizeof filler}};
    uint64_t hash = 0;
    bf_downlink_reset(downlink);
    for (int i = 0; i < 2; i++) {
        size_t step = i == 0 ? piece : piece + 4999;
        for (size_t at = 0, n; at < parts[i].len; at += n) {
            size_t room;
            char *to = bf_downlink_room(downlink, &room);
            assert(room > 0);
            n = step < parts[i].len - at ? step : parts[i].len - at;
            n = n < room ? n : room;
            memcpy(to, parts[i].data + at, n);
            bf_downlink_came(downlink, n);
            if (!take_all(downlink, &hash)) {
                return hash;
            }
        }
    }
    return hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    struct bf_slice input = {(const char *)data + 1, size - 1};
    struct bf_downlink *downlink = bf_downlink_create(MAX_PAYLOAD, 100, data[0] & 1, false);
    assert(downlink != NULL);
    uint64_t whole = run(downlink, input, SIZE_MAX / 2);
    uint64_t pieces = run(downlink, input, 1 + data[0] / 2);
    assert(whole == pieces);
    bf_downlink_destroy(downlink);
    return 0;
}
