/* window_close.c: which windows are due, and in which order. The order is that of log time, so it does not
 * depend on how far one step moves the clock. */
#include "processors/session.h"
#include "processors/window.h"

/* The slot's next pane to close; false where none is due. What has neither data nor a known series is passed
 * over at once, however long the gap. */
static bool due(struct bf_slot *slot, int64_t now_us, struct bf_pane *next)
{
    const struct bf_window_shape *shape = &slot->definition->window;
    int64_t open_us = bf_slot_first_open_us(slot->definition, now_us);
    bool passes = slot->newest_end_us == BF_TIME_NONE;
    if (!passes) {
        bool behind = slot->closed_us == BF_TIME_NONE || slot->closed_us < slot->oldest_end_us;
        *next = bf_shape_after(shape, behind ? slot->oldest_end_us - 1 : slot->closed_us);
        passes = next->end_us > slot->newest_end_us &&
                 next->end_us - slot->newest_end_us >= slot->definition->lateness_us + slot->reach_us &&
                 next->end_us - slot->newest_end_us > slot->reach_us;
    }
    if (!passes && next->start_us < open_us) {
        return true;
    }
    if (slot->closed_us == BF_TIME_NONE || open_us > slot->closed_us) {
        slot->closed_us = open_us;
    }
    return false;
}

/* Whether the window [start_us, pane's end) of the series has data, or the series is known. */
static bool known(const struct bf_windows *windows, const struct bf_series *series, int64_t start_us,
                  const struct bf_pane *pane, int64_t memory_us)
{
    const struct bf_window *window = bf_windows_or_null(windows, series->newest);
    while (window != NULL && (window->start_us >= pane->start_us || window->parts == 0)) {
        window = bf_windows_or_null(windows, window->older);
    }
    return window != NULL && (window->start_us >= start_us || pane->end_us - window->end_us < memory_us);
}

/* The cells of each partition become the pane's one, where nothing can come any more at now_us. */
static void make_whole(struct bf_windows *windows, const struct bf_slot *slot, const struct bf_series *series,
                       int64_t now_us)
{
    union bf_cell_room room;
    struct bf_window *window = bf_windows_or_null(windows, series->newest);
    for (; window != NULL && !(window->flags & BF_WINDOW_WHOLE);
         window = bf_windows_or_null(windows, window->older)) {
        if (bf_slot_refuse_us(slot, window->end_us) > now_us) {
            continue;
        }
        window->flags |= BF_WINDOW_WHOLE;
        struct bf_share *first = window->parts == 0 ? NULL : bf_slot_share(windows, slot, window->parts);
        if (first == NULL || first->next == 0) {
            continue;
        }
        bf_window_total(windows, slot, window, &room);
        bf_cell_copy(&first->cell, &room.cell, slot->state_size);
        while (first->next != 0) {
            uint32_t part = first->next;
            first->next = bf_slot_share(windows, slot, part)->next;
            bf_share_give(&windows->shares, slot->share_class, part);
        }
    }
}

static void close_pane(struct bf_windows *windows, uint32_t index, const struct bf_pane *pane, bf_close close,
                       void *context)
{
    struct bf_slot *slot = &windows->slots[index];
    const struct bf_window_shape *shape = &slot->definition->window;
    int64_t start_us = bf_shape_window_start(shape, pane);
    int64_t memory_us = slot->definition->lateness_us + slot->reach_us;
    for (uint32_t at = slot->first; at != 0; at = bf_series_at(windows, at)->next) {
        struct bf_series *series = bf_series_at(windows, at);
        struct bf_window *window = bf_series_window(windows, series, pane->start_us);
        if (window != NULL && window->parts != 0) {
            close(context, index, series, window, pane);
        } else if (window == NULL && known(windows, series, start_us, pane, memory_us)) {
            close(context, index, series, NULL, pane);
        }
        if (shape->panes > 1) {
            make_whole(windows, slot, series, bf_slot_close_us(slot, pane->end_us));
        }
    }
    slot->closed_us = bf_shape_after(shape, pane->end_us).start_us;
}

bool bf_slot_next_with(const struct bf_slot *slot, const struct bf_pane *pane, struct bf_pane *next,
                       int64_t now_us)
{
    const struct bf_window_shape *shape = &slot->definition->window;
    if (shape->panes == 1) {
        return false;
    }
    *next = bf_shape_after(shape, next->end_us);
    return bf_slot_close_us(slot, next->end_us) <= now_us &&
           bf_shape_window_start(shape, next) <= pane->start_us;
}

