/* test_replay.c: the engine as a pure function. Random logs (several ingest ids, redeliveries, restarts,
 * silences, late readings, reloads) run straight and with save and load at random points, byte for byte
 * equal; in two interleavings, results equal; and against an oracle that recomputes every final and every
 * revision of a sum and a count from the readings' first appearances. */
#include "tests/unit/processors/random_log.h"

static void replays_are_equal_and_right(void **state)
{
    (void)state;
    assert_true(check_logs(1, 12, false) > 1000);
}

static void replays_over_a_reload_are_equal(void **state)
{
    (void)state;
    assert_true(check_logs(101, 108, true) > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replays_are_equal_and_right),
        cmocka_unit_test(replays_over_a_reload_are_equal),
    };
    return cmocka_run_group_tests(tests, make_following_plans, free_plans);
}
