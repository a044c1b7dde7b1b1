/* Checkpoints as `belfry checkpoint` reads them, from the embedded Kafka: one that a task has saved holds; a
 * digest, a chunk, a state or a commit that does not is named, and nothing is committed by looking.
 * Covers: cli/saved.c, cli/checkpoint.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <librdkafka/rdkafka.h>

#include "cli/saved.h"
#include "config/bundle.h"
#include "core/hash.h"
#include "core/time.h"
#include "core/wire.h"
#include "processors/stage1.h"
#include "tests/flow/kafka_peer.h"

#define OWNER 0xabcdef

static struct bf_producer *producer;
static rd_kafka_t *committer; /* belfry itself commits as a member only */
static struct bf_config_log *log_of_config;
static const struct bf_install *install;
static struct bf_saved_reader *reader;
static struct bf_saved saved;
static struct bf_saved_tables tables;
static const struct bf_kpi_plan *plan;
static char state_bytes[65536];
static struct bf_slice state;
static uint64_t number;

static void put_city(void)
{
    static const char city[] = "name: test\ntitle: Test\ntimezone: UTC\n";
    static const char kpis[] = "kpis:\n  - {id: seen, title: S, unit: \"1\", from: {quantity: speed},\n"
                               "     window: {tumbling: 10s}, group: [device], value: count}\n";
    struct bf_bundle_file files[] = {{.name = BF_SLICE("city.yaml"), .bytes = bf_slice_of(city)},
                                     {.name = BF_SLICE("kpis/all.yaml"), .bytes = bf_slice_of(kpis)}};
    struct bf_bundle made = {.files = files, .count = 2}, *bundle;
    struct bf_slice packed;
    int64_t generation;
    OK(bf_bundle_pack(&made, &packed, &err));
    OK(bf_bundle_unpack(packed, &bundle, &err)); /* knows its hash */
    OK(bf_config_log_reload(&kafka_options, bundle, BF_TIME_NONE, &generation, &err));
    bf_bundle_destroy(bundle);
    union {
        const char *in;
        void *out;
    } bytes = {.in = packed.data};
    free(bytes.out);
}

static enum bf_status give_plan(void *context, int64_t generation, const struct bf_kpi_plan **out,
                                struct bf_err *err)
{
    (void)context;
    (void)generation;
    (void)err;
    *out = plan;
    return BF_OK;
}

static void swallow(void *context, const struct bf_output *output)
{
    (void)context;
    (void)output;
}

/* What a stage 1 task has after a configuration and a few readings. */
static void make_state(void)
{
    static struct bf_kpi_plan *made;
    struct bf_generation record;
    const struct bf_city *city;
    struct bf_stage1 *task;
    char bytes[512];
    struct bf_mp_writer writer;
    OK(bf_config_log_generation(log_of_config, 1, &record, &city, &err));
    OK(bf_kpi_plan_create(city, 1, record.from_us, &made, &err));
    plan = made;
    const struct bf_task_options options = {
        .partition = 0, .install = install, .definitions = give_plan, .emit = swallow};
    OK(bf_stage1_create(&options, &task, &err));
    const struct bf_control control = {.generation = 1, .hash = record.hash, .from_us = BF_TIME_NONE};
    bf_mp_writer_init(&writer, bytes, sizeof bytes);
    bf_control_pack(&control, &writer);
    struct bf_input input = {.type = BF_RECORD_CONTROL, .value = {bytes, writer.len}};
    OK(bf_stage1_apply(task, &input, &err));
    for (int i = 0; i < 5; i++) {
        char source[16];
        (void)snprintf(source, sizeof source, "net:d%d", i);
        const struct bf_reading reading = {.source = bf_slice_of(source),
                                           .quantity = BF_SLICE("speed"),
                                           .event_us = 1000 * BF_US_PER_S,
                                           .ingest_us = 1000 * BF_US_PER_S,
                                           .value = {.kind = BF_VALUE_INT, .as.integer = i},
                                           .unit = BF_SLICE("1"),
                                           .quality = BF_QUALITY_GOOD,
                                           .delivery = {.ingest = BF_SLICE("in"), .serial = i}};
        bf_mp_writer_init(&writer, bytes, sizeof bytes);
        bf_reading_pack(&reading, &writer);
        input = (struct bf_input){.type = BF_RECORD_READING, .offset = i + 1, .value = {bytes, writer.len}};
        OK(bf_stage1_apply(task, &input, &err));
    }
    bf_mp_writer_init(&writer, state_bytes, sizeof state_bytes);
    bf_stage1_save(task, &writer);
    assert_false(writer.full);
    state = (struct bf_slice){state_bytes, writer.len};
    bf_stage1_destroy(task);
    bf_kpi_plan_destroy(made);
}

