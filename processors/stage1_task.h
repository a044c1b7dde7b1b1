/* stage1_task.h: the inside of a stage 1 task, shared by its files only.
 * Owner: the runner.   Thread: the task's.   Limits: task.h. */
#ifndef BF_PROCESSORS_STAGE1_TASK_H
#define BF_PROCESSORS_STAGE1_TASK_H

#include "processors/clock.h"
#include "processors/content.h"
#include "processors/device.h"
#include "processors/source.h"
#include "processors/stage1.h"

struct bf_stage1 {
    struct bf_task_options options;
    struct bf_settings settings;
    struct bf_generations generations;
    struct bf_clock clock;
    struct bf_windows windows;
    struct bf_devices devices;
    struct bf_tracks tracks;
    struct bf_contents *contents;
    struct bf_task_counters counters;
    int64_t last_emit_us;
    int64_t due_us;   /* no changed window closes before; scratch */
    uint64_t refused; /* windows without data, and pieces of held values, for which there was no room */
    uint64_t mixed;   /* windows for which two definitions had data; since the start */
    struct bf_outlet outlet;
};

/* Whether results of the slot's open windows go out. */
static inline bool bf__stage1_is_live(const struct bf_stage1 *task, const struct bf_slot *slot)
{
    return !task->options.finals_only && slot->definition->live && slot->count <= task->settings.live_scopes;
}
/* stage1_reading.c */
void bf__stage1_reading(struct bf_stage1 *task, const struct bf_input *input);
/* The window's data has changed: it is late, or is to go out before it closes. */
void bf__stage1_changed(struct bf_stage1 *task, const struct bf_slot *slot, struct bf_window *window);
/* stage1_source.c */
/* Whether there is room for the source, where the KPI follows sources at all. */
bool bf__stage1_can_follow(const struct bf_stage1 *task, const struct bf_kpi_plan_item *kpi,
                           uint32_t slot_index, struct bf_slice source);
/* A reading that the KPI has counted in `cell`: the steps that it ends. */
void bf__stage1_follow(struct bf_stage1 *task, const struct bf_kpi_plan_item *kpi, uint32_t slot_index,
                       struct bf_series *series, struct bf_slice source, const struct bf_sample *sample,
                       struct bf_cell *cell);
/* Before the clock goes to now_us: what holds is accounted for in the windows that this closes. */
void bf__stage1_hold(struct bf_stage1 *task, int64_t now_us);
/* stage1_step.c: the result of the window that ends with this pane. */
void bf__stage1_publish(struct bf_stage1 *task, const struct bf_series *series, struct bf_window *window,
                        enum bf_kpi_phase phase, int64_t clock_us);
/* stage1_step.c: the clock goes from clock.now_us to now_us. */
void bf__stage1_step(struct bf_stage1 *task, int64_t now_us);

#endif
