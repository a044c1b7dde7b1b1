/* oracle.h: every final and every revision recomputed from the readings log with the dumbest possible code:
 * the partitions' clocks from their ticks by another rule than processors/clock.c, of each reading its first
 * appearance, sums added per partition in the order of the log and merged in the order of the partitions.
 * Owner: static; valid until the next call.   Thread: one. */
#ifndef SIM_ORACLE_H
#define SIM_ORACLE_H

#include "tests/sim/world.h"

#define SIM_RESULTS 4096

struct sim_result {
    char key[48];     /* kpi:scope as in Redis */
    int64_t start_us; /* since SIM_EPOCH_US */
    uint32_t revision;
    uint64_t n;
    bool has_value;
    double value, min, max;
    bool suspect;
    const struct sim_record *record; /* where it stands; NULL: expected */
};
/* In the order of key, window, revision. */
int sim_result_order(const void *a, const void *b);

enum sim_fate { SIM_UNSEEN, SIM_FINAL, SIM_LATE, SIM_REJECTED };
struct sim_judged {
    enum sim_fate fate;
    int partition;
    int64_t offset, start_us, event_us, read_us, stamp_us; /* stamp_us INT64_MAX: not sent on yet */
};
extern struct sim_judged sim_judged[SIM_TRUTHS];

/* Reads the logs. */
void sim_oracle_judge(void);
/* The clock of a readings partition after its record of that offset; BF_TIME_NONE: none yet. Since
 * SIM_EPOCH_US. */
int64_t sim_oracle_clock(int partition, size_t offset);
int64_t sim_oracle_slowest(void);
/* What must stand in the log of results; sorted. */
size_t sim_oracle_results(struct sim_result results[SIM_RESULTS]);
/* Whether two definitions of that KPI may meet in that window: then the oracle says nothing. */
bool sim_oracle_is_vague(const char *key, int64_t start_us);
/* Readings that were sent in time by an ingest process that was not silent, and yet came late: how many. */
int sim_oracle_made_late(void);

#endif
