/* `belfry rejects` over rejects that are written by hand, with a mosquitto that somebody listens to: the
 * newest are listed, and what can be read now is published again, with its old time, once and never twice.
 * Covers: cli/reject_log.c, cli/rejects.c, cli/rejects_list.c, cli/rejects_replay.c */
#include "tests/unit/cli/command_run.h"

#include <stdatomic.h>

#include "config/bundle.h"
#include "config/log/config_log.h"
#include "core/hash.h"
#include "core/time.h"
#include "core/wire.h"
#include "tests/flow/kafka_peer.h"
#include "tests/flow/listener.h"
#include "tests/support/eventually.h"
#include "tests/support/tempdir.h"

#define AT (INT64_C(1700000000) * BF_US_PER_S)
#define GOOD "{\"co2\": 612}"

static struct bf_peer broker = {.kind = BF_PEER_MOSQUITTO};
static char config[400], url[100];
static struct bf_producer *producer;
static struct bf_mqtt *listener;
static atomic_int heard, timed;

/* ---- who listens */

static void on_message(void *context, const struct bf_mqtt_message *message)
{
    (void)context;
    atomic_fetch_add(&timed, message->has_time && message->time_us == AT);
    atomic_fetch_add(&heard, 1);
}

/* ---- the log */

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
    static const char city[] = "name: test\ntitle: Test\ntimezone: UTC\n";
    static const char profile[] =
        "name: office-air\nversion: 2\nnetwork: office\n"
        "topic: office/{room}/{device}/air\nformat: json\nzone: \"{room}\"\n"
        "readings: [{path: $.co2, quantity: co2, unit: \"[ppm]\", required: true}]\n";
    struct bf_bundle_file files[] = {{.name = BF_SLICE("city.yaml"), .bytes = bf_slice_of(city)},
                                     {.name = BF_SLICE("profiles/o.yaml"), .bytes = bf_slice_of(profile)}};
    struct bf_bundle made = {.files = files, .count = 2}, *bundle;
    const char *folder = bf_tempdir("rejects");
    char text[512];
    struct bf_slice packed;
    int64_t generation;
    bool installed;
    OK(bf_bundle_pack(&made, &packed, &err));
    OK(bf_bundle_unpack(packed, &bundle, &err));
    OK(bf_config_log_install_once(&kafka_options, &installed, &err));
    OK(bf_config_log_reload(&kafka_options, bundle, BF_TIME_NONE, &generation, &err));
    bf_bundle_destroy(bundle);
    union {
        const char *in;
        void *out;
    } bytes = {.in = packed.data};
    free(bytes.out);
    (void)snprintf(text, sizeof text, "kafka: {brokers: \"%s\"}\nmqtt: {url: \"%s\"}\n",
                   kafka_options.brokers, url);
    write_file(folder, "belfry.yaml", text);
    (void)snprintf(config, sizeof config, "%s/belfry.yaml", folder);
    OK(bf_producer_create(&kafka_options, 2, 1000, &producer, &err));
    listener = listener_open(url, "office/#", on_message);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    bf_mqtt_destroy(listener);
    bf_producer_destroy(producer, 1000);
    return 0;
}

static void put(struct bf_reject reject, int64_t serial)
{
    char bytes[2048];
    struct bf_mp_writer writer;
    reject.reason = reject.reason.len > 0 ? reject.reason : BF_SLICE("missing_field");
    reject.profile = BF_SLICE("office-air@1");
    reject.at_us = AT;
    reject.event_us = BF_TIME_NONE;
    if (reject.topic.len > 0) {
        reject.has_delivery = true;
        reject.delivery = (struct bf_delivery){.ingest = BF_SLICE("belfry-1"),
                                               .incarnation = 1,
                                               .epoch = 1,
                                               .serial = serial,
                                               .packet_id = (uint16_t)serial,
                                               .payload_hash = reject.payload_hash};
    }
    bf_mp_writer_init(&writer, bytes, sizeof bytes);
    bf_reject_pack(&reject, &writer);
    const struct bf_outgoing record = {.topic = BF_TOPIC_REJECTS,
                                       .partition = (int32_t)(serial % 4),
                                       .key = reject.topic,
                                       .value = {writer.data, writer.len},
                                       .type = BF_RECORD_REJECT};
    OK(bf_producer_send_sync(producer, &record, 10000, NULL, &err));
}

static struct bf_reject of(const char *payload)
{
    return (struct bf_reject){.stage = BF_STAGE_DECODE,
                              .topic = BF_SLICE("office/east/desk-42/air"),
                              .payload = bf_slice_of(payload),
                              .payload_len = strlen(payload),
                              .payload_hash = bf_hash64(bf_slice_of(payload)),
                              .whole = true};
}

/* One of every kind that there is. */
static void fill(void)
{
    put(of(GOOD), 1);
    put(of(GOOD), 1); /* delivered again, refused again */
    put(of(GOOD), 2); /* another message with the same payload */
    put(of("{\"co2\": "), 3);
    struct bf_reject part = of("{\"co2\": 1, \"x\": 2}");
    part.whole = false;
    put(part, 4);
    struct bf_reject hash = of("");
    hash.payload_len = 80;
    put(hash, 5);
    struct bf_reject cut = of("{\"co2\": 6");
    cut.payload_len = 8000;
    put(cut, 6);
    struct bf_reject nothing = of("{}");
    nothing.by_profile = true;
    nothing.stage = BF_STAGE_PROFILE;
    nothing.reason = BF_SLICE("empty");
    put(nothing, 7);
    put((struct bf_reject){.stage = BF_STAGE_LATE, .reason = BF_SLICE("late"), .source = BF_SLICE("a:b")}, 8);
}

