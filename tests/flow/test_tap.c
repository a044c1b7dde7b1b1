/* `belfry tap` beside a mosquitto and a Kafka into which a second thread writes all the while: what is shown,
 * what is passed over, how much, and that its lines can be played again.
 * Covers: cli/listen.c, cli/tap.c, cli/tap_log.c, cli/tap_raw.c, cli/tap_say.c */
#include "tests/unit/cli/command_run.h"

#include <pthread.h>
#include <time.h>

#include "cli/capture.h"
#include "cli/publisher.h"
#include "cli/tap.h"
#include "config/log/config_log.h"
#include "core/hash.h"
#include "core/time.h"
#include "core/wire.h"
#include "tests/flow/kafka_peer.h"
#include "tests/support/tempdir.h"

#define AT (INT64_C(1772366400) * BF_US_PER_S)
#define TURN_NS 5000000

static struct bf_peer broker = {.kind = BF_PEER_MOSQUITTO};
static char config[400], url[100];
static struct bf_producer *producer;
static struct bf_site *site; /* the publisher borrows from it */

/* ---- who writes: everything once in each turn, until the command has seen enough */

static struct {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool stop;
    struct bf_publisher *publisher;
} writer = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void send_record(enum bf_topic topic, enum bf_record_type type, const struct bf_mp_writer *packed)
{
    const struct bf_outgoing record = {.topic = topic, .value = {packed->data, packed->len}, .type = type};
    OK(bf_producer_send_sync(producer, &record, 10000, NULL, &err));
}

static void send_records(void)
{
    char bytes[2048];
    struct bf_mp_writer packed;
    struct bf_reading reading = {.source = BF_SLICE("office:desk-42"),
                                 .quantity = BF_SLICE("co2"),
                                 .event_us = AT,
                                 .ingest_us = AT,
                                 .value = {.as.number = 612},
                                 .unit = BF_SLICE("[ppm]"),
                                 .quality = BF_QUALITY_GOOD,
                                 .zone = BF_SLICE("east"),
                                 .delivery = {.ingest = BF_SLICE("i")}};
    for (int i = 0; i < 2; i++) {
        bf_mp_writer_init(&packed, bytes, sizeof bytes);
        bf_reading_pack(&reading, &packed);
        send_record(BF_TOPIC_READINGS, BF_RECORD_READING, &packed);
        reading.source = BF_SLICE("office:desk-43:left");
        reading.zone = BF_SLICE("west");
    }
    struct bf_reject reject = {.stage = BF_STAGE_DECODE,
                               .reason = BF_SLICE("malformed"),
                               .detail = BF_SLICE("at byte 9"),
                               .topic = BF_SLICE("office/east/desk-42/air"),
                               .payload = {"\0\xff", 2},
                               .payload_len = 2,
                               .whole = true,
                               .at_us = AT,
                               .event_us = BF_TIME_NONE};
    for (int i = 0; i < 2; i++) {
        bf_mp_writer_init(&packed, bytes, sizeof bytes);
        bf_reject_pack(&reject, &packed);
        send_record(BF_TOPIC_REJECTS, BF_RECORD_REJECT, &packed);
        reject.topic = BF_SLICE("office/west/desk-43/air");
        reject.payload_len = 100; /* cut */
    }
    const struct bf_kpi kpi = {.kpi = BF_SLICE("co2"),
                               .scope = BF_SLICE("zone.east+device.office~3Adesk-42"),
                               .unit = BF_SLICE("[ppm]"),
                               .start_us = AT,
                               .end_us = AT + 60 * BF_US_PER_S,
                               .has_value = true,
                               .value = 612.5,
                               .n = 3,
                               .phase = BF_KPI_FINAL,
                               .revision = 1,
                               .quality = BF_QUALITY_GOOD,
                               .clock_us = AT,
                               .stale_after_us = AT};
    bf_mp_writer_init(&packed, bytes, sizeof bytes);
    bf_kpi_pack(&kpi, &packed);
    send_record(BF_TOPIC_KPIS, BF_RECORD_KPI, &packed);
    const struct bf_outgoing alert = {.topic = BF_TOPIC_ALERTS,
                                      .key = BF_SLICE("f1"),
                                      .value = BF_SLICE("{\"state\":\"firing\"}"),
                                      .type = BF_RECORD_CONTROL};
    OK(bf_producer_send_sync(producer, &alert, 10000, NULL, &err));
}

static void *write_on(void *context)
{
    (void)context;
    for (bool stop = false; !stop;) {
        struct timespec until;
        OK(bf_publisher_send(writer.publisher, 0, BF_SLICE("office/east/desk-42/air"),
                             BF_SLICE("{\"co2\": 612}"), AT, &err));
        OK(bf_publisher_send(writer.publisher, 0, BF_SLICE("office/west/desk-43/air"),
                             ((struct bf_slice){"\x01\xff", 2}), AT, &err));
        send_records();
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += TURN_NS;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_mutex_lock(&writer.lock);
        if (!writer.stop) {
            pthread_cond_timedwait(&writer.changed, &writer.lock, &until);
        }
        stop = writer.stop;
        pthread_mutex_unlock(&writer.lock);
    }
    return NULL;
}

