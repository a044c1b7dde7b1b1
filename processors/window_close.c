/* window_close.c: which windows are due, and in which order. The order is that of log time, so it does not
 * depend on how far one step moves the clock. */
#include "processors/window.h"

/* The start of the slot's next window to close, BF_TIME_NONE where none is due. What has neither data nor a
 * known series is passed over at once, however long the gap. */
static int64_t due(struct bf_slot *slot, int64_t now_us)
{
    const struct bf_kpi_definition *definition = slot->definition;
    int64_t open = bf_window_first_open_us(definition, now_us), start = slot->closed_us;
    if (slot->newest_us == BF_TIME_NONE) {
        start = open;
    } else if (start == BF_TIME_NONE || start < slot->oldest_us) {
        start = slot->oldest_us;
    }
    if (slot->newest_us != BF_TIME_NONE && start > slot->newest_us &&
        start - slot->newest_us >= definition->lateness_us) {
        start = open;
    }
    if (start < open) {
        return start;
    }
    if (slot->closed_us == BF_TIME_NONE || open > slot->closed_us) {
        slot->closed_us = open;
    }
    return BF_TIME_NONE;
}

static bool known(const struct bf_windows *windows, const struct bf_series *series,
                  int64_t start_us, int64_t lateness_us)
{
    const struct bf_window *window = bf_windows_or_null(windows, series->newest);
    while (window != NULL && (window->start_us >= start_us || window->parts == 0)) {
        window = bf_windows_or_null(windows, window->older);
    }
    return window != NULL && start_us - window->start_us < lateness_us;
}

static void close_start(struct bf_windows *windows, uint32_t index, int64_t start_us,
                        bf_close close, void *context)
{
    struct bf_slot *slot = &windows->slots[index];
    int64_t lateness_us = slot->definition->lateness_us;
    for (uint32_t at = slot->first; at != 0; at = bf_series_at(windows, at)->next) {
        struct bf_series *series = bf_series_at(windows, at);
        struct bf_window *window = bf_series_window(windows, series, start_us);
        if (window != NULL && window->parts != 0) {
            close(context, index, series, window, start_us);
        } else if (window == NULL && known(windows, series, start_us, lateness_us)) {
            close(context, index, series, NULL, start_us);
        }
    }
    slot->closed_us = start_us + slot->definition->window_us;
}

void bf_windows_close(struct bf_windows *windows, int64_t now_us, bf_close close, void *context)
{
    for (;;) {
        int64_t first = BF_TIME_NONE, first_start = 0;
        uint32_t chosen = 0;
        for (uint32_t i = 0; i < windows->slot_count; i++) {
            struct bf_slot *slot = &windows->slots[i];
            int64_t start = slot->finishes ? due(slot, now_us) : BF_TIME_NONE;
            int64_t at = start == BF_TIME_NONE ? 0 : bf_window_close_us(slot->definition, start);
            if (start != BF_TIME_NONE && (first == BF_TIME_NONE || at < first)) {
                first = at;
                first_start = start;
                chosen = i;
            }
        }
        if (first == BF_TIME_NONE) {
            return;
        }
        close_start(windows, chosen, first_start, close, context);
    }
}

static void free_window(struct bf_windows *windows, uint32_t index)
{
    struct bf_window *window = bf_windows_at(windows, index);
    bf_window_clean(windows, window);
    const struct bf_slot *slot = &windows->slots[bf_series_at(windows, window->series)->slot];
    for (uint32_t part = window->parts; part != 0;) {
        uint32_t next = bf_slot_share(windows, slot, part)->next;
        bf_share_give(&windows->shares, slot->share_class, part);
        part = next;
    }
    bf_pool_give(&windows->windows, index);
}

static void drop_of_series(struct bf_windows *windows, struct bf_slot *slot,
                           struct bf_series *series, int64_t now_us)
{
    uint32_t *link = &series->newest;
    bool data = false;
    while (*link != 0) {
        struct bf_window *window = bf_windows_at(windows, *link);
        if (bf_window_limit_us(slot->definition, window->start_us) <= now_us) {
            break; /* and all older ones */
        }
        if (slot->oldest_us == BF_TIME_NONE || window->start_us < slot->oldest_us) {
            slot->oldest_us = window->start_us;
        }
        if (!data && window->parts != 0) {
            data = true;
            slot->newest_us =
                window->start_us > slot->newest_us ? window->start_us : slot->newest_us;
        }
        link = &window->older;
    }
    for (uint32_t index = *link; index != 0;) {
        uint32_t older = bf_windows_at(windows, index)->older;
        free_window(windows, index);
        series->windows--;
        index = older;
    }
    *link = 0;
}

void bf_windows_drop(struct bf_windows *windows, int64_t now_us)
{
    for (size_t i = 0; i < windows->slot_count; i++) {
        struct bf_slot *slot = &windows->slots[i];
        if (slot->oldest_us == BF_TIME_NONE ||
            bf_window_limit_us(slot->definition, slot->oldest_us) > now_us) {
            continue;
        }
        slot->oldest_us = BF_TIME_NONE;
        slot->newest_us = BF_TIME_NONE;
        for (uint32_t at = slot->first; at != 0;) {
            struct bf_series *series = bf_series_at(windows, at);
            at = series->next;
            drop_of_series(windows, slot, series, now_us);
            bf_windows_release_series(windows, series);
        }
    }
}
