/* report.c: what a person sees of the engine: counters and reasons. */
#include "core/log.h"
#include "core/time.h"
#include "processors/run/state.h"

#define STALLED_US (60 * BF_US_PER_S)

static const char *const verdicts[8] = {"seen",    "accepted",  "duplicate", "older",
                                        "content", "malformed", "late",      "limit"};

static struct bf_counter *counter(struct bf_counters *counters, const char *name, const char *help)
{
    return bf_counters_add(counters, BF_COUNTER, name, help, NULL, NULL);
}

static struct bf_counter *gauge(struct bf_counters *counters, const char *name, const char *help)
{
    return bf_counters_add(counters, BF_GAUGE, name, help, NULL, NULL);
}

static void register_plain(struct bf_process_tally *tally, struct bf_counters *counters)
{
    tally->checkpoints =
        counter(counters, "belfry_checkpoints_total", "Checkpoints whose commit was confirmed.");
    tally->checkpoints_unanswered =
        counter(counters, "belfry_checkpoints_unanswered_total", "Commits without an answer.");
    tally->checkpoints_refused = counter(counters, "belfry_checkpoints_refused_total",
                                         "Commits refused, because the membership was lost.");
    tally->checkpoint_bytes = counter(counters, "belfry_checkpoint_bytes_total", "Bytes of state written.");
    tally->tasks = gauge(counters, "belfry_tasks", "Partitions held.");
    tally->paused = gauge(counters, "belfry_tasks_waiting", "Tasks that wait for the slowest source.");
    tally->windows = gauge(counters, "belfry_windows", "Windows held.");
    tally->series = gauge(counters, "belfry_series", "Scopes known, over all KPIs.");
    tally->sources =
        gauge(counters, "belfry_sources", "Sources whose last value a KPI needs, over all KPIs.");
    tally->state_bytes =
        gauge(counters, "belfry_state_bytes",
              "Memory in use for windows, their aggregates, scopes, sources and waiting partials.");
    tally->waiting = gauge(counters, "belfry_partials_waiting", "Late partials that wait for their turn.");
    tally->refused = gauge(counters, "belfry_refused", "What did not fit into a table of fixed size, ever.");
    tally->mixed = gauge(counters, "belfry_windows_mixed",
                         "Windows for which the sources had different definitions, ever.");
    tally->foreign = gauge(counters, "belfry_partials_foreign",
                           "Records of belfry.partials that no task of this installation wrote or that "
                           "cannot be read, ever.");
    tally->generation =
        gauge(counters, "belfry_config_generation", "The newest generation that a task has learned.");
    tally->clock_us = gauge(counters, "belfry_slowest_clock_us",
                            "Log time of the slowest source, microseconds; 0 while one is unheard.");
}

static void register_checkpoints(struct bf_process_tally *tally, struct bf_counters *counters)
{
    static const char *const pauses[BF_PAUSES] = {
        [BF_PAUSE_SAVE] = "save", [BF_PAUSE_CHUNK] = "chunk", [BF_PAUSE_COMMIT] = "commit"};
    for (size_t i = 0; i < BF_PAUSES; i++) {
        tally->pauses[i] =
            bf_counters_add(counters, BF_GAUGE, "belfry_checkpoint_longest_pause_us",
                            "For how long a checkpoint held up the records at most, microseconds; since the "
                            "start.",
                            "step", pauses[i]);
    }
    tally->restore_us = gauge(counters, "belfry_restore_us",
                              "How long the last assignment took to load its tasks, microseconds.");
}

void bf__process_register(struct bf_process *process, struct bf_counters *counters)
{
    struct bf_process_tally *tally = &process->tally;
    static const char *const stages[2] = {"1", "2"};
    static const char *const topics[BF_OUTPUT_TOPICS] = {"rejects", "partials", "kpis"};
    for (size_t i = 0; i < 2; i++) {
        tally->inputs[i] = bf_counters_add(counters, BF_COUNTER, "belfry_process_records_total",
                                           "Input records applied.", "stage", stages[i]);
    }
    for (size_t i = 0; i < BF_OUTPUT_TOPICS; i++) {
        tally->outputs[i] = bf_counters_add(counters, BF_COUNTER, "belfry_process_outputs_total",
                                            "Records written.", "topic", topics[i]);
    }
    for (size_t i = 0; i < 8; i++) {
        tally->readings[i] = bf_counters_add(
            counters, BF_GAUGE, "belfry_task_readings",
            "Readings of the partitions held here, ever, by what became of them.", "verdict", verdicts[i]);
    }
    register_plain(tally, counters);
    register_checkpoints(tally, counters);
}

