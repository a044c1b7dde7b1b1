/* Records as words: the order that redis.lua expects, messages that are JSON whatever a text holds, and
 * the bounds of the buffers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sinks/words.h"

static const struct bf__kpi_names names = {
    .id = {"pm2_5_hour", 10}, .escaped = {"pm2_5_hour", 10}, .boards = {"wall air", 8},
};

static struct bf_kpi sample(void)
{
    return (struct bf_kpi){
        .kpi = BF_SLICE("pm2_5_hour"), .scope = BF_SLICE("zone.mitte"), .unit = BF_SLICE("ug/m3"),
        .start_us = 3600000000, .end_us = 7200000000, .has_value = true, .value = 12.5, .n = 60,
        .has_range = true, .min = 0.1, .max = 30, .phase = BF_KPI_FINAL, .revision = 2,
        .quality = BF_QUALITY_GOOD, .generation = 1, .clock_us = 7205000000, .stale_after_us = 14400000000,
        .has_target = true, .target = 25, .band = BF_SLICE("good"),
        .detail = BF_SLICE("[{\"label\":\"7\"}]"),
    };
}

static void assert_word(const struct bf__words *words, size_t index, const char *expected)
{
    struct bf_slice word = words->at[words->first + index];
    assert_int_equal(word.len, strlen(expected));
    if (word.len) {
        assert_memory_equal(word.data, expected, word.len);
    }
}

static void a_kpi_in_the_order_of_the_script(void **state)
{
    static const char *const expected[] = {
        "77",
        "pm2_5_hour:zone.mitte",
        "wall air",
        "12.5",
        "ug/m3",
        "3600000",
        "7200000",
        "60",
        "0.1",
        "30",
        "25",
        "good",
        "1",
        "1",
        "2",
        "14400000",
        "[{\"label\":\"7\"}]",
        "{\"kpi\":\"pm2_5_hour\",\"scope\":\"zone.mitte\",\"value\":12.5,\"unit\":\"ug/m3\","
        "\"window_start_ms\":3600000,\"window_end_ms\":7200000,\"n\":60,\"min\":0.1,\"max\":30,\"target\":25,"
        "\"band\":\"good\",\"quality\":1,\"final\":true,\"revision\":2,\"stale_after_ms\":14400000,"
        "\"detail\":[{\"label\":\"7\"}]",
    };
    struct bf__words words;
    (void)state;
    assert_int_equal(bf__words_init(&words, 4, 64, 4096, NULL), BF_OK);
    struct bf_kpi kpi = sample();
    bf__words_put_kpi(&words, &kpi, &names, 77);
    assert_false(words.full);
    assert_int_equal(words.count - words.first, sizeof expected / sizeof *expected);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        assert_word(&words, i, expected[i]);
    }
    bf__words_deinit(&words);
}

static void unknown_is_the_empty_word_and_no_member(void **state)
{
    struct bf__words words;
    struct bf_kpi kpi = sample();
    (void)state;
    assert_int_equal(bf__words_init(&words, 0, 64, 4096, NULL), BF_OK);
    kpi.has_value = kpi.has_range = kpi.has_target = false;
    kpi.band = kpi.detail = (struct bf_slice){0};
    kpi.n = 0;
    kpi.phase = BF_KPI_PROVISIONAL;
    bf__words_put_kpi(&words, &kpi, &names, 0);
    assert_word(&words, 3, "");
    assert_word(&words, 8, "");
    assert_word(&words, 10, "");
    assert_word(&words, 13, "0");
    assert_word(&words, 16, "");
    assert_word(&words, 17, "{\"kpi\":\"pm2_5_hour\",\"scope\":\"zone.mitte\",\"unit\":\"ug/m3\","
                "\"window_start_ms\":3600000,\"window_end_ms\":7200000,\"n\":0,\"quality\":1,\"final\":false,"
                "\"revision\":2,\"stale_after_ms\":14400000");
    bf__words_deinit(&words);
}

static void texts_cannot_break_out_of_the_message(void **state)
{
    struct bf__words words;
    struct bf_kpi kpi = sample();
    (void)state;
    assert_int_equal(bf__words_init(&words, 0, 64, 4096, NULL), BF_OK);
    kpi.unit = BF_SLICE("\"},\\\n\x1f\xc2\xb5g");
    bf__words_put_kpi(&words, &kpi, &names, 0);
    char message[2048];
    snprintf(message, sizeof message, "%.*s", BF_SLICE_ARG(words.at[17]));
    assert_non_null(strstr(message, "\"unit\":\"\\\"},\\\\\\u000a\\u001f\xc2\xb5g\","));
    bf__words_deinit(&words);
}

static void a_device(void **state)
{
    static const char *const expected[] = {
        "city~3A~411", "city:A1", "airbox@1", "mitte", "2000",       "1000",
        "7",           "1",       "0",        "52.52", "-0.0000001", "3000",
    };
    struct bf__words words;
    struct bf_device device = {
        .device = BF_SLICE("city:A1"), .profile = BF_SLICE("airbox@1"), .zone = BF_SLICE("mitte"),
        .last_event_us = 1000000, .last_ingest_us = 2000000, .readings = 7, .suspect = 1, .has_place = true,
        .lat_e7 = 525200000, .lon_e7 = -1, .clock_us = 3000000,
    };
    (void)state;
    assert_int_equal(bf__words_init(&words, 0, 64, 4096, NULL), BF_OK);
    bf__words_put_device(&words, &device);
    assert_int_equal(words.count, sizeof expected / sizeof *expected);
    for (size_t i = 0; i < words.count; i++) {
        if (i == 10) { /* 1e-07 in another spelling */
            assert_int_equal(words.at[i].len, strlen("-1e-07"));
            continue;
        }
        assert_word(&words, i, expected[i]);
    }
    bf__words_deinit(&words);
}