/* One chunk of s1/0; its offset. */
static int64_t put_chunk(struct bf_slice bytes)
{
    static char packed[BF_RECORD_MAX];
    char name[BF_SAVED_NAME], key[160];
    struct bf_mp_writer writer;
    int64_t offset;
    (void)snprintf(name, sizeof name, "%.*s/s1/0", BF_SLICE_ARG(install->id));
    const struct bf_chunk chunk = {
        .task = bf_slice_of(name), .owner = OWNER, .number = number, .chunk = 0, .chunks = 1, .bytes = bytes};
    bf_mp_writer_init(&writer, packed, sizeof packed);
    bf_chunk_pack(&chunk, &writer);
    const struct bf_outgoing record = {.topic = BF_TOPIC_CHECKPOINTS,
                                       .partition =
                                           bf_hash_partition(bf_slice_of(name), install->checkpoints),
                                       .key = {key, bf_chunk_key(name, OWNER, number, 0, key)},
                                       .value = {writer.data, writer.len},
                                       .type = BF_RECORD_CHUNK};
    OK(bf_producer_send_sync(producer, &record, 10000, &offset, &err));
    return offset;
}

static void open_committer(void)
{
    char why[200];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    assert_int_equal(rd_kafka_conf_set(conf, "bootstrap.servers", kafka_options.brokers, why, sizeof why),
                     RD_KAFKA_CONF_OK);
    assert_int_equal(rd_kafka_conf_set(conf, "group.id", "belfry-process", why, sizeof why),
                     RD_KAFKA_CONF_OK);
    committer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why);
    assert_non_null(committer);
}

