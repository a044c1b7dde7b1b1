/* told_kafka.h: a Kafka that does as it is told: what is acknowledged when, which answer a commit gets, or
 * none. It stands in for the functions of peers/kafka that checkpoints use (the linker's --wrap), and for
 * bf_stage1_save, so that a state has the size that a test wants.
 * Thread: main. */
#ifndef BF_TESTS_TOLD_KAFKA_H
#define BF_TESTS_TOLD_KAFKA_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/wire.h"
#include "processors/run/state.h"

#define TASKS 3
#define RECORDS_MAX 4096

enum answer { DONE, REFUSED, LOST /* no answer, not applied */, APPLIED /* no answer, applied */ };

static struct {
    uint64_t handed, acked;
    bool full, failed;
    char keys[RECORDS_MAX][80];
    bool tombstone[RECORDS_MAX];
    char *bytes; /* of the last checkpoint's chunks, as a reader would put them together */
    size_t len;
    uint64_t chunks, removed;
    /* the group */
    enum answer answer;
    bool silent; /* gives no answer to questions either */
    uint64_t commits, questions;
    int64_t offset[TASKS];
    char text[TASKS][BF_MANIFEST_TEXT + 1];
} kafka;

static size_t state_size;
static char state_byte;

enum bf_status __wrap_bf_producer_send_watch(struct bf_producer *producer, const struct bf_outgoing *record,
                                             struct bf_receipt *receipt, struct bf_err *err);
enum bf_status __wrap_bf_producer_send_wait(struct bf_producer *producer, const struct bf_outgoing *record,
                                            uint64_t *sequence, struct bf_err *err);
bool __wrap_bf_producer_receipt(struct bf_producer *producer, struct bf_receipt *receipt);
void __wrap_bf_producer_drop(struct bf_producer *producer, struct bf_receipt *receipt);
uint64_t __wrap_bf_producer_acked(const struct bf_producer *producer);
enum bf_status __wrap_bf_producer_poll(struct bf_producer *producer, int timeout_ms, struct bf_err *err);
enum bf_commit __wrap_bf_consumer_commit(struct bf_consumer *consumer, const struct bf_position *position,
                                         const char *metadata, struct bf_err *err);
enum bf_status __wrap_bf_consumer_committed(struct bf_consumer *consumer, enum bf_topic topic,
                                            int32_t partition, int64_t *offset, char *metadata, size_t size,
                                            struct bf_err *err);
void __wrap_bf_stage1_save(struct bf_stage1 *task, struct bf_mp_writer *out);

static void keep(const struct bf_outgoing *record)
{
    assert_true(kafka.handed < RECORDS_MAX && record->key.len < sizeof kafka.keys[0]);
    assert_int_equal(record->topic, BF_TOPIC_CHECKPOINTS);
    (void)snprintf(kafka.keys[kafka.handed], sizeof kafka.keys[0], "%.*s", BF_SLICE_ARG(record->key));
    kafka.tombstone[kafka.handed++] = record->value.data == NULL;
}

enum bf_status __wrap_bf_producer_send_watch(struct bf_producer *producer, const struct bf_outgoing *record,
                                             struct bf_receipt *receipt, struct bf_err *err)
{
    struct bf_chunk chunk;
    (void)producer;
    if (kafka.full) {
        return BF_AGAIN;
    }
    assert_int_equal(bf_chunk_unpack(record->value, &chunk, err), BF_OK);
    size_t at = (size_t)chunk.chunk * BF_CHUNK_BYTES;
    kafka.bytes = realloc(kafka.bytes, at + chunk.bytes.len);
    assert_non_null(kafka.bytes);
    memcpy(kafka.bytes + at, chunk.bytes.data, chunk.bytes.len);
    kafka.len = at + chunk.bytes.len;
    keep(record);
    kafka.chunks++;
    *receipt = (struct bf_receipt){.sequence = kafka.handed, .offset = -1, .watched = true};
    return BF_OK;
}

enum bf_status __wrap_bf_producer_send_wait(struct bf_producer *producer, const struct bf_outgoing *record,
                                            uint64_t *sequence, struct bf_err *err)
{
    (void)producer;
    (void)sequence;
    (void)err;
    assert_null(record->value.data); /* only tombstones take this way */
    keep(record);
    kafka.removed++;
    return BF_OK;
}

bool __wrap_bf_producer_receipt(struct bf_producer *producer, struct bf_receipt *receipt)
{
    (void)producer;
    if (receipt->sequence == 0 || receipt->sequence > kafka.acked) {
        return false;
    }
    receipt->offset = (int64_t)receipt->sequence * 10;
    receipt->watched = false;
    return true;
}

void __wrap_bf_producer_drop(struct bf_producer *producer, struct bf_receipt *receipt)
{
    (void)producer;
    receipt->watched = false;
}

uint64_t __wrap_bf_producer_acked(const struct bf_producer *producer)
{
    (void)producer;
    return kafka.acked;
}

enum bf_status __wrap_bf_producer_poll(struct bf_producer *producer, int timeout_ms, struct bf_err *err)
{
    (void)producer;
    (void)timeout_ms;
    (void)err;
    kafka.acked = kafka.handed;
    return BF_OK;
}

static void apply(const struct bf_position *position, const char *metadata)
{
    kafka.offset[position->partition] = position->offset;
    (void)snprintf(kafka.text[position->partition], sizeof kafka.text[0], "%s", metadata);
}

enum bf_commit __wrap_bf_consumer_commit(struct bf_consumer *consumer, const struct bf_position *position,
                                         const char *metadata, struct bf_err *err)
{
    (void)consumer;
    kafka.commits++;
    if (kafka.answer == DONE || kafka.answer == APPLIED) {
        apply(position, metadata);
    }
    (void)bf_err_set(err, BF_PEER, "as told");
    return kafka.answer == DONE      ? BF_COMMIT_DONE
           : kafka.answer == REFUSED ? BF_COMMIT_REFUSED
                                     : BF_COMMIT_UNKNOWN;
}

enum bf_status __wrap_bf_consumer_committed(struct bf_consumer *consumer, enum bf_topic topic,
                                            int32_t partition, int64_t *offset, char *metadata, size_t size,
                                            struct bf_err *err)
{
    (void)consumer;
    (void)topic;
    kafka.questions++;
    if (kafka.silent) {
        return bf_err_set(err, BF_PEER, "as told");
    }
    *offset = kafka.offset[partition];
    (void)snprintf(metadata, size, "%s", kafka.text[partition]);
    return BF_OK;
}

void __wrap_bf_stage1_save(struct bf_stage1 *task, struct bf_mp_writer *out)
{
    (void)task;
    if (out->capacity - out->len < state_size) {
        out->full = true;
        return;
    }
    memset(out->data + out->len, state_byte, state_size);
    out->len += state_size;
}

#endif
