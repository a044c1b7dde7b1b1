/* Records and texts in pools: limits, reuse, growth. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "processors/pool.h"

static void it_refuses_at_its_limit_and_reuses(void **state)
{
    (void)state;
    struct bf_pool pool;
    struct bf_err err;
    bf_pool_init(&pool, 16);
    assert_int_equal(bf_pool_take(&pool), 0);
    assert_int_equal(bf_pool_limit(&pool, 3, &err), BF_OK);
    assert_int_equal(bf_pool_take(&pool), 1);
    assert_int_equal(bf_pool_take(&pool), 2);
    assert_int_equal(bf_pool_take(&pool), 3);
    assert_int_equal(bf_pool_take(&pool), 0);
    memset(bf_pool_at(&pool, 2), 0xff, 16);
    bf_pool_give(&pool, 2);
    assert_int_equal(bf_pool_take(&pool), 2);
    const char zeros[16] = {0};
    assert_memory_equal(bf_pool_at(&pool, 2), zeros, 16);
    assert_int_equal(bf_pool_limit(&pool, 4, &err), BF_OK); /* a reload raises it: contents stay */
    assert_int_equal(bf_pool_take(&pool), 4);
    assert_int_equal(bf_pool_limit(&pool, 1, &err), BF_OK); /* and lowers it */
    bf_pool_give(&pool, 4);
    assert_int_equal(bf_pool_take(&pool), 0);
    bf_pool_deinit(&pool);
}

static void texts_of_all_lengths_come_back(void **state)
{
    (void)state;
    struct bf_pool texts;
    struct bf_err err;
    char text[512], back[512];
    uint32_t all[8];
    static const size_t lengths[] = {0, 1, 59, 60, 61, 120, 121, 512};
    bf_pool_init(&texts, sizeof(struct bf_text_block));
    assert_int_equal(bf_pool_limit(&texts, 20, &err), BF_OK);
    for (size_t i = 0; i < sizeof text; i++) {
        text[i] = (char)(i * 7);
    }
    for (size_t i = 0; i < 8; i++) {
        all[i] = bf_text_put(&texts, (struct bf_slice){text, lengths[i]});
        assert_int_not_equal(all[i], 0);
    }
    for (size_t i = 0; i < 8; i++) {
        struct bf_slice slice = {text, lengths[i]};
        assert_true(bf_text_equal(&texts, all[i], lengths[i], slice));
        assert_true(bf_slice_equal(bf_text_copy(&texts, all[i], lengths[i], back), slice));
        assert_false(bf_text_equal(&texts, all[i], lengths[i], (struct bf_slice){text, lengths[i] + 1}));
    }
    assert_int_equal(texts.live, 1 + 1 + 1 + 1 + 2 + 2 + 3 + 9);
    assert_int_equal(bf_text_put(&texts, BF_SLICE("full")), 0);
    for (size_t i = 0; i < 8; i++) {
        bf_text_free(&texts, all[i]);
    }
    assert_int_equal(texts.live, 0);
    bf_pool_deinit(&texts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_refuses_at_its_limit_and_reuses),
        cmocka_unit_test(texts_of_all_lengths_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
