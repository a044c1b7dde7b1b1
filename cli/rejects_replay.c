/* Why: a profile with a slip in it costs no data: what it refused is still there, and goes through once
 * more.
 *
 * Once, however often this runs: before a batch is published, a record that it is about to be stands in
 * belfry.rejects, and behind it one that the broker has acknowledged it. What stands between the two when a
 * run is cut short may have been published; that is said, and only --unsure publishes it again.
 * Declined: writing readings into the log here: only ingest has the right to (its serials, its order). */
#include <stdio.h>
#include <stdlib.h>

#include "cli/json_text.h"
#include "cli/pace.h"
#include "cli/publisher.h"
#include "cli/rejects.h"
#include "core/time.h"
#include "core/wire.h"
#include "ingest/decode/pipeline.h"

#define BATCH 64
#define BATCH_BYTES ((size_t)4 << 20)
#define WAIT_MS 30000
#define LINGER_MS 5
#define MAX_QUEUE 10000
#define SUMS 10

/* Where each reject went; the order is that of the sums. */
enum fate {
    FATE_PUBLISHED,
    FATE_REPEATED, /* replayed before, or a redelivery of one that was */
    FATE_UNSURE,
    FATE_REFUSED, /* the configuration in force refuses it, too */
    FATE_BY_PROFILE,
    FATE_PART,
    FATE_TASK,
    FATE_HASH,
    FATE_CUT,
    FATE_NO_TIME
};

static const struct {
    const char *name, *text;
} fates[SUMS] = {
    [FATE_PUBLISHED] = {"published", "published"},
    [FATE_REPEATED] = {"already", "were replayed already"},
    [FATE_UNSURE] = {"unsure", "may have been published by a run that was cut short (--unsure)"},
    [FATE_REFUSED] = {"refused", "would be refused again"},
    [FATE_BY_PROFILE] = {"by_profile", "give no reading, as their profile says"},
    [FATE_PART] = {"part", "are parts of messages whose other readings count"},
    [FATE_TASK] = {"task", "were refused behind ingest (late, at a limit): their payload is not kept"},
    [FATE_HASH] = {"hash_only", "are kept as a hash only (restricted profiles)"},
    [FATE_CUT] = {"cut", "were longer than what is kept of a payload (reject_payload)"},
    [FATE_NO_TIME] = {"no_time", "have no time of their own, which MQTT 3.1.1 cannot carry"},
};

struct entry {
    uint64_t identity;
    int32_t partition;
    int64_t at_us;
    size_t at, topic_len, payload_len; /* in the batch's bytes */
};

struct replay {
    const struct bf_rejects *rejects;
    struct bf_pipeline *pipeline;
    struct bf_producer *producer;
    struct bf_publisher *publisher;
    struct entry entries[BATCH];
    size_t count, used;
    char *bytes; /* BATCH_BYTES */
    uint64_t all, sums[SUMS];
    size_t readings; /* of the message at hand */
    bool estimated;  /* one of them has no time of its own */
    char refusal[40];
};

/* ---- what it would give now */

static void on_reading(void *context, const struct bf_reading *reading)
{
    struct replay *replay = context;
    replay->readings++;
    replay->estimated = replay->estimated || (reading->reasons & BF_REASON_ESTIMATED) != 0;
}

static void on_reject(void *context, const struct bf_reject *reject)
{
    struct replay *replay = context;
    (void)snprintf(replay->refusal, sizeof replay->refusal, "%.*s", BF_SLICE_ARG(reject->reason));
}

static void try_again(struct replay *replay, const struct bf_reject *reject)
{
    const struct bf_pipeline_input input = {.topic = reject->topic,
                                            .payload = reject->payload,
                                            .payload_len = reject->payload.len,
                                            .ingest_us = reject->at_us,
                                            .clock_us = reject->at_us,
                                            .delivery = reject->delivery};
    const struct bf_pipeline_output output = {.reading = on_reading, .reject = on_reject, .context = replay};
    replay->readings = 0;
    replay->estimated = false;
    (void)bf_pipeline_run(replay->pipeline, &input, &output);
}

