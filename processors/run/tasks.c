/* tasks.c: tasks come with an assignment and go with a revoke; in between they are given their records.
 * Every assignment is a new epoch: its tasks are rebuilt from the committed offsets, whatever was here. */
#include <sys/random.h>

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "core/log.h"
#include "core/time.h"
#include "core/wire.h"
#include "processors/run/state.h"

struct bf_running *bf__process_task(struct bf_process *process, enum bf_topic topic, int32_t partition)
{
    bool first = topic == BF_TOPIC_READINGS;
    int32_t limit = first ? process->install->readings : process->install->partials;
    if ((!first && topic != BF_TOPIC_PARTIALS) || partition < 0 || partition >= limit) {
        return NULL;
    }
    return &process->tasks[first ? partition : process->install->readings + partition];
}

/* ---- outputs */
static enum bf_topic topic_of(enum bf_output_topic topic)
{
    static const enum bf_topic topics[BF_OUTPUT_TOPICS] = {[BF_OUTPUT_REJECTS] = BF_TOPIC_REJECTS,
                                                           [BF_OUTPUT_PARTIALS] = BF_TOPIC_PARTIALS,
                                                           [BF_OUTPUT_KPIS] = BF_TOPIC_KPIS};
    return topics[topic];
}

static void emit(void *context, const struct bf_output *output)
{
    struct bf_running *task = context;
    struct bf_process *process = task->process;
    char bytes[128];
    struct bf_mp_writer writer;
    const struct bf_origin origin = {
        .task = bf_slice_of(task->name), .offset = task->next, .index = output->index};
    if (process->failed) {
        return;
    }
    bf_mp_writer_init(&writer, bytes, sizeof(bytes));
    bf_origin_pack(&origin, &writer);
    assert(!writer.full);
    const struct bf_outgoing record = {.topic = topic_of(output->topic),
                                       .partition = output->partition,
                                       .key = output->key,
                                       .value = output->value,
                                       .type = output->type,
                                       .origin = {writer.data, writer.len}};
    if (bf_producer_send_wait(process->producer, &record, NULL, &process->failure) != BF_OK) {
        process->failed = true; /* the process ends; what was not written is written by the replay */
        return;
    }
    bf_count(process->tally.outputs[output->topic], 1);
}

/* ---- epochs */
enum bf_status bf__process_new_stages(struct bf_running *task, struct bf_err *err)
{
    const struct bf_task_options options = {
        .partition = task->partition,
        .install = task->process->install,
        .definitions = bf__process_plan,
        .definitions_context = task->process,
        .emit = emit,
        .emit_context = task,
    };
    bf_stage1_destroy(task->stage1);
    bf_stage2_destroy(task->stage2);
    task->stage1 = NULL;
    task->stage2 = NULL;
    return task->topic == BF_TOPIC_READINGS ? bf_stage1_create(&options, &task->stage1, err)
                                            : bf_stage2_create(&options, &task->stage2, err);
}

void bf__process_end(struct bf_running *task)
{
    if (task->process != NULL) {
        bf__chunks_drop(task);
    }
    bf_stage1_destroy(task->stage1);
    bf_stage2_destroy(task->stage2);
    memset(task, 0, sizeof(*task));
}

static enum bf_status begin(struct bf_process *process, struct bf_running *task, enum bf_topic topic,
                            int32_t partition, struct bf_err *err)
{
    bf__process_end(task);
    task->process = process;
    task->topic = topic;
    task->partition = partition;
    task->committed = -1;
    task->floor_offset = INT64_MAX;
    (void)snprintf(task->name, sizeof(task->name), "%.*s/%s/%d", BF_SLICE_ARG(process->install->id),
                   topic == BF_TOPIC_READINGS ? "s1" : "s2", (int)partition);
    if (getrandom(&task->owner, sizeof(task->owner), 0) != (ssize_t)sizeof(task->owner)) {
        return bf_err_set(err, BF_FATAL, "the kernel gives no random numbers");
    }
    enum bf_status status = bf__process_new_stages(task, err);
    if (status == BF_OK) {
        status = bf__process_restore(task, err);
    }
    if (status != BF_OK) {
        bf__process_end(task);
        return status == BF_AGAIN ? BF_PEER : status;
    }
    /* Spread over the interval, so that not all tasks write at once. */
    int64_t every_us = process->site->process.checkpoint_every_us;
    int64_t place = (int64_t)(task - process->tasks) + 1;
    task->due_us = bf_time_monotonic_us() + every_us * place / (int64_t)process->task_count;
    task->used = true;
    return BF_OK;
}

