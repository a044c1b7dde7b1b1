/* One process, three, and one again, under load: the partitions move, nothing is missing and nothing is there
 * twice. One of three is killed for good: the others take over. One is killed and comes back to its own.
 * How long that takes is printed (goals: session + 2 s, and 2 s), and only bounded: machines are shared. */
#include "tests/e2e/watch.h"

#include <stdio.h>

#define BOUND_MS 30000

static struct town town;
static struct watch watch;

/* How long until everything that was sent before this moment is worked off. */
static int until_now_is_worked_off(void)
{
    int ms = watch_await(&watch, &town, bf_time_wall_us(), BOUND_MS);
    assert_in_range(ms, 0, BOUND_MS);
    return ms;
}

static void pass(int ms)
{
    int64_t until_us = bf_time_monotonic_us() + ms * BF_US_PER_MS;
    while (bf_time_monotonic_us() < until_us) {
        assert_true(town_pass(&town, 20));
        watch_look(&watch);
    }
}

static void report(const char *what, int ms)
{
    printf("%-44s %6d ms until it is worked off; longest standstill %lld ms\n", what, ms,
           (long long)(watch.longest_us / BF_US_PER_MS));
}

static void processes_come_and_go(void **state)
{
    (void)state;
    town_devices(&town, "--rate", "1000", "--connections", "8", NULL);
    watch_open(&watch, &town);
    pass(3000);
    report("one process", until_now_is_worked_off());
    watch_reset(&watch);
    town_start(&town, TOWN_PROCESS_2);
    town_start(&town, TOWN_PROCESS_3);
    town_await(&town, TOWN_PROCESS_2, 40000);
    town_await(&town, TOWN_PROCESS_3, 40000);
    report("three processes", until_now_is_worked_off());
}

static void the_others_take_over_from_one_that_was_killed(void **state)
{
    (void)state;
    pass(3000);
    watch_reset(&watch);
    town.wanted[TOWN_PROCESS_2] = false;
    town_kill(&town, TOWN_PROCESS_2);
    report("one of three is killed, and stays away", until_now_is_worked_off());
    town_start(&town, TOWN_PROCESS_2);
    town_await(&town, TOWN_PROCESS_2, 40000);
    until_now_is_worked_off();
}

static void one_that_comes_back_has_its_partitions_at_once(void **state)
{
    (void)state;
    pass(3000);
    watch_reset(&watch);
    town_kill(&town, TOWN_PROCESS_3);
    report("one of three is killed, and started again", until_now_is_worked_off());
}

static void then_there_is_one_again(void **state)
{
    struct bf_oracle_sums sums;
    struct town_audit audit;
    (void)state;
    pass(2000);
    watch_reset(&watch);
    town_stop(&town, TOWN_PROCESS_2);
    town_stop(&town, TOWN_PROCESS_3);
    report("one process again", until_now_is_worked_off());
    watch_close(&watch);
    town_devices_stop(&town);
    town_devices_end(&town, 60000);
    town_account(&town, &sums, &audit);
    assert_int_equal(sums.late, 0);
    assert_int_equal(sums.revisions, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(processes_come_and_go),
        cmocka_unit_test(the_others_take_over_from_one_that_was_killed),
        cmocka_unit_test(one_that_comes_back_has_its_partitions_at_once),
        cmocka_unit_test(then_there_is_one_again),
    };
    const struct town_options options = {.kafka = BF_PEER_APACHE_KAFKA, .delay = "2s", .processes = 3};
    if (!town_build(&town, &options)) {
        return 77;
    }
    town_start(&town, TOWN_INGEST);
    town_start(&town, TOWN_PROCESS);
    town_start(&town, TOWN_SINK);
    for (int i = 0; i < TOWN_PROCESS_2; i++) {
        town_await(&town, (enum town_daemon)i, 40000);
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    town_close(&town);
    return failed;
}
