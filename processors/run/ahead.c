/* ahead.c: a stage 1 task waits when it is more than max_ahead of log time ahead of the slowest source, so
 * that what stage 2 must keep has a bound. Every partition of belfry.partials carries every source's ticks,
 * so any stage 2 task of this process knows them; without one, partition 0 is followed on the side. */
#include "processors/run/state.h"

#include "core/log.h"
#include "core/time.h"
#include "core/wire.h"

#define MAX_AHEAD_US (600 * BF_US_PER_S)
#define TAIL_RECORDS 2000 /* per turn */

static bool any_runs(const struct bf_process *process, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        if (process->tasks[i].used) {
            return true;
        }
    }
    return false;
}

static bool needs_tail(const struct bf_process *process)
{
    size_t readings = (size_t)process->install->readings;
    return any_runs(process, 0, readings) && !any_runs(process, readings, process->task_count);
}

static int64_t source_clock(const struct bf_process *process, int32_t source)
{
    int64_t clock_us = process->tail_clocks[source];
    const struct bf_running *own = &process->tasks[source];
    if (own->used) {
        int64_t its = bf_stage1_status(own->stage1).clock_us;
        clock_us = its > clock_us ? its : clock_us;
    }
    for (size_t i = (size_t)process->install->readings; i < process->task_count; i++) {
        const struct bf_running *task = &process->tasks[i];
        int64_t its = task->used ? bf_stage2_source_clock(task->stage2, source) : BF_TIME_NONE;
        clock_us = its > clock_us ? its : clock_us;
    }
    return clock_us;
}

int64_t bf__process_slowest(const struct bf_process *process, int32_t *which)
{
    int64_t slowest_us = INT64_MAX;
    for (int32_t i = 0; i < process->install->readings; i++) {
        int64_t clock_us = source_clock(process, i);
        if (clock_us < slowest_us) {
            slowest_us = clock_us;
            *which = i;
        }
    }
    return slowest_us;
}

static int64_t max_ahead_us(const struct bf_process *process)
{
    const struct bf_kpi_plan *newest = NULL;
    for (size_t i = 0; i < process->plan_count; i++) {
        if (newest == NULL || process->plans[i]->generation > newest->generation) {
            newest = process->plans[i];
        }
    }
    return newest == NULL ? MAX_AHEAD_US : newest->city->time.max_ahead_us;
}

void bf__process_pace(struct bf_process *process, struct bf_running *task)
{
    struct bf_err err;
    int32_t which = 0;
    int64_t clock_us = bf_stage1_status(task->stage1).clock_us;
    int64_t slowest_us = bf__process_slowest(process, &which);
    bool ahead = clock_us != BF_TIME_NONE &&
                 (slowest_us == BF_TIME_NONE || clock_us - slowest_us > max_ahead_us(process));
    if (ahead == task->paused) {
        return;
    }
    if (bf_consumer_pause(process->consumer, task->topic, task->partition, ahead, &err) != BF_OK) {
        bf_log_err(BF_LOG_WARN, "task.pause", &err);
        return;
    }
    task->paused = ahead;
    bf_log(BF_LOG_INFO, ahead ? "task.waits" : "task.goes_on", "task=%s slowest_source=%d", task->name,
           (int)which);
}

static void take_tick(struct bf_process *process, const struct bf_incoming *incoming)
{
    enum bf_record_type type;
    struct bf_task_tick tick;
    struct bf_err err;
    if (incoming->eof || !bf_incoming_type(incoming, &type) || type != BF_RECORD_TASK_TICK ||
        bf_task_tick_unpack(incoming->value, &tick, &err) != BF_OK) {
        return;
    }
    if (tick.source >= 0 && tick.source < process->install->readings &&
        tick.clock_us > process->tail_clocks[tick.source]) {
        process->tail_clocks[tick.source] = tick.clock_us;
    }
}

static enum bf_status open_tail(struct bf_process *process, struct bf_err *err)
{
    int64_t begin, end;
    enum bf_status status = bf_consumer_create(&process->kafka, NULL, true, &process->tail, err);
    if (status == BF_OK) {
        status = bf_consumer_range(process->tail, BF_TOPIC_PARTIALS, 0, &begin, &end, err);
    }
    if (status == BF_OK) {
        const struct bf_position position = {.topic = BF_TOPIC_PARTIALS, .partition = 0, .offset = begin};
        status = bf_consumer_assign(process->tail, &position, 1, err);
    }
    return status;
}

enum bf_status bf__process_tail(struct bf_process *process, struct bf_err *err)
{
    enum bf_status opened = BF_OK;
    if (needs_tail(process) && process->tail == NULL) {
        opened = open_tail(process, err);
    }
    if (!needs_tail(process) || opened != BF_OK) {
        bf_consumer_destroy(process->tail);
        process->tail = NULL;
    }
    if (opened == BF_PEER) {
        bf_log_err(BF_LOG_WARN, "tail.open", err);
        return BF_OK; /* Kafka is away: the next turn asks again */
    }
    if (opened != BF_OK) {
        return opened;
    }
    for (int i = 0; process->tail != NULL && i < TAIL_RECORDS; i++) {
        struct bf_incoming incoming;
        enum bf_status status = bf_consumer_poll(process->tail, 0, &incoming, err);
        if (status == BF_AGAIN) {
            break;
        }
        if (status != BF_OK) {
            return status;
        }
        take_tick(process, &incoming);
        bf_incoming_release(&incoming);
    }
    return BF_OK;
}
