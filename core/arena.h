/* arena.h: the memory of one message. A bump pointer over one block that is taken at start and
 * reset after each message, so nothing on the hot path calls malloc or free.
 * Declined: growing by chained chunks: a bound that grows is no bound.
 *
 * Owner:  whoever called create.   Thread: the owner's.
 * Limits: `capacity` bytes; alloc returns NULL at the limit and the caller reports BF_LIMIT. */
#ifndef BF_CORE_ARENA_H
#define BF_CORE_ARENA_H

#include "core/slice.h"

struct bf_arena;

/* NULL when memory is out. */
struct bf_arena *bf_arena_create(size_t capacity);
void bf_arena_destroy(struct bf_arena *arena);

/* 16-byte aligned, not zeroed; NULL at the limit. Lives until the next reset. */
void *bf_arena_alloc(struct bf_arena *arena, size_t size);
/* A copy with a NUL behind it (not counted in len); data is NULL at the limit. */
struct bf_slice bf_arena_copy(struct bf_arena *arena, struct bf_slice bytes);
void bf_arena_reset(struct bf_arena *arena);

#endif
