/* Kafka away under load, then back: the broker's session holds the backlog, the clock stands, and nothing
 * is late because of it, although the outage is longer than hold_max. First every daemon lives through it:
 * 20 s, or 60 s with BELFRY_TEST_LONG=1; then all of them are killed in the middle of another one. */
#include "tests/e2e/town.h"

#include <stdlib.h>

static struct town town;

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
