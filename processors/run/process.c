/* process.c: the daemon: open, one turn, close. One thread: records in, outputs to the producer, open
 * checkpoints one step further. Declined: a thread per task (scaling is by processes of the group). */
#include "processors/run/process.h"

#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "core/time.h"
#include "core/wire.h"
#include "processors/run/state.h"

#define TURN_US (20 * BF_US_PER_MS)
#define IDLE_MS 20
#define REPORT_US BF_US_PER_S
#define REJOIN_US (500 * BF_US_PER_MS) /* doubles from time to time, */
#define REJOIN_MAX_US (5 * BF_US_PER_S)
#define LINGER_MS 5
#define MAX_QUEUE 100000
#define CLOSE_US (4 * BF_US_PER_S)

static enum bf_status open_group(struct bf_process *process, struct bf_err *err)
{
    static const enum bf_topic topics[] = {BF_TOPIC_READINGS, BF_TOPIC_PARTIALS};
    size_t len = strlen(process->kafka.prefix);
    if (len > sizeof(process->group) - sizeof("-process")) {
        return bf_err_set(err, BF_CONFIG,
                          "kafka.prefix has %zu bytes, and its consumer group has room for %zu", len,
                          sizeof(process->group) - sizeof("-process"));
    }
    memcpy(process->group, process->kafka.prefix, len);
    memcpy(process->group + len, "-process", sizeof("-process"));
    const struct bf_group group = {
        .id = process->group,
        .instance_id = process->site->process.id,
        .session_ms = (uint32_t)(process->site->process.session_us / BF_US_PER_MS),
        .assigned = bf__process_assigned,
        .revoked = bf__process_revoked,
        .context = process,
    };
    enum bf_status status = bf_consumer_create(&process->kafka, &group, false, &process->consumer, err);
    return status == BF_OK ? bf_consumer_subscribe(process->consumer, topics, 2, err) : status;
}

static enum bf_status open_tables(struct bf_process *process, struct bf_err *err)
{
    process->install = bf_config_log_install(process->log);
    size_t sources = (size_t)process->install->readings;
    process->task_count = sources + (size_t)process->install->partials;
    process->tasks = calloc(process->task_count, sizeof(*process->tasks));
    process->tail_clocks = calloc(sources, sizeof(*process->tail_clocks));
    if (process->tasks == NULL || process->tail_clocks == NULL) {
        return bf_err_set(err, BF_FATAL, "out of memory");
    }
    for (size_t i = 0; i < sources; i++) {
        process->tail_clocks[i] = BF_TIME_NONE;
    }
    return bf__chunks_open(&process->chunks, err);
}

static enum bf_status open_all(struct bf_process *process, struct bf_daemon_context *context,
                               struct bf_err *err)
{
    enum bf_status status = bf_site_load(context->config_path, &process->site, err);
    if (status != BF_OK) {
        return status;
    }
    process->kafka = bf_wiring_kafka(process->site, process->site->process.id, process->properties);
    bf__process_register(process, context->counters);
    status =
        bf_http_start(process->site->process.http, context->counters, context->health, &process->http, err);
    if (status == BF_OK) {
        bf_log(BF_LOG_INFO, "http.listening", "port=%d", (int)bf_http_port(process->http));
        status =
            bf_config_log_await(&process->kafka, bf_aggregate_kinds(), process->health, &process->log, err);
    }
    if (status == BF_OK) {
        status = open_tables(process, err);
    }
    if (status == BF_OK) {
        status = bf_producer_create(&process->kafka, LINGER_MS, MAX_QUEUE, &process->producer, err);
    }
    if (status == BF_OK) {
        status = bf_consumer_create(&process->kafka, NULL, true, &process->scanner, err);
    }
    return status == BF_OK ? open_group(process, err) : status;
}

static void close_all(struct bf_process *process)
{
    if (process->holding) {
        bf_incoming_release(&process->held);
    }
    bf_consumer_destroy(process->consumer); /* calls revoked */
    for (size_t i = 0; process->tasks != NULL && i < process->task_count; i++) {
        bf__process_end(&process->tasks[i]);
    }
    bf__chunks_close(&process->chunks);
    bf_consumer_destroy(process->tail);
    bf_consumer_destroy(process->scanner);
    if (process->producer != NULL) {
        bf_producer_destroy(process->producer, 1000);
    }
    bf__process_free_plans(process);
    bf_config_log_close(process->log);
    bf_http_stop(process->http);
    bf_site_destroy(process->site);
    free(process->tasks);
    free(process->tail_clocks);
    free(process);
}

static enum bf_status process_open(struct bf_daemon_context *context, void **self, struct bf_err *err)
{
    struct bf_process *process = calloc(1, sizeof(*process));
    if (process == NULL) {
        return bf_err_set(err, BF_FATAL, "out of memory");
    }
    process->health = context->health;
    bf_health_set(context->health, "tasks", BF_HEALTH_NOT_READY, "starting");
    enum bf_status status = open_all(process, context, err);
    if (status != BF_OK) {
        close_all(process);
        return status;
    }
    *self = process;
    return BF_OK;
}

/* A record whose generation belfry.config has not given yet: everything waits for it. */
static enum bf_status retry_held(struct bf_process *process, struct bf_err *err)
{
    enum bf_status status = bf_config_log_refresh(process->log, IDLE_MS, err);
    if (status != BF_OK && status != BF_AGAIN) {
        return status;
    }
    status = bf__process_apply(process, &process->held, err);
    if (status == BF_AGAIN) {
        bf_health_set(process->health, "config", BF_HEALTH_DEGRADED,
                      "waits for a generation of belfry.config");
        return BF_AGAIN;
    }
    bf_health_set(process->health, "config", BF_HEALTH_OK, "complete");
    bf_incoming_release(&process->held);
    process->holding = false;
    return status;
}

