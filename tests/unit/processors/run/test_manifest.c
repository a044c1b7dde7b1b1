/* The name of a checkpoint, as it travels in a commit's metadata. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "processors/run/manifest.h"

static const char digest[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

static void what_is_written_reads_back(void **state)
{
    (void)state;
    struct bf_manifest manifest = {.engine = 1,
                                   .clean = true,
                                   .owner = UINT64_MAX,
                                   .number = 7,
                                   .from = 3,
                                   .bytes = 2 * BF_CHUNK_BYTES - 5,
                                   .chunks = 2,
                                   .offsets = {11, 13}};
    struct bf_manifest back;
    struct bf_err err;
    char text[BF_MANIFEST_TEXT + 1];
    memcpy(manifest.digest, digest, sizeof digest);
    assert_true(bf_manifest_format(&manifest, text));
    assert_int_equal(bf_manifest_parse(text, &back, &err), BF_OK);
    assert_true(back.clean && back.engine == 1 && back.owner == UINT64_MAX && back.number == 7);
    assert_true(back.bytes == manifest.bytes && back.from == 3 && back.chunks == 2);
    assert_true(back.offsets[0] == 11 && back.offsets[1] == 13);
    assert_string_equal(back.digest, digest);
}

static void the_longest_fits_into_a_commit(void **state)
{
    (void)state;
    struct bf_manifest manifest = {.engine = 999,
                                   .owner = UINT64_MAX,
                                   .number = UINT64_MAX,
                                   .bytes = UINT64_MAX,
                                   .from = INT64_MAX,
                                   .chunks = BF_MANIFEST_CHUNKS};
    char text[BF_MANIFEST_TEXT + 1];
    memcpy(manifest.digest, digest, sizeof digest);
    for (size_t i = 0; i < BF_MANIFEST_CHUNKS; i++) {
        manifest.offsets[i] = INT64_MAX;
    }
    assert_true(bf_manifest_format(&manifest, text));
    assert_true(strlen(text) <= BF_MANIFEST_TEXT);
}

static void what_others_committed_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "hello",
        "belfry1 engine=1",
        "belfry1 engine=1 clean=0 owner=1 number=1 bytes=1 digest=00 from=0 chunks=1",
        "belfry1 engine=1 clean=0 owner=1 number=1 bytes=1 "
        "digest=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef from=0 chunks=",
        "belfry1 engine=1 clean=0 owner=1 number=1 bytes=1 "
        "digest=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef from=0 chunks=1,x",
        "belfry1 engine=1 clean=0 owner=1 number=1 bytes=9999999 "
        "digest=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef from=0 chunks=1",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct bf_manifest manifest;
        struct bf_err err;
        assert_int_equal(bf_manifest_parse(texts[i], &manifest, &err), BF_FATAL);
    }
}

static void keys_name_one_task(void **state)
{
    (void)state;
    char key[160];
    uint64_t owner, number;
    uint32_t chunk;
    size_t len = bf_chunk_key("id/s1/1", 0xabc, 12, 3, key);
    const struct bf_slice slice = {key, len};
    assert_true(bf_chunk_parse_key(slice, "id/s1/1", &owner, &number, &chunk));
    assert_true(owner == 0xabc && number == 12 && chunk == 3);
    assert_false(bf_chunk_parse_key(slice, "id/s1/11", &owner, &number, &chunk));
    assert_false(bf_chunk_parse_key(slice, "id/s1/", &owner, &number, &chunk));
    assert_false(bf_chunk_parse_key((struct bf_slice){key, len - 2}, "id/s1/1", &owner, &number, &chunk));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_reads_back),
        cmocka_unit_test(the_longest_fits_into_a_commit),
        cmocka_unit_test(what_others_committed_is_refused),
        cmocka_unit_test(keys_name_one_task),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