static enum fate fate_of(struct replay *replay, const struct bf_rejected *rejected)
{
    const struct bf_reject *reject = &rejected->reject;
    if (reject->topic.len == 0 || rejected->identity == 0) {
        return FATE_TASK;
    }
    if (!reject->whole || reject->by_profile) {
        return reject->whole ? FATE_BY_PROFILE : FATE_PART;
    }
    if (reject->payload.len < reject->payload_len) {
        return reject->payload.len == 0 ? FATE_HASH : FATE_CUT;
    }
    enum bf_replayed_state state = bf_reject_log_state(replay->rejects->log, rejected->identity);
    if (state == BF_REPLAYED_DONE || (state == BF_REPLAYED_BEGUN && !replay->rejects->unsure)) {
        return state == BF_REPLAYED_DONE ? FATE_REPEATED : FATE_UNSURE;
    }
    try_again(replay, reject);
    if (replay->readings == 0) {
        return FATE_REFUSED;
    }
    return replay->estimated && replay->rejects->setting->site->mqtt.version != 5 ? FATE_NO_TIME
                                                                                  : FATE_PUBLISHED;
}

/* ---- a batch */

static enum bf_status mark(struct replay *replay, bool done, struct bf_err *err)
{
    enum bf_status status = BF_OK;
    for (size_t i = 0; status == BF_OK && i < replay->count; i++) {
        const struct entry *entry = &replay->entries[i];
        const struct bf_replayed record = {
            .identity = entry->identity, .at_us = bf_time_wall_us(), .done = done};
        char bytes[64];
        struct bf_mp_writer writer;
        bf_mp_writer_init(&writer, bytes, sizeof bytes);
        bf_replayed_pack(&record, &writer);
        const struct bf_outgoing outgoing = {.topic = BF_TOPIC_REJECTS,
                                             .partition = entry->partition,
                                             .key = {replay->bytes + entry->at, entry->topic_len},
                                             .value = {writer.data, writer.len},
                                             .type = BF_RECORD_REPLAYED};
        status = bf_producer_send_wait(replay->producer, &outgoing, NULL, err);
    }
    return status == BF_OK
               ? bf_producer_wait(replay->producer, bf_producer_handed(replay->producer), WAIT_MS, err)
               : status;
}

static enum bf_status publish(struct replay *replay, struct bf_err *err)
{
    enum bf_status status = BF_OK;
    for (size_t i = 0; status == BF_OK && i < replay->count; i++) {
        const struct entry *entry = &replay->entries[i];
        struct bf_slice topic = {replay->bytes + entry->at, entry->topic_len};
        struct bf_slice payload = {topic.data + topic.len, entry->payload_len};
        status = bf_publisher_send(replay->publisher, 0, topic, payload, entry->at_us, err);
    }
    return status == BF_OK ? bf_publisher_drain(replay->publisher, WAIT_MS, err) : status;
}

static enum bf_status flush(struct replay *replay, struct bf_err *err)
{
    if (replay->count == 0) {
        return BF_OK;
    }
    enum bf_status status = mark(replay, false, err);
    status = status == BF_OK ? publish(replay, err) : status;
    status = status == BF_OK ? mark(replay, true, err) : status;
    if (status == BF_OK) {
        replay->count = replay->used = 0;
    }
    return status;
}

static void say(const struct bf_rejects *rejects, const struct bf_reject *reject)
{
    char when[40];
    bf_time_format(reject->at_us, when, sizeof when);
    if (rejects->json) {
        printf("{\"at\":\"%s\",\"topic\":", when);
        bf_json_text(stdout, reject->topic);
        printf(",\"payload_bytes\":%llu}\n", (unsigned long long)reject->payload_len);
    } else {
        printf("%s %.*s, %llu bytes\n", when, BF_SLICE_ARG(reject->topic),
               (unsigned long long)reject->payload_len);
    }
}

/* It is the same from here on as if it had been replayed: a redelivery of it is not. */
static enum bf_status add(struct replay *replay, const struct bf_rejected *rejected, struct bf_err *err)
{
    const struct bf_reject *reject = &rejected->reject;
    size_t bytes = reject->topic.len + reject->payload.len;
    enum bf_status status = bf_reject_log_note(replay->rejects->log, rejected->identity, true, err);
    if (status != BF_OK || replay->rejects->dry_run) {
        say(replay->rejects, reject);
        return status;
    }
    if (replay->count == BATCH || replay->used + bytes > BATCH_BYTES) {
        status = flush(replay, err);
    }
    if (status != BF_OK || bytes > BATCH_BYTES) {
        return status == BF_OK ? bf_err_set(err, BF_LIMIT, "a payload of %zu bytes", bytes) : status;
    }
    struct entry *entry = &replay->entries[replay->count++];
    *entry = (struct entry){.identity = rejected->identity,
                            .partition = rejected->partition,
                            .at_us = reject->at_us,
                            .at = replay->used,
                            .topic_len = reject->topic.len,
                            .payload_len = reject->payload.len};
    memcpy(replay->bytes + replay->used, reject->topic.data, reject->topic.len);
    if (reject->payload.len > 0) {
        memcpy(replay->bytes + replay->used + reject->topic.len, reject->payload.data, reject->payload.len);
    }
    replay->used += bytes;
    return BF_OK;
}

