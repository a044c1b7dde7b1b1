/* test_cbor_pull.c: the values of RFC 8949's appendix A that SenML can meet, and what is refused. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ingest/decode/cbor_pull.h"

static struct bf_field take(const char *bytes, size_t len, enum bf_cbor_fault *fault, struct bf_arena *arena)
{
    struct bf_cbor cbor;
    struct bf_field field;
    char *copy = malloc(len + !len); /* of its own size: the sanitizer sees a read behind the end */
    assert_non_null(copy);
    memcpy(copy, bytes, len);
    bf_cbor_init(&cbor, (struct bf_slice){.data = copy, .len = len}, 8);
    bf_cbor_field(&cbor, arena, &field);
    (void)bf_cbor_done(&cbor);
    *fault = cbor.fault;
    free(copy);
    return field;
}

#define TAKE(literal) take((literal), sizeof(literal) - 1, &fault, arena)

static void test_numbers(void **unused)
{
    (void)unused;
    enum bf_cbor_fault fault;
    struct bf_arena *arena = NULL;
    assert_int_equal(TAKE("\x00").as.integer, 0);
    assert_int_equal(TAKE("\x17").as.integer, 23);
    assert_int_equal(TAKE("\x18\x64").as.integer, 100);
    assert_int_equal(TAKE("\x1a\x00\x0f\x42\x40").as.integer, 1000000);
    assert_int_equal(TAKE("\x20").as.integer, -1);
    assert_int_equal(TAKE("\x39\x03\xe7").as.integer, -1000);
    assert_true(TAKE("\x1b\x7f\xff\xff\xff\xff\xff\xff\xff").as.integer == INT64_MAX);
    assert_true(TAKE("\x3b\x7f\xff\xff\xff\xff\xff\xff\xff").as.integer == INT64_MIN);
    assert_true(TAKE("\x1b\xff\xff\xff\xff\xff\xff\xff\xff").as.number == 18446744073709551615.0);
    assert_true(TAKE("\x3b\xff\xff\xff\xff\xff\xff\xff\xff").as.number == -18446744073709551616.0);
    static const struct {
        const char bytes[10];
        size_t len;
        double value;
    } floats[] = {{"\xf9\x00\x00", 3, 0.0},
                  {"\xf9\x3c\x00", 3, 1.0},
                  {"\xf9\x3e\x00", 3, 1.5},
                  {"\xf9\x7b\xff", 3, 65504},
                  {"\xf9\x00\x01", 3, 5.960464477539063e-8},
                  {"\xf9\x04\x00", 3, 0.00006103515625},
                  {"\xf9\xc4\x00", 3, -4.0},
                  {"\xfa\x47\xc3\x50\x00", 5, 100000.0},
                  {"\xfa\x7f\x7f\xff\xff", 5, 3.4028234663852886e+38},
                  {"\xfb\x3f\xf1\x99\x99\x99\x99\x99\x9a", 9, 1.1},
                  {"\xfb\x7e\x37\xe4\x3c\x88\x00\x75\x9c", 9, 1.0e+300}};
    for (size_t i = 0; i < sizeof floats / sizeof floats[0]; i++) {
        struct bf_field field = take(floats[i].bytes, floats[i].len, &fault, arena);
        assert_int_equal(field.kind, BF_FIELD_DOUBLE);
        assert_true(field.as.number == floats[i].value);
        assert_int_equal(fault, BF_CBOR_OK);
    }
    assert_true(isinf(TAKE("\xf9\x7c\x00").as.number));
    assert_true(isnan(TAKE("\xf9\x7e\x00").as.number));
    assert_true(isinf(TAKE("\xf9\xfc\x00").as.number));
}

