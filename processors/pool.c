/* pool.c: fixed-size records by index. Declined: one malloc per record (memory would not be known at start)
 * and inline hash records (a sparse table touches every page). */
#include "processors/pool.h"

#include <stdlib.h>

void bf_pool_init(struct bf_pool *pool, size_t size)
{
    assert(size >= sizeof(uint32_t));
    *pool = (struct bf_pool){
        .items = NULL, .size = size, .capacity = 0, .limit = 0, .used = 0, .free = 0, .live = 0};
}

void bf_pool_deinit(struct bf_pool *pool)
{
    free(pool->items);
    bf_pool_init(pool, pool->size);
}

enum bf_status bf_pool_limit(struct bf_pool *pool, uint64_t limit, struct bf_err *err)
{
    if (limit > UINT32_MAX / 2) {
        limit = UINT32_MAX / 2;
    }
    if (limit > pool->capacity) {
        char *items = realloc(pool->items, (size_t)limit * pool->size);
        if (items == NULL) {
            return bf_err_set(err, BF_PEER, "out of memory for %llu records of %zu bytes",
                              (unsigned long long)limit, pool->size);
        }
        pool->items = items;
        pool->capacity = (uint32_t)limit;
    }
    pool->limit = (uint32_t)limit;
    return BF_OK;
}

uint32_t bf_pool_take(struct bf_pool *pool)
{
    if (pool->live >= pool->limit) {
        return 0;
    }
    uint32_t index = pool->free;
    if (index != 0) {
        memcpy(&pool->free, bf_pool_at(pool, index), sizeof(pool->free));
    } else {
        index = ++pool->used;
        assert(pool->used <= pool->capacity);
    }
    pool->live++;
    memset(bf_pool_at(pool, index), 0, pool->size);
    return index;
}

void bf_pool_give(struct bf_pool *pool, uint32_t index)
{
    memcpy(bf_pool_at(pool, index), &pool->free, sizeof(pool->free));
    pool->free = index;
    pool->live--;
}

uint32_t bf_text_put(struct bf_pool *texts, struct bf_slice text)
{
    size_t blocks = text.len == 0 ? 1 : (text.len + BF_TEXT_BLOCK - 1) / BF_TEXT_BLOCK;
    if (blocks > texts->limit || texts->live > texts->limit - blocks) {
        return 0;
    }
    uint32_t next = 0;
    for (size_t i = blocks; i-- > 0;) { /* from the last, so that each knows its successor */
        uint32_t index = bf_pool_take(texts);
        struct bf_text_block *block = bf_pool_at(texts, index);
        size_t at = i * BF_TEXT_BLOCK, rest = text.len - at;
        block->next = next;
        if (rest > 0) {
            memcpy(block->bytes, text.data + at, rest < BF_TEXT_BLOCK ? rest : BF_TEXT_BLOCK);
        }
        next = index;
    }
    return next;
}

void bf_text_free(struct bf_pool *texts, uint32_t first)
{
    while (first != 0) {
        const struct bf_text_block *block = bf_pool_at(texts, first);
        uint32_t next = block->next;
        bf_pool_give(texts, first);
        first = next;
    }
}

bool bf_text_equal(const struct bf_pool *texts, uint32_t first, size_t len, struct bf_slice text)
{
    if (len != text.len) {
        return false;
    }
    for (size_t at = 0; at < len; at += BF_TEXT_BLOCK) {
        const struct bf_text_block *block = bf_pool_at(texts, first);
        size_t part = len - at < BF_TEXT_BLOCK ? len - at : BF_TEXT_BLOCK;
        if (memcmp(block->bytes, text.data + at, part) != 0) {
            return false;
        }
        first = block->next;
    }
    return true;
}

struct bf_slice bf_text_copy(const struct bf_pool *texts, uint32_t first, size_t len, char *out)
{
    for (size_t at = 0; at < len; at += BF_TEXT_BLOCK) {
        const struct bf_text_block *block = bf_pool_at(texts, first);
        memcpy(out + at, block->bytes, len - at < BF_TEXT_BLOCK ? len - at : BF_TEXT_BLOCK);
        first = block->next;
    }
    return (struct bf_slice){out, len};
}
