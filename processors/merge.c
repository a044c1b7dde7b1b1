/* merge.c: the result record of one window. */
#include "processors/merge.h"

#include <assert.h>
#include <math.h>

#include "processors/formula.h"
#include "processors/session.h"

static struct bf_slice band_of(const struct bf_kpi_definition *definition, double value)
{
    for (size_t i = 0; i < definition->band_count; i++) {
        if (value <= definition->bands[i].upto) {
            return definition->bands[i].name;
        }
    }
    return (struct bf_slice){NULL, 0};
}

/* A window of one pane: cell by cell, in the order of the partitions. */
static void merge_cells(const struct bf_windows *windows, const struct bf_slot *slot,
                        const struct bf_window *window, struct bf_cell *total)
{
    for (uint32_t at = window->parts; at != 0;) {
        const struct bf_share *part = bf_slot_share(windows, slot, at);
        bf_cell_merge(total, slot->aggregate, &part->cell);
        at = part->next;
    }
}

/* Of several: the total of each pane, in the order of time. */
static void merge_panes(const struct bf_windows *windows, const struct bf_slot *slot,
                        const struct bf_window *window, int64_t start_us, struct bf_cell *total)
{
    const struct bf_window *panes[BF_WINDOW_PANES_MAX];
    union bf_cell_room room;
    size_t count = 0;
    for (; window != NULL && window->start_us >= start_us;
         window = bf_windows_or_null(windows, window->older)) {
        if (window->parts != 0) {
            assert(count < BF_WINDOW_PANES_MAX);
            panes[count++] = window;
        }
    }
    while (count > 0) {
        bf_cell_merge(total, slot->aggregate, bf_window_total(windows, slot, panes[--count], &room));
    }
}

/* Where the window starts that ends with this pane. */
static int64_t start_of(const struct bf_windows *windows, const struct bf_slot *slot,
                        const struct bf_window *window)
{
    const struct bf_window_shape *shape = &slot->definition->window;
    const struct bf_pane pane = {.start_us = window->start_us, .end_us = window->end_us};
    if (!bf_slot_is_by_reading(slot)) {
        return bf_shape_window_start(shape, &pane);
    }
    for (uint32_t i = 1; i < shape->panes && window->older != 0; i++) {
        window = bf_windows_at(windows, window->older);
    }
    return window->start_us;
}

/* The end of the window after the next, by which something new must have come; of a session or a count, when
 * nothing is known of the device any more. */
static int64_t stale_after(const struct bf_slot *slot, const struct bf_pane *pane)
{
    const struct bf_window_shape *shape = &slot->definition->window;
    if (bf_slot_is_by_reading(slot)) {
        return bf_slot_refuse_us(slot, pane->end_us + 2 * shape->longest_us);
    }
    struct bf_pane next = bf_shape_after(shape, bf_shape_after(shape, pane->end_us).end_us);
    return next.end_us + slot->definition->delay_us;
}

static bool value_of(const struct bf_slot *slot, const struct bf_cell *total, struct bf_slice scope,
                     double *value)
{
    const struct bf_kpi_definition *definition = slot->definition;
    return definition->formula != NULL
               ? bf_formula_result(definition->formula, bf_cell_state_of(total), scope, value)
               : slot->aggregate->result(bf_cell_state_of(total), &definition->options, value);
}

/* What a result says of itself beside its numbers. */
struct head {
    struct bf_publication what;
    uint32_t revision;
    bool suspect; /* the sources had different definitions */
    int64_t generation;
};

static void put_result(const struct bf_windows *windows, const struct bf_series *series,
                       const struct bf_window *window, const struct head *head, struct bf_outlet *outlet)
{
    const struct bf_slot *slot = &windows->slots[series->slot];
    const struct bf_kpi_definition *definition = slot->definition;
    char scope[BF_SCOPE_MAX];
    union bf_cell_room room;
    struct bf_cell *total = &room.cell;
    const struct bf_pane pane = {.start_us = window->start_us, .end_us = window->end_us};
    int64_t start_us = start_of(windows, slot, window);
    bf_cell_init(total, slot->aggregate, &definition->options);
    if (definition->window.panes == 1) {
        merge_cells(windows, slot, window, total);
    } else {
        merge_panes(windows, slot, window, start_us, total);
    }
    /* The inputs of a formula have units of their own. */
    bool ranges = total->min <= total->max && definition->formula == NULL;
    struct bf_kpi kpi = {
        .kpi = definition->id,
        .scope = bf_series_scope(windows, series, scope),
        .unit = definition->unit,
        .start_us = start_us,
        .end_us = pane.end_us,
        .n = total->n,
        .excluded = total->excluded,
        .has_range = ranges,
        .min = ranges ? total->min : 0,
        .max = ranges ? total->max : 0,
        .phase = head->what.phase,
        .revision = head->revision,
        .incomplete = head->what.incomplete,
        .quality = total->taken > 0 || head->suspect ? BF_QUALITY_SUSPECT : BF_QUALITY_GOOD,
        .generation = head->generation,
        .clock_us = head->what.clock_us,
        .stale_after_us = stale_after(slot, &pane),
        .has_target = definition->has_target,
        .target = definition->target,
    };
    kpi.has_value = value_of(slot, total, kpi.scope, &kpi.value) && isfinite(kpi.value);
    if (kpi.has_value) {
        kpi.band = band_of(definition, kpi.value);
    } else {
        kpi.value = 0;
    }
    char json[BF_KPI_DETAIL_MAX];
    if (slot->aggregate->detail != NULL) {
        kpi.detail = (struct bf_slice){
            json, slot->aggregate->detail(bf_cell_state_of(total), &definition->options, json)};
    }
    bf__output_kpi(outlet, &kpi);
}

bool bf_merge_publish(struct bf_windows *windows, const struct bf_generations *generations,
                      const struct bf_series *series, struct bf_window *window,
                      const struct bf_publication *what, struct bf_outlet *outlet)
{
    const struct bf_slot *slot = &windows->slots[series->slot];
    const struct bf_twin twin = bf_windows_twin(windows, series, window->start_us);
    const bool final = what->phase == BF_KPI_FINAL, mixed = twin.slot != NULL;
    if (final) {
        window->flags |= BF_WINDOW_SEALED;
    }
    if (mixed && twin.slot->generation < slot->generation) {
        return final;
    }
    if (final) {
        uint32_t own = window->flags & BF_WINDOW_PUBLISHED ? window->revision + 1 : 0;
        window->revision = own > twin.revisions ? own : twin.revisions;
        window->flags |= BF_WINDOW_PUBLISHED;
    }
    const struct head head = {
        .what = *what,
        .revision = final ? window->revision : 0,
        .suspect = mixed,
        .generation = bf_generations_of(generations, slot, window->start_us),
    };
    put_result(windows, series, window, &head, outlet);
    return final && mixed;
}