static void test_others(void **unused)
{
    (void)unused;
    enum bf_cbor_fault fault;
    struct bf_arena *arena = bf_arena_create(256);
    assert_false(TAKE("\xf4").as.truth);
    assert_true(TAKE("\xf5").as.truth);
    assert_int_equal(TAKE("\xf6").kind, BF_FIELD_NULL);
    assert_int_equal(TAKE("\xf7").kind, BF_FIELD_NULL);
    assert_int_equal(TAKE("\x44\x01\x02\x03\x04").kind, BF_FIELD_BYTES);
    assert_int_equal(TAKE("\x5f\x42\x01\x02\x43\x03\x04\x05\xff").kind, BF_FIELD_BYTES);
    assert_int_equal(TAKE("\x9f\x01\x82\x02\x03\x9f\x04\x05\xff\xff").kind, BF_FIELD_OTHER);
    assert_int_equal(fault, BF_CBOR_OK);
    assert_int_equal(TAKE("\xbf\x61\x61\x01\x61\x62\x9f\x02\x03\xff\xff").kind, BF_FIELD_OTHER);
    assert_int_equal(fault, BF_CBOR_OK);
    assert_int_equal(TAKE("\xc1\x1a\x51\x4b\x67\xb0").as.integer, 1363896240); /* a tag around it */
    assert_int_equal(fault, BF_CBOR_OK);
    struct bf_field text = TAKE("\x7f\x65strea\x64ming\xff");
    assert_true(bf_slice_equal(text.as.text, BF_SLICE("streaming")));
    assert_int_equal(fault, BF_CBOR_OK);
    bf_arena_destroy(arena);
}

static void test_refused(void **unused)
{
    (void)unused;
    enum bf_cbor_fault fault;
    struct bf_arena *arena = bf_arena_create(256);
    static const struct {
        const char bytes[24];
        size_t len;
        enum bf_cbor_fault fault;
    } bad[] = {{"", 0, BF_CBOR_SYNTAX},
               {"\x18", 1, BF_CBOR_SYNTAX},
               {"\x1c", 1, BF_CBOR_SYNTAX},
               {"\x1f", 1, BF_CBOR_SYNTAX},
               {"\xff", 1, BF_CBOR_SYNTAX},
               {"\x61", 1, BF_CBOR_SYNTAX},
               {"\x61\xff", 2, BF_CBOR_BAD_TEXT},
               {"\x7f\x61\xff\xff", 4, BF_CBOR_BAD_TEXT},
               {"\x7f\x41\x61\xff", 4, BF_CBOR_SYNTAX},
               {"\x7f\x7f\xff\xff", 4, BF_CBOR_SYNTAX},
               {"\x7f\x61\x61", 3, BF_CBOR_SYNTAX},
               {"\x81", 1, BF_CBOR_SYNTAX},
               {"\xa1\x01", 2, BF_CBOR_SYNTAX},
               {"\x9f\x01", 2, BF_CBOR_SYNTAX},
               {"\xbf\x01\xff", 3, BF_CBOR_SYNTAX},
               {"\xc1", 1, BF_CBOR_SYNTAX},
               {"\xc2\x41\x01", 3, BF_CBOR_SYNTAX},
               {"\xc3\x41\x01", 3, BF_CBOR_SYNTAX},
               {"\xf8\x14", 2, BF_CBOR_SYNTAX},
               {"\x5b\xff\xff\xff\xff\xff\xff\xff\xff", 9, BF_CBOR_SYNTAX},
               {"\x9b\xff\xff\xff\xff\xff\xff\xff\xff", 9, BF_CBOR_SYNTAX},
               {"\xbb\x80\x00\x00\x00\x00\x00\x00\x00", 9, BF_CBOR_SYNTAX},
               {"\x01\x01", 2, BF_CBOR_SYNTAX},
               {"\x81\x81\x81\x81\x81\x81\x81\x81\x81\x01", 10, BF_CBOR_TOO_DEEP}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        (void)take(bad[i].bytes, bad[i].len, &fault, arena);
        if (fault != bad[i].fault) {
            fail_msg("case %zu: fault %d", i, (int)fault);
        }
    }
    char deep[10000];
    memset(deep, 0x9f, sizeof deep);
    (void)take(deep, sizeof deep, &fault, arena);
    assert_int_equal(fault, BF_CBOR_TOO_DEEP);
    bf_arena_destroy(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_numbers), cmocka_unit_test(test_others),
                                       cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