static void what_does_not_fit_is_told(void **state)
{
    struct bf__words words;
    struct bf_kpi kpi = sample();
    (void)state;
    assert_int_equal(bf__words_init(&words, 2, 8, 4096, NULL), BF_OK); /* too few words */
    bf__words_put_kpi(&words, &kpi, &names, 0);
    assert_true(words.full);
    assert_int_equal(words.count, words.capacity);
    bf__words_reset(&words);
    assert_false(words.full);
    assert_int_equal(words.count, 2);
    bf__words_deinit(&words);
    for (size_t text = 1; text < 800; text += 7) { /* too little text, wherever it ends */
        assert_int_equal(bf__words_init(&words, 0, 64, text, NULL), BF_OK);
        bf__words_put_kpi(&words, &kpi, &names, 0);
        assert_true(words.used <= text);
        bf__words_deinit(&words);
    }
    assert_int_equal(bf__words_init(&words, 0, 64, 16, NULL), BF_OK);
    struct bf_device device = {.device = BF_SLICE("city:A1")};
    bf__words_put_device(&words, &device);
    assert_true(words.full);
    bf__words_deinit(&words);
}

static void a_message_ends_with_its_number(void **state)
{
    struct bf__words words;
    struct bf_kpi kpi = sample();
    (void)state;
    assert_int_equal(bf__words_init(&words, 0, 64, 4096, NULL), BF_OK);
    bf__words_put_kpi(&words, &kpi, &names, 0);
    struct bf_slice message = words.at[17], seq = bf__words_end_message(&words, 4294967297);
    assert_true(bf_slice_equal(seq, BF_SLICE("4294967297")));
    assert_int_equal(words.at[17].len, message.len + strlen(",\"seq\":4294967297}"));
    assert_memory_equal(words.at[17].data + message.len, ",\"seq\":4294967297}", 18);
    bf__words_deinit(&words);
}

static void a_shape_is_one_text(void **state)
{
    const struct bf__shape shape = {
        .kind = 'k',
        .fields = 8191, .changed = 17, .gone = 0, .created = 16, .boards = BF_SLICE("wall air")};
    struct bf__words words;
    (void)state;
    assert_int_equal(bf__words_init(&words, 0, 4, 256, NULL), BF_OK);
    assert_true(bf_slice_equal(bf__words_shape(&words, &shape), BF_SLICE("k8191 17 0 16 wall air")));
    assert_int_equal(words.count, 0);
    bf__words_put_origin(&words, 7, 3);
    assert_word(&words, 0, "7:3");
    bf__words_put_unless(&words, -1, -1);
    assert_word(&words, 1, "");
    bf__words_deinit(&words);
}

/* The names in redis.lua stand in the order in which the words are written here. */
static void the_script_names_them_in_this_order(void **state)
{
    static const char *const fields[] = {
        "local KPI_FIELDS", "'value'", "'unit'", "'window_start_ms'", "'window_end_ms'", "'n'",
        "'min'", "'max'", "'target'", "'band'", "'quality'", "'final'", "'revision'",
        "'stale_after_ms'", "'detail'",
        "local DEVICE_FIELDS", "'device'", "'profile'", "'zone'", "'last_seen_ms'",
        "'last_event_ms'", "'readings'", "'suspect'", "'failed'", "'lat'", "'lon'", "'updated_ms'",
    };
    static char script[65536];
    (void)state;
    FILE *file = fopen(TEST_SOURCE_DIR "/sinks/redis.lua", "r");
    assert_non_null(file);
    size_t len = fread(script, 1, sizeof script - 1, file);
    fclose(file);
    script[len] = '\0';
    const char *at = script;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        at = strstr(at, fields[i]);
        assert_non_null(at);
        at += strlen(fields[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kpi_in_the_order_of_the_script),
        cmocka_unit_test(unknown_is_the_empty_word_and_no_member),
        cmocka_unit_test(texts_cannot_break_out_of_the_message),
        cmocka_unit_test(a_device),
        cmocka_unit_test(what_does_not_fit_is_told),
        cmocka_unit_test(a_message_ends_with_its_number),
        cmocka_unit_test(a_shape_is_one_text),
        cmocka_unit_test(the_script_names_them_in_this_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
