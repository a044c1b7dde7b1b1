/* The reading's golden bytes, and what its reader refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/wire.h"
#include "tests/support/golden.h"

#define WIRE TEST_SOURCE_DIR "/tests/vectors/wire/"
#define T INT64_C(1707841980005271)

BF_GOLDEN(reading)

static struct bf_delivery one_delivery(void)
{
    return (struct bf_delivery){.ingest = BF_SLICE("i"), .incarnation = 1, .epoch = 1,
                                .serial = 1, .packet_id = 1, .dup = false, .payload_hash = 1,
                                .index = 1};
}

static struct bf_reading minimal(void)
{
    return (struct bf_reading){
        .source = BF_SLICE("ttn:a1"), .quantity = BF_SLICE("fill"), .event_us = 0, .ingest_us = T,
        .time_source = BF_TIME_INGEST, .value = {.kind = BF_VALUE_INT, .as.integer = 0},
        .unit = BF_SLICE("1"), .quality = BF_QUALITY_NOT_EVALUATED,
        .delivery = {.ingest = BF_SLICE("i"), .serial = -5}};
}

static struct bf_reading full(void)
{
    return (struct bf_reading){
        .source = BF_SLICE("hsl:40/1:door"), .quantity = BF_SLICE("pm2_5"), .event_us = T,
        .ingest_us = T + 1000000, .time_source = BF_TIME_DEVICE,
        .value = {.kind = BF_VALUE_DOUBLE, .as.number = 12.5}, .unit = BF_SLICE("ug/m3"),
        .quality = BF_QUALITY_SUSPECT,
        .reasons = BF_REASON_RANGE | BF_REASON_CLOCK | BF_REASON_ESTIMATED,
        .has_place = true, .lat_e7 = 601699000, .lon_e7 = -249384000,
        .has_accuracy = true, .accuracy_m = 2.5, .zone = BF_SLICE("kallio"),
        .has_interval = true, .interval_start_us = T - 60000000,
        .aggregation = BF_AGGREGATION_ENERGY_MEAN,
        .has_raw = true, .raw_value = {.kind = BF_VALUE_INT, .as.integer = -3},
        .raw_unit = BF_SLICE("mg/m3"), .profile = BF_SLICE("sds011@3"),
        .has_content_hash = true, .content_hash = UINT64_C(1) << 63,
        .privacy = BF_PRIVACY_RESTRICTED,
        .tags = {{.name = BF_SLICE("direction"), .value = BF_SLICE("1")},
                 {.name = BF_SLICE("route"), .value = BF_SLICE("1006")}},
        .tag_count = 2,
        .delivery = {.ingest = BF_SLICE("ingest-1"), .incarnation = 1234, .epoch = 1000,
                     .serial = INT64_C(987654321012), .packet_id = 4321, .dup = true,
                     .payload_hash = UINT64_C(0xfedcba9876543210), .index = 7}};
}

static struct bf_reading text(void)
{
    return (struct bf_reading){
        .source = BF_SLICE("a:b"), .quantity = BF_SLICE("state"), .event_us = 1, .ingest_us = 2,
        .time_source = BF_TIME_GATEWAY,
        .value = {.kind = BF_VALUE_TEXT, .as.text = BF_SLICE("open")}, .unit = BF_SLICE("1"),
        .quality = BF_QUALITY_MISSING, .delivery = one_delivery()};
}

static struct bf_reading truth(void)
{
    return (struct bf_reading){
        .source = BF_SLICE("a:b"), .quantity = BF_SLICE("open"), .event_us = 1, .ingest_us = 2,
        .time_source = BF_TIME_BROKER, .value = {.kind = BF_VALUE_BOOL, .as.truth = true},
        .unit = BF_SLICE("1"), .quality = BF_QUALITY_GOOD, .delivery = one_delivery()};
}

static void check(const char *path, struct bf_reading reading)
{
    static struct bf_reading scratch;
    struct bf_golden golden = {.path = path, .record = &reading, .scratch = &scratch,
                                .pack = pack_reading, .unpack = unpack_reading};
    const char *fault = bf_golden_check(&golden);
    if (fault) {
        fail_msg("%s", fault);
    }
}

static void golden_bytes(void **state)
{
    (void)state;
    check(WIRE "reading.minimal.hex", minimal());
    check(WIRE "reading.full.hex", full());
    check(WIRE "reading.text.hex", text());
    check(WIRE "reading.truth.hex", truth());
}

static void members_come_back(void **state)
{
    (void)state;
    unsigned char bytes[1024];
    size_t len = bf_hex_load(WIRE "reading.full.hex", bytes, sizeof(bytes));
    struct bf_reading want = full(), got;
    struct bf_slice slice = {.data = (const char *)bytes, .len = len};
    assert_int_equal(bf_reading_unpack(slice, &got, NULL), BF_OK);
    assert_true(bf_slice_equal(got.source, want.source));
    assert_int_equal(got.event_us, want.event_us);
    assert_int_equal(got.reasons, want.reasons);
    assert_true(got.has_place && got.has_raw && got.has_accuracy && got.has_content_hash);
    assert_int_equal(got.lon_e7, want.lon_e7);
    assert_int_equal(got.raw_value.as.integer, -3);
    assert_true(bf_slice_equal(got.raw_unit, want.raw_unit));
    assert_int_equal(got.tag_count, 2);
    assert_true(bf_slice_equal(got.tags[1].value, want.tags[1].value));
    assert_int_equal(got.delivery.serial, want.delivery.serial);
    assert_true(got.delivery.dup);
    assert_true(got.delivery.payload_hash == want.delivery.payload_hash);
    /* Slices borrow. */
    assert_true(got.source.data > slice.data && got.source.data < slice.data + len);
    len = bf_hex_load(WIRE "reading.minimal.hex", bytes, sizeof(bytes));
    slice.len = len;
    assert_int_equal(bf_reading_unpack(slice, &got, NULL), BF_OK);
    assert_false(got.has_place || got.has_raw || got.has_accuracy || got.has_content_hash);
    assert_int_equal(got.tag_count, 0);
    assert_int_equal(got.zone.len, 0);
}

