/* kafka_consumer.c: peers/kafka/consumer.h over simulated logs. Which of several partitions comes next is
 * chance; records of one partition come in runs, as from fetches. */
#include <assert.h>
#include <string.h>

#include "tests/sim/kafka.h"

#define CONSUMERS 48

struct place {
    bool assigned, paused, eof_told;
    int64_t next;
};
struct bf_consumer {
    bool used, eof, grouped, subscribed, fenced, was_member;
    struct sim_process *process;
    struct bf_group group;
    struct place places[SIM_LOGS];
    size_t at;    /* the log whose records come in a run */
    uint32_t run; /* how many more of them */
    enum bf_topic topics[SIM_LOGS];
    int32_t partitions[SIM_LOGS];
    int64_t offsets[SIM_LOGS];
};

static struct bf_consumer consumers[CONSUMERS];

void sim_consumers_reset(void)
{
    memset(consumers, 0, sizeof(consumers));
}

void sim_consumers_forget(struct sim_process *process)
{
    for (size_t i = 0; i < CONSUMERS; i++) {
        if (consumers[i].process == process) {
            consumers[i].used = false; /* the coordinator finds out by itself */
        }
    }
}

void sim_consumers_wake(const struct sim_log *log)
{
    size_t index = (size_t)(log - sim_logs);
    for (size_t i = 0; i < CONSUMERS; i++) {
        const struct bf_consumer *consumer = &consumers[i];
        if (consumer->used && consumer->places[index].assigned && !consumer->places[index].paused) {
            sim_wake(consumer->process);
        }
    }
}

struct sim_process *sim_consumer_process(const struct bf_consumer *consumer)
{
    return consumer->process;
}

enum bf_status bf_consumer_create(const struct bf_kafka_options *options, const struct bf_group *group,
                                  bool eof, struct bf_consumer **result, struct bf_err *err)
{
    (void)options;
    (void)err;
    sim_point();
    struct bf_consumer *consumer = consumers;
    while (consumer->used) {
        consumer++;
        assert(consumer < consumers + CONSUMERS);
    }
    memset(consumer, 0, sizeof(*consumer));
    consumer->used = true;
    consumer->eof = eof;
    consumer->process = sim_self();
    if (group != NULL) {
        consumer->grouped = true;
        consumer->group = *group;
    }
    *result = consumer;
    return BF_OK;
}

/* ---- assignments */
static size_t collect(struct bf_consumer *consumer, bool begin)
{
    size_t count = 0;
    for (size_t i = 0; i < SIM_LOGS; i++) {
        if (consumer->places[i].assigned) {
            consumer->topics[count] = sim_logs[i].topic;
            consumer->partitions[count] = sim_logs[i].partition;
            consumer->offsets[count++] = begin ? 0 : consumer->places[i].next;
        }
    }
    return count;
}

static void revoke(struct bf_consumer *consumer, bool lost)
{
    size_t count = collect(consumer, false);
    memset(consumer->places, 0, sizeof(consumer->places));
    if (count > 0 && consumer->grouped) {
        consumer->group.revoked(consumer->group.context, consumer->topics, consumer->partitions, count, lost);
    }
}

static enum bf_status assign(struct bf_consumer *consumer, struct bf_err *err)
{
    bool own[SIM_LOGS];
    sim_group_assigned(consumer, own);
    for (size_t i = 0; i < SIM_LOGS; i++) {
        consumer->places[i] = (struct place){.assigned = own[i]};
    }
    size_t count = collect(consumer, true);
    enum bf_status status =
        count == 0 ? BF_OK
                   : consumer->group.assigned(consumer->group.context, consumer->topics, consumer->partitions,
                                              consumer->offsets, count, err);
    for (size_t i = 0; i < count && status == BF_OK; i++) {
        size_t index = (size_t)(sim_log(consumer->topics[i], consumer->partitions[i]) - sim_logs);
        if (consumer->places[index].assigned) { /* not paused meanwhile, nor revoked */
            consumer->places[index].next = consumer->offsets[i];
        }
    }
    return status;
}

/* Whether it is put down to an outage depends on what the handle has heard: both are met. */
static enum bf_status fenced(struct bf_err *err)
{
    enum bf_status status = sim_draw(SIM_NET, 2) == 0 ? BF_FATAL : BF_PEER;
    return bf_err_set(err, status, "fenced: another handle has joined under this instance id");
}

