/* test_cbor.c: the cbor decoder: what json takes from JSON, in CBOR: types, integer keys, inner payloads in
 * bytes, and faults. The rest is test_document.c's. */
#include "kit.h"

#define BYTES(literal)                                \
    {                                                 \
        .data = (literal), .len = sizeof(literal) - 1 \
    } /* may stand in a static table */

static const char profile[] = "network: town\ntopic: air/{device}\nformat: cbor\n"
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
    static const struct bf_slice payload = BYTES("\xa9"
                                                 "bts\x1b\x00\x00\x01\x8b\xcf\xe5"
                                                 "d\x93"
                                                 "bpm\xfb@)\x00\x00\x00\x00\x00\x00"
                                                 "an\x1b\x00 \x00\x00\x00\x00\x00\x01"
                                                 "dopen\xf5"
                                                 "dmodeca\xc3\xa4"
                                                 "dlist\x82\xa1"
                                                 "av\x01\xa1"
                                                 "av\xfb\xc0\x02\x00\x00\x00\x00\x00\x00"
                                                 "bno\xf6\x05"
                                                 "dfivecrawB\xff\x00");
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
        {BYTES("\xa9"
               "bts\x1b\x00\x00\x01\x8b\xcf\xe5"
               "d\x93"
               "bpm\xfb@)\x00\x00\x00\x00\x00\x00"
               "an\x1b\x00 \x00\x00\x00\x00\x00\x01"
               "dopen\xf5"
               "dmodeca\xc3\xa4"
               "dlist\x82\xa1"
               "av\x01\xa1"
               "av\xfb\xc0\x02\x00\x00\x00\x00\x00\x00"
               "bno\xf6\x05"
               "dfivecrawB\xff"),
         "malformed"}, /* the end is missing */
        {BYTES("\xa9"
               "bts\x1b\x00\x00\x01\x8b\xcf\xe5"
               "d\x93"
               "bpm\xfb@)\x00\x00\x00\x00\x00\x00"
               "an\x1b\x00 \x00\x00\x00\x00\x00\x01"
               "dopen\xf5"
               "dmodeca\xc3\xa4"
               "dlist\x82\xa1"
               "av\x01\xa1"
               "av\xfb\xc0\x02\x00\x00\x00\x00\x00\x00"
               "bno\xf6\x05"
               "dfivecrawB\xff\x00\x00"),
         "malformed"}, /* bytes behind */
        {BYTES("\xa2"
               "bpm\x01"
               "axba\xff"),
         "encoding"}, /* no UTF-8 */
        {BYTES("\xa1"
               "bpm\xc2"
               "A\x01"),
         "malformed"}, /* a bignum */
        {BYTES("\xb8\xff"
               "bpm\x01"),
         "malformed"}, /* more pairs than there are */
        {BYTES("\xbf"
               "bpm\x01"),
         "malformed"}, /* no end of the map */
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
    static const struct bf_slice payload = BYTES("\xa1"
                                                 "dlist\x82\x80\xa1"
                                                 "av\x05");
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
    memcpy(payload, "\xb9\x07\xd0", 3); /* a map of 2,000 pairs */
    memset(payload + 3, 1, 4000);
    assert_int_equal(run(kit, (struct bf_slice){.data = payload, .len = 4003}), 0);
    assert_string_equal(kit->rejects[0].reason, "arena");
    kit_close(kit);
}

static void test_inner(void **unused)
{
    static const struct bf_slice text = BYTES("\xa2"
                                              "cdevbd1dbodyi{\x22t\x22:3.5}");
    static const struct bf_slice bytes = BYTES("\xa2"
                                               "cdevbd2dbodyI{\x22t\x22:4.5}");
    (void)unused;
    struct kit *kit = kit_open("network: n\ntopic: air/+\nformat: cbor\ndevice: \"{$.dev}\"\n"
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
