/* test_pipeline.c: the pipeline's promise under everything that a network can send: every message
 * gives readings or exactly one reject of the whole, and nothing is allocated for it. */
#include "kit.h"

#include "core/hash.h"
#include "core/wire.h"
#include "tests/support/alloc.h"

static const char air[] =
    "network: town\ntopic: air/{device}/#\ntime: {path: $.ts, unit: ms}\nplace: {lat: $.lat, lon: $.lon}\n"
    "readings:\n  - {path: $.pm, quantity: pm2_5, unit: ug/m3, valid: [0, 1000]}\n"
    "  - {path: $.no2, quantity: no2, unit: ug/m3}\n  - {path: $.name, quantity: name, type: text}\n"
    "tags: {class: \"{$.class}\"}\n";
static const char payload[] =
    "{\"ts\":1699999999123,\"pm\":12.5,\"no2\":\"40.25\",\"name\":\"Kaivopuisto \xc3\xa4\","
    "\"lat\":60.17,\"lon\":24.92,\"class\":\"ref\",\"more\":[1,{\"a\":null}]}";

static void test_oversize(void **unused)
{
    (void)unused;
    struct kit *kit = kit_open(air);
    size_t size = 2 * 1024 * 1024;
    char *bytes = malloc(size);
    assert_non_null(bytes);
    memset(bytes, '[', size);
    struct bf_slice topic = BF_SLICE("air/a1");
    assert_int_equal(kit_run_bytes(kit, topic, (struct bf_slice){bytes, size}), 0);
    assert_string_equal(kit->rejects[0].reason, "oversize");
    const struct bf_reject *reject = &kit->rejects[0].record;
    assert_int_equal(reject->stage, BF_STAGE_LIMIT);
    assert_int_equal(reject->payload_len, size);
    assert_int_equal(reject->payload.len, kit->limits.reject_payload);
    assert_true(reject->payload_hash == bf_hash64((struct bf_slice){bytes, size}));
    /* Cut by the caller: the head is all there is. */
    const struct bf_pipeline_output output = {.reading = kit_reading, .reject = kit_reject, .context = kit};
    kit->reject_count = 0;
    kit->next.payload = (struct bf_slice){bytes, 100};
    kit->next.payload_len = 200;
    assert_int_equal(bf_pipeline_run(kit->pipeline, &kit->next, &output), 0);
    assert_string_equal(kit->rejects[0].reason, "oversize");
    assert_int_equal(kit->rejects[0].record.payload.len, 100);
    free(bytes);
    kit_close(kit);
}

static void test_topics(void **unused)
{
    (void)unused;
    struct kit *kit = kit_open(air);
    char *topic = malloc(65535);
    assert_non_null(topic);
    memset(topic, '/', 65535);
    assert_int_equal(kit_run_bytes(kit, (struct bf_slice){topic, 65535}, bf_slice_of(payload)), 0);
    assert_string_equal(kit->rejects[0].reason, "topic_length");
    assert_int_equal(kit->rejects[0].record.topic.len, kit->limits.max_topic);
    assert_int_equal(kit_run_bytes(kit, (struct bf_slice){topic, 1024}, bf_slice_of(payload)), 0);
    assert_string_equal(kit->rejects[0].reason, "no_profile");
    free(topic);
    char name[400];
    snprintf(name, sizeof name, "air/%0300d", 1);
    kit_refused(kit, name, payload, "bad_identity");
    kit_refused(kit, "air/", payload, "bad_identity");
    kit_refused(kit, "air/a\x01", payload, "bad_identity");
    kit_refused(kit, "air/a\xff", payload, "bad_identity");
    kit_refused(kit, "", payload, "no_profile");
    assert_int_equal(kit_run_bytes(kit, BF_SLICE("air/a\0b"), bf_slice_of(payload)), 0);
    assert_string_equal(kit->rejects[0].reason, "bad_identity");
    kit_close(kit);
}

