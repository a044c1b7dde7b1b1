/* Why: new KPIs are tried on yesterday before they rule today, by the very code that would rule. The tasks
 * are pure, so all that is needed is records in order and somewhere to put what comes out.
 * Declined: a second belfry-process with a group and topics of its own (it would take the day's partials
 * through Kafka, and leave topics and offsets behind), and one consumer for all partitions (the dense ones
 * would hold up the others, or be paused and sought again and again). */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/rerun_state.h"
#include "core/time.h"
#include "core/wire.h"

#define QUEUES_KB 32768 /* of all readers together */
#define QUEUE_MIN_KB 512
#define QUEUE_MAX_KB 4096

static enum bf_status definitions(void *context, int64_t generation, const struct bf_kpi_plan **plan,
                                  struct bf_err *err)
{
    const struct bf_rerun *rerun = context;
    if (generation != rerun->options.plan->generation) {
        return bf_err_set(err, BF_FATAL, "generation %lld is none of this replay", (long long)generation);
    }
    *plan = rerun->options.plan;
    return BF_OK;
}

/* As if the configuration had been put into force before the first record. */
static enum bf_status take_plan(struct bf__rerun_source *source, struct bf_err *err)
{
    const struct bf_kpi_plan *plan = source->rerun->options.plan;
    char bytes[128];
    struct bf_mp_writer writer;
    const struct bf_control control = {
        .generation = plan->generation, .hash = bf_slice_of(plan->city->hash), .from_us = BF_TIME_NONE};
    bf_mp_writer_init(&writer, bytes, sizeof bytes);
    bf_control_pack(&control, &writer);
    const struct bf_input input = {
        .type = BF_RECORD_CONTROL, .offset = source->next, .value = {writer.data, writer.len}};
    return bf_stage1_apply(source->task, &input, err);
}

static enum bf_status open_source(struct bf_rerun *rerun, int32_t partition, struct bf_err *err)
{
    struct bf__rerun_source *source = &rerun->sources[partition];
    int64_t begin = rerun->options.begin[partition];
    const struct bf_task_options options = {.partition = partition,
                                            .install = rerun->options.install,
                                            .definitions = definitions,
                                            .definitions_context = rerun,
                                            .finals_only = true,
                                            .emit = bf__rerun_first,
                                            .emit_context = source};
    source->rerun = rerun;
    source->partition = partition;
    source->next = begin;
    source->end = rerun->options.end[partition];
    atomic_store(&source->first_us, BF_TIME_NONE);
    source->heard_us = bf_time_monotonic_us();
    source->told_us = BF_TIME_NONE;
    atomic_store(&source->clock_us, BF_TIME_NONE);
    rerun->total += source->end > begin ? (uint64_t)(source->end - begin) : 0;
    (void)snprintf(source->name, sizeof source->name, "%.*s/s1/%d", BF_SLICE_ARG(rerun->options.install->id),
                   (int)partition);
    enum bf_status status = bf_stage1_create(&options, &source->task, err);
    status = status == BF_OK ? take_plan(source, err) : status;
    if (status != BF_OK || source->next >= source->end) {
        return status;
    }
    const struct bf_position position = {.topic = BF_TOPIC_READINGS, .partition = partition, .offset = begin};
    status = bf_consumer_create(&rerun->kafka, NULL, false, &source->consumer, err);
    return status == BF_OK ? bf_consumer_assign(source->consumer, &position, 1, err) : status;
}

static enum bf_status open_sink(struct bf_rerun *rerun, int32_t partition, struct bf_err *err)
{
    struct bf__rerun_sink *sink = &rerun->sinks[partition];
    const struct bf_task_options options = {.partition = partition,
                                            .install = rerun->options.install,
                                            .definitions = definitions,
                                            .definitions_context = rerun,
                                            .emit = bf__rerun_second,
                                            .emit_context = sink};
    sink->rerun = rerun;
    pthread_mutex_init(&sink->lock, NULL);
    (void)snprintf(sink->name, sizeof sink->name, "%.*s/s2/%d", BF_SLICE_ARG(rerun->options.install->id),
                   (int)partition);
    return bf_stage2_create(&options, &sink->task, err);
}

/* Larger bites than a daemon takes, and a bound on what all readers hold together. */
static void wire(struct bf_rerun *rerun)
{
    const struct bf_kafka_options *given = rerun->options.kafka;
    size_t count =
        given->property_count < BF__RERUN_PROPERTIES - 2 ? given->property_count : BF__RERUN_PROPERTIES - 2;
    int each = QUEUES_KB / rerun->options.install->readings;
    each = each > QUEUE_MAX_KB ? QUEUE_MAX_KB : each;
    (void)snprintf(rerun->queue, sizeof rerun->queue, "%d", each < QUEUE_MIN_KB ? QUEUE_MIN_KB : each);
    for (size_t i = 0; i < count; i++) {
        rerun->properties[i] = given->properties[i];
    }
    rerun->properties[count++] =
        (struct bf_property){.name = "queued.max.messages.kbytes", .value = rerun->queue};
    rerun->properties[count++] = (struct bf_property){.name = "max.partition.fetch.bytes", .value = "524288"};
    rerun->kafka = *given;
    rerun->kafka.properties = rerun->properties;
    rerun->kafka.property_count = count;
}

