/* Cities: what the good one holds, what a broken profile takes with it, and what the KPI's hash sees.
 * Covers: config/nearest.c, config/city_check.c */
#include "config/zone_file.h"
#include "tests/unit/config/support.h"

#include <math.h>

#define GOOD TEST_SOURCE_DIR "/tests/vectors/config/good/city"

static struct bf_city *load_good(void)
{
    struct bf_err err = {0};
    struct bf_bundle *bundle = NULL;
    struct bf_city *city = NULL;
    unsetenv("BELFRY_TEST_TITLE");
    assert_int_equal(bf_bundle_read(GOOD, &bundle, &err), BF_OK);
    if (bf_city_load(bundle, aggregates, &city, &err) != BF_OK) {
        fail_msg("%s", err.message);
    }
    assert_string_equal(city->hash, bundle->hash);
    bf_bundle_destroy(bundle); /* the city does not need it */
    return city;
}

static const struct bf_profile *profile_of(const struct bf_city *city, const char *name)
{
    for (size_t i = 0; i < city->profile_count; i++) {
        if (bf_slice_equal(city->profiles[i].name, bf_slice_of(name))) {
            assert_true(city->profiles[i].enabled);
            return &city->profiles[i];
        }
    }
    fail_msg("no profile %s", name);
    return NULL;
}

#define assert_slice(slice, text) assert_true(bf_slice_equal((slice), bf_slice_of(text)))

static void test_the_city_itself(void **state)
{
    (void)state;
    struct bf_city *city = load_good();
    assert_slice(city->name, "testville");
    assert_slice(city->title, "Testville on Sea");
    assert_int_equal(city->time.delay_us, 2000000);
    assert_int_equal(city->time.tick_every_us, 250000);
    assert_int_equal(city->time.max_ahead_us, 600000000);
    assert_int_equal(city->time.live_scopes, 100);
    assert_int_equal(city->limits.max_windows, 1000);
    assert_int_equal(city->limits.max_writers, 8);
    assert_int_equal(city->board_count, 2);
    assert_slice(city->boards[0].kpis[1], "bus_speed");
    assert_slice(city->boards[1].title, "air");
    for (size_t i = 0; i < city->problem_count; i++) {
        assert_string_equal(city->problems[i].text, "");
    }
    assert_slice(bf_zones_find(city->zones, 1000000, 1000000), "west");
    assert_slice(bf_zones_find(city->zones, 5000000, 5000000), ""); /* the hole */
    assert_slice(bf_zones_find(city->zones, 5000000, 35000000), "east");
    bf_city_destroy(city);
}

static void test_profiles(void **state)
{
    (void)state;
    struct bf_city *city = load_good();
    assert_int_equal(city->profile_count, 4);
    const struct bf_profile *air = profile_of(city, "airbox@1");
    assert_slice(air->file, "profiles/airbox.yaml");
    assert_int_equal(air->match_count, 1);
    assert_int_equal(air->matches[0].level, 1);
    assert_int_equal(air->matches[0].count, 2);
    assert_true(air->has_time && air->time_unit == BF_UNIT_MS && air->has_place);
    assert_slice(air->lon.steps[0].name, "l on");
    assert_int_equal(air->source.count, 1);
    assert_int_equal(air->source.parts[0].level, 2);
    assert_true(air->take_retained && air->dedup_content && air->privacy == BF_PRIVACY_PSEUDONYMOUS);
    assert_int_equal(air->tag_count, 2);
    assert_slice(air->tags[0].name, "class"); /* ascending */
    const struct bf_profile_reading *pm = &air->readings[0];
    assert_int_equal(pm->path.count, 2);
    assert_int_equal(pm->path.steps[1].index, 0);
    assert_slice(pm->unit, "ug/m3");
    assert_true(pm->required && pm->reject_invalid && pm->has_valid && pm->valid_max >= 1000);
    const struct bf_profile_reading *temperature = &air->readings[1];
    assert_true(fabs(212 * temperature->scale + temperature->offset - 100) < 1e-9);
    assert_true(air->readings[2].integer && air->readings[2].channel.count == 2);
    assert_true(air->readings[3].text);
    assert_slice(air->readings[3].unit, "1");
    const struct bf_profile *bus = profile_of(city, "hfp@2");
    assert_true(bus->only_keys && bus->key_count == 2 && bus->time_unit == BF_UNIT_RFC3339);
    /* (10 * 2 + 1) m/s in km/h */
    assert_true(fabs(10 * bus->readings[0].scale + bus->readings[0].offset - 75.6) < 1e-9);
    assert_int_equal(bus->topic.levels[0].text.len, 0); /* the topic begins with a slash */
    const struct bf_profile *senml = profile_of(city, "senml@1");
    assert_int_equal(senml->format, BF_FORMAT_SENML_CBOR);
    assert_int_equal(senml->readings[0].channel.parts[0].kind, BF_PART_ITEM);
    assert_true(profile_of(city, "list@1")->has_each);
    bf_city_destroy(city);
}

