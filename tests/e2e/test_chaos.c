/* Chaos: two ingest processes, three that share the partitions and a sink, on real peers, under load, while
 * faults of every kind hit them, several at a time; and afterwards everything stands there once, and as the
 * oracle says; and one process that reads the same log in peace comes to the same bytes.
 *
 * BELFRY_TEST_SEED=N      other faults at other instants (the seed is printed)
 * BELFRY_TEST_LONG=1      60 faults instead of 18 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/e2e/rerun.h"
#include "tests/e2e/storm.h"

#define RATE "1000"

static struct town town;
static struct storm storm = {.town = &town, .gap_ms = 2500};

static void progress(void *context, int number, const char *words)
{
    (void)context;
    printf("fault %d: %s\n", number, words);
}

static void after_a_storm_everything_stands_there_once(void **state)
{
    struct bf_oracle_sums sums;
    struct town_audit audit;
    (void)state;
    storm.faults = getenv("BELFRY_TEST_LONG") ? 60 : 18;
    storm.progress = progress;
    storm_plan(&storm);
    town_devices(&town, "--rate", RATE, "--connections", "8", "--fault", "malformed=2%", "--fault",
                 "bad-clock=2%", NULL);
    assert_true(town_pass(&town, 2000));
    storm_blow(&storm);
    printf("%d faults, %d of them while others lasted\n", storm.begun, storm.overlapping);
    town_devices_stop(&town);
    town_devices_end(&town, 60000);
    town_account(&town, &sums, &audit);
    for (int i = 0; i < TOWN_DAEMONS; i++) {
        printf("%s%s %u", i ? ", " : "restarts beyond the faults: ", town_name((enum town_daemon)i),
               town.restarts[i]);
    }
    puts("");
    assert_true(sums.readings >= 30000);
}

static void in_peace_it_is_the_same(void **state)
{
    struct bf_err err = {0};
    const struct bf_kafka_options stormy = town.options;
    (void)state;
    town_move(&town, "peace");
    town_start(&town, TOWN_PROCESS);
    if (rerun_copy(&stormy, &town.options, NULL, NULL, &err) != BF_OK) {
        fail_msg("%s", err.message);
    }
    rerun_await(&town, &stormy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(after_a_storm_everything_stands_there_once),
                                       cmocka_unit_test(in_peace_it_is_the_same)};
    const char *given = getenv("BELFRY_TEST_SEED");
    storm.seed = given ? strtoull(given, NULL, 10) : (uint64_t)bf_time_wall_us();
    printf("BELFRY_TEST_SEED=%llu\n", (unsigned long long)storm.seed);
    if (!storm_build(&town)) {
        return 77;
    }
    town_run(&town);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    town_close(&town);
    return failed;
}
