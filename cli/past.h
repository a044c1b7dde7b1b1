/* past.h: the results on record: belfry.kpis from a log time on, into one side of a comparison.
 * Owner: creator.   Thread: one.   Errors: PEER, and what the comparison says. */
#ifndef BF_CLI_PAST_H
#define BF_CLI_PAST_H

#include "cli/compare.h"
#include "core/record.h"
#include "peers/kafka/kafka.h"

struct bf_past;

/* from_us: BF_TIME_NONE: all there is. Reads up to the end that the log has now; bf_past_extend: has then.
 * */
enum bf_status bf_past_open(const struct bf_kafka_options *options, const struct bf_install *install,
                            int64_t from_us, struct bf_comparison *comparison, struct bf_past **past,
                            struct bf_err *err) BF_MUST_CHECK;
void bf_past_close(struct bf_past *past);
/* Takes what is there, at most `most` records, waiting at most timeout_ms for the first. AGAIN: nothing
 * came. */
enum bf_status bf_past_read(struct bf_past *past, int timeout_ms, int most, struct bf_err *err) BF_MUST_CHECK;
enum bf_status bf_past_extend(struct bf_past *past, struct bf_err *err) BF_MUST_CHECK;
/* Everything up to the end was read. */
bool bf_past_ended(const struct bf_past *past);
/* The smallest of the newest clocks that the tasks of stage 2 have written; BF_TIME_NONE: one has none yet.
 * */
int64_t bf_past_clock(const struct bf_past *past);

#endif
