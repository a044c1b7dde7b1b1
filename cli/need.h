/* need.h: how much state the windows of a city need: panes held at once, scopes, sources, bytes.
 * At the moment of most windows, where each device sends in each of them, for stated numbers of devices and
 * of a tag's values, evenly spread; right within a fifth (tests/unit/cli/test_need.c). What a task may hold
 * at most stands in `limits:` of city.yaml.   Thread: any. */
#ifndef BF_CLI_NEED_H
#define BF_CLI_NEED_H

#include "config/city.h"

struct bf_need_scale {
    uint64_t devices;  /* in the city */
    uint64_t tags;     /* values of one tag */
    uint64_t readings; /* partitions of belfry.readings, 12 */
    uint64_t partials; /* partitions of belfry.partials, 4 */
};

struct bf_need {
    uint64_t open;   /* panes of one scope at once: from its start until no window with it can change */
    uint64_t scopes; /* in the city */
    /* Panes in one task of stage 1, of stage 2 (0: finished in stage 1). */
    uint64_t first_windows, second_windows;
    uint64_t sources; /* in one task of stage 1: those that the KPI follows */
    uint64_t first_bytes, second_bytes;
};

struct bf_need bf_need_of(const struct bf_city *city, const struct bf_kpi_definition *kpi,
                          const struct bf_need_scale *scale);

#endif
