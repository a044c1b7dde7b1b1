/* The hashes against known answers: they are contracts with the log and with other Kafka
 * clients. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/hash.h"

static void murmur2_is_that_of_java(void **state)
{
    (void)state;
    /* From org.apache.kafka.common.utils.UtilsTest. */
    static const struct {
        const char *key;
        int32_t hash;
    } known[] = {
        {.key = "21", .hash = -973932308},
        {.key = "foobar", .hash = -790332482},
        {.key = "a-little-bit-long-string", .hash = -985981536},
        {.key = "a-little-bit-longer-string", .hash = -1486304829},
        {.key = "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", .hash = -58897971},
        {.key = "abc", .hash = 479470107},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        assert_int_equal((int32_t)bf_hash_murmur2(bf_slice_of(known[i].key)), known[i].hash);
    }
}

static void partitions_are_in_range_and_positive(void **state)
{
    (void)state;
    assert_int_equal(bf_hash_partition(BF_SLICE("abc"), 12), 479470107 % 12);
    assert_int_equal(bf_hash_partition(BF_SLICE("21"), 12), (-973932308 & 0x7fffffff) % 12);
    assert_int_equal(bf_hash_partition(BF_SLICE(""), 1), 0);
    for (int i = 0; i < 256; i++) {
        char key[2] = {(char)i, 'x'};
        int32_t partition = bf_hash_partition((struct bf_slice){.data = key, .len = 2}, 7);
        assert_in_range(partition, 0, 6);
    }
}

static void xxh3_and_its_mixing(void **state)
{
    (void)state;
    /* XXH3_64bits of the empty input, seed 0, as published with the algorithm. */
    assert_true(bf_hash64(BF_SLICE("")) == UINT64_C(0x2d06800538d394c2));
    assert_true(bf_hash64((struct bf_slice){.data = NULL, .len = 0}) ==
                UINT64_C(0x2d06800538d394c2));
    assert_true(bf_hash64(BF_SLICE("a")) != bf_hash64(BF_SLICE("b")));
    uint64_t one = bf_hash64_mix(1, 2), other = bf_hash64_mix(2, 1);
    assert_true(one != other);
    assert_true(bf_hash64_mix(one, 3) != bf_hash64_mix(one, 4));
    assert_true(bf_hash64_mix(0, 0) == bf_hash64_mix(0, 0));
}

static void sha256_in_hexadecimal(void **state)
{
    (void)state;
    char hex[65];
    bf_hash_sha256_hex(BF_SLICE("abc"), hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    bf_hash_sha256_hex((struct bf_slice){.data = NULL, .len = 0}, hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void sha256_of_parts_is_that_of_the_whole(void **state)
{
    (void)state;
    char whole[65], parts[65];
    struct bf_digest *digest = bf_digest_create();
    assert_non_null(digest);
    for (int round = 0; round < 2; round++) { /* begin starts anew */
        bf_digest_begin(digest);
        bf_digest_add(digest, BF_SLICE("a"));
        bf_digest_add(digest, (struct bf_slice){.data = NULL, .len = 0});
        bf_digest_add(digest, BF_SLICE("bc"));
        bf_digest_hex(digest, parts);
        bf_hash_sha256_hex(BF_SLICE("abc"), whole);
        assert_string_equal(parts, whole);
    }
    bf_digest_destroy(digest);
    bf_digest_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(murmur2_is_that_of_java),
        cmocka_unit_test(partitions_are_in_range_and_positive),
        cmocka_unit_test(xxh3_and_its_mixing),
        cmocka_unit_test(sha256_in_hexadecimal),
        cmocka_unit_test(sha256_of_parts_is_that_of_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
