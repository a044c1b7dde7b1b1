/* test_reason.c: every reason of core/reasons.def has its name, its stage and a sentence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ingest/decode/reason.h"

static void test_table(void **unused)
{
    (void)unused;
    for (int i = BF_REJECT_none + 1; i < BF_REJECT_COUNT; i++) {
        const struct bf_reject_kind *kind = bf_reject_kind((enum bf_reject_reason)i);
        assert_true(kind->name.len > 0 && kind->text.len > 10);
        for (int j = BF_REJECT_none + 1; j < i; j++) {
            assert_false(bf_slice_equal(kind->name, bf_reject_kind((enum bf_reject_reason)j)->name));
        }
    }
    const struct bf_reject_kind *oversize = bf_reject_kind(BF_REJECT_oversize);
    assert_true(bf_slice_equal(oversize->name, BF_SLICE("oversize")));
    assert_int_equal(oversize->stage, BF_STAGE_LIMIT);
    assert_int_equal(bf_reject_kind(BF_REJECT_empty)->stage, BF_STAGE_PROFILE);
    assert_int_equal(bf_reject_kind(BF_REJECT_depth)->stage, BF_STAGE_DECODE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_table)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
