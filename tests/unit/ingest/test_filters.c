/* What is subscribed to: no topic by two filters where that can be seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "ingest/filters.h"

static void covering(void **state)
{
    (void)state;
    static const struct {
        const char *wide, *narrow;
        bool covers;
    } rows[] = {
        {"#", "a/b/c", true},    {"#", "#", true},      {"a/#", "a", true},       {"a/#", "a/b/+", true},
        {"a/+", "a/b", true},    {"a/+", "a/+", true},  {"a/+/c", "a/b/c", true}, {"a/b", "a/b", true},
        {"a/+", "a/#", false},   {"a/+", "a", false},   {"a/b", "a/+", false},    {"a/+", "a/b/c", false},
        {"a/b/c", "a/b", false}, {"a", "a/b", false},   {"+", "#", false},        {"a/+/+", "a/b", false},
        {"a/+/#", "a/b", true},  {"b/#", "a/#", false}, {"a/+", "a/", true},      {"ab", "a", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (bf_filter_covers(rows[i].wide, rows[i].narrow) != rows[i].covers) {
            fail_msg("%s covers %s: not %d", rows[i].wide, rows[i].narrow, rows[i].covers);
        }
    }
}

static struct bf_level levels[][3] = {
    {{.kind = BF_LEVEL_LITERAL, .text = {"city", 4}}, {.kind = BF_LEVEL_NAMED, .text = {"device", 6}}},
    {{.kind = BF_LEVEL_LITERAL, .text = {"city", 4}}, {.kind = BF_LEVEL_ANY}, {.kind = BF_LEVEL_REST}},
    {{.kind = BF_LEVEL_LITERAL, .text = {"bus", 3}}, {.kind = BF_LEVEL_LITERAL, .text = {"hfp", 3}}},
    {{.kind = BF_LEVEL_LITERAL, .text = {"off", 3}}},
};
static struct bf_profile profiles[] = {
    {.enabled = true, .topic = {.levels = levels[0], .count = 2}},
    {.enabled = true, .topic = {.levels = levels[1], .count = 3}},
    {.enabled = true, .topic = {.levels = levels[2], .count = 2}},
    {.enabled = false, .topic = {.levels = levels[3], .count = 1}},
};
static const struct bf_city city = {.profiles = profiles, .profile_count = 4};

static void from_profiles(void **state)
{
    (void)state;
    struct bf_site site = {.path = NULL};
    struct bf_filters filters;
    struct bf_err err;
    assert_int_equal(bf_filters_make(&site, &city, "belfry/marker/x", &filters, &err), BF_OK);
    assert_int_equal(filters.count, 3);
    assert_string_equal(filters.all[0], "city/+/#"); /* covers city/+ */
    assert_string_equal(filters.all[1], "bus/hfp");
    assert_string_equal(filters.all[2], "belfry/marker/x");
    bf_filters_free(&filters);
}

static void from_the_site(void **state)
{
    (void)state;
    static const char *const wanted[] = {"city/north/#", "#"};
    struct bf_site site = {.ingest = {.filters = wanted, .filter_count = 2}};
    struct bf_filters filters;
    struct bf_err err;
    assert_int_equal(bf_filters_make(&site, &city, "belfry/marker/x", &filters, &err), BF_OK);
    assert_int_equal(filters.count, 1); /* the marker comes with it, once */
    assert_string_equal(filters.all[0], "#");
    bf_filters_free(&filters);
}

static void limits(void **state)
{
    (void)state;
    static char text[BF_MQTT_FILTERS_MAX + 1][16];
    static const char *wanted[BF_MQTT_FILTERS_MAX + 1];
    struct bf_filters filters;
    struct bf_err err;
    for (size_t i = 0; i <= BF_MQTT_FILTERS_MAX; i++) {
        snprintf(text[i], sizeof text[i], "t/%zu", i);
        wanted[i] = text[i];
    }
    struct bf_site site = {.ingest = {.filters = wanted, .filter_count = BF_MQTT_FILTERS_MAX + 1}};
    assert_int_equal(bf_filters_make(&site, &city, NULL, &filters, &err), BF_CONFIG);
    bf_filters_free(&filters);
    const struct bf_city empty = {.profile_count = 0};
    site.ingest.filter_count = 0;
    assert_int_equal(bf_filters_make(&site, &empty, NULL, &filters, &err), BF_CONFIG);
    bf_filters_free(&filters);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(covering),
        cmocka_unit_test(from_profiles),
        cmocka_unit_test(from_the_site),
        cmocka_unit_test(limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
