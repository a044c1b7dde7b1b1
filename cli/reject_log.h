/* reject_log.h: belfry.rejects as commands read it: from its beginning to the end that it has now, or on as
 * it grows; and which of them were replayed already, from the records that `belfry rejects replay` leaves
 * there.
 *
 * Owner: creator.   Thread: one.   Limits: BF_REPLAYED_MAX rejects that were replayed.   Errors: PEER,
 * LIMIT. */
#ifndef BF_CLI_REJECT_LOG_H
#define BF_CLI_REJECT_LOG_H

#include "core/record.h"
#include "peers/kafka/kafka.h"

#define BF_REPLAYED_MAX (1u << 22)

struct bf_reject_log;

struct bf_rejected {
    struct bf_reject reject; /* borrows from the record */
    uint64_t identity;       /* of the message: a redelivery has the same; 0: it has none (of a task) */
    int32_t partition;
    int64_t offset, appended_ms;
};

enum bf_replayed_state { BF_REPLAYED_NO, BF_REPLAYED_BEGUN /* may have been published */, BF_REPLAYED_DONE };

/* What to look at; texts may be NULL, times BF_TIME_NONE. */
struct bf_reject_filter {
    const char *reason;
    const char *profile;    /* "airbox" or "airbox@2" */
    int64_t from_us, to_us; /* of ingest: [from, to) */
};

enum bf_status bf_reject_log_open(const struct bf_kafka_options *options, const struct bf_install *install,
                                  struct bf_reject_log **log, struct bf_err *err) BF_MUST_CHECK;
void bf_reject_log_close(struct bf_reject_log *log);
/* Begins anew, up to the end that the log has now. */
enum bf_status bf_reject_log_rewind(struct bf_reject_log *log, struct bf_err *err) BF_MUST_CHECK;
/* The next reject. AGAIN: the end of the last rewind was reached, or (then until the log has grown) nothing
 * came within timeout_ms. What it borrows is gone at the next call. */
enum bf_status bf_reject_log_next(struct bf_reject_log *log, int timeout_ms, struct bf_rejected *rejected,
                                  struct bf_err *err) BF_MUST_CHECK;
/* Of what was read so far. */
enum bf_replayed_state bf_reject_log_state(const struct bf_reject_log *log, uint64_t identity);
enum bf_status bf_reject_log_note(struct bf_reject_log *log, uint64_t identity, bool done,
                                  struct bf_err *err) BF_MUST_CHECK;
bool bf_reject_matches(const struct bf_rejected *rejected, const struct bf_reject_filter *filter);
/* Whether it is a name of core/reasons.def; else *nearest (or NULL) is what may have been meant. */
bool bf_reject_reason_known(const char *reason, const char **nearest);

#endif
