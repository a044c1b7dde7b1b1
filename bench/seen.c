/* seen.c: how many readings the stage 1 tasks have read: the cumulative counters of each task's newest tick
 * in partition 0 of belfry.partials. It works where the beginning of the log is gone.
 * seen --brokers B [--prefix belfry] [--wait-for N] [--seconds 60]: waits until they have read N, and prints
 * JSON. */
#include <stdio.h>
#include <stdlib.h>

#include "bench/measure.h"
#include "core/time.h"
#include "core/wire.h"
#include "peers/kafka/kafka.h"

#define SOURCES 256

struct seen {
    bool known[SOURCES];
    struct bf_task_counters counters[SOURCES];
    size_t sources;
};

static void take(struct seen *seen, const struct bf_incoming *incoming)
{
    enum bf_record_type type;
    struct bf_task_tick tick;
    struct bf_err err;
    if (!bf_incoming_type(incoming, &type) || type != BF_RECORD_TASK_TICK ||
        bf_task_tick_unpack(incoming->value, &tick, &err) != BF_OK || tick.source < 0 ||
        tick.source >= SOURCES) {
        return;
    }
    seen->sources += !seen->known[tick.source];
    seen->known[tick.source] = true;
    seen->counters[tick.source] = tick.counters;
}

static struct bf_task_counters sum(const struct seen *seen)
{
    struct bf_task_counters all = {0};
    for (size_t i = 0; i < SOURCES; i++) {
        const struct bf_task_counters *one = &seen->counters[i];
        all.readings += one->readings;
        all.accepted += one->accepted;
        all.duplicate += one->duplicate;
        all.older += one->older;
        all.malformed += one->malformed;
        all.late += one->late;
        all.limit += one->limit;
    }
    return all;
}

int main(int argc, char **argv)
{
    static struct seen seen;
    struct bf_err err;
    struct bf_consumer *consumer;
    int32_t sources;
    const struct bf_kafka_options kafka = {.brokers =
                                               bench_argument(argc, argv, "--brokers", "127.0.0.1:9092"),
                                           .prefix = bench_argument(argc, argv, "--prefix", "belfry"),
                                           .client_id = "bench-seen"};
    const struct bf_position end = {.topic = BF_TOPIC_PARTIALS, .partition = 0, .offset = BF_OFFSET_END};
    uint64_t wanted = strtoull(bench_argument(argc, argv, "--wait-for", "0"), NULL, 10);
    int64_t limit_us = bf_time_monotonic_us() +
                       strtoll(bench_argument(argc, argv, "--seconds", "60"), NULL, 10) * BF_US_PER_S;
    bench_must(bf_consumer_create(&kafka, NULL, false, &consumer, &err), &err);
    bench_must(bf_consumer_partitions(consumer, BF_TOPIC_READINGS, &sources, &err), &err);
    bench_must(bf_consumer_assign(consumer, &end, 1, &err), &err);
    struct bf_task_counters all = {0};
    while (bf_time_monotonic_us() < limit_us) {
        struct bf_incoming incoming;
        enum bf_status status = bf_consumer_poll(consumer, 100, &incoming, &err);
        if (status == BF_AGAIN) {
            continue;
        }
        bench_must(status, &err);
        take(&seen, &incoming);
        bf_incoming_release(&incoming);
        all = sum(&seen);
        if (seen.sources == (size_t)sources && all.readings >= wanted) {
            break;
        }
    }
    printf("{\"readings\":%llu,\"accepted\":%llu,\"duplicate\":%llu,\"older\":%llu,\"malformed\":%llu,"
           "\"late\":%llu,"
           "\"limit\":%llu,\"tasks\":%zu}\n",
           (unsigned long long)all.readings, (unsigned long long)all.accepted,
           (unsigned long long)all.duplicate, (unsigned long long)all.older,
           (unsigned long long)all.malformed, (unsigned long long)all.late, (unsigned long long)all.limit,
           seen.sources);
    bf_consumer_destroy(consumer);
    return all.readings >= wanted ? EXIT_SUCCESS : EXIT_FAILURE;
}
