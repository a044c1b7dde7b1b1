/* Derived KPIs: what their names may be, which inputs fit, units, loops, and what changes their hash.
 * Covers: config/kpi_formula_unit.c */
#include "tests/unit/config/support.h"

static const char profile[] =
    "topic: t/{device}\nformat: json\nreadings:\n"
    "  - {path: $.a, quantity: supply, unit: m3}\n  - {path: $.b, quantity: billing, unit: m3}\n"
    "  - {path: $.c, quantity: power, unit: kW}\nexamples: []\n";
static const char zones[] =
    "{\"type\": \"FeatureCollection\", \"features\": [{\"type\": \"Feature\", \"properties\": {\"id\": \"Old "
    "Town\", \"inhabitants\": 2500, \"code\": \"7\"}, \"geometry\": {\"type\": \"Polygon\", \"coordinates\": "
    "[[[0, 0], [1, 0], [1, 1], [0, 0]]]}}]}";

#define KPI(id, unit, quantity, window, group)                                                            \
    "  - {id: " id ", unit: " unit ", from: {quantity: " quantity "}, window: {tumbling: " window           \
    "}, group: " group ", value: sum}\n"
#define PLAIN                                                                                              \
    "kpis:\n" KPI("supplied", "m3", "supply", "1h", "zone") KPI("billed", "m3", "billing", "1h", "zone")   \
        KPI("loads", "kW", "power", "1h", "zone") KPI("daily", "m3", "supply", "24h", "zone")              \
            KPI("whole", "m3", "supply", "1h", "city")
#define DERIVED(id, unit, formula)                                                                         \
    "  - {id: " id ", unit: \"" unit "\", window: {tumbling: 1h}, group: zone, value: {formula: '" formula  \
    "'}}\n"

static struct bf_city *city_of(const char *kpis, const char *inhabitants, struct bf_err *err)
{
    char main[200];
    struct bf_city *city = NULL;
    (void)snprintf(main, sizeof main, "name: x\nattributes: {inhabitants: %s, area: 12.5}\n", inhabitants);
    struct bf_bundle_file files[] = {
        {.name = BF_SLICE("city.yaml"), .bytes = bf_slice_of(main)},
        {.name = BF_SLICE("kpis/a.yaml"), .bytes = bf_slice_of(kpis)},
        {.name = BF_SLICE("profiles/a.yaml"), .bytes = bf_slice_of(profile)},
        {.name = BF_SLICE("zones/z.geojson"), .bytes = bf_slice_of(zones)},
    };
    struct bf_bundle bundle = {.files = files, .count = 4, .hash = "h"};
    err->message[0] = '\0';
    return bf_city_load(&bundle, aggregates, &city, err) == BF_OK ? city : NULL;
}

static struct bf_city *good(const char *kpis)
{
    struct bf_err err;
    struct bf_city *city = city_of(kpis, "1000", &err);
    if (city == NULL) {
        fail_msg("%s", err.message);
    }
    return city;
}

