/* hash.c: the three hashes. murmur2 is written out here because Kafka's own variant (Java's
 * default partitioner) is a contract with every other client of the topics, and twenty lines.
 * Declined: librdkafka's murmur2 partitioners: they choose a partition only while producing, and
 * core links no broker's library. */
#include "core/hash.h"

#include <assert.h>
#include <endian.h>
#include <openssl/evp.h>
#include <stdlib.h>
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

static void to_hex(const unsigned char bytes[32], char hex[65])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < 32; i++) {
        hex[2 * i] = digits[bytes[i] >> 4];
        hex[2 * i + 1] = digits[bytes[i] & 15];
    }
    hex[64] = '\0';
}

void bf_hash_sha256_hex(struct bf_slice bytes, char hex[65])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int len = 0;
    int done = EVP_Digest(bytes.len ? bytes.data : "", bytes.len, digest, &len, EVP_sha256(), NULL);
    assert(done == 1 && len == 32); /* fails only without memory or a library without SHA-256 */
    to_hex(digest, hex);
}

struct bf_digest {
    EVP_MD_CTX *context;
};

struct bf_digest *bf_digest_create(void)
{
    struct bf_digest *digest = malloc(sizeof(*digest));
    if (digest == NULL) {
        return NULL;
    }
    digest->context = EVP_MD_CTX_new();
    if (digest->context == NULL) {
        free(digest);
        return NULL;
    }
    bf_digest_begin(digest);
    return digest;
}

void bf_digest_destroy(struct bf_digest *digest)
{
    if (digest != NULL) {
        EVP_MD_CTX_free(digest->context);
        free(digest);
    }
}

void bf_digest_begin(struct bf_digest *digest)
{
    int done = EVP_DigestInit_ex(digest->context, EVP_sha256(), NULL);
    assert(done == 1);
}

void bf_digest_add(struct bf_digest *digest, struct bf_slice bytes)
{
    int done = EVP_DigestUpdate(digest->context, bytes.len ? bytes.data : "", bytes.len);
    assert(done == 1);
}

void bf_digest_hex(struct bf_digest *digest, char hex[65])
{
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned int len = 0;
    int done = EVP_DigestFinal_ex(digest->context, bytes, &len);
    assert(done == 1 && len == 32);
    to_hex(bytes, hex);
}
