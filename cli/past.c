/* Why: what is on record is what dashboards have shown; a replay is held against that, not against a second
 * replay. Declined: origins: a repeat of a result is the same result. */
#include "cli/past.h"

#include <assert.h>
#include <stdlib.h>

#include "cli/locate.h"
#include "core/time.h"
#include "core/wire.h"

struct bf_past {
    struct bf_consumer *consumer;
    struct bf_comparison *comparison;
    int32_t partitions, sources;
    struct bf_position positions[BF_PARTITIONS_MAX];
    int64_t ends[BF_PARTITIONS_MAX];
    int64_t clocks[BF_PARTITIONS_MAX]; /* of each stage 2 task */
};

static enum bf_status locate(struct bf_past *past, int64_t from_us, struct bf_err *err)
{
    enum bf_status status = BF_OK;
    for (int32_t i = 0; status == BF_OK && i < past->partitions; i++) {
        struct bf_position *position = &past->positions[i];
        *position = (struct bf_position){.topic = BF_TOPIC_KPIS, .partition = i};
        status = bf_locate_time(past->consumer, BF_TOPIC_KPIS, i, from_us, &position->offset, err);
    }
    return status;
}

enum bf_status bf_past_open(const struct bf_kafka_options *options, const struct bf_install *install,
                            int64_t from_us, struct bf_comparison *comparison, struct bf_past **past,
                            struct bf_err *err)
{
    if (install->kpis > BF_PARTITIONS_MAX || install->partials > BF_PARTITIONS_MAX) {
        return bf_err_set(err, BF_LIMIT, "more than %d partitions", BF_PARTITIONS_MAX);
    }
    struct bf_past *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return bf_err_set(err, BF_LIMIT, "no memory");
    }
    made->comparison = comparison;
    made->partitions = install->kpis;
    made->sources = install->partials;
    for (int32_t i = 0; i < made->sources; i++) {
        made->clocks[i] = BF_TIME_NONE;
    }
    enum bf_status status = bf_consumer_create(options, NULL, false, &made->consumer, err);
    status = status == BF_OK ? locate(made, from_us, err) : status;
    status = status == BF_OK ? bf_past_extend(made, err) : status;
    if (status == BF_OK) {
        status = bf_consumer_assign(made->consumer, made->positions, (size_t)made->partitions, err);
    }
    if (status != BF_OK) {
        bf_past_close(made);
        return status;
    }
    *past = made;
    return BF_OK;
}

void bf_past_close(struct bf_past *past)
{
    if (past != NULL) {
        bf_consumer_destroy(past->consumer);
        free(past);
    }
}

enum bf_status bf_past_extend(struct bf_past *past, struct bf_err *err)
{
    enum bf_status status = BF_OK;
    for (int32_t i = 0; status == BF_OK && i < past->partitions; i++) {
        int64_t begin;
        status = bf_consumer_range(past->consumer, BF_TOPIC_KPIS, i, &begin, &past->ends[i], err);
    }
    return status;
}

static enum bf_status take(struct bf_past *past, const struct bf_incoming *incoming, struct bf_err *err)
{
    enum bf_record_type type;
    struct bf_kpi kpi;
    struct bf_task_tick tick;
    if (!bf_incoming_type(incoming, &type)) {
        return BF_OK;
    }
    if (type == BF_RECORD_KPI && bf_kpi_unpack(incoming->value, &kpi, NULL) == BF_OK) {
        return bf_comparison_put(past->comparison, BF_COMPARE_RECORD, &kpi, err);
    }
    if (type == BF_RECORD_TASK_TICK && bf_task_tick_unpack(incoming->value, &tick, NULL) == BF_OK &&
        tick.source >= 0 && tick.source < past->sources && tick.clock_us > past->clocks[tick.source]) {
        past->clocks[tick.source] = tick.clock_us;
    }
    return BF_OK;
}

enum bf_status bf_past_read(struct bf_past *past, int timeout_ms, int most, struct bf_err *err)
{
    for (int i = 0; i < most; i++) {
        struct bf_incoming incoming;
        enum bf_status status = bf_consumer_poll(past->consumer, i == 0 ? timeout_ms : 0, &incoming, err);
        if (status == BF_AGAIN && i > 0) {
            break;
        }
        if (status != BF_OK) {
            return status;
        }
        status = take(past, &incoming, err);
        past->positions[incoming.partition].offset = incoming.offset + 1;
        bf_incoming_release(&incoming);
        if (status != BF_OK) {
            return status;
        }
    }
    bf_comparison_reached(past->comparison, BF_COMPARE_RECORD, bf_past_clock(past));
    return BF_OK;
}

bool bf_past_ended(const struct bf_past *past)
{
    for (int32_t i = 0; i < past->partitions; i++) {
        if (past->positions[i].offset < past->ends[i]) {
            return false;
        }
    }
    return true;
}

int64_t bf_past_clock(const struct bf_past *past)
{
    int64_t slowest_us = INT64_MAX;
    for (int32_t i = 0; i < past->sources; i++) {
        slowest_us = past->clocks[i] < slowest_us ? past->clocks[i] : slowest_us;
    }
    return slowest_us;
}
