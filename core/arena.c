/* arena.c: a bump pointer over one block. It exists because a message's readings live exactly as
 * long as the message does, so one reset frees them all.
 * Declined: zeroing on alloc (decoders fill every field), and destructors (nothing here owns
 * anything). */
#include "core/arena.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#define ALIGNMENT ((size_t)16)

struct bf_arena {
    size_t capacity; /* a multiple of ALIGNMENT */
    size_t used;     /* likewise, so that the next allocation is aligned without arithmetic */
    unsigned char *block;
};

static size_t round_up(size_t size)
{
    return (size + (ALIGNMENT - 1)) & ~(ALIGNMENT - 1);
}

struct bf_arena *bf_arena_create(size_t capacity)
{
    if (capacity > SIZE_MAX - ALIGNMENT) {
        return NULL;
    }
    capacity = capacity ? round_up(capacity) : ALIGNMENT;
    struct bf_arena *arena = malloc(sizeof(*arena));
    unsigned char *block = aligned_alloc(ALIGNMENT, capacity);
    if (!arena || !block) {
        free(arena);
        free(block);
        return NULL;
    }
    *arena = (struct bf_arena){.capacity = capacity, .used = 0, .block = block};
    return arena;
}

void bf_arena_destroy(struct bf_arena *arena)
{
    if (arena) {
        free(arena->block);
        free(arena);
    }
}

void *bf_arena_alloc(struct bf_arena *arena, size_t size)
{
    /* Both sides are multiples of ALIGNMENT, so what fits unrounded fits rounded. */
    if (size > arena->capacity - arena->used) {
        return NULL;
    }
    void *memory = arena->block + arena->used;
    arena->used += round_up(size);
    return memory;
}

struct bf_slice bf_arena_copy(struct bf_arena *arena, struct bf_slice bytes)
{
    char *copy = bytes.len < SIZE_MAX ? bf_arena_alloc(arena, bytes.len + 1) : NULL;
    if (!copy) {
        return (struct bf_slice){.data = NULL, .len = 0};
    }
    if (bytes.len > 0) {
        memcpy(copy, bytes.data, bytes.len);
    }
    copy[bytes.len] = '\0';
    return (struct bf_slice){.data = copy, .len = bytes.len};
}

void bf_arena_reset(struct bf_arena *arena)
{
    arena->used = 0;
}
