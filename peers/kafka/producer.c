/* producer.c: the one way into Kafka.
 *
 * A record gets its number and its place in librdkafka's queue under one lock, so that numbers, and with
 * them the watermark, follow the order in which each partition takes the records. Delivery reports are
 * served by whoever polls; one thread at a time leads, the others wait for it, so that two waiting threads
 * do not take each other's wake-ups.
 * Declined: a queue of our own before librdkafka's (two bounds to tune, one more place to lose from), and
 * a background thread for the reports (whoever waits for Kafka has nothing better to do than to poll). */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/log.h"
#include "core/time.h"
#include "core/wire.h"
#include "peers/kafka/client.h"
#include "peers/kafka/watermark.h"

struct bf_producer {
    rd_kafka_t *rk;
    char names[BF_TOPIC_COUNT][BF__TOPIC_NAME_MAX];
    rd_kafka_topic_t *topics[BF_TOPIC_COUNT]; /* made at first use, under send_lock */
    pthread_mutex_t send_lock;
    struct bf__watermark watermark;
    _Atomic uint64_t pending_bytes;

    pthread_mutex_t poll_lock;
    pthread_cond_t polled; /* the leader has served something, or has left */
    bool polling;

    pthread_mutex_t receipt_lock;
    struct bf_receipt *receipts;
    _Atomic int receipt_count;

    pthread_mutex_t failure_lock;
    char failure[256];
    _Atomic bool failed; /* set after `failure` is written, never cleared */
    _Atomic bool connected;
    _Atomic bool closing;
};

static void fail(struct bf_producer *producer, const char *what, const char *why)
{
    pthread_mutex_lock(&producer->failure_lock);
    if (!atomic_load(&producer->failed)) {
        snprintf(producer->failure, sizeof producer->failure, "%s: %s", what, why);
        atomic_store(&producer->failed, true);
        bf_log(BF_LOG_ERROR, "kafka.producer.failed", "reason=%s", producer->failure);
    }
    pthread_mutex_unlock(&producer->failure_lock);
}

static enum bf_status failure(const struct bf_producer *producer, struct bf_err *err)
{
    enum bf_status status = bf_err_set(err, BF_FATAL, "Kafka did not take a record");
    bf_err_detail(err, "%s", producer->failure);
    return status;
}

static void delivered(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
    (void)rk;
    struct bf_producer *producer = opaque;
    uint64_t sequence = (uint64_t)(uintptr_t)message->_private;
    if (message->err) {
        if (!atomic_load_explicit(&producer->closing, memory_order_relaxed)) {
            fail(producer, rd_kafka_topic_name(message->rkt), rd_kafka_err2str(message->err));
        }
        return;
    }
    if (atomic_load_explicit(&producer->receipt_count, memory_order_acquire)) {
        pthread_mutex_lock(&producer->receipt_lock);
        for (struct bf_receipt *receipt = producer->receipts; receipt; receipt = receipt->next) {
            if (receipt->sequence == sequence) {
                receipt->offset = message->offset;
            }
        }
        pthread_mutex_unlock(&producer->receipt_lock);
    }
    atomic_fetch_sub_explicit(&producer->pending_bytes, message->len + message->key_len,
                              memory_order_relaxed);
    atomic_store_explicit(&producer->connected, true, memory_order_relaxed);
    bf__watermark_ack(&producer->watermark, sequence);
}

static void trouble(rd_kafka_t *rk, int code, const char *reason, void *opaque)
{
    struct bf_producer *producer = opaque;
    if (code == RD_KAFKA_RESP_ERR__FATAL) {
        char why[200];
        (void)rd_kafka_fatal_error(rk, why, sizeof why);
        fail(producer, "fatal producer error", why);
    } else if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
        atomic_store(&producer->connected, false);
        bf_log(BF_LOG_WARN, "kafka.away", "client=%s reason=%s", rd_kafka_name(rk), reason);
    }
}

static enum bf_status make_handle(struct bf_producer *producer, const struct bf_kafka_options *options,
                                  uint32_t linger_ms, uint32_t max_queue, struct bf_err *err)
{
    char linger[16];
    char queue[16];
    snprintf(linger, sizeof linger, "%u", (unsigned)linger_ms);
    snprintf(queue, sizeof queue, "%u", (unsigned)max_queue);
    const struct bf_property defaults[] = {
        {.name = "queue.buffering.max.ms", .value = linger},
        {.name = "queue.buffering.max.kbytes", .value = "16384"}, /* memory is bounded here */
        {.name = "compression.codec", .value = "lz4"},
        {.name = NULL},
    };
    const struct bf_property owned[] = {
        {.name = "enable.idempotence", .value = "true"},
        {.name = "acks", .value = "all"},
        {.name = "message.timeout.ms", .value = "0"},
        {.name = "queue.buffering.max.messages", .value = queue},
        {.name = NULL},
    };
    rd_kafka_conf_t *conf;
    enum bf_status status = bf__kafka_conf(options, defaults, owned, &conf, err);
    if (status != BF_OK) {
        return status;
    }
    rd_kafka_conf_set_opaque(conf, producer);
    rd_kafka_conf_set_dr_msg_cb(conf, delivered);
    rd_kafka_conf_set_error_cb(conf, trouble);
    return bf__kafka_new(RD_KAFKA_PRODUCER, conf, &producer->rk, err);
}

