/* stage1_source.c: the steps of sources. CHANGE: from a source's reading to its next newer one, counted where
 * the newer one is. HELD: the time for which a value holds, in pieces cut at the ends of windows.
 *
 * The rules, all from the order of the log:
 * - A source's value is accounted up to its last reading or the end of the last closed window, whichever is
 *   later. So before a window closes, every source that still holds is extended to its end, and a final is
 *   right without a later reading.
 * - What comes behind that point is added when the next reading or the next close comes; a reading in front
 *   of it changes the value from there on, and what has been accounted stays (no step goes back).
 * - A reading that is not newer than its source's last makes no step. A late one that is (its source was
 *   silent, or is new) is accounted up to the last close at once, which makes revisions.
 * - Windows of another definition (a reload) get nothing: there the sources begin anew.
 * - A source is forgotten when no reading that could still be taken would be a step of its last one; this is
 *   never seen in a number.
 * Declined: a piece that runs into the next window whole (then a window's share of an hour could be more than
 * an hour), and timers (a window's close is the only moment at which a missing piece would show). */
#include <assert.h>

#include "processors/session.h"
#include "processors/stage1_task.h"

#define FORGET_EVERY_US (10 * BF_US_PER_S)

/* Where the first open window's last pane begins: what lies before is closed, or in no window. */
static int64_t closed_end_us(const struct bf_kpi_definition *definition, int64_t now_us)
{
    enum bf_window_kind kind = definition->window.kind;
    if (kind == BF_WINDOW_SESSION || kind == BF_WINDOW_COUNT) { /* nothing holds there; a time to forget */
        return now_us == BF_TIME_NONE ? BF_TIME_NONE : bf_time_floor(now_us, FORGET_EVERY_US);
    }
    return now_us == BF_TIME_NONE ? BF_TIME_NONE : bf_slot_first_open_us(definition, now_us);
}

/* Adds a piece to the window that it lies in. */
static void give(struct bf_stage1 *task, uint32_t slot_index, const struct bf_track *track,
                 const struct bf_pane *pane, const struct bf_step *step)
{
    struct bf_windows *windows = &task->windows;
    const struct bf_slot *slot = &windows->slots[slot_index];
    if (!bf_generations_in_force(&task->generations, slot_index, pane->start_us)) {
        return;
    }
    struct bf_series *series = bf_series_at(windows, track->series);
    struct bf_window *window;
    struct bf_cell *cell = bf_series_put_cell(windows, series, pane, task->options.partition, &window);
    if (cell == NULL) {
        task->refused++;
        return;
    }
    slot->aggregate->step(bf_cell_state(cell), step, &slot->definition->options);
    bf__stage1_changed(task, slot, window);
}

/* Accounts for the track's value until to_us, at most as long as it holds; `next`: what ends it. */
static void extend(struct bf_stage1 *task, uint32_t slot_index, struct bf_track *track, int64_t to_us,
                   const double *next)
{
    const struct bf_kpi_definition *definition = task->windows.slots[slot_index].definition;
    const struct bf_window_shape *shape = &definition->window;
    int64_t hold_us = bf_track_definition(&task->windows.slots[slot_index], track)->options.hold_us;
    int64_t until_us = track->at_us + hold_us, now_us = task->clock.now_us;
    int64_t end_us = to_us < until_us ? to_us : until_us;
    if (now_us != BF_TIME_NONE) { /* panes that take nothing any more */
        int64_t first_us =
            bf_shape_after(shape, now_us - definition->delay_us - definition->lateness_us).start_us;
        first_us = first_us < end_us ? first_us : end_us;
        track->upto_us = first_us > track->upto_us ? first_us : track->upto_us;
    }
    while (track->upto_us < end_us) {
        const struct bf_pane pane = bf_shape_after(shape, track->upto_us);
        if (pane.start_us > track->upto_us) { /* between two panes */
            track->upto_us = pane.start_us < end_us ? pane.start_us : end_us;
            continue;
        }
        struct bf_step step = {.from_us = track->upto_us,
                               .to_us = end_us < pane.end_us ? end_us : pane.end_us,
                               .value = track->value,
                               .holds = track->holds,
                               .part = track->part};
        if (next != NULL && step.to_us == to_us) {
            step.ends = true;
            step.next = *next;
        }
        track->upto_us = step.to_us;
        give(task, slot_index, track, &pane, &step);
    }
}

