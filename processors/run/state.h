/* state.h: the inside of belfry-process, shared by the files of this folder only.
 * Owner: the process.   Thread: main.   Limits: one task per partition of the two topics. */
#ifndef BF_PROCESSORS_RUN_STATE_H
#define BF_PROCESSORS_RUN_STATE_H

#include "config/log/config_log.h"
#include "config/log/wiring.h"
#include "core/daemon.h"
#include "peers/http/http.h"
#include "peers/kafka/kafka.h"
#include "processors/run/checkpoint.h"
#include "processors/stage1.h"
#include "processors/stage2.h"

struct bf_process;

struct bf_running {
    struct bf_process *process;
    bool used;
    bool stopped; /* its membership was refused: does nothing until the next assignment */
    bool paused;  /* too far ahead of the slowest source */
    bool must_announce; /* a first start, or after an orderly stop: to be committed before any output */
    enum bf_topic topic;
    int32_t partition;
    char name[80]; /* "<install id>/s1/<partition>" */
    struct bf_stage1 *stage1;
    struct bf_stage2 *stage2;
    int64_t next; /* offset of the next input record */
    /* checkpoint.c */
    enum bf_checkpoint_phase phase;
    uint64_t owner, number;
    int64_t committed; /* offset of the last confirmed commit; -1: none */
    int64_t upto;      /* offset of the open checkpoint */
    uint64_t mark;     /* producer's sequence that must be acknowledged before it counts */
    int64_t due_us;    /* of the next checkpoint; monotonic */
    int64_t ask_us;    /* of the next question what is committed */
    struct bf_manifest manifest;
    struct bf_chunk_set sets[BF_CHUNK_SETS];
    size_t set_count;
    int64_t floor_offset; /* of sets that did not fit into the list; INT64_MAX: none */
};

struct bf_process_tally {
    struct bf_counter *inputs[2], *outputs[BF_OUTPUT_TOPICS];
    struct bf_counter *checkpoints, *checkpoints_unanswered, *checkpoints_refused,
        *checkpoint_bytes;
    struct bf_counter *tasks, *paused, *windows, *series, *sources, *state_bytes, *waiting, *refused,
        *mixed, *foreign, *generation;
    struct bf_counter *readings[8]; /* as in bf_task_counters, summed over this process's tasks */
    struct bf_counter *clock_us;
    struct bf_counter *pauses[BF_PAUSES], *restore_us;
};

struct bf_process {
    struct bf_site *site;
    struct bf_property properties[BF_WIRING_PROPERTIES];
    struct bf_kafka_options kafka;
    char group[128]; /* "<prefix>-process" */
    struct bf_config_log *log;
    const struct bf_install *install;
    struct bf_producer *producer;
    struct bf_consumer *consumer, *scanner, *tail;
    struct bf_http *http;
    struct bf_health *health;
    struct bf_process_tally tally;
    struct bf_running *tasks; /* readings partitions, then partials partitions */
    size_t task_count;
    struct bf_kpi_plan **plans;
    size_t plan_count, plan_capacity;
    int64_t *
        tail_clocks; /* of each source, from belfry.partials; used where no stage 2 task runs here */
    struct bf_incoming held; /* waits for a generation */
    bool holding;
    struct bf_chunks chunks;
    size_t begin_from, commit_from; /* whose turn it is */
    int64_t longest_us[BF_PAUSES]; /* since the start */
    int64_t report_us;
    int64_t stopped_since_us;           /* since when a task is stopped; 0: none is */
    int64_t rejoin_us, rejoin_pause_us; /* when there is no consumer; the pause is 0 after an assignment */
    struct bf_err failure; /* of an output, seen inside a task's callback */
    bool failed;
};

/* plans.c */
enum bf_status bf__process_plan(void *context, int64_t generation, const struct bf_kpi_plan **plan,
                                struct bf_err *err);
void bf__process_free_plans(struct bf_process *process);
/* tasks.c */
struct bf_running *bf__process_task(struct bf_process *process, enum bf_topic topic,
                                    int32_t partition);
enum bf_status bf__process_assigned(void *context, const enum bf_topic *topics,
                                    const int32_t *partitions, int64_t *offsets, size_t count,
                                    struct bf_err *err);
void bf__process_revoked(void *context, const enum bf_topic *topics, const int32_t *partitions,
                         size_t count, bool lost);
void bf__process_end(struct bf_running *task);
enum bf_status bf__process_new_stages(struct bf_running *task, struct bf_err *err) BF_MUST_CHECK;
/* OK, AGAIN (waits for a generation, nothing changed), or what ends the process. */
enum bf_status bf__process_apply(struct bf_process *process, const struct bf_incoming *incoming,
                                 struct bf_err *err) BF_MUST_CHECK;
/* ahead.c */
void bf__process_pace(struct bf_process *process, struct bf_running *task);
int64_t bf__process_slowest(const struct bf_process *process, int32_t *which);
enum bf_status bf__process_tail(struct bf_process *process, struct bf_err *err) BF_MUST_CHECK;
/* report.c */
void bf__process_register(struct bf_process *process, struct bf_counters *counters);
void bf__process_report(struct bf_process *process);

#endif
