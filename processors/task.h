/* task.h: what both stages have in common: a task is all the state of one input partition and a pure
 * function (state, record) -> (state, outputs). No I/O, no clock, no random number, nothing allocated per
 * record. It takes whatever comes after an origin or offset that it took; the runner keeps the order.
 *
 * Owner:  the runner; freed whole when the partition is revoked.   Thread: one.
 * Limits: the city's, from the newest generation in the log; counted where they refuse. */
#ifndef BF_PROCESSORS_TASK_H
#define BF_PROCESSORS_TASK_H

#include "processors/generation.h"
#include "processors/output.h"

/* Raised whenever the same log gives other outputs. A replay under another engine is refused. */
#define BF_ENGINE_VERSION 1
/* Of a saved state's bytes; older ones are read back to BF_STATE_FORMAT_OLDEST. 1: without sources. */
#define BF_STATE_FORMAT 2
#define BF_STATE_FORMAT_OLDEST 1

struct bf_input {
    enum bf_record_type type;
    int64_t offset;
    struct bf_slice value;
    struct bf_slice origin; /* header bf-origin; stage 2 only */
};

struct bf_task_options {
    int32_t partition;                /* of the input topic */
    const struct bf_install *install; /* partition counts and install id; must outlive the task */
    bf_definitions definitions;
    void *definitions_context;
    bool finals_only; /* nobody looks at open windows: stage 1 sends nothing of one before it closes */
    bf_emit emit;
    void *emit_context;
};

/* What a person may want to know; for metrics, not part of the state unless said so in RECORDS. */
struct bf_task_status {
    int64_t clock_us, generation;
    uint64_t bytes; /* in use for windows, their aggregates, scopes, sources and waiting partials */
    uint64_t windows, series, sources, waiting, refused, mixed, malformed, foreign;
};

#endif
