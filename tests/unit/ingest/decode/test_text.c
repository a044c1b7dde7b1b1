/* test_text.c: well-formed UTF-8 by Unicode's table 3-7, in every position of the 32-byte stride. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ingest/decode/text.h"

static const char *const good[] = {"",
                                   "a",
                                   "\x7f",
                                   "\xc2\x80",
                                   "\xdf\xbf",
                                   "\xe0\xa0\x80",
                                   "\xed\x9f\xbf",
                                   "\xee\x80\x80",
                                   "\xef\xbf\xbf",
                                   "\xf0\x90\x80\x80",
                                   "\xf4\x8f\xbf\xbf"};
static const char *const bad[] = {"\x80",
                                  "\xbf",
                                  "\xc0\x80",
                                  "\xc1\xbf",
                                  "\xc2",
                                  "\xc2\x20",
                                  "\xe0\x9f\xbf",
                                  "\xe0\xa0",
                                  "\xed\xa0\x80",
                                  "\xed\xbf\xbf",
                                  "\xf0\x8f\xbf\xbf",
                                  "\xf4\x90\x80\x80",
                                  "\xf5\x80\x80\x80",
                                  "\xff",
                                  "\xf0\x90\x80"};

static bool at_offset(const char *bytes, size_t offset)
{
    char *text = malloc(offset + strlen(bytes) + 9);
    assert_non_null(text);
    memset(text, 'x', offset);
    memcpy(text + offset, bytes, strlen(bytes));
    /* Exactly as long as the bytes, so that a read behind the end shows. */
    bool answer = bf_text_utf8((struct bf_slice){.data = text, .len = offset + strlen(bytes)});
    memset(text + offset + strlen(bytes), 'y', 9);
    assert_int_equal(bf_text_utf8((struct bf_slice){.data = text, .len = offset + strlen(bytes) + 9}),
                     answer);
    free(text);
    return answer;
}

static void test_utf8(void **unused)
{
    (void)unused;
    for (size_t offset = 0; offset < 70; offset++) {
        for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
            assert_true(at_offset(good[i], offset));
        }
        for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
            assert_false(at_offset(bad[i], offset));
        }
    }
}

static void test_clean(void **unused)
{
    (void)unused;
    assert_true(bf_text_clean(BF_SLICE("Tikkurila as. \xc3\xa4")));
    assert_true(bf_text_clean((struct bf_slice){.len = 0}));
    assert_false(bf_text_clean(BF_SLICE("a\0b")));
    assert_false(bf_text_clean(BF_SLICE("a\nb")));
    assert_false(bf_text_clean(BF_SLICE("a\x7f")));
    assert_false(bf_text_clean(BF_SLICE("a\xff")));
}

static void test_leaf(void **unused)
{
    (void)unused;
    assert_true(bf_slice_equal(bf_text_leaf(BF_SLICE("urn:dev:x:temp")), BF_SLICE("temp")));
    assert_true(bf_slice_equal(bf_text_stem(BF_SLICE("urn:dev:x:temp")), BF_SLICE("urn:dev:x")));
    assert_true(bf_slice_equal(bf_text_leaf(BF_SLICE("2001:db8::2/t")), BF_SLICE("t")));
    assert_true(bf_slice_equal(bf_text_leaf(BF_SLICE("plain")), BF_SLICE("plain")));
    assert_true(bf_slice_equal(bf_text_stem(BF_SLICE("plain")), BF_SLICE("plain")));
    assert_int_equal(bf_text_leaf(BF_SLICE("x:")).len, 0);
    assert_int_equal(bf_text_stem(BF_SLICE(":x")).len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_utf8), cmocka_unit_test(test_clean),
                                       cmocka_unit_test(test_leaf)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
