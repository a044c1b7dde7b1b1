/* The reader that all records share: what it skips, what it takes beside the canonical form, and
 * what it refuses. Claims (0 ingest, 1 nonce) and KPIs stand in for all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/wire.h"

#define BYTES(literal) {.data = (literal), .len = sizeof(literal) - 1}

static void unknown_keys_are_skipped_anywhere(void **state)
{
    (void)state;
    static const struct bf_slice same[] = {
        BYTES("\x82\x00\xa1i\x01\x07"),
        BYTES("\x83\x00\xa1i\x01\x07\x02\xc0"),
        BYTES("\x83\x00\xa1i\x01\x07\x7f\x92\x01\x81\xa1k\xcb\x00\x00\x00\x00\x00\x00\x00\x00"),
        BYTES("\x83\x00\xa1i\x01\x07\xcd\xff\xff\xd4\x01\x02"),
        BYTES("\x83\x00\xa1i\x01\x07\xcf\xff\xff\xff\xff\xff\xff\xff\xfe\xc3"),
        /* Longer forms than the shortest. */
        BYTES("\xde\x00\x02\xcc\x00\xd9\x01i\xce\x00\x00\x00\x01"
              "\xd3\x00\x00\x00\x00\x00\x00\x00\x07"),
    };
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        struct bf_claim claim;
        assert_int_equal(bf_claim_unpack(same[i], &claim, NULL), BF_OK);
        assert_true(bf_slice_equal(claim.ingest, BF_SLICE("i")));
        assert_int_equal(claim.nonce, 7);
    }
}

static void what_is_not_a_claim_is_refused(void **state)
{
    (void)state;
    static const struct {
        struct bf_slice bytes;
        const char *says;
    } bad[] = {
        {.bytes = BYTES("\x82\x01\x07\x00\xa1i"), .says = "claim: ingest: missing"},
        {.bytes = BYTES("\x83\x00\xa1i\x00\xa1i\x01\x07"),
         .says = "claim: keys not ascending, or one twice"},
        {.bytes = BYTES("\x83\x00\xa1i\x01\x07\x01\x07"),
         .says = "claim: keys not ascending, or one twice"},
        {.bytes = BYTES("\x83\x00\xa1i\x01\x07\xff\x07"), .says = "claim: out of range"},
        {.bytes = BYTES("\x82\xa1k\xa1i\x01\x07"), .says = "claim: wrong type"},
        {.bytes = BYTES("\x82\x00\xa1i\x01\xff"), .says = "claim: nonce: out of range"},
        {.bytes = BYTES("\x83\x00\xa1i\x01\x07\x02\xc1"), .says = "claim: the unused tag 0xc1"},
        {.bytes = BYTES("\x83\x00\xa1i\x01\x07\x02\xdd\xff\xff\xff\xff"),
         .says = "claim: truncated"},
        {.bytes = BYTES("\x82\x00\xdb\xff\xff\xff\xffi\x01\x07"),
         .says = "claim: ingest: truncated"},
        {.bytes = BYTES("\xdf\xff\xff\xff\xff\x00\xa1i\x01\x07"), .says = "claim: truncated"},
        {.bytes = BYTES("\x82\x00\xa1i\x01\x07\x00"), .says = "claim: bytes behind the end"},
        {.bytes = BYTES("\x92\xa1i\x07"), .says = "claim: wrong type"},
        {.bytes = BYTES("{\"ingest\":\"i\"}"), .says = "claim: wrong type"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct bf_claim claim;
        struct bf_err err = {.status = BF_OK};
        assert_int_equal(bf_claim_unpack(bad[i].bytes, &claim, &err), BF_MALFORMED);
        assert_string_equal(err.message, bad[i].says);
        assert_int_equal(bf_claim_unpack(bad[i].bytes, &claim, NULL), BF_MALFORMED);
    }
}

/* An unknown value nested a hundred thousand deep: skipped without recursion. */
static void depth_is_no_danger(void **state)
{
    (void)state;
    static char bytes[100000];
    static const char head[] = "\x83\x00\xa1i\x01\x07\x02";
    memset(bytes, 0x91, sizeof(bytes));
    memcpy(bytes, head, sizeof(head) - 1);
    bytes[sizeof(bytes) - 1] = '\x01';
    struct bf_slice slice = {.data = bytes, .len = sizeof(bytes)};
    struct bf_claim claim;
    assert_int_equal(bf_claim_unpack(slice, &claim, NULL), BF_OK);
    slice.len--;
    assert_int_equal(bf_claim_unpack(slice, &claim, NULL), BF_MALFORMED);
}

/* Random bytes: taken or refused, never read beyond (a sanitizer watches) and never fatal. */
static void garbage_is_refused(void **state)
{
    (void)state;
    uint64_t seed = 42;
    size_t taken = 0;
    for (int round = 0; round < 20000; round++) {
        unsigned char bytes[48];
        for (size_t i = 0; i < sizeof(bytes); i++) {
            seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            bytes[i] = (unsigned char)(seed >> 56);
        }
        bytes[0] = (unsigned char)(0x80 | (bytes[0] & 15));
        bytes[1] = 0;
        struct bf_slice slice = {.data = (const char *)bytes, .len = (size_t)round % 49};
        struct bf_reading reading;
        struct bf_kpi kpi;
        struct bf_tick tick;
        taken += bf_reading_unpack(slice, &reading, NULL) == BF_OK;
        taken += bf_kpi_unpack(slice, &kpi, NULL) == BF_OK;
        taken += bf_tick_unpack(slice, &tick, NULL) == BF_OK;
    }
    assert_int_equal(taken, 0);
}

/* A full writer stays full, whatever is put after it and however small. */
static void a_record_that_does_not_fit_says_so(void **state)
{
    (void)state;
    struct bf_claim claim = {.ingest = BF_SLICE("ingest"), .nonce = 1};
    char bytes[4];
    struct bf_mp_writer writer;
    bf_mp_writer_init(&writer, bytes, sizeof(bytes));
    bf_claim_pack(&claim, &writer);
    assert_true(writer.full);
    assert_true(writer.len <= sizeof(bytes));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_keys_are_skipped_anywhere),
        cmocka_unit_test(what_is_not_a_claim_is_refused),
        cmocka_unit_test(depth_is_no_danger),
        cmocka_unit_test(garbage_is_refused),
        cmocka_unit_test(a_record_that_does_not_fit_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
