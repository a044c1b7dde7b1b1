/* test_replay.c: the engine as a pure function. Random logs (several ingest ids, redeliveries, restarts,
 * silences, late readings, reloads) run straight and with save and load at random points, byte for byte
 * equal; in two interleavings, results equal; and against an oracle that recomputes every final and every
 * revision of a sum and a count from the readings' first appearances. */
#include "tests/unit/processors/random_log.h"

static void run_once(uint64_t number, bool reload)
{
    seed = number * 7919 + 1;
    make_log(reload);
    check_log(number, reload);
}

static void replays_are_equal_and_right(void **state)
{
    (void)state;
    for (uint64_t number = 1; number <= 12; number++) {
        run_once(number, false);
    }
}

static void replays_over_a_reload_are_equal(void **state)
{
    (void)state;
    for (uint64_t number = 101; number <= 108; number++) {
        run_once(number, true);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replays_are_equal_and_right),
        cmocka_unit_test(replays_over_a_reload_are_equal),
    };
    return cmocka_run_group_tests(tests, make_following_plans, free_plans);
}
