/* The quick way into a reading against the tables: what it takes, they take, and as the same reading; and it
 * takes what bf_reading_pack writes. Random readings of every shape, then the same bytes spoiled. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/wire_schema.h"

#define ROUNDS 40000
#define SPOILED 12 /* copies of each, with a byte or two that differ */

static uint64_t seed = 20240213;

static uint64_t draw(uint64_t bound)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % bound;
}

static bool coin(void)
{
    return draw(2) == 0;
}

/* Of every length of integers. */
static int64_t number(int64_t most)
{
    uint64_t bits = seed * UINT64_C(0x9e3779b97f4a7c15) >> (1 + draw(63));
    return (int64_t)(bits % (uint64_t)most);
}

static struct bf_slice word(size_t least)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0123456789ab"
                                  "cdefghijklmnopqrstuvwxyz0123"
                                  "456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz012345"
                                  "6789abcdefghijklmnopqrstuvwx"
                                  "yz0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz"
                                  "0123456789abcdefghijklmnopqr";
    size_t len = least + draw(coin() ? 12 : 250);
    return (struct bf_slice){letters + draw(30), len};
}

static struct bf_value any_value(void)
{
    switch (draw(5)) {
    case 0:
        return (struct bf_value){.kind = BF_VALUE_INT, .as.integer = number(INT64_MAX) * (coin() ? 1 : -1)};
    case 1:
        return (struct bf_value){.kind = BF_VALUE_BOOL, .as.truth = coin()};
    case 2:
        return (struct bf_value){.kind = BF_VALUE_TEXT, .as.text = word(0)};
    default:
        return (struct bf_value){.kind = BF_VALUE_DOUBLE, .as.number = (double)number(1000000) / 64};
    }
}

static struct bf_delivery any_delivery(void)
{
    return (struct bf_delivery){.ingest = word(1),
                                .incarnation = number(INT64_C(1) << 62),
                                .epoch = number(INT64_C(1) << 62),
                                .serial = number(INT64_C(1) << 62) * (draw(8) == 0 ? -1 : 1),
                                .packet_id = (uint16_t)draw(65536),
                                .dup = coin(),
                                .payload_hash = seed * 3,
                                .index = (uint32_t)number(70000)};
}

static struct bf_reading any_reading(void)
{
    static const enum bf_quality qualities[] = {BF_QUALITY_GOOD, BF_QUALITY_NOT_EVALUATED, BF_QUALITY_SUSPECT,
                                                BF_QUALITY_FAIL, BF_QUALITY_MISSING};
    static const char *const names[] = {"class", "direction", "lane", "route", "stop"};
    struct bf_reading reading = {.source = word(1),
                                 .quantity = word(1),
                                 .event_us = number(BF_TIME_MAX),
                                 .ingest_us = number(BF_TIME_MAX),
                                 .time_source = (enum bf_time_source)draw(5),
                                 .value = any_value(),
                                 .unit = word(1),
                                 .quality = qualities[draw(5)],
                                 .reasons = coin() ? 0 : (uint32_t)draw(1024),
                                 .has_place = coin(),
                                 .lat_e7 = (int32_t)draw(1800000001) - 900000000,
                                 .lon_e7 = (int32_t)((int64_t)draw(3600000001) - 1800000000),
                                 .has_accuracy = draw(4) == 0,
                                 .accuracy_m = (double)draw(1000) / 8,
                                 .zone = coin() ? word(1) : BF_SLICE(""),
                                 .has_interval = draw(4) == 0,
                                 .interval_start_us = number(BF_TIME_MAX),
                                 .aggregation = (enum bf_aggregation)(coin() ? 0 : draw(7)),
                                 .has_raw = draw(4) == 0,
                                 .raw_value = any_value(),
                                 .raw_unit = word(0),
                                 .profile = coin() ? word(1) : BF_SLICE(""),
                                 .has_content_hash = draw(4) == 0,
                                 .content_hash = seed * 5,
                                 .privacy = (enum bf_privacy)(coin() ? 0 : draw(3)),
                                 .delivery = any_delivery()};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && coin(); i++) {
        reading.tags[reading.tag_count++] = (struct bf_tag){.name = bf_slice_of(names[i]), .value = word(0)};
    }
    return reading;
}

