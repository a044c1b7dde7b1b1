/* `belfry reload` under load, twice, and the processor killed in the middle of each: what began before `from`
 * keeps its definition, what begins later has the new one, after a replay too. The oracle knows all three
 * generations, and which window belongs to which. */
#include "tests/e2e/town.h"

#include <stdio.h>
#include <string.h>

static struct town town;

static void reload(int generation)
{
    char out[2048], wanted[32];
    snprintf(wanted, sizeof wanted, "generation %d,", generation);
    int code = town_belfry(&town, out, sizeof out, "reload", NULL);
    printf("reload: %s", out);
    if (code != 0 || strstr(out, wanted) == NULL || strstr(out, "in force") == NULL) {
        fail_msg("reload: exit code %d: %s", code, out);
    }
}

static void a_new_definition_begins_with_its_windows(void **state)
{
    struct bf_oracle_sums sums;
    struct town_audit audit;
    char out[2048];
    (void)state;
    town_devices(&town, "--rate", "300", NULL);
    assert_true(town_pass(&town, 6000));
    town_edit(&town, "kpis/utilities.yaml", "value >= 80", "value >= 30");
    town_edit(&town, "kpis/mobility.yaml", "from: {quantity: speed}\n    window: {tumbling: 2s}",
              "from: {quantity: speed}\n    window: {tumbling: 3s}");
    town_edit(&town, "kpis/mobility.yaml", "from: {quantity: vehicles}\n    window: {tumbling: 2s}\n    group: [zone]\n"
              "    value: sum", "from: {quantity: vehicles}\n    window: {tumbling: 2s}\n    group: [city]\n    value: mean");
    reload(2);
    town_kill(&town, TOWN_PROCESS);
    assert_true(town_pass(&town, 5000));

    /* a reload that is wrong changes nothing */
    town_edit(&town, "kpis/noise.yaml", "value: max", "value: loudest");
    assert_int_equal(town_belfry(&town, out, sizeof out, "reload", NULL), 78);
    town_edit(&town, "kpis/noise.yaml", "value: loudest", "value: min");
    town_edit(&town, "kpis/mobility.yaml", "from: {quantity: speed}\n    window: {tumbling: 3s}",
              "from: {quantity: speed, where: 'value > 20'}\n    window: {tumbling: 3s}");
    town_kill(&town, TOWN_PROCESS);
    reload(3);
    assert_true(town_pass(&town, 2000));
    town_kill(&town, TOWN_PROCESS);
    assert_true(town_pass(&town, 5000));
    town_devices_stop(&town);
    town_devices_end(&town, 60000);
    town_account(&town, &sums, &audit);
    assert_int_equal(sums.generations, 3);
    assert_int_equal(sums.late, 0);
    assert_in_range(sums.kpis, 15, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_new_definition_begins_with_its_windows)};
    if (!town_open(&town, BF_PEER_KAFKA, "2s")) {
        return 77;
    }
    town_run(&town);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    town_close(&town);
    return failed;
}
