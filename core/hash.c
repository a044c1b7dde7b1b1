/* hash.c: the three hashes. murmur2 is written out here because Kafka's own variant (Java's
 * default partitioner) is a contract with every other client of the topics, and twenty lines.
 * Declined: librdkafka's murmur2 partitioners: they choose a partition only while producing, and
 * core links no broker's library. */
#include "core/hash.h"

#include <assert.h>
#include <endian.h>
#include <openssl/evp.h>
#include <xxhash.h>

uint64_t bf_hash64(struct bf_slice bytes)
{
    return XXH3_64bits(bytes.data, bytes.len);
}

/* A bijection of either argument while the other stands; the constants are those of splitmix64. */
uint64_t bf_hash64_mix(uint64_t hash, uint64_t value)
{
    hash = ((hash << 23) | (hash >> 41)) ^ (value * UINT64_C(0x9e3779b97f4a7c15));
    hash = (hash ^ (hash >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    hash = (hash ^ (hash >> 27)) * UINT64_C(0x94d049bb133111eb);
    return hash ^ (hash >> 31);
}

uint32_t bf_hash_murmur2(struct bf_slice bytes)
{
    const uint32_t m = UINT32_C(0x5bd1e995);
    const unsigned char *at = (const unsigned char *)bytes.data;
    size_t left = bytes.len;
    uint32_t hash = UINT32_C(0x9747b28c) ^ (uint32_t)bytes.len;
    for (; left >= 4; left -= 4, at += 4) {
        uint32_t k;
        memcpy(&k, at, sizeof(k));
        k = le32toh(k) * m;
        k = (k ^ (k >> 24)) * m;
        hash = (hash * m) ^ k;
    }
    if (left > 0) {
        uint32_t tail = 0;
        for (size_t i = 0; i < left; i++) {
            tail |= (uint32_t)at[i] << (8 * i);
        }
        hash = (hash ^ tail) * m;
    }
    hash = (hash ^ (hash >> 13)) * m;
    return hash ^ (hash >> 15);
}

int32_t bf_hash_partition(struct bf_slice key, int32_t partitions)
{
    assert(partitions > 0);
    return (int32_t)((bf_hash_murmur2(key) & UINT32_C(0x7fffffff)) % (uint32_t)partitions);
}

void bf_hash_sha256_hex(struct bf_slice bytes, char hex[65])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int len = 0;
    int done = EVP_Digest(bytes.len ? bytes.data : "", bytes.len, digest, &len, EVP_sha256(), NULL);
    assert(done == 1 && len == 32); /* fails only without memory or a library without SHA-256 */
    for (size_t i = 0; i < 32; i++) {
        hex[2 * i] = digits[digest[i] >> 4];
        hex[2 * i + 1] = digits[digest[i] & 15];
    }
    hex[64] = '\0';
}
