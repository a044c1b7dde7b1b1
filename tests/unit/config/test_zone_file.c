/* The zone file of a bundle: this host's or none, and names and bytes that are no zone. */
#include "tests/unit/config/support.h"

#include <stdlib.h>
#include <unistd.h>

#include "config/bundle.h"
#include "core/time.h"

#define HOUR (3600 * BF_US_PER_S)

static char folder[] = "/tmp/belfry-zone-XXXXXX";

static void write_city(const char *text)
{
    char path[64];
    snprintf(path, sizeof path, "%s/city.yaml", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void a_bundle_carries_its_zone(void **state)
{
    (void)state;
    struct bf_bundle *bundle = NULL;
    struct bf_err err = {.message = ""};
    write_city("name: x\ntimezone: UTC\n");
    assert_int_equal(bf_bundle_read(folder, &bundle, &err), BF_OK);
    assert_int_equal(bundle->count, 1);
    bf_bundle_destroy(bundle);
    if (access("/usr/share/zoneinfo/zone.tab", R_OK) != 0) {
        print_message("no tzdata here\n");
        return;
    }
    write_city("name: x\ntimezone: Europe/Helsinki\n");
    assert_int_equal(bf_bundle_read(folder, &bundle, &err), BF_OK);
    assert_int_equal(bundle->count, 2);
    assert_true(bf_slice_equal(bundle->files[1].name, BF_SLICE("timezone.tzif")));
    struct bf_city *loaded = NULL;
    assert_int_equal(bf_city_load(bundle, aggregates, &loaded, &err), BF_OK);
    assert_int_equal(bf_timezone_at(loaded->local, 0).offset_us, 2 * HOUR);
    bf_city_destroy(loaded);
    bf_bundle_destroy(bundle);
}

static void an_unknown_zone_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *city, *said;
    } bad[] = {
        {.city = "name: x\ntimezone: Europe/Helsinky\n",
         .said = "city.yaml:2:11: timezone: there is no zone \"Europe/Helsinky\"; did you mean "
                 "\"Europe/Helsinki\"?"},
        {.city = "timezone: Atlantis\nname: x\n",
         .said = "city.yaml:1:11: timezone: there is no zone \"Atlantis\"; use an IANA name such as "
                 "Europe/Helsinki, or UTC"},
        {.city = "timezone: ../../../etc/passwd\nname: x\n",
         .said =
             "city.yaml:1:11: timezone: there is no zone \"../../../etc/passwd\"; use an IANA name such as "
             "Europe/Helsinki, or UTC"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct bf_bundle *bundle = NULL;
        struct bf_err err = {.message = ""};
        write_city(bad[i].city);
        assert_int_equal(bf_bundle_read(folder, &bundle, &err), BF_CONFIG);
        if (access("/usr/share/zoneinfo/zone.tab", R_OK) == 0) {
            assert_string_equal(err.message, bad[i].said);
        }
    }
}

static void a_zone_that_is_none_is_refused(void **state)
{
    (void)state;
    struct bf_bundle_file files[] = {
        {.name = BF_SLICE("city.yaml"), .bytes = BF_SLICE("name: x\ntimezone: Europe/Helsinki\n")},
        {.name = BF_SLICE("timezone.tzif"), .bytes = BF_SLICE("TZif2 and then nothing")},
    };
    struct bf_bundle bundle = {.files = files, .count = 2};
    struct bf_city *loaded = NULL;
    struct bf_err err = {.message = ""};
    assert_int_equal(bf_city_load(&bundle, aggregates, &loaded, &err), BF_CONFIG);
    assert_non_null(strstr(err.message, "timezone.tzif: not a time zone"));
    bundle.count = 1; /* of a time before bundles carried it: fine, as long as nothing needs it */
    assert_int_equal(bf_city_load(&bundle, aggregates, &loaded, &err), BF_OK);
    bf_city_destroy(loaded);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    char path[64];
    snprintf(path, sizeof path, "%s/city.yaml", folder);
    unlink(path);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bundle_carries_its_zone),
        cmocka_unit_test(an_unknown_zone_is_refused),
        cmocka_unit_test(a_zone_that_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
