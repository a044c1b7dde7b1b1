/* The counter counts ours, in the test and in the libraries that it links, and nobody else's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/table.h"
#include "tests/support/alloc.h"

static void counts_what_our_code_asks_for(void **state)
{
    (void)state;
    bf_alloc_count_begin();
    char *volatile text = strdup("a text");
    text = realloc(text, 100);
    free(text);
    assert_int_equal(bf_alloc_count_end(), 2);
    text = strdup("not counted");
    free(text);
    assert_int_equal(bf_alloc_count_end(), 2);
    bf_alloc_count_begin();
    assert_int_equal(bf_alloc_count_end(), 0);
}

static void counts_in_our_libraries(void **state)
{
    (void)state;
    bf_alloc_count_begin();
    struct bf_table *table = bf_table_create(10, 8, 16);
    assert_true(bf_alloc_count_end() >= 3);
    bf_alloc_count_begin();
    for (uint64_t key = 0; key < 10; key++) {
        assert_non_null(bf_table_put(table, &key, NULL));
        assert_non_null(bf_table_get(table, &key));
        assert_true(bf_table_remove(table, &key));
    }
    assert_int_equal(bf_alloc_count_end(), 0);
    bf_table_destroy(table);
}

static void leaves_others_alone(void **state)
{
    (void)state;
    bf_alloc_count_begin();
    FILE *file = tmpfile(); /* libc allocates it for itself */
    assert_int_equal(bf_alloc_count_end(), 0);
    assert_non_null(file);
    fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_what_our_code_asks_for),
        cmocka_unit_test(counts_in_our_libraries),
        cmocka_unit_test(leaves_others_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
