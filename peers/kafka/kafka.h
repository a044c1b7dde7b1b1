/* kafka.h: all that belfry wants of Kafka, and the only place with librdkafka's header.
 *
 * Producer: idempotent, acks=all, no message time-out, explicit partition, LZ4. Every record handed over
 * gets a sequence number; `acked` is the contiguous low watermark over delivery reports (never a count: with
 * two brokers a count lets gaps through). A failed delivery is final: FATAL from then on.
 * Consumer: a group with static membership (`range`), or a plain assignment. No auto-commit, no silent
 * reset: a position outside the log is FATAL.
 * Properties that belfry owns (the ones above) are refused in the `librdkafka:` map.
 *
 * Owner: creator.   Thread: said per function.   Errors: PEER where a retry may help, else FATAL. */
#ifndef BF_PEERS_KAFKA_H
#define BF_PEERS_KAFKA_H

#include <stdint.h>

#include "core/err.h"
#include "core/record.h"
#include "core/slice.h"

enum bf_topic {
    BF_TOPIC_READINGS, BF_TOPIC_REJECTS, BF_TOPIC_PARTIALS, BF_TOPIC_KPIS, BF_TOPIC_SIGNALS,
    BF_TOPIC_ALERTS, BF_TOPIC_CONFIG, BF_TOPIC_CHECKPOINTS, BF_TOPIC_COUNT
};

struct bf_property {
    const char *name, *value;
};

struct bf_kafka_options {
    const char *brokers;
    const char *prefix;    /* "belfry": topics are <prefix>.readings, ... */
    const char *client_id; /* shown in the broker's logs */
    const struct bf_property *properties; /* the librdkafka: map */
    size_t property_count;
};

/* "<prefix>.readings"; writes into name, returns it. */
char *bf_topic_name(const struct bf_kafka_options *options, enum bf_topic topic, char *name, size_t size);

/* ---- producer */
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
    struct bf_slice key, value; /* copied; value.data NULL: a tombstone */
    enum bf_record_type type;   /* headers bf-type and bf-schema are written from it */
    struct bf_slice origin;     /* header bf-origin; empty: none */
    const struct bf_header *extra; /* further headers */
    size_t extra_count;
};
/* Hands one record over; *sequence (may be NULL) starts at 1 and rises by 1. AGAIN when the local queue is
 * full: poll and call again. Any thread. */
enum bf_status bf_producer_send(struct bf_producer *producer, const struct bf_outgoing *record,
                                uint64_t *sequence, struct bf_err *err) BF_MUST_CHECK;
/* As send, but waits (polling) for a place in the queue. FATAL after a failure. Any thread. */
enum bf_status bf_producer_send_wait(struct bf_producer *producer, const struct bf_outgoing *record,
                                     uint64_t *sequence, struct bf_err *err) BF_MUST_CHECK;
/* Sends, waits until it is acknowledged, returns its offset. PEER after timeout_ms (outcome unknown). */
enum bf_status bf_producer_send_sync(struct bf_producer *producer, const struct bf_outgoing *record,
                                     int timeout_ms, int64_t *offset, struct bf_err *err) BF_MUST_CHECK;
/* Serves delivery reports. FATAL once any delivery has failed. Any thread. */
enum bf_status bf_producer_poll(struct bf_producer *producer, int timeout_ms, struct bf_err *err) BF_MUST_CHECK;
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

/* ---- consumer */
struct bf_consumer;

struct bf_incoming {
    enum bf_topic topic;
    int32_t partition;
    int64_t offset;
    int64_t appended_ms;    /* the broker's LogAppendTime */
    struct bf_slice key, value;
    bool has_key, tombstone;
    bool eof;               /* no record: the end of the partition (offset: where the next one will be) */
    void *handle;           /* release with bf_incoming_release */
};
/* Parses the headers; not needed for readings (record.h). False if bf-type is missing or unknown. */
bool bf_incoming_type(const struct bf_incoming *incoming, enum bf_record_type *type);
/* Empty slice where there is none. Borrows from the record. */
struct bf_slice bf_incoming_header(const struct bf_incoming *incoming, const char *name);
void bf_incoming_release(struct bf_incoming *incoming);

