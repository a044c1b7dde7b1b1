/* KPI definitions, compiled: which readings they take, and into which scope. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "processors/kpi.h"

static struct bf_group_by groups[] = {{.kind = BF_GROUP_ZONE}, {.kind = BF_GROUP_TAG, .tag = {"line", 4}}};
static struct bf_kpi_definition definitions[] = {
    {.id = {"a", 1},
     .quantity = {"speed", 5},
     .aggregate = {"mean", 4},
     .window_us = 10,
     .delay_us = 1,
     .lateness_us = 100,
     .group = groups,
     .group_count = 2,
     .hash = 1},
    {.id = {"b", 1}, .quantity = {"*", 1}, .aggregate = {"count", 5}, .window_us = 20, .hash = 2},
    {.id = {"c", 1}, .quantity = {"speed", 5}, .aggregate = {"max", 3}, .window_us = 10, .hash = 3},
};
static struct bf_city city = {.kpis = definitions, .kpi_count = 3};

static const struct bf_reading reading = {
    .source = {"net:d 1:x", 9},
    .quantity = {"speed", 5},
    .unit = {"km/h", 4},
    .profile = {"bus@1", 5},
    .zone = {"old town", 8},
    .quality = BF_QUALITY_GOOD,
    .value = {.kind = BF_VALUE_DOUBLE, .as = {.number = 7}},
    .tags = {{.name = {"class", 5}, .value = {"reference", 9}}, {.name = {"line", 4}, .value = {"7", 1}}},
    .tag_count = 2};

static void lists_by_quantity_keep_the_order_of_the_files(void **state)
{
    (void)state;
    struct bf_kpi_plan *plan;
    struct bf_err err;
    assert_int_equal(bf_kpi_plan_create(&city, 4, 9, &plan, &err), BF_OK);
    uint32_t first = bf_kpi_plan_first(plan, BF_SLICE("speed"));
    assert_int_equal(first, 1);
    assert_int_equal(plan->kpis[0].next, 3);
    assert_int_equal(plan->kpis[2].next, 0);
    assert_int_equal(plan->any, 2);
    assert_true(bf_kpi_plan_takes(&plan->kpis[1], &reading));
    assert_int_equal(plan->longest_window_us, 20);
    assert_int_equal(plan->longest_reach_us, 111);
    bf_kpi_plan_destroy(plan);
}

static bool takes(const char *where)
{
    struct bf_kpi_plan *plan;
    struct bf_err err = {.message = ""};
    if (bf_expression_compile(bf_slice_of(where), &definitions[0].where, &err) != BF_OK) {
        fail_msg("%s: %s", where, err.message);
    }
    assert_int_equal(bf_kpi_plan_create(&city, 1, 0, &plan, &err), BF_OK);
    bool result = bf_kpi_plan_takes(&plan->kpis[0], &reading);
    bf_kpi_plan_destroy(plan);
    bf_expression_destroy(definitions[0].where);
    definitions[0].where = NULL;
    return result;
}

static void where_sees_the_reading_and_its_tags(void **state)
{
    (void)state;
    assert_true(takes("value > 6 && quality == 1"));
    assert_true(takes("class == \"reference\" && line == \"7\""));
    assert_true(takes("zone == \"old town\" && unit == \"km/h\" && profile == \"bus@1\""));
    assert_true(takes("device == \"net:d 1\" && source == \"net:d 1:x\" && quantity == \"speed\""));
    assert_false(takes("value > 7"));
    assert_false(takes("nothing == \"x\"")); /* a tag that it does not have */
    struct bf_reading other = reading;
    other.quantity = BF_SLICE("height");
    struct bf_kpi_plan *plan;
    struct bf_err err;
    assert_int_equal(bf_kpi_plan_create(&city, 1, 0, &plan, &err), BF_OK);
    assert_false(bf_kpi_plan_takes(&plan->kpis[0], &other));
    bf_kpi_plan_destroy(plan);
}

static void scopes_are_escaped_and_never_empty(void **state)
{
    (void)state;
    struct bf_scope_text scope;
    bf_kpi_plan_scope(&definitions[0], &reading, &scope);
    assert_true(
        bf_slice_equal((struct bf_slice){scope.data, scope.len}, BF_SLICE("zone.old~20town+tag.line.7")));
    struct bf_reading bare = reading;
    bare.zone.len = 0;
    bare.tag_count = 0;
    bf_kpi_plan_scope(&definitions[0], &bare, &scope);
    assert_true(
        bf_slice_equal((struct bf_slice){scope.data, scope.len}, BF_SLICE("zone.unknown+tag.line.unknown")));
    bf_kpi_plan_scope(&definitions[1], &reading, &scope);
    assert_true(bf_slice_equal((struct bf_slice){scope.data, scope.len}, BF_SLICE("city")));
}

static void an_unknown_aggregate_is_refused(void **state)
{
    (void)state;
    struct bf_kpi_plan *plan;
    struct bf_err err;
    definitions[2].aggregate = BF_SLICE("median");
    assert_int_equal(bf_kpi_plan_create(&city, 1, 0, &plan, &err), BF_CONFIG);
    definitions[2].aggregate = BF_SLICE("max");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_by_quantity_keep_the_order_of_the_files),
        cmocka_unit_test(where_sees_the_reading_and_its_tags),
        cmocka_unit_test(scopes_are_escaped_and_never_empty),
        cmocka_unit_test(an_unknown_aggregate_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
