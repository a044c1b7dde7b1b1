/* Why: what was refused is still there for a week, and so is the memory of what was fed back: in the same
 * log, so that the two cannot part. Declined: an index of rejects in Redis: its loss would replay all
 * again. */
#include "cli/reject_log.h"

#include <stdlib.h>

#include "config/city.h"
#include "core/hash.h"
#include "core/table.h"
#include "core/time.h"
#include "core/wire.h"

#define POLL_MS 200
#define QUIET_POLLS 50

struct replayed {
    uint64_t identity;
    uint64_t state;
};

struct bf_reject_log {
    struct bf_consumer *consumer;
    struct bf_table *replayed;
    int32_t partitions;
    struct bf_position positions[BF_PARTITIONS_MAX];
    int64_t ends[BF_PARTITIONS_MAX];
    bool through; /* the ends were reached */
    bool holding;
    struct bf_incoming held; /* what the last one borrows from */
};

enum bf_status bf_reject_log_open(const struct bf_kafka_options *options, const struct bf_install *install,
                                  struct bf_reject_log **log, struct bf_err *err)
{
    if (install->rejects > BF_PARTITIONS_MAX) {
        return bf_err_set(err, BF_LIMIT, "more than %d partitions", BF_PARTITIONS_MAX);
    }
    struct bf_reject_log *made = calloc(1, sizeof *made);
    struct bf_table *replayed = bf_table_create(BF_REPLAYED_MAX, sizeof(uint64_t), sizeof(struct replayed));
    if (made == NULL || replayed == NULL) {
        bf_table_destroy(replayed);
        free(made);
        return bf_err_set(err, BF_LIMIT, "no memory");
    }
    made->replayed = replayed;
    made->partitions = install->rejects;
    enum bf_status status = bf_consumer_create(options, NULL, false, &made->consumer, err);
    status = status == BF_OK ? bf_reject_log_rewind(made, err) : status;
    if (status != BF_OK) {
        bf_reject_log_close(made);
        return status;
    }
    *log = made;
    return BF_OK;
}

static void let_go(struct bf_reject_log *log)
{
    if (log->holding) {
        bf_incoming_release(&log->held);
        log->holding = false;
    }
}

void bf_reject_log_close(struct bf_reject_log *log)
{
    if (log == NULL) {
        return;
    }
    let_go(log);
    bf_consumer_destroy(log->consumer);
    bf_table_destroy(log->replayed);
    free(log);
}

enum bf_status bf_reject_log_rewind(struct bf_reject_log *log, struct bf_err *err)
{
    enum bf_status status = BF_OK;
    let_go(log);
    log->through = false;
    for (int32_t i = 0; status == BF_OK && i < log->partitions; i++) {
        struct bf_position *position = &log->positions[i];
        *position = (struct bf_position){.topic = BF_TOPIC_REJECTS, .partition = i};
        status = bf_consumer_range(log->consumer, BF_TOPIC_REJECTS, i, &position->offset, &log->ends[i], err);
    }
    return status == BF_OK ? bf_consumer_assign(log->consumer, log->positions, (size_t)log->partitions, err)
                           : status;
}

static bool at_ends(const struct bf_reject_log *log)
{
    for (int32_t i = 0; i < log->partitions; i++) {
        if (log->positions[i].offset < log->ends[i]) {
            return false;
        }
    }
    return true;
}

/* A message of QoS 0 has no serial of its own, and is never delivered again. */
static uint64_t identity_of(const struct bf_reject *reject, int32_t partition, int64_t offset)
{
    const struct bf_delivery *delivery = &reject->delivery;
    if (!reject->has_delivery) {
        return 0;
    }
    uint64_t identity = bf_hash64_mix(bf_hash64(delivery->ingest), delivery->payload_hash);
    if (delivery->packet_id == 0) {
        identity = bf_hash64_mix(bf_hash64_mix(identity, (uint64_t)partition), (uint64_t)offset);
    } else {
        identity =
            bf_hash64_mix(bf_hash64_mix(identity, (uint64_t)delivery->epoch), (uint64_t)delivery->serial);
    }
    return identity;
}

