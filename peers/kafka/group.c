/* group.c: membership: what a member is told, and in which order.
 *
 * The coordinator refuses a lost membership but never a lost partition, so belfry counts on nothing but its
 * own rule: every assignment begins anew, and before anything else happens every revoke (lost or not), every
 * assignment that comes without one, and every fatal error ends all that was assigned. A fenced static
 * member is not told at all; its fatal error is the message. */
#include "peers/kafka/consumer_state.h"

#include <assert.h>
#include <stdio.h>

#include "core/log.h"

void bf__consumer_begin(struct bf_consumer *consumer, enum bf_topic topic, int32_t partition, int64_t offset)
{
    assert(partition >= 0 && partition < BF_PARTITIONS_MAX);
    (void)bf__consumer_handle(consumer, topic);
    consumer->partitions[topic][partition] = (struct bf__partition){.assigned = true, .next = offset};
}

static rd_kafka_topic_partition_list_t *paused_list(struct bf_consumer *consumer)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(4);
    for (int topic = 0; topic < BF_TOPIC_COUNT; topic++) {
        for (int32_t i = 0; i < BF_PARTITIONS_MAX; i++) {
            if (consumer->partitions[topic][i].paused) {
                (void)rd_kafka_topic_partition_list_add(list, consumer->names[topic], i);
            }
        }
    }
    return list;
}

void bf__consumer_end_all(struct bf_consumer *consumer, bool lost)
{
    /* librdkafka remembers a pause beyond the assignment; the next owner of the partition may be we. */
    rd_kafka_topic_partition_list_t *paused = paused_list(consumer);
    if (paused->cnt > 0) {
        (void)rd_kafka_resume_partitions(consumer->rk, paused);
    }
    rd_kafka_topic_partition_list_destroy(paused);

    size_t count = 0;
    for (int topic = 0; topic < BF_TOPIC_COUNT; topic++) {
        for (int32_t i = 0; i < BF_PARTITIONS_MAX; i++) {
            if (consumer->partitions[topic][i].assigned) {
                consumer->call_topics[count] = (enum bf_topic)topic;
                consumer->call_partitions[count++] = i;
            }
            consumer->partitions[topic][i] = (struct bf__partition){.assigned = false};
        }
    }
    consumer->must_seek = 0;
    if (!consumer->filling) {
        while (consumer->at < consumer->filled) {
            rd_kafka_message_destroy(consumer->batch[consumer->at++]);
        }
    }
    if (consumer->grouped && count > 0) {
        consumer->group.revoked(consumer->group.context, consumer->call_topics, consumer->call_partitions,
                                count, lost);
    }
}

static enum bf_status ask_positions(struct bf_consumer *consumer, rd_kafka_topic_partition_list_t *list,
                                    struct bf_err *err)
{
    size_t count = 0;
    for (int i = 0; i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *its = &list->elems[i];
        if (!bf__consumer_topic(consumer, its->topic, &consumer->call_topics[count]) ||
            its->partition >= BF_PARTITIONS_MAX) {
            return bf_err_set(err, BF_CONFIG, "the group assigned %s [%d], which is none of belfry's",
                              its->topic, (int)its->partition);
        }
        consumer->call_partitions[count] = its->partition;
        consumer->call_offsets[count++] = RD_KAFKA_OFFSET_INVALID;
    }
    enum bf_status status =
        consumer->group.assigned(consumer->group.context, consumer->call_topics, consumer->call_partitions,
                                 consumer->call_offsets, count, err);
    for (size_t i = 0; status == BF_OK && i < count; i++) {
        assert(consumer->call_offsets[i] != RD_KAFKA_OFFSET_INVALID);
        list->elems[i].offset = consumer->call_offsets[i];
        bf__consumer_begin(consumer, consumer->call_topics[i], consumer->call_partitions[i],
                           consumer->call_offsets[i]);
    }
    return status;
}

static void note_member(struct bf_consumer *consumer)
{
    char *id = rd_kafka_memberid(consumer->rk);
    (void)snprintf(consumer->member, sizeof consumer->member, "%s", id ? id : "");
    if (id) {
        rd_kafka_mem_free(consumer->rk, id);
    }
}

/* A commit of a member that has left would go out as one of nobody: Kafka accepts it while the group is
 * empty, and else fences the name for good, the member that is about to come back included. */
bool bf__group_is_member(struct bf_consumer *consumer)
{
    char *id = rd_kafka_memberid(consumer->rk);
    bool same = id && id[0] && strncmp(id, consumer->member, sizeof consumer->member - 1) == 0;
    if (id) {
        rd_kafka_mem_free(consumer->rk, id);
    }
    return same && !rd_kafka_assignment_lost(consumer->rk);
}

static void assign(struct bf_consumer *consumer, rd_kafka_topic_partition_list_t *list)
{
    struct bf_err err = {.status = BF_OK};
    note_member(consumer);
    bf__consumer_end_all(consumer, true); /* an assignment without a revoke: whatever was, is over */
    enum bf_status status = ask_positions(consumer, list, &err);
    if (status != BF_OK) {
        bf__consumer_fail(consumer, status, err.message, err.detail);
        (void)rd_kafka_assign(consumer->rk, NULL);
        return;
    }
    rd_kafka_resp_err_t code = rd_kafka_assign(consumer->rk, list);
    if (code) {
        bf__consumer_fail(consumer, BF_FATAL, "Kafka's assignment could not be taken",
                          rd_kafka_err2str(code));
    }
}

void bf__group_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *list,
                         void *opaque)
{
    struct bf_consumer *consumer = opaque;
    bool assigning = code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
    bool error = !assigning && code != RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS;
    bool lost = error || rd_kafka_assignment_lost(rk) != 0;
    bf_log(BF_LOG_INFO, assigning ? "kafka.assigned" : "kafka.revoked",
           "client=%s group=%s partitions=%d lost=%d", rd_kafka_name(rk), consumer->group.id,
           list ? list->cnt : 0, lost);
    consumer->rebalanced = true;
    if (lost) {
        bf__consumer_note_trouble(consumer);
    }
    if (assigning && !consumer->failed) {
        assign(consumer, list);
    } else {
        bf__consumer_end_all(consumer, lost);
        (void)rd_kafka_assign(rk, NULL);
    }
}

enum bf_status bf_consumer_subscribe(struct bf_consumer *consumer, const enum bf_topic *topics, size_t count,
                                     struct bf_err *err)
{
    assert(consumer->grouped);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
    for (size_t i = 0; i < count; i++) {
        (void)rd_kafka_topic_partition_list_add(list, consumer->names[topics[i]], RD_KAFKA_PARTITION_UA);
    }
    rd_kafka_resp_err_t code = rd_kafka_subscribe(consumer->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (code) {
        return bf_err_set(err, BF_FATAL, "could not join the Kafka group %s: %s", consumer->group.id,
                          rd_kafka_err2str(code));
    }
    consumer->subscribed = true;
    return BF_OK;
}