static void add_counters(uint64_t sums[8], const struct bf_running *task)
{
    const struct bf_task_counters c = bf_stage1_counters(task->stage1);
    const uint64_t its[8] = {c.readings, c.accepted,  c.duplicate, c.older,
                             c.content,  c.malformed, c.late,      c.limit};
    for (size_t i = 0; i < 8; i++) {
        sums[i] += its[i];
    }
}

static void report_sources(struct bf_process *process, size_t held)
{
    int32_t which = 0;
    int64_t slowest_us = bf__process_slowest(process, &which), fastest_us = BF_TIME_NONE;
    for (size_t i = 0; i < process->task_count; i++) {
        const struct bf_running *task = &process->tasks[i];
        int64_t its =
            task->used && task->stage1 != NULL ? bf_stage1_status(task->stage1).clock_us : BF_TIME_NONE;
        fastest_us = its > fastest_us ? its : fastest_us;
    }
    bf_gauge(process->tally.clock_us, slowest_us == BF_TIME_NONE ? 0 : slowest_us);
    if (held == 0) {
        bf_health_set(process->health, "tasks", BF_HEALTH_DEGRADED, "no partition is assigned");
    } else {
        bf_health_set(process->health, "tasks", BF_HEALTH_OK, "%zu partitions", held);
    }
    if (fastest_us != BF_TIME_NONE && (slowest_us == BF_TIME_NONE || fastest_us - slowest_us > STALLED_US)) {
        bf_health_set(process->health, "sources", BF_HEALTH_DEGRADED,
                      "partition %d of belfry.readings stands%s", (int)which,
                      slowest_us == BF_TIME_NONE ? " (not heard yet)" : "");
    } else {
        bf_health_set(process->health, "sources", BF_HEALTH_OK, "in step");
    }
}

static void report_kafka(struct bf_process *process)
{
    const char *reason = process->consumer != NULL ? bf_consumer_reason(process->consumer) : "";
    if ((process->consumer == NULL || bf_consumer_connected(process->consumer)) &&
        bf_producer_connected(process->producer)) {
        bf_health_set(process->health, "kafka", BF_HEALTH_OK, "connected");
    } else {
        bf_health_set(process->health, "kafka", BF_HEALTH_NOT_READY, "no broker can be reached%s%s",
                      reason[0] ? ": " : "", reason);
    }
}

void bf__process_report(struct bf_process *process)
{
    uint64_t sums[8] = {0};
    size_t held = 0, waiting_tasks = 0;
    struct bf_task_status all = {.generation = 0};
    for (size_t i = 0; i < process->task_count; i++) {
        const struct bf_running *task = &process->tasks[i];
        if (!task->used) {
            continue;
        }
        const struct bf_task_status its =
            task->stage1 != NULL ? bf_stage1_status(task->stage1) : bf_stage2_status(task->stage2);
        held++;
        waiting_tasks += task->paused ? 1 : 0;
        all.windows += its.windows;
        all.series += its.series;
        all.sources += its.sources;
        all.bytes += its.bytes;
        all.waiting += its.waiting;
        all.refused += its.refused;
        all.mixed += its.mixed;
        all.foreign += its.foreign + (task->stage2 != NULL ? its.malformed : 0);
        all.generation = its.generation > all.generation ? its.generation : all.generation;
        if (task->stage1 != NULL) {
            add_counters(sums, task);
        }
    }
    for (size_t i = 0; i < 8; i++) {
        bf_gauge(process->tally.readings[i], (int64_t)sums[i]);
    }
    bf_gauge(process->tally.tasks, (int64_t)held);
    bf_gauge(process->tally.paused, (int64_t)waiting_tasks);
    bf_gauge(process->tally.windows, (int64_t)all.windows);
    bf_gauge(process->tally.series, (int64_t)all.series);
    bf_gauge(process->tally.sources, (int64_t)all.sources);
    bf_gauge(process->tally.state_bytes, (int64_t)all.bytes);
    bf_gauge(process->tally.waiting, (int64_t)all.waiting);
    bf_gauge(process->tally.refused, (int64_t)all.refused);
    bf_gauge(process->tally.mixed, (int64_t)all.mixed);
    bf_gauge(process->tally.foreign, (int64_t)all.foreign);
    bf_gauge(process->tally.generation, all.generation);
    report_sources(process, held);
    report_kafka(process);
}
