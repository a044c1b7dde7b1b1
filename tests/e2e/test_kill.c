/* The promise: ten kills with -9, two each of ingest, process, sink, Kafka and Redis, at instants drawn
 * from a seed, under load and on a real Kafka; and afterwards everything stands there once.
 *
 * BELFRY_TEST_SEED=N      other instants and another order (the seed is printed)
 * BELFRY_TEST_LONG=1      about 90 s instead of 45 s */
#include "tests/e2e/town.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KILLS 10
#define RATE "1000"
#define PAST_MINUTE_MS 2000

enum victim { VICTIM_INGEST, VICTIM_PROCESS, VICTIM_SINK, VICTIM_KAFKA, VICTIM_REDIS, VICTIMS };

static const char *const names[VICTIMS] = {[VICTIM_INGEST] = "ingest",
                                           [VICTIM_PROCESS] = "process",
                                           [VICTIM_SINK] = "sink",
                                           [VICTIM_KAFKA] = "Kafka",
                                           [VICTIM_REDIS] = "Redis"};

static struct town town;
static uint64_t seed;

/* splitmix64 */
static uint64_t draw(void)
{
    seed += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t word = seed;
    word = (word ^ (word >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    word = (word ^ (word >> 27)) * UINT64_C(0x94d049bb133111eb);
    return word ^ (word >> 31);
}

static void strike(enum victim victim)
{
    struct bf_err err;
    struct bf_peer *peer = victim == VICTIM_KAFKA ? &town.kafka : &town.redis;
    if (victim < VICTIM_KAFKA) {
        town_kill(&town, (enum town_daemon)victim); /* the same three, in the same order */
        return;
    }
    bf_peer_kill(peer);
    if (bf_peer_start(peer, &err) != BF_OK) {
        fail_msg("%s does not come back: %s\n%s", names[victim], err.message, err.detail);
    }
}

static void killed_ten_times_everything_stands_there_once(void **state)
{
    enum victim order[KILLS];
    struct bf_oracle_sums sums;
    struct town_audit audit;
    bool longer = getenv("BELFRY_TEST_LONG") != NULL;
    int pause_ms = longer ? 7000 : 2600;
    (void)state;
    for (int i = 0; i < KILLS; i++) {
        order[i] = (enum victim)(i % VICTIMS);
    }
    for (int i = KILLS - 1; i > 0; i--) {
        int other = (int)(draw() % (uint64_t)(i + 1));
        enum victim swapped = order[i];
        order[i] = order[other];
        order[other] = swapped;
    }
    town_devices(&town, "--rate", RATE, "--connections", "8", "--fault", "duplicate=5%", "--fault",
                 "malformed=2%", "--fault", "bad-clock=2%", NULL);
    town_pass(&town, 2000);
    for (int i = 0; i < KILLS; i++) {
        int wait_ms = pause_ms / 2 + (int)(draw() % (uint64_t)pause_ms);
        assert_true(town_pass(&town, wait_ms));
        printf("kill %d: %s, %d ms later\n", i + 1, names[order[i]], wait_ms);
        strike(order[i]);
    }
    town_pass(&town, pause_ms);
    town_pass(&town, town_minute_left_ms() + PAST_MINUTE_MS); /* so that calendar windows end, too */
    town_devices_stop(&town);
    town_devices_end(&town, 120000);
    town_account(&town, &sums, &audit);
    printf("restarts beyond the kills: ingest %u, process %u, sink %u\n", town.restarts[TOWN_INGEST],
           town.restarts[TOWN_PROCESS], town.restarts[TOWN_SINK]);
    assert_true(sums.readings >= 30000);
    assert_in_range(sums.aggregates, 20, 24);
    assert_true(sums.hops && sums.calendar && sums.sessions && sums.counts);
    assert_int_equal(town.restarts[TOWN_SINK], 0); /* degraded, not dead */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(killed_ten_times_everything_stands_there_once)};
    const char *given = getenv("BELFRY_TEST_SEED");
    seed = given ? strtoull(given, NULL, 10) : (uint64_t)bf_time_wall_us();
    printf("BELFRY_TEST_SEED=%llu\n", (unsigned long long)seed);
    if (!town_open(&town, BF_PEER_APACHE_KAFKA, "2s")) {
        return 77;
    }
    town_run(&town);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    town_close(&town);
    return failed;
}
