/* `belfry reload` under load, twice, and the processor killed in the middle of each: what began before `from`
 * keeps its definition, what begins later has the new one, after a replay too. The oracle knows all three
 * generations, and which window belongs to which. Two devices whose clocks are ahead have data in windows
 * of the future when a new definition comes: such a window has two of them, and the older one is
 * published, once. */
#include "tests/e2e/sender.h"

#include <stdio.h>
#include <string.h>

#define AHEAD_US (9 * BF_US_PER_S) /* at the beginning; it shrinks by what the reloads take */
#define STEP_MS 50

static struct town town;
static struct sender sender;
static int64_t ahead_us; /* the time of a car park and a loop, which goes on in steps without a gap */

static void send_ahead(int number)
{
    char when[40];
    ahead_us += STEP_MS * BF_US_PER_MS;
    bf_time_format(ahead_us, when, sizeof when);
    sender_say(&sender, "city/parking/market/park-ahead", "{\"at\":\"%s\",\"occupied\":%d,\"free\":3}", when,
               number);
    sender_say(&sender, "city/traffic/market/loop-ahead", "{\"time\":%lld,\"vehicles\":3,\"speed\":44}",
               (long long)(ahead_us / BF_US_PER_S));
}

static void pass(int ms)
{
    for (int past = 0; past < ms; past += STEP_MS) {
        send_ahead(past / STEP_MS);
        assert_true(town_pass(&town, STEP_MS));
    }
}

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
    sender_open(&sender, &town);
    ahead_us = bf_time_wall_us() + AHEAD_US;
    town_devices(&town, "--rate", "300", NULL);
    pass(6000);
    town_edit(&town, "kpis/utilities.yaml", "value >= 80", "value >= 30");
    town_edit(&town, "kpis/mobility.yaml", "from: {quantity: speed}\n    window: {tumbling: 2s}",
              "from: {quantity: speed}\n    window: {tumbling: 3s}");
    town_edit(&town, "kpis/mobility.yaml",
              "from: {quantity: vehicles}\n    window: {tumbling: 2s}\n    group: [zone]\n"
              "    value: sum",
              "from: {quantity: vehicles}\n    window: {tumbling: 2s}\n    group: [city]\n    value: mean");
    town_edit(&town, "kpis/mobility.yaml", "group: [device]\n    value: last",
              "group: [device]\n    value: max");
    reload(2);
    town_kill(&town, TOWN_PROCESS);
    pass(5000);

    /* a reload that is wrong changes nothing */
    town_edit(&town, "kpis/noise.yaml", "value: max", "value: loudest");
    assert_int_equal(town_belfry(&town, out, sizeof out, "reload", NULL), 78);
    town_edit(&town, "kpis/noise.yaml", "value: loudest", "value: min");
    town_edit(&town, "kpis/mobility.yaml", "from: {quantity: speed}\n    window: {tumbling: 3s}",
              "from: {quantity: speed, where: 'value > 20'}\n    window: {tumbling: 3s}");
    town_kill(&town, TOWN_PROCESS);
    reload(3);
    pass(2000);
    town_kill(&town, TOWN_PROCESS);
    pass(5000);
    sender_settle(&sender);
    sender_close(&sender);
    town_devices_stop(&town);
    town_devices_end(&town, 60000);
    town_account(&town, &sums, &audit);
    assert_int_equal(sums.generations, 3);
    assert_true(sums.mixed > 0);
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
