/* publish.c: records into the producer.
 * The partition of a reading is that of its source without the channel, so all of a device lies in one; the
 * counts come from the install record, never from the cluster, for they are fixed under live state. */
#include "ingest/publish.h"

#include <assert.h>
#include <stdlib.h>

#include "core/hash.h"
#include "core/time.h"

#define TICK_BYTES 1024 /* room for a tick or a claim, with the longest ingest id */

enum bf_status bf_publish_init(struct bf_publish *publish, struct bf_producer *producer,
                               const struct bf_install *install, struct bf_tally *tally, struct bf_err *err)
{
    publish->producer = producer;
    publish->tally = tally;
    publish->readings = install->readings;
    publish->rejects = install->rejects;
    atomic_store(&publish->stop, false);
    atomic_store(&publish->waiting, false);
    atomic_store(&publish->failed, false);
    publish->buffer = malloc(BF_RECORD_MAX);
    return publish->buffer ? BF_OK : bf_err_set(err, BF_FATAL, "out of memory");
}

void bf_publish_deinit(struct bf_publish *publish)
{
    free(publish->buffer);
    publish->buffer = NULL;
}

static bool fail(struct bf_publish *publish)
{
    atomic_store(&publish->failed, true);
    return false;
}

/* Waits for a place in the queue, serving delivery reports meanwhile. */
static bool hand_over(struct bf_publish *publish, const struct bf_outgoing *record)
{
    if (atomic_load_explicit(&publish->failed, memory_order_relaxed) ||
        atomic_load_explicit(&publish->stop, memory_order_relaxed)) {
        return false;
    }
    enum bf_status status = bf_producer_send(publish->producer, record, NULL, &publish->err);
    if (status == BF_OK) {
        return true;
    }
    int64_t since_us = bf_time_monotonic_us();
    atomic_store(&publish->waiting, true);
    while (status == BF_AGAIN && !atomic_load(&publish->stop)) {
        status = bf_producer_poll(publish->producer, 20, &publish->err);
        if (status == BF_OK) {
            status = bf_producer_send(publish->producer, record, NULL, &publish->err);
        }
    }
    atomic_store(&publish->waiting, false);
    bf_count(publish->tally->queue_wait_us, bf_time_monotonic_us() - since_us);
    return status == BF_OK || (status != BF_AGAIN && fail(publish));
}

bool bf_publish_reading(struct bf_publish *publish, const struct bf_reading *reading)
{
    struct bf_mp_writer writer;
    bf_mp_writer_init(&writer, publish->buffer, BF_RECORD_MAX);
    bf_reading_pack(reading, &writer);
    assert(!writer.full);
    struct bf_slice key = bf_reading_device(reading->source);
    struct bf_outgoing record = {
        .topic = BF_TOPIC_READINGS,
        .partition = bf_hash_partition(key, publish->readings),
        .key = key,
        .value = {publish->buffer, writer.len},
        .type = BF_RECORD_READING,
    };
    bool handed = hand_over(publish, &record);
    bf_count(publish->tally->readings, handed);
    return handed;
}

bool bf_publish_reject(struct bf_publish *publish, const struct bf_reject *reject)
{
    struct bf_mp_writer writer;
    bf_mp_writer_init(&writer, publish->buffer, BF_RECORD_MAX);
    bf_reject_pack(reject, &writer);
    assert(!writer.full);
    struct bf_outgoing record = {
        .topic = BF_TOPIC_REJECTS,
        .partition = bf_hash_partition(reject->topic, publish->rejects),
        .key = reject->topic,
        .value = {publish->buffer, writer.len},
        .type = BF_RECORD_REJECT,
    };
    bool handed = hand_over(publish, &record);
    if (handed) {
        bf_tally_reject(publish->tally, reject->reason);
    }
    return handed;
}

/* For partition 0 as yet; its bytes are in the caller's room. */
static struct bf_outgoing tick_record(const struct bf_tick *tick, char bytes[TICK_BYTES])
{
    struct bf_mp_writer writer;
    bf_mp_writer_init(&writer, bytes, TICK_BYTES);
    bf_tick_pack(tick, &writer);
    assert(!writer.full);
    return (struct bf_outgoing){
        .topic = BF_TOPIC_READINGS, .value = {bytes, writer.len}, .type = BF_RECORD_TICK};
}

enum bf_status bf_publish_tick(struct bf_publish *publish, int32_t partition, const struct bf_tick *tick,
                               uint64_t *sequence, struct bf_err *err)
{
    char bytes[TICK_BYTES];
    struct bf_outgoing record = tick_record(tick, bytes);
    record.partition = partition;
    return bf_producer_send(publish->producer, &record, sequence, err);
}

bool bf_publish_ticks(struct bf_publish *publish, const struct bf_tick *tick)
{
    char bytes[TICK_BYTES];
    struct bf_outgoing record = tick_record(tick, bytes);
    bool handed = true;
    for (int32_t p = 0; p < publish->readings && handed; p++) {
        record.partition = p;
        handed = hand_over(publish, &record);
        bf_count(publish->tally->ticks, handed);
    }
    return handed;
}

enum bf_status bf_publish_claim(struct bf_publish *publish, const struct bf_claim *claim, int timeout_ms,
                                int64_t *offset, struct bf_err *err)
{
    char bytes[TICK_BYTES];
    struct bf_mp_writer writer;
    bf_mp_writer_init(&writer, bytes, sizeof bytes);
    bf_claim_pack(claim, &writer);
    assert(!writer.full);
    struct bf_outgoing record = {
        .topic = BF_TOPIC_READINGS,
        .partition = 0,
        .value = {bytes, writer.len},
        .type = BF_RECORD_CLAIM,
    };
    return bf_producer_send_sync(publish->producer, &record, timeout_ms, offset, err);
}
