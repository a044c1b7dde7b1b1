/* merge.h: from the cells of a window to its result. Cells are merged in the order of their partitions, so
 * sums of doubles come out the same whoever arrived first; a window of several panes is made of their
 * totals, in the order of time.   Thread: the task's. */
#ifndef BF_PROCESSORS_MERGE_H
#define BF_PROCESSORS_MERGE_H

#include "processors/output.h"
#include "processors/window.h"

struct bf_result_head {
    enum bf_kpi_phase phase;
    uint32_t revision;
    bool incomplete; /* a source partition stands behind */
    bool suspect;    /* the sources had different definitions */
    int64_t generation, clock_us;
};

/* Writes the result of the window that ends with this pane (without cells: n = 0) to belfry.kpis. */
void bf_merge_publish(const struct bf_windows *windows, const struct bf_series *series,
                      const struct bf_window *window, const struct bf_result_head *head,
                      struct bf_outlet *outlet);

#endif
