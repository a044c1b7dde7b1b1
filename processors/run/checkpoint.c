/* checkpoint.c: from a task's state to a commit that counts.
 *
 *   idle    -> the state is copied and written in chunks under keys never used before
 *   chunks  -> these and all earlier outputs are acknowledged
 *   commit  -> input offset and manifest are committed in one step, synchronously, from the polling thread
 *   ask     -> no answer: read what is committed; if it is not ours, commit the same again
 * After a confirmed commit the older chunks of this owner and those of owners that it saw when it loaded are
 * removed; a checkpoint whose commit once went unanswered may still be committed by a request under way, so
 * its chunks are left to the next epoch. The task ends with its assignment, and with it whatever is open. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "core/log.h"
#include "core/time.h"
#include "core/wire.h"
#include "processors/run/state.h"

#define LAST_CHUNK_MS 1500
#define BLOB_START ((size_t)1 << 20)
#define BLOB_MAX ((size_t)BF_MANIFEST_CHUNKS * BF_CHUNK_BYTES)

int32_t bf__process_chunk_partition(const struct bf_running *task)
{
    return bf_hash_partition(bf_slice_of(task->name), task->process->install->checkpoints);
}

/* The task's state in process->blob. */
static enum bf_status copy_state(struct bf_running *task, struct bf_slice *state, struct bf_err *err)
{
    struct bf_process *process = task->process;
    size_t size = process->blob_size == 0 ? BLOB_START : process->blob_size;
    for (;;) {
        struct bf_mp_writer writer;
        if (size > process->blob_size) {
            char *blob = size > BLOB_MAX ? NULL : realloc(process->blob, size);
            if (blob == NULL) {
                return bf_err_set(err, BF_FATAL, "%s: its state does not fit into a checkpoint", task->name);
            }
            process->blob = blob;
            process->blob_size = size;
        }
        bf_mp_writer_init(&writer, process->blob, process->blob_size);
        if (task->stage1 != NULL) {
            bf_stage1_save(task->stage1, &writer);
        } else {
            bf_stage2_save(task->stage2, &writer);
        }
        if (!writer.full) {
            *state = (struct bf_slice){writer.data, writer.len};
            return BF_OK;
        }
        size = size == BLOB_MAX ? size + 1 : size > BLOB_MAX / 2 ? BLOB_MAX : 2 * size;
    }
}

/* PEER: whether it was written is not known. Its key is never used again, so nothing follows from that but a
 * record to be removed later. */
static enum bf_status write_chunk(struct bf_running *task, struct bf_slice state, uint32_t index,
                                  struct bf_err *err)
{
    struct bf_manifest *manifest = &task->manifest;
    char key[160];
    size_t at = (size_t)index * BF_CHUNK_BYTES;
    size_t rest = state.len - at;
    const struct bf_chunk chunk = {.task = bf_slice_of(task->name),
                                   .owner = task->owner,
                                   .number = task->number,
                                   .chunk = index,
                                   .chunks = manifest->chunks,
                                   .bytes = {state.data + at, rest < BF_CHUNK_BYTES ? rest : BF_CHUNK_BYTES}};
    struct bf_mp_writer writer;
    bf_mp_writer_init(&writer, task->process->chunk, BF_RECORD_MAX);
    bf_chunk_pack(&chunk, &writer);
    assert(!writer.full);
    size_t key_len = bf_chunk_key(task->name, task->owner, task->number, index, key);
    const struct bf_outgoing record = {.topic = BF_TOPIC_CHECKPOINTS,
                                       .partition = bf__process_chunk_partition(task),
                                       .key = {key, key_len},
                                       .value = {writer.data, writer.len},
                                       .type = BF_RECORD_CHUNK};
    enum bf_status status = bf_producer_send_sync(
        task->process->producer, &record, task->process->chunk_timeout_ms, &manifest->offsets[index], err);
    int64_t offset = status == BF_OK ? manifest->offsets[index] : task->manifest.from;
    struct bf_chunk_set *set = bf__process_set(task, task->owner, task->number, offset);
    if (set != NULL) {
        set->chunks = index + 1;
        set->live++;
    }
    return status;
}

static int64_t oldest_chunk(const struct bf_running *task)
{
    int64_t oldest = task->floor_offset;
    for (size_t i = 0; i < task->set_count; i++) {
        oldest = task->sets[i].first_offset < oldest ? task->sets[i].first_offset : oldest;
    }
    return oldest == INT64_MAX ? 0 : oldest;
}

