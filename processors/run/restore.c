/* restore.c: a task's state as of the committed offset. Nothing is ever begun anew in silence: without a
 * commit a task begins only where the log still begins at 0 and no chunk of it exists. */
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "core/log.h"
#include "core/time.h"
#include "core/wire.h"
#include "processors/run/state.h"

#define SCAN_US (120 * BF_US_PER_S)
#define TRIES 5

struct bf_chunk_set *bf__process_set(struct bf_running *task, uint64_t owner, uint64_t number, int64_t offset)
{
    for (size_t i = 0; i < task->set_count; i++) {
        struct bf_chunk_set *set = &task->sets[i];
        if (set->owner == owner && set->number == number) {
            set->first_offset = offset < set->first_offset ? offset : set->first_offset;
            return set;
        }
    }
    if (task->set_count == BF_CHUNK_SETS) { /* left for a later owner to remove */
        task->floor_offset = offset < task->floor_offset ? offset : task->floor_offset;
        return NULL;
    }
    struct bf_chunk_set *set = &task->sets[task->set_count++];
    *set = (struct bf_chunk_set){.owner = owner, .number = number, .first_offset = offset};
    return set;
}

/* What a scan of belfry.checkpoints is after. */
struct scan {
    struct bf_running *task;
    const struct bf_manifest *wanted; /* NULL: only whether there is anything */
    char *blob;                       /* wanted->bytes */
    uint32_t found;                   /* chunks of it */
};

static void take_chunk(struct scan *scan, const struct bf_incoming *incoming)
{
    uint64_t owner, number;
    uint32_t index;
    if (!bf_chunk_parse_key(incoming->key, scan->task->name, &owner, &number, &index)) {
        return;
    }
    struct bf_chunk_set *set = bf__process_set(scan->task, owner, number, incoming->offset);
    if (set != NULL) {
        set->live += incoming->tombstone ? -1 : 1;
        set->chunks = index + 1 > set->chunks ? index + 1 : set->chunks;
    }
    const struct bf_manifest *wanted = scan->wanted;
    struct bf_chunk chunk;
    struct bf_err err;
    if (incoming->tombstone || wanted == NULL || owner != wanted->owner || number != wanted->number ||
        index >= wanted->chunks || bf_chunk_unpack(incoming->value, &chunk, &err) != BF_OK) {
        return;
    }
    size_t at = (size_t)index * BF_CHUNK_BYTES;
    if (at + chunk.bytes.len <= wanted->bytes) {
        memcpy(scan->blob + at, chunk.bytes.data, chunk.bytes.len);
        scan->found++;
    }
}

static void forget_removed(struct bf_running *task)
{
    size_t kept = 0;
    for (size_t i = 0; i < task->set_count; i++) {
        if (task->sets[i].live > 0) {
            task->sets[kept++] = task->sets[i];
        }
    }
    task->set_count = kept;
}

static enum bf_status read_chunks(struct scan *scan, int64_t end, struct bf_err *err)
{
    struct bf_consumer *scanner = scan->task->process->scanner;
    int64_t deadline_us = bf_time_monotonic_us() + SCAN_US;
    for (;;) {
        struct bf_incoming incoming;
        enum bf_status status = bf_consumer_poll(scanner, 100, &incoming, err);
        if (status == BF_AGAIN && bf_time_monotonic_us() < deadline_us && !bf_daemon_stopping()) {
            continue;
        }
        if (status != BF_OK) {
            return status != BF_AGAIN
                       ? status
                       : bf_err_set(err, BF_PEER,
                                    "%s: belfry.checkpoints could not be read up to offset %lld",
                                    scan->task->name, (long long)end);
        }
        bool through = incoming.eof ? incoming.offset >= end : incoming.offset + 1 >= end;
        if (!incoming.eof && incoming.offset < end) {
            take_chunk(scan, &incoming);
        }
        bf_incoming_release(&incoming);
        if (through) {
            return BF_OK;
        }
    }
}

/* Reads this task's part of belfry.checkpoints from `from` to its end. */
static enum bf_status run_scan(struct scan *scan, int64_t from, struct bf_err *err)
{
    struct bf_running *task = scan->task;
    struct bf_consumer *scanner = task->process->scanner;
    int64_t begin, end;
    task->set_count = 0;
    task->floor_offset = INT64_MAX;
    struct bf_position position = {.topic = BF_TOPIC_CHECKPOINTS,
                                   .partition = bf__process_chunk_partition(task)};
    enum bf_status status = bf_consumer_range(scanner, position.topic, position.partition, &begin, &end, err);
    position.offset = from > begin ? from : begin;
    if (status != BF_OK || position.offset >= end) {
        return status;
    }
    status = bf_consumer_assign(scanner, &position, 1, err);
    if (status == BF_OK) {
        status = read_chunks(scan, end, err);
    }
    forget_removed(task);
    struct bf_err ignored;
    enum bf_status unassigned = bf_consumer_assign(scanner, NULL, 0, &ignored);
    return status == BF_OK ? unassigned : status;
}

