/* hash.h: the three hashes, each for one purpose. xxHash (XXH3, 64 bit, seed 0) for identities and
 * tables; murmur2 for Kafka partitions as Java's default partitioner computes it
 * (org.apache.kafka.common.utils.Utils.murmur2, seed 0x9747b28c), so that others can co-partition;
 * SHA-256 (OpenSSL) for the content hash of a configuration and the digest of a checkpoint.
 * No seed ever changes from run to run.   Thread: any. */
#ifndef BF_CORE_HASH_H
#define BF_CORE_HASH_H

#include <stdint.h>

#include "core/slice.h"

uint64_t bf_hash64(struct bf_slice bytes);
/* Mixes a further value into a hash: for identities made of several fields. */
uint64_t bf_hash64_mix(uint64_t hash, uint64_t value);
uint32_t bf_hash_murmur2(struct bf_slice bytes);
/* toPositive(murmur2(key)) % partitions. */
int32_t bf_hash_partition(struct bf_slice key, int32_t partitions);
/* 64 hexadecimal digits and a NUL. */
void bf_hash_sha256_hex(struct bf_slice bytes, char hex[65]);
/* The same over parts: begin, add..., hex; then begin again. NULL where memory is out. */
struct bf_digest;
struct bf_digest *bf_digest_create(void);
void bf_digest_destroy(struct bf_digest *digest);
void bf_digest_begin(struct bf_digest *digest);
void bf_digest_add(struct bf_digest *digest, struct bf_slice bytes);
void bf_digest_hex(struct bf_digest *digest, char hex[65]);

#endif
