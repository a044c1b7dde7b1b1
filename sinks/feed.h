/* feed.h: the batch that is being gathered from one partition of belfry.kpis, and how far that is.
 *
 * Owner:  the runner.   Thread: the runner's.
 * Limits: `capacity` records; the runner writes a full one before it adds. */
#ifndef BF_SINKS_FEED_H
#define BF_SINKS_FEED_H

#include "peers/kafka/kafka.h"
#include "sinks/sink.h"

struct bf__feed {
    int32_t partition;
    int64_t expected; /* position before the batch: BF_SINK_NO_POSITION or an offset */
    int64_t position; /* offset of the next record to come */
    bool moved;       /* position has left expected */
    bool at_end;      /* the log had no more when it was last asked */
    int64_t end;      /* as far as known */
    int64_t appended_ms; /* when the newest record taken was appended */
    struct bf_sink_record *records;
    void **handles;   /* what the records borrow from */
    size_t count, capacity;
};

enum bf_status bf__feed_init(struct bf__feed *feed, int32_t partition, size_t capacity, struct bf_err *err)
    BF_MUST_CHECK;
void bf__feed_deinit(struct bf__feed *feed);
/* Stands at `expected`, whose first record is `position`; what was gathered is dropped. */
void bf__feed_start(struct bf__feed *feed, int64_t expected, int64_t position);

enum bf__taken {
    BF_TAKEN,       /* the batch holds it (and its handle) */
    BF_TAKEN_NOT,   /* nothing for a sink: a tick; the position moves on */
    BF_TAKEN_BAD,   /* cannot be read; the position moves on */
};
/* Reads one record into the next free place of the batch. The caller releases what was not taken. */
enum bf__taken bf__feed_read(struct bf__feed *feed, const struct bf_incoming *incoming, struct bf_err *err);
/* Takes what read put into the next place. The handle goes over to the feed. */
void bf__feed_keep(struct bf__feed *feed, const struct bf_incoming *incoming);
/* The position moves behind that record without it. */
void bf__feed_skip(struct bf__feed *feed, const struct bf_incoming *incoming);
/* The record that read has put into the next free place. */
static inline const struct bf_sink_record *bf__feed_next(const struct bf__feed *feed)
{
    return &feed->records[feed->count];
}

struct bf_sink_batch bf__feed_batch(const struct bf__feed *feed);
/* The batch is handed over: an empty one begins where it ends. */
void bf__feed_done(struct bf__feed *feed);

#endif