static enum bf_status begin(struct bf_running *task, bool clean, struct bf_err *err)
{
    struct bf_process *process = task->process;
    struct bf_manifest *manifest = &task->manifest;
    struct bf_slice state;
    int64_t before = manifest->from;
    enum bf_status status = copy_state(task, &state, err);
    if (status != BF_OK) {
        return status;
    }
    *manifest = (struct bf_manifest){.engine = BF_ENGINE_VERSION,
                                     .clean = clean,
                                     .owner = task->owner,
                                     .number = ++task->number,
                                     .bytes = state.len,
                                     .from = before};
    manifest->chunks = (uint32_t)((state.len + BF_CHUNK_BYTES - 1) / BF_CHUNK_BYTES);
    bf_hash_sha256_hex(state, manifest->digest);
    task->upto = task->next;
    for (uint32_t i = 0; i < manifest->chunks && status == BF_OK; i++) {
        status = write_chunk(task, state, i, err);
    }
    if (status == BF_PEER) {
        bf_log_err(BF_LOG_WARN, "checkpoint.chunk", err);
        return BF_OK; /* stays idle; the next one has another number */
    }
    if (status != BF_OK) {
        return status;
    }
    manifest->from = oldest_chunk(task);
    task->mark = bf_producer_handed(process->producer);
    task->phase = BF_CHECKPOINT_CHUNKS;
    bf_count(process->tally.checkpoint_bytes, (int64_t)state.len);
    return BF_OK;
}

/* Which chunks may go after the commit of task->number was confirmed. */
static bool may_go(const struct bf_running *task, const struct bf_chunk_set *set)
{
    return !set->unanswered && (set->owner != task->owner || set->number < task->number);
}

static enum bf_status remove_set(struct bf_running *task, const struct bf_chunk_set *set, struct bf_err *err)
{
    enum bf_status status = BF_OK;
    for (uint32_t i = 0; i < set->chunks && status == BF_OK; i++) {
        char key[160];
        size_t key_len = bf_chunk_key(task->name, set->owner, set->number, i, key);
        const struct bf_outgoing record = {.topic = BF_TOPIC_CHECKPOINTS,
                                           .partition = bf__process_chunk_partition(task),
                                           .key = {key, key_len},
                                           .type = BF_RECORD_CHUNK};
        status = bf_producer_send_wait(task->process->producer, &record, NULL, err);
    }
    return status;
}

static enum bf_status clean(struct bf_running *task, struct bf_err *err)
{
    size_t kept = 0;
    enum bf_status status = BF_OK;
    task->committed = task->upto;
    task->phase = BF_CHECKPOINT_IDLE;
    bf_count(task->process->tally.checkpoints, 1);
    for (size_t i = 0; i < task->set_count; i++) {
        if (may_go(task, &task->sets[i]) && status == BF_OK) {
            status = remove_set(task, &task->sets[i], err);
        } else {
            task->sets[kept++] = task->sets[i];
        }
    }
    task->set_count = kept;
    return status;
}

/* A commit of it went without an answer and may still come: its chunks are left to the next epoch. */
static void leave_chunks(struct bf_running *task, const struct bf_manifest *manifest)
{
    struct bf_chunk_set *set =
        manifest->chunks == 0 ? NULL
                              : bf__process_set(task, manifest->owner, manifest->number, manifest->from);
    if (set != NULL) {
        set->unanswered = true;
    }
}

static enum bf_status commit(struct bf_running *task, struct bf_err *err)
{
    char text[BF_MANIFEST_TEXT + 1];
    if (!bf_manifest_format(&task->manifest, text)) {
        return bf_err_set(err, BF_FATAL, "%s: the manifest of its checkpoint is too long", task->name);
    }
    const struct bf_position position = {
        .topic = task->topic, .partition = task->partition, .offset = task->upto};
    struct bf_err why = {.message = ""};
    enum bf_commit answer = bf_consumer_commit(task->process->consumer, &position, text, &why);
    if (answer == BF_COMMIT_DONE) {
        return clean(task, err);
    }
    bf_log_err(BF_LOG_WARN, answer == BF_COMMIT_REFUSED ? "checkpoint.refused" : "checkpoint.unanswered",
               &why);
    if (answer == BF_COMMIT_REFUSED) {
        bf_count(task->process->tally.checkpoints_refused, 1);
        task->stopped = true; /* the partition may be another's by now; the next assignment tells */
        task->phase = BF_CHECKPOINT_IDLE;
        return BF_OK;
    }
    bf_count(task->process->tally.checkpoints_unanswered, 1);
    leave_chunks(task, &task->manifest);
    task->phase = BF_CHECKPOINT_ASK;
    return BF_OK;
}