static void test_retained_and_privacy(void **unused)
{
    (void)unused;
    struct kit *kit = kit_open("network: t\ntopic: a/{device}\nprivacy: restricted\n"
                               "readings: [{path: $.v, quantity: v, unit: \"1\"}]\n");
    assert_int_equal(kit_run(kit, "a/1", "{\"v\":1}"), 1);
    assert_int_equal(kit->readings[0].privacy, BF_PRIVACY_RESTRICTED);
    static const char *const secrets[] = {"{\"v\":\"secret\"}", "secret", ""};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(kit_run(kit, "a/1", secrets[i]), 0);
        assert_int_equal(kit->rejects[0].record.payload.len, 0);
        assert_int_equal(kit->rejects[0].record.payload_len, strlen(secrets[i]));
        assert_null(strstr(kit->rejects[0].detail, "secret"));
    }
    kit->next.retained = true;
    kit_refused(kit, "a/1", "{\"v\":1}", "retained");
    assert_true(kit->rejects[0].record.by_profile);
    assert_int_equal(kit->rejects[0].record.stage, BF_STAGE_PROFILE);
    kit_close(kit);
    kit = kit_open(
        "network: t\ntopic: a/{device}\nretained: take\nreadings: [{path: $.v, quantity: v, unit: \"1\"}]\n");
    kit->next.retained = true;
    assert_int_equal(kit_run(kit, "a/1", "{\"v\":1}"), 1);
    kit_close(kit);
}

static void test_choice(void **unused)
{
    (void)unused;
    static const char *const profiles[] = {
        "network: zero\ntopic: \"{kind}/{device}\"\nwhen: {kind: [air, dust]}\nkey: [A, B]\nreadings: "
        "[{path: $.v, quantity: v, unit: \"1\"}]\n",
        "network: one\ntopic: air/{device}\nkey: [C]\nonly_keys: true\nreadings: [{path: $.v, quantity: v, "
        "unit: \"1\"}]\n",
        "network: two\ntopic: \"{kind}/{device}\"\nwhen: {kind: dust}\nreadings: [{path: $.v, quantity: v, "
        "unit: \"1\"}]\n",
        NULL};
    struct kit *kit = kit_open_limited(profiles, kit_limits);
    static const struct {
        const char *topic, *json, *source;
    } good[] = {{"air/d", "{\"A\":{\"v\":1}}", "zero:d"},
                {"air/d", "{\"B\":{\"v\":1},\"A\":{\"v\":2}}", "zero:d"},
                {"air/d", "{\"C\":{\"v\":1}}", "one:d"},
                {"dust/d", "{\"v\":1}", "two:d"},
                {"dust/d", "{\"\\u0041\":{\"v\":1}}", "zero:d"}};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(kit_run(kit, good[i].topic, good[i].json), 1);
        kit_text(kit->readings[0].source, good[i].source);
        assert_true(kit_number(kit, "v") == 1);
    }
    kit_refused(kit, "air/d", "{\"D\":{\"v\":1}}", "empty");
    kit_refused(kit, "water/d", "{\"A\":{\"v\":1}}", "no_profile");
    kit_refused(kit, "air/d", "{\"A\":{\"v\":1}", "malformed");
    kit_refused(kit, "air/d", "{\"A\":1}", "missing_field");
    kit_close(kit);
}

