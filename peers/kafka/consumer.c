/* consumer.c: records from Kafka, one at a time for the caller, many at a time from librdkafka.
 *
 * rd_kafka_consumer_poll costs about 1 us a record, the batch call on the consumer's queue a third of it.
 * The batch call has edges in librdkafka 2.0.2 (offsets skipped around pause and seek, records of a revoked
 * partition left in the batch), so nothing is handed out on its word: every partition has the next offset
 * that may go out; seek, pause and rebalance throw away what was read ahead; and where librdkafka's own
 * position may be ahead of ours, the partition is set back with a seek before anything of it goes out.
 * An empty queue is waited for in rd_kafka_consumer_poll, since the batch call waits for a full batch. */
#include "peers/kafka/consumer_state.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "core/time.h"

#define NUDGE_BYTES ((size_t)1 << 20) /* a quarter of the queue, as make_handle sets it */
#define NUDGE_RECORDS 25000
#define FORGIVEN_SESSIONS 3 /* for so long after an outage being fenced is put down to it */

/* What this handle cannot survive. */
static void give_up(struct bf_consumer *consumer, const char *reason)
{
    char why[256];
    rd_kafka_resp_err_t fatal = rd_kafka_fatal_error(consumer->rk, why, sizeof why);
    if (bf__consumer_is_fenced(fatal) || !fatal) {
        bf__consumer_fenced(consumer, fatal ? why : reason);
    } else {
        bf__consumer_fail(consumer, BF_FATAL, "the Kafka consumer has failed", why);
    }
}

static void trouble(rd_kafka_t *rk, int code, const char *reason, void *opaque)
{
    struct bf_consumer *consumer = opaque;
    bf__consumer_note_trouble(consumer);
    if (code == RD_KAFKA_RESP_ERR__FATAL || bf__consumer_is_fenced((rd_kafka_resp_err_t)code)) {
        give_up(consumer, reason);
    } else if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
        consumer->connected = false;
        bf_log(BF_LOG_WARN, "kafka.away", "client=%s reason=%s", rd_kafka_name(rk), reason);
    } else {
        (void)snprintf(consumer->reason, sizeof consumer->reason, "%s", reason);
    }
}

static enum bf_status make_handle(struct bf_consumer *consumer, const struct bf_kafka_options *options,
                                  bool eof, struct bf_err *err)
{
    char session[16];
    const struct bf_group *group = &consumer->group;
    snprintf(session, sizeof session, "%u", (unsigned)(group->session_ms ? group->session_ms : 6000));
    static const struct bf_property defaults[] = {
        /* What is read ahead lies decompressed in memory; the whole process has 120 MB. The bound is in
         * bytes: a full queue is looked at again only after a pause, so a bound in records would starve. */
        {.name = "queued.min.messages", .value = "100000"},
        {.name = "queued.max.messages.kbytes", .value = "4096"},
        {.name = "fetch.max.bytes", .value = "1048576"},
        {.name = "max.partition.fetch.bytes", .value = "131072"},
        /* A real broker answers when something comes; the embedded one sits the whole time out. */
        {.name = "fetch.wait.max.ms", .value = "20"},
#if RD_KAFKA_VERSION >= 0x02020000
        {.name = "fetch.queue.backoff.ms", .value = "5"}, /* before 2.2 it is a second; see nudge */
#endif
        {.name = "fetch.error.backoff.ms", .value = "100"},
        {.name = "heartbeat.interval.ms", .value = "1000"},
        {.name = NULL},
    };
    struct bf_property owned[16] = {
        {.name = "group.id", .value = consumer->grouped ? group->id : "belfry-reader"},
        {.name = "session.timeout.ms", .value = session},
        {.name = "partition.assignment.strategy", .value = "range"},
        {.name = "enable.auto.commit", .value = "false"},
        {.name = "enable.auto.offset.store", .value = "false"},
        {.name = "auto.offset.reset", .value = "error"},
        {.name = "isolation.level", .value = "read_uncommitted"},
        {.name = "enable.partition.eof", .value = eof ? "true" : "false"},
        {.name = NULL},
    };
    if (group->instance_id) {
        owned[8] = (struct bf_property){.name = "group.instance.id", .value = group->instance_id};
    }
    rd_kafka_conf_t *conf;
    enum bf_status status = bf__kafka_conf(options, defaults, owned, &conf, err);
    if (status != BF_OK) {
        return status;
    }
    rd_kafka_conf_set_opaque(conf, consumer);
    rd_kafka_conf_set_error_cb(conf, trouble);
    if (consumer->grouped) {
        rd_kafka_conf_set_rebalance_cb(conf, bf__group_rebalance);
    }
    return bf__kafka_new(RD_KAFKA_CONSUMER, conf, &consumer->rk, err);
}