/* Membership: what librdkafka does inside poll. */
static enum bf_status follow_group(struct bf_consumer *consumer, struct bf_err *err)
{
    if (!consumer->grouped || !consumer->subscribed || !sim_kafka_answers()) {
        return BF_OK;
    }
    if (consumer->fenced) {
        return fenced(err);
    }
    bool was_member = consumer->was_member;
    consumer->was_member = true;
    switch (sim_group_turn(consumer, consumer->group.instance_id,
                           (int64_t)consumer->group.session_ms * BF_US_PER_MS, was_member)) {
    case SIM_GROUP_REVOKE:
        revoke(consumer, false);
        return BF_OK;
    case SIM_GROUP_LOST:
        revoke(consumer, true);
        return BF_OK;
    case SIM_GROUP_FENCED:
        consumer->fenced = true;
        revoke(consumer, true);
        return fenced(err);
    case SIM_GROUP_ASSIGN:
        return assign(consumer, err);
    case SIM_GROUP_NOTHING:
        break;
    }
    return BF_OK;
}

void bf_consumer_destroy(struct bf_consumer *consumer)
{
    if (consumer != NULL) {
        revoke(consumer, false);
        sim_group_close(consumer);
        consumer->used = false;
    }
}

enum bf_status bf_consumer_subscribe(struct bf_consumer *consumer, const enum bf_topic *topics, size_t count,
                                     struct bf_err *err)
{
    (void)err;
    assert(count == 2 && topics[0] == BF_TOPIC_READINGS && topics[1] == BF_TOPIC_PARTIALS);
    consumer->subscribed = true;
    return BF_OK;
}

enum bf_status bf_consumer_assign(struct bf_consumer *consumer, const struct bf_position *positions,
                                  size_t count, struct bf_err *err)
{
    (void)err;
    sim_point();
    memset(consumer->places, 0, sizeof(consumer->places));
    consumer->run = 0;
    for (size_t i = 0; i < count; i++) {
        struct sim_log *log = sim_log(positions[i].topic, positions[i].partition);
        int64_t next = positions[i].offset;
        next = next == BF_OFFSET_BEGINNING ? 0 : next == BF_OFFSET_END ? (int64_t)log->count : next;
        consumer->places[log - sim_logs] = (struct place){.assigned = true, .next = next};
    }
    return BF_OK;
}

enum bf_status bf_consumer_seek(struct bf_consumer *consumer, const struct bf_position *position,
                                struct bf_err *err)
{
    struct place *place = &consumer->places[sim_log(position->topic, position->partition) - sim_logs];
    if (!place->assigned) {
        return bf_err_set(err, BF_AGAIN, "not assigned");
    }
    place->next = position->offset;
    return BF_OK;
}

enum bf_status bf_consumer_pause(struct bf_consumer *consumer, enum bf_topic topic, int32_t partition,
                                 bool pause, struct bf_err *err)
{
    struct place *place = &consumer->places[sim_log(topic, partition) - sim_logs];
    if (!place->assigned) {
        return bf_err_set(err, BF_AGAIN, "not assigned");
    }
    place->paused = pause;
    return BF_OK;
}

bool bf_consumer_connected(const struct bf_consumer *consumer)
{
    (void)consumer;
    return sim_kafka_answers();
}

/* ---- records out */
static const struct sim_record *look(struct bf_consumer *consumer, size_t index)
{
    struct place *place = &consumer->places[index];
    const struct sim_log *log = &sim_logs[index];
    if (!place->assigned || place->paused || sim_now() < log->hidden_until_us) {
        return NULL;
    }
    while (place->next < (int64_t)log->count && log->records[place->next] == NULL) {
        place->next++; /* compacted away */
    }
    return place->next < (int64_t)log->count ? log->records[place->next] : NULL;
}

static bool take_record(struct bf_consumer *consumer, struct bf_incoming *incoming)
{
    if (consumer->run == 0 || look(consumer, consumer->at) == NULL) {
        size_t first = sim_draw(SIM_NET, SIM_LOGS), i = 0;
        while (i < SIM_LOGS && look(consumer, (first + i) % SIM_LOGS) == NULL) {
            i++;
        }
        if (i == SIM_LOGS) {
            return false;
        }
        consumer->at = (first + i) % SIM_LOGS;
        consumer->run = 1 + sim_draw(SIM_NET, 24);
    }
    struct place *place = &consumer->places[consumer->at];
    const struct sim_log *log = &sim_logs[consumer->at];
    struct sim_record *record = log->records[place->next];
    consumer->run--;
    place->eof_told = false;
    *incoming = (struct bf_incoming){.topic = log->topic,
                                     .partition = log->partition,
                                     .offset = place->next++,
                                     .appended_ms = (SIM_EPOCH_US + record->appended_us) / BF_US_PER_MS,
                                     .key = record->key,
                                     .value = record->value,
                                     .has_key = record->has_key,
                                     .tombstone = record->tombstone,
                                     .handle = record};
    return true;
}

