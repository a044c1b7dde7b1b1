/* pool.c: chunks in a list; a request larger than a chunk gets one of its own. See pool.h for what it
 * is and why it may abort. Declined: one malloc per node, which is slower to free and easier to leak. */
#include "config/pool.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define CHUNK_BYTES (64u * 1024u)

struct chunk {
    alignas(16) struct chunk *next;
    size_t used, size; /* of the bytes behind this head */
};

struct bf__pool {
    struct chunk *chunks;
};

static void *take(size_t size)
{
    void *memory = calloc(1, size);
    if (memory == NULL) {
        fprintf(stderr, "belfry: out of memory while reading the configuration (%zu bytes)\n", size);
        abort();
    }
    return memory;
}

struct bf__pool *bf__pool_create(void)
{
    return take(sizeof(struct bf__pool));
}

void bf__pool_destroy(struct bf__pool *pool)
{
    if (pool == NULL) {
        return;
    }
    struct chunk *next;
    for (struct chunk *chunk = pool->chunks; chunk != NULL; chunk = next) {
        next = chunk->next;
        free(chunk);
    }
    free(pool);
}

void *bf__pool_alloc(struct bf__pool *pool, size_t size)
{
    size_t rounded = (size + 15u) & ~(size_t)15u;
    if (rounded < size) {
        rounded = size; /* the addition below runs over too, and take() refuses */
    }
    struct chunk *chunk = pool->chunks;
    if (chunk == NULL || chunk->size - chunk->used < rounded) {
        size_t room = rounded > CHUNK_BYTES ? rounded : CHUNK_BYTES;
        struct chunk *fresh = take(room > SIZE_MAX - sizeof *fresh ? SIZE_MAX : sizeof *fresh + room);
        fresh->size = room;
        fresh->next = chunk;
        pool->chunks = chunk = fresh;
    }
    char *memory = (char *)(chunk + 1) + chunk->used;
    chunk->used += rounded;
    return memory;
}

void *bf__pool_array(struct bf__pool *pool, size_t count, size_t size)
{
    size_t bytes = size != 0 && count > SIZE_MAX / size ? SIZE_MAX : count * size;
    return bf__pool_alloc(pool, bytes);
}

struct bf_slice bf__pool_copy(struct bf__pool *pool, struct bf_slice bytes)
{
    char *copy = bf__pool_alloc(pool, bytes.len + 1);
    if (bytes.len > 0) {
        memcpy(copy, bytes.data, bytes.len);
    }
    return (struct bf_slice){copy, bytes.len};
}
