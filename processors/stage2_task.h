/* stage2_task.h: the inside of a stage 2 task, shared by its files only.
 * Owner: the runner.   Thread: the task's.   Limits: task.h. */
#ifndef BF_PROCESSORS_STAGE2_TASK_H
#define BF_PROCESSORS_STAGE2_TASK_H

#include "processors/stage2.h"

#define BF_STAGE2_CELLS 4 /* cells per window that there is room for, on average */

struct bf_source {
    int64_t clock_us;
    int64_t offset; /* of its last origin; -1: none yet */
    uint32_t index;
};

struct bf_waiting { /* a late partial, in the order (stamp, source, origin) */
    uint32_t previous, next;
    uint32_t series;
    int32_t source;
    int64_t stamp_us, offset;
    struct bf_pane pane;
    uint32_t index;
    uint32_t share; /* its cell, beside those of its series' windows */
};

struct bf_stage2 {
    struct bf_task_options options;
    struct bf_settings settings;
    struct bf_generations generations;
    struct bf_windows windows;
    struct bf_pool waiting;
    uint32_t waiting_first, waiting_last;
    struct bf_source *sources;
    int32_t source_count;
    int64_t slowest_us, fastest_us, last_emit_us;
    uint64_t refused, mixed, malformed, foreign;
    struct bf_outlet outlet;
};

enum bf_status bf__stage2_settings(struct bf_stage2 *task, struct bf_err *err) BF_MUST_CHECK;
/* Links and share are filled in. */
void bf__stage2_wait(struct bf_stage2 *task, const struct bf_waiting *late, const struct bf_cell *cell);
/* stage2_step.c: all source clocks are taken; closes, applies what has ripened, publishes. */
void bf__stage2_step(struct bf_stage2 *task);
void bf__stage2_clocks(struct bf_stage2 *task, int64_t *slowest_us, int64_t *fastest_us);

#endif
