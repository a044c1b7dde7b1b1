/* position.c: where a consumer reads, what its group has committed, and questions to the cluster.
 *
 * After a seek or a pause librdkafka's own idea of the position is not trusted: what was read ahead is thrown
 * away, and the partition is set, by an explicit seek, to the next offset that the caller has not had. */
#include "peers/kafka/consumer_state.h"

#include <assert.h>
#include <string.h>

#include "core/daemon.h"
#include "core/log.h"
#include "core/time.h"

#define METADATA_MAX 4096
#define TURN_MS 1500   /* of one question: a daemon that is told to stop waits no longer for an answer */
#define COMMIT_MS 8000 /* librdkafka's own calls for a commit have no bound */
#define SLICE_MS 100

void bf__consumer_must_seek(struct bf_consumer *consumer, struct bf__partition *partition)
{
    if (partition->assigned && !partition->paused && !partition->must_seek) { /* resume seeks anyway */
        partition->must_seek = true;
        consumer->must_seek++;
    }
}

static void sought(struct bf_consumer *consumer, const rd_kafka_topic_partition_t *its)
{
    enum bf_topic topic;
    if (!bf__consumer_topic(consumer, its->topic, &topic)) {
        return;
    }
    if (its->err) { /* most likely it has not begun to fetch */
        bf_log(BF_LOG_DEBUG, "kafka.seek.again", "topic=%s partition=%d reason=%s", its->topic,
               (int)its->partition, rd_kafka_err2str(its->err));
        return;
    }
    consumer->partitions[topic][its->partition].must_seek = false;
    consumer->must_seek--;
}

void bf__consumer_resync(struct bf_consumer *consumer)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(8);
    for (int topic = 0; topic < BF_TOPIC_COUNT; topic++) {
        for (int32_t i = 0; i < BF_PARTITIONS_MAX; i++) {
            const struct bf__partition *partition = &consumer->partitions[topic][i];
            if (partition->must_seek) {
                rd_kafka_topic_partition_list_add(list, consumer->names[topic], i)->offset = partition->next;
            }
        }
    }
    if (list->cnt > 0) {
        rd_kafka_error_t *error = rd_kafka_seek_partitions(consumer->rk, list, 1000);
        if (error) {
            bf_log(BF_LOG_DEBUG, "kafka.seek.again", "reason=%s", rd_kafka_error_string(error));
            rd_kafka_error_destroy(error);
        } else {
            for (int i = 0; i < list->cnt; i++) {
                sought(consumer, &list->elems[i]);
            }
        }
    }
    rd_kafka_topic_partition_list_destroy(list);
}

