/* `belfry replay` over the log of a town that lives: through the very same configuration every window is as
 * it is on record, through a changed one those of the changed KPI differ and no others; and the results
 * stand in a topic of their own. The town does not notice.
 * Covers: cli/rerun.c, cli/rerun_work.c, cli/past.c, cli/locate.c, cli/replay_log.c, cli/replay_report.c */
#include "tests/e2e/sender.h"

#include <stdio.h>
#include <string.h>

#include "core/wire.h"

static struct town town;
static struct sender sender;

static uint64_t number(const char *text, const char *name)
{
    char key[64];
    snprintf(key, sizeof key, "\"%s\":", name);
    const char *at = strstr(text, key);
    if (at == NULL) {
        fail_msg("\"%s\" is not in %s", name, text);
    }
    return strtoull(at + strlen(key), NULL, 10);
}

/* A number of one KPI's comparison. */
static uint64_t of_kpi(const char *text, const char *kpi, const char *name)
{
    char key[80];
    snprintf(key, sizeof key, "{\"kpi\":\"%s\"", kpi);
    const char *at = strstr(text, key);
    if (at == NULL) {
        fail_msg("%s is not in %s", kpi, text);
    }
    return number(at, name);
}

static void replay(char *out, size_t size, int expected, const char *range, const char *option)
{
    int code = town_belfry(&town, out, size, "replay", range, "--json", "--show", "0", "--threads", "2",
                           "--compare", option, NULL);
    printf("%s: %.400s\n", range, out);
    if (code != expected) {
        fail_msg("replay: exit code %d: %s", code, out);
    }
}

static void say_parking(const char *device, int64_t at_us, int occupied)
{
    char topic[80], when[40];
    snprintf(topic, sizeof topic, "city/parking/market/park-%s", device);
    bf_time_format(at_us, when, sizeof when);
    sender_say(&sender, topic, "{\"at\":\"%s\",\"occupied\":%d,\"free\":3}", when, occupied);
}

static void the_same_configuration_gives_the_same_results(void **state)
{
    (void)state;
    static char out[32768];
    char range[128], now[40];
    town_devices(&town, "--rate", "400", "--fault", "bad-clock=5%", "--fault", "malformed=5%", NULL);
    sender_open(&sender, &town);
    for (int i = 0; i < 65; i++) { /* windows that have closed are revised */
        say_parking("late", bf_time_wall_us() - 9 * BF_US_PER_S, i);
        assert_true(town_pass(&town, 300));
    }
    replay(out, sizeof out, 0, "belfry.readings@..", NULL); /* while it goes on */
    assert_true(number(out, "readings") > 4000);
    assert_true(number(out, "revisions") > 20);
    assert_true(number(out, "late") > 0);
    assert_true(of_kpi(out, "audit_readings", "equal") > 100);
    bf_time_format(bf_time_wall_us() - 8 * BF_US_PER_S, now, sizeof now);
    snprintf(range, sizeof range, "readings@-14s..%s", now);
    replay(out, sizeof out, 0, range, NULL);
    assert_true(of_kpi(out, "audit_readings", "equal") > 10);
}

/* A car park's messages, from MQTT to Redis. */
static void a_device_is_followed_to_redis(void **state)
{
    (void)state;
    struct bf_child trace;
    struct bf_err err;
    char out[400];
    static char text[200000];
    snprintf(out, sizeof out, "%s/trace", town.folder);
    const char *const argv[] = {TEST_BINARY_DIR "/bin/belfry",
                                "trace",
                                "bellhaven:park-traced",
                                "--config",
                                town.config,
                                "--count",
                                "2",
                                "--json",
                                NULL};
    const struct bf_child_options options = {.argv = argv, .out = out, .err = out};
    assert_int_equal(bf_child_start(&trace, &options, &err), BF_OK);
    int64_t deadline_us = bf_deadline_us(90000);
    while (bf_child_running(&trace)) {
        say_parking("traced", bf_time_wall_us(), 5);
        assert_true(town_pass(&town, 300));
        assert_true(bf_wait_turn(deadline_us));
    }
    sender_settle(&sender);
    sender_close(&sender);
    bf_file_tail(out, text, sizeof text);
    printf("%s", text);
    static const char *const stages[] = {"\"stage\":\"mqtt\"", "\"stage\":\"log\"", "\"stage\":\"kpi\"",
                                         "\"stage\":\"redis\"", "device.bellhaven~3Apark-traced"};
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++) {
        if (trace.ended != 0 || strstr(text, stages[i]) == NULL) {
            fail_msg("exit code %d, or no %s: %s", trace.ended, stages[i], text);
        }
    }
    town_devices_stop(&town);
    town_devices_end(&town, 60000);
}

static int64_t count_results(const char *prefix)
{
    struct bf_consumer *consumer;
    struct bf_kafka_options options = town.options;
    int64_t sum = 0, begin, end;
    options.prefix = prefix;
    assert_int_equal(bf_consumer_create(&options, NULL, false, &consumer, NULL), BF_OK);
    for (int32_t i = 0; i < 4; i++) {
        assert_int_equal(bf_consumer_range(consumer, BF_TOPIC_KPIS, i, &begin, &end, NULL), BF_OK);
        sum += end - begin;
    }
    bf_consumer_destroy(consumer);
    return sum;
}