/* Packed again, equal readings give equal bytes. */
static void assert_same(const struct bf_reading *a, const struct bf_reading *b)
{
    static char bytes[2][8192];
    struct bf_mp_writer writers[2];
    const struct bf_reading *both[2] = {a, b};
    for (int i = 0; i < 2; i++) {
        bf_mp_writer_init(&writers[i], bytes[i], sizeof(bytes[i]));
        bf_reading_pack(both[i], &writers[i]);
        assert_false(writers[i].full);
    }
    assert_int_equal(writers[0].len, writers[1].len);
    assert_memory_equal(bytes[0], bytes[1], writers[0].len);
}

/* Small negative integers are left to the tables. */
static bool is_usual(const struct bf_reading *reading)
{
    const struct bf_value *raw = &reading->raw_value;
    bool place = !reading->has_place || ((reading->lat_e7 >= 0 || reading->lat_e7 < INT16_MIN) &&
                                         (reading->lon_e7 >= 0 || reading->lon_e7 < INT16_MIN));
    return place && reading->delivery.serial >= 0 &&
           (reading->value.kind != BF_VALUE_INT || reading->value.as.integer >= 0) &&
           (!reading->has_raw || raw->kind != BF_VALUE_INT || raw->as.integer >= 0);
}

/* Whether the quick way takes it; if so, as the tables do. The copy ends where its memory does. */
static bool takes(const char *data, size_t len)
{
    struct bf_reading quick, tables;
    struct bf_err err;
    char *copy = malloc(len + (len == 0 ? 1 : 0));
    assert_non_null(copy);
    memcpy(copy, data, len);
    const struct bf_slice bytes = {copy, len};
    bool taken = bf__reading_quick(bytes, &quick);
    if (taken) {
        assert_int_equal(bf__schema_unpack(&bf__reading_schema, bytes, &tables, &err), BF_OK);
        assert_same(&quick, &tables);
    }
    free(copy);
    return taken;
}

static void random_readings_are_what_the_tables_say(void **state)
{
    static char bytes[8192];
    uint64_t survived = 0;
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct bf_reading reading = any_reading();
        struct bf_mp_writer writer;
        bf_mp_writer_init(&writer, bytes, sizeof(bytes));
        bf_reading_pack(&reading, &writer);
        assert_false(writer.full);
        bool taken = takes(bytes, writer.len);
        assert_true(taken || !is_usual(&reading));
        for (int i = 0; i < SPOILED; i++) {
            size_t at = draw(i % 2 == 0 ? 8 : writer.len), cut = i % 4 == 3 ? draw(writer.len) : writer.len;
            char before = bytes[at];
            bytes[at] = (char)draw(256);
            survived += takes(bytes, cut) ? 1 : 0;
            bytes[at] = before;
        }
    }
    assert_true(survived > ROUNDS); /* else the spoiled ones would say little */
}

static void a_map_that_says_another_length_is_refused(void **state)
{
    static char bytes[8192];
    struct bf_reading reading;
    struct bf_mp_writer writer;
    (void)state;
    do {
        reading = any_reading();
        bf_mp_writer_init(&writer, bytes, sizeof(bytes));
        bf_reading_pack(&reading, &writer);
    } while (!is_usual(&reading) || (unsigned char)bytes[0] == 0xde);
    unsigned char head = (unsigned char)bytes[0];
    for (unsigned other = 0; other < 256; other++) {
        bytes[0] = (char)other;
        assert_int_equal(takes(bytes, writer.len), other == head);
    }
    bytes[0] = (char)head;
    for (size_t len = 0; len < writer.len; len++) {
        assert_false(takes(bytes, len));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_readings_are_what_the_tables_say),
        cmocka_unit_test(a_map_that_says_another_length_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
