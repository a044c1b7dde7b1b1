/* Why: a checkpoint is read in earnest only when something has gone wrong, which is late to learn that it
 * cannot be. Declined: a copy of restore's scan for older chunks: here only what is committed matters. */
#include "cli/saved.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/hash.h"
#include "core/time.h"
#include "core/wire.h"
#include "processors/stage1.h"
#include "processors/stage2.h"

#define PLANS_MAX 64
#define POLL_MS 200
#define QUIET_POLLS 50
#define TRIES 5

struct bf_saved_reader {
    struct bf_config_log *log;
    const struct bf_install *install;
    struct bf_consumer *group, *chunks;
    char group_id[128];
    struct bf_kpi_plan *plans[PLANS_MAX];
    size_t plan_count;
};

/* ---- a reader that asks for a group's commits and never joins it */

static enum bf_status assigned(void *context, const enum bf_topic *topics, const int32_t *partitions,
                               int64_t *offsets, size_t count, struct bf_err *err)
{
    (void)context;
    (void)topics;
    (void)partitions;
    (void)offsets;
    (void)count;
    return bf_err_set(err, BF_FATAL, "a reader of checkpoints was given partitions");
}

static void revoked(void *context, const enum bf_topic *topics, const int32_t *partitions, size_t count,
                    bool lost)
{
    (void)context;
    (void)topics;
    (void)partitions;
    (void)count;
    (void)lost;
}

enum bf_status bf_saved_open(const struct bf_kafka_options *options, struct bf_config_log *log,
                             struct bf_saved_reader **reader, struct bf_err *err)
{
    struct bf_saved_reader *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return bf_err_set(err, BF_LIMIT, "no memory");
    }
    made->log = log;
    made->install = bf_config_log_install(log);
    (void)snprintf(made->group_id, sizeof made->group_id, "%s-process", options->prefix);
    const struct bf_group group = {.id = made->group_id, .assigned = assigned, .revoked = revoked};
    enum bf_status status = bf_consumer_create(options, &group, false, &made->group, err);
    status = status == BF_OK ? bf_consumer_create(options, NULL, true, &made->chunks, err) : status;
    if (status != BF_OK) {
        bf_saved_close(made);
        return status;
    }
    *reader = made;
    return BF_OK;
}

void bf_saved_close(struct bf_saved_reader *reader)
{
    if (reader == NULL) {
        return;
    }
    bf_consumer_destroy(reader->group);
    bf_consumer_destroy(reader->chunks);
    for (size_t i = 0; i < reader->plan_count; i++) {
        bf_kpi_plan_destroy(reader->plans[i]);
    }
    free(reader);
}

size_t bf_saved_count(const struct bf_saved_reader *reader)
{
    return (size_t)reader->install->readings + (size_t)reader->install->partials;
}

static void name_of(const struct bf_saved_reader *reader, size_t number, struct bf_saved *saved)
{
    size_t readings = (size_t)reader->install->readings;
    bool first = number < readings;
    saved->topic = first ? BF_TOPIC_READINGS : BF_TOPIC_PARTIALS;
    saved->partition = (int32_t)(first ? number : number - readings);
    (void)snprintf(saved->name, sizeof saved->name, "%.*s/%s/%d", BF_SLICE_ARG(reader->install->id),
                   first ? "s1" : "s2", (int)saved->partition);
    saved->task = saved->name + reader->install->id.len + 1;
}

size_t bf_saved_find(const struct bf_saved_reader *reader, const char *name)
{
    size_t count = bf_saved_count(reader);
    for (size_t i = 0; i < count; i++) {
        struct bf_saved saved;
        name_of(reader, i, &saved);
        if (strcmp(name, saved.task) == 0 || strcmp(name, saved.name) == 0) {
            return i;
        }
    }
    return count;
}

/* ---- the commit */

static void fault(struct bf_saved *saved, const struct bf_err *err)
{
    bf_err_format(err, saved->fault, sizeof saved->fault);
}

