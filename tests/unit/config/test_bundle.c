/* Bundles: a folder as bytes, variables replaced without moving lines, the packed form and back. */
#include "tests/unit/config/support.h"

#include <sys/stat.h>
#include <unistd.h>

#include "config/bundle.h"
#include "core/mp.h"

#define GOOD TEST_SOURCE_DIR "/tests/vectors/config/good/city"

static struct bf_bundle *read_good(void)
{
    struct bf_err err = {0};
    struct bf_bundle *bundle = NULL;
    if (bf_bundle_read(GOOD, &bundle, &err) != BF_OK) {
        fail_msg("%s", err.message);
    }
    return bundle;
}

static struct bf_slice file_of(const struct bf_bundle *bundle, const char *name)
{
    for (size_t i = 0; i < bundle->count; i++) {
        if (bf_slice_equal(bundle->files[i].name, bf_slice_of(name))) {
            return bundle->files[i].bytes;
        }
    }
    fail_msg("no file %s", name);
    return (struct bf_slice){NULL, 0};
}

static void test_files_are_ascending_and_whole(void **state)
{
    (void)state;
    struct bf_bundle *bundle = read_good();
    assert_int_equal(bundle->count, 9);
    assert_true(bf_slice_equal(bundle->files[0].name, BF_SLICE("boards/more.yaml")));
    for (size_t i = 1; i < bundle->count; i++) {
        assert_true(bf_slice_compare(bundle->files[i - 1].name, bundle->files[i].name) < 0);
    }
    assert_int_equal(strlen(bundle->hash), 64);
    bf_bundle_destroy(bundle);
}

static void test_the_environment_is_replaced_and_hashed(void **state)
{
    (void)state;
    unsetenv("BELFRY_TEST_TITLE");
    struct bf_bundle *plain = read_good();
    assert_non_null(strstr(file_of(plain, "city.yaml").data, "title: \"Testville on Sea\"\n"));
    /* A value cannot add a key, whatever it holds. */
    setenv("BELFRY_TEST_TITLE", "\"\nname: forged\n# \\ \x7f\t", 1);
    struct bf_bundle *other = read_good();
    unsetenv("BELFRY_TEST_TITLE");
    assert_string_not_equal(plain->hash, other->hash);
    struct bf_city *city = NULL;
    struct bf_err err = {0};
    assert_int_equal(bf_city_load(other, aggregates, &city, &err), BF_OK);
    assert_true(bf_slice_equal(city->name, BF_SLICE("testville")));
    assert_true(bf_slice_equal(city->title, BF_SLICE("Testville \"\nname: forged\n# \\ \x7f\t")));
    bf_city_destroy(city);
    bf_bundle_destroy(plain);
    bf_bundle_destroy(other);
}

static void test_packed_and_unpacked_are_the_same(void **state)
{
    (void)state;
    struct bf_err err = {0};
    struct bf_slice bytes = {0};
    struct bf_bundle *bundle = read_good(), *again = NULL;
    assert_int_equal(bf_bundle_pack(bundle, &bytes, &err), BF_OK);
    assert_int_equal(bf_bundle_unpack(bytes, &again, &err), BF_OK);
    assert_string_equal(bundle->hash, again->hash);
    assert_int_equal(bundle->count, again->count);
    for (size_t i = 0; i < bundle->count; i++) {
        assert_true(bf_slice_equal(bundle->files[i].name, again->files[i].name));
        assert_true(bf_slice_equal(bundle->files[i].bytes, again->files[i].bytes));
    }
    free_file(bytes);
    bf_bundle_destroy(again);
    bf_bundle_destroy(bundle);
}

static void test_every_truncation_is_refused(void **state)
{
    (void)state;
    struct bf_err err = {0};
    struct bf_slice bytes = {0};
    struct bf_bundle *bundle = read_good(), *again = NULL;
    assert_int_equal(bf_bundle_pack(bundle, &bytes, &err), BF_OK);
    for (size_t len = 0; len < bytes.len; len += 7) {
        assert_int_equal(bf_bundle_unpack((struct bf_slice){bytes.data, len}, &again, &err), BF_MALFORMED);
        assert_null(again);
    }
    free_file(bytes);
    bf_bundle_destroy(bundle);
}

