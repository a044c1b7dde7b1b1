/* test_senml_pack.c: the examples of RFC 8428, as printed, as generated and in CBOR, resolve to
 * what the standard's authors published beside them; and what the standard refuses is refused. */
#include <math.h>

#include "kit.h"

#include "ingest/decode/json_pull.h"
#include "ingest/decode/senml_pack.h"

#define VECTORS TEST_SOURCE_DIR "/tests/vectors/senml/"
#define RECORDS 32

struct resolved { /* one record of an expected file */
    struct bf_field name, unit, time, value, text, truth;
};

/* The expected files are read with the reader alone: resolving them again would prove nothing. */
static size_t read_expected(struct bf_slice bytes, struct bf_arena *arena, struct resolved *out)
{
    struct bf_json json;
    struct bf_json_text key;
    size_t count = 0;
    bf_json_init(&json, bytes, 8);
    assert_true(bf_json_enter(&json));
    for (bool first = true; bf_json_item(&json, &first); count++) {
        assert_true(count < RECORDS && bf_json_enter(&json));
        memset(&out[count], 0, sizeof out[count]);
        for (bool inner = true; bf_json_key(&json, &inner, &key);) {
            const struct {
                const char *name;
                struct bf_field *field;
            } fields[] = {{"n", &out[count].name},  {"u", &out[count].unit},  {"t", &out[count].time},
                          {"v", &out[count].value}, {"vs", &out[count].text}, {"vb", &out[count].truth}};
            size_t i = 0;
            while (i < 6 && !bf_slice_equal(key.raw, bf_slice_of(fields[i].name))) {
                i++;
            }
            if (i < 6) {
                bf_json_field(&json, arena, fields[i].field);
            } else {
                bf_json_skip(&json);
            }
        }
    }
    assert_true(bf_json_done(&json));
    return count;
}

static void compare(const struct bf_senml_record *record, const struct resolved *expected)
{
    int64_t time_us = 0;
    assert_int_equal(record->bad, BF_REJECT_none);
    assert_true(bf_slice_equal(record->name, expected->name.as.text));
    if (expected->unit.kind == BF_FIELD_TEXT) {
        assert_true(bf_slice_equal(record->unit, expected->unit.as.text));
    }
    assert_int_equal(bf_field_scaled(&expected->time, 6, &time_us), BF_FIELD_OK);
    if (record->time_us != BF_TIME_NONE) {
        assert_int_equal(record->time_us, time_us);
    }
    if (!bf_field_absent(&expected->value)) {
        double value, wanted;
        assert_int_equal(bf_field_double(&record->value, &value), BF_FIELD_OK);
        assert_int_equal(bf_field_double(&expected->value, &wanted), BF_FIELD_OK);
        assert_true(fabs(value - wanted) <= 1e-9 * fabs(wanted));
    } else if (!bf_field_absent(&expected->text)) {
        assert_true(bf_slice_equal(record->value.as.text, expected->text.as.text));
    } else {
        assert_int_equal(record->value.as.truth, expected->truth.as.truth);
    }
}

/* Resolves one file at the time of its first expected record, against the expected ones. */
static void check_vector(const char *source, enum bf_senml_form form, const char *expected)
{
    struct bf_arena *arena = bf_arena_create(65536);
    struct resolved wanted[RECORDS];
    struct bf_senml_pack pack;
    struct bf_slice bytes = kit_read(source), text = kit_read(expected);
    int64_t now_us = 0;
    assert_true(bytes.len > 0 && text.len > 0);
    size_t count = read_expected(text, arena, wanted);
    assert_int_equal(bf_field_scaled(&wanted[0].time, 6, &now_us), BF_FIELD_OK);
    assert_true(bf_senml_resolve(bytes, form, 64, now_us, arena, &pack));
    const struct bf_senml_record *record = pack.records;
    for (size_t i = 0; i < count; i++, record = record->next) {
        assert_non_null(record);
        compare(record, &wanted[i]);
    }
    while (record) { /* the published resolver leaves data records out */
        assert_int_equal(record->value.kind, BF_FIELD_OTHER);
        record = record->next;
    }
    kit_free(bytes);
    kit_free(text);
    bf_arena_destroy(arena);
}

