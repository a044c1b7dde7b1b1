/* checkpoint.c: from a task's state to a commit that counts.
 *
 *   idle    -> the state is saved
 *   chunks  -> its chunks are written, under keys never used before, one task after the other (chunks.c)
 *   acks    -> these and all earlier outputs are acknowledged
 *   commit  -> input offset and manifest are committed in one step, synchronously, from the polling thread
 *   ask     -> no answer: read what is committed; if it is not ours, commit the same again
 * After a confirmed commit the older chunks of this owner and those of owners that it saw when it loaded are
 * removed; a checkpoint whose commit once went unanswered may still be committed by a request under way, so
 * its chunks are left to the next epoch. The task ends with its assignment, and with it whatever is open. */
#include <assert.h>
#include <string.h>

#include "core/hash.h"
#include "core/log.h"
#include "core/time.h"
#include "core/wire.h"
#include "processors/run/state.h"

#define ASK_AGAIN_US (200 * BF_US_PER_MS)

int32_t bf__process_chunk_partition(const struct bf_running *task)
{
    return bf_hash_partition(bf_slice_of(task->name), task->process->install->checkpoints);
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
    int64_t before = task->manifest.from;
    task->manifest = (struct bf_manifest){.engine = BF_ENGINE_VERSION,
                                          .clean = clean,
                                          .owner = task->owner,
                                          .number = ++task->number,
                                          .from = before};
    task->upto = task->next;
    task->phase = BF_CHECKPOINT_CHUNKS;
    return bf__chunks_begin(task, err);
}

/* All chunks stand in the log. */
static void written(struct bf_running *task)
{
    struct bf_manifest *manifest = &task->manifest;
    struct bf_chunk_set *set = bf__process_set(task, task->owner, task->number, manifest->offsets[0]);
    if (set != NULL) {
        set->chunks = manifest->chunks;
        set->live = (int32_t)manifest->chunks;
    }
    manifest->from = oldest_chunk(task);
    task->phase = BF_CHECKPOINT_ACKS;
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
    struct bf_chunk_set *set = manifest->chunks == 0
                                   ? NULL
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

/* ---- one turn */
static bool wants_commit(const struct bf_running *task, int64_t now_us)
{
    return task->phase == BF_CHECKPOINT_COMMIT ||
           (task->phase == BF_CHECKPOINT_ASK && now_us >= task->ask_us) ||
           (task->phase == BF_CHECKPOINT_ACKS && bf_producer_acked(task->process->producer) >= task->mark);
}

static enum bf_status commit_or_ask(struct bf_running *task, int64_t now_us, struct bf_err *err)
{
    if (task->phase != BF_CHECKPOINT_ASK) {
        return commit(task, err);
    }
    task->ask_us = now_us + ASK_AGAIN_US;
    return ask(task, err);
}

static bool is_due(const struct bf_running *task, bool last, int64_t now_us)
{
    if (task->phase != BF_CHECKPOINT_IDLE || task->next == 0 || task->must_announce) {
        return false; /* nothing was read since the last orderly stop, or ever */
    }
    return last ? task->next != task->committed || !task->manifest.clean
                : task->next != task->committed && now_us >= task->due_us;
}

/* The next one, from where the last turn ended, so that none waits for ever. NULL: none. */
static struct bf_running *find(struct bf_process *process, size_t *from, bool begins, bool last,
                               int64_t now_us)
{
    for (size_t i = 0; i < process->task_count; i++) {
        size_t at = (*from + i) % process->task_count;
        struct bf_running *task = &process->tasks[at];
        if (task->used && !task->stopped &&
            (begins ? is_due(task, last, now_us) : wants_commit(task, now_us))) {
            *from = at + 1;
            return task;
        }
    }
    return NULL;
}

static void note_pause(struct bf_process *process, enum bf_pause pause, int64_t since_us)
{
    int64_t took_us = bf_time_monotonic_us() - since_us;
    if (took_us > process->longest_us[pause]) {
        process->longest_us[pause] = took_us;
        bf_gauge(process->tally.pauses[pause], took_us);
    }
}

static enum bf_status write_chunks(struct bf_process *process, bool last, int64_t now_us, struct bf_err *err)
{
    struct bf_running *task = process->chunks.task;
    bool done;
    if (task == NULL) {
        return BF_OK;
    }
    int64_t began_us = bf_time_monotonic_us();
    uint64_t rate = last ? 0 : process->site->process.checkpoint_rate;
    enum bf_status status = bf__chunks_step(&process->chunks, now_us, rate, &done, err);
    if (status == BF_OK && done) {
        written(task);
    }
    note_pause(process, BF_PAUSE_CHUNK, began_us);
    return status;
}

static enum bf_status begin_next(struct bf_process *process, bool last, int64_t now_us, struct bf_err *err)
{
    struct bf_running *task =
        process->chunks.task != NULL ? NULL : find(process, &process->begin_from, true, last, now_us);
    if (task == NULL) {
        return BF_OK;
    }
    int64_t began_us = bf_time_monotonic_us();
    task->due_us = now_us + process->site->process.checkpoint_every_us;
    enum bf_status status = begin(task, last, err);
    note_pause(process, BF_PAUSE_SAVE, began_us);
    return status;
}

static enum bf_status turn(struct bf_process *process, bool last, int64_t now_us, struct bf_err *err)
{
    struct bf_running *task = find(process, &process->commit_from, false, last, now_us);
    enum bf_status status = BF_OK;
    if (task != NULL) {
        int64_t began_us = bf_time_monotonic_us();
        status = commit_or_ask(task, now_us, err);
        note_pause(process, BF_PAUSE_COMMIT, began_us);
    }
    if (status == BF_OK) {
        status = write_chunks(process, last, now_us, err);
    }
    return status == BF_OK ? begin_next(process, last, now_us, err) : status;
}

enum bf_status bf__process_checkpoints(struct bf_process *process, int64_t now_us, struct bf_err *err)
{
    return turn(process, false, now_us, err);
}

/* ---- the last ones */
static bool is_saved(const struct bf_running *task)
{
    return task->phase == BF_CHECKPOINT_IDLE && task->committed == task->next && task->manifest.clean;
}

static bool is_open(const struct bf_running *task)
{
    return task->used && !task->stopped && task->next > 0 && !task->must_announce && !is_saved(task);
}

static bool any_open(const struct bf_process *process)
{
    for (size_t i = 0; i < process->task_count; i++) {
        if (is_open(&process->tasks[i])) {
            return true;
        }
    }
    return false;
}

void bf__process_last_checkpoints(struct bf_process *process, int64_t deadline_us)
{
    struct bf_err err;
    enum bf_status status = BF_OK;
    while ((status == BF_OK || status == BF_AGAIN) && any_open(process) &&
           bf_time_monotonic_us() < deadline_us) {
        status = bf_producer_poll(process->producer, 2, &err);
        if (status == BF_OK || status == BF_AGAIN) {
            status = turn(process, true, bf_time_monotonic_us(), &err);
        }
    }
    for (size_t i = 0; i < process->task_count; i++) {
        const struct bf_running *task = &process->tasks[i];
        if (!task->used || task->stopped || task->next == 0 || task->must_announce) {
            continue;
        }
        bool done = is_saved(task);
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