/* A reading written key by key, so that one field can be wrong. */
struct fault_case {
    const char *says;
    int key; /* replaced by the bytes, or added; -1 leaves it out (`value` then is the key) */
    struct bf_slice value;
};

static void put_raw(struct bf_mp_writer *writer, struct bf_slice bytes)
{
    assert_true(writer->capacity - writer->len >= bytes.len);
    memcpy(writer->data + writer->len, bytes.data, bytes.len);
    writer->len += bytes.len;
}

#define LONG_TEXT_HEAD "\xda\x01\x01" /* 257 bytes follow */

static void write_with(const struct fault_case *wrong, struct bf_mp_writer *writer)
{
    static const struct bf_slice usual[22] = {
        [0] = {.data = "\xa3" "a:b", .len = 4}, [1] = {.data = "\xa1q", .len = 2},
        [2] = {.data = "\x01", .len = 1},       [3] = {.data = "\x02", .len = 1},
        [4] = {.data = "\x00", .len = 1},       [5] = {.data = "\x07", .len = 1},
        [6] = {.data = "\xa1" "1", .len = 2},   [7] = {.data = "\x01", .len = 1},
        [21] = {.data = "\x98\xa1i\x01\x01\x01\x01\xc2\x01\x01", .len = 10},
    };
    uint32_t count = 0;
    for (int key = 0; key < 22; key++) {
        count += key == wrong->key ? wrong->value.len > 0 : usual[key].len > 0;
    }
    bf_mp_put_map(writer, count);
    for (int key = 0; key < 22; key++) {
        struct bf_slice value = key == wrong->key ? wrong->value : usual[key];
        if (value.len > 0) {
            bf_mp_put_uint(writer, (uint64_t)key);
            put_raw(writer, value);
        }
    }
}

#define BYTES(literal) {.data = (literal), .len = sizeof(literal) - 1}
#define NAN_BYTES "\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00"
#define INFINITY_BYTES "\xcb\xff\xf0\x00\x00\x00\x00\x00\x00"

