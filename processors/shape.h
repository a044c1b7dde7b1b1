/* shape.h: which pane of a KPI's windows takes a time, and which panes stand around it. FIXED and CALENDAR
 * only: panes of sessions and counts are made by readings (processors/session.h).
 *
 * A pane's number is consecutive over the panes there are, so windows are made of numbers in a row. A day
 * that a city left out (Pacific/Apia, 2011-12-30) has a number and no length; it takes no time.
 * Hours are those that clocks show; where clocks change, an hour ends early, and the next begins.
 *
 * Owner: values.   Thread: any.   Limits: times of readings (core/time.h). */
#ifndef BF_PROCESSORS_SHAPE_H
#define BF_PROCESSORS_SHAPE_H

#include "config/definition.h"
#include "core/time.h"

struct bf_pane {
    int64_t start_us, end_us;
};

/* The first pane (of any length) that ends after time_us. */
struct bf_pane bf_shape_after(const struct bf_window_shape *shape, int64_t time_us);
/* The pane `steps` behind (or, negative, before) the one that starts at start_us. */
struct bf_pane bf_shape_step(const struct bf_window_shape *shape, int64_t start_us, int64_t steps);
/* At least as long as from a pane's end to that of the last pane with which it shares a window; exact for
 * FIXED. */
int64_t bf_shape_reach_us(const struct bf_window_shape *shape);

bool bf_shape_calendar_pane(const struct bf_window_shape *shape, int64_t time_us, struct bf_pane *pane);
/* The pane that takes time_us; false: it lies outside of all. */
static inline bool bf_shape_pane(const struct bf_window_shape *shape, int64_t time_us, struct bf_pane *pane)
{
    if (shape->kind == BF_WINDOW_FIXED) {
        pane->start_us = bf_time_floor(time_us, shape->pane_us);
        pane->end_us = pane->start_us + shape->pane_us;
        return true;
    }
    return bf_shape_calendar_pane(shape, time_us, pane);
}
/* Where the window starts that ends with this pane. */
static inline int64_t bf_shape_window_start(const struct bf_window_shape *shape, const struct bf_pane *pane)
{
    if (shape->kind == BF_WINDOW_FIXED) {
        return pane->end_us - (int64_t)shape->panes * shape->pane_us;
    }
    return shape->panes == 1 ? pane->start_us
                             : bf_shape_step(shape, pane->start_us, 1 - (int64_t)shape->panes).start_us;
}

#endif
