/* The marker's topic and payload. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "core/time.h"
#include "ingest/marker.h"

static void topics(void **state)
{
    (void)state;
    char topic[64];
    assert_string_equal(bf_marker_topic("north-1", topic, sizeof topic), "belfry/marker/north-1");
    assert_true(bf_marker_is_topic(bf_slice_of(topic)));
    assert_true(bf_marker_is_topic(BF_SLICE("belfry/marker/another")));
    assert_false(bf_marker_is_topic(BF_SLICE("belfry/marker")));
    assert_false(bf_marker_is_topic(BF_SLICE("city/belfry/marker/north-1")));
    assert_false(bf_marker_is_topic((struct bf_slice){NULL, 0}));
}

static void payloads(void **state)
{
    (void)state;
    char payload[24];
    int64_t sent_us = 0;
    size_t len = bf_marker_format(INT64_C(1700000000123456), payload, sizeof payload);
    assert_true(bf_marker_parse((struct bf_slice){payload, len}, &sent_us));
    assert_int_equal(sent_us, INT64_C(1700000000123456));
    static const char *const bad[] = {"",    "-1", "1 ", "0x10", "17000000001234567", "9999999999999999",
                                      "\xff"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(bf_marker_parse(bf_slice_of(bad[i]), &sent_us));
    }
    assert_false(bf_marker_parse((struct bf_slice){"12\0", 3}, &sent_us));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(topics), cmocka_unit_test(payloads)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
