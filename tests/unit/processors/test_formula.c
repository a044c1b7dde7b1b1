/* A derived KPI beside its inputs, through both stages and over save and load: each of its results is the
 * formula over the results of its inputs, in every revision. */
#include "tests/unit/processors/random_log.h"

static struct bf_kpi_definition derived[4] = {
    DEFINITION(sum, "speeds", "sum", by_zone, 1, false, 41),
    DEFINITION(count, "readings", "count", by_zone, 1, false, 42),
    DEFINITION(half, "half", "formula", by_zone, 1, false, 43),
    DEFINITION(per, "per", "formula", by_zone, 1, false, 44),
};
static const struct bf_kpi_definition *inputs[2] = {&derived[0], &derived[1]};
static const struct bf_formula_place places[] = {{.scope = {"zone.south", 10}, .number = 7}};
static struct bf_formula_name half_names[] = {{.kind = BF_FORMULA_KPI, .kpi = &derived[0]}};
static struct bf_formula_name per_names[] = {
    {.kind = BF_FORMULA_KPI, .kpi = &derived[2]},
    {.kind = BF_FORMULA_KPI, .kpi = &derived[1]},
    {.kind = BF_FORMULA_ZONE, .places = places, .place_count = 1},
    {.kind = BF_FORMULA_NUMBER, .number = 3},
};
static struct bf_formula half = {.names = half_names, .inputs = inputs, .input_count = 1};
static struct bf_formula per = {.names = per_names, .inputs = inputs, .input_count = 2};

static int make_derived_plans(void **state)
{
    struct bf_err err;
    if (bf_expression_compile(BF_SLICE("speeds / 2"), &half.expression, &err) != BF_OK ||
        bf_expression_compile(BF_SLICE("half / readings + coalesce(zone.people, 1) * city.area"),
                              &per.expression, &err) != BF_OK) {
        return -1;
    }
    derived[2].formula = &half;
    derived[2].options.formula = &half;
    derived[3].formula = &per;
    derived[3].options.formula = &per;
    cities[0].kpis = derived;
    cities[0].kpi_count = 4;
    cities[1].kpis = derived;
    cities[1].kpi_count = 4;
    return make_plans(state);
}

static int free_derived_plans(void **state)
{
    bf_expression_destroy(half.expression);
    bf_expression_destroy(per.expression);
    return free_plans(state);
}

/* The result of another KPI for the same scope, start and revision. */
static const struct result *beside(const struct result *result, const char *kpi)
{
    const char *scope = strchr(result->key, '|');
    char key[64];
    (void)snprintf(key, sizeof key, "%s%s", kpi, scope);
    for (size_t i = 0; i < result_count[0]; i++) {
        const struct result *other = &results[0][i];
        if (strcmp(other->key, key) == 0 && other->start_us == result->start_us &&
            other->revision == result->revision) {
            return other;
        }
    }
    fail_msg("%s %lld r%u: no %s", result->key, (long long)(result->start_us / SECOND), result->revision,
             kpi);
    return NULL;
}

static void check_formulas(uint64_t number)
{
    struct list out[SOURCES] = {0}, parts[PARTIALS] = {0}, kpis[PARTIALS] = {0};
    size_t checked = 0;
    result_count[0] = 0;
    for (int p = 0; p < SOURCES; p++) {
        run_stage1(p, &out[p], true, number);
    }
    interleave(out, parts);
    for (int q = 0; q < PARTIALS; q++) {
        run_stage2(q, &parts[q], &kpis[q], true);
        collect(0, &kpis[q]);
    }
    for (size_t i = 0; i < result_count[0]; i++) {
        const struct result *result = &results[0][i];
        if (strncmp(result->key, "per|", 4) != 0) {
            continue;
        }
        const struct result *sum = beside(result, "speeds"), *count = beside(result, "readings");
        const struct result *halved = beside(result, "half");
        double people = strstr(result->key, "south") != NULL ? 7 : 1;
        bool there = sum->n > 0;
        assert_true(halved->value == (there ? sum->value / 2 : 0));
        assert_true(result->value == (there ? sum->value / 2 / count->value + people * 3 : 0));
        assert_int_equal(result->n, sum->n + count->n);
        assert_int_equal(halved->n, sum->n);
        checked += there ? 1 : 0;
    }
    assert_true(checked > 40);
    for (int p = 0; p < SOURCES; p++) {
        list_free(&out[p]);
    }
    for (int q = 0; q < PARTIALS; q++) {
        list_free(&parts[q]);
        list_free(&kpis[q]);
    }
}

static void formulas_follow_their_inputs(void **state)
{
    (void)state;
    for (uint64_t number = 1; number <= 4; number++) {
        seed = number * 7919 + 3;
        make_log(false);
        check_formulas(number);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(formulas_follow_their_inputs)};
    return cmocka_run_group_tests(tests, make_derived_plans, free_derived_plans);
}