static void expect_malformed(const void *data, size_t len)
{
    struct bf_err err = {0};
    struct bf_bundle *bundle = NULL;
    assert_int_equal(bf_bundle_unpack((struct bf_slice){data, len}, &bundle, &err), BF_MALFORMED);
    assert_null(bundle);
    assert_true(err.message[0] != '\0');
}

static void test_hostile_bytes_are_refused(void **state)
{
    (void)state;
    char data[64];
    struct bf_mp_writer writer;
    bf_mp_writer_init(&writer, data, sizeof data);
    bf_mp_put_map(&writer, 2); /* out of order */
    bf_mp_put_str(&writer, BF_SLICE("b"));
    bf_mp_put_bin(&writer, BF_SLICE("x"));
    bf_mp_put_str(&writer, BF_SLICE("a"));
    bf_mp_put_bin(&writer, BF_SLICE("x"));
    expect_malformed(data, writer.len);
    expect_malformed("\x80\x80", 2);                 /* bytes behind the end */
    expect_malformed("\xdf\xff\xff\xff\xff", 5);     /* four billion files */
    expect_malformed("\x81\x01\x02", 3);             /* a name that is a number */
    expect_malformed("\x81\xa1x\xc6\xff\xff\xff\xff", 8);
}

static void write_text(const char *folder, const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void test_a_folder_without_city_and_an_unset_variable_are_refused(void **state)
{
    (void)state;
    char folder[] = "/tmp/belfry-bundle-XXXXXX", path[256];
    struct bf_err err = {0};
    struct bf_bundle *bundle = NULL;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(bf_bundle_read(folder, &bundle, &err), BF_CONFIG);
    assert_non_null(strstr(err.message, "city.yaml"));
    write_text(folder, "city.yaml", "# one\nname: x\ntitle: ${BELFRY_TEST_NOT_SET}\n");
    unsetenv("BELFRY_TEST_NOT_SET");
    assert_int_equal(bf_bundle_read(folder, &bundle, &err), BF_CONFIG);
    assert_non_null(strstr(
        err.message, "city.yaml:3:8: the environment variable BELFRY_TEST_NOT_SET is not set"));
    assert_null(bundle);
    snprintf(path, sizeof path, "%s/city.yaml", folder);
    unlink(path);
    rmdir(folder);
}

static void test_a_block_keeps_its_lines(void **state)
{
    (void)state;
    char folder[] = "/tmp/belfry-bundle-XXXXXX", path[256];
    struct bf_err err = {0};
    struct bf_bundle *bundle = NULL;
    struct bf_city *city = NULL;
    assert_non_null(mkdtemp(folder));
    write_text(folder, "city.yaml", "name: x\ntitle: |\n  a\n  ${BELFRY_TEST_NOT_SET:-ü}\n\ntimezon: y\n");
    assert_int_equal(bf_bundle_read(folder, &bundle, &err), BF_OK);
    assert_int_equal(bf_city_load(bundle, aggregates, &city, &err), BF_CONFIG);
    assert_non_null(strstr(err.message, "city.yaml:6:1: unknown key \"timezon\""));
    bf_bundle_destroy(bundle);
    snprintf(path, sizeof path, "%s/city.yaml", folder);
    unlink(path);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files_are_ascending_and_whole),
        cmocka_unit_test(test_the_environment_is_replaced_and_hashed),
        cmocka_unit_test(test_packed_and_unpacked_are_the_same),
        cmocka_unit_test(test_every_truncation_is_refused),
        cmocka_unit_test(test_hostile_bytes_are_refused),
        cmocka_unit_test(test_a_folder_without_city_and_an_unset_variable_are_refused),
        cmocka_unit_test(test_a_block_keeps_its_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
