/* alloc.c: see alloc.h. The names are the linker's: a call of malloc arrives in __wrap_malloc, and
 * __real_malloc is the one that everybody else has. tests/CMakeLists.txt lists the same names. */
#include "tests/support/alloc.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static atomic_bool counting;
static atomic_size_t calls;

static void count(void)
{
    if (atomic_load_explicit(&counting, memory_order_relaxed)) {
        atomic_fetch_add_explicit(&calls, 1, memory_order_relaxed);
    }
}

void bf_alloc_count_begin(void)
{
    atomic_store(&calls, 0);
    atomic_store(&counting, true);
}

size_t bf_alloc_count_end(void)
{
    atomic_store(&counting, false);
    return atomic_load(&calls);
}

/* X(function, type of the result, parameters, arguments) */
#define ALLOCATORS                                                                                    \
    X(malloc, void *, (size_t size), (size))                                                          \
    X(calloc, void *, (size_t number, size_t size), (number, size))                                   \
    X(realloc, void *, (void *memory, size_t size), (memory, size))                                   \
    X(reallocarray, void *, (void *memory, size_t number, size_t size), (memory, number, size))       \
    X(aligned_alloc, void *, (size_t alignment, size_t size), (alignment, size))                      \
    X(posix_memalign, int, (void **memory, size_t alignment, size_t size), (memory, alignment, size)) \
    X(strdup, char *, (const char *text), (text))                                                     \
    X(strndup, char *, (const char *text, size_t size), (text, size))

#define X(function, type, parameters, arguments) \
    type __real_##function parameters;           \
    type __wrap_##function parameters;           \
    type __wrap_##function parameters            \
    {                                            \
        count();                                 \
        return __real_##function arguments;      \
    }
ALLOCATORS
#undef X
