/* pool.h: records of one size in one block, named by index. What is taken first stands first, so memory is
 * touched only as far as it was ever needed; links between records are indices, so the block may grow when a
 * reload raises a limit, and a checkpoint holds no pointers. Index 0 is "none".
 *
 * texts: strings of any bounded length in such records, 60 bytes in each.
 * Owner: the task's tables.   Thread: the task's.   Limits: capacity; take returns 0 when full. */
#ifndef BF_PROCESSORS_POOL_H
#define BF_PROCESSORS_POOL_H

#include <assert.h>
#include <stdint.h>

#include "core/err.h"
#include "core/slice.h"

struct bf_pool {
    char *items;
    size_t size;               /* of one record, at least 4 */
    uint32_t capacity;         /* records that fit into the block */
    uint32_t limit;            /* records that may be in use */
    uint32_t used, free, live; /* ever taken; first of the returned ones; in use now */
};

void bf_pool_init(struct bf_pool *pool, size_t size);
void bf_pool_deinit(struct bf_pool *pool);
/* Grows the block where it is too small; a smaller limit only refuses earlier. PEER when memory is out. */
enum bf_status bf_pool_limit(struct bf_pool *pool, uint64_t limit,
                             struct bf_err *err) BF_MUST_CHECK;
/* A zeroed record's index, 0 at the limit. Pointers hold until the next bf_pool_limit. */
uint32_t bf_pool_take(struct bf_pool *pool);
void bf_pool_give(struct bf_pool *pool, uint32_t index);
static inline void *bf_pool_at(const struct bf_pool *pool, uint32_t index)
{
    assert(index != 0 && index <= pool->used);
    return pool->items + (size_t)(index - 1) * pool->size;
}

#define BF_TEXT_BLOCK 60
struct bf_text_block {
    uint32_t next;
    char bytes[BF_TEXT_BLOCK];
};
/* 0 at the limit (nothing is taken then). */
uint32_t bf_text_put(struct bf_pool *texts, struct bf_slice text);
void bf_text_free(struct bf_pool *texts, uint32_t first);
bool bf_text_equal(const struct bf_pool *texts, uint32_t first, size_t len, struct bf_slice text);
/* Copies into `out` (room for len bytes) and returns it as a slice. */
struct bf_slice bf_text_copy(const struct bf_pool *texts, uint32_t first, size_t len, char *out);

#endif