static void test_kpis(void **state)
{
    (void)state;
    struct bf_city *city = load_good();
    assert_int_equal(city->kpi_count, 3);
    const struct bf_kpi_definition *air = &city->kpis[0], *bus = &city->kpis[1], *all = &city->kpis[2];
    assert_slice(air->unit, "ug/m3");
    assert_slice(air->iso37120, "8.1");
    assert_non_null(air->where);
    assert_true(air->take_suspect && air->live && air->has_target);
    assert_int_equal(air->delay_us, 5000000);
    assert_int_equal(air->lateness_us, INT64_C(48) * 3600 * 1000000);
    assert_int_equal(air->group[0].kind, BF_GROUP_ZONE);
    assert_int_equal(air->band_count, 3);
    assert_true(isinf(air->bands[2].upto));
    assert_slice(bus->title, "bus_speed");
    assert_int_equal(bus->delay_us, 2000000); /* the city's */
    assert_int_equal(bus->lateness_us, 300000000);
    assert_int_equal(bus->group_count, 0);
    assert_false(bus->live || bus->by_device);
    assert_slice(all->quantity, "*");
    assert_int_equal(all->lateness_us, 0);
    assert_true(all->by_device && all->group_count == 2 && all->group[1].kind == BF_GROUP_TAG);
    bf_city_destroy(city);
}

#define PROFILE "network: n\ntopic: a/{device}\nreadings: [{path: $.v, quantity: q, unit: m}]\n"
#define KPI(id, title, unit, from, window, group, value)                                           \
    "kpis: [{id: " id ", title: " title ", unit: " unit ", from: " from ", window: " window               \
    ", group: " group ", value: " value "}]\n"

static struct bf_city *city_of(const char *kpis, const char *profile, enum bf_status *status)
{
    struct bf_err err = {0};
    struct bf_bundle_file files[] = {
        {.name = BF_SLICE("city.yaml"), .bytes = BF_SLICE("name: x\n")},
        {.name = BF_SLICE("kpis/a.yaml"), .bytes = bf_slice_of(kpis)},
        {.name = BF_SLICE("profiles/a.yaml"), .bytes = bf_slice_of(profile)},
    };
    struct bf_bundle bundle = {.files = files, .count = 3, .hash = "h"};
    struct bf_city *city = NULL;
    *status = bf_city_load(&bundle, aggregates, &city, &err);
    return city;
}

static uint64_t hash_of(const char *kpis)
{
    enum bf_status status;
    struct bf_city *city = city_of(kpis, PROFILE, &status);
    assert_int_equal(status, BF_OK);
    uint64_t hash = city->kpis[0].hash;
    bf_city_destroy(city);
    return hash;
}