static enum bf_status take(struct bf_reject_log *log, const struct bf_incoming *incoming,
                           struct bf_rejected *rejected, struct bf_err *err)
{
    enum bf_record_type type;
    struct bf_replayed replayed;
    if (!bf_incoming_type(incoming, &type)) {
        return BF_AGAIN;
    }
    if (type == BF_RECORD_REPLAYED && bf_replayed_unpack(incoming->value, &replayed, NULL) == BF_OK) {
        enum bf_status status = bf_reject_log_note(log, replayed.identity, replayed.done, err);
        return status == BF_OK ? BF_AGAIN : status;
    }
    if (type != BF_RECORD_REJECT || bf_reject_unpack(incoming->value, &rejected->reject, NULL) != BF_OK) {
        return BF_AGAIN;
    }
    rejected->partition = incoming->partition;
    rejected->offset = incoming->offset;
    rejected->appended_ms = incoming->appended_ms;
    rejected->identity = identity_of(&rejected->reject, incoming->partition, incoming->offset);
    return BF_OK;
}

/* One record; AGAIN: none came, or it was no reject (*came). */
static enum bf_status read_one(struct bf_reject_log *log, int timeout_ms, struct bf_rejected *rejected,
                               bool *came, struct bf_err *err)
{
    enum bf_status status = bf_consumer_poll(log->consumer, timeout_ms, &log->held, err);
    *came = status == BF_OK;
    if (status != BF_OK) {
        return status;
    }
    log->holding = true;
    log->positions[log->held.partition].offset = log->held.offset + 1;
    return take(log, &log->held, rejected, err);
}

enum bf_status bf_reject_log_next(struct bf_reject_log *log, int timeout_ms, struct bf_rejected *rejected,
                                  struct bf_err *err)
{
    for (int quiet = 0;;) {
        bool came;
        let_go(log);
        if (!log->through && at_ends(log)) {
            log->through = true;
            return BF_AGAIN;
        }
        enum bf_status status = read_one(log, log->through ? timeout_ms : POLL_MS, rejected, &came, err);
        if (status != BF_AGAIN) {
            return status;
        }
        if (!came && log->through) {
            return BF_AGAIN;
        }
        quiet = came ? 0 : quiet + 1;
        if (quiet == QUIET_POLLS) {
            return bf_err_set(err, BF_PEER, "Kafka gives no more records of belfry.rejects");
        }
    }
}

enum bf_replayed_state bf_reject_log_state(const struct bf_reject_log *log, uint64_t identity)
{
    const struct replayed *found = bf_table_get(log->replayed, &identity);
    return found == NULL ? BF_REPLAYED_NO : (enum bf_replayed_state)found->state;
}

enum bf_status bf_reject_log_note(struct bf_reject_log *log, uint64_t identity, bool done, struct bf_err *err)
{
    struct replayed *found = bf_table_put(log->replayed, &identity, NULL);
    if (found == NULL) {
        return bf_err_set(err, BF_LIMIT, "more than %u rejects were replayed", BF_REPLAYED_MAX);
    }
    uint64_t state = done ? BF_REPLAYED_DONE : BF_REPLAYED_BEGUN;
    found->state = state > found->state ? state : found->state;
    return BF_OK;
}

static bool profile_matches(struct bf_slice profile, const char *wanted)
{
    struct bf_slice name = bf_slice_of(wanted);
    return bf_slice_equal(profile, name) || (profile.len > name.len && profile.data[name.len] == '@' &&
                                             memcmp(profile.data, name.data, name.len) == 0);
}

bool bf_reject_matches(const struct bf_rejected *rejected, const struct bf_reject_filter *filter)
{
    const struct bf_reject *reject = &rejected->reject;
    return (filter->reason == NULL || bf_slice_equal(reject->reason, bf_slice_of(filter->reason))) &&
           (filter->profile == NULL || profile_matches(reject->profile, filter->profile)) &&
           (filter->from_us == BF_TIME_NONE || reject->at_us >= filter->from_us) &&
           (filter->to_us == BF_TIME_NONE || reject->at_us < filter->to_us);
}

bool bf_reject_reason_known(const char *reason, const char **nearest)
{
    static const char *const names[] = {
#define X(name, stage, summary) #name,
#include "core/reasons.def"
#undef X
        NULL
    };
    for (size_t i = 0; names[i] != NULL; i++) {
        if (strcmp(names[i], reason) == 0) {
            return true;
        }
    }
    *nearest = bf_config_nearest(reason, names);
    return false;
}
