/* checkpoint.c: what it costs to save, digest and load the state of one task with its share of 1,000,000
 * device series (one of 12 partitions), and, with --fill BROKERS, the log that gives a real belfry-process
 * such tasks: bench/run measures its longest pause. Declined: a state made by hand (its layout would be
 * another than that of a task that has read a log). */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/measure.h"
#include "core/hash.h"
#include "core/time.h"
#include "core/wire.h"
#include "peers/kafka/kafka.h"
#include "processors/stage1.h"

#define PARTITIONS 12
#define SERIES 1000000
#define START_US INT64_C(1700000000000000)
#define STATE_MAX ((size_t)160 << 20)
#define RECORD_MAX 320

struct state {
    struct bf_city *city;
    struct bf_kpi_plan *plan;
    struct bf_install install;
    struct bf_stage1 *task, *loaded;
    char *bytes;
    size_t len;
};

static const char city_yaml[] = "name: bench\ntitle: Bench\ntimezone: UTC\n"
                                "limits: {max_windows: 200000, max_scopes: 100000, max_devices: 100000}\n";
static const char kpi_yaml[] = "kpis:\n"
                               "  - id: sum_by_device\n"
                               "    title: Sum by device\n"
                               "    unit: ug/m3\n"
                               "    from: {quantity: pm2_5}\n"
                               "    window: {tumbling: 1h, delay: 5s, allowed_lateness: 1h}\n"
                               "    group: [device]\n"
                               "    value: sum\n"
                               "    live: false\n";

static enum bf_status define(void *context, int64_t generation, const struct bf_kpi_plan **plan,
                             struct bf_err *err)
{
    struct state *state = context;
    (void)generation;
    (void)err;
    *plan = state->plan;
    return BF_OK;
}

static void take_output(void *context, const struct bf_output *output)
{
    (void)context;
    (void)output;
}

static void make_plan(struct state *state)
{
    struct bf_bundle_file files[] = {
        {.name = BF_SLICE("city.yaml"), .bytes = bf_slice_of(city_yaml)},
        {.name = BF_SLICE("kpis/one.yaml"), .bytes = bf_slice_of(kpi_yaml)},
    };
    struct bf_bundle bundle = {.files = files, .count = 2};
    memset(bundle.hash, '0', sizeof bundle.hash - 1);
    struct bf_err err;
    bench_must(bf_city_load(&bundle, bf_aggregate_kinds(), &state->city, &err), &err);
    bench_must(bf_kpi_plan_create(state->city, 1, BF_TIME_NONE, &state->plan, &err), &err);
}

/* ---- records */
static struct bf_slice source_of(int device)
{
    static char source[32];
    int len = snprintf(source, sizeof source, "bench:dev-%07d", device);
    return (struct bf_slice){.data = source, .len = (size_t)len};
}

static struct bf_slice reading_of(int device, int64_t serial, char bytes[RECORD_MAX])
{
    struct bf_mp_writer writer;
    const struct bf_reading reading = {
        .source = source_of(device),
        .quantity = BF_SLICE("pm2_5"),
        .event_us = START_US + serial,
        .ingest_us = START_US + serial,
        .value = {.kind = BF_VALUE_DOUBLE, .as.number = 12.3 + device % 100},
        .unit = BF_SLICE("ug/m3"),
        .quality = BF_QUALITY_GOOD,
        .has_place = true,
        .lat_e7 = 601750000 + device,
        .lon_e7 = 249350000 + device,
        .zone = BF_SLICE("district-07"),
        .profile = BF_SLICE("bench@1"),
        .delivery = {.ingest = BF_SLICE("belfry-1"),
                     .incarnation = 1,
                     .epoch = 1,
                     .serial = serial,
                     .packet_id = (uint16_t)(serial % 65535 + 1),
                     .payload_hash = (uint64_t)serial * UINT64_C(0x9e3779b97f4a7c15)},
    };
    bf_mp_writer_init(&writer, bytes, RECORD_MAX);
    bf_reading_pack(&reading, &writer);
    return (struct bf_slice){.data = bytes, .len = writer.len};
}

static struct bf_slice tick_of(int64_t serial, char bytes[RECORD_MAX])
{
    struct bf_mp_writer writer;
    const struct bf_tick tick = {
        .ingest = BF_SLICE("belfry-1"),
        .incarnation = 1,
        .has_epoch = true,
        .epoch = 1,
        .serial = serial,
        .wall_us = START_US + serial,
        .has_clock = true,
        .clock_us = START_US + serial,
        .flows = true,
        .generation = 1,
    };
    bf_mp_writer_init(&writer, bytes, RECORD_MAX);
    bf_tick_pack(&tick, &writer);
    return (struct bf_slice){.data = bytes, .len = writer.len};
}

/* ---- one task, in memory */
static void apply(struct bf_stage1 *task, enum bf_record_type type, int64_t offset, struct bf_slice value)
{
    struct bf_err err;
    const struct bf_input input = {.type = type, .offset = offset, .value = value};
    bench_must(bf_stage1_apply(task, &input, &err), &err);
}

static struct bf_stage1 *new_task(struct state *state)
{
    struct bf_stage1 *task;
    struct bf_err err;
    const struct bf_task_options options = {.partition = 0,
                                            .install = &state->install,
                                            .definitions = define,
                                            .definitions_context = state,
                                            .emit = take_output,
                                            .emit_context = state};
    bench_must(bf_stage1_create(&options, &task, &err), &err);
    return task;
}