static void refuses_what_is_out_of_range(void **state)
{
    (void)state;
    static const struct fault_case wrong[] = {
        {.says = "reading: source: missing", .key = 0},
        {.says = "reading: quality: missing", .key = 7},
        {.says = "reading: delivery: missing", .key = 21},
        {.says = "reading: source: too short", .key = 0, .value = BYTES("\xa0")},
        {.says = "reading: source: wrong type", .key = 0, .value = BYTES("\x05")},
        {.says = "reading: source: wrong type", .key = 0, .value = BYTES("\xc0")},
        {.says = "reading: event_us: out of range", .key = 2, .value = BYTES("\xff")},
        {.says = "reading: ingest_us: out of range", .key = 3,
         .value = BYTES("\xcf\x00\x19\xc9\x38\x60\xf8\x40\x00")},
        {.says = "reading: ingest_us: out of range", .key = 3,
         .value = BYTES("\xcf\xff\xff\xff\xff\xff\xff\xff\xff")},
        {.says = "reading: event_us: wrong type", .key = 2, .value = BYTES("\xa1" "1")},
        {.says = "reading: time_source: out of range", .key = 4, .value = BYTES("\x05")},
        {.says = "reading: value: not a finite number", .key = 5, .value = BYTES(NAN_BYTES)},
        {.says = "reading: value: not a finite number", .key = 5, .value = BYTES(INFINITY_BYTES)},
        {.says = "reading: value: wrong type", .key = 5, .value = BYTES("\xc0")},
        {.says = "reading: value: wrong type", .key = 5, .value = BYTES("\x90")},
        {.says = "reading: unit: too short", .key = 6, .value = BYTES("\xa0")},
        {.says = "reading: quality: out of range", .key = 7, .value = BYTES("\x00")},
        {.says = "reading: quality: not one of the allowed numbers", .key = 7,
         .value = BYTES("\x05")},
        {.says = "reading: quality: out of range", .key = 7, .value = BYTES("\x0a")},
        {.says = "reading: only half of a pair", .key = 9, .value = BYTES("\x00")},
        {.says = "reading: only half of a pair", .key = 10, .value = BYTES("\x00")},
        {.says = "reading: lat_e7: out of range", .key = 9, .value = BYTES("\xce\x35\xa4\xe9\x01")},
        {.says = "reading: accuracy_m: not a finite number", .key = 11, .value = BYTES(NAN_BYTES)},
        {.says = "reading: aggregation: out of range", .key = 15, .value = BYTES("\x07")},
        {.says = "reading: raw: too few elements", .key = 16, .value = BYTES("\x91\x01")},
        {.says = "reading: raw: raw_value", .key = 16, .value = BYTES("\x92" NAN_BYTES "\xa0")},
        {.says = "reading: privacy: out of range", .key = 19, .value = BYTES("\x03")},
        {.says = "reading: tags: names not ascending", .key = 20,
         .value = BYTES("\x82\xa1" "b\xa0\xa1" "a\xa0")},
        {.says = "reading: tags: names not ascending", .key = 20,
         .value = BYTES("\x82\xa1" "a\xa0\xa1" "a\xa0")},
        {.says = "reading: tags: a name or a value is empty or too long", .key = 20,
         .value = BYTES("\x81\xa0\xa0")},
        {.says = "reading: delivery: too few elements", .key = 21,
         .value = BYTES("\x97\xa1i\x01\x01\x01\x01\xc2\x01")},
        {.says = "reading: delivery: packet_id", .key = 21,
         .value = BYTES("\x98\xa1i\x01\x01\x01\xce\x00\x01\x00\x00\xc2\x01\x01")},
        {.says = "reading: delivery: wrong type", .key = 21,
         .value = BYTES("\x98\xa1i\x01\x01\x01\x01\x00\x01\x01")},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char bytes[256];
        struct bf_mp_writer writer;
        bf_mp_writer_init(&writer, bytes, sizeof(bytes));
        write_with(&wrong[i], &writer);
        struct bf_reading reading;
        struct bf_err err = {.status = BF_OK};
        struct bf_slice slice = {.data = bytes, .len = writer.len};
        assert_int_equal(bf_reading_unpack(slice, &reading, &err), BF_MALFORMED);
        assert_string_equal(err.message, wrong[i].says);
    }
}

static void long_texts_do_not_fit(void **state)
{
    (void)state;
    static char name[BF_MAX_TEXT + 1];
    char bytes[2048];
    memset(name, 'x', sizeof(name));
    for (size_t len = BF_MAX_TEXT; len <= BF_MAX_TEXT + 1; len++) {
        struct bf_reading reading = minimal();
        reading.zone = (struct bf_slice){.data = name, .len = len};
        struct bf_mp_writer writer;
        bf_mp_writer_init(&writer, bytes, sizeof(bytes));
        bf_reading_pack(&reading, &writer);
        assert_int_equal(writer.full, len > BF_MAX_TEXT);
    }
    struct fault_case wrong = {.says = "", .key = 13};
    char field[3 + BF_MAX_TEXT + 1] = LONG_TEXT_HEAD;
    memset(field + 3, 'x', BF_MAX_TEXT + 1);
    wrong.value = (struct bf_slice){.data = field, .len = sizeof(field)};
    struct bf_mp_writer writer;
    bf_mp_writer_init(&writer, bytes, sizeof(bytes));
    write_with(&wrong, &writer);
    struct bf_reading reading;
    struct bf_err err;
    struct bf_slice slice = {.data = bytes, .len = writer.len};
    assert_int_equal(bf_reading_unpack(slice, &reading, &err), BF_MALFORMED);
    assert_string_equal(err.message, "reading: zone: too long");
}

static void tags_are_bounded(void **state)
{
    (void)state;
    for (uint32_t count = BF_MAX_TAGS; count <= BF_MAX_TAGS + 1; count++) {
        char tags[128], bytes[512];
        struct bf_mp_writer writer;
        bf_mp_writer_init(&writer, tags, sizeof(tags));
        bf_mp_put_map(&writer, count);
        for (uint32_t i = 0; i < count; i++) {
            char name = (char)('a' + i);
            bf_mp_put_str(&writer, (struct bf_slice){.data = &name, .len = 1});
            bf_mp_put_str(&writer, BF_SLICE(""));
        }
        struct fault_case wrong = {.says = "", .key = 20,
                                   .value = {.data = tags, .len = writer.len}};
        bf_mp_writer_init(&writer, bytes, sizeof(bytes));
        write_with(&wrong, &writer);
        struct bf_reading reading;
        struct bf_slice slice = {.data = bytes, .len = writer.len};
        enum bf_status status = bf_reading_unpack(slice, &reading, NULL);
        assert_int_equal(status, count > BF_MAX_TAGS ? BF_MALFORMED : BF_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_bytes),
        cmocka_unit_test(members_come_back),
        cmocka_unit_test(refuses_what_is_out_of_range),
        cmocka_unit_test(long_texts_do_not_fit),
        cmocka_unit_test(tags_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
