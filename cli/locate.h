/* locate.h: where in a log a log time is: the offset from which on a partition's records are of that time.
 * By the clocks in the records, since the broker's own index is of the time of writing, which is another one
 * after an outage, and for captures.
 * Thread: the consumer's; it must be one without a group, and has no assignment afterwards.
 * Errors: PEER. */
#ifndef BF_CLI_LOCATE_H
#define BF_CLI_LOCATE_H

#include "peers/kafka/kafka.h"

/* An offset in [begin, end] (BF_TIME_NONE: begin) that is not behind the first record with a clock of
 * time_us or later, and at most a few thousand records before it. What a task wrote again after a crash
 * stands later than its clock says, so ask for a time with room. */
enum bf_status bf_locate_time(struct bf_consumer *consumer, enum bf_topic topic, int32_t partition,
                              int64_t time_us, int64_t *offset, struct bf_err *err) BF_MUST_CHECK;

#endif
