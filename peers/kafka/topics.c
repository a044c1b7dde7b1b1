/* topics.c: belfry's topics, made and checked.
 *
 * Partition counts are fixed under live state, so another count than the table's is an error, as is what
 * would lose state or time: the cleanup policy and the kind of timestamp. Everything else (retention above
 * all) is the operator's to change; it is reported, not refused.
 * LogAppendTime everywhere: retention must not see the times that devices claim. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "peers/kafka/client.h"

#define HOURS_24 "86400000"
#define DAYS_7 "604800000"
#define DAYS_30 "2592000000"
#define COMMON                                                                                     \
    "message.timestamp.type", "LogAppendTime", "max.message.bytes", "1048588"

static const char *const day[] = {COMMON, "cleanup.policy", "delete", "retention.ms", HOURS_24, NULL};
static const char *const week[] = {COMMON, "cleanup.policy", "delete", "retention.ms", DAYS_7, NULL};
static const char *const month[] = {COMMON, "cleanup.policy", "delete", "retention.ms", DAYS_30, NULL};
/* Rejects hold payloads of whatever a device sends: 256 MiB a partition, whichever comes first. */
static const char *const capped[] = {COMMON,            "cleanup.policy", "delete",        "retention.ms",
                                     DAYS_7,            "retention.bytes", "268435456",    "segment.bytes",
                                     "67108864",        NULL};
/* A segment is compacted only after it was closed, so it must close in time. */
static const char *const compacted[] = {COMMON,           "cleanup.policy", "compact",
                                        "segment.bytes",  "67108864",       "segment.ms",
                                        "600000",         "min.cleanable.dirty.ratio", "0.2", NULL};

static const struct bf_topic_spec specs[BF_TOPIC_COUNT] = {
    [BF_TOPIC_READINGS] = {.topic = BF_TOPIC_READINGS, .name = "readings", .partitions = 12, .settings = day},
    [BF_TOPIC_REJECTS] = {.topic = BF_TOPIC_REJECTS, .name = "rejects", .partitions = 4, .settings = capped},
    [BF_TOPIC_PARTIALS] = {.topic = BF_TOPIC_PARTIALS, .name = "partials", .partitions = 4, .settings = day},
    [BF_TOPIC_KPIS] = {.topic = BF_TOPIC_KPIS, .name = "kpis", .partitions = 4, .settings = week},
    [BF_TOPIC_SIGNALS] = {.topic = BF_TOPIC_SIGNALS, .name = "signals", .partitions = 1, .settings = week},
    [BF_TOPIC_ALERTS] = {.topic = BF_TOPIC_ALERTS, .name = "alerts", .partitions = 1, .settings = month},
    [BF_TOPIC_CONFIG] = {.topic = BF_TOPIC_CONFIG, .name = "config", .partitions = 1, .settings = compacted},
    [BF_TOPIC_CHECKPOINTS] = {.topic = BF_TOPIC_CHECKPOINTS, .name = "checkpoints", .partitions = 12,
                              .settings = compacted},
};

static const char *const needed[] = {"cleanup.policy", "message.timestamp.type"};

const struct bf_topic_spec *bf_topic_specs(size_t *count)
{
    *count = BF_TOPIC_COUNT;
    return specs;
}

/* What one call works with. */
struct check {
    const struct bf_kafka_options *options;
    rd_kafka_t *rk;
    rd_kafka_queue_t *queue;
    struct bf_topic_state *states;
    bool one; /* only this topic is to be made */
    enum bf_topic topic;
};

static bool is_missing(const struct check *check, int topic)
{
    return check->states[topic].partitions == 0 && (!check->one || (int)check->topic == topic);
}