static void a_changed_kpi_differs_and_no_other(void **state)
{
    (void)state;
    static char out[32768];
    town_edit(&town, "kpis/utilities.yaml", "value >= 80", "value >= 30");
    replay(out, sizeof out, 1, "belfry.readings@..", "--prefix=mended");
    assert_non_null(strstr(out, "\"into\":\"belfry.replay-mended\""));
    uint64_t results = number(out, "finals") + number(out, "revisions");
    assert_true(count_results("belfry.replay-mended") >= (int64_t)results);
    unsigned changed = 0;
    for (const char *at = out; (at = strstr(at, "{\"kpi\":")) != NULL; at++) {
        bool differs = number(at, "different") + number(at, "missing") + number(at, "new") > 0;
        changed += differs;
    }
    assert_int_equal(changed, 1);
    assert_int_equal(
        town_belfry(&town, out, sizeof out, "replay", "belfry.readings@..", "--prefix", "mended", NULL),
        78); /* is there already */
    town_edit(&town, "kpis/utilities.yaml", "value >= 30", "value >= 80");
}

/* What is known in belfry.readings of a source: how many readings, and the last of them. */
static size_t find_reading(const char *source, int64_t *event_us, uint32_t *reasons)
{
    struct bf_consumer *consumer;
    struct bf_position positions[12];
    size_t found = 0, ended = 0;
    for (int32_t i = 0; i < 12; i++) {
        positions[i] =
            (struct bf_position){.topic = BF_TOPIC_READINGS, .partition = i, .offset = BF_OFFSET_BEGINNING};
    }
    assert_int_equal(bf_consumer_create(&town.options, NULL, true, &consumer, NULL), BF_OK);
    assert_int_equal(bf_consumer_assign(consumer, positions, 12, NULL), BF_OK);
    while (ended < 12) {
        struct bf_incoming incoming;
        struct bf_reading reading;
        enum bf_status status = bf_consumer_poll(consumer, 10000, &incoming, NULL);
        assert_int_equal(status, BF_OK);
        ended += incoming.eof;
        if (incoming.has_key && bf_reading_unpack(incoming.value, &reading, NULL) == BF_OK &&
            bf_slice_equal(reading.source, bf_slice_of(source))) {
            found++;
            *event_us = reading.event_us;
            *reasons = reading.reasons;
        }
        bf_incoming_release(&incoming);
    }
    bf_consumer_destroy(consumer);
    return found;
}

/* A device that no profile knew: its message counts once there is one, as of when it came. */
static void what_was_refused_counts_once_it_is_understood(void **state)
{
    (void)state;
    static struct sender other;
    char out[4000], path[400];
    int64_t came_us = bf_time_wall_us(), event_us = 0;
    uint32_t reasons = 0;
    sender_open(&other, &town);
    sender_say(&other, "city/gauge/g1", "{\"level\":3}");
    sender_settle(&other);
    sender_close(&other);
    snprintf(path, sizeof path, "%s/profiles/gauge.yaml", town.city);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("name: gauge\nversion: 1\nnetwork: river\ntopic: city/gauge/{device}\nformat: json\n"
          "readings: [{path: $.level, quantity: level, unit: m}]\n",
          file);
    fclose(file);
    assert_int_equal(town_belfry(&town, out, sizeof out, "reload", NULL), 0);
    BF_EVENTUALLY(town_metric(&town, TOWN_INGEST, "belfry_generation") == 2, 30000);
    assert_int_equal(town_belfry(&town, out, sizeof out, "rejects", "replay", "--json", NULL), 0);
    assert_int_equal(number(out, "published"), 1);
    town.extra++; /* one more message on MQTT */
    BF_EVENTUALLY(find_reading("river:g1", &event_us, &reasons) == 1, 20000);
    assert_int_equal(reasons, BF_REASON_HISTORICAL);
    assert_in_range(event_us - came_us, 0, 5 * BF_US_PER_S);
    assert_int_equal(town_belfry(&town, out, sizeof out, "rejects", "replay", "--json", NULL), 0);
    assert_int_equal(number(out, "published"), 0);
    assert_int_equal(number(out, "already"), 1);
}

static void every_checkpoint_holds(void **state)
{
    (void)state;
    static char out[32768];
    unsigned holds = 0;
    int code = town_belfry(&town, out, sizeof out, "checkpoint", "verify", "--json", NULL);
    for (const char *at = out; (at = strstr(at, "\"holds\":true")) != NULL; at++) {
        holds++;
    }
    if (code != 0 || holds != 16 || strstr(out, "\"windows\":") == NULL) {
        fail_msg("checkpoint verify: exit code %d, %u hold: %s", code, holds, out);
    }
}

static void the_town_has_not_noticed(void **state)
{
    (void)state;
    struct bf_oracle_sums sums;
    struct town_audit audit;
    town_account(&town, &sums, &audit);
    assert_int_equal(sums.generations, 2); /* the reload above */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_same_configuration_gives_the_same_results),
                                       cmocka_unit_test(a_device_is_followed_to_redis),
                                       cmocka_unit_test(a_changed_kpi_differs_and_no_other),
                                       cmocka_unit_test(what_was_refused_counts_once_it_is_understood),
                                       cmocka_unit_test(every_checkpoint_holds),
                                       cmocka_unit_test(the_town_has_not_noticed)};
    if (!town_open(&town, BF_PEER_KAFKA, "2s")) {
        return 77;
    }
    town_run(&town);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    town_close(&town);
    return failed;
}
