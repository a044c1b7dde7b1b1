/* test_replay.c's properties over windows of several panes: hopping ones, by zone (stage 2) and by device
 * (stage 1), beside the tumbling ones; late readings make a revision of every closed window they lie in. */
#define PANES_ORACLE
#define MORE_FIRST_KPIS                                                                                    \
    DEFINITION_OVER("zone_hop", "sum", by_zone, 1, false, 14, .pane_us = WINDOW, .panes = 3),              \
        DEFINITION_OVER("device_hop", "count", by_device, 1, true, 15, .pane_us = WINDOW / 2, .panes = 4), \
        DEFINITION_OVER("zone_long", "sum", by_zone, 1, false, 16, .pane_us = WINDOW / 4, .panes = 20),
#define MORE_SECOND_KPIS                                                                      \
    DEFINITION_OVER("zone_hop", "sum", by_zone, 1, false, 14, .pane_us = WINDOW, .panes = 3), \
        DEFINITION_OVER("device_hop", "count", by_device, 1, true, 25, .pane_us = WINDOW / 2, .panes = 2),

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
    for (uint64_t number = 1; number <= 8; number++) {
        run_once(number, false);
    }
}

static void replays_over_a_reload_are_equal(void **state)
{
    (void)state;
    for (uint64_t number = 101; number <= 106; number++) {
        run_once(number, true);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replays_are_equal_and_right),
        cmocka_unit_test(replays_over_a_reload_are_equal),
    };
    return cmocka_run_group_tests(tests, make_plans, free_plans);
}
