/* stage2.h: the task of one partition of belfry.partials: from the partials of all readings partitions to
 * results.
 *
 * It keeps, of each source and window, the newest partial with a stamp below end + delay; later ones wait and
 * are applied in the order (stamp, source, origin), each only once every source's clock is greater than its
 * stamp. A window is sealed when all source clocks are >= end + delay; a source not yet heard has no clock.
 * Seals and late partials happen in the order of log time, so nothing depends on who arrived first.
 *
 * Provisional values use what has arrived, on the fastest source's clock: they go on while a source stands;
 * `incomplete` says that the slowest source is more than the KPI's delay behind the fastest (and behind the
 * window's end). live_scopes counts the scopes of this partition.
 * Owner: the runner.   Thread: the task's.   Limits: task.h. */
#ifndef BF_PROCESSORS_STAGE2_H
#define BF_PROCESSORS_STAGE2_H

#include "processors/task.h"

struct bf_stage2;

enum bf_status bf_stage2_create(const struct bf_task_options *options, struct bf_stage2 **task,
                                struct bf_err *err) BF_MUST_CHECK;
void bf_stage2_destroy(struct bf_stage2 *task);
/* OK, or AGAIN (nothing has changed: a generation is not in belfry.config yet), or FATAL. */
enum bf_status bf_stage2_apply(struct bf_stage2 *task, const struct bf_input *input,
                               struct bf_err *err) BF_MUST_CHECK;
void bf_stage2_save(struct bf_stage2 *task, struct bf_mp_writer *out);
enum bf_status bf_stage2_load(struct bf_stage2 *task, struct bf_slice bytes,
                              struct bf_err *err) BF_MUST_CHECK;
struct bf_task_status bf_stage2_status(const struct bf_stage2 *task); /* clock_us: the slowest source's */
/* The clock of one readings partition as heard here; BF_TIME_NONE before its first tick. */
int64_t bf_stage2_source_clock(const struct bf_stage2 *task, int32_t source);

#endif
