/* stage1_reading.c: one reading: is it new, and which windows does it belong to. The hot path: no allocation,
 * one unpack, one dedup slot, and per KPI one scope, one series, one window. */
#include "core/wire.h"
#include "processors/session.h"
#include "processors/stage1_task.h"

/* A reading that counts, and what is the same for all KPIs that it goes to. */
struct arrival {
    const struct bf_reading *reading;
    uint32_t device; /* its number in the table of devices; 0: none */
    struct bf_sample sample;
};

/* What happened to one reading on its way into windows. */
struct verdict {
    bool late, limit;
    const char *reason; /* of the first refusal */
    char kpis[192];     /* which KPIs refused it as late */
    size_t kpis_len;
};

static void reject(struct bf_stage1 *task, const struct bf_reading *reading, enum bf_reject_stage stage,
                   const char *reason, struct bf_slice detail)
{
    const struct bf_reject record = {
        .stage = stage,
        .reason = bf_slice_of(reason),
        .detail = detail,
        .source = reading->source,
        .profile = reading->profile,
        .payload_hash = reading->delivery.payload_hash,
        .at_us = task->clock.now_us,
        .event_us = reading->event_us,
        .has_delivery = true,
        .delivery = reading->delivery,
    };
    bf__output_reject(&task->outlet, &record);
}

static void reject_malformed(struct bf_stage1 *task, const struct bf_err *why)
{
    const struct bf_reject record = {
        .stage = BF_STAGE_DECODE,
        .reason = BF_SLICE("malformed"),
        .detail = bf_slice_of(why->message),
        .at_us = task->clock.now_us,
        .event_us = BF_TIME_NONE,
    };
    bf__output_reject(&task->outlet, &record);
}

/* Estimated times are raised to the partition's clock, so what a restarted ingest stamps is not late. */
static int64_t event_time(const struct bf_stage1 *task, const struct bf_reading *reading)
{
    int64_t now_us = task->clock.now_us, event_us = reading->event_us;
    if (!(reading->reasons & BF_REASON_ESTIMATED)) {
        return event_us;
    }
    if (now_us == BF_TIME_NONE) {
        return event_us == 0 ? reading->ingest_us : event_us;
    }
    return event_us > now_us ? event_us : now_us;
}

static void note_late(struct verdict *verdict, const struct bf_kpi_definition *definition)
{
    size_t room = sizeof(verdict->kpis) - verdict->kpis_len, separator = verdict->kpis_len > 0 ? 2 : 0;
    verdict->late = true;
    if (definition->id.len + separator <= room) {
        memcpy(verdict->kpis + verdict->kpis_len, ", ", separator);
        memcpy(verdict->kpis + verdict->kpis_len + separator, definition->id.data, definition->id.len);
        verdict->kpis_len += separator + definition->id.len;
    }
}

static void note_limit(struct verdict *verdict, const char *reason)
{
    verdict->reason = verdict->limit ? verdict->reason : reason;
    verdict->limit = true;
}

/* Whether the change of this window is to go out before it closes. */
static bool goes_out(const struct bf_stage1 *task, const struct bf_slot *slot, bool late)
{
    return !slot->finishes || late || bf__stage1_is_live(task, slot);
}

static bool by_device_only(const struct bf_kpi_definition *definition)
{
    return definition->group_count == 1 && definition->group[0].kind == BF_GROUP_DEVICE;
}

static void mark(struct bf_stage1 *task, const struct bf_slot *slot, struct bf_window *window)
{
    int64_t close_us = bf_window_close_us(slot, window);
    task->due_us = close_us < task->due_us ? close_us : task->due_us;
    bf_window_mark(&task->windows, window);
}

/* Something late changes all closed windows with its pane: each gets a result anew. */
static void mark_late(struct bf_stage1 *task, const struct bf_slot *slot, const struct bf_window *changed)
{
    struct bf_windows *windows = &task->windows;
    struct bf_series *series = bf_series_at(windows, changed->series);
    const struct bf_pane pane = {.start_us = changed->start_us, .end_us = changed->end_us};
    struct bf_pane next = pane;
    while (bf_slot_next_with(slot, &pane, &next, task->clock.now_us)) {
        struct bf_window *window = bf_series_window(windows, series, next.start_us);
        if (window == NULL && bf_generations_in_force(&task->generations, series->slot, next.start_us)) {
            window = bf_series_put_window(windows, series, &next);
            task->refused += window == NULL ? 1 : 0;
        }
        if (window != NULL) {
            window->flags |= BF_WINDOW_SEALED;
            mark(task, slot, window);
        }
    }
}

