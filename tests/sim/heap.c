/* heap.c: one region per process, cut from the front; what is freed waits in a list for its size (powers of
 * two). Declined: dlmalloc in a private mapping (a hundred times the code, for daemons that allocate at their
 * start). */
#include "tests/sim/heap.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/sim/sim.h"

#define CLASSES 40
#define HEADER 64

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
int __wrap_posix_memalign(void **block, size_t alignment, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t size);
void __wrap_free(void *block);

struct heap {
    char *at;
    void *free[CLASSES];
};
static char *base;
static struct heap heaps[SIM_PROCESSES];
static int current = -1;
static size_t peak;

static char *start_of(int process)
{
    if (base == NULL) {
        base = mmap(NULL, SIM_HEAP_BYTES * SIM_PROCESSES, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        assert(base != MAP_FAILED);
    }
    return base + SIM_HEAP_BYTES * (size_t)process;
}

void sim_heap_use(int process)
{
    current = process;
}

void sim_heap_reset(int process)
{
    heaps[process] = (struct heap){.at = start_of(process)};
}

size_t sim_heap_peak(void)
{
    return peak;
}

static bool is_ours(const void *block)
{
    return base != NULL && (const char *)block >= base &&
           (const char *)block < base + SIM_HEAP_BYTES * SIM_PROCESSES;
}

static unsigned class_of(size_t size)
{
    unsigned class = 7;
    while (((size_t)1 << class) < size) {
        class ++;
    }
    return class;
}

static void *take(size_t size)
{
    unsigned class = class_of(size + HEADER);
    struct heap *heap = &heaps[current];
    char *block = heap->free[class];
    if (block != NULL) {
        memcpy(&heap->free[class], block + HEADER, sizeof(void *));
        return block + HEADER;
    }
    size_t whole = (size_t)1 << class, used = (size_t)(heap->at - start_of(current));
    if (whole > SIM_HEAP_BYTES - used) {
        errno = ENOMEM;
        return NULL;
    }
    block = heap->at;
    heap->at += whole;
    peak = used + whole > peak ? used + whole : peak;
    memcpy(block, &class, sizeof(class));
    return block + HEADER;
}

static unsigned class_at(const void *block)
{
    unsigned class;
    memcpy(&class, (const char *)block - HEADER, sizeof(class));
    return class;
}

void *__wrap_malloc(size_t size)
{
    return current < 0 ? __real_malloc(size) : take(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    if (current < 0) {
        return __real_calloc(count, size);
    }
    void *block = take(count * size);
    return block == NULL ? NULL : memset(block, 0, count * size);
}

void __wrap_free(void *block)
{
    if (block == NULL || !is_ours(block)) {
        __real_free(block);
        return;
    }
    struct heap *heap = &heaps[(size_t)((char *)block - base) / SIM_HEAP_BYTES];
    unsigned class = class_at(block);
    memcpy(block, &heap->free[class], sizeof(void *));
    heap->free[class] = (char *)block - HEADER;
}

void *__wrap_realloc(void *old, size_t size)
{
    if (old != NULL && !is_ours(old)) {
        return __real_realloc(old, size);
    }
    if (old == NULL) {
        return __wrap_malloc(size);
    }
    size_t room = ((size_t)1 << class_at(old)) - HEADER;
    if (size <= room) {
        return old;
    }
    void *made = take(size);
    if (made != NULL) {
        memcpy(made, old, room);
        __wrap_free(old);
    }
    return made;
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    assert(alignment <= HEADER);
    return __wrap_malloc(size);
}

int __wrap_posix_memalign(void **block, size_t alignment, size_t size)
{
    assert(alignment <= HEADER);
    *block = __wrap_malloc(size);
    return *block == NULL ? ENOMEM : 0;
}

char *__wrap_strndup(const char *text, size_t size)
{
    size_t len = strnlen(text, size);
    char *copy = __wrap_malloc(len + 1);
    if (copy != NULL) {
        memcpy(copy, text, len);
        copy[len] = '\0';
    }
    return copy;
}

char *__wrap_strdup(const char *text)
{
    return __wrap_strndup(text, strlen(text));
}

void sim_heap_reset_of(const struct sim_process *process)
{
    sim_heap_reset((int)(process - sim_processes));
}
