/* `value:` of a KPI: which options an aggregate takes, which units it may have, and what its hash sees. */
#include "tests/unit/config/support.h"

#include <math.h>

static struct bf_city *inspect(const char *unit, const char *quantity, const char *value, bool computes)
{
    static const char profile[] =
        "network: n\ntopic: t/{device}\ntags: {route: \"{$.r}\"}\nreadings:\n"
        "- {path: $.a, quantity: speed, unit: m/s}\n- {path: $.b, quantity: energy, unit: kW.h}\n"
        "- {path: $.c, quantity: vehicles, unit: \"{veh}\"}\n- {path: $.d, quantity: mass, unit: kg}\n"
        "- {path: $.e, quantity: door, unit: \"1\", type: text}\n";
    char kpis[1024];
    snprintf(
        kpis, sizeof kpis,
        "kpis:\n- id: k\n  unit: \"%s\"\n  from: {quantity: \"%s\"}\n  window: {tumbling: 1s}\n  value: %s\n",
        unit, quantity, value);
    const struct bf_bundle_file files[] = {
        {.name = BF_SLICE_INIT("city.yaml"), .bytes = BF_SLICE_INIT("name: base\n")},
        {.name = BF_SLICE_INIT("kpis/k.yaml"), .bytes = bf_slice_of(kpis)},
        {.name = BF_SLICE_INIT("profiles/p.yaml"), .bytes = BF_SLICE_INIT(profile)},
    };
    struct bf_bundle bundle = {.files = (struct bf_bundle_file *)(uintptr_t)files, .count = 3, .hash = "h"};
    return bf_city_inspect(&bundle, computes ? aggregates : NULL);
}

struct row {
    const char *unit, *quantity, *value, *problem; /* NULL: none */
};

static void check(const struct row *rows, size_t count)
{
    size_t wrong = 0;
    for (size_t i = 0; i < count; i++) {
        struct bf_city *city = inspect(rows[i].unit, rows[i].quantity, rows[i].value, true);
        const char *said = city->problem_count > 0 ? city->problems[0].text : "";
        const char *wanted = rows[i].problem != NULL ? rows[i].problem : "";
        const char *prefix = "kpis/k.yaml:";
        said += strncmp(said, prefix, strlen(prefix)) == 0 ? strlen(prefix) : 0;
        if (strcmp(said, wanted) != 0 || city->problem_count > 1) {
            print_error("%s of %s in %s: \"%s\" is not \"%s\"\n", rows[i].value, rows[i].quantity,
                        rows[i].unit, said, wanted);
            wrong++;
        }
        bf_city_destroy(city);
    }
    assert_int_equal(wrong, 0);
}
#define CHECK(rows) check(rows, sizeof(rows) / sizeof((rows)[0]))

static void test_an_aggregate_takes_its_options_only(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"m/s", "speed", "mean", NULL},
        {"m/s", "speed", "{mean: {}}", NULL},
        {"m/s", "speed", "{mean: {p: 1}}", "6:18: value: mean takes no option \"p\""},
        {"m/s", "speed", "{mean: {x: 1}}", "6:18: value: mean takes no option \"x\""},
        {"m/s", "speed", "{quantile: {p: 0.95}}", NULL},
        {"m/s", "speed", "quantile",
         "6:10: value: quantile needs \"p\": quantile: the share of values that lie below; 0.5 is the "
         "median."},
        {"m/s", "speed", "{quantile: {k: 1, p: 1}}", "6:22: value: quantile takes no option \"k\""},
        {"m/s", "speed", "{quantile: {p: 1.5}}", "6:25: p: expected a number, from 0 to 1, not \"1.5\""},
        {"1", "speed", "{distinct: {of: device, off: x}}",
         "6:34: unknown key \"off\" in value: distinct; did you mean \"of\"?"},
        {"m/s", "speed", "{mean: 5}", "6:17: value: expected the options as a map (key: value), not a text"},
        {"m/s", "speed", "meen", "6:10: value: there is no aggregate \"meen\"; did you mean \"mean\"?"},
    };
    CHECK(rows);
}

static void test_options_have_their_bounds(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"1", "speed", "{histogram: {bounds: [1, 2.5, 1e3]}}", NULL},
        {"1", "speed", "{histogram: {bounds: [1, 1]}}", "6:35: bounds: each must be above the one before"},
        {"1", "speed", "{histogram: {bounds: []}}",
         "6:31: bounds: expected a list of 1 to 40 ascending numbers, not a list"},
        {"1", "speed", "{histogram: {bounds: [1, x]}}",
         "6:35: bounds: expected a list of 1 to 40 ascending numbers, not \"x\""},
        {"1", "*", "{top_k: {of: route, k: 12}}", NULL},
        {"1", "*", "{top_k: {of: route, k: 13}}", "6:33: k: expected an integer, from 1 to 12, not \"13\""},
        {"1", "*", "{top_k: {of: line}}", "6:23: of: no profile gives readings a tag \"line\""},
        {"m/s", "speed", "{weighted_mean: {weight: 'value * 2'}}", NULL},
        {"m/s", "speed", "{weighted_mean: {weight: seats}}",
         "6:35: weight: \"seats\" is no tag of any profile, so it is always missing"},
        {"m/s", "speed", "{weighted_mean: {weight: '1 +'}}",
         "6:35: weight: column 4: expected a number, a text, a name or '(', found the end"},
        {"kW.h", "energy", "{increase: {rollover: 99999.9, hold: 1d}}", NULL},
        {"kW.h", "energy", "{increase: {rollover: -1}}",
         "6:32: rollover: expected a number, from 1e-09 to 1e+300, not \"-1\""},
    };
    CHECK(rows);
}

