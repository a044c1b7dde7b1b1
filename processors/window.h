/* window.h: the windows of one task, both stages. A slot is a KPI definition; a slot has series (one per
 * scope); a series has windows, newest first; a window has one cell per readings partition that had data
 * for it (stage 1: its own only). A series without windows goes, so a scope is known exactly while
 * something of it is held.
 *
 * A window is one or more panes in a row, and one ends with every pane (processors/shape.h); a record is a
 * pane. The window that ends with a pane closes at clock >= its end + delay; the pane takes readings until
 * the lateness after that, and is dropped when this is over for the last window that contains it. Closing
 * looks at a slot only when one of its panes is due, dropping only when its oldest is.
 *
 * Panes of sessions and counts are made by readings (processors/session.h); a session closes in the order of
 * its series.
 *
 * Of a pane that nothing can reach any more, the cells of several partitions become one.
 *
 * Order: slots and series stand in the order in which they came, dirty windows in the order of their
 * change. save keeps these orders, so a loaded table walks exactly like the one that was saved.
 *
 * Owner:  the task.   Thread: the task's.
 * Limits: max_windows windows (as many cells of a size, times `cells`), max_state bytes of cells, max_scopes
 *         series; at the limit NULL. 56 bytes a pane, 72 and the aggregate's state a cell, 56 + 64 a series
 *         with a scope of up to 60 bytes. */
#ifndef BF_PROCESSORS_WINDOW_H
#define BF_PROCESSORS_WINDOW_H

#include "processors/window_record.h"

void bf_windows_init(struct bf_windows *windows);
void bf_windows_deinit(struct bf_windows *windows);
/* From the limits of a generation: at start and at a reload, never per record. */
enum bf_status bf_windows_limit(struct bf_windows *windows, uint64_t max_windows, uint64_t max_scopes,
                                uint64_t cells, uint64_t max_state, struct bf_err *err) BF_MUST_CHECK;

/* The slot of that very definition (id and hash); -1 where there is none. */
int64_t bf_windows_find_slot(const struct bf_windows *windows, struct bf_slice id, uint64_t hash);
/* Found or added; what had closed at now_us (or BF_TIME_NONE) is no window of a new one. PEER when memory is
 * out. */
enum bf_status bf_windows_add_slot(struct bf_windows *windows, const struct bf_kpi_plan_item *kpi,
                                   int64_t generation, bool finishes, int64_t now_us, uint32_t *index,
                                   struct bf_err *err) BF_MUST_CHECK;
/* Removes the slots that are not `wanted` and hold no series; the others move up in order. */
void bf_windows_collect(struct bf_windows *windows);

/* NULL where there is none; put makes it, NULL at the limit. */
struct bf_series *bf_windows_series(const struct bf_windows *windows, uint32_t slot, struct bf_slice scope);
struct bf_series *bf_windows_put_series(struct bf_windows *windows, uint32_t slot, struct bf_slice scope);
uint32_t bf_series_index(const struct bf_windows *windows, const struct bf_series *series);
/* A handle is a series' index, remembered by somebody (owner, not 0) who would else build and look up the
 * same scope again. No part of the state: NULL where it is not, or no longer, this owner's series of this
 * slot. */
struct bf_series *bf_series_held(const struct bf_windows *windows, uint32_t handle, uint32_t slot,
                                 uint32_t owner);
uint32_t bf_series_hold(const struct bf_windows *windows, struct bf_series *series, uint32_t owner);
/* Frees it where it has neither windows nor waiting partials nor sources. */
void bf_windows_release_series(struct bf_windows *windows, struct bf_series *series);
struct bf_slice bf_series_scope(const struct bf_windows *windows, const struct bf_series *series,
                                char scope[BF_SCOPE_MAX]);
/* What other definitions of the same KPI have for the same scope and start: a reload that came late, or
 * readings that were ahead of one. */
struct bf_twin {
    const struct bf_slot *slot; /* the oldest one with data; NULL: none */
    uint32_t revisions;         /* how many numbers of revisions they have used */
};
struct bf_twin bf_windows_twin(const struct bf_windows *windows, const struct bf_series *series,
                               int64_t start_us);

struct bf_window *bf_series_window(const struct bf_windows *windows, const struct bf_series *series,
                                   int64_t start_us); /* or NULL */
struct bf_window *bf_series_put_window(struct bf_windows *windows, struct bf_series *series,
                                       const struct bf_pane *pane);
/* The cell of that source, made where it is missing. NULL at the limit. */
struct bf_cell *bf_window_cell(struct bf_windows *windows, struct bf_window *window, int32_t source);
/* The same by the pane; the window too is made where it is missing. NULL at a limit, and then
 * nothing is made. */
struct bf_cell *bf_series_put_cell(struct bf_windows *windows, struct bf_series *series,
                                   const struct bf_pane *pane, int32_t source, struct bf_window **window);
/* Gives the window a share that was taken before, in the place of that source's. */
void bf_window_put_share(struct bf_windows *windows, struct bf_window *window, int32_t source,
                         uint32_t share);
/* What a pane holds: its cells, merged in the order of their partitions, into `room`; the cell itself where
 * there is but one. */
const struct bf_cell *bf_window_total(const struct bf_windows *windows, const struct bf_slot *slot,
                                      const struct bf_window *window, union bf_cell_room *room);
/* What windows, cells and series with their scopes take at this moment. */
uint64_t bf_windows_bytes(const struct bf_windows *windows);

void bf_series_remove_window(struct bf_windows *windows, struct bf_series *series, struct bf_window *window);

void bf_window_mark(struct bf_windows *windows, struct bf_window *window);
void bf_window_clean(struct bf_windows *windows, struct bf_window *window);
/* For each pane of a series with which a window closes: its record, or NULL where nothing was held for it,
 * and the series is known nevertheless: the window has data in older panes, or its newest pane with data
 * ended less than lateness and reach before (and so is still held, however far the clock steps at once). */
typedef void (*bf_close)(void *context, uint32_t slot, struct bf_series *series, struct bf_window *window,
                         const struct bf_pane *pane);
/* Goes on from *next to the following pane; false where its window does not hold `pane`, or is still open at
 * now_us: so all closed windows with something late are found, begun with *next = *pane. */
bool bf_slot_next_with(const struct bf_slot *slot, const struct bf_pane *pane, struct bf_pane *next,
                       int64_t now_us);
/* Closes all that is due at now_us in the order of log time, then of slots, then of series. */
void bf_windows_close(struct bf_windows *windows, int64_t now_us, bf_close close, void *context);
/* Drops all that no window can change any more at now_us. */
void bf_windows_drop(struct bf_windows *windows, int64_t now_us);

/* Of a FIXED pane the start says all. False: it is no pane. */
void bf_pane_save(const struct bf_slot *slot, const struct bf_pane *pane, struct bf_mp_writer *out);
bool bf_pane_load(const struct bf_slot *slot, struct bf_pane *pane, struct bf_mp_reader *in);
/* Canonical bytes, and back into an empty table. The definitions come from `definitions`, by the slots'
 * generations: AGAIN where one is not there. */
void bf_windows_save(struct bf_windows *windows, struct bf_mp_writer *out);
enum bf_status bf_windows_load(struct bf_windows *windows, struct bf_mp_reader *in,
                               bf_definitions definitions, void *context, struct bf_err *err) BF_MUST_CHECK;

#endif