/* ---- the run */

/* What is on record of earlier runs must be known before the first message goes out. */
static enum bf_status read_through(struct bf_reject_log *log, struct bf_err *err)
{
    struct bf_rejected rejected;
    enum bf_status status = BF_OK;
    while (status == BF_OK && !bf_pace_stopped()) {
        status = bf_reject_log_next(log, 0, &rejected, err);
    }
    return status == BF_AGAIN || status == BF_OK ? bf_reject_log_rewind(log, err) : status;
}

static enum bf_status replay_all(struct replay *replay, struct bf_err *err)
{
    enum bf_status status = read_through(replay->rejects->log, err);
    while (status == BF_OK && !bf_pace_stopped()) {
        struct bf_rejected rejected;
        status = bf_reject_log_next(replay->rejects->log, 0, &rejected, err);
        if (status != BF_OK || !bf_reject_matches(&rejected, &replay->rejects->filter)) {
            continue;
        }
        enum fate fate = fate_of(replay, &rejected);
        replay->all++;
        replay->sums[fate]++;
        if (fate == FATE_PUBLISHED) {
            status = add(replay, &rejected, err);
        }
    }
    status = status == BF_AGAIN ? BF_OK : status;
    return status == BF_OK ? flush(replay, err) : status;
}

static void print_sums(const struct replay *replay)
{
    if (replay->rejects->json) {
        printf("{\"rejects\":%llu", (unsigned long long)replay->all);
    } else {
        printf("%llu rejects\n", (unsigned long long)replay->all);
    }
    for (size_t i = 0; i < SUMS; i++) {
        if (replay->rejects->json) {
            printf(",\"%s\":%llu", fates[i].name, (unsigned long long)replay->sums[i]);
        } else if (replay->sums[i] > 0) {
            printf("%10llu %s%s\n", (unsigned long long)replay->sums[i],
                   i == FATE_PUBLISHED && replay->rejects->dry_run ? "would be " : "", fates[i].text);
        }
    }
    fputs(replay->rejects->json ? "}\n" : "", stdout);
}

static enum bf_status open_pipeline(struct replay *replay, struct bf_err *err)
{
    const struct bf_rejects *rejects = replay->rejects;
    const struct bf_pipeline_limits limits = bf_pipeline_limits_of(rejects->setting->site);
    struct bf_generation record;
    const struct bf_city *city;
    int64_t newest = bf_config_log_newest(rejects->config);
    enum bf_status status = bf_config_log_generation(rejects->config, newest, &record, &city, err);
    if (status == BF_AGAIN) {
        status = bf_err_set(err, BF_CONFIG, "no configuration is in force yet");
        bf_err_hint(err, "belfry reload puts one into force.");
    }
    return status == BF_OK ? bf_pipeline_create(city, &limits, &replay->pipeline, err) : status;
}

static enum bf_status open_ways(struct replay *replay, struct bf_err *err)
{
    const struct bf_rejects *rejects = replay->rejects;
    if (rejects->dry_run) {
        return BF_OK;
    }
    enum bf_status status = bf_producer_create(rejects->kafka, LINGER_MS, MAX_QUEUE, &replay->producer, err);
    if (status == BF_OK) {
        status = bf_publisher_open(rejects->setting->site, "belfry-rejects", 1, &replay->publisher, err);
    }
    if (status == BF_OK) {
        bf_publisher_once(replay->publisher);
    }
    return status;
}

enum bf_status bf_rejects_replay(const struct bf_rejects *rejects, struct bf_err *err)
{
    static struct replay replay;
    replay = (struct replay){.rejects = rejects};
    replay.bytes = malloc(BATCH_BYTES);
    enum bf_status status = replay.bytes == NULL ? bf_err_set(err, BF_LIMIT, "no memory") : BF_OK;
    status = status == BF_OK ? open_pipeline(&replay, err) : status;
    status = status == BF_OK ? open_ways(&replay, err) : status;
    status = status == BF_OK ? replay_all(&replay, err) : status;
    if (status == BF_OK) {
        print_sums(&replay);
    } else if (replay.count > 0) {
        fprintf(stderr, "belfry rejects: up to %zu messages may have been published; see --unsure\n",
                replay.count);
    }
    bf_publisher_close(replay.publisher);
    if (replay.producer != NULL) {
        bf_producer_destroy(replay.producer, 1000);
    }
    if (replay.pipeline != NULL) {
        bf_pipeline_destroy(replay.pipeline);
    }
    free(replay.bytes);
    return status;
}
