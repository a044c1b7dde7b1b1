/* test_binary.c: the binary decoder: every type, bits, conditions, repeats, blocks, and frames that end too
 * soon; The Things Stack's and ChirpStack's envelopes around them. */
#include <math.h>

#include "kit.h"

#define BYTES(literal) ((struct bf_slice){.data = (literal), .len = sizeof(literal) - 1})
#define HEAD "network: n\ntopic: x/{device}\nformat: binary\n"

static size_t run(struct kit *kit, struct bf_slice payload)
{
    return kit_run_bytes(kit, BF_SLICE("x/d"), payload);
}

static void refused(struct kit *kit, struct bf_slice payload, const char *reason)
{
    assert_int_equal(run(kit, payload), 0);
    assert_string_equal(kit->rejects[0].reason, reason);
}

static void test_types(void **unused)
{
    static const struct {
        const char *field;
        struct bf_slice bytes;
        double value;
    } rows[] = {
        {"type: uint", {.data = "\xff", .len = 1}, 255},
        {"type: int", {.data = "\xff", .len = 1}, -1},
        {"length: 2", {.data = "\x12\x34", .len = 2}, 0x1234},
        {"length: 2, endian: little", {.data = "\x12\x34", .len = 2}, 0x3412},
        {"type: int, length: 3", {.data = "\xff\xff\xfe", .len = 3}, -2},
        {"type: int, length: 3, endian: little", {.data = "\xfe\xff\xff", .len = 3}, -2},
        {"length: 8", {.data = "\xff\xff\xff\xff\xff\xff\xff\xff", .len = 8}, 18446744073709551615.0},
        {"type: int, length: 8", {.data = "\x80\0\0\0\0\0\0\0", .len = 8}, -9223372036854775808.0},
        {"type: float, length: 2", {.data = "\x3e\x00", .len = 2}, 1.5},
        {"type: float", {.data = "\xc0\x20\0\0", .len = 4}, -2.5},
        {"type: float, length: 8, endian: little", {.data = "\0\0\0\0\0\0\xf8\x3f", .len = 8}, 1.5},
        {"type: bcd, length: 3", {.data = "\x12\x34\x56", .len = 3}, 123456},
        {"type: bcd, length: 2, endian: little", {.data = "\x12\x34", .len = 2}, 3412},
        {"bit: 4, bits: 4", {.data = "\xa5", .len = 1}, 10},
        {"bit: 0, bits: 4", {.data = "\xa5", .len = 1}, 5},
        {"bit: 7", {.data = "\xa5", .len = 1}, 1},
        {"type: int, length: 2, bit: 4, bits: 12", {.data = "\xff\xe0", .len = 2}, -2},
        {"type: int, bits: 8", {.data = "\x80", .len = 1}, -128},
    };
    (void)unused;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char profile[512];
        snprintf(profile, sizeof profile,
                 HEAD "binary: {fields: [{length: 1}, {name: v, %s}]}\n"
                      "readings: [{path: $.v, quantity: v, unit: m}]\n",
                 rows[i].field);
        struct kit *kit = kit_open(profile);
        char frame[16] = "?";
        memcpy(frame + 1, rows[i].bytes.data, rows[i].bytes.len);
        assert_int_equal(run(kit, (struct bf_slice){.data = frame, .len = rows[i].bytes.len + 1}), 1);
        assert_true(kit_number(kit, "v") == rows[i].value);
        for (size_t len = 0; len <= rows[i].bytes.len; len++) {
            refused(kit, (struct bf_slice){.data = frame, .len = len}, "malformed");
        }
        kit_close(kit);
    }
}

