/* pool.h: memory that is freed as one: a document's tree, or a whole configuration. It grows, unlike
 * core/arena.h: it is filled once at start or reload, from input whose size is limited (yaml.h, bundle.h).
 * Declined: an error path for memory that is out. Every line of a loader would carry one, and a program
 * that cannot hold its own configuration has nothing to go on with: it says so and aborts.
 *
 * Owner: creator.   Thread: the owner's. */
#ifndef BF_CONFIG_POOL_H
#define BF_CONFIG_POOL_H

#include "core/slice.h"

struct bf__pool;

struct bf__pool *bf__pool_create(void);
void bf__pool_destroy(struct bf__pool *pool); /* NULL: nothing */
/* Zeroed, 16-byte aligned, never NULL; lives as long as the pool. */
void *bf__pool_alloc(struct bf__pool *pool, size_t size);
/* count elements; aborts where count * size does not fit. */
void *bf__pool_array(struct bf__pool *pool, size_t count, size_t size);
/* A copy with a NUL behind it. */
struct bf_slice bf__pool_copy(struct bf__pool *pool, struct bf_slice bytes);

#endif