static enum bf_status ask(struct bf_running *task, struct bf_err *err)
{
    char found[BF_MANIFEST_TEXT + 1], ours[BF_MANIFEST_TEXT + 1];
    int64_t offset;
    struct bf_err why;
    if (bf_consumer_committed(task->process->consumer, task->topic, task->partition, &offset, found,
                              sizeof(found), &why) != BF_OK) {
        return BF_OK; /* no answer again: ask once more in the next turn */
    }
    if (offset == task->upto && bf_manifest_format(&task->manifest, ours) && strcmp(found, ours) == 0) {
        return clean(task, err);
    }
    task->phase = BF_CHECKPOINT_COMMIT;
    return BF_OK;
}

static enum bf_status step(struct bf_running *task, struct bf_err *err)
{
    if (task->phase == BF_CHECKPOINT_CHUNKS && bf_producer_acked(task->process->producer) >= task->mark) {
        task->phase = BF_CHECKPOINT_COMMIT;
    }
    if (task->phase == BF_CHECKPOINT_COMMIT) {
        return commit(task, err);
    }
    return task->phase == BF_CHECKPOINT_ASK ? ask(task, err) : BF_OK;
}

static bool is_due(const struct bf_running *task, int64_t now_us)
{
    return task->phase == BF_CHECKPOINT_IDLE && now_us >= task->due_us && task->next != task->committed &&
           task->next > 0 && now_us >= task->process->checkpoint_free_us;
}

enum bf_status bf__process_checkpoints(struct bf_process *process, int64_t now_us, struct bf_err *err)
{
    bool began = false;
    enum bf_status status = BF_OK;
    for (size_t i = 0; i < process->task_count && status == BF_OK; i++) {
        struct bf_running *task = &process->tasks[i];
        if (!task->used || task->stopped) {
            continue;
        }
        status = step(task, err);
        if (status == BF_OK && !began && is_due(task, now_us)) {
            began = true;
            task->due_us = now_us + process->site->process.checkpoint_every_us;
            status = begin(task, false, err);
            uint64_t rate = process->site->process.checkpoint_rate;
            uint64_t cost_us = rate == 0 ? 0 : task->manifest.bytes * (uint64_t)BF_US_PER_S / rate;
            process->checkpoint_free_us = now_us + (int64_t)cost_us;
        }
    }
    return status;
}

static bool finish(struct bf_running *task, int64_t deadline_us)
{
    struct bf_err err;
    enum bf_status status = BF_OK;
    while (status == BF_OK && !task->stopped && bf_time_monotonic_us() < deadline_us) {
        if (task->phase == BF_CHECKPOINT_IDLE) {
            if (task->committed == task->next && task->manifest.clean) {
                return true;
            }
            status = begin(task, true, &err);
        }
        if (status == BF_OK) {
            status = bf_producer_poll(task->process->producer, 2, &err);
        }
        if (status == BF_OK || status == BF_AGAIN) {
            status = step(task, &err);
        }
    }
    return false;
}

void bf__process_last_checkpoints(struct bf_process *process, int64_t deadline_us)
{
    process->chunk_timeout_ms = LAST_CHUNK_MS;
    for (size_t i = 0; i < process->task_count; i++) {
        struct bf_running *task = &process->tasks[i];
        if (!task->used || task->stopped || task->next == 0 || task->must_announce) {
            continue; /* nothing was read since the last orderly stop */
        }
        bool done = finish(task, deadline_us);
        bf_log(done ? BF_LOG_INFO : BF_LOG_WARN, done ? "checkpoint.last" : "checkpoint.not_finished",
               "task=%s offset=%lld", task->name, (long long)task->next);
    }
}

/* What is committed says that nothing was written behind it (or nothing is committed yet). From now on
 * something is. */
enum bf_status bf__process_announce(struct bf_running *task, struct bf_err *err)
{
    char text[BF_MANIFEST_TEXT + 1];
    struct bf_manifest said = task->manifest;
    said.clean = false;
    said.engine = BF_ENGINE_VERSION;
    if (!bf_manifest_format(&said, text)) {
        return bf_err_set(err, BF_FATAL, "%s: the manifest of its checkpoint is too long", task->name);
    }
    const struct bf_position position = {
        .topic = task->topic, .partition = task->partition, .offset = task->next};
    enum bf_commit answer = bf_consumer_commit(task->process->consumer, &position, text, err);
    if (answer == BF_COMMIT_REFUSED) {
        task->stopped = true;
        return BF_OK;
    }
    if (answer == BF_COMMIT_UNKNOWN) {
        leave_chunks(task, &said);
        return BF_AGAIN;
    }
    task->must_announce = false;
    task->manifest.clean = false;
    task->committed = task->next;
    return BF_OK;
}
