/* log_clock.c: reads backwards in steps until every partition has shown a tick with a clock, or its start.
 * Ticks come four times a second, so the first step nearly always does. */
#include "config/log/log_clock.h"

#include <assert.h>
#include <stdlib.h>

#include "core/time.h"
#include "core/wire.h"

#define FIRST_STEP 2000      /* records from the end */
#define LAST_STEP 1000000    /* beyond that, no tick means no time */
#define READ_MS 20000

struct bf_log_clock {
    struct bf_consumer *consumer;
    int32_t partitions;
    int64_t begin[BF_PARTITIONS_MAX], end[BF_PARTITIONS_MAX];
    int64_t newest[BF_PARTITIONS_MAX];
    int64_t wall_us; /* the largest of any tick */
    bool readings;   /* any */
    bool at_end[BF_PARTITIONS_MAX];
};

static void take(struct bf_log_clock *clock, const struct bf_incoming *incoming)
{
    enum bf_record_type type;
    struct bf_tick tick;
    if (incoming->eof) {
        clock->at_end[incoming->partition] = true;
        return;
    }
    clock->readings |= incoming->has_key;
    if (incoming->has_key || !bf_incoming_type(incoming, &type) || type != BF_RECORD_TICK ||
        bf_tick_unpack(incoming->value, &tick, NULL) != BF_OK) {
        return;
    }
    clock->wall_us = tick.wall_us > clock->wall_us ? tick.wall_us : clock->wall_us;
    if (tick.has_clock && tick.clock_us > clock->newest[incoming->partition]) {
        clock->newest[incoming->partition] = tick.clock_us;
    }
}

static bool all_at_end(const struct bf_log_clock *clock)
{
    bool all = true;
    for (int32_t i = 0; i < clock->partitions; i++) {
        all = all && clock->at_end[i];
    }
    return all;
}

/* Reads the last `step` records of each partition. */
static enum bf_status read_ends(struct bf_log_clock *clock, int64_t step, struct bf_err *err)
{
    struct bf_position positions[BF_PARTITIONS_MAX];
    for (int32_t i = 0; i < clock->partitions; i++) {
        int64_t from = clock->end[i] - step;
        positions[i] = (struct bf_position){.topic = BF_TOPIC_READINGS, .partition = i,
                                            .offset = from > clock->begin[i] ? from : clock->begin[i]};
        clock->at_end[i] = false;
    }
    enum bf_status status = bf_consumer_assign(clock->consumer, positions, (size_t)clock->partitions, err);
    int64_t deadline = bf_time_monotonic_us() + READ_MS * BF_US_PER_MS;
    while ((status == BF_OK || status == BF_AGAIN) && !all_at_end(clock)) {
        struct bf_incoming incoming;
        status = bf_consumer_poll(clock->consumer, 100, &incoming, err);
        if (status == BF_OK) {
            take(clock, &incoming);
            bf_incoming_release(&incoming);
        } else if (status == BF_AGAIN && bf_time_monotonic_us() > deadline) {
            return bf_err_set(err, BF_PEER, "could not read the ends of the readings within %d s",
                              READ_MS / 1000);
        }
    }
    return status == BF_AGAIN ? BF_OK : status;
}

static enum bf_status open_at_ends(struct bf_log_clock *clock, const struct bf_kafka_options *options,
                                   struct bf_err *err)
{
    enum bf_status status = bf_consumer_create(options, NULL, true, &clock->consumer, err);
    int64_t longest = 0;
    for (int32_t i = 0; status == BF_OK && i < clock->partitions; i++) {
        clock->newest[i] = BF_TIME_NONE;
        status = bf_consumer_range(clock->consumer, BF_TOPIC_READINGS, i, &clock->begin[i],
                                   &clock->end[i], err);
        int64_t records = status == BF_OK ? clock->end[i] - clock->begin[i] : 0;
        longest = records > longest ? records : longest;
    }
    for (int64_t step = FIRST_STEP; status == BF_OK; step *= 10) {
        status = read_ends(clock, step, err);
        if (bf_log_clock_slowest(clock) != BF_TIME_NONE || step >= longest || step >= LAST_STEP) {
            break;
        }
    }
    return status;
}

enum bf_status bf_log_clock_open(const struct bf_kafka_options *options, int32_t partitions,
                                 struct bf_log_clock **clock, struct bf_err *err)
{
    assert(partitions > 0 && partitions <= BF_PARTITIONS_MAX);
    struct bf_log_clock *made = calloc(1, sizeof *made);
    if (!made) {
        return bf_err_set(err, BF_LIMIT, "out of memory for the log's clock");
    }
    made->partitions = partitions;
    made->wall_us = BF_TIME_NONE;
    enum bf_status status = open_at_ends(made, options, err);
    if (status != BF_OK) {
        bf_log_clock_close(made);
        return status;
    }
    *clock = made;
    return BF_OK;
}

void bf_log_clock_close(struct bf_log_clock *clock)
{
    if (clock) {
        bf_consumer_destroy(clock->consumer);
        free(clock);
    }
}

int64_t bf_log_clock_newest(const struct bf_log_clock *clock)
{
    int64_t newest = BF_TIME_NONE;
    for (int32_t i = 0; i < clock->partitions; i++) {
        newest = clock->newest[i] > newest ? clock->newest[i] : newest;
    }
    return newest;
}

int64_t bf_log_clock_front(const struct bf_log_clock *clock)
{
    int64_t newest_us = bf_log_clock_newest(clock);
    return newest_us == BF_TIME_NONE && clock->readings ? clock->wall_us : newest_us;
}

int64_t bf_log_clock_slowest(const struct bf_log_clock *clock)
{
    int64_t slowest = clock->newest[0];
    for (int32_t i = 1; i < clock->partitions; i++) {
        slowest = clock->newest[i] < slowest ? clock->newest[i] : slowest;
    }
    return slowest;
}

enum bf_status bf_log_clock_wait(struct bf_log_clock *clock, int64_t time_us, int timeout_ms,
                                 struct bf_err *err)
{
    int64_t deadline = bf_time_monotonic_us() + timeout_ms * BF_US_PER_MS;
    while (bf_log_clock_slowest(clock) < time_us) {
        struct bf_incoming incoming;
        enum bf_status status = bf_consumer_poll(clock->consumer, 100, &incoming, err);
        if (status == BF_OK) {
            take(clock, &incoming);
            bf_incoming_release(&incoming);
        } else if (status != BF_AGAIN) {
            return status;
        }
        if (bf_time_monotonic_us() > deadline) {
            return BF_AGAIN;
        }
    }
    return BF_OK;
}
