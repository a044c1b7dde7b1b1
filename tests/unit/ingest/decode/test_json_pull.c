/* test_json_pull.c: the grammar of RFC 8259, accepted and refused, cut at every byte, and texts
 * unescaped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ingest/decode/json_pull.h"

static enum bf_json_fault skip_all(const char *text, size_t len, size_t depth)
{
    /* In a block of its own size, so that the address sanitizer sees a read behind the end. */
    char *bytes = malloc(len + !len);
    struct bf_json json;
    assert_non_null(bytes);
    memcpy(bytes, text, len);
    bf_json_init(&json, (struct bf_slice){.data = bytes, .len = len}, depth);
    bf_json_skip(&json);
    bool done = bf_json_done(&json);
    assert_int_equal(done, json.fault == BF_JSON_OK);
    assert_true(done || json.expected);
    assert_true(bf_json_offset(&json) <= len);
    free(bytes);
    return json.fault;
}

static void test_accepted(void **unused)
{
    (void)unused;
    static const char *const good[] = {"0",
                                       "-1.5e-3",
                                       "true",
                                       "false",
                                       "null",
                                       "\"\"",
                                       "[]",
                                       "{}",
                                       " [ ] ",
                                       "\t{\n}\r ",
                                       "[1,2,3]",
                                       "[[],[[]]]",
                                       "{\"a\":1,\"b\":[true,null],\"\":{}}",
                                       "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\\uD834\\uDD1E\"",
                                       "[NaN,-Infinity]",
                                       "{\"a\":1,\"a\":2}",
                                       "\"a longer text than eight bytes, with \\\" in it\"",
                                       "[ 1 , \"x\" , { } ]"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(skip_all(good[i], strlen(good[i]), 64), BF_JSON_OK);
    }
}

static void test_refused(void **unused)
{
    (void)unused;
    static const char *const bad[] = {
        "",         " ",         "tru",        "truex",   "nul",       "01",          "1.",
        "+1",       ".5",        "1e",         "-",       "[",         "]",           "[1",
        "[1,",      "[1,]",      "[,1]",       "[1 2]",   "{",         "{\"a\"",      "{\"a\":",
        "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{a:1}",   "{1:1}",     "{\"a\" 1}",   "{\"a\":1 \"b\":2}",
        "\"",       "\"a",       "\"\\\"",     "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"a\nb\"",
        "\"\t\"",   "1 2",       "{} x",       "[1}",     "{]",        "'a'",         "nan",
        "/**/1",    "[1]]",      "True",       "\"\\"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (skip_all(bad[i], strlen(bad[i]), 64) != BF_JSON_SYNTAX) {
            fail_msg("accepted: %s", bad[i]);
        }
    }
    assert_int_equal(skip_all("\"a\0b\"", 5, 64), BF_JSON_SYNTAX);
    assert_int_equal(skip_all("1\0", 2, 64), BF_JSON_SYNTAX);
    assert_int_equal(skip_all("\0", 1, 64), BF_JSON_SYNTAX);
}

static void test_truncated(void **unused)
{
    (void)unused;
    static const char text[] =
        "{\"ts\":1700000000123,\"s\":\"a\\u00e4\\n b\",\"v\":[-12.5e+3,true,null,{\"x\":false}]}";
    for (size_t len = 0; len < sizeof text - 1; len++) {
        assert_int_equal(skip_all(text, len, 64), BF_JSON_SYNTAX);
    }
    assert_int_equal(skip_all(text, sizeof text - 1, 64), BF_JSON_OK);
}

static void test_depth(void **unused)
{
    (void)unused;
    char text[20000];
    memset(text, '[', 10000);
    memset(text + 10000, ']', 10000);
    assert_int_equal(skip_all(text, sizeof text, 64), BF_JSON_TOO_DEEP);
    assert_int_equal(skip_all(text, sizeof text, SIZE_MAX), BF_JSON_TOO_DEEP);
    assert_int_equal(skip_all(text + 10000 - 64, 128, 64), BF_JSON_OK);
    assert_int_equal(skip_all(text + 10000 - 65, 130, 64), BF_JSON_TOO_DEEP);
    for (size_t i = 0; i < sizeof text; i++) {
        text[i] = "{\"a\":"[i % 5];
    }
    assert_int_equal(skip_all(text, sizeof text, 64), BF_JSON_TOO_DEEP);
}

/* Each byte value at each place of a string long enough for every stride of the scanner. */
static void test_string_bytes(void **unused)
{
    (void)unused;
    for (int byte = 0; byte < 128; byte++) {
        for (size_t at = 1; at < 20; at++) {
            char text[] = "\"abcdefghijklmnopqrstu\"";
            text[at] = (char)byte;
            enum bf_json_fault fault = skip_all(text, sizeof text - 1, 64);
            bool good = byte >= 0x20 && byte != '"' && byte != '\\';
            bool escape = byte == '\\' && strchr("bfnrt", text[at + 1]);
            assert_int_equal(fault == BF_JSON_OK, good || escape);
        }
    }
}

static struct bf_slice text_of(const char *text, struct bf_arena *arena, enum bf_json_fault *fault)
{
    struct bf_json json;
    struct bf_field field;
    bf_json_init(&json, bf_slice_of(text), 8);
    bf_json_field(&json, arena, &field);
    *fault = json.fault;
    assert_int_equal(field.kind, BF_FIELD_TEXT);
    return field.as.text;
}

static void test_unescape(void **unused)
{
    (void)unused;
    enum bf_json_fault fault;
    struct bf_arena *arena = bf_arena_create(4096);
    static const struct {
        const char *json;
        struct bf_slice text;
    } good[] = {
        {"\"plain\"", BF_SLICE_INIT("plain")},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", BF_SLICE_INIT("\"\\/\b\f\n\r\t")},
        {"\"\\u0041\\u00e4\\u20AC\\uD834\\uDD1E!\"", BF_SLICE_INIT("A\xc3\xa4\xe2\x82\xac\xf0\x9d\x84\x9e!")},
        {"\"\\u0000\"", BF_SLICE_INIT("\0")}};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(bf_slice_equal(text_of(good[i].json, arena, &fault), good[i].text));
        assert_int_equal(fault, BF_JSON_OK);
    }
    static const char *const bad[] = {"\"\\uD834\"",    "\"\\uDD1E\"",        "\"\\uD834x\"",
                                      "\"\\uD834\\n\"", "\"\\uD834\\u0041\"", "\"\\uD834\\uD834\""};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        (void)text_of(bad[i], arena, &fault);
        assert_int_equal(fault, BF_JSON_BAD_TEXT);
    }
    struct bf_arena *small = bf_arena_create(16);
    assert_non_null(bf_arena_alloc(small, 16));
    (void)text_of("\"\\n\"", small, &fault);
    assert_int_equal(fault, BF_JSON_NO_MEMORY);
    bf_arena_destroy(small);
    bf_arena_destroy(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_accepted),     cmocka_unit_test(test_refused),
                                       cmocka_unit_test(test_truncated),    cmocka_unit_test(test_depth),
                                       cmocka_unit_test(test_string_bytes), cmocka_unit_test(test_unescape)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
