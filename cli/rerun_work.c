/* rerun_work.c: records in, through both stages, results out; see rerun.h.
 * Declined: a queue between the stages: a lock per stage 2 task is taken once per partial, and partials are
 * few beside readings.
 *
 * Of a source's ticks stage 2 is told one a second of log time, and the last: seals and late partials go by
 * the order of log time, whatever the steps, so the results are the same. With ticks every 250 ms a quiet day
 * is mostly ticks, and each would go through every stage 2 task and into every partition of the results. */
#include <assert.h>
#include <poll.h>

#include "cli/rerun_state.h"
#include "core/time.h"
#include "core/wire.h"

#define TURN_RECORDS 4096 /* of one partition, then another may be behind */
#define POLL_MS 50
#define WAIT_NS 2000000
#define TELL_US BF_US_PER_S
#define SILENCE_US (30 * BF_US_PER_S)

/* ---- outputs */

/* A task cannot say no in the middle of an output, so what fails there is found by the worker afterwards. */
static void fail(struct bf__rerun_worker *worker, enum bf_status status, const struct bf_err *err)
{
    if (worker->status == BF_OK) {
        worker->status = status;
        worker->err = *err;
    }
    atomic_store(&worker->rerun->stopping, true);
}

static struct bf__rerun_worker *worker_of(const struct bf__rerun_source *source)
{
    return &source->rerun->workers[(size_t)source->partition % source->rerun->worker_count];
}

static void hand_on(struct bf__rerun_sink *sink, struct bf__rerun_source *source,
                    const struct bf_output *output)
{
    char bytes[128];
    struct bf_mp_writer writer;
    struct bf_err err = {.message = ""};
    const struct bf_origin origin = {
        .task = bf_slice_of(source->name), .offset = source->next, .index = output->index};
    bf_mp_writer_init(&writer, bytes, sizeof bytes);
    bf_origin_pack(&origin, &writer);
    assert(!writer.full);
    pthread_mutex_lock(&sink->lock);
    const struct bf_input input = {.type = output->type,
                                   .offset = sink->offset++,
                                   .value = output->value,
                                   .origin = {writer.data, writer.len}};
    enum bf_status status = bf_stage2_apply(sink->task, &input, &err);
    pthread_mutex_unlock(&sink->lock);
    if (status != BF_OK) {
        fail(worker_of(source), status, &err);
    }
}

/* Whether stage 2 is told of this tick. It goes to partition 0 first, then to the others. */
static bool tells(struct bf__rerun_source *source, const struct bf_output *output)
{
    if (output->partition == 0) {
        int64_t clock_us = bf_stage1_status(source->task).clock_us;
        source->tells = source->told_us == BF_TIME_NONE || clock_us - source->told_us >= TELL_US;
        source->told_us = source->tells ? clock_us : source->told_us;
    }
    return source->tells;
}

/* What it was not told yet. */
static void tell_last(struct bf__rerun_source *source)
{
    char bytes[512];
    struct bf_mp_writer writer;
    const struct bf_rerun *rerun = source->rerun;
    int64_t clock_us = bf_stage1_status(source->task).clock_us;
    const struct bf_task_tick tick = {.source = source->partition,
                                      .clock_us = clock_us,
                                      .generation = rerun->options.plan->generation,
                                      .counters = bf_stage1_counters(source->task)};
    if (clock_us == source->told_us) {
        return;
    }
    bf_mp_writer_init(&writer, bytes, sizeof bytes);
    bf_task_tick_pack(&tick, &writer);
    assert(!writer.full);
    for (int32_t i = 0; i < rerun->options.install->partials; i++) {
        const struct bf_output output = {
            .type = BF_RECORD_TASK_TICK, .value = {writer.data, writer.len}, .index = (uint32_t)i};
        hand_on(&rerun->sinks[i], source, &output);
    }
}

void bf__rerun_first(void *context, const struct bf_output *output)
{
    struct bf__rerun_source *source = context;
    const struct bf_rerun *rerun = source->rerun;
    if (output->topic == BF_OUTPUT_PARTIALS) {
        if (output->type != BF_RECORD_TASK_TICK || tells(source, output)) {
            hand_on(&rerun->sinks[output->partition], source, output);
        }
    } else if (output->topic == BF_OUTPUT_KPIS) {
        const struct bf_rerun_result result = {
            .output = output, .task = bf_slice_of(source->name), .offset = source->next};
        rerun->options.result(rerun->options.context, &result);
    }
}

void bf__rerun_second(void *context, const struct bf_output *output)
{
    const struct bf__rerun_sink *sink = context;
    const struct bf_rerun_result result = {
        .output = output, .task = bf_slice_of(sink->name), .offset = sink->offset - 1};
    if (output->topic == BF_OUTPUT_KPIS) {
        sink->rerun->options.result(sink->rerun->options.context, &result);
    }
}

/* ---- one partition */

static enum bf_record_type type_of(const struct bf_incoming *incoming)
{
    enum bf_record_type type;
    if (incoming->has_key) {
        return BF_RECORD_READING;
    }
    return bf_incoming_type(incoming, &type) ? type : BF_RECORD_COUNT;
}

