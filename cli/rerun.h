/* rerun.h: a part of belfry.readings once more through the tasks of stage 1 and stage 2, in this process,
 * with one configuration that holds from the beginning. Nothing is committed and nobody's group is touched:
 * the live installation does not notice.
 *
 * Each readings partition has a reader and a stage 1 task of its own; a worker thread has some of them and
 * goes on with the one whose clock is smallest. Partials go straight into the stage 2 tasks, under a lock
 * each: finals and revisions do not depend on which source was heard first, so they are the same with any
 * number of workers. No worker is more than `ahead_us` of log time ahead of the slowest partition, or of
 * `hold`: that bounds what stage 2 and the caller must keep.
 *
 * Owner: creator.   Thread: the owner's, except `result` (any worker's; each task's results in their order).
 * Limits: one consumer a partition (about 4 MiB read ahead each, less where there are many).
 * Errors: PEER where Kafka stays silent, else what a task said. */
#ifndef BF_CLI_RERUN_H
#define BF_CLI_RERUN_H

#include "core/record.h"
#include "peers/kafka/kafka.h"
#include "processors/task.h"

struct bf_rerun;

struct bf_rerun_result {
    const struct bf_output *output; /* KPIs only: results, devices, ticks of stage 2 */
    struct bf_slice task;           /* "<install>/s2/0" */
    int64_t offset;                 /* of its input: with output->index the origin */
};

struct bf_rerun_options {
    const struct bf_kafka_options *kafka;
    const struct bf_install *install;
    const struct bf_kpi_plan *plan; /* of the configuration; must outlive it */
    const int64_t *begin, *end;     /* of every readings partition: offsets [begin, end) */
    int64_t until_us;               /* a partition ends when its clock has reached this; INT64_MAX: at end */
    int64_t ahead_us;
    size_t threads;
    void (*result)(void *context, const struct bf_rerun_result *result);
    void *context;
};

struct bf_rerun_progress {
    uint64_t records, total; /* of the log; total is an estimate where until_us ends it sooner */
    uint64_t readings;
    /* Clock of the slowest partition; BF_TIME_NONE: one has none yet; INT64_MAX: all have ended. */
    int64_t slowest_us;
    /* The latest first clock of any partition that was not read from its log's beginning; BF_TIME_NONE:
     * there is none. Complete once slowest_us is. */
    int64_t first_us;
    bool done; /* or failed */
};

enum bf_status bf_rerun_start(const struct bf_rerun_options *options, struct bf_rerun **rerun,
                              struct bf_err *err) BF_MUST_CHECK;
struct bf_rerun_progress bf_rerun_progress(const struct bf_rerun *rerun);
/* The workers go no further than clock_us + ahead_us; INT64_MAX: as far as they can. At the start it is
 * BF_TIME_NONE: no further than to the first clock of each partition. */
void bf_rerun_hold(struct bf_rerun *rerun, int64_t clock_us);
/* Ends the workers, wherever they are, and says whether one failed. */
enum bf_status bf_rerun_stop(struct bf_rerun *rerun, struct bf_err *err) BF_MUST_CHECK;

/* After stop. */
struct bf_rerun_sums {
    struct bf_task_counters readings; /* over all stage 1 tasks */
    uint64_t refused, malformed;      /* windows and partials that a table had no room for; unreadable */
    int64_t last_us;                  /* what every partition has reached; BF_TIME_NONE: one has no clock */
};
struct bf_rerun_sums bf_rerun_sums(const struct bf_rerun *rerun);
void bf_rerun_destroy(struct bf_rerun *rerun);

#endif