static void names_find_what_they_mean(void **state)
{
    (void)state;
    struct bf_city *city =
        good(PLAIN DERIVED("per_head", "m3", "lost / zone.inhabitants + coalesce(lost, 0) / city.area")
                 DERIVED("lost", "m3", "supplied - billed"));
    const struct bf_formula *formula = city->kpis[5].formula;
    assert_int_equal(formula->input_count, 2); /* those of lost */
    assert_ptr_equal(formula->inputs[0], &city->kpis[0]);
    assert_ptr_equal(formula->inputs[1], &city->kpis[1]);
    assert_int_equal(formula->names[0].kind, BF_FORMULA_KPI);
    assert_ptr_equal(formula->names[0].kpi, &city->kpis[6]);
    assert_int_equal(formula->names[1].kind, BF_FORMULA_ZONE);
    assert_int_equal(formula->names[1].place_count, 1);
    assert_true(bf_slice_equal(formula->names[1].places[0].scope, BF_SLICE("zone.~4Fld~20~54own")));
    assert_true(formula->names[1].places[0].number == 2500);
    assert_true(formula->names[2].kind == BF_FORMULA_NUMBER && formula->names[2].number == 12.5);
    assert_ptr_equal(city->kpis[5].options.formula, formula);
    bf_city_destroy(city);
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *kpis, *message;
    } cases[] = {
        {PLAIN DERIVED("x", "m3", "suplied - billed"), "formula: there is no KPI \"suplied\"; did you mean"},
        {PLAIN DERIVED("x", "m3", "supplied -"), "formula: column 11: expected"},
        {PLAIN DERIVED("x", "m3", "supplied - daily"), "formula: daily has another window"},
        {PLAIN DERIVED("x", "m3", "supplied - whole"), "formula: whole has another group"},
        {PLAIN DERIVED("x", "m3", "supplied + loads"), "m3 and kW are not the same unit"},
        {PLAIN DERIVED("x", "kW", "supplied - billed"), "it gives m3, but the KPI's unit is kW"},
        {PLAIN DERIVED("x", "m3", "supplied * billed"), "but the KPI's unit is m3"},
        {PLAIN DERIVED("x", "m3", "supplied / billed"), "it gives a plain number, but the KPI's unit is m3"},
        {PLAIN DERIVED("x", "1", "supplied + supplied / billed"), "column "},
        {PLAIN DERIVED("x", "1", "2 * 3"), "formula: it needs another KPI"},
        {PLAIN DERIVED("x", "1", "supplied / city.people"), "city.yaml has no attribute \"people\""},
        {PLAIN DERIVED("x", "1", "supplied / zone.code"), "no zone has a number \"code\""},
        {PLAIN DERIVED("x", "m3", "x"), "formula: it needs its own value: x -> x"},
        {PLAIN DERIVED("x", "m3", "supplied + y") DERIVED("y", "m3", "z") DERIVED("z", "m3", "x"),
         "formula: it needs its own value: x -> y -> z -> x"},
        {"kpis:\n  - {id: a, unit: m3, window: {tumbling: 1h}, value: sum}\n", "from: which readings?"},
        {PLAIN "  - {id: x, unit: m3, from: {quantity: supply}, window: {tumbling: 1h}, group: zone, value: "
               "{formula: supplied}}\n",
         "from: a formula reads other KPIs"},
        {PLAIN "  - {id: x, unit: m3, window: {tumbling: 1h}, "
               "value: {formula: 'whole / zone.inhabitants'}}\n",
         "zone.inhabitants needs a KPI that is grouped by zone"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bf_err err;
        struct bf_city *city = city_of(cases[i].kpis, "1000", &err);
        if (city != NULL || strstr(err.message, cases[i].message) == NULL) {
            fail_msg("case %zu: \"%s\" is not in \"%s\"", i, cases[i].message, err.message);
        }
    }
}

static void units_are_worked_out(void **state)
{
    (void)state;
    bf_city_destroy(good(PLAIN DERIVED("a", "%", "(supplied - billed) / supplied * 100")
                             DERIVED("b", "m3", "max(supplied, 5) - min(billed, -abs(billed))")
                                 DERIVED("c", "1", "supplied > billed && loads < 3")
                                     DERIVED("d", "kW", "loads * supplied / billed")
                                         DERIVED("e", "m3", "supplied / city.inhabitants * 100000")));
}

static void all_that_changes_a_number_changes_the_hash(void **state)
{
    (void)state;
    static const char *const others[] = {
        PLAIN DERIVED("x", "m3", "supplied - billed / city.inhabitants"),
        PLAIN DERIVED("x", "m3", "supplied / city.inhabitants - billed"),
        "kpis:\n" KPI("supplied", "m3", "supply", "1h", "zone") KPI("billed", "m3", "supply", "1h", "zone")
            KPI("loads", "kW", "power", "1h", "zone") KPI("daily", "m3", "supply", "24h", "zone")
                KPI("whole", "m3", "supply", "1h", "city")
                    DERIVED("x", "m3", "supplied - billed / city.inhabitants"),
    };
    struct bf_err err;
    uint64_t hashes[4] = {0};
    for (size_t i = 0; i < 4; i++) {
        struct bf_city *city = city_of(others[i % 3], i == 3 ? "1001" : "1000", &err);
        assert_non_null(city);
        hashes[i] = city->kpis[5].hash;
        bf_city_destroy(city);
        for (size_t before = 0; before < i; before++) {
            assert_true(hashes[i] != hashes[before]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_find_what_they_mean),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(units_are_worked_out),
        cmocka_unit_test(all_that_changes_a_number_changes_the_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
