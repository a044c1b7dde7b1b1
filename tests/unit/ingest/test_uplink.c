/* What waits for Kafka: marks, two segments, and bytes that leave in pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "ingest/uplink.h"

static struct bf_uplink uplink;

static int clear(void **state)
{
    (void)state;
    memset(&uplink, 0, sizeof uplink);
    bf_uplink_clear(&uplink);
    return 0;
}

static void put(const char *text, uint64_t mark, uint64_t deliveries, int64_t now_us)
{
    size_t room;
    char *to = bf_uplink_room(&uplink, &room);
    assert_true(room >= strlen(text));
    memcpy(to, text, strlen(text));
    bf_uplink_came(&uplink, strlen(text), mark, deliveries, now_us);
}

static void expect_due(uint64_t acked, const char *text)
{
    struct bf_slice due = bf_uplink_due(&uplink, acked);
    assert_true(bf_slice_equal(due, bf_slice_of(text)));
}

static void nothing_leaves_before_its_mark(void **state)
{
    (void)state;
    uint64_t deliveries = 0;
    int64_t since_us = 0;
    assert_true(bf_uplink_is_empty(&uplink));
    expect_due(UINT64_MAX, "");
    put("first", 3, 7, 100);
    assert_false(bf_uplink_is_empty(&uplink));
    expect_due(0, "");
    expect_due(2, "");
    expect_due(3, "first");
    assert_true(bf_uplink_left(&uplink, 5, &deliveries, &since_us));
    assert_int_equal(deliveries, 7);
    assert_int_equal(since_us, 100);
    assert_true(bf_uplink_is_empty(&uplink));
    expect_due(9, "");
}

static void what_comes_meanwhile_leaves_together(void **state)
{
    (void)state;
    uint64_t deliveries;
    int64_t since_us;
    put("a", 1, 1, 10);
    expect_due(0, "");
    put("b", 2, 2, 20);
    put("c", 3, 3, 30);
    expect_due(1, "a");
    assert_true(bf_uplink_left(&uplink, 1, &deliveries, &since_us));
    expect_due(2, ""); /* of b and c the newest mark holds both */
    expect_due(3, "bc");
    assert_true(bf_uplink_left(&uplink, 2, &deliveries, &since_us));
    assert_int_equal(deliveries, 3);
    assert_int_equal(since_us, 20);
}

static void they_leave_in_pieces_and_in_order(void **state)
{
    (void)state;
    uint64_t deliveries;
    int64_t since_us;
    put("abcdef", 1, 1, 0);
    expect_due(1, "abcdef");
    assert_false(bf_uplink_left(&uplink, 2, &deliveries, &since_us));
    put("ghi", 1, 2, 0); /* behind it, though Kafka has all */
    expect_due(1, "cdef");
    assert_true(bf_uplink_left(&uplink, 4, &deliveries, &since_us));
    expect_due(1, "ghi");
}

static void the_room_is_bounded(void **state)
{
    (void)state;
    size_t room;
    uint64_t deliveries;
    int64_t since_us;
    for (int i = 0; i < 2; i++) {
        (void)bf_uplink_room(&uplink, &room);
        assert_int_equal(room, BF_UPLINK_SEGMENT);
        bf_uplink_came(&uplink, room, (uint64_t)i + 1, 1, 0);
        expect_due(0, "");
    }
    (void)bf_uplink_room(&uplink, &room);
    assert_int_equal(room, 0);
    assert_int_equal(bf_uplink_due(&uplink, 1).len, BF_UPLINK_SEGMENT);
    assert_true(bf_uplink_left(&uplink, BF_UPLINK_SEGMENT, &deliveries, &since_us));
    expect_due(1, "");
    (void)bf_uplink_room(&uplink, &room);
    assert_int_equal(room, BF_UPLINK_SEGMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nothing_leaves_before_its_mark, clear),
        cmocka_unit_test_setup(what_comes_meanwhile_leaves_together, clear),
        cmocka_unit_test_setup(they_leave_in_pieces_and_in_order, clear),
        cmocka_unit_test_setup(the_room_is_bounded, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