void bf__stage1_changed(struct bf_stage1 *task, const struct bf_slot *slot, struct bf_window *window)
{
    int64_t now_us = task->clock.now_us;
    bool late = now_us != BF_TIME_NONE && now_us >= bf_window_close_us(slot, window);
    if (late) {
        window->flags |= BF_WINDOW_SEALED;
    }
    if (goes_out(task, slot, late)) {
        mark(task, slot, window);
    }
    if (late && slot->finishes) {
        mark_late(task, slot, window);
    }
}

/* NULL at the limit. What is by device only is found by the device's handle: its scope says nothing else. */
static struct bf_series *series_of(struct bf_stage1 *task, uint32_t slot, const struct bf_reading *reading,
                                   uint32_t device)
{
    struct bf_windows *windows = &task->windows;
    const struct bf_kpi_definition *definition = windows->slots[slot].definition;
    uint32_t *handle =
        device != 0 && by_device_only(definition) ? bf_devices_handle(&task->devices, device, slot) : NULL;
    struct bf_series *series = handle != NULL ? bf_series_held(windows, *handle, slot, device) : NULL;
    if (series != NULL) {
        return series;
    }
    struct bf_scope_text scope;
    bf_kpi_plan_scope(definition, reading, &scope);
    if (!scope.cut) {
        series = bf_windows_put_series(windows, slot, (struct bf_slice){scope.data, scope.len});
    }
    if (series != NULL && handle != NULL) {
        *handle = bf_series_hold(windows, series, device);
    }
    return series;
}

/* The cell that takes the reading: of its pane, or (pane NULL) of one that readings make. NULL at a limit. */
static struct bf_cell *cell_of(struct bf_stage1 *task, struct bf_series *series, const struct bf_pane *pane,
                               int64_t event_us, struct bf_window **window)
{
    struct bf_windows *windows = &task->windows;
    if (pane != NULL) {
        return bf_series_put_cell(windows, series, pane, task->options.partition, window);
    }
    bool room = bf_shares_room(&windows->shares, windows->slots[series->slot].share_class);
    *window = room ? bf_series_take(windows, series, event_us) : NULL;
    return *window == NULL ? NULL : bf_window_cell(windows, *window, task->options.partition);
}

/* A count closes where its last reading stands in the log. */
static void count_changed(struct bf_stage1 *task, const struct bf_slot *slot, struct bf_series *series,
                          struct bf_window *window, const struct bf_cell *cell)
{
    if (bf_count_is_full(slot, cell)) {
        window->flags |= BF_WINDOW_SEALED;
        bf_window_clean(&task->windows, window);
        if (bf_count_ends(&task->windows, slot, window)) {
            bf__stage1_publish(task, series, window, BF_KPI_FINAL, task->clock.now_us);
        }
        bf_count_trim(&task->windows, series);
    } else if (goes_out(task, slot, false)) {
        mark(task, slot, window);
    }
}

/* Whether this is to be counted, and where. NULL: not, and the verdict says why. */
static struct bf_series *admit(struct bf_stage1 *task, const struct bf_kpi_plan_item *kpi,
                               uint32_t slot_index, const struct bf_pane *pane, const struct arrival *arrival,
                               struct verdict *verdict)
{
    struct bf_windows *windows = &task->windows;
    const struct bf_slot *slot = &windows->slots[slot_index];
    int64_t now_us = task->clock.now_us;
    if (pane != NULL && now_us != BF_TIME_NONE && now_us >= bf_slot_refuse_us(slot, pane->end_us)) {
        note_late(verdict, slot->definition);
        return NULL;
    }
    struct bf_series *series = series_of(task, slot_index, arrival->reading, arrival->device);
    if (series == NULL) {
        note_limit(verdict, "scopes_full");
    } else if (pane == NULL && bf_series_refuses(windows, series, arrival->sample.event_us, now_us)) {
        note_late(verdict, slot->definition);
    } else if (!bf__stage1_can_follow(task, kpi, slot_index, arrival->reading->source)) {
        note_limit(verdict, "sources_full");
    } else {
        return series;
    }
    if (series != NULL) {
        bf_windows_release_series(windows, series);
    }
    return NULL;
}

static void count_in(struct bf_stage1 *task, const struct bf_kpi_plan_item *kpi, uint32_t slot_index,
                     const struct bf_pane *pane, const struct arrival *arrival, struct verdict *verdict)
{
    struct bf_windows *windows = &task->windows;
    const struct bf_slot *slot = &windows->slots[slot_index];
    struct bf_series *series = admit(task, kpi, slot_index, pane, arrival, verdict);
    if (series == NULL) {
        return;
    }
    struct bf_window *window;
    struct bf_cell *cell = cell_of(task, series, pane, arrival->sample.event_us, &window);
    if (cell == NULL) {
        bf_windows_release_series(windows, series);
        note_limit(verdict,
                   bf_shares_room(&windows->shares, slot->share_class) ? "windows_full" : "state_full");
        return;
    }
    struct bf_sample sample = arrival->sample;
    bool counted = bf_cell_add(cell, kpi, arrival->reading, &sample);
    if (counted && bf_aggregate_follows(kpi->aggregate)) {
        bf__stage1_follow(task, kpi, slot_index, series, arrival->reading->source, &sample, cell);
    }
    if (slot->definition->window.kind == BF_WINDOW_COUNT) {
        count_changed(task, slot, series, window, cell);
    } else {
        bf__stage1_changed(task, slot, window);
    }
}

