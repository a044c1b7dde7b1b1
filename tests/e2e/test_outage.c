/* Kafka, Redis or ingest away under load, then back: who stands before it holds the backlog, the clock
 * stands, and nothing is late because of it, although the outage is longer than hold_max. First every daemon
 * lives through an outage of Kafka: 20 s, or 60 s with BELFRY_TEST_LONG=1; then all of them are killed in the
 * middle of another one. Meanwhile `belfry:v1:meta` says how far behind everything is, and afterwards it is
 * caught up faster than it came. */
#include "tests/e2e/absence.h"

#include <stdio.h>
#include <stdlib.h>

#define AWAY_MS 12000

static struct town town;
static struct watch watch;

static void kafka_comes_back(void)
{
    struct bf_err err;
    if (bf_peer_start(&town.kafka, &err) != BF_OK) {
        fail_msg("Kafka does not come back: %s\n%s", err.message, err.detail);
    }
    for (int i = 0; i < TOWN_DAEMONS; i++) {
        town_await(&town, (enum town_daemon)i, 60000);
    }
    assert_true(town_pass(&town, 3000));
}

static void every_daemon_lives_through_an_outage(void **state)
{
    int away_ms = getenv("BELFRY_TEST_LONG") ? 60000 : 20000;
    (void)state;
    town_devices(&town, "--rate", "500", NULL);
    assert_true(town_pass(&town, 5000));
    bf_peer_stop(&town.kafka);
    BF_EVENTUALLY(!town_ready(&town, TOWN_INGEST), 30000); /* and it says so */
    assert_true(town_pass(&town, away_ms));
    kafka_comes_back();
    for (int i = 0; i < TOWN_DAEMONS; i++) {
        assert_int_equal(town.restarts[i], 0);
    }
}

static void killed_while_kafka_is_away_they_come_back_with_it(void **state)
{
    (void)state;
    bf_peer_kill(&town.kafka);
    assert_true(town_pass(&town, 3000));
    for (int i = 0; i < TOWN_DAEMONS; i++) {
        town_kill(&town, (enum town_daemon)i);
        assert_true(town_pass(&town, 1000));
    }
    assert_true(town_pass(&town, 5000));
    kafka_comes_back();
}

static void is_away_and_caught_up(enum absent what)
{
    struct absence absence = {.what = what, .away_ms = getenv("BELFRY_TEST_LONG") ? 60000 : AWAY_MS};
    absence_run(&absence, &town, &watch);
    printf("%s away for %d ms: meta said %d ms behind; caught up in %d ms, at %.1f times the load\n",
           absence_name(what), absence.away_ms, absence.said_ms, absence.catch_up_ms,
           absence_speed(&absence));
    assert_in_range(absence.said_ms, absence.away_ms / 2, 10 * absence.away_ms);
    assert_true(absence_speed(&absence) > 1.2);
}

static void redis_is_away_and_caught_up(void **state)
{
    (void)state;
    watch_open(&watch, &town);
    is_away_and_caught_up(ABSENT_REDIS);
}

static void ingest_is_away_and_caught_up(void **state)
{
    (void)state;
    is_away_and_caught_up(ABSENT_INGEST);
    watch_close(&watch);
}

static void nothing_is_late_because_of_it(void **state)
{
    struct bf_oracle_sums sums;
    struct town_audit audit;
    (void)state;
    town_devices_stop(&town);
    town_devices_end(&town, 60000);
    town_account(&town, &sums, &audit);
    assert_int_equal(town_audit_number(&audit, "late"), 0);
    assert_int_equal(sums.late, 0);
    assert_int_equal(sums.late_windows, 0);
    assert_int_equal(sums.revisions, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_daemon_lives_through_an_outage),
        cmocka_unit_test(killed_while_kafka_is_away_they_come_back_with_it),
        cmocka_unit_test(redis_is_away_and_caught_up),
        cmocka_unit_test(ingest_is_away_and_caught_up),
        cmocka_unit_test(nothing_is_late_because_of_it),
    };
    if (!town_open(&town, BF_PEER_APACHE_KAFKA, "5s")) {
        return 77;
    }
    town_run(&town);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    town_close(&town);
    return failed;
}