static void fill_task(struct state *state)
{
    char bytes[RECORD_MAX];
    struct bf_mp_writer writer;
    const struct bf_control control = {
        .generation = 1, .hash = bf_slice_of(state->city->hash), .from_us = BF_TIME_NONE};
    bf_mp_writer_init(&writer, bytes, sizeof bytes);
    bf_control_pack(&control, &writer);
    state->task = new_task(state);
    apply(state->task, BF_RECORD_CONTROL, 0, (struct bf_slice){bytes, writer.len});
    int64_t offset = 1;
    for (int device = 0; device < SERIES; device += PARTITIONS) { /* every twelfth, as the partition has */
        apply(state->task, BF_RECORD_READING, offset, reading_of(device, offset, bytes));
        offset++;
    }
    apply(state->task, BF_RECORD_TICK, offset, tick_of(offset, bytes));
    if (bf_stage1_status(state->task).series != (SERIES + PARTITIONS - 1) / PARTITIONS) {
        bench_fail("not every device has its series");
    }
}

static void run_save(void *context, size_t count)
{
    struct state *state = context;
    struct bf_mp_writer writer;
    (void)count;
    bf_mp_writer_init(&writer, state->bytes, STATE_MAX);
    bf_stage1_save(state->task, &writer);
    if (writer.full) {
        bench_fail("the state is larger than a checkpoint may be");
    }
    state->len = writer.len;
}

static void run_digest(void *context, size_t count)
{
    struct state *state = context;
    char hex[65];
    (void)count;
    bf_hash_sha256_hex((struct bf_slice){state->bytes, state->len}, hex);
}

static void begin_load(void *context)
{
    struct state *state = context;
    bf_stage1_destroy(state->loaded);
    state->loaded = new_task(state);
}

static void run_load(void *context, size_t count)
{
    struct state *state = context;
    struct bf_err err;
    (void)count;
    bench_must(bf_stage1_load(state->loaded, (struct bf_slice){state->bytes, state->len}, &err), &err);
}

static void measure(const struct bench_options *options)
{
    static struct state state = {.install = {.id = BF_SLICE_INIT("0000000000000000"),
                                             .readings = PARTITIONS,
                                             .rejects = 4,
                                             .partials = 4,
                                             .kpis = 4,
                                             .checkpoints = PARTITIONS}};
    size_t count = (SERIES + PARTITIONS - 1) / PARTITIONS;
    state.bytes = malloc(STATE_MAX);
    if (!state.bytes) {
        bench_fail("memory");
    }
    make_plan(&state);
    fill_task(&state);
    struct bench_row rows[] = {
        {.stage = "checkpoint",
         .name = "save a device series",
         .run = run_save,
         .context = &state,
         .count = count,
         .goal_us = 0.3},
        {.stage = "checkpoint", .name = "digest of it", .run = run_digest, .context = &state, .count = count},
        {.stage = "checkpoint",
         .name = "load it",
         .run = run_load,
         .prepare = begin_load,
         .context = &state,
         .count = count,
         .goal_us = 1.5},
    };
    bench_measure(rows, sizeof rows / sizeof *rows, options);
    bf_stage1_destroy(state.task);
    bf_stage1_destroy(state.loaded);
    bf_kpi_plan_destroy(state.plan);
    bf_city_destroy(state.city);
    free(state.bytes);
}

/* ---- the log for a real process */
static void send(struct bf_producer *producer, enum bf_record_type type, int32_t partition,
                 struct bf_slice key, struct bf_slice value)
{
    struct bf_err err;
    const struct bf_outgoing record = {
        .topic = BF_TOPIC_READINGS, .partition = partition, .key = key, .value = value, .type = type};
    bench_must(bf_producer_send_wait(producer, &record, NULL, &err), &err);
}

static void send_reading(struct bf_producer *producer, int device, int64_t serial)
{
    char bytes[RECORD_MAX];
    struct bf_slice value = reading_of(device, serial, bytes), source = source_of(device);
    send(producer, BF_RECORD_READING, bf_hash_partition(source, PARTITIONS), source, value);
}

static void send_ticks(struct bf_producer *producer, int64_t serial)
{
    char bytes[RECORD_MAX];
    struct bf_slice value = tick_of(serial, bytes);
    for (int32_t partition = 0; partition < PARTITIONS; partition++) {
        send(producer, BF_RECORD_TICK, partition, (struct bf_slice){.len = 0}, value);
    }
}

static bool stdin_is_closed(int timeout_ms)
{
    struct pollfd input = {.fd = 0, .events = POLLIN};
    return poll(&input, 1, timeout_ms) > 0;
}

/* One reading of every device, then a trickle of 1,000 a second until stdin ends. */
static void fill(const struct bf_kafka_options *kafka)
{
    struct bf_producer *producer;
    struct bf_err err;
    int64_t serial = 0;
    bench_must(bf_producer_create(kafka, 5, 100000, &producer, &err), &err);
    for (int device = 0; device < SERIES; device++) {
        send_reading(producer, device, ++serial);
        if (device % 10000 == 0) {
            send_ticks(producer, serial);
        }
    }
    bench_must(bf_producer_wait(producer, bf_producer_handed(producer), 60000, &err), &err);
    puts("filled");
    fflush(stdout);
    while (!stdin_is_closed(100)) {
        for (int i = 0; i < 100; i++, serial++) {
            send_reading(producer, (int)(serial % SERIES), serial);
        }
        send_ticks(producer, serial);
    }
    bf_producer_destroy(producer, 5000);
}

int main(int argc, char **argv)
{
    struct bench_options options = bench_options_read(argc, argv);
    const struct bf_kafka_options kafka = {.brokers = bench_argument(argc, argv, "--fill", NULL),
                                           .prefix = bench_argument(argc, argv, "--prefix", "belfry"),
                                           .client_id = "bench"};
    if (kafka.brokers != NULL) {
        fill(&kafka);
    } else {
        measure(&options);
    }
    return EXIT_SUCCESS;
}