static void test_vectors(void **unused)
{
    (void)unused;
    for (int i = 1; i <= 12; i++) {
        char source[512], expected[512];
        snprintf(expected, sizeof expected, VECTORS "ex%d.gen.resolved.json", i);
        snprintf(source, sizeof source, VECTORS "ex%d.gen.json", i);
        check_vector(source, BF_SENML_JSON, expected);
        snprintf(source, sizeof source, VECTORS "ex%d.json", i);
        check_vector(source, BF_SENML_JSON, expected);
    }
    check_vector(VECTORS "ex3.gen.cbor", BF_SENML_CBOR, VECTORS "ex3.gen.resolved.json");
    check_vector(VECTORS "ex5.gen.cbor", BF_SENML_CBOR, VECTORS "ex5.gen.resolved.json");
}

/* ex1, 2, 7 and 9 say no time at all; ex13 has no published resolution. */
static void test_times(void **unused)
{
    (void)unused;
    struct bf_arena *arena = bf_arena_create(65536);
    struct bf_senml_pack pack;
    struct bf_slice bytes = kit_read(VECTORS "ex13.json");
    assert_true(bf_senml_resolve(bytes, BF_SENML_JSON, 64, KIT_INGEST, arena, &pack));
    assert_int_equal(pack.count, 4);
    assert_int_equal(pack.records->next->next->time_us, INT64_C(1320078429100000));
    kit_free(bytes);
    static const struct {
        const char *json;
        int64_t time_us;
    } times[] = {{"[{\"n\":\"a\",\"v\":1}]", BF_TIME_NONE},
                 {"[{\"n\":\"a\",\"v\":1,\"t\":0}]", KIT_INGEST},
                 {"[{\"n\":\"a\",\"v\":1,\"t\":-5}]", KIT_INGEST - 5000000},
                 {"[{\"n\":\"a\",\"v\":1,\"bt\":-10.5,\"t\":2}]", KIT_INGEST - 8500000},
                 {"[{\"n\":\"a\",\"v\":1,\"t\":268435455.5}]", KIT_INGEST + 268435455500000},
                 {"[{\"n\":\"a\",\"v\":1,\"t\":268435456}]", 268435456000000},
                 {"[{\"n\":\"a\",\"v\":1,\"bt\":268435455,\"t\":1}]", 268435456000000}};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        assert_true(
            bf_senml_resolve(bf_slice_of(times[i].json), BF_SENML_JSON, 64, KIT_INGEST, arena, &pack));
        assert_true(pack.records->time_us == times[i].time_us);
    }
    bf_arena_destroy(arena);
}

static void test_bases(void **unused)
{
    (void)unused;
    struct bf_arena *arena = bf_arena_create(65536);
    struct bf_senml_pack pack;
    double value;
    const char *json =
        "[{\"bn\":\"d:\",\"bv\":100,\"bs\":10,\"bu\":\"Cel\",\"n\":\"a\",\"v\":1,\"s\":0.5},"
        "{\"n\":\"b\",\"v\":2,\"u\":\"W\"},{\"bv\":0,\"bn\":\"e:\",\"n\":\"c\",\"v\":3},{\"s\":2,\"ut\":5}]";
    assert_true(bf_senml_resolve(bf_slice_of(json), BF_SENML_JSON, 64, KIT_INGEST, arena, &pack));
    assert_int_equal(pack.count, 4);
    static const struct {
        const char *name, *unit;
        double value, sum;
    } expected[] = {
        {"d:a", "Cel", 101, 10.5}, {"d:b", "W", 102, 0}, {"e:c", "Cel", 3, 0}, {"e:", "Cel", 0, 12}};
    const struct bf_senml_record *record = pack.records;
    for (size_t i = 0; i < 4; i++, record = record->next) {
        kit_text(record->name, expected[i].name);
        kit_text(record->unit, expected[i].unit);
        if (expected[i].value > 0) {
            assert_int_equal(bf_field_double(&record->value, &value), BF_FIELD_OK);
            assert_true(value == expected[i].value);
        }
        if (expected[i].sum > 0) {
            assert_int_equal(bf_field_double(&record->sum, &value), BF_FIELD_OK);
            assert_true(value == expected[i].sum);
        }
    }
    bf_arena_destroy(arena);
}

