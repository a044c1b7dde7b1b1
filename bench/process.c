/* process.c: what belfry-process does with a reading: consume, unpack, dedup, one window, on a Kafka that
 * holds 300,000 readings of 10,000 devices (10 s at 30,000 a second, with a tick every 250 ms). Floors:
 * librdkafka only consuming the same log, and the same tasks fed from memory. */
#include <librdkafka/rdkafka.h>
#include <stdlib.h>
#include <string.h>

#include "bench/measure.h"
#include "bench/sample.h"
#include "core/hash.h"
#include "core/wire.h"
#include "peers/kafka/kafka.h"
#include "processors/stage1.h"

#define PARTITIONS 12
#define READINGS 300000
#define PER_TICK 7500 /* of all partitions: 250 ms at 30,000 a second */
#define RECORDS (READINGS + READINGS / PER_TICK * PARTITIONS)
#define RECORD_MAX 320
#define WAIT_MS 10000

struct stored {
    enum bf_record_type type;
    int32_t partition;
    size_t len;
    char bytes[RECORD_MAX];
};

struct state {
    struct bf_kafka_options kafka;
    struct bf_install install;
    struct bf_city *cities[2];
    struct bf_kpi_plan *plans[2]; /* one KPI; three */
    int chosen;                   /* of them, by the row that runs */
    struct stored *log;
    struct bf_stage1 *tasks[PARTITIONS];
    struct bf_consumer *consumer;
    rd_kafka_t *bare;
    uint64_t outputs, bytes;
};

static const char city_yaml[] = "name: bench\ntitle: Bench\ntimezone: UTC\n";
#define MEAN_BY_DEVICE                        \
    "kpis:\n"                                 \
    "  - id: mean_by_device\n"                \
    "    unit: ug/m3\n"                       \
    "    from: {quantity: pm2_5}\n"           \
    "    window: {tumbling: 5s, delay: 1s}\n" \
    "    group: [device]\n"                   \
    "    value: mean\n"                       \
    "    live: false\n"
static const char *const kpi_yaml[] = {
    MEAN_BY_DEVICE,
    MEAN_BY_DEVICE "  - id: p95_by_zone\n"
                   "    unit: ug/m3\n"
                   "    from: {quantity: pm2_5}\n"
                   "    window: {tumbling: 5s, delay: 1s}\n"
                   "    group: [zone]\n"
                   "    value: {quantile: {p: 0.95}}\n"
                   "  - id: readings\n"
                   "    unit: \"1\"\n"
                   "    from: {quantity: pm2_5}\n"
                   "    window: {tumbling: 5s, delay: 1s}\n"
                   "    group: [city]\n"
                   "    value: count\n",
};

static enum bf_status define(void *context, int64_t generation, const struct bf_kpi_plan **plan,
                             struct bf_err *err)
{
    struct state *state = context;
    (void)generation;
    (void)err;
    *plan = state->plans[state->chosen];
    return BF_OK;
}

static void take_output(void *context, const struct bf_output *output)
{
    struct state *state = context;
    state->outputs++;
    state->bytes += output->value.len;
}

static void make_plan(struct state *state, int which)
{
    struct bf_bundle_file files[] = {
        {.name = BF_SLICE("city.yaml"), .bytes = bf_slice_of(city_yaml)},
        {.name = BF_SLICE("kpis/one.yaml"), .bytes = bf_slice_of(kpi_yaml[which])},
    };
    struct bf_bundle bundle = {.files = files, .count = 2};
    memset(bundle.hash, '0', sizeof bundle.hash - 1);
    struct bf_err err;
    bench_must(bf_city_load(&bundle, bf_aggregate_kinds(), &state->cities[which], &err), &err);
    bench_must(bf_kpi_plan_create(state->cities[which], 1, BF_TIME_NONE, &state->plans[which], &err), &err);
}

/* ---- the log */

static void store(struct stored *record, enum bf_record_type type, int32_t partition,
                  const struct bf_mp_writer *writer)
{
    if (writer->full) {
        bench_fail("a record is larger than thought");
    }
    record->type = type;
    record->partition = partition;
    record->len = writer->len;
}

