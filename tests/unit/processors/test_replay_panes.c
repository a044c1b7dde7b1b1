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

static void replays_are_equal_and_right(void **state)
{
    (void)state;
    assert_true(check_logs(1, 8, false) > 1000);
}

static void replays_over_a_reload_are_equal(void **state)
{
    (void)state;
    assert_true(check_logs(101, 106, true) > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replays_are_equal_and_right),
        cmocka_unit_test(replays_over_a_reload_are_equal),
    };
    return cmocka_run_group_tests(tests, make_plans, free_plans);
}