static void test_refused(void **unused)
{
    (void)unused;
    struct bf_arena *arena = bf_arena_create(65536);
    static const struct {
        const char *json;
        enum bf_reject_reason reason;
    } packs[] = {{"", BF_REJECT_malformed},
                 {"{}", BF_REJECT_malformed},
                 {"[1]", BF_REJECT_malformed},
                 {"[{}", BF_REJECT_malformed},
                 {"[{}]x", BF_REJECT_malformed},
                 {"[\"\xff\"]", BF_REJECT_encoding},
                 {"[{\"bver\":11,\"n\":\"a\",\"v\":1}]", BF_REJECT_malformed},
                 {"[{\"bver\":\"5\",\"n\":\"a\",\"v\":1}]", BF_REJECT_malformed},
                 {"[{\"n\":\"a\",\"v\":1},{\"must_\":1}]", BF_REJECT_malformed},
                 {"[{\"bn\":1,\"v\":1}]", BF_REJECT_malformed},
                 {"[{\"bt\":\"x\",\"v\":1}]", BF_REJECT_bad_time},
                 {"[{\"bv\":1e999,\"v\":1}]", BF_REJECT_malformed},
                 {"[{\"n\":\"\\ud800\",\"v\":1}]", BF_REJECT_encoding}};
    struct bf_senml_pack pack;
    for (size_t i = 0; i < sizeof packs / sizeof packs[0]; i++) {
        assert_false(
            bf_senml_resolve(bf_slice_of(packs[i].json), BF_SENML_JSON, 64, KIT_INGEST, arena, &pack));
        assert_int_equal(pack.reason, packs[i].reason);
        assert_non_null(pack.expected);
    }
    static const struct {
        const char *json;
        enum bf_reject_reason reason;
    } records[] = {{"[{\"n\":\"a\",\"v\":\"1\"}]", BF_REJECT_bad_type},
                   {"[{\"n\":\"a\",\"vs\":1}]", BF_REJECT_bad_type},
                   {"[{\"n\":\"a\",\"vb\":1}]", BF_REJECT_bad_type},
                   {"[{\"n\":\"a\",\"v\":1,\"vs\":\"x\"}]", BF_REJECT_bad_type},
                   {"[{\"n\":\"a\",\"v\":1,\"t\":\"x\"}]", BF_REJECT_bad_time},
                   {"[{\"n\":5,\"v\":1}]", BF_REJECT_bad_type},
                   {"[{\"n\":\"a\",\"v\":1,\"t\":1e30}]", BF_REJECT_bad_time},
                   {"[{\"n\":\"a\",\"bv\":1,\"v\":NaN}]", BF_REJECT_bad_number}};
    for (size_t i = 0; i < sizeof records / sizeof records[0]; i++) {
        assert_true(
            bf_senml_resolve(bf_slice_of(records[i].json), BF_SENML_JSON, 64, KIT_INGEST, arena, &pack));
        assert_int_equal(pack.records->bad, records[i].reason);
    }
    bf_arena_destroy(arena);
}

static void test_cut_and_full(void **unused)
{
    (void)unused;
    struct bf_senml_pack pack;
    struct bf_slice json = kit_read(VECTORS "ex3.gen.json"), cbor = kit_read(VECTORS "ex3.gen.cbor");
    struct bf_arena *arena = bf_arena_create(65536);
    while (json.len > 0 && json.data[json.len - 1] == '\n') {
        json.len--;
    }
    for (size_t len = 0; len < json.len; len++) {
        bf_arena_reset(arena);
        assert_false(bf_senml_resolve((struct bf_slice){json.data, len}, BF_SENML_JSON, 64, 0, arena, &pack));
    }
    for (size_t len = 0; len < cbor.len; len++) {
        bf_arena_reset(arena);
        assert_false(bf_senml_resolve((struct bf_slice){cbor.data, len}, BF_SENML_CBOR, 64, 0, arena, &pack));
    }
    bf_arena_destroy(arena);
    for (size_t size = 0; size < 1024; size += 16) {
        arena = bf_arena_create(size);
        assert_false(bf_senml_resolve(json, BF_SENML_JSON, 64, 0, arena, &pack));
        assert_int_equal(pack.reason, BF_REJECT_arena);
        bf_arena_destroy(arena);
    }
    kit_free(json);
    kit_free(cbor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_vectors), cmocka_unit_test(test_times),
                                       cmocka_unit_test(test_bases), cmocka_unit_test(test_refused),
                                       cmocka_unit_test(test_cut_and_full)};
    return bf_number_setup() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