/* Sessions that are due, series by series; closed_us is not behind the first end of an open one. */
static void close_sessions(struct bf_windows *windows, uint32_t index, int64_t now_us, bf_close close,
                           void *context)
{
    struct bf_slot *slot = &windows->slots[index];
    if (slot->closed_us == BF_TIME_NONE || bf_slot_close_us(slot, slot->closed_us) > now_us) {
        return;
    }
    slot->closed_us = BF_TIME_NONE;
    for (uint32_t at = slot->first; at != 0; at = bf_series_at(windows, at)->next) {
        struct bf_series *series = bf_series_at(windows, at);
        struct bf_window *due_first;
        do {
            due_first = NULL;
            for (uint32_t w = series->newest; w != 0; w = bf_windows_at(windows, w)->older) {
                struct bf_window *session = bf_windows_at(windows, w);
                if (session->flags & BF_WINDOW_SEALED) {
                    continue;
                }
                if (bf_window_close_us(slot, session) <= now_us) {
                    due_first = session;
                } else if (slot->closed_us == BF_TIME_NONE || session->end_us < slot->closed_us) {
                    slot->closed_us = session->end_us;
                }
            }
            if (due_first != NULL) {
                const struct bf_pane pane = {.start_us = due_first->start_us, .end_us = due_first->end_us};
                close(context, index, series, due_first, &pane);
                due_first->flags |= BF_WINDOW_SEALED;
            }
        } while (due_first != NULL);
    }
}

void bf_windows_close(struct bf_windows *windows, int64_t now_us, bf_close close, void *context)
{
    for (;;) {
        int64_t first_us = BF_TIME_NONE;
        struct bf_pane pane = {.start_us = 0}, first = pane;
        uint32_t chosen = 0;
        for (uint32_t i = 0; i < windows->slot_count; i++) {
            struct bf_slot *slot = &windows->slots[i];
            if (!slot->finishes || bf_slot_is_by_reading(slot) || !due(slot, now_us, &pane)) {
                continue;
            }
            int64_t at_us = bf_slot_close_us(slot, pane.end_us);
            if (first_us == BF_TIME_NONE || at_us < first_us) {
                first_us = at_us;
                first = pane;
                chosen = i;
            }
        }
        if (first_us == BF_TIME_NONE) {
            break;
        }
        close_pane(windows, chosen, &first, close, context);
    }
    for (uint32_t i = 0; i < windows->slot_count; i++) {
        if (windows->slots[i].definition->window.kind == BF_WINDOW_SESSION) {
            close_sessions(windows, i, now_us, close, context);
        }
    }
}

void bf_series_remove_window(struct bf_windows *windows, struct bf_series *series, struct bf_window *window)
{
    const struct bf_slot *slot = &windows->slots[series->slot];
    *(window->newer != 0 ? &bf_windows_at(windows, window->newer)->older : &series->newest) = window->older;
    *(window->older != 0 ? &bf_windows_at(windows, window->older)->newer : &series->oldest) = window->newer;
    series->windows--;
    bf_window_clean(windows, window);
    for (uint32_t part = window->parts; part != 0;) {
        uint32_t next = bf_slot_share(windows, slot, part)->next;
        bf_share_give(&windows->shares, slot->share_class, part);
        part = next;
    }
    bf_pool_give(&windows->windows, bf_window_index(windows, window));
}

/* Drops what is over, from the oldest on. Returns the end of what is the oldest then, by which to come again;
 * BF_TIME_NONE: nothing is left. A count goes whole, and only when its device is silent. */
static int64_t drop_of_series(struct bf_windows *windows, const struct bf_slot *slot,
                              struct bf_series *series, int64_t now_us)
{
    bool whole = slot->definition->window.kind == BF_WINDOW_COUNT;
    const struct bf_window *newest = bf_windows_or_null(windows, series->newest);
    if (whole && newest != NULL && bf_slot_drop_us(slot, newest->end_us) > now_us) {
        return newest->end_us;
    }
    while (series->oldest != 0) {
        struct bf_window *oldest = bf_windows_at(windows, series->oldest);
        if (!whole && bf_slot_drop_us(slot, oldest->end_us) > now_us) {
            return oldest->end_us;
        }
        bf_series_remove_window(windows, series, oldest);
    }
    return BF_TIME_NONE;
}

void bf_windows_drop(struct bf_windows *windows, int64_t now_us)
{
    for (size_t i = 0; i < windows->slot_count; i++) {
        struct bf_slot *slot = &windows->slots[i];
        if (slot->oldest_end_us == BF_TIME_NONE || bf_slot_drop_us(slot, slot->oldest_end_us) > now_us) {
            continue;
        }
        if (slot->newest_end_us != BF_TIME_NONE && bf_slot_drop_us(slot, slot->newest_end_us) <= now_us) {
            slot->newest_end_us = BF_TIME_NONE; /* it goes, and so does all other data */
        }
        slot->oldest_end_us = BF_TIME_NONE;
        for (uint32_t at = slot->first; at != 0;) {
            struct bf_series *series = bf_series_at(windows, at);
            at = series->next;
            int64_t end_us = drop_of_series(windows, slot, series, now_us);
            if (end_us == BF_TIME_NONE) {
                bf_windows_release_series(windows, series);
            } else if (slot->oldest_end_us == BF_TIME_NONE || end_us < slot->oldest_end_us) {
                slot->oldest_end_us = end_us;
            }
        }
    }
}
