/* Names of record types, and the order of origins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/record.h"
#include "core/wire.h"

static void names_lead_back(void **state)
{
    (void)state;
    for (int i = 0; i < BF_RECORD_COUNT; i++) {
        enum bf_record_type type = BF_RECORD_COUNT;
        assert_true(bf_record_parse_name(bf_slice_of(bf_record_name((enum bf_record_type)i)),
                                         &type));
        assert_int_equal(type, i);
    }
    assert_string_equal(bf_record_name(BF_RECORD_TASK_TICK), "task-tick");
    assert_string_equal(bf_record_name(BF_RECORD_COUNT), "unknown");
}

static void other_names_are_refused(void **state)
{
    (void)state;
    enum bf_record_type type = BF_RECORD_KPI;
    assert_false(bf_record_parse_name(BF_SLICE(""), &type));
    assert_false(bf_record_parse_name(BF_SLICE("unknown"), &type));
    assert_false(bf_record_parse_name(BF_SLICE("Tick"), &type));
    assert_false(bf_record_parse_name(BF_SLICE("tick\0"), &type));
    assert_int_equal(type, BF_RECORD_KPI);
}

static void origins_order_by_offset_then_index(void **state)
{
    (void)state;
    struct bf_origin low = {.offset = 5, .index = 9}, high = {.offset = 6, .index = 0};
    struct bf_origin later = {.offset = 6, .index = 1};
    assert_int_equal(bf_origin_compare(&low, &high), -1);
    assert_int_equal(bf_origin_compare(&high, &low), 1);
    assert_int_equal(bf_origin_compare(&high, &later), -1);
    assert_int_equal(bf_origin_compare(&later, &high), 1);
    assert_int_equal(bf_origin_compare(&later, &later), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_lead_back),
        cmocka_unit_test(other_names_are_refused),
        cmocka_unit_test(origins_order_by_offset_then_index),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
