/* output.h: where a task's outputs go. A task is a pure function, so it hands its records to a callback;
 * the runner turns them into Kafka records, a test into a list.
 *
 * Owner:  the task holds one; the callback's context is the runner's.   Thread: the task's.
 * Limits: a record of at most BF_OUTPUT_MAX bytes (asserted: all texts in it are bounded). */
#ifndef BF_PROCESSORS_OUTPUT_H
#define BF_PROCESSORS_OUTPUT_H

#include "core/record.h"
#include "core/result.h"

#define BF_OUTPUT_MAX 81920
#define BF_OUTPUT_KEY_MAX 1024

enum bf_output_topic { BF_OUTPUT_REJECTS, BF_OUTPUT_PARTIALS, BF_OUTPUT_KPIS, BF_OUTPUT_TOPICS };

struct bf_output {
    enum bf_output_topic topic;
    int32_t partition;
    enum bf_record_type type;
    struct bf_slice key, value; /* borrowed for the time of the call */
    const struct bf_kpi *kpi;   /* what value says, where it is one; borrowed, too */
    uint32_t index;             /* of this output among those of one input record: part of the origin */
};

typedef void (*bf_emit)(void *context, const struct bf_output *output);

struct bf_outlet {
    bf_emit emit;
    void *context;
    int32_t partitions[BF_OUTPUT_TOPICS];
    uint32_t index; /* of the next output; a task sets it to 0 before each input record */
    char value[BF_OUTPUT_MAX], key[BF_OUTPUT_KEY_MAX];
};

void bf__output_partial(struct bf_outlet *outlet, const struct bf_partial *partial);
void bf__output_kpi(struct bf_outlet *outlet, const struct bf_kpi *kpi);
void bf__output_device(struct bf_outlet *outlet, const struct bf_device *device);
void bf__output_reject(struct bf_outlet *outlet, const struct bf_reject *reject);
/* To every partition of the topic. */
void bf__output_tick(struct bf_outlet *outlet, enum bf_output_topic topic, const struct bf_task_tick *tick);

#endif
