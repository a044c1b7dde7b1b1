/* check.h: what must hold at the end of every schedule.
 * Owner: static.   Thread: one. */
#ifndef SIM_CHECK_H
#define SIM_CHECK_H

#include "core/result.h"
#include "tests/sim/oracle.h"

/* What a reader who drops what is not newer per task makes of a log; a record that is written again must have
 * the same bytes as the first. Returns how many. */
size_t sim_first_of_each(const struct sim_log *log, struct sim_record *kept[SIM_LOG_RECORDS]);
/* replay.c: both stages over the logs as they stand, without a crash, give what was written; and the counters
 * add up. */
void sim_check_replay(void);
/* check_redis.c: each result stands in its history once. */
void sim_check_history(const struct sim_result *results, size_t count);

#endif
