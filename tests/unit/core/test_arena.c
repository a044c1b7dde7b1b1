/* The arena: alignment, the limit to the byte, copies, rewinding. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/arena.h"

static void allocations_are_aligned_and_apart(void **state)
{
    (void)state;
    struct bf_arena *arena = bf_arena_create(1024);
    assert_non_null(arena);
    char *before = bf_arena_alloc(arena, 1);
    for (size_t size = 1; size < 40; size++) {
        char *memory = bf_arena_alloc(arena, 5);
        assert_non_null(memory);
        assert_int_equal((uintptr_t)memory % 16, 0);
        assert_true(memory >= before + 5);
        memset(memory, (int)size, 5);
        before = memory;
    }
    bf_arena_destroy(arena);
}

static void the_limit_refuses_and_keeps_what_is_there(void **state)
{
    (void)state;
    struct bf_arena *arena = bf_arena_create(64);
    char *first = bf_arena_alloc(arena, 48);
    assert_non_null(first);
    memset(first, 7, 48);
    assert_null(bf_arena_alloc(arena, 17));
    assert_null(bf_arena_alloc(arena, SIZE_MAX));
    assert_null(bf_arena_alloc(arena, SIZE_MAX - 15));
    assert_non_null(bf_arena_alloc(arena, 16));
    assert_null(bf_arena_alloc(arena, 1));
    assert_int_equal(first[47], 7);
    bf_arena_reset(arena);
    assert_ptr_equal(bf_arena_alloc(arena, 64), first);
    bf_arena_destroy(arena);
    assert_null(bf_arena_create(SIZE_MAX));
    bf_arena_destroy(NULL);
}

static void a_copy_is_terminated(void **state)
{
    (void)state;
    struct bf_arena *arena = bf_arena_create(32);
    struct bf_slice copy = bf_arena_copy(arena, BF_SLICE("a\0b"));
    assert_int_equal(copy.len, 3);
    assert_memory_equal(copy.data, "a\0b", 4);
    struct bf_slice empty = bf_arena_copy(arena, (struct bf_slice){.data = NULL, .len = 0});
    assert_int_equal(empty.len, 0);
    assert_int_equal(empty.data[0], 0);
    assert_null(bf_arena_copy(arena, BF_SLICE("x")).data);
    bf_arena_destroy(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allocations_are_aligned_and_apart),
        cmocka_unit_test(the_limit_refuses_and_keeps_what_is_there),
        cmocka_unit_test(a_copy_is_terminated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
