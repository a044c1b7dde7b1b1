/* publish.h: readings, rejects, ticks and claims into Kafka. The local queue full: it waits, it never drops.
 *
 * Owner: ingest.   Thread: reading, reject and ticks on that of intake.h's `take`; the others main (each
 *   side has a buffer of its own); `failed` any.
 * Errors: after the producer's first failed delivery everything is FATAL: the process ends, and what Kafka
 *   did not take was never acknowledged to the broker. */
#ifndef BF_INGEST_PUBLISH_H
#define BF_INGEST_PUBLISH_H

#include <stdatomic.h>

#include "core/record.h"
#include "core/wire.h"
#include "ingest/tally.h"
#include "peers/kafka/kafka.h"

struct bf_publish {
    struct bf_producer *producer;
    struct bf_tally *tally;
    int32_t readings, rejects; /* partition counts */
    atomic_bool stop;          /* the connection is over: do not wait for a place in the queue */
    atomic_bool waiting;       /* `take` waits for a place */
    atomic_bool failed;
    struct bf_err err; /* of `take`'s side; written before failed is set */
    char *buffer;      /* of `take`, BF_RECORD_MAX bytes */
};

enum bf_status bf_publish_init(struct bf_publish *publish, struct bf_producer *producer,
                               const struct bf_install *install, struct bf_tally *tally,
                               struct bf_err *err) BF_MUST_CHECK;
void bf_publish_deinit(struct bf_publish *publish);

/* False: not handed over (the connection is over, or the producer has failed); the message's PUBACK must
 * not leave. */
bool bf_publish_reading(struct bf_publish *publish, const struct bf_reading *reading);
bool bf_publish_reject(struct bf_publish *publish, const struct bf_reject *reject);

/* One tick to every partition, waiting as a reading does. */
bool bf_publish_ticks(struct bf_publish *publish, const struct bf_tick *tick);

/* AGAIN where the queue is full. */
enum bf_status bf_publish_tick(struct bf_publish *publish, int32_t partition, const struct bf_tick *tick,
                               uint64_t *sequence, struct bf_err *err) BF_MUST_CHECK;
/* Waits for the acknowledgement; PEER after timeout_ms. */
enum bf_status bf_publish_claim(struct bf_publish *publish, const struct bf_claim *claim, int timeout_ms,
                                int64_t *offset, struct bf_err *err) BF_MUST_CHECK;

#endif
