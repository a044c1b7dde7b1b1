/* table.c: see table.h. Why a table of our own: uthash and khash allocate as they grow, and neither keeps
 * an order that a replay repeats. A slot of the index is 8 bytes (32 bits of the hash, record number), so
 * a cache line holds eight, and a record is touched only where those 32 bits agree.
 * Declined: SIMD probing (swiss tables): at a load of at most 3/4 the first slot is usually the one. */
#include "core/table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"

#define SLOTS_MIN 8u
#define CAPACITY_MAX ((size_t)1 << 30)

struct slot {
    uint32_t tag;    /* the upper half of the hash; the lower half says where probing begins */
    uint32_t number; /* of the record, from 1; 0: free */
};

struct bf_table {
    size_t capacity, key_size, record_size, count;
    uint32_t mask; /* slots - 1 */
    struct slot *slots;
    unsigned char *records;
};

/* A bijection on 64 bits whose every output bit depends on every input bit (the finalizer of
 * splitmix64): keys that are numbers need no more. */
static uint64_t mix(uint64_t word)
{
    word = (word ^ (word >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    word = (word ^ (word >> 27)) * UINT64_C(0x94d049bb133111eb);
    return word ^ (word >> 31);
}

static uint64_t hash_of(const struct bf_table *table, const void *key)
{
    uint64_t words[2];
    if (table->key_size == 8) {
        memcpy(words, key, 8);
        return mix(words[0]);
    }
    if (table->key_size == 16) {
        memcpy(words, key, 16);
        return mix(words[0] ^ (words[1] * UINT64_C(0x9e3779b97f4a7c15)));
    }
    return bf_hash64((struct bf_slice){key, table->key_size});
}

/* The sizes are spelled out so that the compiler compares in registers. */
static bool same_key(const struct bf_table *table, const void *a, const void *b)
{
    if (table->key_size == 8) {
        return memcmp(a, b, 8) == 0;
    }
    if (table->key_size == 16) {
        return memcmp(a, b, 16) == 0;
    }
    return memcmp(a, b, table->key_size) == 0;
}

static unsigned char *record_at(const struct bf_table *table, size_t index)
{
    return table->records + index * table->record_size;
}

/* The slot that holds the key, or the free one where its probe ends. Ends always: a quarter is free. */
static uint32_t probe(const struct bf_table *table, const void *key, uint64_t hash)
{
    uint32_t tag = (uint32_t)(hash >> 32);
    uint32_t at = (uint32_t)hash & table->mask;
    while (table->slots[at].number != 0) {
        const struct slot *slot = &table->slots[at];
        if (slot->tag == tag && same_key(table, record_at(table, slot->number - 1u), key)) {
            break;
        }
        at = (at + 1u) & table->mask;
    }
    return at;
}

struct bf_table *bf_table_create(size_t capacity, size_t key_size, size_t record_size)
{
    assert(key_size > 0 && record_size >= key_size);
    if (capacity > CAPACITY_MAX) {
        return NULL;
    }
    size_t slots = SLOTS_MIN;
    while (slots - slots / 4 < capacity) {
        slots *= 2;
    }
    struct bf_table *table = calloc(1, sizeof *table);
    if (table == NULL) {
        return NULL;
    }
    *table = (struct bf_table){
        .capacity = capacity,
        .key_size = key_size,
        .record_size = record_size,
        .mask = (uint32_t)(slots - 1),
        .slots = calloc(slots, sizeof *table->slots),
        .records = calloc(capacity ? capacity : 1, record_size),
    };
    if (table->slots == NULL || table->records == NULL) {
        bf_table_destroy(table);
        return NULL;
    }
    return table;
}

void bf_table_destroy(struct bf_table *table)
{
    if (table != NULL) {
        free(table->slots);
        free(table->records);
        free(table);
    }
}

void bf_table_clear(struct bf_table *table)
{
    if (table->count > 0) {
        memset(table->slots, 0, ((size_t)table->mask + 1) * sizeof *table->slots);
        table->count = 0;
    }
}

void *bf_table_get(const struct bf_table *table, const void *key)
{
    uint32_t number = table->slots[probe(table, key, hash_of(table, key))].number;
    return number ? record_at(table, number - 1u) : NULL;
}

void *bf_table_put(struct bf_table *table, const void *key, bool *created)
{
    uint64_t hash = hash_of(table, key);
    struct slot *slot = &table->slots[probe(table, key, hash)];
    bool make = slot->number == 0;
    if (created != NULL) {
        *created = make && table->count < table->capacity;
    }
    if (!make) {
        return record_at(table, slot->number - 1u);
    }
    if (table->count == table->capacity) {
        return NULL;
    }
    unsigned char *record = record_at(table, table->count++);
    memcpy(record, key, table->key_size);
    memset(record + table->key_size, 0, table->record_size - table->key_size);
    *slot = (struct slot){.tag = (uint32_t)(hash >> 32), .number = (uint32_t)table->count};
    return record;
}

/* Closes the hole at `hole`: every slot of the run behind it moves up unless its probe begins behind it. */
static void shift_back(struct bf_table *table, uint32_t hole)
{
    for (uint32_t at = (hole + 1u) & table->mask; table->slots[at].number != 0;
         at = (at + 1u) & table->mask) {
        const unsigned char *record = record_at(table, table->slots[at].number - 1u);
        uint32_t home = (uint32_t)hash_of(table, record) & table->mask;
        if (((at - home) & table->mask) >= ((at - hole) & table->mask)) {
            table->slots[hole] = table->slots[at];
            hole = at;
        }
    }
    table->slots[hole] = (struct slot){.tag = 0, .number = 0};
}

bool bf_table_remove(struct bf_table *table, const void *key)
{
    uint32_t at = probe(table, key, hash_of(table, key));
    uint32_t number = table->slots[at].number;
    if (number == 0) {
        return false;
    }
    unsigned char *removed = record_at(table, number - 1u);
    unsigned char *last = record_at(table, table->count - 1);
    if (removed != last) {
        /* Before shift_back, which reads the keys of the run. */
        table->slots[probe(table, last, hash_of(table, last))].number = number;
        memcpy(removed, last, table->record_size);
    }
    table->count--;
    shift_back(table, at);
    return true;
}

size_t bf_table_count(const struct bf_table *table)
{
    return table->count;
}

size_t bf_table_capacity(const struct bf_table *table)
{
    return table->capacity;
}


void *bf_table_next(const struct bf_table *table, size_t *cursor)
{
    return *cursor < table->count ? record_at(table, (*cursor)++) : NULL;
}
