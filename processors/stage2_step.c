/* stage2_step.c: what happens when a source's clock moves: seals and late partials in the order of log time,
 * then provisional values. */
#include "processors/merge.h"
#include "processors/stage2_task.h"

void bf__stage2_clocks(struct bf_stage2 *task, int64_t *slowest_us, int64_t *fastest_us)
{
    *slowest_us = INT64_MAX;
    *fastest_us = BF_TIME_NONE;
    for (int32_t i = 0; i < task->source_count; i++) {
        int64_t clock_us = task->sources[i].clock_us;
        *slowest_us = clock_us < *slowest_us ? clock_us : *slowest_us;
        *fastest_us = clock_us > *fastest_us ? clock_us : *fastest_us;
    }
}

static void publish(struct bf_stage2 *task, const struct bf_series *series, struct bf_window *window,
                    enum bf_kpi_phase phase, bool incomplete, int64_t clock_us)
{
    const struct bf_publication what = {.phase = phase, .incomplete = incomplete, .clock_us = clock_us};
    task->mixed += bf_merge_publish(&task->windows, &task->generations, series, window, &what, &task->outlet);
}

static void close_window(void *context, uint32_t slot_index, struct bf_series *series,
                         struct bf_window *window, const struct bf_pane *pane)
{
    struct bf_stage2 *task = context;
    if (window == NULL) {
        if (!bf_generations_in_force(&task->generations, slot_index, pane->start_us)) {
            return;
        }
        window = bf_series_put_window(&task->windows, series, pane); /* remembers revision 0 */
        if (window == NULL) {
            task->refused++;
            return;
        }
    }
    if (!(window->flags & BF_WINDOW_SEALED)) {
        bf_window_clean(&task->windows, window);
        publish(task, series, window, BF_KPI_FINAL, false,
                bf_window_close_us(&task->windows.slots[slot_index], window));
    }
}

/* The first late partial of a window without any makes its final, every further one a revision: of all closed
 * windows with its pane. */
static void apply_late(struct bf_stage2 *task, const struct bf_waiting *late)
{
    struct bf_series *series = bf_series_at(&task->windows, late->series);
    const struct bf_slot *slot = &task->windows.slots[series->slot];
    struct bf_window *window = bf_series_put_window(&task->windows, series, &late->pane);
    struct bf_pane next = late->pane;
    series->waiting--;
    if (window == NULL) {
        task->refused++;
        bf_share_give(&task->windows.shares, slot->share_class, late->share);
        bf_windows_release_series(&task->windows, series);
        return;
    }
    bf_window_put_share(&task->windows, window, late->source, late->share);
    publish(task, series, window, BF_KPI_FINAL, false, late->stamp_us);
    while (bf_slot_next_with(slot, &late->pane, &next, late->stamp_us)) {
        window = bf_series_window(&task->windows, series, next.start_us);
        if (window == NULL && bf_generations_in_force(&task->generations, series->slot, next.start_us)) {
            window = bf_series_put_window(&task->windows, series, &next);
            task->refused += window == NULL ? 1 : 0;
        }
        if (window != NULL) {
            publish(task, series, window, BF_KPI_FINAL, false, late->stamp_us);
        }
    }
}

static void apply_ripe(struct bf_stage2 *task)
{
    while (task->waiting_first != 0) {
        uint32_t index = task->waiting_first;
        struct bf_waiting *late = bf_pool_at(&task->waiting, index);
        if (late->stamp_us >= task->slowest_us) {
            return; /* at equality more of that stamp may come */
        }
        bf_windows_close(&task->windows, late->stamp_us, close_window, task);
        task->waiting_first = late->next;
        if (late->next == 0) {
            task->waiting_last = 0;
        } else {
            ((struct bf_waiting *)bf_pool_at(&task->waiting, late->next))->previous = 0;
        }
        apply_late(task, late);
        bf_pool_give(&task->waiting, index);
    }
}

static void provisional(struct bf_stage2 *task)
{
    for (uint32_t at = task->windows.dirty_first; at != 0;) {
        struct bf_window *window = bf_windows_at(&task->windows, at);
        const struct bf_series *series = bf_series_at(&task->windows, window->series);
        const struct bf_slot *slot = &task->windows.slots[series->slot];
        int64_t end_us = window->end_us;
        int64_t ahead_us = task->fastest_us < end_us ? task->fastest_us : end_us;
        bool incomplete =
            task->slowest_us == BF_TIME_NONE || task->slowest_us < ahead_us - slot->definition->delay_us;
        at = window->dirty_next;
        bf_window_clean(&task->windows, window);
        if (!(window->flags & BF_WINDOW_SEALED) && slot->count <= task->settings.live_scopes) {
            publish(task, series, window, BF_KPI_PROVISIONAL, incomplete, task->fastest_us);
        }
    }
}

void bf__stage2_step(struct bf_stage2 *task)
{
    int64_t before_us = task->slowest_us;
    bf__stage2_clocks(task, &task->slowest_us, &task->fastest_us);
    bool moved = task->slowest_us != BF_TIME_NONE && task->slowest_us > before_us;
    if (moved) {
        apply_ripe(task);
        bf_windows_close(&task->windows, task->slowest_us, close_window, task);
    }
    if (task->last_emit_us == BF_TIME_NONE ||
        task->fastest_us - task->last_emit_us >= task->settings.emit_every_us) {
        task->last_emit_us = task->fastest_us;
        provisional(task);
    }
    if (moved) {
        const struct bf_task_tick tick = {.source = task->options.partition,
                                          .clock_us = task->slowest_us,
                                          .generation = bf_generations_newest(&task->generations)};
        bf__output_tick(&task->outlet, BF_OUTPUT_KPIS, &tick);
        bf_windows_drop(&task->windows, task->slowest_us);
        bf_generations_prune(&task->generations, &task->windows, task->slowest_us);
    }
}
