/* producer.h: records into Kafka. Idempotent, acks=all, no message time-out, explicit partition, LZ4.
 *
 * Every record handed over gets a sequence number; `acked` is the contiguous low watermark over delivery
 * reports (never a count: with two brokers a count lets gaps through). A failed delivery is final: FATAL
 * from then on, so that nothing hides behind a gap.
 *
 * Owner:  creator.   Thread: any, each function.
 * Limits: max_queue records and 16 MiB (queue.buffering.max.kbytes) in the local queue; AGAIN beyond.
 * Errors: PEER where a retry may help, else FATAL. */
#ifndef BF_PEERS_KAFKA_PRODUCER_H
#define BF_PEERS_KAFKA_PRODUCER_H

#include "peers/kafka/kafka.h"

struct bf_producer;

struct bf_header {
    const char *name;
    struct bf_slice value;
};

enum bf_status bf_producer_create(const struct bf_kafka_options *options, uint32_t linger_ms,
                                  uint32_t max_queue, struct bf_producer **producer,
                                  struct bf_err *err) BF_MUST_CHECK;
/* Waits at most timeout_ms for what is queued, then drops the rest. */
void bf_producer_destroy(struct bf_producer *producer, int timeout_ms);

struct bf_outgoing {
    enum bf_topic topic;
    int32_t partition;
    struct bf_slice key, value;    /* copied; value.data NULL: a tombstone */
    enum bf_record_type type;      /* headers bf-type and bf-schema are written from it */
    struct bf_slice origin;        /* header bf-origin; empty: none */
    const struct bf_header *extra; /* further headers */
    size_t extra_count;
};
/* Hands one record over; *sequence (may be NULL) starts at 1 and rises by 1. AGAIN when the local queue is
 * full: poll and call again. LIMIT where it is larger than Kafka takes (1 MB). Any thread. */
enum bf_status bf_producer_send(struct bf_producer *producer, const struct bf_outgoing *record,
                                uint64_t *sequence, struct bf_err *err) BF_MUST_CHECK;
/* As send, but waits (polling) for a place in the queue. FATAL after a failure. Any thread. */
enum bf_status bf_producer_send_wait(struct bf_producer *producer, const struct bf_outgoing *record,
                                     uint64_t *sequence, struct bf_err *err) BF_MUST_CHECK;
/* Somebody who wants to know one record's offset without waiting for it. The caller's memory, at one place
 * from `watch` until the receipt was had (true) or dropped. */
struct bf_receipt {
    uint64_t sequence;
    int64_t offset;
    bool watched;
    struct bf_receipt *next;
};
/* As send. */
enum bf_status bf_producer_send_watch(struct bf_producer *producer, const struct bf_outgoing *record,
                                      struct bf_receipt *receipt, struct bf_err *err) BF_MUST_CHECK;
/* True when the record is acknowledged: its offset is in receipt->offset, and the watch is over. Reports are
 * served by poll. */
bool bf_producer_receipt(struct bf_producer *producer, struct bf_receipt *receipt);
/* Ends the watch; nothing happens where it is over. */
void bf_producer_drop(struct bf_producer *producer, struct bf_receipt *receipt);
/* Sends, waits until it is acknowledged, returns its offset. PEER after timeout_ms (outcome unknown). */
enum bf_status bf_producer_send_sync(struct bf_producer *producer, const struct bf_outgoing *record,
                                     int timeout_ms, int64_t *offset, struct bf_err *err) BF_MUST_CHECK;
/* Serves delivery reports. FATAL once any delivery has failed. Any thread. */
enum bf_status bf_producer_poll(struct bf_producer *producer, int timeout_ms,
                                struct bf_err *err) BF_MUST_CHECK;
/* Everything up to here is acknowledged. Any thread, wait-free. */
uint64_t bf_producer_acked(const struct bf_producer *producer);
/* Sequence of the newest record handed over. Any thread, wait-free. */
uint64_t bf_producer_handed(const struct bf_producer *producer);
/* This one is acknowledged, though perhaps others before it are not. Any thread. */
bool bf_producer_is_acked(struct bf_producer *producer, uint64_t sequence);
/* Polls until acked >= sequence. PEER after timeout_ms. */
enum bf_status bf_producer_wait(struct bf_producer *producer, uint64_t sequence, int timeout_ms,
                                struct bf_err *err) BF_MUST_CHECK;
/* Bytes handed over and not acknowledged. Any thread. */
uint64_t bf_producer_pending_bytes(const struct bf_producer *producer);
/* False from the moment no broker can be reached until the next acknowledgement: for readiness. Any
 * thread. */
bool bf_producer_connected(const struct bf_producer *producer);

#endif
