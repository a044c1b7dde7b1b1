/* test_unwrap.c: base64, hex and gzip: what is whole, what is cut, what is none, and what unpacks to more
 * than it may. */
#include "kit.h"

#include <string.h>

#include "ingest/decode/unwrap.h"

#define BYTES(literal)                                \
    {                                                 \
        .data = (literal), .len = sizeof(literal) - 1 \
    } /* may stand in a static table */

static const struct bf_wraps base64 = {.kinds = {BF_WRAP_BASE64}, .count = 1};
static const struct bf_wraps hex = {.kinds = {BF_WRAP_HEX}, .count = 1};
static const struct bf_wraps gzip = {.kinds = {BF_WRAP_GZIP}, .count = 1};

/* "belfry" by gzip, and 65,536 zeros by gzip. */
static const struct bf_slice packed =
    BYTES("\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03KJ\xcdI+\xaa\x04\x00\x0a\xdaV\xac\x06\x00\x00\x00");
static const struct bf_slice bomb =
    BYTES("\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xed\xc1\x01\x01\x00\x00\x00\x80\x90\xfe\xaf\xee\x08\x0a"
          "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
          "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
          "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00j\xeb\x8e\x97\xd7\x00\x00\x01\x00");

static void check(const struct bf_wraps *wraps, struct bf_slice bytes, const char *expected)
{
    struct bf_arena *arena = bf_arena_create(1 << 18);
    struct bf_unwrap_fault fault = {.reason = BF_REJECT_none};
    bool good = bf_unwrap(wraps, 1000, arena, &bytes, &fault);
    assert_int_equal(good, expected != NULL);
    if (expected) {
        kit_text(bytes, expected);
    } else {
        assert_int_equal(fault.reason, BF_REJECT_malformed);
        assert_non_null(fault.what);
    }
    bf_arena_destroy(arena);
}

static void test_base64(void **unused)
{
    static const struct {
        struct bf_slice bytes;
        const char *expected;
    } rows[] = {
        {BYTES(""), ""},          {BYTES("YQ=="), "a"},
        {BYTES("YQ"), "a"},       {BYTES("YWI="), "ab"},
        {BYTES("YWI"), "ab"},     {BYTES("YWJj"), "abc"},
        {BYTES("Pz8/"), "?\?\?"}, {BYTES("Pz8_"), "?\?\?"},
        {BYTES("Y"), NULL},       {BYTES("YQ="), NULL},
        {BYTES("YQ==="), NULL},   {BYTES("Y=Q="), NULL},
        {BYTES("YW Jj"), NULL},   {BYTES("YWJ\0"), NULL},
        {BYTES("="), NULL},       {BYTES("\xff\xff\xff\xff"), NULL},
    };
    (void)unused;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check(&base64, rows[i].bytes, rows[i].expected);
    }
}

static void test_hex(void **unused)
{
    (void)unused;
    check(&hex, BF_SLICE("6261"), "ba");
    check(&hex, BF_SLICE("4D4d"), "MM");
    check(&hex, BF_SLICE(""), "");
    check(&hex, BF_SLICE("626"), NULL);
    check(&hex, BF_SLICE("6g"), NULL);
    check(&hex, BF_SLICE("62 1"), NULL);
}

static void test_gzip(void **unused)
{
    (void)unused;
    char changed[128];
    check(&gzip, packed, "belfry");
    for (size_t len = 0; len < packed.len; len++) {
        check(&gzip, (struct bf_slice){.data = packed.data, .len = len}, NULL);
    }
    memcpy(changed, packed.data, packed.len);
    changed[packed.len] = '\0';
    check(&gzip, (struct bf_slice){.data = changed, .len = packed.len + 1}, NULL); /* more behind it */
    changed[packed.len - 5] ^= 1;                                                  /* the checksum */
    check(&gzip, (struct bf_slice){.data = changed, .len = packed.len}, NULL);
}

static void test_limits(void **unused)
{
    (void)unused;
    for (size_t limit = 65534; limit < 65538; limit++) {
        struct bf_arena *arena = bf_arena_create(1 << 18);
        struct bf_unwrap_fault fault = {.reason = BF_REJECT_none};
        struct bf_slice bytes = bomb;
        assert_int_equal(bf_unwrap(&gzip, limit, arena, &bytes, &fault), limit >= 65536);
        assert_int_equal(fault.reason, limit >= 65536 ? BF_REJECT_none : BF_REJECT_inflated);
        bf_arena_destroy(arena);
    }
    for (size_t memory = 1; memory < 1 << 17; memory *= 2) { /* of zlib's state, or of what is unpacked */
        struct bf_arena *arena = bf_arena_create(memory);
        struct bf_unwrap_fault fault = {.reason = BF_REJECT_none};
        struct bf_slice bytes = bomb;
        if (!bf_unwrap(&gzip, 70000, arena, &bytes, &fault)) {
            assert_int_equal(fault.reason, BF_REJECT_arena);
        }
        struct bf_slice digits = BF_SLICE("6162636465666768696a6b6c6d6e6f70");
        if (!bf_unwrap(&hex, 0, arena, &digits, &fault)) {
            assert_int_equal(fault.reason, BF_REJECT_arena);
        }
        bf_arena_destroy(arena);
    }
}

static void test_in_a_profile(void **unused)
{
    (void)unused;
    struct kit *kit = kit_open("network: n\ntopic: x/{device}\nformat: scalar\nwrap: [hex, gzip, base64]\n"
                               "readings: [{quantity: v, unit: m}]\n");
    assert_int_equal(kit_run(kit, "x/d", "1f8b0800000000000203f3cd722df50bb4b50500b880eeb208000000"), 1);
    assert_true(kit_number(kit, "v") == 21.5);
    kit_refused(kit, "x/d", "21.5", "malformed");
    kit_close(kit);
    kit = kit_open(
        "network: n\ntopic: x/{device}\nwrap: gzip\nreadings: [{path: $.v, quantity: v, unit: m}]\n");
    assert_int_equal(kit_run_bytes(kit, BF_SLICE("x/d"), bomb), 0);
    assert_string_equal(kit->rejects[0].reason, "malformed"); /* 65,536 zeros are no JSON */
    kit_close(kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_base64), cmocka_unit_test(test_hex),
                                       cmocka_unit_test(test_gzip), cmocka_unit_test(test_limits),
                                       cmocka_unit_test(test_in_a_profile)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
