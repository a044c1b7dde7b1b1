/* chunks.c: the one checkpoint whose chunks are on their way into belfry.checkpoints.
 *
 * The state of a task is saved at once, between two records: that is the copy. Saving costs less than copying
 * the tables would (about 0.15 us a series, whose records are scattered and mostly links), so nothing is
 * gained by a copy that is serialised later. What takes long, digest, packing and writing, is done a chunk at
 * a time, between two batches of records, while the producer writes the chunks before it.
 * Declined: fork (copy-on-write of a process with librdkafka's threads in it, and memory that nobody has
 * promised), and one such buffer for each task (they take turns, so memory holds one saved state). */
#include <assert.h>
#include <stdlib.h>

#include "core/hash.h"
#include "core/time.h"
#include "core/wire.h"
#include "processors/run/state.h"

#define STATE_MAX ((size_t)BF_MANIFEST_CHUNKS * BF_CHUNK_BYTES)

enum bf_status bf__chunks_open(struct bf_chunks *chunks, struct bf_err *err)
{
    chunks->state = malloc(STATE_MAX); /* touched only as far as a state reaches */
    chunks->packed = malloc(BF_RECORD_MAX);
    chunks->digest = bf_digest_create();
    if (chunks->state == NULL || chunks->packed == NULL || chunks->digest == NULL) {
        return bf_err_set(err, BF_FATAL, "out of memory for checkpoints");
    }
    return BF_OK;
}

void bf__chunks_close(struct bf_chunks *chunks)
{
    assert(chunks->task == NULL);
    free(chunks->state);
    free(chunks->packed);
    bf_digest_destroy(chunks->digest);
}

void bf__chunks_drop(struct bf_running *task)
{
    struct bf_chunks *chunks = &task->process->chunks;
    if (chunks->task != task) {
        return;
    }
    for (size_t i = 0; i < BF_CHUNKS_UNDER_WAY; i++) {
        bf_producer_drop(task->process->producer, &chunks->receipts[i]);
    }
    chunks->task = NULL;
}

enum bf_status bf__chunks_begin(struct bf_running *task, struct bf_err *err)
{
    struct bf_chunks *chunks = &task->process->chunks;
    struct bf_manifest *manifest = &task->manifest;
    struct bf_mp_writer writer;
    assert(chunks->task == NULL);
    bf_mp_writer_init(&writer, chunks->state, STATE_MAX);
    if (task->stage1 != NULL) {
        bf_stage1_save(task->stage1, &writer);
    } else {
        bf_stage2_save(task->stage2, &writer);
    }
    if (writer.full) {
        return bf_err_set(err, BF_FATAL, "%s: its state does not fit into a checkpoint", task->name);
    }
    manifest->bytes = writer.len;
    manifest->chunks = (uint32_t)((writer.len + BF_CHUNK_BYTES - 1) / BF_CHUNK_BYTES);
    bf_digest_begin(chunks->digest);
    chunks->task = task;
    chunks->next = chunks->acked = 0;
    for (size_t i = 0; i < BF_CHUNKS_UNDER_WAY; i++) {
        chunks->receipts[i] = (struct bf_receipt){.offset = -1};
    }
    return BF_OK;
}

/* AGAIN: the producer's queue is full; the same chunk once more in a later turn. */
static enum bf_status write_next(struct bf_chunks *chunks, struct bf_err *err)
{
    struct bf_running *task = chunks->task;
    char key[160];
    size_t at = (size_t)chunks->next * BF_CHUNK_BYTES, rest = (size_t)task->manifest.bytes - at;
    const struct bf_slice bytes = {chunks->state + at, rest < BF_CHUNK_BYTES ? rest : BF_CHUNK_BYTES};
    const struct bf_chunk chunk = {.task = bf_slice_of(task->name),
                                   .owner = task->owner,
                                   .number = task->number,
                                   .chunk = chunks->next,
                                   .chunks = task->manifest.chunks,
                                   .bytes = bytes};
    struct bf_mp_writer writer;
    bf_mp_writer_init(&writer, chunks->packed, BF_RECORD_MAX);
    bf_chunk_pack(&chunk, &writer);
    assert(!writer.full);
    size_t key_len = bf_chunk_key(task->name, task->owner, task->number, chunks->next, key);
    const struct bf_outgoing record = {.topic = BF_TOPIC_CHECKPOINTS,
                                       .partition = bf__process_chunk_partition(task),
                                       .key = {key, key_len},
                                       .value = {writer.data, writer.len},
                                       .type = BF_RECORD_CHUNK};
    struct bf_receipt *receipt = &chunks->receipts[chunks->next % BF_CHUNKS_UNDER_WAY];
    enum bf_status status = bf_producer_send_watch(task->process->producer, &record, receipt, err);
    if (status == BF_OK) {
        task->mark = receipt->sequence; /* all outputs before the checkpoint were handed over earlier */
        bf_digest_add(chunks->digest, bytes);
        bf_count(task->process->tally.checkpoint_bytes, (int64_t)bytes.len);
        chunks->next++;
    }
    return status;
}

static void take_receipts(struct bf_chunks *chunks)
{
    struct bf_running *task = chunks->task;
    while (chunks->acked < chunks->next) {
        struct bf_receipt *receipt = &chunks->receipts[chunks->acked % BF_CHUNKS_UNDER_WAY];
        if (!bf_producer_receipt(task->process->producer, receipt)) {
            return;
        }
        task->manifest.offsets[chunks->acked++] = receipt->offset;
    }
}

static bool may_write(const struct bf_chunks *chunks, int64_t now_us)
{
    return chunks->next < chunks->task->manifest.chunks && now_us >= chunks->due_us &&
           chunks->next - chunks->acked < BF_CHUNKS_UNDER_WAY;
}

enum bf_status bf__chunks_step(struct bf_chunks *chunks, int64_t now_us, uint64_t rate, bool *done,
                               struct bf_err *err)
{
    *done = false;
    if (chunks->task == NULL) {
        return BF_OK;
    }
    if (may_write(chunks, now_us)) {
        enum bf_status status = write_next(chunks, err);
        if (status == BF_OK && rate > 0) {
            chunks->due_us = now_us + (int64_t)((uint64_t)BF_CHUNK_BYTES * BF_US_PER_S / rate);
        }
        if (status != BF_OK && status != BF_AGAIN) {
            return status;
        }
    }
    take_receipts(chunks);
    if (chunks->acked == chunks->task->manifest.chunks) {
        bf_digest_hex(chunks->digest, chunks->task->manifest.digest);
        chunks->task = NULL;
        *done = true;
    }
    return BF_OK;
}