static bool take_eof(struct bf_consumer *consumer, struct bf_incoming *incoming)
{
    for (size_t i = 0; consumer->eof && i < SIM_LOGS; i++) {
        struct place *place = &consumer->places[i];
        const struct sim_log *log = &sim_logs[i];
        if (place->assigned && !place->paused && !place->eof_told && place->next >= (int64_t)log->count &&
            sim_now() >= log->hidden_until_us) {
            place->eof_told = true;
            *incoming = (struct bf_incoming){
                .topic = log->topic, .partition = log->partition, .offset = place->next, .eof = true};
            return true;
        }
    }
    return false;
}

enum bf_status bf_consumer_poll(struct bf_consumer *consumer, int timeout_ms, struct bf_incoming *incoming,
                                struct bf_err *err)
{
    sim_point();
    for (int tries = 0; tries < 2; tries++) {
        enum bf_status status = follow_group(consumer, err);
        if (status != BF_OK) {
            return status;
        }
        if (sim_kafka_answers() && (take_record(consumer, incoming) || take_eof(consumer, incoming))) {
            return BF_OK;
        }
        if (timeout_ms == 0 || tries > 0) {
            break;
        }
        sim_wait(sim_now() + sim_stretch(timeout_ms));
    }
    return BF_AGAIN;
}

bool bf_incoming_type(const struct bf_incoming *incoming, enum bf_record_type *type)
{
    const struct sim_record *record = incoming->handle;
    *type = record->type;
    return true;
}

struct bf_slice bf_incoming_header(const struct bf_incoming *incoming, const char *name)
{
    const struct sim_record *record = incoming->handle;
    bool origin = strcmp(name, "bf-origin") == 0, last = strcmp(name, "last") == 0 && record->last.len > 0;
    return origin ? record->origin : last ? record->last : (struct bf_slice){NULL, 0};
}

void bf_incoming_release(struct bf_incoming *incoming)
{
    (void)incoming;
}

/* ---- questions */
static enum bf_status ask(struct bf_err *err)
{
    sim_point();
    if (sim_kafka_answers()) {
        return BF_OK;
    }
    sim_wait(sim_now() + 2 * SECOND);
    return sim_kafka_answers() ? BF_OK : bf_err_set(err, BF_PEER, "Kafka does not answer");
}

enum bf_status bf_consumer_reach(struct bf_consumer *consumer, int timeout_ms, struct bf_err *err)
{
    (void)consumer;
    (void)timeout_ms;
    return ask(err);
}

const char *bf_consumer_reason(const struct bf_consumer *consumer)
{
    (void)consumer;
    return "";
}

enum bf_commit bf_consumer_commit(struct bf_consumer *consumer, const struct bf_position *position,
                                  const char *metadata, struct bf_err *err)
{
    sim_point();
    sim_hang_here(&consumer->process->commit_hang_us);
    struct sim_log *log = sim_log(position->topic, position->partition);
    enum sim_answer answer = sim_group_commit(consumer, log, position->offset, metadata);
    sim_point();
    if (answer == SIM_SILENT) {
        sim_wait(sim_now() + 1 * SECOND);
        (void)bf_err_set(err, BF_PEER, "no answer to a commit");
        return BF_COMMIT_UNKNOWN;
    }
    if (answer == SIM_REFUSED) {
        (void)bf_err_set(err, BF_AGAIN, "a commit was refused");
    }
    return answer == SIM_DONE ? BF_COMMIT_DONE : BF_COMMIT_REFUSED;
}

enum bf_status bf_consumer_committed(struct bf_consumer *consumer, enum bf_topic topic, int32_t partition,
                                     int64_t *offset, char *metadata, size_t size, struct bf_err *err)
{
    (void)consumer;
    const char *text;
    enum bf_status status = ask(err);
    if (status != BF_OK) {
        return status;
    }
    if (sim_draw(SIM_NET, 200) < sim_commit_silent) {
        return bf_err_set(err, BF_PEER, "no answer to a question for a commit");
    }
    metadata[0] = '\0';
    *offset = -1;
    if (sim_group_committed(sim_log(topic, partition), offset, &text)) {
        assert(strlen(text) < size);
        memcpy(metadata, text, strlen(text) + 1);
    }
    return BF_OK;
}

enum bf_status bf_consumer_range(struct bf_consumer *consumer, enum bf_topic topic, int32_t partition,
                                 int64_t *begin, int64_t *end, struct bf_err *err)
{
    (void)consumer;
    enum bf_status status = ask(err);
    *begin = 0;
    *end = (int64_t)sim_log(topic, partition)->count;
    return status;
}

enum bf_status bf_consumer_partitions(struct bf_consumer *consumer, enum bf_topic topic, int32_t *count,
                                      struct bf_err *err)
{
    (void)consumer;
    *count = sim_partitions(topic);
    return ask(err);
}