static void test_limits(void **unused)
{
    (void)unused;
    const char *const profiles[] = {"network: t\ntopic: a/{device}\neach: {path: $, name: $.n, value: $.v}\n"
                                    "readings: [{name: \"*\", quantity: v, unit: \"1\"}]\n",
                                    NULL};
    struct bf_pipeline_limits limits = kit_limits;
    limits.max_readings = 10;
    struct kit *kit = kit_open_limited(profiles, limits);
    char text[8192] = "[";
    for (size_t i = 0; i < 100; i++) {
        strcat(text, i < 20 ? "{\"n\":\"x\",\"v\":1}," : "{\"n\":\"x\",\"v\":\"bad\"},");
    }
    strcat(text, "{\"n\":\"x\",\"v\":1}]");
    assert_int_equal(kit_run(kit, "a/1", text), 10);
    assert_int_equal(kit->reject_count, 1);
    assert_string_equal(kit->rejects[0].reason, "too_many");
    assert_string_equal(kit->rejects[0].detail, "91 readings beyond 10");
    text[0] = '[';
    text[1] = '\0';
    strcat(text, "{\"n\":\"x\",\"v\":1}");
    for (size_t i = 0; i < 30; i++) {
        strcat(text, ",{\"n\":\"x\",\"v\":\"bad\"}");
    }
    strcat(text, "]");
    assert_int_equal(kit_run(kit, "a/1", text), 1);
    assert_int_equal(kit->reject_count, BF_PIPELINE_REJECTS);
    assert_string_equal(kit->rejects[15].detail, "reading 1 (v); 14 more rejects");
    kit_refused(kit, "a/1", "[{\"n\":\"x\",\"v\":\"a\"},{\"n\":\"x\",\"v\":\"b\"}]", "bad_type");
    assert_string_equal(kit->rejects[0].detail, "reading 1 (v); 1 more rejects");
    kit_close(kit);
}

static void test_deep_and_cut(void **unused)
{
    (void)unused;
    struct kit *kit = kit_open(air);
    char text[20032];
    size_t prefix = (size_t)snprintf(text, sizeof text, "{\"pm\":1,\"x\":");
    memset(text + prefix, '[', 10000);
    memset(text + prefix + 10000, ']', 10000);
    text[prefix + 20000] = '}';
    text[prefix + 20001] = '\0';
    kit_refused(kit, "air/a", text, "depth");
    for (size_t len = 0; len < sizeof payload - 1; len++) {
        char *cut = malloc(len + 1);
        assert_non_null(cut);
        memcpy(cut, payload, len);
        assert_int_equal(kit_run_bytes(kit, BF_SLICE("air/a"), (struct bf_slice){cut, len}), 0);
        free(cut);
    }
    for (size_t at = 0; at < sizeof payload - 1; at++) { /* invalid UTF-8 and NUL in every place */
        char broken[sizeof payload];
        memcpy(broken, payload, sizeof payload);
        broken[at] = '\xff';
        kit_refused(kit, "air/a", broken, "encoding");
        broken[at] = '\0';
        assert_int_equal(kit_run_bytes(kit, BF_SLICE("air/a"), (struct bf_slice){broken, sizeof payload - 1}),
                         0);
    }
    kit_close(kit);
}

/* Whatever came out, the wire form takes it and gives it back. */
static void check_outputs(const struct kit *kit)
{
    char bytes[8192];
    struct bf_mp_writer writer;
    struct bf_err err;
    for (size_t i = 0; i < kit->reading_count; i++) {
        struct bf_reading back;
        bf_mp_writer_init(&writer, bytes, sizeof bytes);
        bf_reading_pack(&kit->readings[i], &writer);
        assert_false(writer.full);
        assert_int_equal(bf_reading_unpack((struct bf_slice){bytes, writer.len}, &back, &err), BF_OK);
    }
    for (size_t i = 0; i < kit->reject_count; i++) {
        struct bf_reject back;
        bf_mp_writer_init(&writer, bytes, sizeof bytes);
        bf_reject_pack(&kit->rejects[i].record, &writer);
        assert_false(writer.full);
        assert_int_equal(bf_reject_unpack((struct bf_slice){bytes, writer.len}, &back, &err), BF_OK);
        assert_true(bf_slice_equal(back.payload, kit->rejects[i].record.payload));
    }
}