static void test_texts_and_no_values(void **unused)
{
    (void)unused;
    struct kit *kit =
        kit_open(HEAD "binary: {fields: [{name: t, type: text, length: 4}, {name: b, type: bcd},"
                      " {name: f, type: float}, {name: o, optional: true}]}\n"
                      "readings:\n  - {path: $.t, quantity: t, type: text}\n"
                      "  - {path: $.b, quantity: b, unit: m}\n  - {path: $.f, quantity: f, unit: m}\n"
                      "  - {path: $.o, quantity: o, unit: m}\n");
    assert_int_equal(run(kit, BYTES("ab\0c\x09\x40\0\0\0\x05")), 4);
    kit_text(kit_find(kit, "t")->value.as.text, "ab");
    assert_int_equal(run(kit, BYTES("abcd\x09\x40\0\0\0")), 3); /* without the last */
    kit_text(kit_find(kit, "t")->value.as.text, "abcd");
    assert_int_equal(run(kit, BYTES("abcd\x0a\x40\0\0\0")), 2); /* no digit */
    assert_string_equal(kit->rejects[0].reason, "bad_type");
    assert_int_equal(run(kit, BYTES("abcd\x09\x7f\xc0\0\0")), 2); /* no number */
    assert_string_equal(kit->rejects[0].reason, "bad_number");
    assert_int_equal(run(kit, BYTES("ab\xff"
                                    "d\x09\x40\0\0\0")),
                     2); /* no UTF-8 */
    kit_close(kit);
}

static void test_positions_and_conditions(void **unused)
{
    (void)unused;
    struct kit *kit = kit_open(
        HEAD "binary: {fields: [{name: kind, at: 2}, {name: a, at: 0, when: {kind: [1, 3]}},"
             " {name: b, at: 0, length: 2, when: {kind: 2}}, {name: c, at: 3, when: {kind: 3, a: 7}}]}\n"
             "readings:\n  - {path: $.a, quantity: a, unit: m}\n"
             "  - {path: $.b, quantity: b, unit: m}\n  - {path: $.c, quantity: c, unit: m}\n");
    assert_int_equal(run(kit, BYTES("\x05\x06\x01")), 1);
    assert_true(kit_number(kit, "a") == 5);
    assert_int_equal(run(kit, BYTES("\x05\x06\x02")), 1);
    assert_true(kit_number(kit, "b") == 0x0506);
    assert_int_equal(run(kit, BYTES("\x07\x06\x03\x09")), 2);
    assert_true(kit_number(kit, "c") == 9);
    refused(kit, BYTES("\x07\x06\x03"), "malformed");
    refused(kit, BYTES("\x07\x06\x04"), "missing_field");
    kit_close(kit);
}

static void test_repeats(void **unused)
{
    (void)unused;
    struct kit *kit =
        kit_open(HEAD "time: {path: $.at, unit: s}\nbinary:\n  fields: [{name: count}]\n  times: count\n"
                      "  repeat: [{name: at, length: 4}, {name: v, type: int}]\n"
                      "readings: [{path: $.v, quantity: v, unit: m}]\n");
    assert_int_equal(run(kit, BYTES("\x02\x65\x53\xf1\x00\x01\x65\x53\xf1\x01\xff")), 2);
    assert_true(kit->readings[0].event_us == INT64_C(1700000000000000));
    assert_true(kit->readings[1].event_us == INT64_C(1700000001000000));
    assert_true(kit->readings[1].value.as.number == -1);
    refused(kit, BYTES("\x03\x65\x53\xf1\x00\x01\x65\x53\xf1\x01\xff"), "malformed");
    refused(kit, BYTES("\x00"), "empty");
    kit_close(kit);
    kit = kit_open(
        HEAD "binary:\n  fields: [{name: k}]\n  repeat: [{name: v, when: {k: 1}}, {name: w, when: {k: 2}}]\n"
             "readings: [{path: $.v, quantity: v, unit: m}, {path: $.k, quantity: k, unit: \"1\"}]\n");
    assert_int_equal(run(kit, BYTES("\x01\x05\x06\x07")), 6);
    refused(kit, BYTES("\x03\x05\x06\x07"), "malformed"); /* nothing is taken, so it would never end */
    kit_close(kit);
}

