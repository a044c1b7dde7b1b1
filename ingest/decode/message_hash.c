/* message_hash.c: see message_hash.h. Declined: XXH3's own state for streams (half a kilobyte for each
 * message under way). */
#include "ingest/decode/message_hash.h"

#include "core/hash.h"

uint64_t bf_payload_hash_block(uint64_t hash, bool is_first, struct bf_slice block)
{
    uint64_t more = bf_hash64(block);
    return is_first ? more : bf_hash64_mix(hash, more);
}

uint64_t bf_payload_hash(struct bf_slice payload)
{
    const char *data = payload.len > 0 ? payload.data : "";
    uint64_t hash = 0;
    size_t at = 0;
    do {
        size_t left = payload.len - at;
        struct bf_slice block = {data + at, left < BF_PAYLOAD_BLOCK ? left : BF_PAYLOAD_BLOCK};
        hash = bf_payload_hash_block(hash, at == 0, block);
        at += block.len;
    } while (at < payload.len);
    return hash;
}

uint64_t bf_message_hash(struct bf_slice topic, uint64_t payload_hash)
{
    return bf_hash64_mix(bf_hash64(topic), payload_hash);
}
