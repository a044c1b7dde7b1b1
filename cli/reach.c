/* reach.c: see reach.h. */
#include "cli/reach.h"

#include "processors/shape.h"

static void each_of(const struct bf_kpi_plan *plan, uint32_t first, const struct bf_reading *reading,
                    void (*found)(void *context, const struct bf_reach *reach), void *context)
{
    for (uint32_t i = first; i != 0; i = plan->kpis[i - 1].next) {
        const struct bf_kpi_plan_item *item = &plan->kpis[i - 1];
        struct bf_scope_text scope;
        if (!bf_kpi_plan_takes(item, reading)) {
            continue;
        }
        bf_kpi_plan_scope(item->owner->definition, reading, &scope);
        const struct bf_reach reach = {.kpi = (uint32_t)(item->owner - plan->kpis),
                                       .definition = item->owner->definition,
                                       .scope = {scope.data, scope.len}};
        if (!scope.cut) {
            found(context, &reach);
        }
    }
}

void bf_reach_each(const struct bf_kpi_plan *plan, const struct bf_reading *reading,
                   void (*found)(void *context, const struct bf_reach *reach), void *context)
{
    each_of(plan, bf_kpi_plan_first(plan, reading->quantity), reading, found, context);
    each_of(plan, plan->any, reading, found, context);
}

void bf_reach_window(const struct bf_kpi_definition *definition, int64_t event_us, int64_t now_us,
                     struct bf_reach_window *window)
{
    const struct bf_window_shape *shape = &definition->window;
    struct bf_pane pane;
    *window = (struct bf_reach_window){.known = false};
    if ((shape->kind != BF_WINDOW_FIXED && shape->kind != BF_WINDOW_CALENDAR) ||
        !bf_shape_pane(shape, event_us, &pane)) {
        return;
    }
    window->known = true;
    window->count = shape->panes;
    window->start_us = bf_shape_window_start(shape, &pane);
    window->end_us = pane.end_us;
    window->late = now_us > pane.end_us + definition->delay_us + definition->lateness_us;
}
