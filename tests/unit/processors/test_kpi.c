/* KPI definitions, compiled: which readings they take, and into which scope. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/time.h"

#include "processors/cell.h"

static struct bf_group_by groups[] = {{.kind = BF_GROUP_ZONE}, {.kind = BF_GROUP_TAG, .tag = {"line", 4}}};
static struct bf_kpi_definition definitions[] = {
    {.id = {"a", 1},
     .quantity = {"speed", 5},
     .aggregate = {"mean", 4},
     .window = {.pane_us = 10, .panes = 1},
     .window_us = 10,
     .delay_us = 1,
     .lateness_us = 100,
     .group = groups,
     .group_count = 2,
     .hash = 1},
    {.id = {"b", 1},
     .quantity = {"*", 1},
     .aggregate = {"count", 5},
     .window = {.pane_us = 20, .panes = 1},
     .window_us = 20,
     .hash = 2},
    {.id = {"c", 1},
     .quantity = {"speed", 5},
     .aggregate = {"max", 3},
     .window = {.pane_us = 10, .panes = 1},
     .window_us = 10,
     .hash = 3},
};
static struct bf_city city = {.kpis = definitions, .kpi_count = 3};

static struct bf_reading reading = {
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
    assert_int_equal(plan->longest_pane_us, 20);
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

/* In Helsinki: 2026-03-29 has 23 hours and begins at 1774735200, 2026-10-25 has 25. */
static void conditions_see_the_citys_clocks_and_days(void **state)
{
    (void)state;
    static const struct {
        int64_t utc_s;
        int hour, minute, weekday;
    } cases[] = {
        {.utc_s = 1774735199, .hour = 23, .minute = 59, .weekday = 6},
        {.utc_s = 1774735200, .hour = 0, .minute = 0, .weekday = 7},
        {.utc_s = 1774745999, .hour = 2, .minute = 59, .weekday = 7},
        {.utc_s = 1774746000, .hour = 4, .minute = 0, .weekday = 7}, /* no reading is of hour 3 */
        {.utc_s = 1792888200, .hour = 3, .minute = 30, .weekday = 7},
        {.utc_s = 1792891800, .hour = 3, .minute = 30, .weekday = 7}, /* an hour later */
        {.utc_s = 1792965540, .hour = 23, .minute = 59, .weekday = 7},
        {.utc_s = 1792965600, .hour = 0, .minute = 0, .weekday = 1},
        {.utc_s = -7260, .hour = 23, .minute = 59, .weekday = 3},
    };
    static char bytes[BF_TIMEZONE_BYTES_MAX];
    FILE *file = fopen(TEST_SOURCE_DIR "/tests/vectors/timezone/Europe_Helsinki.tzif", "rb");
    struct bf_err err = {.message = ""};
    assert_non_null(file);
    size_t len = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    assert_int_equal(bf_timezone_create((struct bf_slice){bytes, len}, &city.local, &err), BF_OK);
    int64_t before_us = reading.event_us;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char where[80];
        snprintf(where, sizeof where, "hour == %d && minute == %d && weekday == %d", cases[i].hour,
                 cases[i].minute, cases[i].weekday);
        reading.event_us = cases[i].utc_s * BF_US_PER_S;
        assert_true(takes(where));
    }
    assert_false(takes("hour == 3 || hour == \"0\" || weekday == 0 || minute > 59"));
    bf_timezone_destroy(city.local);
    city.local = NULL;
    reading.event_us = 1774745999 * BF_US_PER_S;
    assert_true(takes("hour == 0 && minute == 59 && weekday == 7")); /* of a city without a zone: UTC */
    reading.event_us = before_us;
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

static struct bf_kpi_plan *plan_of(const char *weight, const char *when, const char *of)
{
    struct bf_kpi_plan *plan = NULL;
    struct bf_err err = {.message = ""};
    struct bf_value_options *options = &definitions[0].options;
    *options = (struct bf_value_options){.of_text = bf_slice_of(of)};
    if ((weight[0] != '\0' &&
         bf_expression_compile(bf_slice_of(weight), &options->weight, &err) != BF_OK) ||
        (when[0] != '\0' && bf_expression_compile(bf_slice_of(when), &options->when, &err) != BF_OK) ||
        bf_kpi_plan_create(&city, 1, 1, &plan, &err) != BF_OK) {
        fail_msg("%s", err.message);
    }
    return plan;
}

