/* What the laws (tests/contract/test_aggregates.c) do not say: precision, and who is last. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "processors/aggregate/aggregate.h"

_Alignas(8) static unsigned char one[BF_AGGREGATE_STATE_MAX], two[BF_AGGREGATE_STATE_MAX];

static const struct bf_value_options options = {.scale = 1, .k = 1, .per_us = 1, .every_us = 1};

static const struct bf_aggregate *start(const char *name)
{
    const struct bf_aggregate *aggregate = bf_aggregate_find(bf_slice_of(name));
    assert_non_null(aggregate);
    aggregate->init(one, &options);
    aggregate->init(two, &options);
    return aggregate;
}

static void add(const struct bf_aggregate *aggregate, void *state, double value, int64_t event_us,
                int32_t partition, int64_t offset)
{
    const struct bf_sample sample = {
        .value = value, .event_us = event_us, .partition = partition, .offset = offset};
    aggregate->add(state, &sample, &options);
}

static double result(const struct bf_aggregate *aggregate)
{
    double value;
    assert_true(aggregate->result(one, &options, &value));
    return value;
}

static void a_sum_keeps_small_values_beside_large_ones(void **state)
{
    (void)state;
    const struct bf_aggregate *sum = start("sum");
    add(sum, one, 1, 0, 0, 0);
    add(sum, one, 1e100, 0, 0, 1);
    add(sum, one, 1, 0, 0, 2);
    add(sum, one, -1e100, 0, 0, 3);
    assert_true(result(sum) == 2);
    sum = start("sum");
    add(sum, one, 1e100, 0, 0, 0);
    add(sum, one, 1, 0, 0, 1);
    add(sum, two, -1e100, 0, 1, 0);
    add(sum, two, 1, 0, 1, 1);
    sum->merge(one, two);
    assert_true(result(sum) == 2);
    const struct bf_aggregate *mean = start("mean");
    for (int i = 0; i < 10; i++) {
        add(mean, i % 2 ? one : two, 0.1, 0, 0, i);
    }
    mean->merge(one, two);
    assert_true(result(mean) == 0.1);
}

static void the_last_is_by_event_time_then_by_place(void **state)
{
    (void)state;
    const struct bf_aggregate *last = start("last");
    add(last, one, 1, 100, 0, 7);
    add(last, one, 2, 50, 0, 8);
    assert_true(result(last) == 1);
    add(last, one, 3, 100, 0, 9);
    assert_true(result(last) == 3);
    add(last, two, 4, 100, 1, 2);
    last->merge(one, two);
    assert_true(result(last) == 4);
    last->init(two, &options);
    add(last, two, 5, 100, 0, 99);
    last->merge(one, two);
    assert_true(result(last) == 4);
}

static void nothing_has_no_value_but_a_count(void **state)
{
    (void)state;
    for (const struct bf_aggregate_kind *const *kind = bf_aggregate_kinds(); *kind != NULL; kind++) {
        double value = -1;
        const struct bf_aggregate *aggregate = start((*kind)->name);
        bool has = aggregate->result(one, &options, &value);
        assert_int_equal(has, strcmp((*kind)->name, "count") == 0 ||
                                  strcmp((*kind)->name, "histogram") == 0 ||
                                  strcmp((*kind)->name, "distinct") == 0);
        assert_true(!has || value == 0);
    }
    assert_null(bf_aggregate_find(BF_SLICE("median")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sum_keeps_small_values_beside_large_ones),
        cmocka_unit_test(the_last_is_by_event_time_then_by_place),
        cmocka_unit_test(nothing_has_no_value_but_a_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
