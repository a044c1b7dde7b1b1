/* belfry-ingest with a real broker and the embedded cluster: every message reaches the log, through kills,
 * and nothing is acknowledged that Kafka has not. */
#include "tests/flow/ingest_town.h"

static struct town town;

static int close_town(void **state)
{
    (void)state;
    town_close(&town);
    return 0;
}

static void messages_arrive_once(void **state)
{
    (void)state;
    town_open(&town, "");
    town_start_daemon(&town);
    town_await_daemon(&town);
    town_start_publisher(&town);
    town_send(&town, 0, 1000);
    BF_EVENTUALLY(town_metric(&town, "belfry_messages_total") == 1000, 20000);
    BF_EVENTUALLY((town_read(&town), town.readings >= 1000), 20000);
    assert_int_equal(town.readings, 1000);
    assert_true(town_has_all(&town, 0, 1000));
    assert_int_equal(town.rejects, 0);
    assert_int_equal(town.hellos, 12);
    BF_EVENTUALLY((town_read(&town), town.clock_us > 0), 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(messages_arrive_once, close_town),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
