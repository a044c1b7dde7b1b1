/* merge.h: from the cells of a window to its result. Cells are merged in the order of their partitions, so
 * sums of doubles come out the same whoever arrived first; a window of several panes is made of their
 * totals, in the order of time.   Thread: the task's. */
#ifndef BF_PROCESSORS_MERGE_H
#define BF_PROCESSORS_MERGE_H

#include "processors/generation.h"
#include "processors/output.h"
#include "processors/window.h"

struct bf_publication {
    enum bf_kpi_phase phase;
    bool incomplete; /* a source partition stands behind */
    int64_t clock_us;
};

/* Writes the result of the window that ends with this pane (without cells: n = 0) to belfry.kpis; a final
 * seals the window and numbers its revision. Where two definitions have data (readings that were ahead of a
 * reload's `from` before it was known), the older one is published, as suspect, and the newer one held back:
 * a window has one final. True: it was a final, and there were two. */
bool bf_merge_publish(struct bf_windows *windows, const struct bf_generations *generations,
                      const struct bf_series *series, struct bf_window *window,
                      const struct bf_publication *what, struct bf_outlet *outlet);

#endif