static void count_list(struct bf_stage1 *task, const struct bf_generation_known *known, uint32_t first,
                       const struct arrival *arrival, struct verdict *verdict)
{
    for (uint32_t i = first; i != 0; i = known->plan->kpis[i - 1].next) {
        const struct bf_kpi_plan_item *kpi = &known->plan->kpis[i - 1];
        uint32_t index = known->slots[kpi->owner - known->plan->kpis];
        struct bf_slot *slot = &task->windows.slots[index];
        bool by_reading =
            bf_slot_is_by_reading(slot); /* these belong to the definition of the reading's time */
        struct bf_pane pane = {.start_us = arrival->sample.event_us};
        if (bf_kpi_plan_takes(kpi, arrival->reading) &&
            (by_reading || bf_slot_pane(slot, arrival->sample.event_us, &pane)) &&
            bf_generations_at(&task->generations, pane.start_us) == known) {
            count_in(task, kpi, index, by_reading ? NULL : &pane, arrival, verdict);
        }
    }
}

static void count_everywhere(struct bf_stage1 *task, const struct arrival *arrival, struct verdict *verdict)
{
    const struct bf_generations *generations = &task->generations;
    for (size_t g = 0; g < generations->count; g++) {
        const struct bf_generation_known *known = &generations->list[g];
        if (g + 1 < generations->count &&
            arrival->sample.event_us - known->plan->longest_pane_us >= generations->list[g + 1].from_us) {
            continue; /* all of its windows that could hold this time belong to later ones */
        }
        count_list(task, known, bf_kpi_plan_first(known->plan, arrival->reading->quantity), arrival, verdict);
        count_list(task, known, known->plan->any, arrival, verdict);
    }
}

/* False: it is not to be counted, and the counters say why. */
static bool is_new(struct bf_stage1 *task, const struct bf_reading *reading)
{
    struct bf_writer *writer = bf_clock_writer(&task->clock, &task->settings.clock, reading->delivery.ingest);
    if (writer == NULL) {
        task->counters.accepted++;
        task->counters.limit++;
        reject(task, reading, BF_STAGE_LIMIT, "writers_full",
               bf_slice_of("more ingest ids than max_writers"));
        return false;
    }
    if (reading->delivery.incarnation < writer->newest) {
        task->counters.older++; /* the broker redelivers it to the newer one */
        return false;
    }
    writer->newest = reading->delivery.incarnation;
    if (bf_deliveries_seen(writer->deliveries, &reading->delivery)) {
        task->counters.duplicate++;
        return false;
    }
    if (reading->has_content_hash && bf_contents_seen(task->contents, reading->content_hash)) {
        task->counters.content++;
        reject(task, reading, BF_STAGE_CONTENT, "content", (struct bf_slice){NULL, 0});
        return false;
    }
    task->counters.accepted++;
    return true;
}

void bf__stage1_reading(struct bf_stage1 *task, const struct bf_input *input)
{
    struct bf_reading reading;
    struct bf_err err;
    task->counters.readings++;
    if (bf_reading_unpack(input->value, &reading, &err) != BF_OK) {
        task->counters.malformed++;
        reject_malformed(task, &err);
        return;
    }
    bf_devices_expect(&task->devices, bf_reading_device(reading.source));
    if (!is_new(task, &reading)) {
        return;
    }
    reading.event_us = event_time(task, &reading);
    struct verdict verdict = {.late = false, .limit = false, .reason = NULL, .kpis_len = 0};
    const struct arrival arrival = {
        .reading = &reading,
        .device = task->generations.count > 0 ? bf_devices_note(&task->devices, &reading) : 0,
        .sample = {.value = 0,
                   .event_us = reading.event_us,
                   .partition = task->options.partition,
                   .offset = input->offset}};
    count_everywhere(task, &arrival, &verdict);
    task->counters.late += verdict.late ? 1 : 0;
    task->counters.limit += verdict.limit ? 1 : 0;
    if (verdict.late) {
        reject(task, &reading, BF_STAGE_LATE, "late", (struct bf_slice){verdict.kpis, verdict.kpis_len});
    } else if (verdict.limit) {
        reject(task, &reading, BF_STAGE_LIMIT, verdict.reason, (struct bf_slice){NULL, 0});
    }
}