/* ---- the tests */

static void messages_of_mqtt(void **state)
{
    (void)state;
    assert_int_equal(RUN("tap", "raw", "-c", config, "-n", "4", "-t", "office/#", "-r", "100000"), 0);
    assert_printed("2026-03-01T12:00:00Z office/east/desk-42/air {\"co2\": 612}\n");
    assert_printed("office/west/desk-43/air ?\xff\n");
    assert_int_equal(RUN("tap", "raw", "-c", config, "-n", "3", "-d", "office:desk-42"),
                     0); /* ingest's topics */
    assert_null(strstr(printed, "desk-43"));
    assert_int_equal(RUN("tap", "raw", "-c", config, "-f", "200ms", "-t", "other/#"), 0);
    assert_int_equal(printed_out, 0);
}

static void its_lines_are_a_capture(void **state)
{
    (void)state;
    struct bf_capture *capture = NULL;
    struct bf_capture_line line;
    struct bf_err err;
    bool text = false, bytes = false;
    assert_int_equal(RUN("tap", "raw", "-c", config, "-n", "6", "--json", "-t", "office/#"), 0);
    assert_int_equal(bf_capture_open_bytes((struct bf_slice){printed, printed_out}, NULL, &capture, &err),
                     BF_OK);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(bf_capture_next(capture, &line, &err), BF_OK);
        assert_true(line.time_us == AT);
        text = text || bf_slice_equal(line.payload, BF_SLICE("{\"co2\": 612}"));
        bytes = bytes || bf_slice_equal(line.payload, (struct bf_slice){"\x01\xff", 2});
    }
    assert_true(text && bytes);
    assert_int_equal(bf_capture_next(capture, &line, &err), BF_AGAIN);
    bf_capture_close(capture);
}

static void readings(void **state)
{
    (void)state;
    assert_int_equal(RUN("tap", "readings", "-c", config, "-n", "3", "-z", "west"), 0);
    assert_printed(
        "2026-03-01T12:00:00Z office:desk-43:left co2 612 [ppm] good in west of 2026-03-01T12:00:00Z\n");
    assert_null(strstr(printed, "desk-42"));
    assert_int_equal(RUN("tap", "readings", "-c", config, "-n", "2", "-d", "desk-42", "-j"), 0);
    assert_printed("{\"tap\":\"readings\",\"at\":\"2026-03-01T12:00:00Z\",\"reading\":{\"quantity\":\"co2\","
                   "\"value\":612,");
    assert_null(strstr(printed, "desk-43"));
}

static void rejects(void **state)
{
    (void)state;
    assert_int_equal(RUN("tap", "rejects", "-c", config, "-n", "2", "-t", "office/east/#"), 0);
    assert_printed("2026-03-01T12:00:00Z malformed - office/east/desk-42/air: at byte 9\n");
    assert_null(strstr(printed, "west"));
    assert_int_equal(RUN("tap", "rejects", "-c", config, "-n", "4", "--json"), 0);
    assert_printed("\"topic\":\"office/east/desk-42/air\",\"payload_base64\":\"AP8=\"}\n");
    assert_printed(
        "\"bytes\":100,\"of_topic\":\"office/west/desk-43/air\"}\n"); /* it was cut: not to be played */
    assert_int_equal(RUN("tap", "rejects", "-c", config, "-n", "1", "-d", "desk-43"), 0);
    assert_printed("office/west/desk-43/air");
}

static void results_and_alerts(void **state)
{
    (void)state;
    assert_int_equal(RUN("tap", "kpis", "-c", config, "-n", "1", "-k", "co2", "-z", "east", "-d", "desk-42"),
                     0);
    assert_printed("2026-03-01T12:00:00Z co2 zone.east+device.office~3Adesk-42 612.5 [ppm], n 3, "
                   "2026-03-01T12:00:00Z to "
                   "2026-03-01T12:01:00Z, final, revision 1\n");
    assert_int_equal(RUN("tap", "kpis", "-c", config, "-n", "1", "-d", "office:desk-42", "-j"), 0);
    assert_printed("\"value\":612.5,\"unit\":\"[ppm]\",\"n\":3,\"window_start_ms\":1772366400000,");
    assert_int_equal(RUN("tap", "kpis", "-c", config, "-f", "300ms", "-z", "eas"), 0);
    assert_int_equal(printed_out, 0);
    assert_int_equal(RUN("tap", "alerts", "-c", config, "-n", "1"), 0);
    assert_printed(" f1 {\"state\":\"firing\"}\n");
    assert_int_equal(RUN("tap", "alerts", "-c", config, "-n", "1", "-j"), 0);
    assert_printed("\"key\":\"f1\",\"payload\":\"{\\\"state\\\":\\\"firing\\\"}\"}\n");
    assert_int_equal(RUN("tap", "signals", "-c", config, "-f", "100ms"), 0);
    assert_int_equal(printed_out, 0);
}