static void test_the_hash_covers_what_changes_a_number(void **state)
{
    (void)state;
    const uint64_t base = hash_of(KPI("k", "t", "m", "{quantity: q}", "{tumbling: 1s}", "[zone]", "mean"));
    const char *same[] = {
        KPI("k", "other", "m", "{quantity: q}", "{tumbling: 1s}", "[zone]", "mean"),
        KPI("k", "t", "MTR", "{quantity: q, suspect: false}", "{tumbling: 1000ms, delay: 5s}",
            "zone", "{mean: {}}"),
        KPI("k", "t", "m", "{quantity: q}", "{tumbling: 1s, allowed_lateness: 10s}", "[zone]",
            "mean, target: 3"),
    };
    const char *other[] = {
        KPI("l", "t", "m", "{quantity: q}", "{tumbling: 1s}", "[zone]", "mean"),
        KPI("k", "t", "m", "{quantity: r}", "{tumbling: 1s}", "[zone]", "mean"),
        KPI("k", "t", "m", "{quantity: q, where: value > 1}", "{tumbling: 1s}", "[zone]", "mean"),
        KPI("k", "t", "m", "{quantity: q, suspect: true}", "{tumbling: 1s}", "[zone]", "mean"),
        KPI("k", "t", "m", "{quantity: q}", "{tumbling: 2s, allowed_lateness: 10s}", "[zone]", "mean"),
        KPI("k", "t", "m", "{quantity: q}", "{tumbling: 1s, delay: 6s}", "[zone]", "mean"),
        KPI("k", "t", "m", "{quantity: q}", "{tumbling: 1s, allowed_lateness: 11s}", "[zone]", "mean"),
        KPI("k", "t", "m", "{quantity: q}", "{tumbling: 1s}", "[city]", "mean"),
        KPI("k", "t", "m", "{quantity: q}", "{tumbling: 1s}", "[zone, a]", "mean"),
        KPI("k", "t", "m", "{quantity: q}", "{tumbling: 1s}", "[zone]", "max"),
    };
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        assert_true(hash_of(same[i]) == base);
    }
    for (size_t i = 0; i < sizeof other / sizeof other[0]; i++) {
        assert_true(hash_of(other[i]) != base);
    }
}

/* Of a city in that zone, whose file is the one of Helsinki, or is not there. */
static uint64_t hash_in(const char *main, const char *kpis, bool zone_file)
{
    struct bf_slice tzif = read_file(TEST_SOURCE_DIR "/tests/vectors/timezone/Europe_Helsinki.tzif");
    struct bf_bundle_file files[] = {
        {.name = BF_SLICE("city.yaml"), .bytes = bf_slice_of(main)},
        {.name = BF_SLICE("kpis/a.yaml"), .bytes = bf_slice_of(kpis)},
        {.name = BF_SLICE("profiles/a.yaml"), .bytes = BF_SLICE(PROFILE)},
        {.name = BF_SLICE(BF__ZONE_FILE), .bytes = tzif},
    };
    struct bf_bundle bundle = {.files = files, .count = zone_file ? 4 : 3, .hash = "h"};
    struct bf_city *city = NULL;
    struct bf_err err = {.message = ""};
    enum bf_status status = bf_city_load(&bundle, aggregates, &city, &err);
    uint64_t hash = status == BF_OK ? city->kpis[0].hash : 0;
    bf_city_destroy(status == BF_OK ? city : NULL);
    free_file(tzif);
    return hash;
}

/* By its name: newer tzdata does not end a window. Nothing else depends on it. */
static void test_a_condition_on_the_clock_depends_on_the_zone(void **state)
{
    (void)state;
    static const char helsinki[] = "name: x\ntimezone: Europe/Helsinki\n";
    static const char riga[] = "name: x\ntimezone: Europe/Riga\n";
    const char *asking[] = {
        KPI("k", "t", "m", "{quantity: q, where: hour < 6}", "{tumbling: 1s}", "[zone]", "mean"),
        KPI("k", "t", "m", "{quantity: q, where: minute == 0}", "{tumbling: 1s}", "[zone]", "mean"),
        KPI("k", "t", "m", "{quantity: q, where: value > 1 && weekday > 5}", "{tumbling: 1s}", "[zone]",
            "mean"),
    };
    const char *not_asking =
        KPI("k", "t", "m", "{quantity: q, where: value > 1}", "{tumbling: 1s}", "[zone]", "mean");
    for (size_t i = 0; i < sizeof asking / sizeof asking[0]; i++) {
        uint64_t hash = hash_in(helsinki, asking[i], true);
        assert_true(hash != 0 && hash == hash_in(helsinki, asking[i], true));
        assert_true(hash != hash_in(riga, asking[i], true));
        assert_true(hash_in(helsinki, asking[i], false) == 0); /* the zone's hours are not known */
        assert_true(hash_in("name: x\n", asking[i], false) != 0);
    }
    assert_true(hash_in(helsinki, not_asking, true) == hash_in(riga, not_asking, false));
}