static enum bf_status first_start(struct bf_running *task, int64_t begin, struct bf_err *err)
{
    struct scan scan = {.task = task, .wanted = NULL, .blob = NULL, .found = 0};
    if (begin > 0) {
        bf_err_set(err, BF_FATAL, "%s has no checkpoint, and its log begins at %lld", task->name,
                   (long long)begin);
        bf_err_detail(err, "%lld records are gone", (long long)begin);
        bf_err_hint(err, "belfry topics shows the retention; a new installation begins with new topics");
        return BF_FATAL;
    }
    enum bf_status status = run_scan(&scan, 0, err);
    if (status == BF_OK && task->set_count > 0) {
        bf_err_set(err, BF_FATAL, "%s has chunks of checkpoints, but the group has no commit for it",
                   task->name);
        bf_err_hint(err,
                    "the group's offsets have expired (7 days without a member); the state is still there");
        return BF_FATAL;
    }
    task->manifest = (struct bf_manifest){.engine = BF_ENGINE_VERSION, .owner = task->owner};
    bf_hash_sha256_hex((struct bf_slice){NULL, 0}, task->manifest.digest);
    task->must_announce = true;
    return status;
}

static enum bf_status check(const struct bf_running *task, const struct bf_manifest *manifest, int64_t offset,
                            int64_t begin, struct bf_err *err)
{
    if (manifest->engine != BF_ENGINE_VERSION && !manifest->clean) {
        bf_err_set(err, BF_FATAL, "%s: its checkpoint is of engine %d, this is engine %d", task->name,
                   manifest->engine, BF_ENGINE_VERSION);
        bf_err_hint(err, "start the old version once more, stop it with TERM, then upgrade");
        return BF_FATAL;
    }
    if (begin > offset) {
        bf_err_set(err, BF_FATAL, "%s: the log begins at %lld, behind its checkpoint at %lld", task->name,
                   (long long)begin, (long long)offset);
        bf_err_detail(err, "%lld records are lost", (long long)(begin - offset));
        return BF_FATAL;
    }
    return BF_OK;
}

static enum bf_status load(struct bf_running *task, struct scan *scan, int64_t offset, bool *torn,
                           struct bf_err *err)
{
    const struct bf_manifest *manifest = scan->wanted;
    const struct bf_slice state = {scan->blob, (size_t)manifest->bytes};
    char digest[65];
    bf_hash_sha256_hex(state, digest);
    *torn = scan->found < manifest->chunks || strcmp(digest, manifest->digest) != 0;
    if (*torn) {
        bf_err_set(err, BF_FATAL, "%s: the chunks of its checkpoint at %lld do not hold its digest",
                   task->name, (long long)offset);
        bf_err_detail(err, "%u of %u chunks found", (unsigned)scan->found, (unsigned)manifest->chunks);
        return BF_FATAL;
    }
    if (manifest->bytes == 0) {
        return BF_OK; /* its owner had only just begun */
    }
    enum bf_status status = task->stage1 != NULL ? bf_stage1_load(task->stage1, state, err)
                                                 : bf_stage2_load(task->stage2, state, err);
    if (status == BF_AGAIN) {
        return bf_err_set(err, BF_FATAL, "%s: a generation of its checkpoint is not in belfry.config",
                          task->name);
    }
    return status;
}

static enum bf_status from_commit(struct bf_running *task, const char *text, int64_t offset, int64_t begin,
                                  bool *torn, struct bf_err *err)
{
    struct bf_manifest *manifest = &task->manifest;
    *torn = false;
    enum bf_status status = bf_manifest_parse(text, manifest, err);
    if (status == BF_OK) {
        status = check(task, manifest, offset, begin, err);
    }
    if (status != BF_OK) {
        return status;
    }
    struct scan scan = {.task = task, .wanted = manifest, .found = 0};
    scan.blob = calloc(1, manifest->bytes + 1);
    if (scan.blob == NULL) {
        return bf_err_set(err, BF_FATAL, "%s: out of memory for its checkpoint", task->name);
    }
    status = run_scan(&scan, manifest->from, err);
    if (status == BF_OK) {
        status = load(task, &scan, offset, torn, err);
    }
    free(scan.blob);
    task->next = offset;
    task->committed = offset;
    task->must_announce = manifest->clean;
    return status;
}

/* A torn checkpoint may be one that its owner has just replaced: then the commit has changed. */
enum bf_status bf__process_restore(struct bf_running *task, struct bf_err *err)
{
    struct bf_process *process = task->process;
    char text[BF_MANIFEST_TEXT + 1], before[BF_MANIFEST_TEXT + 1] = "";
    for (int i = 0; i < TRIES; i++) {
        int64_t offset, begin, end;
        bool torn;
        enum bf_status status = bf_consumer_committed(process->consumer, task->topic, task->partition,
                                                      &offset, text, sizeof(text), err);
        if (status == BF_OK) {
            status = bf_consumer_range(process->consumer, task->topic, task->partition, &begin, &end, err);
        }
        if (status != BF_OK || offset < 0) {
            return status == BF_OK ? first_start(task, begin, err) : status;
        }
        if (i > 0 && strcmp(text, before) == 0) {
            return BF_FATAL; /* err says why from the try before */
        }
        status = from_commit(task, text, offset, begin, &torn, err);
        if (status == BF_OK || !torn) {
            return status;
        }
        memcpy(before, text, sizeof(before));
        status = bf__process_new_stages(task, err);
        if (status != BF_OK) {
            return status;
        }
    }
    return BF_FATAL;
}
