/* The laws of the family of decoders (ingest/decode/decoder.h), over every entry of its table: whatever
 * arrives, a message gives readings or exactly one reject, and nothing is allocated. A new decoder needs a
 * row in `formats` below: a profile and a payload that it reads. */
#include "tests/unit/ingest/decode/kit.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#include "core/hash.h"
#include "core/wire.h"
#include "ingest/decode/decoder.h"
#include "tests/support/alloc.h"

#define TOPIC "city/d1/telemetry"
#define BYTES(literal)                                \
    {                                                 \
        .data = (literal), .len = sizeof(literal) - 1 \
    } /* may stand in a static table */
#define HEAD "name: p\nversion: 1\nnetwork: n\ntopic: city/{device}/telemetry\n"

struct format {
    const char *decoder;
    const char *profile;
    struct bf_slice payload;
};

static const struct format formats[] = {
    {.decoder = "json",
     .profile = HEAD "format: json\ntime: {path: $.ts, unit: ms}\nplace: {lat: $.lat, lon: $.lon}\n"
                     "readings:\n  - {path: $.pm, quantity: pm2_5, unit: ug/m3, valid: [0, 1000]}\n"
                     "  - {path: \"$.list[1]\", quantity: speed, unit: km/h}\n",
     .payload = BYTES("{\"ts\":1700000000000,\"lat\":60.1,\"lon\":24.9,\"pm\":12.5,\"list\":[1,\"2.5\"],"
                      "\"more\":{\"deep\":[true,null,\"\\u00e4\"]}}")},
    {.decoder = "json",
     .profile = HEAD "format: json\nrecords: $.data\ntime: {path: $.ts, unit: ms}\neach: {path: $.v}\n"
                     "readings: [{name: pm, quantity: pm2_5, unit: ug/m3, channel: \"{item}\"}]\n",
     .payload = BYTES("{\"data\":[{\"ts\":1700000000000,\"v\":{\"pm\":1,\"x\":2}},{\"v\":{\"pm\":3}}]}")},
    {.decoder = "cbor",
     .profile = HEAD "format: cbor\ntime: {path: $.ts, unit: ms}\nplace: {lat: $.lat, lon: $.lon}\n"
                     "readings:\n  - {path: $.pm, quantity: pm2_5, unit: ug/m3, valid: [0, 1000]}\n"
                     "  - {path: \"$.list[1]\", quantity: speed, unit: km/h}\n"
                     "  - {path: '$.x[\"5\"]', quantity: five, type: text}\n",
     .payload = BYTES("\xa6"
                      "bts\x1b\x00\x00\x01\x8b\xcf\xe5h\x00"
                      "clat\xfb@N\x0c\xcc\xcc\xcc\xcc\xcd"
                      "clon\xfb@8\xe6"
                      "fffffbpm\xfb@)\x00\x00\x00\x00\x00\x00"
                      "dlist\x82\x01"
                      "c2.5ax\xa2"
                      "ay\x83\xf6"
                      "Bab&\x05"
                      "dfive")},
    {.decoder = "msgpack",
     .profile = HEAD "format: msgpack\ntime: {path: $.ts, unit: ms}\nplace: {lat: $.lat, lon: $.lon}\n"
                     "readings:\n  - {path: $.pm, quantity: pm2_5, unit: ug/m3, valid: [0, 1000]}\n"
                     "  - {path: \"$.list[1]\", quantity: speed, unit: km/h}\n"
                     "  - {path: '$.x[\"5\"]', quantity: five, type: text}\n",
     .payload = BYTES(
         "\x86\xa2ts\xd3\x00\x00\x01\x8b\xcf\xe5h\x00\xa3lat\xcb@N\x0c\xcc\xcc\xcc\xcc\xcd\xa3lon\xcb@8\xe6"
         "fffff\xa2pm\xcb@)\x00\x00\x00\x00\x00\x00\xa4list\x92\x01\xa3"
         "2.5\xa1x\x82\xa1y\x93\xc0\xc4\x02"
         "ab\xf9\x05\xa4"
         "five")},
    {.decoder = "cbor",
     .profile = HEAD "format: cbor\ninner: {path: $.body, format: msgpack}\n"
                     "readings: [{path: $.t, quantity: temperature, unit: Cel}]\n",
     .payload = BYTES("\xa1"
                      "dbodyD\x81\xa1t\x15")},
    {.decoder = "binary", /* with a mark, since any bytes are a frame */
     .profile = HEAD "format: binary\nbinary:\n  fields: [{name: mark, length: 2}, {name: at, length: 4}]\n"
                     "  repeat: [{name: v, type: float, length: 2, when: {mark: 48879}}]\n"
                     "time: {path: $.at, unit: s}\nreadings: [{path: $.v, quantity: level, unit: m}]\n",
     .payload = BYTES("\xbe\xef\x65\x53\xf1\x00\x3e\x00\x3f\x00")},
    {.decoder = "binary",
     .profile = HEAD "format: json\ninner: {path: $.data, wrap: base64, format: binary}\n"
                     "binary: {blocks: [{type: 1, fields: [{name: v, type: bcd}]}]}\n"
                     "readings: [{path: $.v, quantity: level, unit: m}]\n",
     .payload = BYTES("{\"data\":\"ARI=\"}")},
    {.decoder = "csv",
     .profile =
         HEAD "format: csv\ntime: {path: $.at, unit: s}\nreadings: [{path: $.v, quantity: level, unit: m}]\n",
     .payload = BYTES("at,v,\"x\"\r\n1700000000,1.5,\"a\"\"b\"\n\n1700000001,2,\n")},
    {.decoder = "csv",
     .profile = HEAD "format: csv\ncsv: {delimiter: \";\", header: none}\neach: {path: $}\n"
                     "readings: [{name: \"2\", quantity: level, unit: m}]\n",
     .payload = BYTES("a;1;c\nd;2")},
    {.decoder = "ultralight",
     .profile = HEAD "format: ultralight\ntime: {path: $.TimeInstant}\n"
                     "readings: [{path: $.t, quantity: temperature, unit: Cel}]\n",
     .payload = BYTES("2023-11-14T22:13:10Z|t|15|k|abc#t|16")},
    {.decoder = "scalar",
     .profile = HEAD "format: scalar\nwrap: gzip\nreadings: [{quantity: level, unit: m}]\n",
     .payload = BYTES("\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03"
                      "32\xd4"
                      "3\x05\x00\x9e\xad{\x03\x04\x00\x00\x00")},
    {.decoder = "scalar",
     .profile = HEAD "format: scalar\nreadings: [{quantity: level, unit: m}]\n",
     .payload = BYTES("2.5 cm")},
    {.decoder = "senml",
     .profile = HEAD "format: senml\nreadings:\n  - {name: t, quantity: temperature, unit: Cel}\n",
     .payload = BYTES("[{\"bn\":\"urn:d1:\",\"bt\":1.7e9,\"n\":\"t\",\"u\":\"Cel\",\"v\":21.5},"
                      "{\"n\":\"h\",\"vb\":true},{\"n\":\"x\",\"vs\":\"text\",\"t\":-5}]")},
    {.decoder = "senml",
     .profile = HEAD "format: senml+cbor\nreadings:\n  - {name: t, quantity: temperature, unit: Cel}\n",
     /* [{0: "t", 1: "Cel", 2: 21.5, 6: 1700000000}] */
     .payload = BYTES("\x81\xa4\x00\x61t\x01\x63"
                      "Cel\x02\xfb\x40\x35\x80\x00\x00\x00\x00\x00"
                      "\x06\x1a\x65\x53\xf1\x00")},
};

