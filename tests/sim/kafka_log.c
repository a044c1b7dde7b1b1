/* kafka_log.c: partitions, and compaction of belfry.checkpoints. */
#include <assert.h>
#include <string.h>

#include "tests/sim/kafka.h"
#include "tests/sim/mqtt.h"

struct sim_log sim_logs[SIM_LOGS];
int64_t sim_kafka_away_us;
static struct sim_record *places[SIM_LOGS][SIM_LOG_RECORDS];

static const int32_t partition_counts[BF_TOPIC_COUNT] = {
    [BF_TOPIC_READINGS] = SIM_READINGS, [BF_TOPIC_REJECTS] = 1, [BF_TOPIC_PARTIALS] = SIM_PARTIALS,
    [BF_TOPIC_KPIS] = SIM_KPIS,         [BF_TOPIC_CONFIG] = 1,  [BF_TOPIC_CHECKPOINTS] = SIM_CHECKPOINTS,
};

int32_t sim_partitions(enum bf_topic topic)
{
    return partition_counts[topic];
}

struct sim_log *sim_log(enum bf_topic topic, int32_t partition)
{
    size_t at = 0;
    for (int t = 0; t < (int)topic; t++) {
        at += (size_t)partition_counts[t];
    }
    assert(partition >= 0 && partition < partition_counts[topic]);
    return &sim_logs[at + (size_t)partition];
}

void sim_kafka_reset(void)
{
    size_t at = 0;
    for (int topic = 0; topic < BF_TOPIC_COUNT; topic++) {
        for (int32_t p = 0; p < partition_counts[topic]; p++, at++) {
            sim_logs[at] =
                (struct sim_log){.topic = (enum bf_topic)topic, .partition = p, .records = places[at]};
        }
    }
    sim_kafka_away_us = 0;
    sim_producers_reset();
    sim_group_reset();
    sim_consumers_reset();
}

bool sim_kafka_answers(void)
{
    return sim_now() >= sim_kafka_away_us;
}

/* At once and thoroughly: what a reader may not rely upon is not there. */
static void compact(struct sim_log *log, const struct sim_record *newest)
{
    for (size_t i = log->count; i-- > 0;) {
        const struct sim_record *old = log->records[i];
        if (old != NULL && old != newest && bf_slice_equal(old->key, newest->key)) {
            log->records[i] = NULL;
            return;
        }
    }
}

struct sim_record *sim_log_append(struct sim_log *log, struct sim_record *record)
{
    if (log->count == SIM_LOG_RECORDS) {
        sim_fail("world", "a log is full");
        return record;
    }
    record->offset = (int64_t)log->count;
    record->appended_us = sim_now();
    log->records[log->count++] = record;
    if (log->topic == BF_TOPIC_CHECKPOINTS) {
        compact(log, record);
    }
    if (record->source != NULL) {
        sim_trace("log %d/%d at %lld: %s, readings %d+%d", (int)log->topic, (int)log->partition,
                  (long long)record->offset, bf_record_name(record->type), record->source->first_truth,
                  record->source->truths);
    }
    sim_consumers_wake(log);
    return record;
}

char *bf_topic_name(const struct bf_kafka_options *options, enum bf_topic topic, char *name, size_t size)
{
    (void)options;
    (void)topic;
    return size > 0 ? (name[0] = '\0', name) : name;
}

/* For the install record: only partition counts. */
const struct bf_topic_spec *bf_topic_specs(size_t *count)
{
    static struct bf_topic_spec specs[BF_TOPIC_COUNT];
    for (int topic = 0; topic < BF_TOPIC_COUNT; topic++) {
        specs[topic] =
            (struct bf_topic_spec){.topic = (enum bf_topic)topic, .partitions = partition_counts[topic]};
    }
    *count = BF_TOPIC_COUNT;
    return specs;
}