static size_t store_ticks(struct stored *log, int64_t serial)
{
    const struct bf_tick tick = {
        .ingest = BF_SLICE("belfry-1"),
        .incarnation = 1,
        .has_epoch = true,
        .epoch = 1,
        .serial = serial,
        .wall_us = BENCH_START_US + serial * BF_US_PER_S / 30000,
        .has_clock = true,
        .clock_us = BENCH_START_US + serial * BF_US_PER_S / 30000,
        .flows = true,
        .generation = 1,
    };
    for (int32_t partition = 0; partition < PARTITIONS; partition++) {
        struct bf_mp_writer writer;
        bf_mp_writer_init(&writer, log[partition].bytes, RECORD_MAX);
        bf_tick_pack(&tick, &writer);
        store(&log[partition], BF_RECORD_TICK, partition, &writer);
    }
    return PARTITIONS;
}

static void make_log(struct state *state)
{
    size_t at = 0;
    state->log = malloc(RECORDS * sizeof *state->log);
    if (!state->log) {
        bench_fail("memory");
    }
    for (int64_t serial = 0; serial < READINGS; serial++) {
        unsigned device = (unsigned)(serial % BENCH_DEVICES);
        struct bf_reading reading;
        struct bf_mp_writer writer;
        bench_sample_reading(device, serial, &reading);
        bf_mp_writer_init(&writer, state->log[at].bytes, RECORD_MAX);
        bf_reading_pack(&reading, &writer);
        store(&state->log[at++], BF_RECORD_READING, (int32_t)(device % PARTITIONS), &writer);
        if ((serial + 1) % PER_TICK == 0) {
            at += store_ticks(state->log + at, serial);
        }
    }
}

static void write_log(const struct state *state)
{
    struct bf_producer *producer;
    struct bf_err err;
    bench_must(bf_producer_create(&state->kafka, 5, 100000, &producer, &err), &err);
    for (size_t i = 0; i < RECORDS; i++) {
        const struct stored *stored = &state->log[i];
        const struct bf_outgoing record = {
            .topic = BF_TOPIC_READINGS,
            .partition = stored->partition,
            .key =
                stored->type == BF_RECORD_READING ? BF_SLICE("bench:dev-00000") : (struct bf_slice){.len = 0},
            .value = {.data = stored->bytes, .len = stored->len},
            .type = stored->type,
        };
        bench_must(bf_producer_send_wait(producer, &record, NULL, &err), &err);
    }
    bench_must(bf_producer_wait(producer, bf_producer_handed(producer), 60000, &err), &err);
    bf_producer_destroy(producer, WAIT_MS);
}

/* ---- the rows */

static void end_tasks(struct state *state)
{
    for (size_t i = 0; i < PARTITIONS; i++) {
        bf_stage1_destroy(state->tasks[i]);
        state->tasks[i] = NULL;
    }
}

static void begin_tasks(void *context)
{
    struct state *state = context;
    char bytes[RECORD_MAX];
    struct bf_mp_writer writer;
    struct bf_err err;
    const struct bf_control control = {
        .generation = 1, .hash = bf_slice_of(state->cities[0]->hash), .from_us = BF_TIME_NONE};
    end_tasks(state);
    bf_mp_writer_init(&writer, bytes, sizeof bytes);
    bf_control_pack(&control, &writer);
    for (int32_t i = 0; i < PARTITIONS; i++) {
        const struct bf_task_options options = {
            .partition = i,
            .install = &state->install,
            .definitions = define,
            .definitions_context = state,
            .emit = take_output,
            .emit_context = state,
        };
        bench_must(bf_stage1_create(&options, &state->tasks[i], &err), &err);
        const struct bf_input input = {
            .type = BF_RECORD_CONTROL, .offset = 0, .value = {.data = bytes, .len = writer.len}};
        bench_must(bf_stage1_apply(state->tasks[i], &input, &err), &err);
    }
}

