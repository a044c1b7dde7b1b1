/* The vectors of RFC 4648, section 10, both ways, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/byte_text.h"

static const struct {
    const char *bytes, *base64, *hex;
} vectors[] = {{"", "", ""},
               {"f", "Zg==", "66"},
               {"fo", "Zm8=", "666F"},
               {"foo", "Zm9v", "666F6F"},
               {"foob", "Zm9vYg==", "666F6F62"},
               {"fooba", "Zm9vYmE=", "666F6F6261"},
               {"foobar", "Zm9vYmFy", "666F6F626172"}};

static void the_vectors_of_the_standard(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        char out[64];
        size_t len = bf_base64_encode(bf_slice_of(vectors[i].bytes), out);
        assert_true(bf_slice_equal((struct bf_slice){out, len}, bf_slice_of(vectors[i].base64)));
        assert_true(bf_base64_decode(bf_slice_of(vectors[i].base64), out, &len));
        assert_true(bf_slice_equal((struct bf_slice){out, len}, bf_slice_of(vectors[i].bytes)));
        assert_true(bf_hex_decode(bf_slice_of(vectors[i].hex), out, &len));
        assert_true(bf_slice_equal((struct bf_slice){out, len}, bf_slice_of(vectors[i].bytes)));
    }
}

static void every_byte_comes_back(void **state)
{
    (void)state;
    char bytes[256], text[352], back[260];
    size_t len;
    for (int i = 0; i < 256; i++) {
        bytes[i] = (char)i;
    }
    struct bf_slice written = {text, bf_base64_encode((struct bf_slice){bytes, 256}, text)};
    assert_true(bf_base64_decode(written, back, &len));
    assert_int_equal(len, 256);
    assert_memory_equal(back, bytes, 256);
}

static void what_people_paste(void **state)
{
    (void)state;
    char out[16];
    size_t len;
    assert_true(bf_hex_decode(BF_SLICE("de AD\n be\tef"), out, &len));
    assert_int_equal(len, 4);
    assert_memory_equal(out, "\xde\xad\xbe\xef", 4);
    assert_true(bf_base64_decode(BF_SLICE("_-\n8"), out, &len)); /* safe in URLs, no padding */
    assert_int_equal(len, 2);
    assert_memory_equal(out, "\xff\xef", 2);
}

static void what_is_none(void **state)
{
    (void)state;
    static const char *const hex[] = {"f", "0x11", "fg", "ab c"};
    static const char *const base64[] = {
        "Z", "Zg=", "Zg===", "Zh==", "Z=g=", "Zm9v!", "Zm9=", "Zm9v====", "Zg\\"};
    char out[64];
    size_t len;
    for (size_t i = 0; i < sizeof hex / sizeof hex[0]; i++) {
        assert_false(bf_hex_decode(bf_slice_of(hex[i]), out, &len));
    }
    for (size_t i = 0; i < sizeof base64 / sizeof base64[0]; i++) {
        if (bf_base64_decode(bf_slice_of(base64[i]), out, &len)) {
            fail_msg("%s", base64[i]);
        }
    }
    assert_false(bf_base64_decode((struct bf_slice){"Zm\0v", 4}, out, &len));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_the_standard),
        cmocka_unit_test(every_byte_comes_back),
        cmocka_unit_test(what_people_paste),
        cmocka_unit_test(what_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
