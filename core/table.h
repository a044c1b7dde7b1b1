/* table.h: a hash table of fixed capacity. Records of one size lie side by side in the order of their
 * making; an index beside them (open addressing, linear probing, deletion by back-shift, so no tombstones)
 * finds them by key. Memory is asked for once, at create, and costs nothing until it is touched.
 * Declined: growing (memory known at start cannot run out at night), evicting (what a limit drops must be
 * counted by whoever owns the meaning), and records inside the index (large records would make every probe
 * a cache miss and every walk a walk over holes).
 *
 * Iteration order depends on nothing but the sequence of puts and removes (a remove moves the last record
 * into the hole), so two replays of one log walk it alike; where an order is part of the output, sort.
 *
 * Owner: creator.   Thread: the owner's.   Limits: `capacity` records; put returns NULL when full. */
#ifndef BF_CORE_TABLE_H
#define BF_CORE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bf_table;

/* Records of `record_size` bytes that begin with `key_size` bytes of key (memcmp equality: zero the
 * padding). NULL when memory is out, or capacity is above 2^30. */
struct bf_table *bf_table_create(size_t capacity, size_t key_size, size_t record_size);
void bf_table_destroy(struct bf_table *table);
void bf_table_clear(struct bf_table *table);

/* The record with that key, or NULL. Pointers hold until the next put or remove. */
void *bf_table_get(const struct bf_table *table, const void *key);
/* The record with that key; made (key copied, the rest zeroed, *created true) where it is missing.
 * NULL when full. created may be NULL. */
void *bf_table_put(struct bf_table *table, const void *key, bool *created);
/* False where there was none. */
bool bf_table_remove(struct bf_table *table, const void *key);

size_t bf_table_count(const struct bf_table *table);
size_t bf_table_capacity(const struct bf_table *table);

/* Walk: for (size_t i = 0; (r = bf_table_next(t, &i)) != NULL;). Nothing may be put or removed meanwhile. */
void *bf_table_next(const struct bf_table *table, size_t *cursor);

#endif