/* What the restore of belfry-process would refuse, too. */
static void judge_commit(struct bf_saved *saved)
{
    struct bf_err err = {.message = ""};
    if (saved->offset < 0 && saved->begin > 0) {
        bf_err_set(&err, BF_FATAL, "nothing is committed, and the log begins at %lld",
                   (long long)saved->begin);
    } else if (saved->offset >= 0 && saved->begin > saved->offset) {
        bf_err_set(&err, BF_FATAL, "the log begins at %lld: %lld records behind the checkpoint are lost",
                   (long long)saved->begin, (long long)(saved->begin - saved->offset));
    } else if (saved->offset > saved->end) {
        bf_err_set(&err, BF_FATAL, "the log ends at %lld, before the checkpoint", (long long)saved->end);
    } else if (saved->offset >= 0 && saved->manifest.engine != BF_ENGINE_VERSION && !saved->manifest.clean) {
        bf_err_set(&err, BF_FATAL, "it is of engine %d and not a clean stop; this is engine %d",
                   saved->manifest.engine, BF_ENGINE_VERSION);
    } else {
        return;
    }
    fault(saved, &err);
}

static enum bf_status read_commit(struct bf_saved_reader *reader, struct bf_saved *saved, struct bf_err *err)
{
    char text[BF_MANIFEST_TEXT + 1];
    struct bf_err bad;
    enum bf_status status =
        bf_consumer_range(reader->chunks, saved->topic, saved->partition, &saved->begin, &saved->end, err);
    if (status == BF_OK) {
        status = bf_consumer_committed(reader->group, saved->topic, saved->partition, &saved->offset, text,
                                       sizeof text, err);
    }
    if (status != BF_OK) {
        return status;
    }
    saved->fault[0] = '\0';
    if (saved->offset >= 0 && bf_manifest_parse(text, &saved->manifest, &bad) != BF_OK) {
        fault(saved, &bad);
        saved->manifest = (struct bf_manifest){.engine = 0};
    } else {
        judge_commit(saved);
    }
    return BF_OK;
}

/* ---- the chunks */

static int32_t chunk_partition(const struct bf_saved_reader *reader, const struct bf_saved *saved)
{
    return bf_hash_partition(bf_slice_of(saved->name), reader->install->checkpoints);
}

/* Its chunk, or false. */
static bool take_chunk(struct bf_saved *saved, const struct bf_incoming *incoming, uint32_t index, char *blob)
{
    const struct bf_manifest *manifest = &saved->manifest;
    uint64_t owner, number;
    uint32_t its;
    struct bf_chunk chunk;
    if (incoming->eof || incoming->tombstone || incoming->offset != manifest->offsets[index] ||
        !bf_chunk_parse_key(incoming->key, saved->name, &owner, &number, &its) || its != index ||
        owner != manifest->owner || number != manifest->number ||
        bf_chunk_unpack(incoming->value, &chunk, NULL) != BF_OK) {
        return false;
    }
    saved->written_ms = incoming->appended_ms;
    size_t at = (size_t)index * BF_CHUNK_BYTES;
    if (at + chunk.bytes.len > manifest->bytes) {
        return false;
    }
    if (blob != NULL) {
        memcpy(blob + at, chunk.bytes.data, chunk.bytes.len);
    }
    return true;
}

/* The next record at or behind `offset`: AGAIN at the end of the log. */
static enum bf_status next_record(struct bf_saved_reader *reader, struct bf_incoming *incoming,
                                  struct bf_err *err)
{
    enum bf_status status = BF_AGAIN;
    for (int quiet = 0; status == BF_AGAIN && quiet < QUIET_POLLS; quiet++) {
        status = bf_consumer_poll(reader->chunks, POLL_MS, incoming, err);
    }
    return status == BF_AGAIN ? bf_err_set(err, BF_PEER, "Kafka gives no records of belfry.checkpoints")
                              : status;
}