static void test_the_unit_follows_from_the_aggregate(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"km/h", "speed", "mean",
         "3:9: unit: speed is in m/s (profiles/p.yaml), so the KPI is in m/s too, not in km/h"},
        {"{veh}", "*", "count", NULL},
        {"m", "*", "count", "3:9: unit: a count has the unit \"1\", or one such as {veh}"},
        {"%", "door", "{share: {when: 'value == \"open\"'}}", NULL},
        {"m", "door", "{share: {when: value}}", "3:9: unit: a share has the unit \"1\" or \"%\""},
        {"min", "door", "{time_in_state: {when: value}}", NULL},
        {"%", "door", "{time_in_state: {when: value, fraction: true}}", NULL},
        {"h", "door", "{time_in_state: {when: value, fraction: true}}",
         "3:9: unit: a share has the unit \"1\" or \"%\""},
        {"1", "door", "{time_in_state: {when: value}}", "3:9: unit: a time has the unit s, min, h or d"},
        {"1", "door", "{completeness: {every: 10s}}", NULL},
        {"1", "speed", "variance", NULL},
        {"m/s", "speed", "variance",
         "3:9: unit: a variance is in the square of the values' unit, which has no code; write \"1\""},
        {"kW", "energy", "{rate: {per: 1h}}", NULL},
        {"W", "energy", "{rate: {per: 1000h}}", NULL},
        {"kW", "energy", "rate", "3:9: unit: a rate of kW.h in kW needs \"per: 1h\""},
        {"{veh}/h", "vehicles", "{rate: {per: 1h}}", NULL},
        {"/min", "vehicles", "{rate: {per: 1m}}", NULL},
        {"m3/h", "energy", "rate", "3:9: unit: a rate of kW.h is a power, not a flow (m3/h)"},
        {"kg", "mass", "{rate: {per: 1d}}", NULL},
        {"g", "mass", "rate",
         "3:9: unit: a rate of kg has no unit of its own; write kg, and `per` in the title"},
        {"1", "*", "mean",
         "6:10: value: readings of every quantity (\"*\") have no common value; only count, distinct, top_k "
         "and "
         "share take them"},
    };
    CHECK(rows);
}

static void test_options_reach_the_definition(void **state)
{
    (void)state;
    struct bf_city *city =
        inspect("h", "door", "{time_in_state: {when: 'value == \"open\"', hold: 2d}}", true);
    const struct bf_value_options *options = &city->kpis[0].options;
    assert_non_null(options->when);
    assert_null(options->weight);
    assert_true(bf_slice_equal(options->when_text, BF_SLICE("value == \"open\"")));
    assert_int_equal(options->hold_us, INT64_C(172800000000));
    assert_int_equal(options->per_us, 1000000);
    assert_true(options->scale * 3600 == 1);
    bf_city_destroy(city);
    city = inspect("%", "door", "{completeness: {every: 10s}}", true);
    assert_true(city->kpis[0].options.scale == 100);
    assert_int_equal(city->kpis[0].options.every_us, 10000000);
    bf_city_destroy(city);
}

static void test_what_changes_a_number_changes_the_hash(void **state)
{
    (void)state;
    static const char *const values[] = {
        "quantile",
        "{quantile: {p: 0.5}}",
        "{quantile: {p: 0.9}}",
        "{time_in_state: {when: value}}",
        "{time_in_state: {when: 'value > 1'}}",
        "{time_in_state: {when: value, hold: 2h}}",
        "{time_in_state: {when: value, fraction: true}}",
        "{top_k: {of: device}}",
        "{top_k: {of: zone}}",
        "{top_k: {of: zone, k: 3}}",
        "{rate: {per: 1m}}",
        "{rate: {rollover: 10}}",
        "{completeness: {every: 1s}}",
        "{histogram: {bounds: [1]}}",
        "{histogram: {bounds: [2]}}",
        "{histogram: {bounds: [1, 2]}}",
    };
    uint64_t hashes[sizeof values / sizeof values[0]];
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        /* A reader that computes nothing takes them all, and sees the same hash. */
        struct bf_city *city = inspect("1", "door", values[i], false);
        hashes[i] = city->kpis[0].hash;
        for (size_t before = 0; before < i; before++) {
            assert_true(hashes[before] != hashes[i]);
        }
        bf_city_destroy(city);
    }
    struct bf_city *city = inspect("1", "door", "{time_in_state: {when: value, fraction: true}}", true);
    assert_true(city->kpis[0].hash == hashes[6]);
    bf_city_destroy(city);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_aggregate_takes_its_options_only),
        cmocka_unit_test(test_options_have_their_bounds),
        cmocka_unit_test(test_the_unit_follows_from_the_aggregate),
        cmocka_unit_test(test_options_reach_the_definition),
        cmocka_unit_test(test_what_changes_a_number_changes_the_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