static void release(struct bf_producer *producer)
{
    bf__watermark_deinit(&producer->watermark);
    pthread_mutex_destroy(&producer->send_lock);
    pthread_mutex_destroy(&producer->poll_lock);
    pthread_mutex_destroy(&producer->receipt_lock);
    pthread_mutex_destroy(&producer->failure_lock);
    pthread_cond_destroy(&producer->polled);
    free(producer);
}

enum bf_status bf_producer_create(const struct bf_kafka_options *options, uint32_t linger_ms,
                                  uint32_t max_queue, struct bf_producer **producer, struct bf_err *err)
{
    assert(max_queue > 0);
    struct bf_producer *made = calloc(1, sizeof *made);
    if (!made) {
        return bf_err_set(err, BF_LIMIT, "out of memory for a Kafka producer");
    }
    /* Twice the queue: librdkafka frees a place when any record is acknowledged, the ring only when the
     * oldest is. Only a partition that stands alone for that long makes send wait. */
    bool ring = bf__watermark_init(&made->watermark, 2 * (uint64_t)max_queue);
    pthread_mutex_init(&made->send_lock, NULL);
    pthread_mutex_init(&made->poll_lock, NULL);
    pthread_mutex_init(&made->receipt_lock, NULL);
    pthread_mutex_init(&made->failure_lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&made->polled, &monotonic);
    pthread_condattr_destroy(&monotonic);
    atomic_store(&made->connected, true);
    enum bf_status status = ring ? make_handle(made, options, linger_ms, max_queue, err)
                                 : bf_err_set(err, BF_LIMIT, "out of memory for a Kafka producer");
    if (status != BF_OK) {
        release(made);
        return status;
    }
    for (int topic = 0; topic < BF_TOPIC_COUNT; topic++) {
        bf_topic_name(options, (enum bf_topic)topic, made->names[topic], sizeof made->names[topic]);
    }
    *producer = made;
    return BF_OK;
}