static void commit_text(const char *text)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *its = rd_kafka_topic_partition_list_add(list, "belfry.readings", 0);
    its->offset = 0;
    its->metadata = strdup(text); /* the list frees it */
    its->metadata_size = strlen(text);
    assert_int_equal(rd_kafka_commit(committer, list, 0), RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_int_equal(its->err, RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_topic_partition_list_destroy(list);
}

static void commit(struct bf_slice bytes, int64_t offset, bool wrong_digest)
{
    char text[BF_MANIFEST_TEXT + 1];
    struct bf_manifest manifest = {.engine = BF_ENGINE_VERSION,
                                   .owner = OWNER,
                                   .number = number,
                                   .bytes = bytes.len,
                                   .chunks = 1,
                                   .offsets = {offset}};
    bf_hash_sha256_hex(bytes, manifest.digest);
    manifest.digest[5] = wrong_digest ? 'x' : manifest.digest[5];
    assert_true(bf_manifest_format(&manifest, text));
    commit_text(text);
}

static void verify(const char *expected)
{
    OK(bf_saved_verify(reader, 0, &saved, &tables, &err));
    if (expected == NULL) {
        assert_string_equal(saved.fault, "");
    } else if (strstr(saved.fault, expected) == NULL) {
        fail_msg("\"%s\" is not in \"%s\"", expected, saved.fault);
    }
}

static int set_up(void **state_of_group)
{
    (void)state_of_group;
    bool made;
    OK(bf_config_log_install_once(&kafka_options, &made, &err));
    put_city();
    OK(bf_config_log_open(&kafka_options, bf_aggregate_kinds(), &log_of_config, &err));
    install = bf_config_log_install(log_of_config);
    OK(bf_producer_create(&kafka_options, 2, 10000, &producer, &err));
    open_committer();
    OK(bf_saved_open(&kafka_options, log_of_config, &reader, &err));
    make_state();
    return 0;
}

static int tear_down(void **state_of_group)
{
    (void)state_of_group;
    bf_saved_close(reader);
    rd_kafka_destroy(committer);
    bf_producer_destroy(producer, 1000);
    bf_config_log_close(log_of_config);
    return 0;
}

static void tasks_have_names(void **unused)
{
    (void)unused;
    size_t count = bf_saved_count(reader);
    assert_int_equal(count, install->readings + install->partials);
    assert_int_equal(bf_saved_find(reader, "s1/3"), 3);
    assert_int_equal(bf_saved_find(reader, "s2/0"), install->readings);
    assert_int_equal(bf_saved_find(reader, "s3/0"), count);
    assert_int_equal(bf_saved_find(reader, "s1/"), count);
    assert_int_equal(bf_saved_find(reader, ""), count);
}

static void what_was_never_committed_is_no_fault(void **unused)
{
    (void)unused;
    verify(NULL);
    assert_true(saved.offset == -1 && !tables.loaded);
    assert_string_equal(saved.task, "s1/0");
}

static void what_a_task_saved_holds(void **unused)
{
    (void)unused;
    number = 1;
    commit(state, put_chunk(state), false);
    verify(NULL);
    assert_true(tables.loaded);
    assert_int_equal(tables.status.windows, 5);
    assert_int_equal(tables.status.series, 5);
    assert_int_equal(saved.manifest.number, 1);
    OK(bf_saved_look(reader, 0, &saved, &err));
    assert_string_equal(saved.fault, "");
    assert_int_equal(saved.manifest.bytes, state.len);
    assert_true(saved.written_ms > 0);
    OK(bf_saved_look(reader, 1, &saved, &err));
    assert_true(saved.offset == -1);
}

static void another_digest_is_a_fault(void **unused)
{
    (void)unused;
    number = 2;
    commit(state, put_chunk(state), true);
    verify("do not hold its digest");
}

static void a_chunk_that_is_gone_is_a_fault(void **unused)
{
    (void)unused;
    number = 3;
    commit(state, 4711, false);
    verify("chunk 0 of 1 is not at offset 4711");
    OK(bf_saved_look(reader, 0, &saved, &err));
    assert_non_null(strstr(saved.fault, "chunk 0 of 1"));
    number = 4;
    int64_t offset = put_chunk(state);
    number = 5; /* the commit names another checkpoint than stands there */
    commit(state, offset, false);
    verify("chunk 0 of 1 is not at");
}

static void a_state_that_no_task_can_load_is_a_fault(void **unused)
{
    (void)unused;
    number = 6;
    struct bf_slice cut = {state.data, state.len - 1};
    commit(cut, put_chunk(cut), false);
    verify("the checkpoint cannot be read");
    assert_false(tables.loaded);
}

static void a_foreign_commit_is_a_fault(void **unused)
{
    (void)unused;
    commit_text("somebody else's");
    verify("names no checkpoint");
    number = 7;
    commit(state, put_chunk(state), false);
    verify(NULL); /* and good again */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tasks_have_names),
        cmocka_unit_test(what_was_never_committed_is_no_fault),
        cmocka_unit_test(what_a_task_saved_holds),
        cmocka_unit_test(another_digest_is_a_fault),
        cmocka_unit_test(a_chunk_that_is_gone_is_a_fault),
        cmocka_unit_test(a_state_that_no_task_can_load_is_a_fault),
        cmocka_unit_test(a_foreign_commit_is_a_fault),
    };
    int code = kafka_start();
    if (code != 0) {
        return code;
    }
    code = cmocka_run_group_tests(tests, set_up, tear_down);
    bf_peer_stop(&kafka_peer);
    return code;
}
