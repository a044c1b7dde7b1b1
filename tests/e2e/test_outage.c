/* Kafka away under load, then back: the broker's session holds the backlog, the clock stands, and nothing is late
 * because of it. 20 s, or 60 s with BELFRY_TEST_LONG=1. */
#include "tests/e2e/town.h"

#include <stdio.h>
#include <stdlib.h>

static struct town town;

static void what_an_outage_holds_back_is_not_late(void **state)
{
    struct bf_oracle_sums sums;
    struct town_audit audit;
    struct bf_err err;
    int away_ms = getenv("BELFRY_TEST_LONG") ? 60000 : 20000;
    (void)state;
    town_devices(&town, "--rate", "500", NULL);
    assert_true(town_pass(&town, 5000));
    bf_peer_stop(&town.kafka);
    BF_EVENTUALLY(!town_ready(&town, TOWN_INGEST), 30000); /* and it says so */
    assert_true(town_pass(&town, away_ms));
    if (bf_peer_start(&town.kafka, &err) != BF_OK) {
        fail_msg("Kafka does not come back: %s\n%s", err.message, err.detail);
    }
    town_await(&town, TOWN_INGEST, 60000);
    town_await(&town, TOWN_PROCESS, 60000);
    town_await(&town, TOWN_SINK, 60000);
    assert_true(town_pass(&town, 3000));
    town_devices_stop(&town);
    town_devices_end(&town, 60000);
    town_account(&town, &sums, &audit);
    printf("ended by themselves and started again: ingest %u, process %u, sink %u\n", town.restarts[TOWN_INGEST],
           town.restarts[TOWN_PROCESS], town.restarts[TOWN_SINK]);
    assert_int_equal(town_audit_number(&audit, "late"), 0);
    assert_int_equal(sums.late, 0);
    assert_int_equal(sums.late_windows, 0);
    assert_int_equal(sums.revisions, 0);
    assert_int_equal(town.restarts[TOWN_INGEST], 0);
    assert_int_equal(town.restarts[TOWN_PROCESS], 0);
    assert_int_equal(town.restarts[TOWN_SINK], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_an_outage_holds_back_is_not_late)};
    if (!town_open(&town, BF_PEER_APACHE_KAFKA, "5s")) {
        return 77;
    }
    town_run(&town);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    town_close(&town);
    return failed;
}
