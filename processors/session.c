/* session.c: see session.h. A series has few such panes at a time, so lists are walked.
 * Declined: sessions across partitions (all of a device lies in one), and closed sessions that join: readers
 * have seen them apart. */
#include "processors/session.h"

static bool is_open(const struct bf_window *window)
{
    return !(window->flags & BF_WINDOW_SEALED);
}

/* The newest session that begins at or before event_us, and the one behind it; NULL: none. */
static struct bf_window *around(const struct bf_windows *windows, const struct bf_series *series,
                                int64_t event_us, struct bf_window **next)
{
    struct bf_window *window = bf_windows_or_null(windows, series->newest);
    *next = NULL;
    while (window != NULL && window->start_us > event_us) {
        *next = window;
        window = bf_windows_or_null(windows, window->older);
    }
    return window;
}

/* Whether the session behind a reading takes it. */
static bool reaches_back(const struct bf_window_shape *shape, const struct bf_window *next, int64_t event_us)
{
    return next != NULL && next->start_us - event_us < shape->gap_us &&
           (!is_open(next) || next->end_us - event_us <= shape->longest_us);
}

/* A reading lies in an open session: its end moves, over the next one where they may be joined. */
static void extend(struct bf_windows *windows, struct bf_series *series, struct bf_window *session,
                   struct bf_window *next, int64_t event_us)
{
    const struct bf_slot *slot = &windows->slots[series->slot];
    const struct bf_window_shape *shape = &slot->definition->window;
    int64_t end_us = event_us + shape->gap_us, longest_us = session->start_us + shape->longest_us;
    end_us = end_us < longest_us ? end_us : longest_us;
    if (next != NULL && end_us > next->start_us) {
        if (is_open(next) && next->end_us <= longest_us) {
            bf_cell_merge(&bf_slot_share(windows, slot, session->parts)->cell, slot->aggregate,
                          &bf_slot_share(windows, slot, next->parts)->cell);
            end_us = next->end_us > end_us ? next->end_us : end_us;
            bf_series_remove_window(windows, series, next);
        } else {
            end_us = next->start_us;
        }
    }
    session->end_us = end_us > session->end_us ? end_us : session->end_us;
}

static struct bf_window *take_session(struct bf_windows *windows, struct bf_series *series, int64_t event_us)
{
    struct bf_slot *slot = &windows->slots[series->slot];
    const struct bf_window_shape *shape = &slot->definition->window;
    struct bf_window *next, *session = around(windows, series, event_us, &next);
    if (session != NULL && event_us < session->end_us) {
        if (is_open(session)) {
            extend(windows, series, session, next, event_us);
        }
        return session;
    }
    if (reaches_back(shape, next, event_us)) {
        if (is_open(next)) {
            next->start_us = event_us;
        }
        return next;
    }
    struct bf_pane pane = {.start_us = event_us, .end_us = event_us + shape->gap_us};
    pane.end_us = next != NULL && next->start_us < pane.end_us ? next->start_us : pane.end_us;
    if (slot->closed_us == BF_TIME_NONE || pane.end_us < slot->closed_us) {
        slot->closed_us = pane.end_us;
    }
    return bf_series_put_window(windows, series, &pane);
}

static struct bf_window *take_count(struct bf_windows *windows, struct bf_series *series, int64_t event_us)
{
    struct bf_window *newest = bf_windows_or_null(windows, series->newest);
    if (newest != NULL && is_open(newest)) {
        newest->end_us = event_us + 1 > newest->end_us ? event_us + 1 : newest->end_us;
        return newest;
    }
    bool behind = newest == NULL || event_us > newest->start_us;
    int64_t start_us = behind ? event_us : newest->start_us + 1;
    const struct bf_pane pane = {.start_us = start_us, .end_us = start_us + 1};
    return bf_series_put_window(windows, series, &pane);
}

bool bf_series_refuses(const struct bf_windows *windows, const struct bf_series *series, int64_t event_us,
                       int64_t now_us)
{
    const struct bf_slot *slot = &windows->slots[series->slot];
    const struct bf_window_shape *shape = &slot->definition->window;
    struct bf_window *next, *session = around(windows, series, event_us, &next);
    if (now_us == BF_TIME_NONE) {
        return false;
    }
    if (shape->kind == BF_WINDOW_COUNT) {
        return bf_slot_refuse_us(slot, event_us + 1) <= now_us;
    }
    return !(session != NULL && event_us < session->end_us) && !reaches_back(shape, next, event_us) &&
           bf_slot_refuse_us(slot, event_us + shape->gap_us) <= now_us;
}

struct bf_window *bf_series_take(struct bf_windows *windows, struct bf_series *series, int64_t event_us)
{
    return windows->slots[series->slot].definition->window.kind == BF_WINDOW_SESSION
               ? take_session(windows, series, event_us)
               : take_count(windows, series, event_us);
}

bool bf_count_is_full(const struct bf_slot *slot, const struct bf_cell *cell)
{
    return cell->n >= slot->definition->window.readings;
}

bool bf_count_ends(const struct bf_windows *windows, const struct bf_slot *slot, const struct bf_window *full)
{
    uint32_t panes = 0;
    for (const struct bf_window *pane = full; pane != NULL; pane = bf_windows_or_null(windows, pane->older)) {
        panes++;
    }
    return panes >= slot->definition->window.panes;
}

void bf_count_trim(struct bf_windows *windows, struct bf_series *series)
{
    uint32_t wanted = windows->slots[series->slot].definition->window.panes - 1;
    wanted = wanted > 0 ? wanted : 1; /* its start is what the next one's must be above */
    struct bf_window *pane = bf_windows_or_null(windows, series->newest);
    for (uint32_t i = 1; i < wanted && pane != NULL; i++) {
        pane = bf_windows_or_null(windows, pane->older);
    }
    while (pane != NULL && pane->older != 0) {
        bf_series_remove_window(windows, series, bf_windows_at(windows, pane->older));
    }
}