static void end_plan(struct bf_kpi_plan *plan)
{
    bf_kpi_plan_destroy(plan);
    bf_expression_destroy(definitions[0].options.weight);
    bf_expression_destroy(definitions[0].options.when);
    definitions[0].options = (struct bf_value_options){.p = 0};
}

static void samples_have_weight_condition_and_label(void **state)
{
    (void)state;
    static const struct {
        const char *weight, *when, *of, *label;
        double value, weighs;
        bool usable, holds;
    } cases[] = {
        {.weight = "", .when = "", .of = "", .label = "", .value = 7, .weighs = 1, .usable = true},
        {.weight = "value * 2", .when = "value > 6", .of = "class", .label = "reference", .value = 7,
         .weighs = 14, .usable = true, .holds = true},
        {.weight = "value - 7", .when = "", .of = "", .label = "", .value = 7, .usable = false},
        {.weight = "lanes", .when = "", .of = "", .label = "", .value = 7, .usable = false},
        {.weight = "", .when = "zone == \"new town\"", .of = "zone", .label = "old town", .value = 7,
         .weighs = 1, .usable = true},
        {.weight = "", .when = "", .of = "value", .label = "0.1", .value = 0.1, .weighs = 1, .usable = true},
        {.weight = "", .when = "", .of = "value", .label = "1e+300", .value = 1e300, .weighs = 1,
         .usable = true},
        {.weight = "", .when = "", .of = "device", .label = "net:d 1", .value = 7, .weighs = 1,
         .usable = true},
        {.weight = "", .when = "", .of = "lanes", .label = "", .value = 7, .weighs = 1, .usable = true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bf_kpi_plan *plan = plan_of(cases[i].weight, cases[i].when, cases[i].of);
        struct bf_reading one = reading;
        struct bf_sample sample = {.value = cases[i].value};
        char text[BF_KPI_LABEL_MAX];
        one.value.as.number = cases[i].value;
        assert_int_equal(bf_kpi_plan_sample(&plan->kpis[0], &one, &sample, text), cases[i].usable);
        if (cases[i].usable) {
            assert_true(sample.weight == cases[i].weighs && sample.holds == cases[i].holds);
            assert_true(bf_slice_equal(sample.label, bf_slice_of(cases[i].label)));
        }
        end_plan(plan);
    }
}

static void a_cell_takes_what_the_aggregate_can_use(void **state)
{
    (void)state;
    struct bf_kpi_plan *plan = plan_of("weigh", "", "");
    struct bf_sample place = {.event_us = 1};
    struct bf_reading one = reading;
    union bf_cell_room mean, count;
    bf_cell_init(&mean.cell, plan->kpis[0].aggregate, &definitions[0].options);
    bf_cell_init(&count.cell, plan->kpis[1].aggregate, &definitions[1].options);
    assert_false(bf_cell_add(&mean.cell, &plan->kpis[0], &one, &place));
    assert_true(mean.cell.n == 0 && mean.cell.excluded.missing == 1); /* it has no such tag */
    one.value = (struct bf_value){.kind = BF_VALUE_TEXT, .as = {.text = BF_SLICE("closed")}};
    assert_false(bf_cell_add(&mean.cell, &plan->kpis[0], &one, &place));
    assert_true(bf_cell_add(&count.cell, &plan->kpis[1], &one, &place));
    assert_true(mean.cell.n == 0 && mean.cell.excluded.text == 1);
    assert_true(count.cell.n == 1 && count.cell.excluded.text == 0 && count.cell.min > count.cell.max);
    one.value = (struct bf_value){.kind = BF_VALUE_DOUBLE, .as = {.number = -3}};
    assert_true(bf_cell_add(&count.cell, &plan->kpis[1], &one, &place));
    assert_true(count.cell.n == 2 && count.cell.min == -3 && count.cell.max == -3);
    bf_cell_merge(&count.cell, plan->kpis[1].aggregate, &count.cell);
    assert_true(count.cell.n == 4 && count.cell.min == -3);
    end_plan(plan);
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
        cmocka_unit_test(conditions_see_the_citys_clocks_and_days),
        cmocka_unit_test(scopes_are_escaped_and_never_empty),
        cmocka_unit_test(samples_have_weight_condition_and_label),
        cmocka_unit_test(a_cell_takes_what_the_aggregate_can_use),
        cmocka_unit_test(an_unknown_aggregate_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
