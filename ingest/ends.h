/* ends.h: what the log knows of an ingest id: each readings partition's end, read back up to the hello of the
 * present connection, in growing steps until something of that id is found.
 *
 * Of the newest incarnation that had them come epoch and serial (readings and ticks carry both; rejects do
 * not count); of its newest tick the generation; and the largest wall time of any tick.
 *
 * Owner: ingest.   Thread: main; a step lasts at most about 100 ms.
 * Limits: a session that the broker did not keep needs no epoch, so at most BF_ENDS_NEW records a partition
 *   are read then; otherwise back to the beginning of the log. */
#ifndef BF_INGEST_ENDS_H
#define BF_INGEST_ENDS_H

#include "core/record.h"
#include "peers/kafka/kafka.h"

#define BF_ENDS_NEW 5000

struct bf_ends_found {
    int64_t newest;  /* incarnation; -1: none */
    int64_t claimed; /* the newest claim of the id between ours and our hello; -1: none */
    bool has_epoch;
    int64_t known; /* the newest incarnation that had an epoch */
    int64_t epoch, serial;
    int64_t wall_us;       /* BF_TIME_NONE: no tick */
    int64_t generation;    /* 0: none */
    int64_t generation_of; /* incarnation of the tick that said so */
    int64_t generation_wall_us;
};

/* ---- the rules, pure */
void bf_ends_clear(struct bf_ends_found *found);
void bf_ends_take_tick(struct bf_ends_found *found, const struct bf_tick *tick);
void bf_ends_take_claim(struct bf_ends_found *found, int64_t offset);
void bf_ends_take_delivery(struct bf_ends_found *found, const struct bf_delivery *delivery);

/* ---- the reader */
struct bf_ends;

/* Begins to read: `incarnation` is ours, its hello stands in every partition. */
enum bf_status bf_ends_open(const struct bf_kafka_options *options, struct bf_slice ingest,
                            int64_t incarnation, int32_t partitions, bool session_kept, struct bf_ends **ends,
                            struct bf_err *err) BF_MUST_CHECK;
void bf_ends_close(struct bf_ends *ends);
/* AGAIN: call again. OK: *found is whole. */
enum bf_status bf_ends_step(struct bf_ends *ends, struct bf_ends_found *found,
                            struct bf_err *err) BF_MUST_CHECK;

#endif
