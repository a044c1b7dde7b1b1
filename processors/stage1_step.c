/* stage1_step.c: what happens when a tick moves the partition's clock; see stage1.h for the order. */
#include <assert.h>

#include "processors/merge.h"
#include "processors/stage1_task.h"

static void send_partial(struct bf_stage1 *task, const struct bf_slot *slot, const struct bf_series *series,
                         const struct bf_window *window, int64_t stamp_us)
{
    const struct bf_kpi_definition *definition = slot->definition;
    const struct bf_share *part = bf_slot_share(&task->windows, slot, window->parts);
    char scope[BF_SCOPE_MAX], bytes[BF_CELL_PACKED_MAX];
    struct bf_mp_writer state;
    bf_mp_writer_init(&state, bytes, sizeof(bytes));
    bf_cell_pack_state(&part->cell, slot->aggregate, &state);
    assert(!state.full);
    const struct bf_partial partial = {
        .kpi = definition->id,
        .scope = bf_series_scope(&task->windows, series, scope),
        .start_us = window->start_us,
        .end_us = window->end_us,
        .source = task->options.partition,
        .stamp_us = stamp_us,
        .definition = definition->hash,
        .generation = bf_generations_of(&task->generations, slot, window->start_us),
        .n = part->cell.n,
        .excluded = part->cell.excluded,
        .min = part->cell.min,
        .max = part->cell.max,
        .state = {state.data, state.len},
    };
    bf__output_partial(&task->outlet, &partial);
}

void bf__stage1_publish(struct bf_stage1 *task, const struct bf_series *series, struct bf_window *window,
                        enum bf_kpi_phase phase, int64_t clock_us)
{
    const struct bf_publication what = {.phase = phase, .clock_us = clock_us};
    task->mixed += bf_merge_publish(&task->windows, &task->generations, series, window, &what, &task->outlet);
}

/* Whether a window with this pane closes at the step: the one that it ends, or a later one. What came too
 * late for the former may be in time for the latter. */
static bool closes_at(const struct bf_slot *slot, const struct bf_window *window, int64_t old_us,
                      int64_t now_us)
{
    const struct bf_pane pane = {.start_us = window->start_us, .end_us = window->end_us};
    struct bf_pane next = pane;
    int64_t close_us = bf_window_close_us(slot, window);
    bool closes = close_us > old_us && close_us <= now_us;
    while (!closes && close_us <= now_us && bf_slot_next_with(slot, &pane, &next, now_us)) {
        closes = bf_slot_close_us(slot, next.end_us) > old_us;
    }
    return closes;
}

/* One changed window at the step old -> now; true: it was dealt with. */
static bool flush_window(struct bf_stage1 *task, struct bf_window *window, int64_t old_us, int64_t now_us,
                         bool all)
{
    const struct bf_series *series = bf_series_at(&task->windows, window->series);
    const struct bf_slot *slot = &task->windows.slots[series->slot];
    bool drops = bf_slot_refuse_us(slot, window->end_us) <= now_us;
    if (!slot->finishes) {
        bool late = bf_window_close_us(slot, window) <= old_us;
        bool goes =
            drops || closes_at(slot, window, old_us, now_us) || (all && (late || !task->options.finals_only));
        if (goes) {
            send_partial(task, slot, series, window, old_us);
        }
        return goes;
    }
    int64_t close_us = bf_window_close_us(slot, window);
    /* A count closes when it is full, not by its end. */
    bool closes = close_us > old_us && close_us <= now_us && slot->definition->window.kind != BF_WINDOW_COUNT;
    if (window->flags & BF_WINDOW_SEALED) {
        if (all || drops) {
            bf__stage1_publish(task, series, window, BF_KPI_FINAL, old_us);
        }
        return all || drops;
    }
    if (all && !closes && bf__stage1_is_live(task, slot)) {
        bf__stage1_publish(task, series, window, BF_KPI_PROVISIONAL, old_us);
    }
    return all && !closes; /* what closes gets its final in a moment */
}

static void flush_windows(struct bf_stage1 *task, int64_t old_us, int64_t now_us, bool all)
{
    if (now_us < task->due_us && (!all || task->options.finals_only)) {
        return;
    }
    task->due_us = INT64_MAX;
    for (uint32_t at = task->windows.dirty_first; at != 0;) {
        struct bf_window *window = bf_windows_at(&task->windows, at);
        at = window->dirty_next;
        if (flush_window(task, window, old_us, now_us, all)) {
            bf_window_clean(&task->windows, window);
            continue;
        }
        const struct bf_slot *slot = &task->windows.slots[bf_series_at(&task->windows, window->series)->slot];
        int64_t close_us = bf_window_close_us(slot, window);
        task->due_us = close_us < task->due_us ? close_us : task->due_us;
    }
}

static void close_window(void *context, uint32_t slot, struct bf_series *series, struct bf_window *window,
                         const struct bf_pane *pane)
{
    struct bf_stage1 *task = context;
    if (window == NULL && !bf_generations_in_force(&task->generations, slot, pane->start_us)) {
        return; /* its definition has gone, or had not come */
    }
    if (window == NULL) {
        window = bf_series_put_window(&task->windows, series, pane); /* remembers revision 0 */
        if (window == NULL) {
            task->refused++;
            return;
        }
    }
    if (!(window->flags & BF_WINDOW_SEALED)) {
        bf__stage1_publish(task, series, window, BF_KPI_FINAL, task->clock.now_us);
        bf_window_clean(&task->windows, window);
    }
}

void bf__stage1_step(struct bf_stage1 *task, int64_t now_us)
{
    int64_t old_us = task->clock.now_us;
    bool all =
        task->last_emit_us == BF_TIME_NONE || now_us - task->last_emit_us >= task->settings.emit_every_us;
    if (all) {
        task->last_emit_us = now_us;
    }
    bf__stage1_hold(task, now_us);
    flush_windows(task, old_us, now_us, all);
    task->clock.now_us = now_us;
    bf_windows_close(&task->windows, now_us, close_window, task);
    if (all) {
        bf_devices_flush(&task->devices, now_us, task->settings.device_every_us, &task->outlet);
    }
    const struct bf_task_tick tick = {.source = task->options.partition,
                                      .clock_us = now_us,
                                      .generation = bf_generations_newest(&task->generations),
                                      .counters = task->counters};
    bf__output_tick(&task->outlet, BF_OUTPUT_PARTIALS, &tick);
    bf_windows_drop(&task->windows, now_us);
    bf_generations_prune(&task->generations, &task->windows, now_us);
}