enum bf_status bf__process_assigned(void *context, const enum bf_topic *topics, const int32_t *partitions,
                                    int64_t *offsets, size_t count, struct bf_err *err)
{
    struct bf_process *process = context;
    int64_t began_us = bf_time_monotonic_us();
    for (size_t i = 0; i < count; i++) {
        struct bf_running *task = bf__process_task(process, topics[i], partitions[i]);
        if (task == NULL) {
            bf_err_set(err, BF_CONFIG, "Kafka assigns partition %d, which the install record does not have",
                       (int)partitions[i]);
            bf_err_hint(err, "a topic has grown; belfry topics --check says which");
            return BF_CONFIG;
        }
        enum bf_status status = bf_daemon_stopping()
                                    ? bf_err_set(err, BF_PEER, "asked to stop while the tasks began")
                                    : begin(process, task, topics[i], partitions[i], err);
        if (status != BF_OK) {
            return status;
        }
        offsets[i] = task->next;
        bf_log(BF_LOG_INFO, "task.began", "task=%s offset=%lld owner=%016llx", task->name,
               (long long)task->next, (unsigned long long)task->owner);
    }
    process->rejoin_pause_us = 0;
    bf_health_set(process->health, "group", BF_HEALTH_OK, "joined");
    bf_gauge(process->tally.restore_us, bf_time_monotonic_us() - began_us);
    return BF_OK;
}

void bf__process_revoked(void *context, const enum bf_topic *topics, const int32_t *partitions, size_t count,
                         bool lost)
{
    struct bf_process *process = context;
    for (size_t i = 0; i < count; i++) {
        struct bf_running *task = bf__process_task(process, topics[i], partitions[i]);
        if (task != NULL && task->used) {
            bf_log(BF_LOG_INFO, "task.ended", "task=%s offset=%lld lost=%d", task->name,
                   (long long)task->next, lost);
            bf__process_end(task);
        }
    }
}

/* ---- records */
static enum bf_record_type type_of(const struct bf_incoming *incoming)
{
    enum bf_record_type type;
    if (incoming->topic == BF_TOPIC_READINGS && incoming->has_key) {
        return BF_RECORD_READING;
    }
    return bf_incoming_type(incoming, &type) ? type : BF_RECORD_COUNT;
}

enum bf_status bf__process_apply(struct bf_process *process, const struct bf_incoming *incoming,
                                 struct bf_err *err)
{
    struct bf_running *task = bf__process_task(process, incoming->topic, incoming->partition);
    if (task == NULL || !task->used || task->stopped || incoming->offset < task->next) {
        return BF_OK;
    }
    if (incoming->offset > task->next) { /* belfry's logs have no holes: begin again rather than count less */
        long long missing = incoming->offset - task->next;
        return bf_err_set(err, BF_FATAL, "%lld records before offset %lld of partition %d were passed over",
                          missing, (long long)incoming->offset, (int)incoming->partition);
    }
    if (task->must_announce) {
        enum bf_status status = bf__process_announce(task, err);
        if (status != BF_OK || task->stopped) {
            return status; /* refused: nothing may be written before it is said */
        }
    }
    struct bf_input input = {.type = type_of(incoming), .offset = incoming->offset, .value = incoming->value};
    task->next = incoming->offset; /* the origin of its outputs */
    enum bf_status status;
    if (task->stage1 != NULL) {
        status = bf_stage1_apply(task->stage1, &input, err);
    } else {
        input.origin = bf_incoming_header(incoming, "bf-origin");
        status = bf_stage2_apply(task->stage2, &input, err);
    }
    if (status == BF_OK && process->failed) {
        *err = process->failure;
        return BF_FATAL;
    }
    if (status == BF_OK) {
        task->next = incoming->offset + 1;
        bf_count(process->tally.inputs[task->stage1 == NULL], 1);
        if (input.type == BF_RECORD_TICK && task->stage1 != NULL) {
            bf__process_pace(process, task);
        }
    }
    return status;
}
