/* consumer.h: records out of Kafka: a group with static membership (`range`), or a plain assignment. No
 * automatic commit, no silent reset: a position outside the log is FATAL. Per partition the offsets that
 * poll hands out ascend from the position given, through every seek, pause and rebalance.
 *
 * Owner:  creator.   Thread: one per consumer, from create to destroy.
 * Limits: BF_PARTITIONS_MAX partitions a topic; about 4 MiB read ahead (queued.max.messages.kbytes).
 * Errors: PEER where a retry may help, else FATAL. */
#ifndef BF_PEERS_KAFKA_CONSUMER_H
#define BF_PEERS_KAFKA_CONSUMER_H

#include "peers/kafka/kafka.h"

struct bf_consumer;

struct bf_incoming {
    enum bf_topic topic;
    int32_t partition;
    int64_t offset;
    int64_t appended_ms; /* the broker's LogAppendTime */
    struct bf_slice key, value;
    bool has_key, tombstone;
    bool eof;     /* no record: the end of the partition (offset: where the next one will be) */
    void *handle; /* release with bf_incoming_release */
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
    /* Called from poll, on its thread (revoked also from destroy). `assigned` must leave every partition's
     * position in offsets[i]; the consumer then assigns; a status other than OK is what every later poll
     * returns. `revoked` (lost or not, also on fatal errors) must end all tasks of those partitions before
     * it returns. The record that poll returned last may still be held, and released, after it. */
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
/* Revokes what is assigned. A dynamic member leaves the group; a static one stays until its session ends, so
 * that it finds its partitions when it comes back sooner. Release every record before. */
void bf_consumer_destroy(struct bf_consumer *consumer);
enum bf_status bf_consumer_subscribe(struct bf_consumer *consumer, const enum bf_topic *topics, size_t count,
                                     struct bf_err *err) BF_MUST_CHECK;

struct bf_position {
    enum bf_topic topic;
    int32_t partition;
    int64_t offset; /* BF_OFFSET_BEGINNING, BF_OFFSET_END or a number */
};
#define BF_PARTITIONS_MAX 256 /* of one topic */
#define BF_OFFSET_BEGINNING (-2)
#define BF_OFFSET_END (-1)
/* From here on poll hands out, per partition, ascending offsets from the position given and nothing else.
 * Group NULL only (a group's positions come from `assigned`). */
enum bf_status bf_consumer_assign(struct bf_consumer *consumer, const struct bf_position *positions,
                                  size_t count, struct bf_err *err) BF_MUST_CHECK;
enum bf_status bf_consumer_seek(struct bf_consumer *consumer, const struct bf_position *position,
                                struct bf_err *err) BF_MUST_CHECK;
enum bf_status bf_consumer_pause(struct bf_consumer *consumer, enum bf_topic topic, int32_t partition,
                                 bool pause, struct bf_err *err) BF_MUST_CHECK;
/* False from the moment no broker can be reached until the next record: for readiness. */
bool bf_consumer_connected(const struct bf_consumer *consumer);
/* The last words about a broker that could not be reached; "" where there were none. */
const char *bf_consumer_reason(const struct bf_consumer *consumer);
/* Whether Kafka answers at all. PEER with its words after timeout_ms. Group NULL only. */
enum bf_status bf_consumer_reach(struct bf_consumer *consumer, int timeout_ms,
                                 struct bf_err *err) BF_MUST_CHECK;
/* OK with a record or an eof event (release it), AGAIN after timeout_ms without one. PEER: this handle is
 * lost with its membership (or `assigned` said so); destroy it, make another and subscribe. */
enum bf_status bf_consumer_poll(struct bf_consumer *consumer, int timeout_ms, struct bf_incoming *incoming,
                                struct bf_err *err) BF_MUST_CHECK;

enum bf_commit { BF_COMMIT_DONE, BF_COMMIT_REFUSED /* membership lost: stop the task */, BF_COMMIT_UNKNOWN };
/* Synchronous, one partition. metadata: ASCII without NUL, at most 4,096 bytes (asserted; Kafka itself stores
 * longer ones empty without a word). */
enum bf_commit bf_consumer_commit(struct bf_consumer *consumer, const struct bf_position *position,
                                  const char *metadata, struct bf_err *err);
/* What is committed: offset -1 and empty metadata where nothing is. metadata: at least 4,097 bytes. */
enum bf_status bf_consumer_committed(struct bf_consumer *consumer, enum bf_topic topic, int32_t partition,
                                     int64_t *offset, char *metadata, size_t size,
                                     struct bf_err *err) BF_MUST_CHECK;
/* First offset and end of a partition (read_uncommitted high watermark). */
enum bf_status bf_consumer_range(struct bf_consumer *consumer, enum bf_topic topic, int32_t partition,
                                 int64_t *begin, int64_t *end, struct bf_err *err) BF_MUST_CHECK;
/* Number of partitions of a topic; PEER where it does not exist or Kafka does not answer. */
enum bf_status bf_consumer_partitions(struct bf_consumer *consumer, enum bf_topic topic, int32_t *count,
                                      struct bf_err *err) BF_MUST_CHECK;

#endif