static enum bf_status list_topics(struct check *check, struct bf_err *err)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_resp_err_t code = rd_kafka_metadata(check->rk, 1, NULL, &metadata, BF__CALL_MS);
    if (code) {
        enum bf_status status =
            bf_err_set(err, BF_PEER, "could not list Kafka's topics: %s", rd_kafka_err2str(code));
        bf_err_detail(err, "brokers: %s", check->options->brokers);
        return status;
    }
    for (int topic = 0; topic < BF_TOPIC_COUNT; topic++) {
        char name[BF__TOPIC_NAME_MAX];
        bf_topic_name(check->options, (enum bf_topic)topic, name, sizeof name);
        check->states[topic].partitions = 0;
        for (int i = 0; i < metadata->topic_cnt; i++) {
            if (strcmp(metadata->topics[i].topic, name) == 0) {
                check->states[topic].partitions = metadata->topics[i].partition_cnt;
            }
        }
    }
    rd_kafka_metadata_destroy(metadata);
    return BF_OK;
}

static rd_kafka_NewTopic_t *new_topic(const struct check *check, int topic, int16_t replication)
{
    char name[BF__TOPIC_NAME_MAX];
    char why[256];
    bf_topic_name(check->options, (enum bf_topic)topic, name, sizeof name);
    rd_kafka_NewTopic_t *made =
        rd_kafka_NewTopic_new(name, specs[topic].partitions, replication, why, sizeof why);
    assert(made); /* only bad arguments fail */
    for (const char *const *its = specs[topic].settings; *its; its += 2) {
        (void)rd_kafka_NewTopic_set_config(made, its[0], its[1]);
    }
    if (replication >= 3) { /* else acks=all would be content with the leader alone */
        (void)rd_kafka_NewTopic_set_config(made, "min.insync.replicas", "2");
    }
    return made;
}

static enum bf_status read_created(rd_kafka_event_t *event, struct bf_err *err)
{
    if (!event || rd_kafka_event_error(event)) {
        return bf_err_set(err, BF_PEER, "could not make Kafka topics: %s",
                          event ? rd_kafka_event_error_string(event) : "no answer");
    }
    size_t count;
    const rd_kafka_topic_result_t **results =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
    for (size_t i = 0; i < count; i++) {
        rd_kafka_resp_err_t code = rd_kafka_topic_result_error(results[i]);
        if (code && code != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) {
            enum bf_status status = bf_err_set(err, BF_PEER, "could not make the Kafka topic %s",
                                               rd_kafka_topic_result_name(results[i]));
            const char *why = rd_kafka_topic_result_error_string(results[i]);
            bf_err_detail(err, "%s", why ? why : rd_kafka_err2str(code));
            return status;
        }
    }
    return BF_OK;
}

