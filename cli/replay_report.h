/* replay_report.h: what a replay of a log says when it is through, for a person or as JSON.
 * Thread: main. */
#ifndef BF_CLI_REPLAY_REPORT_H
#define BF_CLI_REPLAY_REPORT_H

#include <stdio.h>

#include "cli/compare.h"
#include "cli/rerun.h"

struct bf_replay_report {
    bool json;
    bool stopped; /* by a signal: what there is so far */
    double seconds, cpu_seconds;
    struct bf_rerun_sums sums;
    uint64_t finals, revisions;
    int64_t from_us;                        /* of the first window; BF_TIME_NONE: all */
    int64_t last_us;                        /* log time up to which both sides are complete */
    const struct bf_comparison *comparison; /* NULL: nothing was compared */
    const char *topic_prefix;               /* NULL: nothing was written */
};

void bf_replay_report_print(const struct bf_replay_report *report, FILE *out);

#endif