static enum bf_status take_records(struct bf_process *process, struct bf_err *err)
{
    int64_t until_us = bf_time_monotonic_us() + TURN_US;
    for (unsigned i = 0;; i++) {
        struct bf_incoming incoming;
        enum bf_status status = bf_consumer_poll(process->consumer, i == 0 ? IDLE_MS : 0, &incoming, err);
        if (status != BF_OK) {
            return status;
        }
        status = incoming.eof ? BF_OK : bf__process_apply(process, &incoming, err);
        if (status == BF_AGAIN) {
            process->held = incoming;
            process->holding = true;
            return BF_AGAIN;
        }
        bf_incoming_release(&incoming);
        if (status != BF_OK) {
            return status;
        }
        if (i % 128 == 127 && bf_time_monotonic_us() >= until_us) {
            return BF_OK;
        }
    }
}

static void repace(struct bf_process *process)
{
    for (int32_t i = 0; i < process->install->readings; i++) {
        struct bf_running *task = &process->tasks[i];
        if (task->used && !task->stopped && task->paused) {
            bf__process_pace(process, task);
        }
    }
}

/* The membership is lost for good, or a task could not be loaded because Kafka went away: everything ends and
 * begins anew with the next assignment, under a new consumer (a fenced one cannot be used again). */
static void leave_group(struct bf_process *process, const struct bf_err *why)
{
    bf_log_err(BF_LOG_WARN, "group.left", why);
    bf_health_set(process->health, "group", BF_HEALTH_NOT_READY, "%s%s%s", why->message,
                  why->detail[0] ? ": " : "", why->detail);
    if (process->holding) {
        bf_incoming_release(&process->held);
        process->holding = false;
    }
    bf_consumer_destroy(process->consumer); /* calls revoked */
    process->consumer = NULL;
    int64_t pause_us = process->rejoin_pause_us == 0 ? REJOIN_US : 2 * process->rejoin_pause_us;
    process->rejoin_pause_us = pause_us > REJOIN_MAX_US ? REJOIN_MAX_US : pause_us;
    process->rejoin_us = bf_time_monotonic_us() + process->rejoin_pause_us;
}

/* A task whose commit was refused waits for the next assignment. Where none comes, this one is over. */
static bool stands_still(struct bf_process *process, struct bf_err *err)
{
    bool stopped = false;
    for (size_t i = 0; i < process->task_count; i++) {
        stopped = stopped || process->tasks[i].stopped;
    }
    int64_t now_us = bf_time_monotonic_us();
    if (!stopped || process->stopped_since_us == 0) {
        process->stopped_since_us = stopped ? now_us : 0;
        return false;
    }
    if (now_us - process->stopped_since_us < 2 * process->site->process.session_us) {
        return false;
    }
    process->stopped_since_us = 0;
    (void)bf_err_set(err, BF_PEER, "a commit was refused, and no new assignment has come for two sessions");
    return true;
}

/* The group's part of a turn. PEER ends the membership, not the process. */
static enum bf_status take_part(struct bf_process *process, struct bf_err *err)
{
    enum bf_status status;
    if (process->consumer == NULL) {
        if (bf_time_monotonic_us() < process->rejoin_us) {
            return bf_producer_poll(process->producer, IDLE_MS, err);
        }
        status = open_group(process, err);
    } else {
        status = process->holding ? retry_held(process, err) : take_records(process, err);
        status = (status == BF_OK || status == BF_AGAIN) && stands_still(process, err) ? BF_PEER : status;
    }
    if (status == BF_PEER) {
        leave_group(process, err);
        return BF_AGAIN;
    }
    return status;
}

static enum bf_status process_step(void *self, struct bf_err *err)
{
    struct bf_process *process = self;
    enum bf_status status = take_part(process, err);
    if (status == BF_OK || status == BF_AGAIN) {
        status = bf_producer_poll(process->producer, 0, err);
    }
    if (status == BF_OK || status == BF_AGAIN) {
        status = bf__process_tail(process, err);
    }
    if (status != BF_OK) {
        return status;
    }
    repace(process);
    int64_t now_us = bf_time_monotonic_us();
    status = bf__process_checkpoints(process, now_us, err);
    if (status == BF_OK && now_us - process->report_us >= REPORT_US) {
        process->report_us = now_us;
        bf__process_report(process);
    }
    return status;
}

static void process_dump(void *self)
{
    const struct bf_process *process = self;
    for (size_t i = 0; i < process->task_count; i++) {
        const struct bf_running *task = &process->tasks[i];
        if (!task->used) {
            continue;
        }
        const struct bf_task_status status =
            task->stage1 != NULL ? bf_stage1_status(task->stage1) : bf_stage2_status(task->stage2);
        bf_log(BF_LOG_INFO, "task",
               "name=%s next=%lld committed=%lld clock_us=%lld windows=%llu series=%llu paused=%d",
               task->name, (long long)task->next, (long long)task->committed, (long long)status.clock_us,
               (unsigned long long)status.windows, (unsigned long long)status.series, task->paused);
    }
}

static void process_close(void *self)
{
    struct bf_process *process = self;
    if (!process->failed && bf_producer_connected(process->producer)) { /* else no commit would be answered */
        bf__process_last_checkpoints(process, bf_time_monotonic_us() + CLOSE_US);
    }
    close_all(process);
}

const struct bf_daemon bf_process_daemon = {
    .name = "belfry-process",
    .summary = "Turns readings into KPIs.",
    .open = process_open,
    .step = process_step,
    .dump = process_dump,
    .close = process_close,
};