static enum bf_status open_all(struct bf_rerun *rerun, struct bf_err *err)
{
    const struct bf_install *install = rerun->options.install;
    size_t threads = rerun->options.threads;
    rerun->worker_count = threads < (size_t)install->readings ? threads : (size_t)install->readings;
    rerun->sources = calloc((size_t)install->readings, sizeof *rerun->sources);
    rerun->sinks = calloc((size_t)install->partials, sizeof *rerun->sinks);
    rerun->workers = calloc(rerun->worker_count, sizeof *rerun->workers);
    if (rerun->sources == NULL || rerun->sinks == NULL || rerun->workers == NULL) {
        return bf_err_set(err, BF_LIMIT, "no memory for the tasks");
    }
    wire(rerun);
    enum bf_status status = BF_OK;
    for (int32_t i = 0; status == BF_OK && i < install->partials; i++) {
        status = open_sink(rerun, i, err);
    }
    for (int32_t i = 0; status == BF_OK && i < install->readings; i++) {
        status = open_source(rerun, i, err);
    }
    return status;
}

static enum bf_status start_workers(struct bf_rerun *rerun, struct bf_err *err)
{
    atomic_store(&rerun->running, rerun->worker_count);
    for (size_t i = 0; i < rerun->worker_count; i++) {
        struct bf__rerun_worker *worker = &rerun->workers[i];
        *worker = (struct bf__rerun_worker){.rerun = rerun, .number = i};
        worker->started = pthread_create(&worker->thread, NULL, bf__rerun_work, worker) == 0;
        if (!worker->started) {
            atomic_store(&rerun->stopping, true);
            return bf_err_set(err, BF_LIMIT, "could not start a thread");
        }
    }
    return BF_OK;
}

enum bf_status bf_rerun_start(const struct bf_rerun_options *options, struct bf_rerun **rerun,
                              struct bf_err *err)
{
    assert(options->threads > 0);
    struct bf_rerun *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return bf_err_set(err, BF_LIMIT, "no memory");
    }
    made->options = *options;
    atomic_store(&made->hold_us, BF_TIME_NONE);
    enum bf_status status = open_all(made, err);
    status = status == BF_OK ? start_workers(made, err) : status;
    if (status != BF_OK) {
        bf_rerun_destroy(made);
        return status;
    }
    *rerun = made;
    return BF_OK;
}

struct bf_rerun_progress bf_rerun_progress(const struct bf_rerun *rerun)
{
    struct bf_rerun_progress progress = {.total = rerun->total,
                                         .slowest_us = bf__rerun_slowest(rerun),
                                         .first_us = BF_TIME_NONE,
                                         .done = atomic_load(&rerun->running) == 0};
    for (int32_t i = 0; i < rerun->options.install->readings; i++) {
        const struct bf__rerun_source *source = &rerun->sources[i];
        int64_t first_us = atomic_load(&source->first_us);
        progress.records += atomic_load(&source->records);
        progress.readings += atomic_load(&source->readings);
        if (rerun->options.begin[i] > 0 && first_us > progress.first_us) {
            progress.first_us = first_us;
        }
    }
    return progress;
}

void bf_rerun_hold(struct bf_rerun *rerun, int64_t clock_us)
{
    atomic_store(&rerun->hold_us, clock_us);
}

static void end_workers(struct bf_rerun *rerun)
{
    atomic_store(&rerun->stopping, true);
    for (size_t i = 0; rerun->workers != NULL && i < rerun->worker_count; i++) {
        if (rerun->workers[i].started) {
            pthread_join(rerun->workers[i].thread, NULL);
            rerun->workers[i].started = false;
        }
    }
}

enum bf_status bf_rerun_stop(struct bf_rerun *rerun, struct bf_err *err)
{
    end_workers(rerun);
    for (size_t i = 0; i < rerun->worker_count; i++) {
        if (rerun->workers[i].status != BF_OK) {
            *err = rerun->workers[i].err;
            return rerun->workers[i].status;
        }
    }
    return BF_OK;
}

static void add(struct bf_task_counters *sum, struct bf_task_counters its)
{
    sum->readings += its.readings;
    sum->accepted += its.accepted;
    sum->duplicate += its.duplicate;
    sum->older += its.older;
    sum->content += its.content;
    sum->malformed += its.malformed;
    sum->late += its.late;
    sum->limit += its.limit;
}

struct bf_rerun_sums bf_rerun_sums(const struct bf_rerun *rerun)
{
    struct bf_rerun_sums sums = {.last_us = INT64_MAX};
    for (int32_t i = 0; i < rerun->options.install->readings; i++) {
        const struct bf__rerun_source *source = &rerun->sources[i];
        const struct bf_task_status status = bf_stage1_status(source->task);
        add(&sums.readings, bf_stage1_counters(source->task));
        sums.refused += status.refused;
        sums.last_us = status.clock_us < sums.last_us ? status.clock_us : sums.last_us;
    }
    for (int32_t i = 0; i < rerun->options.install->partials; i++) {
        const struct bf_task_status status = bf_stage2_status(rerun->sinks[i].task);
        sums.refused += status.refused;
        sums.malformed += status.malformed;
    }
    return sums;
}

void bf_rerun_destroy(struct bf_rerun *rerun)
{
    if (rerun == NULL) {
        return;
    }
    end_workers(rerun);
    for (int32_t i = 0; rerun->sources != NULL && i < rerun->options.install->readings; i++) {
        bf_consumer_destroy(rerun->sources[i].consumer);
        bf_stage1_destroy(rerun->sources[i].task);
    }
    for (int32_t i = 0; rerun->sinks != NULL && i < rerun->options.install->partials; i++) {
        bf_stage2_destroy(rerun->sinks[i].task);
        if (rerun->sinks[i].rerun != NULL) {
            pthread_mutex_destroy(&rerun->sinks[i].lock);
        }
    }
    free(rerun->sources);
    free(rerun->sinks);
    free(rerun->workers);
    free(rerun);
}
