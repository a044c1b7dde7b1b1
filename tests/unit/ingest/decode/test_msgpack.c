/* test_msgpack.c: the msgpack decoder: what json takes from JSON, in msgpack: types, integer keys, inner
 * payloads in bytes, and faults. The rest is test_document.c's. */
#include "kit.h"

#define BYTES(literal)                                \
    {                                                 \
        .data = (literal), .len = sizeof(literal) - 1 \
    } /* may stand in a static table */

static const char profile[] = "network: town\ntopic: air/{device}\nformat: msgpack\n"
                              "time: {path: $.ts, unit: ms}\nreadings:\n"
                              "  - {path: $.pm, quantity: pm2_5, unit: ug/m3}\n"
                              "  - {path: $.n, quantity: count, unit: \"1\", type: integer}\n"
                              "  - {path: $.open, quantity: open, type: bool}\n"
                              "  - {path: $.mode, quantity: mode, type: text}\n"
                              "  - {path: \"$.list[1].v\", quantity: deep, unit: m}\n"
                              "  - {path: '$[\"5\"]', quantity: five, type: text}\n"
                              "  - {path: $.no, quantity: none, unit: m}\n"
                              "  - {path: $.raw, quantity: raw, type: text}\n";

static size_t run(struct kit *kit, struct bf_slice payload)
{
    return kit_run_bytes(kit, BF_SLICE("air/a1"), payload);
}

static void test_values(void **unused)
{
    static const struct bf_slice payload = BYTES(
        "\x89\xa2ts\xd3\x00\x00\x01\x8b\xcf\xe5"
        "d\x93\xa2pm\xcb@)\x00\x00\x00\x00\x00\x00\xa1n\xd3\x00 "
        "\x00\x00\x00\x00\x00\x01\xa4open\xc3\xa4mode\xa3"
        "a\xc3\xa4\xa4list\x92\x81\xa1v\x01\x81\xa1v\xcb\xc0\x02\x00\x00\x00\x00\x00\x00\xa2no\xc0\x05\xa4"
        "five\xa3raw\xc4\x02\xff\x00");
    (void)unused;
    struct kit *kit = kit_open(profile);
    assert_int_equal(run(kit, payload), 6);
    assert_true(kit->readings[0].event_us == INT64_C(1699999999123000));
    assert_true(kit_number(kit, "pm2_5") == 12.5 && kit_number(kit, "deep") == -2.25);
    assert_true(kit_find(kit, "count")->value.as.integer == INT64_C(9007199254740993));
    assert_true(kit_find(kit, "open")->value.as.truth);
    kit_text(kit_find(kit, "mode")->value.as.text, "a\xc3\xa4");
    kit_text(kit_find(kit, "five")->value.as.text, "five");
    assert_int_equal(kit->reject_count, 1); /* bytes are no text */
    assert_string_equal(kit->rejects[0].reason, "bad_type");
    kit_close(kit);
}

static void test_faults(void **unused)
{
    static const struct {
        struct bf_slice payload;
        const char *reason;
    } rows[] = {
        {BYTES(""), "malformed"}, /* nothing */
        {BYTES("\x89\xa2ts\xd3\x00\x00\x01\x8b\xcf\xe5"
               "d\x93\xa2pm\xcb@)\x00\x00\x00\x00\x00\x00\xa1n\xd3\x00 "
               "\x00\x00\x00\x00\x00\x01\xa4open\xc3\xa4mode\xa3"
               "a\xc3\xa4\xa4list\x92\x81\xa1v\x01\x81\xa1v\xcb\xc0\x02\x00\x00\x00\x00\x00\x00\xa2no\xc0\x05"
               "\xa4"
               "five\xa3raw\xc4\x02\xff"),
         "malformed"}, /* the end is missing */
        {BYTES("\x89\xa2ts\xd3\x00\x00\x01\x8b\xcf\xe5"
               "d\x93\xa2pm\xcb@)\x00\x00\x00\x00\x00\x00\xa1n\xd3\x00 "
               "\x00\x00\x00\x00\x00\x01\xa4open\xc3\xa4mode\xa3"
               "a\xc3\xa4\xa4list\x92\x81\xa1v\x01\x81\xa1v\xcb\xc0\x02\x00\x00\x00\x00\x00\x00\xa2no\xc0\x05"
               "\xa4"
               "five\xa3raw\xc4\x02\xff\x00\x00"),
         "malformed"}, /* bytes behind */
        {BYTES("\x81\xa4mode\xa2"
               "a\xff"),
         "encoding"},                                             /* no UTF-8 */
        {BYTES("\x81\xa2pm\xc1"), "malformed"},                   /* the tag that is none */
        {BYTES("\xdf\xff\xff\xff\xff\xa2pm\x01"), "malformed"},   /* more pairs than there are */
        {BYTES("\x81\xa4list\xdd\xff\xff\xff\xff"), "malformed"}, /* a list without its items */
    };
    (void)unused;
    struct kit *kit = kit_open(profile);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(run(kit, rows[i].payload), 0);
        assert_string_equal(kit->rejects[0].reason, rows[i].reason);
    }
    kit_close(kit);
}

static void test_depth(void **unused)
{
    static const struct bf_slice payload = BYTES("\x81\xa4list\x92\x90\x81\xa1v\x05");
    const char *const profiles[] = {profile, NULL};
    struct bf_pipeline_limits limits = kit_limits;
    (void)unused;
    for (limits.max_depth = 0; limits.max_depth < 5; limits.max_depth++) {
        struct kit *kit = kit_open_limited(profiles, limits);
        assert_int_equal(run(kit, payload), limits.max_depth >= 3);
        if (limits.max_depth < 3) {
            assert_string_equal(kit->rejects[0].reason, "depth");
        }
        kit_close(kit);
    }
}

/* Keys that are numbers become texts in the arena, which ends. */
static void test_memory(void **unused)
{
    const char *const profiles[] = {profile, NULL};
    struct bf_pipeline_limits limits = kit_limits;
    char payload[4096];
    (void)unused;
    limits.decode_memory = 2048;
    struct kit *kit = kit_open_limited(profiles, limits);
    memcpy(payload, "\xde\x07\xd0", 3); /* a map of 2,000 pairs */
    memset(payload + 3, 1, 4000);
    assert_int_equal(run(kit, (struct bf_slice){.data = payload, .len = 4003}), 0);
    assert_string_equal(kit->rejects[0].reason, "arena");
    kit_close(kit);
}

static void test_inner(void **unused)
{
    static const struct bf_slice text = BYTES("\x82\xa3"
                                              "dev\xa2"
                                              "d1\xa4"
                                              "body\xa9{\x22t\x22:3.5}");
    static const struct bf_slice bytes = BYTES("\x82\xa3"
                                               "dev\xa2"
                                               "d2\xa4"
                                               "body\xc4\x09{\x22t\x22:4.5}");
    (void)unused;
    struct kit *kit = kit_open("network: n\ntopic: air/+\nformat: msgpack\ndevice: \"{$.dev}\"\n"
                               "inner: {path: $.body, format: json}\n"
                               "readings: [{path: $.t, quantity: t, unit: Cel}]\n");
    assert_int_equal(run(kit, text), 1);
    assert_true(kit_number(kit, "t") == 3.5);
    assert_int_equal(run(kit, bytes), 1);
    assert_true(kit_number(kit, "t") == 4.5);
    kit_text(kit->readings[0].source, "n:d2");
    kit_close(kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values), cmocka_unit_test(test_faults), cmocka_unit_test(test_depth),
        cmocka_unit_test(test_memory), cmocka_unit_test(test_inner),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
