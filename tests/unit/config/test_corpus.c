/* The corpus of good and bad files (tests/vectors/config). A bad file's first lines say what must be said
 * about it: "# expect: line:column: message" for each problem, and there must be no other. A file's name
 * says what it is: site-*, city-*, profile-*, kpis-*, boards-*, zones-*; those of a city
 * stand in a small good one.
 * Covers: config/city_types.c, config/option.c, config/option_types.c, config/problem.c, config/profile.c,
 *  config/profile_reading.c, config/profile_example.c, config/profile_payload.c,
 *  config/profile_binary.c, config/profile_secret.c, config/kpi.c,
 *  config/geojson.c, config/secret.c, config/document.c */
#include "tests/unit/config/support.h"

#include <dirent.h>
#include <stdlib.h>

#include "config/show.h"

#define FOLDER TEST_SOURCE_DIR "/tests/vectors/config"

static const struct bf_bundle_file base_files[] = {
    {.name = BF_SLICE_INIT("city.yaml"), .bytes = BF_SLICE_INIT("name: base\n")},
    {.name = BF_SLICE_INIT("kpis/good.yaml"),
     .bytes = BF_SLICE_INIT("kpis: [{id: good_kpi, unit: m/s, from: {quantity: good_speed}, "
                            "window: {tumbling: 1s}, value: mean}]\n")},
    {.name = BF_SLICE_INIT("profiles/good.yaml"),
     .bytes = BF_SLICE_INIT("network: n\ntopic: good/{device}\ntags: {class: \"{$.class}\"}\n"
                            "readings: [{path: $.v, quantity: good_speed, unit: m/s}]\n")},
};

struct kind {
    const char *prefix, *folder; /* folder NULL: belfry.yaml */
};
static const struct kind kinds[] = {
    {.prefix = "site-", .folder = NULL},           {.prefix = "city-", .folder = ""},
    {.prefix = "profile-", .folder = "profiles/"}, {.prefix = "kpis-", .folder = "kpis/"},
    {.prefix = "boards-", .folder = "boards/"},    {.prefix = "zones-", .folder = "zones/"},
};

static const struct kind *kind_of(const char *name)
{
    const size_t count = sizeof kinds / sizeof kinds[0];
    size_t i = 0;
    while (i < count && strncmp(name, kinds[i].prefix, strlen(kinds[i].prefix)) != 0) {
        i++;
    }
    if (i == count) {
        fail_msg("the name of %s does not say what it is", name);
    }
    return &kinds[i];
}

static struct bf_city *city_with(const struct kind *kind, const char *name, struct bf_slice bytes)
{
    struct bf_bundle_file files[4];
    char path[256];
    size_t count = sizeof base_files / sizeof base_files[0];
    memcpy(files, base_files, sizeof base_files);
    if (kind->folder[0] == '\0') {
        files[0].bytes = bytes;
    } else {
        /* Behind the good files, so that it is the later of two. */
        snprintf(path, sizeof path, "%s%s", kind->folder, name);
        files[count++] = (struct bf_bundle_file){.name = bf_slice_of(path), .bytes = bytes};
    }
    struct bf_bundle bundle = {.files = files, .count = count, .hash = "0"};
    return bf_city_inspect(&bundle, aggregates);
}

static void problems_of(const char *name, struct bf_slice bytes, struct bf_problem **list, size_t *count)
{
    const struct kind *kind = kind_of(name);
    if (kind->folder == NULL) {
        char path[512];
        struct bf_site *site = NULL;
        snprintf(path, sizeof path, "%s/bad/%s", FOLDER, name);
        bf_site_inspect(path, &site, list, count);
        bf_site_destroy(site);
        return;
    }
    struct bf_city *city = city_with(kind, name, bytes);
    *count = city->problem_count;
    *list = calloc(*count + 1, sizeof **list);
    assert_non_null(*list);
    if (*count > 0) {
        memcpy(*list, city->problems, *count * sizeof **list);
    }
    bf_city_destroy(city);
}

/* True where a problem ends with ":<expected>", or holds it where it ends with an ellipsis. */
static bool is_said(const char *expected, size_t len, const struct bf_problem *list, size_t count)
{
    static const char ellipsis[] = "…";
    size_t dots = strlen(ellipsis);
    bool open = len > dots && memcmp(expected + len - dots, ellipsis, dots) == 0;
    for (size_t i = 0; i < count; i++) {
        size_t text = strlen(list[i].text);
        if (open && memmem(list[i].text, text, expected, len - dots) != NULL) {
            return true;
        }
        if (text > len && list[i].text[text - len - 1] == ':' &&
            memcmp(list[i].text + text - len, expected, len) == 0) {
            return true;
        }
    }
    return false;
}

