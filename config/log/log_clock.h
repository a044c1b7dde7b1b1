/* log_clock.h: how far log time is: the clocks of the newest ticks in belfry.readings. For commands that
 * must choose a log time (`belfry reload`) or wait for one.
 * Owner: creator.   Thread: one.   Errors: PEER. */
#ifndef BF_CONFIG_LOG_CLOCK_H
#define BF_CONFIG_LOG_CLOCK_H

#include "peers/kafka/kafka.h"

struct bf_log_clock;

/* Reads the end of every readings partition. */
enum bf_status bf_log_clock_open(const struct bf_kafka_options *options, int32_t partitions,
                                 struct bf_log_clock **clock, struct bf_err *err) BF_MUST_CHECK;
void bf_log_clock_close(struct bf_log_clock *clock);
/* The largest clock of any tick seen; BF_TIME_NONE where no tick has carried one yet. */
int64_t bf_log_clock_newest(const struct bf_log_clock *clock);
/* What log time has not passed yet, nor any reading that was counted: the largest clock; where readings have
 * come and no marker has returned, the largest wall time. BF_TIME_NONE: nothing has come. */
int64_t bf_log_clock_front(const struct bf_log_clock *clock);
/* The smallest over the partitions of the newest clock seen in each. */
int64_t bf_log_clock_slowest(const struct bf_log_clock *clock);
/* Reads on until every partition has had a tick with a clock of at least time_us. AGAIN: not within
 * timeout_ms. */
enum bf_status bf_log_clock_wait(struct bf_log_clock *clock, int64_t time_us, int timeout_ms,
                                 struct bf_err *err) BF_MUST_CHECK;

#endif