enum bf_status bf_consumer_create(const struct bf_kafka_options *options, const struct bf_group *group,
                                  bool eof, struct bf_consumer **consumer, struct bf_err *err)
{
    struct bf_consumer *made = calloc(1, sizeof *made);
    if (!made) {
        return bf_err_set(err, BF_LIMIT, "out of memory for a Kafka consumer");
    }
    made->connected = true;
    if (group) {
        assert(group->id && group->assigned && group->revoked);
        made->group = *group;
        made->grouped = true;
    }
    enum bf_status status = make_handle(made, options, eof, err);
    if (status != BF_OK) {
        free(made);
        return status;
    }
    for (int topic = 0; topic < BF_TOPIC_COUNT; topic++) {
        bf_topic_name(options, (enum bf_topic)topic, made->names[topic], sizeof made->names[topic]);
    }
    (void)rd_kafka_poll_set_consumer(made->rk);
    made->queue = rd_kafka_queue_get_consumer(made->rk);
    *consumer = made;
    return BF_OK;
}

static void purge_all(struct bf_consumer *consumer)
{
    while (consumer->at < consumer->filled) {
        rd_kafka_message_destroy(consumer->batch[consumer->at++]);
    }
}

/* librdkafka 2.0.2 can hang or crash in close (fixed in 2.3 and 2.4), so only a dynamic member, which has
 * a group to leave, takes that way; a static one would not tell the group anyway. */
void bf_consumer_destroy(struct bf_consumer *consumer)
{
    if (!consumer) {
        return;
    }
    purge_all(consumer);
    bool leaves = consumer->subscribed && !consumer->group.instance_id && !consumer->failed;
    if (leaves) {
        (void)rd_kafka_consumer_close(consumer->rk); /* calls revoked */
    }
    bf__consumer_end_all(consumer, false);
    rd_kafka_queue_destroy(consumer->queue);
    for (int topic = 0; topic < BF_TOPIC_COUNT; topic++) {
        if (consumer->topics[topic]) {
            rd_kafka_topic_destroy(consumer->topics[topic]);
        }
    }
    if (bf__kafka_destroy(consumer->rk, leaves ? 0 : RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE)) {
        free(consumer);
    }
}

bool bf_consumer_connected(const struct bf_consumer *consumer)
{
    return consumer->connected;
}

const char *bf_consumer_reason(const struct bf_consumer *consumer)
{
    return consumer->reason;
}

enum bf_status bf_consumer_reach(struct bf_consumer *consumer, int timeout_ms, struct bf_err *err)
{
    assert(!consumer->grouped);
    const struct rd_kafka_metadata *metadata;
    rd_kafka_resp_err_t code = rd_kafka_metadata(consumer->rk, 0, NULL, &metadata, timeout_ms);
    if (!code) {
        rd_kafka_metadata_destroy(metadata);
        return BF_OK;
    }
    rd_kafka_message_t *event = rd_kafka_consumer_poll(consumer->rk, 0); /* serves `trouble` */
    if (event) {
        rd_kafka_message_destroy(event);
    }
    enum bf_status status = bf_err_set(err, BF_PEER, "Kafka cannot be reached");
    bf_err_detail(err, "%s", consumer->reason[0] ? consumer->reason : rd_kafka_err2str(code));
    return status;
}

void bf__consumer_note_trouble(struct bf_consumer *consumer)
{
    consumer->trouble_us = bf_time_monotonic_us();
}

void bf__consumer_fenced(struct bf_consumer *consumer, const char *detail)
{
    int64_t session_us = (consumer->group.session_ms ? consumer->group.session_ms : 6000) * BF_US_PER_MS;
    bool away = consumer->trouble_us > 0 &&
                bf_time_monotonic_us() - consumer->trouble_us < FORGIVEN_SESSIONS * session_us;
    if (consumer->failed) {
        return;
    }
    bf__consumer_fail(consumer, away ? BF_PEER : BF_FATAL,
                      away ? "the membership of the Kafka group was lost"
                           : "another process has joined the Kafka group under the same id",
                      detail);
    bf_err_hint(&consumer->failure, "each process needs an id of its own");
}

bool bf__consumer_is_fenced(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID || code == RD_KAFKA_RESP_ERR__FENCED;
}