/* Chunks [first, chunks) into blob (or nowhere). One that is not there is a fault. */
static enum bf_status read_chunks(struct bf_saved_reader *reader, struct bf_saved *saved, uint32_t first,
                                  char *blob, struct bf_err *err)
{
    const struct bf_manifest *manifest = &saved->manifest;
    uint32_t index = first;
    struct bf_position position = {.topic = BF_TOPIC_CHECKPOINTS,
                                   .partition = chunk_partition(reader, saved),
                                   .offset = manifest->offsets[first]};
    int64_t begin, end;
    enum bf_status status =
        bf_consumer_range(reader->chunks, position.topic, position.partition, &begin, &end, err);
    bool within = position.offset >= begin && position.offset < end;
    if (status == BF_OK && within) {
        status = bf_consumer_assign(reader->chunks, &position, 1, err);
    }
    while (status == BF_OK && within && index < manifest->chunks) {
        struct bf_incoming incoming;
        status = next_record(reader, &incoming, err);
        if (status != BF_OK) {
            break;
        }
        index += take_chunk(saved, &incoming, index, blob);
        within = !incoming.eof && (index == manifest->chunks || incoming.offset < manifest->offsets[index]);
        bf_incoming_release(&incoming);
    }
    if (status == BF_OK && index < manifest->chunks) {
        struct bf_err gone;
        bf_err_set(&gone, BF_FATAL, "chunk %u of %u is not at offset %lld of belfry.checkpoints",
                   (unsigned)index, (unsigned)manifest->chunks, (long long)manifest->offsets[index]);
        fault(saved, &gone);
    }
    struct bf_err ignored;
    enum bf_status unassigned = bf_consumer_assign(reader->chunks, NULL, 0, &ignored);
    return status == BF_OK ? unassigned : status;
}

enum bf_status bf_saved_look(struct bf_saved_reader *reader, size_t number, struct bf_saved *saved,
                             struct bf_err *err)
{
    assert(number < bf_saved_count(reader));
    *saved = (struct bf_saved){.offset = -1, .written_ms = -1};
    name_of(reader, number, saved);
    enum bf_status status = read_commit(reader, saved, err);
    if (status == BF_OK && saved->manifest.chunks > 0) {
        bool sound = saved->fault[0] == '\0';
        status = read_chunks(reader, saved, saved->manifest.chunks - 1, NULL, err);
        if (sound && saved->fault[0] != '\0') {
            saved->written_ms = -1;
        }
    }
    return status;
}

/* ---- a task that goes on from it */

static enum bf_status plan_of(void *context, int64_t generation, const struct bf_kpi_plan **plan,
                              struct bf_err *err)
{
    struct bf_saved_reader *reader = context;
    struct bf_generation record;
    const struct bf_city *city;
    for (size_t i = 0; i < reader->plan_count; i++) {
        if (reader->plans[i]->generation == generation) {
            *plan = reader->plans[i];
            return BF_OK;
        }
    }
    enum bf_status status = bf_config_log_generation(reader->log, generation, &record, &city, err);
    if (status != BF_OK) {
        return status == BF_AGAIN ? bf_err_set(err, BF_FATAL, "generation %lld is not in belfry.config",
                                               (long long)generation)
                                  : status;
    }
    if (reader->plan_count == PLANS_MAX) {
        return bf_err_set(err, BF_LIMIT, "more than %d generations", PLANS_MAX);
    }
    struct bf_kpi_plan **made = &reader->plans[reader->plan_count];
    status = bf_kpi_plan_create(city, generation, record.from_us, made, err);
    if (status == BF_OK) {
        reader->plan_count++;
        *plan = *made;
    }
    return status;
}

static void swallow(void *context, const struct bf_output *output)
{
    (void)context;
    (void)output;
}

