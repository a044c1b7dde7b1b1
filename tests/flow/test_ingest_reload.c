/* A new generation of the configuration under load: every message decodes by one generation only, also when
 * it is delivered again, and a process starts with the generation of its last tick; without
 * any it waits, and /readyz says for what.
 * Covers: ingest/configure.c, ingest/report.c */
#include "tests/flow/ingest_town.h"

static struct town town;

static int close_town(void **state)
{
    (void)state;
    town_close(&town);
    return 0;
}

static void a_reload_under_load(void **state)
{
    (void)state;
    town_open(&town, "");
    town_start_daemon(&town);
    town_await_daemon(&town);
    town_start_publisher(&town);
    town_send(&town, 0, 2000);
    static const char *const quantities[] = {[2] = "flow", [3] = "speed", [4] = "fill"};
    for (int64_t generation = 2; generation <= 4; generation++) {
        town_profile(&town, quantities[generation]);
        assert_int_equal(town_reload(&town), generation);
        int first = (int)generation * 2000 - 2000;
        town_send(&town, first, 2000);
        BF_EVENTUALLY(town_metric(&town, "belfry_generation") == generation, 20000);
    }
    BF_EVENTUALLY((town_read(&town), town_has_all(&town, 0, 8000)), 20000);
    town_await_daemon(&town);
    BF_EVENTUALLY((town_read(&town), town.newest_generation == 4), 10000);
    assert_int_equal(town.newest_epoch, 1); /* the session is kept */
    for (int i = 0; i < 8000; i++) {
        assert_true(town.seen[i].same_serial);
    }
    assert_int_equal(town.readings, 8000); /* nothing that was acknowledged came again */
}

/* Killed with messages in flight that the old generation decoded: they decode by it once more. */
static void a_start_goes_on_with_the_last_ticks_generation(void **state)
{
    (void)state;
    town_open(&town, "");
    town_start_daemon(&town);
    town_await_daemon(&town);
    town_start_publisher(&town);
    town_send(&town, 0, 100);
    BF_EVENTUALLY((town_read(&town), town_has_all(&town, 0, 100)), 20000);
    bf_child_kill(&town.daemon);
    town_profile(&town, "flow");
    assert_int_equal(town_reload(&town), 2);
    town_start_daemon(&town);
    BF_EVENTUALLY(town_metric(&town, "belfry_generation") == 2, 20000);
    BF_EVENTUALLY((town_read(&town), town.newest_generation == 2 && town.starts >= 3), 20000);
    assert_int_equal(town.start_generation[0], 1);
    assert_int_equal(town.start_generation[1], 1); /* the second process began with the first's */
    assert_int_equal(town.start_generation[2], 2); /* and changed over a connection of its own */
    town_send(&town, 100, 100);
    BF_EVENTUALLY((town_read(&town), town_has_all(&town, 0, 200)), 20000);
}

static void without_a_configuration_it_waits(void **state)
{
    (void)state;
    struct bf_err err;
    bool made;
    town_open(&town, "");
    bf_peer_stop(&town.kafka); /* another log: nothing in it but the install record */
    town.kafka.port = 0;
    assert_int_equal(bf_peer_start(&town.kafka, &err), BF_OK);
    town.options.brokers = town.kafka.address;
    assert_int_equal(bf_config_log_install_once(&town.options, &made, &err), BF_OK);
    char text[1200];
    snprintf(text, sizeof text,
             "city: city\nmqtt: {url: \"mqtt://%s\"}\nkafka: {brokers: \"%s\"}\n"
             "ingest: {id: town-1, filters: [\"town/#\"], http: \"127.0.0.1:%u\"}\n",
             town.broker.address, town.kafka.address, town.http);
    town_write(town.config, text);
    town_start_daemon(&town);
    BF_EVENTUALLY(town_says(&town, "no configuration in the log"), 20000);
    assert_false(town_ready(&town));
    assert_int_equal(town_reload(&town), 1);
    town_await_daemon(&town);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_reload_under_load, close_town),
        cmocka_unit_test_teardown(a_start_goes_on_with_the_last_ticks_generation, close_town),
        cmocka_unit_test_teardown(without_a_configuration_it_waits, close_town),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