void bf__consumer_fail(struct bf_consumer *consumer, enum bf_status status, const char *message,
                       const char *detail)
{
    if (!consumer->failed) {
        consumer->failed = true;
        (void)bf_err_set(&consumer->failure, status, "%s", message);
        bf_err_detail(&consumer->failure, "%s", detail);
    }
}

bool bf__consumer_topic(const struct bf_consumer *consumer, const char *name, enum bf_topic *topic)
{
    for (int i = 0; i < BF_TOPIC_COUNT; i++) {
        if (strcmp(consumer->names[i], name) == 0) {
            *topic = (enum bf_topic)i;
            return true;
        }
    }
    return false;
}

rd_kafka_topic_t *bf__consumer_handle(struct bf_consumer *consumer, enum bf_topic topic)
{
    if (!consumer->topics[topic]) {
        consumer->topics[topic] = rd_kafka_topic_new(consumer->rk, consumer->names[topic], NULL);
    }
    return consumer->topics[topic];
}

static bool topic_of(const struct bf_consumer *consumer, const rd_kafka_message_t *message,
                     enum bf_topic *topic)
{
    if (!message->rkt) {
        return false;
    }
    for (int i = 0; i < BF_TOPIC_COUNT; i++) {
        if (consumer->topics[i] == message->rkt) {
            *topic = (enum bf_topic)i;
            return true;
        }
    }
    return bf__consumer_topic(consumer, rd_kafka_topic_name(message->rkt), topic);
}

void bf__consumer_purge(struct bf_consumer *consumer, enum bf_topic topic, int32_t partition)
{
    size_t kept = consumer->at;
    for (size_t i = consumer->at; i < consumer->filled; i++) {
        rd_kafka_message_t *message = consumer->batch[i];
        enum bf_topic its;
        if (topic_of(consumer, message, &its) && its == topic && message->partition == partition) {
            rd_kafka_message_destroy(message);
        } else {
            consumer->batch[kept++] = message;
        }
    }
    consumer->filled = kept;
}

/* An event that is neither a record nor the end of a partition. AGAIN: of no consequence here. */
static enum bf_status take_event(struct bf_consumer *consumer, const rd_kafka_message_t *message)
{
    rd_kafka_resp_err_t code = message->err;
    if (code == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET || code == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE) {
        char detail[300];
        snprintf(detail, sizeof detail, "%s [%d]: %s",
                 message->rkt ? rd_kafka_topic_name(message->rkt) : "?", (int)message->partition,
                 rd_kafka_message_errstr(message));
        bf__consumer_fail(consumer, BF_FATAL, "the position lies outside Kafka's log", detail);
    } else if (code == RD_KAFKA_RESP_ERR__FATAL || bf__consumer_is_fenced(code)) {
        give_up(consumer, rd_kafka_message_errstr(message));
    } else {
        bf_log(BF_LOG_WARN, "kafka.consumer.event", "reason=%s", rd_kafka_message_errstr(message));
    }
    return BF_AGAIN;
}

/* OK where the message goes out. Takes the message otherwise. */
static enum bf_status take(struct bf_consumer *consumer, rd_kafka_message_t *message,
                           struct bf_incoming *incoming)
{
    bool eof = message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
    enum bf_topic topic;
    if (message->err && !eof) {
        (void)take_event(consumer, message);
        rd_kafka_message_destroy(message);
        return BF_AGAIN;
    }
    struct bf__partition *partition = NULL;
    if (topic_of(consumer, message, &topic) && message->partition < BF_PARTITIONS_MAX) {
        partition = &consumer->partitions[topic][message->partition];
    }
    if (!partition || !partition->assigned || partition->paused || partition->must_seek ||
        (!eof && partition->next >= 0 && message->offset < partition->next)) {
        rd_kafka_message_destroy(message);
        return BF_AGAIN;
    }
    if (!eof) {
        partition->next = message->offset + 1;
    }
    *incoming = (struct bf_incoming){
        .topic = topic, .partition = message->partition, .offset = message->offset, .eof = eof,
        .handle = message,
    };
    if (!eof) {
        rd_kafka_timestamp_type_t kind;
        incoming->appended_ms = rd_kafka_message_timestamp(message, &kind);
        incoming->key = (struct bf_slice){message->key, message->key_len};
        incoming->value = (struct bf_slice){message->payload, message->len};
        incoming->has_key = message->key != NULL;
        incoming->tombstone = message->payload == NULL;
    }
    consumer->connected = true;
    return BF_OK;
}

