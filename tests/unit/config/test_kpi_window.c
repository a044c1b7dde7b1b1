/* Windows of KPIs: what each kind becomes, its defaults, what changes the definition's hash.
 * (Messages: tests/vectors/config/bad/kpis-window-*.)
 * Covers: config/day_text.c */
#include "tests/unit/config/support.h"

#include "config/bundle.h"
#include "core/time.h"

#define HOUR (3600 * BF_US_PER_S)
#define DAY (24 * HOUR)

static struct bf_city *city;

static const struct bf_kpi_definition *load(const char *window)
{
    static char kpis[1024];
    struct bf_err err = {.message = ""};
    snprintf(
        kpis, sizeof kpis,
        "kpis: [{id: k, unit: m/s, from: {quantity: speed}, window: %s, group: [device], value: mean}]\n",
        window);
    struct bf_bundle_file files[] = {
        {.name = BF_SLICE("city.yaml"), .bytes = BF_SLICE("name: base\n")},
        {.name = BF_SLICE("kpis/x.yaml"), .bytes = bf_slice_of(kpis)},
        {.name = BF_SLICE("profiles/x.yaml"),
         .bytes = BF_SLICE("network: n\ntopic: x/{device}\n"
                           "readings: [{path: $.v, quantity: speed, unit: m/s}]\n")},
    };
    const struct bf_bundle bundle = {.files = files, .count = 3};
    bf_city_destroy(city);
    if (bf_city_load(&bundle, aggregates, &city, &err) != BF_OK) {
        fail_msg("%s: %s", window, err.message);
    }
    return &city->kpis[0];
}

static void kinds_become_shapes(void **state)
{
    (void)state;
    const struct bf_kpi_definition *kpi = load("{tumbling: 1h}");
    assert_true(kpi->window.kind == BF_WINDOW_FIXED && kpi->window.panes == 1);
    assert_true(kpi->window.pane_us == HOUR && kpi->window_us == HOUR && kpi->lateness_us == 10 * HOUR);
    kpi = load("{hopping: 1h, every: 5m}");
    assert_true(kpi->window.kind == BF_WINDOW_FIXED && kpi->window.panes == 12);
    assert_true(kpi->window.pane_us == HOUR / 12 && kpi->window_us == HOUR);
    kpi = load("{sliding: 365d, every: 1d}");
    assert_true(kpi->window.panes == 365 && kpi->window.pane_us == DAY && kpi->lateness_us == 7 * DAY);
    kpi = load("{session: {gap: 5m, longest: 4h}}");
    assert_true(kpi->window.kind == BF_WINDOW_SESSION && kpi->window.gap_us == HOUR / 12);
    assert_true(kpi->window.longest_us == 4 * HOUR && kpi->window_us == 4 * HOUR);
    kpi = load("{count: 100, every: 10, allowed_lateness: 2h}");
    assert_true(kpi->window.kind == BF_WINDOW_COUNT && kpi->window.panes == 10);
    assert_true(kpi->window.readings == 10 && kpi->delay_us == 0 && kpi->lateness_us == 2 * HOUR);
    kpi = load("{count: 100}");
    assert_true(kpi->window.panes == 1 && kpi->window.readings == 100);
    kpi = load("{calendar: month, last: 12, delay: 1h}");
    assert_true(kpi->window.kind == BF_WINDOW_CALENDAR && kpi->window.panes == 12);
    assert_true(kpi->window.unit == BF_CALENDAR_MONTH && kpi->delay_us == HOUR);
}

static void days_have_parts(void **state)
{
    (void)state;
    const struct bf_window_shape *shape =
        &load("{calendar: day, day_start: \"04:30\", between: [\"16:00-18:00\", \"01:00-02:00\", "
              "\"07:00-09:00\", \"22:00-00:30\"], on: [fri-sun, tue]}")
             ->window;
    assert_int_equal(shape->day_start_s, 16200);
    assert_int_equal(shape->part_count, 4);
    assert_int_equal(shape->parts[0].from_s, 7 * 3600);
    assert_int_equal(shape->parts[1].from_s, 16 * 3600);
    assert_int_equal(shape->parts[2].from_s, 22 * 3600);
    assert_int_equal(shape->parts[2].to_s, 24 * 3600 + 1800);
    assert_int_equal(shape->parts[3].from_s, 25 * 3600); /* at night, of the operating day before */
    assert_int_equal(shape->weekdays, 1 << 1 | 1 << 4 | 1 << 5 | 1 << 6);
    shape = &load("{calendar: day, between: \"00:00-24:00\", on: sun-mon}")->window;
    assert_int_equal(shape->parts[0].to_s, 86400);
    assert_int_equal(shape->weekdays, 1 << 6 | 1);
}

static void what_changes_a_number_changes_the_hash(void **state)
{
    (void)state;
    static const char *const windows[] = {
        "{tumbling: 1h, allowed_lateness: 0}",
        "{hopping: 1h, every: 30m, allowed_lateness: 0}",
        "{hopping: 1h, every: 15m, allowed_lateness: 0}",
        "{count: 60, allowed_lateness: 0}",
        "{count: 60, every: 30, allowed_lateness: 0}",
        "{session: {gap: 1m, longest: 1h}, allowed_lateness: 0}",
        "{session: {gap: 2m, longest: 1h}, allowed_lateness: 0}",
        "{calendar: hour, allowed_lateness: 0}",
        "{calendar: day, allowed_lateness: 0}",
        "{calendar: day, allowed_lateness: 0, day_start: \"01:00\"}",
        "{calendar: day, allowed_lateness: 0, on: mon}",
        "{calendar: day, allowed_lateness: 0, between: \"01:00-02:00\"}",
        "{calendar: day, allowed_lateness: 0, between: \"01:00-03:00\"}",
    };
    uint64_t hashes[sizeof windows / sizeof windows[0]];
    for (size_t i = 0; i < sizeof windows / sizeof windows[0]; i++) {
        hashes[i] = load(windows[i])->hash;
        for (size_t j = 0; j < i; j++) {
            assert_true(hashes[i] != hashes[j]);
        }
    }
    /* The same by another name. */
    assert_true(load("{hopping: 1h, every: 1h, allowed_lateness: 0}")->hash == hashes[0]);
    assert_true(load("{sliding: 1h, every: 15m, allowed_lateness: 0}")->hash == hashes[2]);
}

static int destroy_city(void **state)
{
    (void)state;
    bf_city_destroy(city);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_become_shapes),
        cmocka_unit_test(days_have_parts),
        cmocka_unit_test(what_changes_a_number_changes_the_hash),
    };
    return cmocka_run_group_tests(tests, NULL, destroy_city);
}