void bf_producer_destroy(struct bf_producer *producer, int timeout_ms)
{
    if (!producer) {
        return;
    }
    (void)rd_kafka_flush(producer->rk, timeout_ms);
    atomic_store(&producer->closing, true);
    if (rd_kafka_outq_len(producer->rk) > 0) {
        (void)rd_kafka_purge(producer->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        (void)rd_kafka_flush(producer->rk, 1000);
    }
    for (int topic = 0; topic < BF_TOPIC_COUNT; topic++) {
        if (producer->topics[topic]) {
            rd_kafka_topic_destroy(producer->topics[topic]);
        }
    }
    if (bf__kafka_destroy(producer->rk, 0)) {
        release(producer);
    }
}

static rd_kafka_headers_t *headers_of(const struct bf_outgoing *record)
{
    const char *type = bf_record_name(record->type);
    rd_kafka_headers_t *headers = rd_kafka_headers_new(3 + record->extra_count);
    (void)rd_kafka_header_add(headers, "bf-type", 7, type, (ssize_t)strlen(type));
    (void)rd_kafka_header_add(headers, "bf-schema", 9, BF_SCHEMA, (ssize_t)sizeof BF_SCHEMA - 1);
    if (record->origin.len > 0) {
        (void)rd_kafka_header_add(headers, "bf-origin", 9, record->origin.data, (ssize_t)record->origin.len);
    }
    for (size_t i = 0; i < record->extra_count; i++) {
        const struct bf_header *extra = &record->extra[i];
        (void)rd_kafka_header_add(headers, extra->name, -1, extra->value.data, (ssize_t)extra->value.len);
    }
    return headers;
}

/* librdkafka copies key and value, and takes the headers where it takes the record. It declares what it only
 * reads without const; the union is where that is put right. */
static enum bf_status enqueue(struct bf_producer *producer, const struct bf_outgoing *record,
                              rd_kafka_headers_t *headers, uint64_t sequence, struct bf_err *err)
{
    union {
        const void *in;
        void *out;
    } key = {.in = record->key.data}, value = {.in = record->value.data};
    rd_kafka_vu_t parts[] = {
        {.vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = producer->topics[record->topic]},
        {.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = record->partition},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
        {.vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = (void *)(uintptr_t)sequence},
        {.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers},
        {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {.ptr = value.out, .size = record->value.len}},
        {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {.ptr = key.out, .size = record->key.len}},
    };
    rd_kafka_error_t *error = rd_kafka_produceva(producer->rk, parts, sizeof parts / sizeof *parts);
    if (!error) {
        return BF_OK;
    }
    enum bf_status status = BF_AGAIN;
    if (rd_kafka_error_code(error) == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE) { /* it never was a record */
        status = bf_err_set(err, BF_LIMIT, "a record of %zu bytes is larger than Kafka takes",
                            record->key.len + record->value.len);
    } else if (rd_kafka_error_code(error) != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
        fail(producer, producer->names[record->topic], rd_kafka_error_string(error));
        status = failure(producer, err);
    }
    rd_kafka_error_destroy(error);
    return status;
}

static enum bf_status hand_over(struct bf_producer *producer, const struct bf_outgoing *record,
                                rd_kafka_headers_t *headers, uint64_t *sequence, struct bf_err *err)
{
    uint64_t next = bf__watermark_reserve(&producer->watermark);
    if (next == 0) {
        return BF_AGAIN;
    }
    if (!producer->topics[record->topic]) {
        producer->topics[record->topic] =
            rd_kafka_topic_new(producer->rk, producer->names[record->topic], NULL);
    }
    uint64_t bytes = record->key.len + record->value.len;
    atomic_fetch_add_explicit(&producer->pending_bytes, bytes, memory_order_relaxed);
    enum bf_status status = enqueue(producer, record, headers, next, err);
    if (status != BF_OK) {
        atomic_fetch_sub_explicit(&producer->pending_bytes, bytes, memory_order_relaxed);
        return status;
    }
    bf__watermark_handed(&producer->watermark, next);
    if (sequence) {
        *sequence = next;
    }
    return BF_OK;
}

enum bf_status bf_producer_send(struct bf_producer *producer, const struct bf_outgoing *record,
                                uint64_t *sequence, struct bf_err *err)
{
    assert((unsigned)record->topic < BF_TOPIC_COUNT && record->partition >= 0);
    if (atomic_load_explicit(&producer->failed, memory_order_acquire)) {
        return failure(producer, err);
    }
    rd_kafka_headers_t *headers = headers_of(record);
    pthread_mutex_lock(&producer->send_lock);
    enum bf_status status = hand_over(producer, record, headers, sequence, err);
    pthread_mutex_unlock(&producer->send_lock);
    if (status != BF_OK) {
        rd_kafka_headers_destroy(headers);
    }
    return status;
}

/* What a waiting thread waits for; sequence 0: nothing in particular. */
struct goal {
    uint64_t sequence;
    bool alone; /* this record, whatever is missing before it */
};

static bool reached(struct bf_producer *producer, struct goal goal)
{
    return goal.sequence > 0 && (goal.alone ? bf__watermark_is_acked(&producer->watermark, goal.sequence)
                                            : bf__watermark_low(&producer->watermark) >= goal.sequence);
}

static struct timespec in_ms(int timeout_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += (timeout_ms % 1000) * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    return until;
}

/* One turn of serving reports. The goal is looked at once more under the lock: the leader may have reached
 * it and left since the caller looked, and then nothing more would come to end the wait. */
static enum bf_status turn(struct bf_producer *producer, int timeout_ms, struct goal goal, struct bf_err *err)
{
    pthread_mutex_lock(&producer->poll_lock);
    if (producer->polling) {
        struct timespec until = in_ms(timeout_ms);
        (void)pthread_cond_timedwait(&producer->polled, &producer->poll_lock, &until);
    } else if (!reached(producer, goal)) {
        producer->polling = true;
        pthread_mutex_unlock(&producer->poll_lock);
        (void)rd_kafka_poll(producer->rk, timeout_ms);
        pthread_mutex_lock(&producer->poll_lock);
        producer->polling = false;
        pthread_cond_broadcast(&producer->polled);
    }
    pthread_mutex_unlock(&producer->poll_lock);
    return atomic_load_explicit(&producer->failed, memory_order_acquire) ? failure(producer, err) : BF_OK;
}

static enum bf_status wait_for(struct bf_producer *producer, struct goal goal, int timeout_ms,
                               struct bf_err *err)
{
    int64_t deadline = bf_time_monotonic_us() + timeout_ms * BF_US_PER_MS;
    while (!reached(producer, goal)) {
        int64_t left_us = deadline - bf_time_monotonic_us();
        if (left_us < 0) {
            return bf_err_set(err, BF_PEER, "Kafka has not acknowledged within %d ms", timeout_ms);
        }
        int64_t slice_ms = left_us / BF_US_PER_MS + 1;
        enum bf_status status = turn(producer, slice_ms < 100 ? (int)slice_ms : 100, goal, err);
        if (status != BF_OK) {
            return status;
        }
    }
    return BF_OK;
}

enum bf_status bf_producer_poll(struct bf_producer *producer, int timeout_ms, struct bf_err *err)
{
    return turn(producer, timeout_ms, (struct goal){.sequence = 0}, err);
}

enum bf_status bf_producer_wait(struct bf_producer *producer, uint64_t sequence, int timeout_ms,
                                struct bf_err *err)
{
    return wait_for(producer, (struct goal){.sequence = sequence}, timeout_ms, err);
}

enum bf_status bf_producer_send_wait(struct bf_producer *producer, const struct bf_outgoing *record,
                                     uint64_t *sequence, struct bf_err *err)
{
    enum bf_status status;
    while ((status = bf_producer_send(producer, record, sequence, err)) == BF_AGAIN) {
        status = bf_producer_poll(producer, 100, err);
        if (status != BF_OK) {
            return status;
        }
    }
    return status;
}

static void unlink_receipt(struct bf_producer *producer, struct bf_receipt *receipt)
{
    struct bf_receipt **link = &producer->receipts;
    while (*link != receipt) {
        link = &(*link)->next;
    }
    *link = receipt->next;
    receipt->watched = false;
    atomic_fetch_sub(&producer->receipt_count, 1);
}

bool bf_producer_receipt(struct bf_producer *producer, struct bf_receipt *receipt)
{
    pthread_mutex_lock(&producer->receipt_lock);
    bool had = receipt->offset >= 0;
    if (had && receipt->watched) {
        unlink_receipt(producer, receipt);
    }
    pthread_mutex_unlock(&producer->receipt_lock);
    return had;
}

void bf_producer_drop(struct bf_producer *producer, struct bf_receipt *receipt)
{
    pthread_mutex_lock(&producer->receipt_lock);
    if (receipt->watched) {
        unlink_receipt(producer, receipt);
    }
    pthread_mutex_unlock(&producer->receipt_lock);
}

/* The number is written under the lock that a report needs to look at it, so no report comes too early. */
enum bf_status bf_producer_send_watch(struct bf_producer *producer, const struct bf_outgoing *record,
                                      struct bf_receipt *receipt, struct bf_err *err)
{
    *receipt = (struct bf_receipt){.offset = -1};
    pthread_mutex_lock(&producer->receipt_lock);
    atomic_fetch_add(&producer->receipt_count, 1); /* before the record goes: reports look here first */
    enum bf_status status = bf_producer_send(producer, record, &receipt->sequence, err);
    if (status == BF_OK) {
        receipt->watched = true;
        receipt->next = producer->receipts;
        producer->receipts = receipt;
    } else {
        atomic_fetch_sub(&producer->receipt_count, 1);
    }
    pthread_mutex_unlock(&producer->receipt_lock);
    return status;
}

enum bf_status bf_producer_send_sync(struct bf_producer *producer, const struct bf_outgoing *record,
                                     int timeout_ms, int64_t *offset, struct bf_err *err)
{
    struct bf_receipt receipt;
    int64_t deadline = bf_time_monotonic_us() + timeout_ms * BF_US_PER_MS;
    enum bf_status status;
    while ((status = bf_producer_send_watch(producer, record, &receipt, err)) == BF_AGAIN) {
        if (bf_time_monotonic_us() > deadline) {
            return bf_err_set(err, BF_PEER, "Kafka takes no records: the local queue stays full");
        }
        status = bf_producer_poll(producer, 10, err);
        if (status != BF_OK) {
            return status;
        }
    }
    if (status != BF_OK) {
        return status;
    }
    int64_t left_us = deadline - bf_time_monotonic_us();
    status = wait_for(producer, (struct goal){.sequence = receipt.sequence, .alone = true},
                      left_us > 0 ? (int)(left_us / BF_US_PER_MS) : 0, err);
    bf_producer_drop(producer, &receipt);
    if (status == BF_OK && offset) {
        *offset = receipt.offset;
    }
    return status;
}

uint64_t bf_producer_acked(const struct bf_producer *producer)
{
    return bf__watermark_low(&producer->watermark);
}

uint64_t bf_producer_handed(const struct bf_producer *producer)
{
    return atomic_load_explicit(&producer->watermark.handed, memory_order_acquire);
}

bool bf_producer_is_acked(struct bf_producer *producer, uint64_t sequence)
{
    return bf__watermark_is_acked(&producer->watermark, sequence);
}

uint64_t bf_producer_pending_bytes(const struct bf_producer *producer)
{
    return atomic_load_explicit(&producer->pending_bytes, memory_order_relaxed);
}

bool bf_producer_connected(const struct bf_producer *producer)
{
    return atomic_load_explicit(&producer->connected, memory_order_relaxed);
}