static void end_source(struct bf__rerun_source *source)
{
    tell_last(source);
    source->ended = true;
    atomic_store(&source->clock_us, INT64_MAX);
}

/* One thread writes it, others only look. */
static void count_one(_Atomic uint64_t *counter)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1,
                          memory_order_relaxed);
}

/* *moved: its clock did. */
static enum bf_status apply(struct bf__rerun_source *source, const struct bf_incoming *incoming, bool *moved,
                            struct bf_err *err)
{
    const struct bf_input input = {
        .type = type_of(incoming), .offset = incoming->offset, .value = incoming->value};
    source->next = incoming->offset;
    if (input.type != BF_RECORD_CONTROL) { /* another configuration's: here one holds throughout */
        enum bf_status status = bf_stage1_apply(source->task, &input, err);
        if (status != BF_OK) {
            return status;
        }
    }
    source->next = incoming->offset + 1;
    count_one(&source->records);
    if (input.type == BF_RECORD_READING) {
        count_one(&source->readings);
        return BF_OK;
    }
    int64_t clock_us = bf_stage1_status(source->task).clock_us;
    *moved = clock_us > atomic_load_explicit(&source->clock_us, memory_order_relaxed);
    if (*moved) {
        if (atomic_load(&source->first_us) == BF_TIME_NONE) {
            atomic_store(&source->first_us, clock_us);
        }
        atomic_store(&source->clock_us, clock_us);
    }
    return BF_OK;
}

static enum bf_status silence(const struct bf__rerun_source *source, struct bf_err *err)
{
    if (bf_time_monotonic_us() - source->heard_us < SILENCE_US) {
        return BF_OK;
    }
    return bf_err_set(err, BF_PEER, "Kafka gives no more records of partition %d, at offset %lld of %lld",
                      (int)source->partition, (long long)source->next, (long long)source->end);
}

/* Until its clock has moved, it has ended, or Kafka gives nothing. */
static enum bf_status turn(struct bf__rerun_source *source, struct bf_err *err)
{
    bool moved = false;
    for (int i = 0; i < TURN_RECORDS && !moved; i++) {
        struct bf_incoming incoming;
        if (source->next >= source->end) {
            end_source(source);
            return BF_OK;
        }
        enum bf_status status = bf_consumer_poll(source->consumer, POLL_MS, &incoming, err);
        if (status == BF_AGAIN) {
            return silence(source, err);
        }
        if (status != BF_OK) {
            return status;
        }
        status = apply(source, &incoming, &moved, err);
        bf_incoming_release(&incoming);
        if (status != BF_OK) {
            return status;
        }
    }
    source->heard_us = bf_time_monotonic_us();
    if (atomic_load(&source->clock_us) >= source->rerun->options.until_us) {
        end_source(source);
    }
    return BF_OK;
}

/* ---- workers */

int64_t bf__rerun_slowest(const struct bf_rerun *rerun)
{
    int64_t slowest_us = INT64_MAX;
    for (int32_t i = 0; i < rerun->options.install->readings; i++) {
        int64_t clock_us = atomic_load(&rerun->sources[i].clock_us);
        slowest_us = clock_us < slowest_us ? clock_us : slowest_us;
    }
    return slowest_us;
}

/* This worker's partition that is furthest behind; NULL: all have ended. */
static struct bf__rerun_source *next_of(const struct bf__rerun_worker *worker)
{
    const struct bf_rerun *rerun = worker->rerun;
    struct bf__rerun_source *found = NULL;
    for (size_t i = worker->number; i < (size_t)rerun->options.install->readings; i += rerun->worker_count) {
        struct bf__rerun_source *source = &rerun->sources[i];
        if (!source->ended &&
            (found == NULL || atomic_load(&source->clock_us) < atomic_load(&found->clock_us))) {
            found = source;
        }
    }
    return found;
}

static bool too_far(const struct bf_rerun *rerun, const struct bf__rerun_source *source)
{
    int64_t clock_us = atomic_load(&source->clock_us), hold_us = atomic_load(&rerun->hold_us);
    int64_t slowest_us = bf__rerun_slowest(rerun);
    slowest_us = hold_us < slowest_us ? hold_us : slowest_us;
    return clock_us != BF_TIME_NONE &&
           (slowest_us == BF_TIME_NONE || clock_us - slowest_us > rerun->options.ahead_us);
}

void *bf__rerun_work(void *context)
{
    struct bf__rerun_worker *worker = context;
    struct bf_rerun *rerun = worker->rerun;
    struct bf__rerun_source *source;
    while (!atomic_load(&rerun->stopping) && (source = next_of(worker)) != NULL) {
        struct bf_err err = {.message = ""};
        if (too_far(rerun, source)) {
            ppoll(NULL, 0, &(struct timespec){.tv_nsec = WAIT_NS}, NULL);
            source->heard_us = bf_time_monotonic_us();
            continue;
        }
        enum bf_status status = turn(source, &err);
        if (status != BF_OK) {
            fail(worker, status, &err);
        }
    }
    atomic_fetch_sub(&rerun->running, 1);
    return NULL;
}