static void each(void (*law)(const struct format *format, struct kit *kit))
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        struct kit *kit = kit_open(formats[i].profile);
        law(&formats[i], kit);
        kit_close(kit);
    }
}

static void every_decoder_is_described_and_stands_in_this_test(void **state)
{
    (void)state;
    size_t count = 0;
    for (const struct bf_decoder *decoder; (decoder = bf_decoder_at(count)) != NULL; count++) {
        size_t len = strlen(decoder->summary);
        size_t rows = 0;
        assert_true(len > 10 && len < 200);
        assert_true(isupper((unsigned char)decoder->summary[0]));
        assert_int_equal(decoder->summary[len - 1], '.');
        assert_non_null(decoder->prepare);
        assert_non_null(decoder->release);
        assert_non_null(decoder->decode);
        for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
            rows += strcmp(formats[i].decoder, decoder->name) == 0;
        }
        assert_true(rows > 0);
        for (size_t i = 0; i < count; i++) {
            assert_string_not_equal(bf_decoder_at(i)->name, decoder->name);
        }
    }
    assert_true(count > 0);
}

/* What went out is what the wire takes, and finite. kit_run_bytes has checked the promise already. */
static void run(struct kit *kit, const char *bytes, size_t len)
{
    /* A copy of exactly that size, so that the sanitizers see a read behind the end. */
    char *exact = malloc(len ? len : 1);
    assert_non_null(exact);
    if (len > 0) {
        memcpy(exact, bytes, len);
    }
    kit_run_bytes(kit, BF_SLICE(TOPIC), (struct bf_slice){exact, len});
    for (size_t i = 0; i < kit->reading_count; i++) {
        static char packed[BF_RECORD_MAX];
        struct bf_mp_writer writer;
        double number = 0;
        bf_mp_writer_init(&writer, packed, sizeof packed);
        bf_reading_pack(&kit->readings[i], &writer);
        assert_false(writer.full);
        assert_true(!bf_value_number(&kit->readings[i].value, &number) || isfinite(number));
    }
    free(exact);
}