enum bf_status bf_consumer_assign(struct bf_consumer *consumer, const struct bf_position *positions,
                                  size_t count, struct bf_err *err)
{
    assert(!consumer->grouped);
    bf__consumer_end_all(consumer, false);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
    for (size_t i = 0; i < count; i++) {
        const struct bf_position *its = &positions[i];
        bf__consumer_begin(consumer, its->topic, its->partition, its->offset);
        rd_kafka_topic_partition_list_add(list, consumer->names[its->topic], its->partition)->offset =
            its->offset;
    }
    rd_kafka_resp_err_t code = rd_kafka_assign(consumer->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (code) {
        return bf_err_set(err, BF_FATAL, "could not assign Kafka partitions: %s", rd_kafka_err2str(code));
    }
    return BF_OK;
}

static struct bf__partition *assigned_partition(struct bf_consumer *consumer, enum bf_topic topic,
                                                int32_t number)
{
    if (number < 0 || number >= BF_PARTITIONS_MAX || !consumer->partitions[topic][number].assigned) {
        return NULL;
    }
    return &consumer->partitions[topic][number];
}

enum bf_status bf_consumer_seek(struct bf_consumer *consumer, const struct bf_position *position,
                                struct bf_err *err)
{
    struct bf__partition *its = assigned_partition(consumer, position->topic, position->partition);
    if (!its) {
        return bf_err_set(err, BF_AGAIN, "%s [%d] is not assigned", consumer->names[position->topic],
                          (int)position->partition);
    }
    bf__consumer_purge(consumer, position->topic, position->partition);
    its->next = position->offset;
    bf__consumer_must_seek(consumer, its);
    bf__consumer_resync(consumer);
    return BF_OK;
}

enum bf_status bf_consumer_pause(struct bf_consumer *consumer, enum bf_topic topic, int32_t partition,
                                 bool pause, struct bf_err *err)
{
    struct bf__partition *its = assigned_partition(consumer, topic, partition);
    if (!its || its->paused == pause) {
        return its ? BF_OK
                   : bf_err_set(err, BF_AGAIN, "%s [%d] is not assigned", consumer->names[topic],
                                (int)partition);
    }
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    (void)rd_kafka_topic_partition_list_add(list, consumer->names[topic], partition);
    rd_kafka_resp_err_t code = pause ? rd_kafka_pause_partitions(consumer->rk, list)
                                     : rd_kafka_resume_partitions(consumer->rk, list);
    code = code ? code : list->elems[0].err;
    rd_kafka_topic_partition_list_destroy(list);
    if (code) {
        return bf_err_set(err, BF_PEER, "could not %s %s [%d]: %s", pause ? "pause" : "resume",
                          consumer->names[topic], (int)partition, rd_kafka_err2str(code));
    }
    its->paused = pause;
    consumer->must_seek -= its->must_seek;
    its->must_seek = false;
    bf__consumer_purge(consumer, topic, partition);
    if (!pause) {
        bf__consumer_must_seek(consumer, its);
        bf__consumer_resync(consumer);
    }
    return BF_OK;
}

/* Whether a question that got no answer is asked once more. */
static bool ask_again(rd_kafka_resp_err_t code, int64_t until_us)
{
    bool unanswered = code == RD_KAFKA_RESP_ERR__TIMED_OUT || code == RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE;
    return unanswered && !bf_daemon_stopping() && bf_time_monotonic_us() < until_us;
}

static int64_t call_end_us(void)
{
    return bf_time_monotonic_us() + BF__CALL_MS * BF_US_PER_MS;
}

/* Sends it, and waits for the answer in this thread (which counts as a poll). */
static rd_kafka_resp_err_t commit_and_wait(rd_kafka_t *rk, const rd_kafka_topic_partition_list_t *list)
{
    int64_t began_us = bf_time_monotonic_us(), waited_us = 0;
    rd_kafka_queue_t *answers = rd_kafka_queue_new(rk);
    rd_kafka_resp_err_t code = rd_kafka_commit_queue(rk, list, answers, NULL, NULL);
    rd_kafka_event_t *event = NULL;
    while (!code && !event && waited_us < (bf_daemon_stopping() ? TURN_MS : COMMIT_MS) * BF_US_PER_MS) {
        event = rd_kafka_queue_poll(answers, SLICE_MS);
        waited_us = bf_time_monotonic_us() - began_us;
    }
    if (event) {
        code = rd_kafka_event_error(event);
        rd_kafka_event_destroy(event);
    } else if (!code) {
        code = RD_KAFKA_RESP_ERR__TIMED_OUT;
    }
    rd_kafka_queue_destroy(answers);
    return code;
}

static bool commit_refused(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID || code == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION ||
           code == RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS || code == RD_KAFKA_RESP_ERR__FATAL ||
           bf__consumer_is_fenced(code);
}

enum bf_commit bf_consumer_commit(struct bf_consumer *consumer, const struct bf_position *position,
                                  const char *metadata, struct bf_err *err)
{
    size_t len = strlen(metadata);
    assert(position->offset >= 0 && len <= METADATA_MAX);
    for (size_t i = 0; i < len; i++) {
        assert((unsigned char)metadata[i] < 0x80);
    }
    if (consumer->grouped && !bf__group_is_member(consumer)) {
        bf__consumer_note_trouble(consumer);
        (void)bf_err_set(err, BF_AGAIN, "%s [%d] is not committed: the membership was lost",
                         consumer->names[position->topic], (int)position->partition);
        return BF_COMMIT_REFUSED;
    }
    char copy[METADATA_MAX + 1]; /* librdkafka wants it writable, and frees what a list holds */
    memcpy(copy, metadata, len + 1);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *its =
        rd_kafka_topic_partition_list_add(list, consumer->names[position->topic], position->partition);
    its->offset = position->offset;
    its->metadata = copy;
    its->metadata_size = len;
    rd_kafka_resp_err_t code = commit_and_wait(consumer->rk, list);
    its->metadata = NULL;
    its->metadata_size = 0;
    rd_kafka_topic_partition_list_destroy(list);
    if (!code) {
        return BF_COMMIT_DONE;
    }
    bool refused = commit_refused(code);
    (void)bf_err_set(err, refused ? BF_AGAIN : BF_PEER, "Kafka %s the commit of %s [%d]: %s",
                     refused ? "refused" : "did not confirm", consumer->names[position->topic],
                     (int)position->partition, rd_kafka_err2str(code));
    return refused ? BF_COMMIT_REFUSED : BF_COMMIT_UNKNOWN;
}

enum bf_status bf_consumer_committed(struct bf_consumer *consumer, enum bf_topic topic, int32_t partition,
                                     int64_t *offset, char *metadata, size_t size, struct bf_err *err)
{
    assert(size > METADATA_MAX);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *its =
        rd_kafka_topic_partition_list_add(list, consumer->names[topic], partition);
    int64_t until_us = call_end_us();
    rd_kafka_resp_err_t code;
    do {
        code = rd_kafka_committed(consumer->rk, list, TURN_MS);
        code = code ? code : its->err;
    } while (ask_again(code, until_us));
    enum bf_status status = BF_OK;
    if (code) {
        status = bf_err_set(err, BF_PEER, "could not read what is committed for %s [%d]: %s",
                            consumer->names[topic], (int)partition, rd_kafka_err2str(code));
    } else if (its->metadata_size > METADATA_MAX) {
        status = bf_err_set(err, BF_FATAL, "the commit of %s [%d] carries %zu bytes that are not belfry's",
                            consumer->names[topic], (int)partition, its->metadata_size);
    } else {
        *offset = its->offset >= 0 ? its->offset : -1;
        memcpy(metadata, its->metadata_size ? its->metadata : "", its->metadata_size);
        metadata[its->metadata_size] = '\0';
    }
    rd_kafka_topic_partition_list_destroy(list);
    return status;
}

/* Not rd_kafka_query_watermark_offsets: with 2.0.2 it does not keep to its time-out when the broker goes away
 * meanwhile. This one takes BEGINNING and END for a time, as Kafka's ListOffsets does. */
static rd_kafka_resp_err_t query(const struct bf_consumer *consumer, enum bf_topic topic, int32_t partition,
                                 int64_t which, int64_t *offset)
{
    int64_t until_us = call_end_us();
    rd_kafka_resp_err_t code;
    do {
        rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
        rd_kafka_topic_partition_list_add(list, consumer->names[topic], partition)->offset = which;
        code = rd_kafka_offsets_for_times(consumer->rk, list, TURN_MS);
        code = code ? code : list->elems[0].err;
        *offset = list->elems[0].offset;
        rd_kafka_topic_partition_list_destroy(list);
    } while (ask_again(code, until_us));
    return code;
}

enum bf_status bf_consumer_range(struct bf_consumer *consumer, enum bf_topic topic, int32_t partition,
                                 int64_t *begin, int64_t *end, struct bf_err *err)
{
    rd_kafka_resp_err_t code = query(consumer, topic, partition, RD_KAFKA_OFFSET_BEGINNING, begin);
    code = code ? code : query(consumer, topic, partition, RD_KAFKA_OFFSET_END, end);
    if (code) {
        return bf_err_set(err, BF_PEER, "could not read the ends of %s [%d]: %s", consumer->names[topic],
                          (int)partition, rd_kafka_err2str(code));
    }
    return BF_OK;
}

enum bf_status bf_consumer_partitions(struct bf_consumer *consumer, enum bf_topic topic, int32_t *count,
                                      struct bf_err *err)
{
    /* All topics, not this one: asking for a topic by name makes some clusters create it. */
    const struct rd_kafka_metadata *metadata;
    int64_t until_us = call_end_us();
    rd_kafka_resp_err_t code;
    do {
        code = rd_kafka_metadata(consumer->rk, 1, NULL, &metadata, TURN_MS);
    } while (ask_again(code, until_us));
    if (code) {
        return bf_err_set(err, BF_PEER, "could not list Kafka's topics: %s", rd_kafka_err2str(code));
    }
    *count = 0;
    for (int i = 0; i < metadata->topic_cnt; i++) {
        if (strcmp(metadata->topics[i].topic, consumer->names[topic]) == 0) {
            *count = metadata->topics[i].partition_cnt;
        }
    }
    rd_kafka_metadata_destroy(metadata);
    if (*count == 0) {
        enum bf_status status = bf_err_set(err, BF_PEER, "Kafka has no topic %s", consumer->names[topic]);
        bf_err_hint(err, "Make belfry's topics with `belfry topics`.");
        return status;
    }
    return BF_OK;
}