struct bf_group {
    const char *id;          /* group.id */
    const char *instance_id; /* group.instance.id; NULL: dynamic membership */
    uint32_t session_ms;     /* 6000 */
    /* Called from poll, on its thread. `assigned` must leave every partition's position in
     * offsets[i]; the consumer then assigns. `revoked` (lost or not, also on fatal errors) must end all
     * tasks of those partitions before it returns. */
    enum bf_status (*assigned)(void *context, const enum bf_topic *topics, const int32_t *partitions,
                               int64_t *offsets, size_t count, struct bf_err *err);
    void (*revoked)(void *context, const enum bf_topic *topics, const int32_t *partitions, size_t count,
                    bool lost);
    void *context;
};

/* group NULL: positions are given by bf_consumer_assign. eof: deliver end-of-partition events.
 * One thread per consumer from here on. */
enum bf_status bf_consumer_create(const struct bf_kafka_options *options, const struct bf_group *group,
                                  bool eof, struct bf_consumer **consumer, struct bf_err *err) BF_MUST_CHECK;
void bf_consumer_destroy(struct bf_consumer *consumer); /* leaves the group */
enum bf_status bf_consumer_subscribe(struct bf_consumer *consumer, const enum bf_topic *topics,
                                     size_t count, struct bf_err *err) BF_MUST_CHECK;

struct bf_position {
    enum bf_topic topic;
    int32_t partition;
    int64_t offset; /* BF_OFFSET_BEGINNING, BF_OFFSET_END or a number */
};
#define BF_OFFSET_BEGINNING (-2)
#define BF_OFFSET_END (-1)
enum bf_status bf_consumer_assign(struct bf_consumer *consumer, const struct bf_position *positions,
                                  size_t count, struct bf_err *err) BF_MUST_CHECK;
enum bf_status bf_consumer_seek(struct bf_consumer *consumer, const struct bf_position *position,
                                struct bf_err *err) BF_MUST_CHECK;
enum bf_status bf_consumer_pause(struct bf_consumer *consumer, enum bf_topic topic, int32_t partition,
                                 bool pause, struct bf_err *err) BF_MUST_CHECK;
/* OK with a record or an eof event (release it), AGAIN after timeout_ms without one. */
enum bf_status bf_consumer_poll(struct bf_consumer *consumer, int timeout_ms, struct bf_incoming *incoming,
                                struct bf_err *err) BF_MUST_CHECK;

enum bf_commit { BF_COMMIT_DONE, BF_COMMIT_REFUSED /* membership lost: stop the task */, BF_COMMIT_UNKNOWN };
/* Synchronous, one partition. metadata: ASCII without NUL, at most 4,096 bytes (asserted; Kafka itself stores
 * longer ones empty without a word). */
enum bf_commit bf_consumer_commit(struct bf_consumer *consumer, const struct bf_position *position,
                                  const char *metadata, struct bf_err *err);
/* What is committed: offset -1 and empty metadata where nothing is. metadata: at least 4,097 bytes. */
enum bf_status bf_consumer_committed(struct bf_consumer *consumer, enum bf_topic topic, int32_t partition,
                                     int64_t *offset, char *metadata, size_t size, struct bf_err *err) BF_MUST_CHECK;
/* First offset and end of a partition (read_uncommitted high watermark). */
enum bf_status bf_consumer_range(struct bf_consumer *consumer, enum bf_topic topic, int32_t partition,
                                 int64_t *begin, int64_t *end, struct bf_err *err) BF_MUST_CHECK;
/* Number of partitions of a topic; PEER where it does not exist or Kafka does not answer. */
enum bf_status bf_consumer_partitions(struct bf_consumer *consumer, enum bf_topic topic, int32_t *count,
                                      struct bf_err *err) BF_MUST_CHECK;

/* ---- topics: made and checked (cleanup policy, retention, LogAppendTime, partition counts) */
struct bf_topic_spec {
    enum bf_topic topic;
    const char *name; /* without prefix */
    int32_t partitions;
    const char *const *settings; /* NULL-terminated: name, value, name, value */
};
/* The table of DESIGN 3; *count entries. */
const struct bf_topic_spec *bf_topic_specs(size_t *count);
/* Makes what is missing (skips creation on an embedded cluster, which has its topics), checks the rest.
 * CONFIG where an existing topic has another partition count. *created: how many were made. */
enum bf_status bf_topics_ensure(const struct bf_kafka_options *options, int16_t replication,
                                int *created, struct bf_err *err) BF_MUST_CHECK;

#endif