static void they_are_listed(void **state)
{
    (void)state;
    fill();
    assert_int_equal(RUN("rejects", "list", "--config", config), 0);
    assert_printed("2023-11-14T22:13:20Z missing_field office-air@1 office/east/desk-42/air");
    assert_printed("9 rejects");
    assert_printed("missing_field             7");
    assert_int_equal(RUN("rejects", "list", "--config", config, "--reason", "late", "--json"), 0);
    assert_printed("\"place\":\"a:b\"");
    assert_printed("{\"rejects\":1,\"reasons\":{\"late\":1}}");
    assert_int_equal(RUN("rejects", "list", "--config", config, "--profile", "office", "-n", "0"), 0);
    assert_printed("0 rejects");
    assert_int_equal(RUN("rejects", "list", "--config", config, "--from", "2023-11-14T22:13:21Z"), 0);
    assert_printed("0 rejects");
}

static void a_dry_run_publishes_nothing(void **state)
{
    (void)state;
    assert_int_equal(RUN("rejects", "replay", "--config", config, "--dry-run", "--json"), 0);
    assert_printed("{\"rejects\":9,\"published\":2,\"already\":1,\"unsure\":0,\"refused\":1,\"by_profile\":1,"
                   "\"part\":1,\"task\":1,\"hash_only\":1,\"cut\":1,\"no_time\":0}");
    assert_int_equal(RUN("rejects", "replay", "--config", config, "--reason", "late", "--dry-run"), 0);
    assert_printed("1 were refused behind ingest");
    assert_int_equal(atomic_load(&heard), 0);
}

static void each_is_published_once(void **state)
{
    (void)state;
    assert_int_equal(RUN("rejects", "replay", "--config", config, "--profile", "office-air"), 0);
    assert_printed("2 published");
    BF_EVENTUALLY(atomic_load(&heard) == 2, 10000);
    assert_int_equal(atomic_load(&timed), 2);
    assert_int_equal(RUN("rejects", "replay", "--config", config, "--json"), 0);
    assert_printed("\"published\":0,\"already\":3");
    put(of(GOOD), 9); /* a new one */
    assert_int_equal(RUN("rejects", "replay", "--config", config, "--json"), 0);
    assert_printed("\"published\":1,\"already\":3");
    BF_EVENTUALLY(atomic_load(&heard) == 3, 10000);
}

/* As if a run had been killed between its mark and the broker's answer. */
static void what_may_have_been_published_needs_a_word(void **state)
{
    (void)state;
    char bytes[64];
    struct bf_mp_writer writer;
    put(of(GOOD), 10);
    uint64_t identity = bf_hash64_mix(bf_hash64(BF_SLICE("belfry-1")), bf_hash64(bf_slice_of(GOOD)));
    const struct bf_replayed begun = {.identity = bf_hash64_mix(bf_hash64_mix(identity, 1), 10), .at_us = AT};
    bf_mp_writer_init(&writer, bytes, sizeof bytes);
    bf_replayed_pack(&begun, &writer);
    const struct bf_outgoing record = {
        .topic = BF_TOPIC_REJECTS, .value = {writer.data, writer.len}, .type = BF_RECORD_REPLAYED};
    OK(bf_producer_send_sync(producer, &record, 10000, NULL, &err));
    assert_int_equal(RUN("rejects", "replay", "--config", config, "--json"), 0);
    assert_printed("\"published\":0,\"already\":4,\"unsure\":1");
    assert_int_equal(RUN("rejects", "replay", "--config", config, "--unsure", "--json"), 0);
    assert_printed("\"published\":1");
    BF_EVENTUALLY(atomic_load(&heard) == 4, 10000);
    assert_int_equal(RUN("rejects", "replay", "--config", config, "--unsure", "--json"), 0);
    assert_printed("\"published\":0,\"already\":5,\"unsure\":0");
}

static void slips_are_named(void **state)
{
    (void)state;
    assert_int_equal(RUN("rejects"), BF_EXIT_USAGE);
    assert_printed("list or replay?");
    assert_int_equal(RUN("rejects", "list", "--reason", "malformd"), BF_EXIT_USAGE);
    assert_printed("did you mean \"malformed\"?");
    assert_int_equal(RUN("rejects", "list", "--from", "noon"), BF_EXIT_USAGE);
    assert_printed("--from: expected a time");
    assert_int_equal(RUN("rejects", "list", "--dry-run"), BF_EXIT_USAGE);
    assert_int_equal(RUN("rejects", "replay", "--follow"), BF_EXIT_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_are_listed),        cmocka_unit_test(a_dry_run_publishes_nothing),
        cmocka_unit_test(each_is_published_once), cmocka_unit_test(what_may_have_been_published_needs_a_word),
        cmocka_unit_test(slips_are_named),
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
