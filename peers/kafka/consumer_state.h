/* consumer_state.h: the inside of a consumer, shared by consumer.c (records), group.c (membership) and
 * position.c (seek, pause, commit, questions). Internal to peers/kafka.
 *
 * Owner: creator.   Thread: the one that polls; librdkafka's callbacks run on it, inside poll.
 * Limits: BF_PARTITIONS_MAX partitions a topic, BF__BATCH records ahead of the caller. */
#ifndef BF_PEERS_KAFKA_CONSUMER_STATE_H
#define BF_PEERS_KAFKA_CONSUMER_STATE_H

#include "peers/kafka/client.h"

#define BF__BATCH 512

struct bf__partition {
    bool assigned;
    bool paused;
    bool must_seek; /* nothing is handed out before librdkafka has been set to `next` */
    int64_t next;   /* the smallest offset that may be handed out; negative: not known yet */
};

struct bf_consumer {
    rd_kafka_t *rk;
    rd_kafka_queue_t *queue;
    struct bf_group group;
    bool grouped;
    bool subscribed;
    bool connected;
    char reason[200];   /* the last words about a broker that cannot be reached */
    int64_t trouble_us; /* when Kafka, or the membership, was last seen to be away; monotonic, 0: never */
    char member[128];   /* this member's id as of the last assignment; "": none */
    char names[BF_TOPIC_COUNT][BF__TOPIC_NAME_MAX];
    rd_kafka_topic_t *topics[BF_TOPIC_COUNT]; /* held, so that a record's topic is found by its pointer */
    struct bf__partition partitions[BF_TOPIC_COUNT][BF_PARTITIONS_MAX];
    size_t must_seek; /* how many partitions have it set */

    rd_kafka_message_t *batch[BF__BATCH];
    size_t at, filled;
    size_t taken_bytes, taken_records; /* since librdkafka's threads were woken */
    bool filling;      /* inside librdkafka's batch call */
    bool rebalanced;   /* ... during which the assignment changed */
    bool failed;       /* `failure` is what every later poll returns */
    struct bf_err failure;

    /* what the group's callbacks get; too large for the stack */
    enum bf_topic call_topics[BF_TOPIC_COUNT * BF_PARTITIONS_MAX];
    int32_t call_partitions[BF_TOPIC_COUNT * BF_PARTITIONS_MAX];
    int64_t call_offsets[BF_TOPIC_COUNT * BF_PARTITIONS_MAX];
};

/* False for a topic that is none of belfry's. */
bool bf__consumer_topic(const struct bf_consumer *consumer, const char *name, enum bf_topic *topic);
/* The handle of a topic, made at first use; NULL where librdkafka refuses. */
rd_kafka_topic_t *bf__consumer_handle(struct bf_consumer *consumer, enum bf_topic topic);
/* Throws away what was read ahead of one partition. */
void bf__consumer_purge(struct bf_consumer *consumer, enum bf_topic topic, int32_t partition);

/* Begins a partition's life: poll hands out from `offset` on. */
void bf__consumer_begin(struct bf_consumer *consumer, enum bf_topic topic, int32_t partition, int64_t offset);
/* Ends all partitions; where a group is told, `revoked` is called for them. */
void bf__consumer_end_all(struct bf_consumer *consumer, bool lost);
void bf__consumer_must_seek(struct bf_consumer *consumer, struct bf__partition *partition);
/* Seeks where must_seek is set. What cannot be done yet stays set and is tried again by the next poll. */
void bf__consumer_resync(struct bf_consumer *consumer);

/* Every later poll returns this. */
void bf__consumer_fail(struct bf_consumer *consumer, enum bf_status status, const char *message,
                       const char *detail);
/* This member's name is another's now. PEER where Kafka was away shortly before: then it is most likely our
 * own request, sent twice, that has taken our place, and joining anew helps. Else somebody lives under it. */
void bf__consumer_fenced(struct bf_consumer *consumer, const char *detail);
void bf__consumer_note_trouble(struct bf_consumer *consumer);
/* False where librdkafka has left the group, or is another member by now, since the last assignment. */
bool bf__group_is_member(struct bf_consumer *consumer);
/* True where the code means that this member is no longer the one of its name. */
bool bf__consumer_is_fenced(rd_kafka_resp_err_t code);

void bf__group_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *list,
                         void *opaque);

#endif