static void change(const struct bf_slot *slot, const struct bf_track *track, const struct bf_sample *sample,
                   struct bf_cell *cell)
{
    const struct bf_step step = {.from_us = track->at_us,
                                 .to_us = sample->event_us,
                                 .value = track->value,
                                 .holds = track->holds,
                                 .ends = true,
                                 .next = sample->value,
                                 .part = track->part};
    if (step.to_us - step.from_us <= bf_track_definition(slot, track)->options.hold_us) {
        slot->aggregate->step(bf_cell_state(cell), &step, &slot->definition->options);
    }
}

static struct bf_track *begin(struct bf_stage1 *task, struct bf_series *series, uint32_t part,
                              struct bf_slice source, int64_t at_us)
{
    struct bf_track *track = bf_tracks_add(&task->tracks, &task->windows, series, part, source);
    assert(track != NULL); /* there was room */
    track->upto_us = at_us;
    return track;
}

bool bf__stage1_can_follow(const struct bf_stage1 *task, const struct bf_kpi_plan_item *kpi,
                           uint32_t slot_index, struct bf_slice source)
{
    return !bf_aggregate_follows(kpi->aggregate) || bf_tracks_room(&task->tracks, source) ||
           bf_tracks_find(&task->tracks, &task->windows, slot_index, kpi->part, source) != NULL;
}

void bf__stage1_follow(struct bf_stage1 *task, const struct bf_kpi_plan_item *kpi, uint32_t slot_index,
                       struct bf_series *series, struct bf_slice source, const struct bf_sample *sample,
                       struct bf_cell *cell)
{
    const struct bf_slot *slot = &task->windows.slots[slot_index];
    struct bf_track *track = bf_tracks_find(&task->tracks, &task->windows, slot_index, kpi->part, source);
    if (track != NULL && sample->event_us <= track->at_us) {
        return;
    }
    if (track == NULL) {
        track = begin(task, series, kpi->part, source, sample->event_us);
    } else if (track->held) {
        extend(task, slot_index, track, sample->event_us, &sample->value);
    } else {
        change(slot, track, sample, cell);
    }
    track->at_us = sample->event_us;
    track->upto_us = sample->event_us > track->upto_us ? sample->event_us : track->upto_us;
    track->value = sample->value;
    track->holds = sample->holds;
    bf_track_move(&task->windows, track, series);
    if (track->held) { /* a late one: what has closed without it */
        extend(task, slot_index, track, closed_end_us(slot->definition, task->clock.now_us), NULL);
    }
}

/* Whether no reading that would still be taken comes before the end of the track's value. */
static bool is_over(const struct bf_slot *slot, const struct bf_track *track, int64_t now_us)
{
    int64_t last_us = track->at_us + bf_track_definition(slot, track)->options.hold_us;
    if (bf_slot_is_by_reading(slot)) {
        return bf_slot_refuse_us(slot, last_us + slot->definition->window.gap_us + 1) <= now_us;
    }
    return bf_slot_refuse_us(slot, bf_shape_after(&slot->definition->window, last_us).end_us) <= now_us;
}

void bf__stage1_hold(struct bf_stage1 *task, int64_t now_us)
{
    int64_t old_us = task->clock.now_us;
    for (uint32_t i = 0; i < task->windows.slot_count; i++) {
        const struct bf_kpi_definition *definition = task->windows.slots[i].definition;
        int64_t end_us = closed_end_us(definition, now_us);
        if (task->windows.slots[i].first_track == 0 || end_us == closed_end_us(definition, old_us)) {
            continue;
        }
        for (uint32_t at = task->windows.slots[i].first_track; at != 0;) {
            struct bf_track *track = bf_track_at(&task->tracks, at);
            at = track->next;
            if (track->held) {
                extend(task, i, track, end_us, NULL);
            }
            if (old_us != BF_TIME_NONE && is_over(&task->windows.slots[i], track, old_us)) {
                bf_tracks_remove(&task->tracks, &task->windows, track);
            }
        }
    }
}