static void what_is_left_out_is_said(void **state)
{
    (void)state;
    assert_int_equal(RUN("tap", "raw", "-c", config, "-n", "3", "-t", "office/#", "-r", "2"), 0);
    assert_printed(" left out (--rate 2)\n");
    assert_int_equal(RUN("tap", "readings", "-c", config, "-n", "3", "-r", "2"), 0);
    assert_printed(" left out (--rate 2)\n");
}

static void slips_are_named(void **state)
{
    (void)state;
    assert_int_equal(RUN("tap"), BF_EXIT_USAGE);
    assert_int_equal(RUN("tap", "kpi"), BF_EXIT_USAGE);
    assert_printed("there is no stage \"kpi\"; did you mean \"kpis\"?");
    assert_int_equal(RUN("tap", "readings", "--topic", "x"), BF_EXIT_USAGE);
    assert_printed("--topic goes with raw and rejects");
    assert_int_equal(RUN("tap", "raw", "--kpi", "x"), BF_EXIT_USAGE);
    assert_int_equal(RUN("tap", "raw", "--zone", "x"), BF_EXIT_USAGE);
    assert_int_equal(RUN("tap", "alerts", "--device", "x"), BF_EXIT_USAGE);
    assert_int_equal(RUN("tap", "raw", "--rate", "0"), BF_EXIT_USAGE);
    assert_int_equal(RUN("tap", "raw", "more"), BF_EXIT_USAGE);
}

static void filters_match_as_in_mqtt(void **state)
{
    (void)state;
    static const struct {
        const char *filter, *topic;
        bool matches;
    } cases[] = {{"a/b", "a/b", true},    {"a/+", "a/b", true},      {"a/+", "a", false},
                 {"a/#", "a", true},      {"a/#", "a/b/c", true},    {"#", "a/b", true},
                 {"#", "$SYS/x", false},  {"+/x", "$SYS/x", false},  {"a/b", "a/b/c", false},
                 {"a/b/c", "a/b", false}, {"+", "", true},           {"/+", "/a", true},
                 {"a/+/c", "a//c", true}, {"$SYS/#", "$SYS/x", true}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (bf_tap_filter_matches(bf_slice_of(cases[i].filter), bf_slice_of(cases[i].topic)) !=
            cases[i].matches) {
            fail_msg("%s %s", cases[i].filter, cases[i].topic);
        }
    }
}

/* ---- around them */

static void write_file(const char *folder, const char *name, const char *text)
{
    char path[500];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int set_up(void **state)
{
    (void)state;
    const char *folder = bf_tempdir("tap");
    char text[512];
    bool installed;
    (void)snprintf(
        text, sizeof text,
        "city: .\nkafka: {brokers: \"%s\"}\nmqtt: {url: \"%s\"}\ningest: {filters: [\"office/#\"]}\n",
        kafka_options.brokers, url);
    write_file(folder, "belfry.yaml", text);
    write_file(folder, "city.yaml", "name: test\n");
    (void)snprintf(config, sizeof config, "%s/belfry.yaml", folder);
    OK(bf_config_log_install_once(&kafka_options, &installed, &err));
    OK(bf_producer_create(&kafka_options, 2, 1000, &producer, &err));
    OK(bf_site_load(config, &site, &err));
    OK(bf_publisher_open(site, "writer", 1, &writer.publisher, &err));
    return pthread_create(&writer.thread, NULL, write_on, NULL);
}

static int tear_down(void **state)
{
    (void)state;
    pthread_mutex_lock(&writer.lock);
    writer.stop = true;
    pthread_cond_signal(&writer.changed);
    pthread_mutex_unlock(&writer.lock);
    pthread_join(writer.thread, NULL);
    bf_publisher_close(writer.publisher);
    bf_producer_destroy(producer, 10000);
    bf_site_destroy(site);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_of_mqtt),   cmocka_unit_test(its_lines_are_a_capture),
        cmocka_unit_test(readings),           cmocka_unit_test(rejects),
        cmocka_unit_test(results_and_alerts), cmocka_unit_test(what_is_left_out_is_said),
        cmocka_unit_test(slips_are_named),    cmocka_unit_test(filters_match_as_in_mqtt),
    };
    struct bf_err err;
    if (!bf_peer_available(BF_PEER_MOSQUITTO)) {
        (void)fputs("skipped: mosquitto is not installed\n", stderr);
        return SKIPPED;
    }
    int code = kafka_start();
    if (code != 0) {
        return code;
    }
    code = bf_peer_start(&broker, &err) == BF_OK ? 0 : 1;
    if (code == 0) {
        (void)snprintf(url, sizeof url, "mqtt://%s", broker.address);
        code = cmocka_run_group_tests(tests, set_up, tear_down);
        bf_peer_stop(&broker);
    }
    bf_peer_stop(&kafka_peer);
    return code;
}