/* A tag of that name could not be asked for. */
static void test_no_tag_has_the_name_of_a_part_of_readings(void **state)
{
    (void)state;
    static const char *const names[] = {
#define X(constant, name) name,
#include "config/names.def"
#undef X
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char profile[256];
        enum bf_status status;
        snprintf(profile, sizeof profile, PROFILE "tags: {%s: \"{$.t}\"}\n", names[i]);
        struct bf_city *city = city_of(
            KPI("k", "t", "m", "{quantity: q}", "{tumbling: 1s}", "[zone]", "mean"), profile, &status);
        assert_int_equal(status, BF_OK);
        assert_false(city->profiles[0].enabled);
        bf_city_destroy(city);
    }
}

static void test_a_broken_profile_is_disabled_and_the_rest_goes_on(void **state)
{
    (void)state;
    const char *broken[] = {"network: n\n", "{", "\xff\xfe", "",
                            "network: n\ntopic: a/{device}\nreadings: 5\n"};
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        enum bf_status status;
        struct bf_city *city = city_of(
            KPI("k", "t", "m", "{quantity: q}", "{tumbling: 1s}", "[zone]", "mean"), broken[i], &status);
        assert_int_equal(status, BF_OK);
        assert_int_equal(city->profile_count, 1);
        assert_false(city->profiles[0].enabled);
        assert_slice(city->profiles[0].file, "profiles/a.yaml");
        assert_true(city->problem_count >= 2); /* and the KPI gets nothing */
        assert_false(city->problems[0].fatal || city->problems[0].warning);
        bf_city_destroy(city);
    }
}

static void test_a_broken_core_file_is_fatal(void **state)
{
    (void)state;
    const char *broken[] = {"{", "kpis: 5", "kpis: [{id: k}]", "\xff", "kpis: [{id: k}, {id: k}]", ""};
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        enum bf_status status;
        struct bf_city *city = city_of(broken[i], PROFILE, &status);
        assert_int_equal(status, BF_CONFIG);
        assert_null(city);
    }
}

static void test_nearest(void **state)
{
    (void)state;
    const char *words[] = {"timeout", "url", "username",
                           "a-word-that-is-so-long-that-nobody-would-write-it-twice-in-a-life",
                           NULL};
    assert_string_equal(bf_config_nearest("tiemout", words), "timeout");
    assert_string_equal(bf_config_nearest("ulr", words), "url");
    assert_string_equal(bf_config_nearest("usrname", words), "username");
    assert_null(bf_config_nearest("xyz", words));
    assert_null(bf_config_nearest("", words));
    assert_null(bf_config_nearest("ur", words)); /* a third of two letters is none */
}

static void test_filters(void **state)
{
    (void)state;
    struct bf_city *city = load_good();
    char text[64], small[8];
    bf_topic_filter(&profile_of(city, "airbox@1")->topic, text, sizeof text);
    assert_string_equal(text, "city/+/+/telemetry");
    bf_topic_filter(&profile_of(city, "hfp@2")->topic, text, sizeof text);
    assert_string_equal(text, "/hfp/v2/+/+/+/+/+/+/#");
    bf_topic_filter(&profile_of(city, "hfp@2")->topic, small, sizeof small);
    assert_string_equal(small, "/hfp/v2");
    bf_city_destroy(city);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_city_itself),
        cmocka_unit_test(test_profiles),
        cmocka_unit_test(test_kpis),
        cmocka_unit_test(test_the_hash_covers_what_changes_a_number),
        cmocka_unit_test(test_a_condition_on_the_clock_depends_on_the_zone),
        cmocka_unit_test(test_no_tag_has_the_name_of_a_part_of_readings),
        cmocka_unit_test(test_a_broken_profile_is_disabled_and_the_rest_goes_on),
        cmocka_unit_test(test_a_broken_core_file_is_fatal),
        cmocka_unit_test(test_nearest),
        cmocka_unit_test(test_filters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
