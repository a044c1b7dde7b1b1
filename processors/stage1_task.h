/* stage1_task.h: the inside of a stage 1 task, shared by its files only.
 * Owner: the runner.   Thread: the task's.   Limits: task.h. */
#ifndef BF_PROCESSORS_STAGE1_TASK_H
#define BF_PROCESSORS_STAGE1_TASK_H

#include "processors/clock.h"
#include "processors/content.h"
#include "processors/device.h"
#include "processors/stage1.h"

struct bf_stage1 {
    struct bf_task_options options;
    struct bf_settings settings;
    struct bf_generations generations;
    struct bf_clock clock;
    struct bf_windows windows;
    struct bf_devices devices;
    struct bf_contents *contents;
    struct bf_task_counters counters;
    int64_t last_emit_us;
    uint64_t refused; /* windows without data for which there was no room */
    uint64_t mixed;   /* windows for which two definitions had data; since the start */
    struct bf_outlet outlet;
};

/* stage1_reading.c */
void bf__stage1_reading(struct bf_stage1 *task, const struct bf_input *input);
/* stage1_step.c: the clock goes from clock.now_us to now_us. */
void bf__stage1_step(struct bf_stage1 *task, int64_t now_us);

#endif
