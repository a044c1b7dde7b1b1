/* day.c: a long log of readings for replays: what belfry-ingest would have written in that time, 10,000
 * devices in 12 districts, with a tick every 250 ms.
 * day --brokers B [--prefix belfry] [--rate 10000] [--minutes N]: prints JSON when all is acknowledged. */
#include <stdio.h>
#include <stdlib.h>

#include "bench/measure.h"
#include "bench/sample.h"
#include "core/hash.h"
#include "core/time.h"
#include "core/wire.h"
#include "peers/kafka/kafka.h"

#define PARTITIONS 12
#define TICKS_PER_S 4
#define RECORD_MAX 320
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

static void send_reading(struct bf_producer *producer, int64_t serial, int64_t event_us)
{
    char bytes[RECORD_MAX];
    struct bf_reading reading;
    struct bf_mp_writer writer;
    bench_sample_reading((unsigned)(serial % BENCH_DEVICES), serial, &reading);
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

int main(int argc, char **argv)
{
    struct bf_err err;
    struct bf_producer *producer;
    const struct bf_kafka_options kafka = {.brokers =
                                               bench_argument(argc, argv, "--brokers", "127.0.0.1:9092"),
                                           .prefix = bench_argument(argc, argv, "--prefix", "belfry"),
                                           .client_id = "bench-day"};
    int64_t rate = strtoll(bench_argument(argc, argv, "--rate", "10000"), NULL, 10);
    int64_t minutes = strtoll(bench_argument(argc, argv, "--minutes", "2"), NULL, 10);
    if (rate < TICKS_PER_S || minutes < 1) {
        bench_fail("--rate of at least 4, --minutes of at least 1");
    }
    bench_must(bf_producer_create(&kafka, 20, 100000, &producer, &err), &err);
    int64_t readings = rate * minutes * 60;
    for (int64_t serial = 0; serial < readings; serial++) {
        int64_t event_us = BENCH_START_US + serial * BF_US_PER_S / rate;
        send_reading(producer, serial, event_us);
        if ((serial + 1) % (rate / TICKS_PER_S) == 0) {
            send_ticks(producer, serial, event_us);
        }
    }
    bench_must(bf_producer_wait(producer, bf_producer_handed(producer), DRAIN_MS, &err), &err);
    bf_producer_destroy(producer, 1000);
    printf("{\"readings\":%lld,\"minutes\":%lld}\n", (long long)readings, (long long)minutes);
    return 0;
}
