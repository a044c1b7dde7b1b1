/* message_hash.h: what tells one message from another in its delivery's identity (key 21 of a reading): topic
 * and payload. By blocks, so that a payload which is never whole in memory has one too.
 * Thread: any. */
#ifndef BF_INGEST_DECODE_MESSAGE_HASH_H
#define BF_INGEST_DECODE_MESSAGE_HASH_H

#include <stdint.h>

#include "core/slice.h"

#define BF_PAYLOAD_BLOCK 65536

/* bf_hash64 of each BF_PAYLOAD_BLOCK, mixed in order. */
uint64_t bf_payload_hash(struct bf_slice payload);
/* One block more; the first has `is_first`. */
uint64_t bf_payload_hash_block(uint64_t hash, bool is_first, struct bf_slice block);
uint64_t bf_message_hash(struct bf_slice topic, uint64_t payload_hash);

#endif
