/* The contiguous low watermark: order does not matter, a gap holds it, and a count would not have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "peers/kafka/watermark.h"

static uint64_t hand_over(struct bf__watermark *watermark)
{
    uint64_t sequence = bf__watermark_reserve(watermark);
    if (sequence) {
        bf__watermark_handed(watermark, sequence);
    }
    return sequence;
}

static void setup(struct bf__watermark *watermark, uint64_t capacity)
{
    assert_true(bf__watermark_init(watermark, capacity));
    assert_int_equal(bf__watermark_low(watermark), 0);
}

static void numbers_rise_by_one_from_one(void **state)
{
    (void)state;
    struct bf__watermark watermark;
    setup(&watermark, 8);
    for (uint64_t i = 1; i <= 8; i++) {
        assert_int_equal(hand_over(&watermark), i);
    }
    bf__watermark_deinit(&watermark);
}

static void a_gap_holds_the_mark(void **state)
{
    (void)state;
    struct bf__watermark watermark;
    setup(&watermark, 8);
    for (int i = 0; i < 5; i++) {
        (void)hand_over(&watermark);
    }
    bf__watermark_ack(&watermark, 2);
    bf__watermark_ack(&watermark, 4);
    assert_int_equal(bf__watermark_low(&watermark), 0);
    bf__watermark_ack(&watermark, 1);
    assert_int_equal(bf__watermark_low(&watermark), 2);
    bf__watermark_ack(&watermark, 5);
    assert_int_equal(bf__watermark_low(&watermark), 2);
    bf__watermark_ack(&watermark, 3);
    assert_int_equal(bf__watermark_low(&watermark), 5);
    bf__watermark_deinit(&watermark);
}

/* Two brokers, one slow: record 1 is on its way while 2 to 4 are stored. A message made of record 1 was
 * read by the device's broker as number 1; "three acknowledged" would let its PUBACK go. */
static void a_count_would_lose_what_the_mark_keeps(void **state)
{
    (void)state;
    struct bf__watermark watermark;
    setup(&watermark, 8);
    uint64_t count = 0;
    for (int i = 0; i < 4; i++) {
        (void)hand_over(&watermark);
    }
    for (uint64_t sequence = 2; sequence <= 4; sequence++) {
        bf__watermark_ack(&watermark, sequence);
        count++;
    }
    const uint64_t wanted = 3; /* everything up to record 3 */
    assert_true(count >= wanted);
    assert_false(bf__watermark_low(&watermark) >= wanted);
    assert_false(bf__watermark_is_acked(&watermark, 1));
    bf__watermark_deinit(&watermark);
}

static void a_full_ring_refuses_until_the_oldest_is_in(void **state)
{
    (void)state;
    struct bf__watermark watermark;
    setup(&watermark, 3); /* becomes 4 */
    for (uint64_t i = 1; i <= 4; i++) {
        assert_int_equal(hand_over(&watermark), i);
    }
    assert_int_equal(hand_over(&watermark), 0);
    bf__watermark_ack(&watermark, 4);
    bf__watermark_ack(&watermark, 3);
    assert_int_equal(hand_over(&watermark), 0);
    bf__watermark_ack(&watermark, 1);
    assert_int_equal(hand_over(&watermark), 5);
    assert_int_equal(hand_over(&watermark), 0);
    bf__watermark_deinit(&watermark);
}

static void many_rounds_of_the_ring(void **state)
{
    (void)state;
    struct bf__watermark watermark;
    setup(&watermark, 4);
    for (uint64_t i = 1; i < 10000; i += 2) {
        assert_int_equal(hand_over(&watermark), i);
        assert_int_equal(hand_over(&watermark), i + 1);
        bf__watermark_ack(&watermark, i + 1);
        assert_int_equal(bf__watermark_low(&watermark), i - 1);
        assert_true(bf__watermark_is_acked(&watermark, i + 1));
        bf__watermark_ack(&watermark, i);
        assert_int_equal(bf__watermark_low(&watermark), i + 1);
    }
    bf__watermark_deinit(&watermark);
}

static void an_acknowledgement_may_overtake_the_hand_over(void **state)
{
    (void)state;
    struct bf__watermark watermark;
    setup(&watermark, 4);
    uint64_t sequence = bf__watermark_reserve(&watermark);
    bf__watermark_ack(&watermark, sequence);
    assert_int_equal(bf__watermark_low(&watermark), 0); /* never above what was handed over */
    bf__watermark_handed(&watermark, sequence);
    assert_int_equal(bf__watermark_low(&watermark), 1);
    bf__watermark_deinit(&watermark);
}

static void a_number_not_handed_over_is_not_acknowledged(void **state)
{
    (void)state;
    struct bf__watermark watermark;
    setup(&watermark, 4);
    assert_false(bf__watermark_is_acked(&watermark, 1));
    assert_false(bf__watermark_is_acked(&watermark, 1000));
    assert_int_equal(bf__watermark_reserve(&watermark), 1); /* a refused record gives its number back */
    assert_int_equal(bf__watermark_reserve(&watermark), 1);
    bf__watermark_deinit(&watermark);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_rise_by_one_from_one),
        cmocka_unit_test(a_gap_holds_the_mark),
        cmocka_unit_test(a_count_would_lose_what_the_mark_keeps),
        cmocka_unit_test(a_full_ring_refuses_until_the_oldest_is_in),
        cmocka_unit_test(many_rounds_of_the_ring),
        cmocka_unit_test(an_acknowledgement_may_overtake_the_hand_over),
        cmocka_unit_test(a_number_not_handed_over_is_not_acknowledged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
