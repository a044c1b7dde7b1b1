/* reach.h: what one reading goes into: KPIs, their scopes and windows.
 * Thread: any.   Limits: a scope that is too long is passed over, as tasks do. */
#ifndef BF_CLI_REACH_H
#define BF_CLI_REACH_H

#include "processors/kpi.h"

struct bf_reach {
    uint32_t kpi; /* in the plan: the KPI itself, also where its formula takes the reading */
    const struct bf_kpi_definition *definition;
    struct bf_slice scope;
};

/* Calls `found` for each KPI that takes the reading; a formula that takes it twice is found twice. */
void bf_reach_each(const struct bf_kpi_plan *plan, const struct bf_reading *reading,
                   void (*found)(void *context, const struct bf_reach *reach), void *context);

struct bf_reach_window {
    bool known;               /* false: sessions and counts, or outside of all panes */
    int64_t start_us, end_us; /* of the first window that it enters */
    uint32_t count;           /* of windows */
    bool late;                /* at now_us its last pane is no longer taken */
};
void bf_reach_window(const struct bf_kpi_definition *definition, int64_t event_us, int64_t now_us,
                     struct bf_reach_window *window);

#endif