static void check_tasks(const struct state *state)
{
    uint64_t accepted = 0;
    for (size_t i = 0; i < PARTITIONS; i++) {
        struct bf_task_counters counters = bf_stage1_counters(state->tasks[i]);
        accepted += counters.accepted - counters.late - counters.limit;
    }
    if (accepted != READINGS) {
        bench_fail("not every reading was counted");
    }
}

static void run_memory(void *context, size_t count)
{
    struct state *state = context;
    struct bf_err err;
    (void)count;
    for (size_t i = 0; i < RECORDS; i++) {
        const struct stored *stored = &state->log[i];
        const struct bf_input input = {.type = stored->type,
                                       .offset = (int64_t)i + 1,
                                       .value = {.data = stored->bytes, .len = stored->len}};
        bench_must(bf_stage1_apply(state->tasks[stored->partition], &input, &err), &err);
    }
    check_tasks(state);
}

/* Only the unpacking of what run_memory feeds. */
static void run_unpack(void *context, size_t count)
{
    struct state *state = context;
    struct bf_reading reading;
    struct bf_err err;
    (void)count;
    for (size_t i = 0; i < RECORDS; i++) {
        const struct stored *stored = &state->log[i];
        if (stored->type == BF_RECORD_READING) {
            struct bf_slice bytes = {.data = stored->bytes, .len = stored->len};
            bench_must(bf_reading_unpack(bytes, &reading, &err), &err);
            state->bytes += reading.source.len;
        }
    }
}

static void begin_consumer(void *context)
{
    struct state *state = context;
    struct bf_err err;
    begin_tasks(state);
    bf_consumer_destroy(state->consumer);
    bench_must(bf_consumer_create(&state->kafka, NULL, false, &state->consumer, &err), &err);
}

static void begin_one(void *context)
{
    ((struct state *)context)->chosen = 0;
    begin_consumer(context);
}

static void begin_three(void *context)
{
    ((struct state *)context)->chosen = 1;
    begin_consumer(context);
}

static void begin_memory(void *context)
{
    ((struct state *)context)->chosen = 0;
    begin_tasks(context);
}

static void run_consume(void *context, size_t count)
{
    struct state *state = context;
    struct bf_position positions[PARTITIONS];
    struct bf_err err;
    (void)count;
    for (int32_t i = 0; i < PARTITIONS; i++) {
        positions[i] =
            (struct bf_position){.topic = BF_TOPIC_READINGS, .partition = i, .offset = BF_OFFSET_BEGINNING};
    }
    bench_must(bf_consumer_assign(state->consumer, positions, PARTITIONS, &err), &err);
    for (size_t seen = 0; seen < RECORDS; seen++) {
        struct bf_incoming incoming;
        bench_must(bf_consumer_poll(state->consumer, WAIT_MS, &incoming, &err), &err);
        struct bf_input input = {
            .type = BF_RECORD_READING, .offset = incoming.offset + 1, .value = incoming.value};
        if (!incoming.has_key && !bf_incoming_type(&incoming, &input.type)) {
            bench_fail("a record of no type");
        }
        bench_must(bf_stage1_apply(state->tasks[incoming.partition], &input, &err), &err);
        bf_incoming_release(&incoming);
    }
    check_tasks(state);
}

static void begin_bare(void *context)
{
    struct state *state = context;
    static const char *const settings[][2] = {
        {"socket.nagle.disable", "true"},
        {"queued.max.messages.kbytes", "4096"},
        {"broker.address.family", "v4"},
    };
    char why[256];
    if (state->bare) {
        rd_kafka_destroy(state->bare);
    }
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        (void)rd_kafka_conf_set(conf, settings[i][0], settings[i][1], why, sizeof why);
    }
    (void)rd_kafka_conf_set(conf, "bootstrap.servers", state->kafka.brokers, why, sizeof why);
    state->bare = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why);
    if (!state->bare) {
        bench_fail(why);
    }
}

