/* Shares of windows: classes of sizes, one budget for all, and what a window takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "processors/window.h"

static void classes_fit_tightly(void **state)
{
    (void)state;
    uint32_t before = 0;
    for (size_t size = 1; size <= BF_CELL_STATE_MAX; size++) {
        uint32_t class = bf_shares_class(size);
        size_t room = bf_share_size(size) - sizeof(struct bf_share);
        assert_true(class < BF_SHARE_CLASSES && class >= before && class <= before + 1);
        assert_true(room >= size && room % 8 == 0);
        assert_true(room - size < 8 || (room - size) * 8 <= room);
        before = class;
    }
    assert_int_equal(before, BF_SHARE_CLASSES - 1);
}

static void one_budget_serves_all_classes(void **state)
{
    (void)state;
    struct bf_shares shares;
    struct bf_err err;
    uint32_t small = bf_shares_class(24), large = bf_shares_class(2000);
    size_t budget = 3 * bf_share_size(24) + bf_share_size(2000);
    bf_shares_init(&shares);
    assert_int_equal(bf_shares_limit(&shares, 100, budget, &err), BF_OK);
    assert_int_equal(bf_share_take(&shares, small), 0); /* not opened */
    assert_int_equal(bf_shares_open(&shares, small, &err), BF_OK);
    assert_int_equal(bf_shares_open(&shares, large, &err), BF_OK);
    uint32_t first = bf_share_take(&shares, large);
    assert_int_not_equal(first, 0);
    assert_int_equal(bf_share_take(&shares, large), 0);
    uint32_t taken[3];
    for (int i = 0; i < 3; i++) {
        taken[i] = bf_share_take(&shares, small);
        assert_int_not_equal(taken[i], 0);
    }
    assert_false(bf_shares_room(&shares, small));
    assert_int_equal(bf_share_take(&shares, small), 0);
    assert_int_equal(shares.bytes, budget);
    assert_int_equal(shares.count, 4);
    memset(bf_share_at(&shares, large, first), 0xff, bf_share_size(2000));
    bf_share_give(&shares, large, first);
    bf_share_give(&shares, small, taken[1]);
    first = bf_share_take(&shares, large);
    const unsigned char *bytes = (const unsigned char *)bf_share_at(&shares, large, first);
    for (size_t i = 0; i < bf_share_size(2000); i++) {
        assert_int_equal(bytes[i], 0);
    }
    assert_int_equal(bf_shares_limit(&shares, 100, budget / 2, &err), BF_OK); /* a reload lowers it */
    assert_int_equal(bf_share_take(&shares, small), 0);
    assert_int_equal(bf_shares_limit(&shares, 3, 2 * budget, &err), BF_OK); /* and raises it: counted too */
    assert_int_not_equal(bf_share_take(&shares, small), 0);
    assert_int_equal(bf_share_take(&shares, small), 0);
    bf_shares_deinit(&shares);
}

static size_t window_bytes(const char *name)
{
    const struct bf_value_options options = {.p = 0.95, .scale = 1};
    const struct bf_aggregate *aggregate = bf_aggregate_find(bf_slice_of(name));
    return aggregate == NULL
               ? 0
               : sizeof(struct bf_window) + bf_share_size(bf_cell_state_size(aggregate, &options));
}

static void windows_are_small(void **state)
{
    (void)state;
    static const char *const plain[] = {"count", "sum", "mean", "min", "max", "last"};
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        size_t bytes = window_bytes(plain[i]);
        assert_true(bytes > 0 && bytes <= 200);
    }
    assert_true(window_bytes("quantile") <= 2500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_fit_tightly),
        cmocka_unit_test(one_budget_serves_all_classes),
        cmocka_unit_test(windows_are_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
