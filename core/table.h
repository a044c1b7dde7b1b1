/* table.h: a hash table of fixed capacity. Open addressing (linear probing, tombstone-free deletion by
 * back-shift) over records of one size that stand inline; memory is taken once, at create.
 * Declined: growing (memory known at start cannot run out at night) and evicting (what a limit drops must
 * be counted by whoever owns the meaning).
 *
 * Iteration order depends on nothing but the sequence of inserts and removes, so two replays of one log
 * walk it alike; where an order is part of the output, sort.
 *
 * Owner: creator.   Thread: the owner's.   Limits: `capacity` records; put returns NULL when full. */
#ifndef BF_CORE_TABLE_H
#define BF_CORE_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "core/slice.h"

struct bf_table;

/* Records of `record_size` bytes that begin with `key_size` bytes of key (memcmp equality: zero the
 * padding). NULL when memory is out. */
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
size_t bf_table_bytes(const struct bf_table *table); /* memory held */

/* Walk: for (size_t i = 0; (r = bf_table_next(t, &i)) != NULL;). Nothing may be put or removed meanwhile. */
void *bf_table_next(const struct bf_table *table, size_t *cursor);

#endif