static void run_bare(void *context, size_t count)
{
    struct state *state = context;
    char name[128];
    rd_kafka_message_t *batch[512];
    size_t seen = 0;
    (void)count;
    rd_kafka_queue_t *queue = rd_kafka_queue_new(state->bare);
    rd_kafka_topic_t *topic = rd_kafka_topic_new(
        state->bare, bf_topic_name(&state->kafka, BF_TOPIC_READINGS, name, sizeof name), NULL);
    for (int32_t i = 0; i < PARTITIONS; i++) {
        (void)rd_kafka_consume_start_queue(topic, i, RD_KAFKA_OFFSET_BEGINNING, queue);
    }
    while (seen < RECORDS) {
        size_t size = sizeof batch / sizeof *batch; /* the call waits until a batch is full */
        size = RECORDS - seen < size ? RECORDS - seen : size;
        ssize_t got = rd_kafka_consume_batch_queue(queue, WAIT_MS, batch, size);
        if (got <= 0) {
            bench_fail("Kafka gives no more");
        }
        for (ssize_t i = 0; i < got; i++) {
            state->bytes += batch[i]->len;
            seen += batch[i]->err == RD_KAFKA_RESP_ERR_NO_ERROR;
            rd_kafka_message_destroy(batch[i]);
        }
    }
    for (int32_t i = 0; i < PARTITIONS; i++) {
        (void)rd_kafka_consume_stop(topic, i);
    }
    rd_kafka_topic_destroy(topic);
    rd_kafka_queue_destroy(queue);
}

/* What the rows need: both plans, and a log of which Kafka and the memory have a copy each. */
static void prepare(struct state *state, int argc, char **argv)
{
    struct bf_err err;
    int created;
    state->kafka =
        (struct bf_kafka_options){.brokers = bench_argument(argc, argv, "--brokers", "127.0.0.1:9092"),
                                  .prefix = bench_argument(argc, argv, "--prefix", "belfry"),
                                  .client_id = "bench"};
    if (bench_argument(argc, argv, "--make-topics", NULL)) {
        bench_must(bf_topics_ensure(&state->kafka, 1, &created, &err), &err);
    }
    make_plan(state, 0);
    make_plan(state, 1);
    make_log(state);
    write_log(state);
}

static void clear(struct state *state)
{
    end_tasks(state);
    bf_consumer_destroy(state->consumer);
    if (state->bare) {
        rd_kafka_destroy(state->bare);
    }
    for (int i = 0; i < 2; i++) {
        bf_kpi_plan_destroy(state->plans[i]);
        bf_city_destroy(state->cities[i]);
    }
    free(state->log);
}

int main(int argc, char **argv)
{
    static struct state state = {.install = {.id = BF_SLICE_INIT("0000000000000000"),
                                             .readings = PARTITIONS,
                                             .rejects = 4,
                                             .partials = 4,
                                             .kpis = 4,
                                             .checkpoints = PARTITIONS}};
    struct bench_options options = bench_options_read(argc, argv);
    prepare(&state, argc, argv);
    struct bench_row rows[] = {
        {.stage = "process",
         .name = "consume, unpack, dedup, one window",
         .run = run_consume,
         .prepare = begin_one,
         .context = &state,
         .count = READINGS,
         .floor = "librdkafka: consume the same log",
         .goal_us = 1.5},
        {.stage = "process",
         .name = "consume, unpack, dedup, device mean, zone quantile, city count",
         .run = run_consume,
         .prepare = begin_three,
         .context = &state,
         .count = READINGS,
         .floor = "librdkafka: consume the same log",
         .goal_us = 2.5},
        {.stage = "process",
         .name = "librdkafka: consume the same log",
         .run = run_bare,
         .prepare = begin_bare,
         .context = &state,
         .count = READINGS},
        {.stage = "process",
         .name = "from memory: unpack, dedup, one window",
         .run = run_memory,
         .prepare = begin_memory,
         .context = &state,
         .count = READINGS,
         .floor = "from memory: unpack only"},
        {.stage = "process",
         .name = "from memory: unpack only",
         .run = run_unpack,
         .context = &state,
         .count = READINGS},
    };
    bench_measure(rows, sizeof rows / sizeof *rows, &options);
    clear(&state);
    return state.outputs > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
