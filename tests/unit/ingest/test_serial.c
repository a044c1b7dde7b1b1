/* The unroll rules: nearest for the first of a connection, forward only where nothing is in flight, then
 * forward; a broker that hands out the lowest free id is found out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "ingest/serial.h"

static int64_t next(struct bf_serial *serial, uint16_t id, bool dup)
{
    int64_t result = INT64_MIN;
    struct bf_err err;
    assert_int_equal(bf_serial_next(serial, id, dup, &result, &err), BF_OK);
    return result;
}

static void ids_run_in_a_cycle(void **state)
{
    (void)state;
    struct bf_serial serial;
    bf_serial_init(&serial, false);
    int64_t expected = 0;
    for (int i = 0; i < 200000; i++) {
        uint16_t id = (uint16_t)(i % 65535 + 1);
        assert_int_equal(next(&serial, id, false), ++expected);
    }
    assert_int_equal(bf_serial_newest(&serial), 200000);
}

static void a_redelivery_keeps_its_serial(void **state)
{
    (void)state;
    struct bf_serial serial;
    bf_serial_init(&serial, false);
    for (int64_t newest = 1; newest < 3 * BF_PACKET_IDS; newest += 9973) {
        for (int64_t back = 0; back < 16384; back += 4001) {
            int64_t was = newest - back;
            uint16_t id = (uint16_t)(((was - 1) % BF_PACKET_IDS + BF_PACKET_IDS) % BF_PACKET_IDS + 1);
            bf_serial_begin(&serial, newest);
            assert_int_equal(next(&serial, id, true), was);
            assert_int_equal(bf_serial_newest(&serial), newest);
        }
    }
}

static void dup_messages_that_were_never_read_lie_ahead(void **state)
{
    (void)state;
    struct bf_serial serial;
    bf_serial_init(&serial, false);
    bf_serial_begin(&serial, 65534);
    assert_int_equal(next(&serial, 65535, true), 65535);
    assert_int_equal(next(&serial, 1, true), 65536);
    assert_int_equal(next(&serial, 2, false), 65537);
}

static void a_fresh_first_message_lies_ahead(void **state)
{
    (void)state;
    struct bf_serial serial;
    bf_serial_init(&serial, false);
    bf_serial_begin(&serial, 1000);
    assert_int_equal(next(&serial, 5, false), 65540); /* behind in the cycle: one round on, never back */
    bf_serial_begin(&serial, 1000);
    assert_int_equal(next(&serial, 1000, false), 1000 + BF_PACKET_IDS); /* the same id is another message */
    bf_serial_begin(&serial, 1000);
    assert_int_equal(next(&serial, 1001, false), 1001);
}

static void a_connection_goes_back_and_then_only_forward(void **state)
{
    (void)state;
    struct bf_serial serial;
    bf_serial_init(&serial, false);
    bf_serial_begin(&serial, 500);
    assert_int_equal(next(&serial, 401, true), 401);
    for (uint16_t id = 402; id <= 500; id++) {
        assert_int_equal(next(&serial, id, true), id);
    }
    assert_int_equal(next(&serial, 501, true), 501);
    assert_int_equal(next(&serial, 502, false), 502);
    assert_int_equal(bf_serial_newest(&serial), 502);
}

static void lowest_free_ids_stop(void **state)
{
    (void)state;
    struct bf_serial serial;
    struct bf_err err = {.message = ""};
    int64_t result;
    bf_serial_init(&serial, false);
    assert_int_equal(next(&serial, 1, false), 1);
    assert_int_equal(next(&serial, 2, false), 2);
    assert_int_equal(bf_serial_next(&serial, 1, false, &result, &err), BF_FATAL);
    assert_non_null(strstr(err.hint, "packet_ids: free"));
    assert_int_equal(bf_serial_next(&serial, 2, false, &result, &err), BF_FATAL); /* the same id again */
    assert_int_equal(bf_serial_newest(&serial), 2);
}

static void free_ids_count_deliveries(void **state)
{
    (void)state;
    struct bf_serial serial;
    bf_serial_init(&serial, true);
    bf_serial_begin(&serial, 7);
    assert_int_equal(next(&serial, 1, false), 8);
    assert_int_equal(next(&serial, 1, true), 9);
    assert_int_equal(next(&serial, 1, false), 10);
}

static void qos_0_has_no_serial_of_its_own(void **state)
{
    (void)state;
    struct bf_serial serial;
    bf_serial_init(&serial, false);
    bf_serial_begin(&serial, 70000);
    assert_int_equal(next(&serial, 0, false), 70000);
    assert_int_equal(next(&serial, (uint16_t)(70001 - 65535), false), 70001);
    assert_int_equal(next(&serial, 0, false), 70001);
}

static void a_kept_session_without_a_log_may_lie_before_zero(void **state)
{
    (void)state;
    struct bf_serial serial;
    bf_serial_init(&serial, false);
    assert_int_equal(next(&serial, 65000, true), 65000 - BF_PACKET_IDS);
    assert_int_equal(next(&serial, 65001, true), 65001 - BF_PACKET_IDS);
    assert_int_equal(bf_serial_newest(&serial), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_run_in_a_cycle),
        cmocka_unit_test(a_redelivery_keeps_its_serial),
        cmocka_unit_test(dup_messages_that_were_never_read_lie_ahead),
        cmocka_unit_test(a_fresh_first_message_lies_ahead),
        cmocka_unit_test(a_connection_goes_back_and_then_only_forward),
        cmocka_unit_test(lowest_free_ids_stop),
        cmocka_unit_test(free_ids_count_deliveries),
        cmocka_unit_test(qos_0_has_no_serial_of_its_own),
        cmocka_unit_test(a_kept_session_without_a_log_may_lie_before_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