static void mutate(char *bytes, size_t *len, size_t room, uint64_t *state)
{
    static const char *const pieces[] = {
        "\"",       "{",     "}",   "[",    "]", ",",    ":", "\\",
        "\\u0000",  "1e999", "NaN", "null", "-", "\xff", "e", "9999999999999999999999",
        "\xf9\x7e", "\x9f",  "\x7f"};
    *state = *state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    uint64_t dice = *state >> 16;
    size_t at = *len > 0 ? dice % *len : 0;
    const char *piece = pieces[(dice >> 20) % (sizeof pieces / sizeof pieces[0])];
    size_t size = strlen(piece);
    switch ((dice >> 40) % 4) {
    case 0:
        bytes[at] = (char)(dice >> 30);
        break;
    case 1: /* out */
        memmove(bytes + at, bytes + at + (*len > at), *len - at - (*len > at));
        *len -= *len > at;
        break;
    case 2: /* over */
        memcpy(bytes + at, piece, size <= *len - at ? size : 0);
        break;
    default: /* in */
        if (*len + size <= room) {
            memmove(bytes + at + size, bytes + at, *len - at);
            memcpy(bytes + at, piece, size);
            *len += size;
        }
        break;
    }
}

static void test_mutations(void **unused)
{
    (void)unused;
    static const char *const profiles[] = {
        air,
        "network: n\ntopic: noise/{device}\nformat: senml\nreadings: [{name: \"*\", quantity: q1, unit: "
        "Cel}]\n",
        "network: c\ntopic: cbor/{device}\nformat: senml+cbor\nreadings: [{name: \"*\", quantity: q2, unit: "
        "\"%\"}]\n",
        "network: e\ntopic: each/{device}\neach: {path: $.e, name: $.n, value: $.v, unit: $.u}\n"
        "readings: [{name: t, quantity: t, unit: Cel, channel: \"{item}\"}]\ntags: {s: \"{$.e[0].sv}\"}\n",
        NULL};
    struct kit *kit = kit_open_limited(profiles, kit_limits);
    struct bf_slice cbor = kit_read(TEST_SOURCE_DIR "/tests/vectors/senml/ex5.gen.cbor");
    const struct {
        struct bf_slice topic, bytes;
    } seeds[] = {{BF_SLICE("air/a"), bf_slice_of(payload)},
                 {BF_SLICE("noise/n"), BF_SLICE("[{\"bn\":\"d:\",\"bt\":1.6e9,\"n\":\"t\",\"u\":\"Cel\","
                                                "\"v\":1},{\"u\":\"lat\",\"v\":6},{\"u\":\"lon\",\"v\":2}]")},
                 {BF_SLICE("cbor/c"), cbor},
                 {BF_SLICE("each/e"),
                  BF_SLICE("{\"e\":[{\"n\":\"s\",\"sv\":\"x\"},{\"n\":\"t\",\"v\":\"1.5\",\"u\":\"K\"}]}")}};
    uint64_t state = 1;
    for (size_t round = 0; round < 10000; round++) {
        char scratch[1024];
        size_t seed = round % 4, len = seeds[seed].bytes.len;
        assert_true(len > 0 && len < 512);
        memcpy(scratch, seeds[seed].bytes.data, len);
        for (size_t i = 0; i <= round / 4 % 5; i++) {
            mutate(scratch, &len, 512, &state);
        }
        char *bytes = malloc(len + 1); /* of its own size: the sanitizer sees a read behind the end */
        assert_non_null(bytes);
        memcpy(bytes, scratch, len);
        (void)kit_run_bytes(kit, seeds[seed].topic, (struct bf_slice){bytes, len});
        check_outputs(kit);
        free(bytes);
    }
    kit_free(cbor);
    kit_close(kit);
}

static void test_no_allocation(void **unused)
{
    (void)unused;
    struct kit *kit = kit_open(air);
    static const char *const texts[] = {payload, "{\"pm\":0.1000000000000000055511151231257827021}", "{",
                                        "{\"pm\":\"x\"}"};
    for (size_t i = 0; i < 4; i++) {
        bf_alloc_count_begin();
        (void)kit_run(kit, "air/a", texts[i]);
        assert_int_equal(bf_alloc_count_end(), 0);
    }
    kit_close(kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_oversize),
                                       cmocka_unit_test(test_topics),
                                       cmocka_unit_test(test_retained_and_privacy),
                                       cmocka_unit_test(test_choice),
                                       cmocka_unit_test(test_limits),
                                       cmocka_unit_test(test_deep_and_cut),
                                       cmocka_unit_test(test_mutations),
                                       cmocka_unit_test(test_no_allocation)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