static size_t check_bad(const char *name)
{
    static const char mark[] = "# expect: ";
    char path[512];
    struct bf_problem *list = NULL;
    size_t count = 0, expected = 0, wrong = 0;
    snprintf(path, sizeof path, "%s/bad/%s", FOLDER, name);
    struct bf_slice bytes = read_file(path);
    problems_of(name, bytes, &list, &count);
    for (const char *at = bytes.data; strncmp(at, mark, strlen(mark)) == 0; at = strchr(at, '\n') + 1) {
        const char *text = at + strlen(mark);
        expected++;
        if (!is_said(text, strcspn(text, "\n"), list, count)) {
            print_error("%s: nobody says %.*s\n", name, (int)strcspn(text, "\n"), text);
            wrong++;
        }
    }
    if (wrong > 0 || expected == 0 || expected != count) {
        wrong++;
        print_error("%s: %zu problems, %zu expected\n", name, count, expected);
        for (size_t i = 0; i < count; i++) {
            print_error("  said: %s\n", list[i].text);
        }
    }
    free(list);
    free_file(bytes);
    return wrong;
}

static void test_bad_files_are_told_so(void **state)
{
    (void)state;
    size_t files = 0, wrong = 0;
    DIR *folder = opendir(FOLDER "/bad");
    assert_non_null(folder);
    unsetenv("BELFRY_TEST_NOT_SET");
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] != '.') {
            wrong += check_bad(entry->d_name);
            files++;
        }
    }
    closedir(folder);
    assert_true(files >= 90);
    assert_int_equal(wrong, 0);
}

static void test_the_good_site_is_read(void **state)
{
    (void)state;
    struct bf_err err = {0};
    struct bf_site *site = NULL;
    assert_int_equal(bf_site_load(FOLDER "/good/belfry.yaml", &site, &err), BF_OK);
    assert_string_equal(site->city_path, FOLDER "/good/city");
    assert_string_equal(site->mqtt.url, "mqtts://broker.example:8883");
    assert_int_equal(site->mqtt.version, 5);
    assert_int_equal(site->mqtt.keep_alive_us, 30000000);
    assert_null(site->mqtt.password);
    assert_string_equal(site->kafka.prefix, "belfry");
    assert_int_equal(site->kafka.property_count, 2);
    assert_string_equal(site->kafka.properties[1].name, "socket.nagle.disable");
    assert_string_equal(site->kafka.properties[1].value, "true");
    assert_int_equal(site->redis.timeout_us, 250000);
    assert_int_equal(site->ingest.filter_count, 2);
    assert_string_equal(site->ingest.filters[1], "/hfp/v2/#");
    assert_null(site->ingest.filters[2]);
    assert_false(site->ingest.markers);
    assert_true(site->ingest.clock_message);
    assert_true(site->ingest.packet_ids_free);
    assert_int_equal(site->ingest.max_payload, 65536);
    assert_int_equal(site->ingest.linger_us, 0);
    assert_int_equal(site->process.checkpoint_rate, 1048576);
    assert_int_equal(site->sink.history, 100);
    bf_site_destroy(site);
}

static void test_an_empty_site_has_the_defaults(void **state)
{
    (void)state;
    struct bf_err err = {0};
    struct bf_site *site = NULL;
    assert_int_equal(bf_site_load(FOLDER "/good/empty.yaml", &site, &err), BF_OK);
    assert_string_equal(site->mqtt.url, "mqtt://127.0.0.1:1883");
    assert_int_equal(site->mqtt.version, 5);
    assert_string_equal(site->kafka.brokers, "127.0.0.1:9092");
    assert_string_equal(site->ingest.id, "belfry-1");
    assert_int_equal(site->ingest.filter_count, 0);
    assert_true(site->ingest.markers);
    assert_false(site->ingest.clock_message);
    assert_int_equal(site->ingest.max_payload, 256 * 1024);
    assert_int_equal(site->ingest.window_deliveries, 16384);
    assert_int_equal(site->process.session_us, 6000000);
    assert_int_equal(site->sink.batch, 200);
    bf_site_destroy(site);
}

static void test_a_missing_site_is_said(void **state)
{
    (void)state;
    struct bf_err err = {0};
    struct bf_site *site = NULL;
    assert_int_equal(bf_site_load(FOLDER "/good/not-there.yaml", &site, &err), BF_CONFIG);
    assert_null(site);
    assert_non_null(strstr(err.message, "not-there.yaml: could not read it"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_files_are_told_so),
        cmocka_unit_test(test_the_good_site_is_read),
        cmocka_unit_test(test_an_empty_site_has_the_defaults),
        cmocka_unit_test(test_a_missing_site_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
