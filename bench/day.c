/* day.c: a long log of readings for replays: what belfry-ingest would have written in that time. Each device,
 * of 12 districts, sends every --every seconds, evenly shifted; every --tick-ms each partition gets a tick.
 * day --brokers B [--prefix belfry] [--devices 10000] [--every 1] [--minutes 2] [--tick-ms 250]
 * Without devices there are only ticks. Prints JSON when all is acknowledged. */
#include <stdio.h>
#include <stdlib.h>

#include "bench/measure.h"
#include "bench/sample.h"
#include "core/hash.h"
#include "core/time.h"
#include "core/wire.h"
#include "peers/kafka/kafka.h"

#define PARTITIONS 12
#define RECORD_MAX 320
#define LINGER_MS 200 /* large batches: the embedded cluster keeps 5 MiB of a partition, compressed */
#define DRAIN_MS 120000

static void send(struct bf_producer *producer, enum bf_record_type type, int32_t partition,
                 struct bf_slice key, const struct bf_mp_writer *writer)
{
    struct bf_err err;
    const struct bf_outgoing record = {.topic = BF_TOPIC_READINGS,
                                       .partition = partition,
                                       .key = key,
                                       .value = {writer->data, writer->len},
                                       .type = type};
    if (writer->full) {
        bench_fail("a record is larger than thought");
    }
    bench_must(bf_producer_send_wait(producer, &record, NULL, &err), &err);
}

static void send_reading(struct bf_producer *producer, unsigned device, int64_t serial, int64_t event_us)
{
    char bytes[RECORD_MAX];
    struct bf_reading reading;
    struct bf_mp_writer writer;
    bench_sample_reading(device, serial, &reading);
    reading.event_us = reading.ingest_us = event_us;
    bf_mp_writer_init(&writer, bytes, sizeof bytes);
    bf_reading_pack(&reading, &writer);
    struct bf_slice key = bf_reading_device(reading.source);
    send(producer, BF_RECORD_READING, bf_hash_partition(key, PARTITIONS), key, &writer);
}

static void send_ticks(struct bf_producer *producer, int64_t serial, int64_t clock_us)
{
    const struct bf_tick tick = {.ingest = BF_SLICE("belfry-1"),
                                 .incarnation = 1,
                                 .has_epoch = true,
                                 .epoch = 1,
                                 .serial = serial,
                                 .wall_us = clock_us,
                                 .has_clock = true,
                                 .clock_us = clock_us,
                                 .flows = true,
                                 .generation = 1};
    for (int32_t partition = 0; partition < PARTITIONS; partition++) {
        char bytes[RECORD_MAX];
        struct bf_mp_writer writer;
        bf_mp_writer_init(&writer, bytes, sizeof bytes);
        bf_tick_pack(&tick, &writer);
        send(producer, BF_RECORD_TICK, partition, (struct bf_slice){NULL, 0}, &writer);
    }
}

static int64_t number(int argc, char **argv, const char *name, const char *otherwise)
{
    return strtoll(bench_argument(argc, argv, name, otherwise), NULL, 10);
}

int main(int argc, char **argv)
{
    struct bf_err err;
    struct bf_producer *producer;
    const struct bf_kafka_options kafka = {.brokers =
                                               bench_argument(argc, argv, "--brokers", "127.0.0.1:9092"),
                                           .prefix = bench_argument(argc, argv, "--prefix", "belfry"),
                                           .client_id = "bench-day"};
    int64_t devices = number(argc, argv, "--devices", "10000");
    int64_t every_us = number(argc, argv, "--every", "1") * BF_US_PER_S;
    int64_t span_us = number(argc, argv, "--minutes", "2") * 60 * BF_US_PER_S;
    int64_t tick_us = number(argc, argv, "--tick-ms", "250") * BF_US_PER_MS;
    if (devices < 0 || devices > 1000000 || every_us < BF_US_PER_S || span_us <= 0 || tick_us <= 0) {
        bench_fail("--devices of 0 to 1000000; --every, --minutes and --tick-ms of at least 1");
    }
    bench_must(bf_producer_create(&kafka, LINGER_MS, 100000, &producer, &err), &err);
    int64_t serial = 0;
    for (int64_t at_us = tick_us; at_us <= span_us; at_us += tick_us) {
        for (; devices > 0 && serial * every_us / devices < at_us; serial++) {
            send_reading(producer, (unsigned)(serial % devices), serial,
                         BENCH_START_US + serial * every_us / devices);
        }
        send_ticks(producer, serial, BENCH_START_US + at_us);
    }
    bench_must(bf_producer_wait(producer, bf_producer_handed(producer), DRAIN_MS, &err), &err);
    bf_producer_destroy(producer, 1000);
    printf("{\"readings\":%lld,\"minutes\":%lld}\n", (long long)serial,
           (long long)(span_us / BF_US_PER_S / 60));
    return 0;
}