static enum bf_status make_missing(struct check *check, int16_t replication, struct bf_err *err)
{
    rd_kafka_NewTopic_t *missing[BF_TOPIC_COUNT];
    size_t count = 0;
    for (int topic = 0; topic < BF_TOPIC_COUNT; topic++) {
        if (is_missing(check, topic)) {
            missing[count++] = new_topic(check, topic, replication);
            check->states[topic].made = true;
        }
    }
    if (count == 0) {
        return BF_OK;
    }
    rd_kafka_AdminOptions_t *how = rd_kafka_AdminOptions_new(check->rk, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    (void)rd_kafka_AdminOptions_set_operation_timeout(how, BF__CALL_MS, NULL, 0);
    rd_kafka_CreateTopics(check->rk, missing, count, how, check->queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(check->queue, 3 * BF__CALL_MS);
    enum bf_status status = read_created(event, err);
    if (event) {
        rd_kafka_event_destroy(event);
    }
    rd_kafka_AdminOptions_destroy(how);
    rd_kafka_NewTopic_destroy_array(missing, count);
    /* The answer may come before the metadata shows them. */
    for (int turn = 0; status == BF_OK && turn < 100; turn++) {
        status = list_topics(check, err);
        size_t absent = 0;
        for (int topic = 0; topic < BF_TOPIC_COUNT; topic++) {
            absent += is_missing(check, topic);
        }
        if (absent == 0) {
            break;
        }
        (void)rd_kafka_poll(check->rk, 50);
    }
    return status;
}

static void compare(const rd_kafka_ConfigResource_t *resource, const struct bf_topic_spec *spec,
                    struct bf_topic_state *state)
{
    size_t count;
    const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(resource, &count);
    size_t used = 0;
    for (const char *const *its = spec->settings; *its; its += 2) {
        for (size_t i = 0; i < count; i++) {
            const char *value = rd_kafka_ConfigEntry_value(entries[i]);
            if (strcmp(rd_kafka_ConfigEntry_name(entries[i]), its[0]) != 0 || !value ||
                strcmp(value, its[1]) == 0) {
                continue;
            }
            int len = snprintf(state->differs + used, sizeof state->differs - used, "%s%s=%s (not %s)",
                               used ? ", " : "", its[0], value, its[1]);
            used += len > 0 ? (size_t)len : 0;
            if (used >= sizeof state->differs) {
                return;
            }
        }
    }
}

static enum bf_status read_settings(struct check *check, struct bf_err *err)
{
    rd_kafka_ConfigResource_t *asked[BF_TOPIC_COUNT];
    size_t count = 0;
    for (int topic = 0; topic < BF_TOPIC_COUNT; topic++) {
        char name[BF__TOPIC_NAME_MAX];
        bf_topic_name(check->options, (enum bf_topic)topic, name, sizeof name);
        if (check->states[topic].partitions > 0) {
            asked[count++] = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, name);
        }
    }
    if (count == 0) {
        return BF_OK;
    }
    rd_kafka_DescribeConfigs(check->rk, asked, count, NULL, check->queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(check->queue, 3 * BF__CALL_MS);
    rd_kafka_ConfigResource_destroy_array(asked, count);
    if (!event || rd_kafka_event_error(event)) {
        enum bf_status status = bf_err_set(err, BF_PEER, "could not read the settings of Kafka's topics: %s",
                                           event ? rd_kafka_event_error_string(event) : "no answer");
        if (event) {
            rd_kafka_event_destroy(event);
        }
        return status;
    }
    size_t found;
    const rd_kafka_ConfigResource_t **resources = rd_kafka_DescribeConfigs_result_resources(
        rd_kafka_event_DescribeConfigs_result(event), &found);
    for (size_t i = 0; i < found; i++) {
        for (int topic = 0; topic < BF_TOPIC_COUNT; topic++) {
            char name[BF__TOPIC_NAME_MAX];
            bf_topic_name(check->options, (enum bf_topic)topic, name, sizeof name);
            if (strcmp(rd_kafka_ConfigResource_name(resources[i]), name) == 0) {
                compare(resources[i], &specs[topic], &check->states[topic]);
            }
        }
    }
    rd_kafka_event_destroy(event);
    return BF_OK;
}

static enum bf_status look(struct check *check, int16_t replication, bool make, struct bf_err *err)
{
    enum bf_status status = list_topics(check, err);
    if (status != BF_OK || bf__kafka_is_embedded(check->rk)) {
        return status;
    }
    if (make) {
        status = make_missing(check, replication, err);
    }
    return status == BF_OK ? read_settings(check, err) : status;
}

static enum bf_status open_check(struct check *check, struct bf_err *err)
{
    rd_kafka_conf_t *conf;
    memset(check->states, 0, BF_TOPIC_COUNT * sizeof *check->states);
    enum bf_status status = bf__kafka_conf(check->options, NULL, NULL, &conf, err);
    if (status == BF_OK) {
        status = bf__kafka_new(RD_KAFKA_PRODUCER, conf, &check->rk, err);
    }
    if (status == BF_OK) {
        check->queue = rd_kafka_queue_new(check->rk);
    }
    return status;
}

static void close_check(struct check *check)
{
    rd_kafka_queue_destroy(check->queue);
    rd_kafka_destroy(check->rk);
}

enum bf_status bf_topics_check(const struct bf_kafka_options *options, int16_t replication, bool make,
                               struct bf_topic_state *states, struct bf_err *err)
{
    struct check check = {.options = options, .states = states};
    enum bf_status status = open_check(&check, err);
    if (status == BF_OK) {
        status = look(&check, replication, make, err);
        close_check(&check);
    }
    return status;
}

/* The embedded cluster makes a topic, with four partitions, when it is asked for by name. */
static enum bf_status make_embedded(struct check *check, struct bf_err *err)
{
    char name[BF__TOPIC_NAME_MAX];
    const struct rd_kafka_metadata *metadata;
    bf_topic_name(check->options, check->topic, name, sizeof name);
    rd_kafka_topic_t *handle = rd_kafka_topic_new(check->rk, name, NULL);
    rd_kafka_resp_err_t code = rd_kafka_metadata(check->rk, 0, handle, &metadata, BF__CALL_MS);
    if (!code) {
        rd_kafka_metadata_destroy(metadata);
    }
    rd_kafka_topic_destroy(handle);
    return code ? bf_err_set(err, BF_PEER, "could not make the Kafka topic %s: %s", name,
                             rd_kafka_err2str(code))
                : list_topics(check, err);
}

enum bf_status bf_topic_make(const struct bf_kafka_options *options, enum bf_topic topic, int16_t replication,
                             struct bf_err *err)
{
    struct bf_topic_state states[BF_TOPIC_COUNT];
    struct check check = {.options = options, .states = states, .one = true, .topic = topic};
    char name[BF__TOPIC_NAME_MAX];
    enum bf_status status = open_check(&check, err);
    if (status != BF_OK) {
        return status;
    }
    status = list_topics(&check, err);
    if (status == BF_OK && states[topic].partitions > 0) {
        status = bf_err_set(err, BF_CONFIG, "there is a Kafka topic %s already",
                            bf_topic_name(options, topic, name, sizeof name));
    }
    if (status == BF_OK) {
        status = bf__kafka_is_embedded(check.rk) ? make_embedded(&check, err)
                                                 : make_missing(&check, replication, err);
    }
    if (status == BF_OK && states[topic].partitions != specs[topic].partitions) {
        status = bf_err_set(err, BF_PEER, "Kafka made %s with %d partitions, not %d",
                            bf_topic_name(options, topic, name, sizeof name), (int)states[topic].partitions,
                            (int)specs[topic].partitions);
    }
    close_check(&check);
    return status;
}

static enum bf_status judge(const struct bf_kafka_options *options, int topic,
                            const struct bf_topic_state *state, struct bf_err *err)
{
    char name[BF__TOPIC_NAME_MAX];
    bf_topic_name(options, (enum bf_topic)topic, name, sizeof name);
    if (state->partitions == 0) {
        return bf_err_set(err, BF_PEER, "Kafka has no topic %s", name);
    }
    if (state->partitions != specs[topic].partitions) {
        enum bf_status status = bf_err_set(err, BF_CONFIG, "the Kafka topic %s has %d partitions, not %d",
                                           name, (int)state->partitions, (int)specs[topic].partitions);
        bf_err_hint(err, "Partition counts are fixed under live state: use another prefix, or delete it.");
        return status;
    }
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        if (strstr(state->differs, needed[i])) {
            enum bf_status status =
                bf_err_set(err, BF_CONFIG, "belfry cannot work with the settings of the topic %s", name);
            bf_err_detail(err, "%s", state->differs);
            return status;
        }
    }
    if (state->differs[0]) {
        bf_log(BF_LOG_WARN, "kafka.topic.differs", "topic=%s settings=%s", name, state->differs);
    }
    return BF_OK;
}

enum bf_status bf_topics_ensure(const struct bf_kafka_options *options, int16_t replication,
                                int *created, struct bf_err *err)
{
    struct bf_topic_state states[BF_TOPIC_COUNT];
    enum bf_status status = bf_topics_check(options, replication, true, states, err);
    int made = 0;
    for (int topic = 0; status == BF_OK && topic < BF_TOPIC_COUNT; topic++) {
        made += states[topic].made;
        status = judge(options, topic, &states[topic], err);
    }
    if (status == BF_OK && created) {
        *created = made;
    }
    return status;
}
