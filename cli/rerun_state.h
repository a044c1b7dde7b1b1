/* rerun_state.h: the inside of a replay, shared by rerun.c (its start and end) and rerun_work.c (its
 * records).
 * Owner: the replay.   Thread: what is not atomic is one worker's, or under the sink's lock. */
#ifndef BF_CLI_RERUN_STATE_H
#define BF_CLI_RERUN_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "cli/rerun.h"
#include "processors/stage1.h"
#include "processors/stage2.h"

#define BF__RERUN_NAME 80
#define BF__RERUN_PROPERTIES 80

struct bf__rerun_source { /* a readings partition */
    struct bf_rerun *rerun;
    struct bf_consumer *consumer;
    struct bf_stage1 *task;
    char name[BF__RERUN_NAME];
    int32_t partition;
    int64_t next, end;
    int64_t heard_us; /* monotonic: when Kafka last gave something */
    bool ended;
    int64_t told_us;          /* the clock that stage 2 was told last; BF_TIME_NONE: none */
    bool tells;               /* ... and whether it is told of the tick that is being made */
    _Atomic int64_t first_us; /* its first clock */
    _Atomic int64_t clock_us; /* INT64_MAX once it has ended */
    _Atomic uint64_t records, readings;
};

struct bf__rerun_sink { /* a partials partition */
    struct bf_rerun *rerun;
    pthread_mutex_t lock;
    struct bf_stage2 *task;
    char name[BF__RERUN_NAME];
    int64_t offset; /* of its next input: there is no log in between, so they are counted */
};

struct bf__rerun_worker {
    struct bf_rerun *rerun;
    pthread_t thread;
    bool started;
    size_t number;
    enum bf_status status;
    struct bf_err err;
};

struct bf_rerun {
    struct bf_rerun_options options;
    struct bf_kafka_options kafka;
    struct bf_property properties[BF__RERUN_PROPERTIES];
    char queue[16];
    struct bf__rerun_source *sources;
    struct bf__rerun_sink *sinks;
    struct bf__rerun_worker *workers;
    size_t worker_count;
    uint64_t total;
    _Atomic int64_t hold_us;
    atomic_bool stopping;
    _Atomic size_t running;
};

void bf__rerun_first(void *context, const struct bf_output *output);  /* what stage 1 emits */
void bf__rerun_second(void *context, const struct bf_output *output); /* ... and stage 2 */
int64_t bf__rerun_slowest(const struct bf_rerun *rerun);
void *bf__rerun_work(void *worker); /* a worker's thread */

#endif