/* Loads `state` into a new task, and saves that into `again`. */
static enum bf_status load_and_save(struct bf_saved_reader *reader, const struct bf_saved *saved,
                                    struct bf_slice state, struct bf_mp_writer *again,
                                    struct bf_saved_tables *tables, struct bf_err *err)
{
    const struct bf_task_options options = {.partition = saved->partition,
                                            .install = reader->install,
                                            .definitions = plan_of,
                                            .definitions_context = reader,
                                            .emit = swallow};
    struct bf_stage1 *first = NULL;
    struct bf_stage2 *second = NULL;
    enum bf_status status;
    if (saved->topic == BF_TOPIC_READINGS) {
        status = bf_stage1_create(&options, &first, err);
        status = status == BF_OK ? bf_stage1_load(first, state, err) : status;
        if (status == BF_OK) {
            tables->status = bf_stage1_status(first);
            bf_stage1_save(first, again);
        }
    } else {
        status = bf_stage2_create(&options, &second, err);
        status = status == BF_OK ? bf_stage2_load(second, state, err) : status;
        if (status == BF_OK) {
            tables->status = bf_stage2_status(second);
            bf_stage2_save(second, again);
        }
    }
    tables->loaded = status == BF_OK;
    bf_stage1_destroy(first);
    bf_stage2_destroy(second);
    return status;
}

static enum bf_status check_state(struct bf_saved_reader *reader, struct bf_saved *saved,
                                  struct bf_slice state, struct bf_saved_tables *tables, struct bf_err *err)
{
    char digest[65];
    struct bf_mp_writer again;
    struct bf_err bad = {.message = ""};
    bf_hash_sha256_hex(state, digest);
    if (strcmp(digest, saved->manifest.digest) != 0) {
        bf_err_set(&bad, BF_FATAL, "its chunks do not hold its digest");
        fault(saved, &bad);
        return BF_OK;
    }
    char *bytes = malloc(state.len + 1);
    if (bytes == NULL) {
        return bf_err_set(err, BF_LIMIT, "no memory for a state of %zu bytes", state.len);
    }
    bf_mp_writer_init(&again, bytes, state.len + 1);
    if (load_and_save(reader, saved, state, &again, tables, &bad) != BF_OK) {
        fault(saved, &bad);
    } else if (again.full || !bf_slice_equal((struct bf_slice){again.data, again.len}, state)) {
        bf_err_set(&bad, BF_FATAL, "a task that loaded it saves other bytes (%zu%s, not %zu)", again.len,
                   again.full ? " or more" : "", state.len);
        fault(saved, &bad);
    }
    free(bytes);
    return BF_OK;
}

static enum bf_status verify_once(struct bf_saved_reader *reader, struct bf_saved *saved,
                                  struct bf_saved_tables *tables, struct bf_err *err)
{
    const struct bf_manifest *manifest = &saved->manifest;
    enum bf_status status = read_commit(reader, saved, err);
    if (status != BF_OK || saved->fault[0] != '\0' || saved->offset < 0 || manifest->bytes == 0) {
        return status; /* nothing committed, or its owner had only just begun */
    }
    char *blob = malloc(manifest->bytes + 1);
    if (blob == NULL) {
        return bf_err_set(err, BF_LIMIT, "no memory for a state of %llu bytes",
                          (unsigned long long)manifest->bytes);
    }
    status = read_chunks(reader, saved, 0, blob, err);
    if (status == BF_OK && saved->fault[0] == '\0') {
        status = check_state(reader, saved, (struct bf_slice){blob, (size_t)manifest->bytes}, tables, err);
    }
    free(blob);
    return status;
}

enum bf_status bf_saved_verify(struct bf_saved_reader *reader, size_t number, struct bf_saved *saved,
                               struct bf_saved_tables *tables, struct bf_err *err)
{
    assert(number < bf_saved_count(reader));
    enum bf_status status = BF_OK;
    uint64_t before = 0;
    for (int i = 0; status == BF_OK && i < TRIES; i++) {
        *saved = (struct bf_saved){.offset = -1, .written_ms = -1};
        *tables = (struct bf_saved_tables){.loaded = false};
        name_of(reader, number, saved);
        status = verify_once(reader, saved, tables, err);
        /* Its chunks may go when the next checkpoint is committed: then the commit has changed. */
        bool changed = i == 0 || saved->manifest.number != before;
        before = saved->manifest.number;
        if (saved->fault[0] == '\0' || !changed) {
            break;
        }
    }
    return status;
}