/* What was read before a rebalance cannot be told from what was read after it, so all of it goes; a
 * partition that is ours (still or again) and lost something so is set back. */
static void drop_mixed_batch(struct bf_consumer *consumer)
{
    for (; consumer->at < consumer->filled; consumer->at++) {
        rd_kafka_message_t *message = consumer->batch[consumer->at];
        enum bf_topic topic;
        if (message->err && message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            (void)take_event(consumer, message);
        } else if (topic_of(consumer, message, &topic) && message->partition < BF_PARTITIONS_MAX) {
            bf__consumer_must_seek(consumer, &consumer->partitions[topic][message->partition]);
        }
        rd_kafka_message_destroy(message);
    }
}

/* Before 2.2, librdkafka's thread for a broker sleeps for up to a second when the local queue was full, and
 * nothing wakes it when we have emptied the queue: 60,000 records in a tenth of a second, then none. Any
 * request to that broker wakes it; this one is small, asks every leader of what is assigned, and is not
 * waited for. Sent each time that a quarter of the queue was taken, it comes before the queue is empty. */
static void nudge(struct bf_consumer *consumer)
{
    rd_kafka_topic_partition_list_t *list;
    consumer->taken_bytes = 0;
    consumer->taken_records = 0;
    if (RD_KAFKA_VERSION >= 0x02020000 || rd_kafka_assignment(consumer->rk, &list)) {
        return;
    }
    for (int i = 0; i < list->cnt; i++) {
        list->elems[i].offset = RD_KAFKA_OFFSET_END;
    }
    (void)rd_kafka_offsets_for_times(consumer->rk, list, 0);
    rd_kafka_topic_partition_list_destroy(list);
}

static bool refill(struct bf_consumer *consumer)
{
    consumer->at = 0;
    consumer->filled = 0;
    consumer->filling = true;
    consumer->rebalanced = false;
    ssize_t count = rd_kafka_consume_batch_queue(consumer->queue, 0, consumer->batch, BF__BATCH);
    consumer->filling = false;
    consumer->filled = count > 0 ? (size_t)count : 0;
    bool some = consumer->filled > 0;
    consumer->taken_records += consumer->filled;
    for (size_t i = 0; i < consumer->filled; i++) {
        consumer->taken_bytes += consumer->batch[i]->len;
    }
    if (consumer->taken_bytes >= NUDGE_BYTES || consumer->taken_records >= NUDGE_RECORDS) {
        nudge(consumer);
    }
    if (consumer->rebalanced) {
        drop_mixed_batch(consumer);
    }
    return some;
}

static enum bf_status failed(struct bf_consumer *consumer, struct bf_err *err)
{
    purge_all(consumer);
    bf__consumer_end_all(consumer, true);
    if (err) {
        *err = consumer->failure;
    }
    return consumer->failure.status;
}

enum bf_status bf_consumer_poll(struct bf_consumer *consumer, int timeout_ms, struct bf_incoming *incoming,
                                struct bf_err *err)
{
    bool waited = false;
    for (;;) {
        if (consumer->failed) {
            return failed(consumer, err);
        }
        if (consumer->must_seek > 0) {
            bf__consumer_resync(consumer);
        }
        while (consumer->at < consumer->filled) {
            if (take(consumer, consumer->batch[consumer->at++], incoming) == BF_OK) {
                return BF_OK;
            }
        }
        if (refill(consumer)) {
            continue;
        }
        if (waited || consumer->failed) {
            return consumer->failed ? failed(consumer, err) : BF_AGAIN;
        }
        rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer->rk, timeout_ms);
        waited = true;
        if (message && take(consumer, message, incoming) == BF_OK) {
            return BF_OK;
        }
    }
}

void bf_incoming_release(struct bf_incoming *incoming)
{
    rd_kafka_message_destroy(incoming->handle);
    incoming->handle = NULL;
}

struct bf_slice bf_incoming_header(const struct bf_incoming *incoming, const char *name)
{
    rd_kafka_headers_t *headers;
    const void *value;
    size_t size;
    if (rd_kafka_message_headers(incoming->handle, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR &&
        rd_kafka_header_get_last(headers, name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR && value) {
        return (struct bf_slice){value, size};
    }
    return (struct bf_slice){NULL, 0};
}

bool bf_incoming_type(const struct bf_incoming *incoming, enum bf_record_type *type)
{
    struct bf_slice text = bf_incoming_header(incoming, "bf-type");
    return text.len > 0 && bf_record_parse_name(text, type);
}