static void law_reads_its_payload(const struct format *format, struct kit *kit)
{
    run(kit, format->payload.data, format->payload.len);
    assert_true(kit->reading_count > 0);
}

static void law_survives_a_cut_anywhere(const struct format *format, struct kit *kit)
{
    for (size_t len = 0; len < format->payload.len; len++) {
        run(kit, format->payload.data, len);
    }
    run(kit, NULL, 0);
    assert_int_equal(kit->reading_count, 0);
}

static void law_survives_every_changed_byte(const struct format *format, struct kit *kit)
{
    static const unsigned char others[] = {0x00, '"',  '{',  '[',  ',',  '-',  'e',  '\\',
                                           0x7f, 0x80, 0x9f, 0xbf, 0xc3, 0xf9, 0xfb, 0xff};
    char bytes[512];
    assert_true(format->payload.len < sizeof bytes);
    for (size_t at = 0; at < format->payload.len; at++) {
        memcpy(bytes, format->payload.data, format->payload.len);
        for (size_t i = 0; i < sizeof others; i++) {
            bytes[at] = (char)others[i];
            run(kit, bytes, format->payload.len);
        }
    }
}

static void law_survives_noise(const struct format *format, struct kit *kit)
{
    uint64_t seed = bf_hash64(format->payload);
    char bytes[300];
    for (int round = 0; round < 3000; round++) {
        size_t len = (size_t)round % sizeof bytes;
        for (size_t i = 0; i < len; i++) {
            seed = bf_hash64_mix(seed, i);
            bytes[i] = (char)seed;
        }
        run(kit, bytes, len);
    }
}

