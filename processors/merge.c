/* merge.c: the result record of one window. */
#include "processors/merge.h"

#include <math.h>

#include "processors/formula.h"

static struct bf_slice band_of(const struct bf_kpi_definition *definition, double value)
{
    for (size_t i = 0; i < definition->band_count; i++) {
        if (value <= definition->bands[i].upto) {
            return definition->bands[i].name;
        }
    }
    return (struct bf_slice){NULL, 0};
}

static void merge_cells(const struct bf_windows *windows, const struct bf_slot *slot,
                        const struct bf_window *window, struct bf_cell *total)
{
    bf_cell_init(total, slot->aggregate, &slot->definition->options);
    for (uint32_t at = window == NULL ? 0 : window->parts; at != 0;) {
        const struct bf_share *part = bf_slot_share(windows, slot, at);
        bf_cell_merge(total, slot->aggregate, &part->cell);
        at = part->next;
    }
}

static bool value_of(const struct bf_slot *slot, const struct bf_cell *total, struct bf_slice scope,
                     double *value)
{
    const struct bf_kpi_definition *definition = slot->definition;
    return definition->formula != NULL
               ? bf_formula_result(definition->formula, bf_cell_state_of(total), scope, value)
               : slot->aggregate->result(bf_cell_state_of(total), &definition->options, value);
}

void bf_merge_publish(const struct bf_windows *windows, const struct bf_series *series,
                      const struct bf_window *window, int64_t start_us, const struct bf_result_head *head,
                      struct bf_outlet *outlet)
{
    const struct bf_slot *slot = &windows->slots[series->slot];
    const struct bf_kpi_definition *definition = slot->definition;
    char scope[BF_SCOPE_MAX];
    union bf_cell_room room;
    struct bf_cell *total = &room.cell;
    merge_cells(windows, slot, window, total);
    /* The inputs of a formula have units of their own. */
    bool ranges = total->min <= total->max && definition->formula == NULL;
    struct bf_kpi kpi = {
        .kpi = definition->id,
        .scope = bf_series_scope(windows, series, scope),
        .unit = definition->unit,
        .start_us = start_us,
        .end_us = start_us + definition->window_us,
        .n = total->n,
        .excluded = total->excluded,
        .has_range = ranges,
        .min = ranges ? total->min : 0,
        .max = ranges ? total->max : 0,
        .phase = head->phase,
        .revision = head->revision,
        .incomplete = head->incomplete,
        .quality = total->taken > 0 || head->suspect ? BF_QUALITY_SUSPECT : BF_QUALITY_GOOD,
        .generation = head->generation,
        .clock_us = head->clock_us,
        .stale_after_us = start_us + 3 * definition->window_us + definition->delay_us,
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
