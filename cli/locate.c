/* Why: a replay of an hour must not read the whole day before it.
 * Declined: Kafka's index by time: see locate.h. */
#include "cli/locate.h"

#include "core/time.h"
#include "core/wire.h"

#define NEAR 4096 /* records that are quicker read than sought */
#define POLL_MS 200
#define QUIET_POLLS 50

/* The clock of a record of belfry.readings (ticks) or belfry.kpis (results, task ticks); false: it has
 * none. */
static bool clock_of(const struct bf_incoming *incoming, int64_t *clock_us)
{
    enum bf_record_type type;
    struct bf_tick tick;
    struct bf_task_tick task_tick;
    struct bf_kpi kpi;
    *clock_us = BF_TIME_NONE;
    if (incoming->eof || (incoming->topic == BF_TOPIC_READINGS && incoming->has_key) ||
        !bf_incoming_type(incoming, &type)) {
        return false;
    }
    if (type == BF_RECORD_TICK && bf_tick_unpack(incoming->value, &tick, NULL) == BF_OK && tick.has_clock) {
        *clock_us = tick.clock_us;
    } else if (type == BF_RECORD_TASK_TICK &&
               bf_task_tick_unpack(incoming->value, &task_tick, NULL) == BF_OK) {
        *clock_us = task_tick.clock_us;
    } else if (type == BF_RECORD_KPI && bf_kpi_unpack(incoming->value, &kpi, NULL) == BF_OK) {
        *clock_us = kpi.clock_us;
    }
    return *clock_us != BF_TIME_NONE;
}

/* The first clock at or behind `from`; BF_TIME_NONE: none before `end`. */
static enum bf_status first_clock(struct bf_consumer *consumer, const struct bf_position *from, int64_t end,
                                  int64_t *clock_us, struct bf_err *err)
{
    enum bf_status status = bf_consumer_assign(consumer, from, 1, err);
    *clock_us = BF_TIME_NONE;
    for (int quiet = 0; status == BF_OK;) {
        struct bf_incoming incoming;
        status = bf_consumer_poll(consumer, POLL_MS, &incoming, err);
        if (status == BF_AGAIN && ++quiet < QUIET_POLLS) {
            status = BF_OK;
            continue;
        }
        if (status != BF_OK) {
            return status == BF_AGAIN ? bf_err_set(err, BF_PEER, "Kafka gives no records") : status;
        }
        quiet = 0;
        bool found = clock_of(&incoming, clock_us);
        bool through = incoming.eof ? incoming.offset >= end : incoming.offset + 1 >= end;
        bf_incoming_release(&incoming);
        if (found || through) {
            break;
        }
    }
    return status;
}

enum bf_status bf_locate_time(struct bf_consumer *consumer, enum bf_topic topic, int32_t partition,
                              int64_t time_us, int64_t *offset, struct bf_err *err)
{
    int64_t low, high;
    enum bf_status status = bf_consumer_range(consumer, topic, partition, &low, &high, err);
    while (status == BF_OK && time_us != BF_TIME_NONE && high - low > NEAR) {
        const struct bf_position middle = {
            .topic = topic, .partition = partition, .offset = low + (high - low) / 2};
        int64_t clock_us;
        status = first_clock(consumer, &middle, high, &clock_us, err);
        if (status == BF_OK && clock_us != BF_TIME_NONE && clock_us < time_us) {
            low = middle.offset;
        } else {
            high = middle.offset;
        }
    }
    *offset = low;
    struct bf_err ignored;
    enum bf_status unassigned = bf_consumer_assign(consumer, NULL, 0, &ignored);
    return status == BF_OK ? unassigned : status;
}