static void law_refuses_the_known_horrors(const struct format *format, struct kit *kit)
{
    static const struct {
        struct bf_slice payload;
    } horrors[] = {
        {BYTES("")},
        {BYTES(" ")},
        {BYTES("\0")},
        {BYTES("NaN")},
        {BYTES("1e999")},
        {BYTES("{\"pm\":NaN}")},
        {BYTES("{\"pm\":1e999}")},
        {BYTES("{\"pm\":\"\0\"}")},
        {BYTES("{\"pm\":\"\xff\xfe\"}")},
        {BYTES("{\"pm\":-Infinity}")},
        {BYTES("{\"pm\":0x10}")},
        {BYTES("[{\"n\":\"t\",\"v\":1e999}]")},
        {BYTES("[{\"n\":\"t\",\"v\":NaN}]")},
        {BYTES("\x81\xa2\x00\x61t\x02\xf9\x7e\x00")}, /* a half-float NaN */
        {BYTES("\x9f\x9f\x9f")},
        {BYTES("\x9b\xff\xff\xff\xff\xff\xff\xff\xff")},
        {BYTES("\x81\xa1\x00\x7b\xff\xff\xff\xff\xff\xff\xff\xff")},
    };
    (void)format;
    for (size_t i = 0; i < sizeof horrors / sizeof *horrors; i++) {
        run(kit, horrors[i].payload.data, horrors[i].payload.len);
        assert_int_equal(kit->reading_count, 0);
    }
}

static void law_refuses_depth_and_breadth(const struct format *format, struct kit *kit)
{
    static const char openers[] = {'[', '{', (char)0x81, (char)0xa1, (char)0x9f, (char)0xd8};
    static char bytes[262144];
    (void)format;
    for (size_t i = 0; i < sizeof openers; i++) {
        memset(bytes, openers[i], sizeof bytes);
        run(kit, bytes, 10000);
        assert_int_equal(kit->reading_count, 0);
        run(kit, bytes, sizeof bytes);
        assert_int_equal(kit->reading_count, 0);
    }
    for (size_t i = 0; i + 5 < sizeof bytes; i += 5) {
        memcpy(bytes + i, "{\"a\":", 5);
    }
    run(kit, bytes, 50000);
    assert_int_equal(kit->reading_count, 0);
}

/* Nothing of the last message is left for the next: the same payload gives the same readings. */
static void law_forgets(const struct format *format, struct kit *kit)
{
    static char noise[4096];
    run(kit, format->payload.data, format->payload.len);
    size_t count = kit->reading_count;
    double first = 0;
    double again = 0;
    (void)bf_value_number(&kit->readings[0].value, &first);
    for (int round = 0; round < 200; round++) {
        memset(noise, round, sizeof noise);
        run(kit, noise, sizeof noise);
    }
    run(kit, format->payload.data, format->payload.len);
    assert_int_equal(kit->reading_count, count);
    (void)bf_value_number(&kit->readings[0].value, &again);
    assert_true(first == again);
}

static void law_allocates_nothing(const struct format *format, struct kit *kit)
{
    struct bf_slice bad = {format->payload.data, format->payload.len - 1};
    bf_alloc_count_begin();
    for (int round = 0; round < 100; round++) {
        kit_run_bytes(kit, BF_SLICE(TOPIC), format->payload);
        kit_run_bytes(kit, BF_SLICE(TOPIC), bad);
        kit_run_bytes(kit, BF_SLICE("unknown/topic"), format->payload);
    }
    assert_int_equal(bf_alloc_count_end(), 0);
}

#define LAW(name)                  \
    static void name(void **state) \
    {                              \
        (void)state;               \
        each(law_##name);          \
    }
LAW(reads_its_payload)
LAW(survives_a_cut_anywhere)
LAW(survives_every_changed_byte)
LAW(survives_noise)
LAW(refuses_the_known_horrors)
LAW(refuses_depth_and_breadth)
LAW(forgets)
LAW(allocates_nothing)
#undef LAW

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_decoder_is_described_and_stands_in_this_test),
        cmocka_unit_test(reads_its_payload),
        cmocka_unit_test(survives_a_cut_anywhere),
        cmocka_unit_test(survives_every_changed_byte),
        cmocka_unit_test(survives_noise),
        cmocka_unit_test(refuses_the_known_horrors),
        cmocka_unit_test(refuses_depth_and_breadth),
        cmocka_unit_test(forgets),
        cmocka_unit_test(allocates_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
