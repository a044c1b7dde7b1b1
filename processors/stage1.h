/* stage1.h: the task of one readings partition: dedup, clock, windows. KPIs by device are finished here;
 * the others go to stage 2 as partials.
 *
 * When a tick moves the clock, in this order: the changed partials of all windows that the step closes or
 * drops, stamped with the OLD clock (others at most every emit_every); the new clock; finals by device; this
 * task's tick to every partition of belfry.partials; what ran out of lateness is dropped.
 * Owner: the runner.   Thread: the task's.   Limits: task.h. */
#ifndef BF_PROCESSORS_STAGE1_H
#define BF_PROCESSORS_STAGE1_H

#include "processors/task.h"

struct bf_stage1;

enum bf_status bf_stage1_create(const struct bf_task_options *options, struct bf_stage1 **task,
                                struct bf_err *err) BF_MUST_CHECK;
void bf_stage1_destroy(struct bf_stage1 *task);
/* OK, or AGAIN (nothing has changed: a generation is not in belfry.config yet), or FATAL. */
enum bf_status bf_stage1_apply(struct bf_stage1 *task, const struct bf_input *input,
                               struct bf_err *err) BF_MUST_CHECK;
/* Canonical: equal states give equal bytes. writer->full: try again with more room. */
void bf_stage1_save(struct bf_stage1 *task, struct bf_mp_writer *out);
/* Into a task that was just created. */
enum bf_status bf_stage1_load(struct bf_stage1 *task, struct bf_slice bytes,
                              struct bf_err *err) BF_MUST_CHECK;
struct bf_task_status bf_stage1_status(const struct bf_stage1 *task);
struct bf_task_counters bf_stage1_counters(const struct bf_stage1 *task);

#endif