/* Milesight's channel and type; Cayenne's are the same with other numbers. */
static void test_blocks(void **unused)
{
    (void)unused;
    struct kit *kit =
        kit_open(HEAD "binary:\n  type_length: 2\n  blocks:\n"
                      "    - {type: 0x0175, fields: [{name: battery}]}\n"
                      "    - {type: 0x0367, fields: [{name: t, type: int, length: 2, endian: little}]}\n"
                      "    - {type: 0x0468, fields: [{name: h}]}\n"
                      "readings:\n  - {path: $.t, quantity: t, unit: Cel, scale: 0.1}\n"
                      "  - {path: $.h, quantity: h, unit: \"%\", scale: 0.5}\n");
    assert_int_equal(run(kit, BYTES("\x01\x75\x5c\x03\x67\x34\x01\x04\x68\x65")), 2);
    assert_true(fabs(kit_number(kit, "t") - 30.8) < 1e-9 && kit_number(kit, "h") == 50.5);
    assert_int_equal(run(kit, BYTES("\x04\x68\x65\x04\x68\x01")), 1); /* the first counts */
    assert_true(kit_number(kit, "h") == 50.5);
    refused(kit, BYTES("\x04\x68\x65\x09\x99\x01"), "malformed");
    refused(kit, BYTES("\x04\x68\x65\x04"), "malformed");
    refused(kit, BYTES("\x04\x68\x65\x03\x67\x34"), "malformed");
    kit_close(kit);
    kit = kit_open(HEAD "binary:\n  size_length: 1\n  blocks: [{type: 3, fields: [{name: t, length: 2}]}]\n"
                        "readings: [{path: $.t, quantity: t, unit: Cel}]\n");
    assert_int_equal(run(kit, BYTES("\x09\x03???\x03\x02\x01\x00\x07\x00")), 1); /* others are passed over */
    assert_true(kit_number(kit, "t") == 256);
    refused(kit, BYTES("\x03\x01\x01\x00"), "malformed"); /* a block too small for its fields */
    refused(kit, BYTES("\x03\x05\x01\x00"), "malformed");
    kit_close(kit);
}

static const char lorawan[] = "network: ttn\ntopic: v3/{app}/devices/{id}/up\nformat: json\n"
                              "device: \"{$.end_device_ids.dev_eui}\"\ntime: {path: $.received_at}\n"
                              "inner: {path: $.uplink_message.frm_payload, wrap: base64, format: binary}\n"
                              "binary:\n  fields:\n"
                              "    - {name: t, type: int, length: 2, when: {$.uplink_message.f_port: 102}}\n"
                              "    - {name: battery, when: {$.uplink_message.f_port: [102, 103]}}\n"
                              "readings:\n  - {path: $.t, quantity: temperature, unit: Cel, scale: 0.01}\n"
                              "  - {path: $.battery, quantity: battery, unit: \"%\"}\n";

static void test_envelope(void **unused)
{
    (void)unused;
    struct kit *kit = kit_open(lorawan);
    const char *topic = "v3/app/devices/d/up";
    assert_int_equal(kit_run(kit, topic,
                             "{\"end_device_ids\":{\"dev_eui\":\"0102\"},\"received_at\":"
                             "\"2023-11-14T22:13:10.668892406Z\",\"uplink_message\":{\"f_port\":102,"
                             "\"frm_payload\":\"CGZk\",\"rx_metadata\":[{\"rssi\":-3}]}}"),
                     2);
    kit_text(kit->readings[0].source, "ttn:0102");
    assert_true(kit->readings[0].event_us == INT64_C(1699999990668892));
    assert_true(fabs(kit_number(kit, "temperature") - 21.5) < 1e-9 && kit_number(kit, "battery") == 100);
    assert_int_equal(
        kit_run(kit, topic,
                "{\"end_device_ids\":{\"dev_eui\":\"01\"},\"uplink_message\":{\"frm_payload\":\"ZA==\","
                "\"f_port\":103}}"),
        1);
    kit_refused(kit, topic,
                "{\"end_device_ids\":{\"dev_eui\":\"01\"},\"uplink_message\":{\"frm_payload\":\"ZA==\"}}",
                "missing_field");
    kit_refused(
        kit, topic,
        "{\"end_device_ids\":{\"dev_eui\":\"01\"},\"uplink_message\":{\"frm_payload\":\"Z\",\"f_port\":103}}",
        "malformed");
    kit_refused(kit, topic, "{\"end_device_ids\":{\"dev_eui\":\"01\"},\"uplink_message\":{\"f_port\":0}}",
                "missing_field");
    kit_close(kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_texts_and_no_values),
        cmocka_unit_test(test_positions_and_conditions),
        cmocka_unit_test(test_repeats),
        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_envelope),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
