/* session.h: panes that readings make: sessions and counts, of one device each (SESSION, COUNT), so all in
 * stage 1. Everything follows from the order of the log.
 *
 * A session is [start, end): from its first reading to `gap` behind its last, at most `longest`. A reading in
 * it extends it; one up to `gap` before it moves its start; one that touches two open sessions joins them,
 * unless they would become too long. It closes like any window, at clock >= end + delay, and is then what
 * it is: a late reading within it, or up to `gap` before it, makes a revision, moves no end, joins nothing.
 * No provisional values: until a session closes its start may move, and readers know windows by their start.
 *
 * A count is a row of panes of so many counted readings, as the log has them; its windows are made of the
 * last full panes, so nothing is late for them. Starts are made to ascend; the end lies behind the newest
 * reading.
 *
 * Owner: the task's window table.   Thread: the task's.
 * Limits: the table's; NULL where there is no room. */
#ifndef BF_PROCESSORS_SESSION_H
#define BF_PROCESSORS_SESSION_H

#include "processors/window.h"

static inline bool bf_slot_is_by_reading(const struct bf_slot *slot)
{
    enum bf_window_kind kind = slot->definition->window.kind;
    return kind == BF_WINDOW_SESSION || kind == BF_WINDOW_COUNT;
}

/* Whether a reading at event_us comes too late for the series at now_us. */
bool bf_series_refuses(const struct bf_windows *windows, const struct bf_series *series, int64_t event_us,
                       int64_t now_us);
/* The pane that takes it. */
struct bf_window *bf_series_take(struct bf_windows *windows, struct bf_series *series, int64_t event_us);
/* COUNT: whether the pane is full with this, and then whether a window ends with it. */
bool bf_count_is_full(const struct bf_slot *slot, const struct bf_cell *cell);
bool bf_count_ends(const struct bf_windows *windows, const struct bf_slot *slot,
                   const struct bf_window *full);
/* COUNT: drops what no window needs any more, once a pane is full. */
void bf_count_trim(struct bf_windows *windows, struct bf_series *series);

#endif
