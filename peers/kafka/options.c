/* options.c: from belfry's settings and the user's `librdkafka:` map to a librdkafka configuration.
 *
 * What the promise rests on (acknowledgement by all replicas, no message time-out, no automatic commit, no
 * silent reset) is set last and refused in the map, with the reason: a property that is quietly ignored
 * would be worse than an error. Everything else, security above all, is the user's.
 * Declined: a list of *allowed* properties: it would age with every version of the library. */
#include "peers/kafka/client.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/log.h"

#define DESTROY_S 1

struct owned {
    const char *name, *why;
};

/* Aliases count: librdkafka accepts either name. */
static const struct owned owned_properties[] = {
    {.name = "bootstrap.servers", .why = "it is `brokers`"},
    {.name = "metadata.broker.list", .why = "it is `brokers`"},
    {.name = "client.id", .why = "belfry names its clients after the process"},
    {.name = "acks", .why = "a reading counts as stored only when all replicas have it"},
    {.name = "request.required.acks", .why = "a reading counts as stored only when all replicas have it"},
    {.name = "enable.idempotence", .why = "without it a retry could double or reorder records"},
    {.name = "message.timeout.ms", .why = "a record may never be given up"},
    {.name = "delivery.timeout.ms", .why = "a record may never be given up"},
    {.name = "retries", .why = "a record may never be given up"},
    {.name = "message.send.max.retries", .why = "a record may never be given up"},
    {.name = "transactional.id", .why = "belfry does not write in transactions"},
    {.name = "partitioner", .why = "belfry chooses the partition of every record"},
    {.name = "partition.assignment.strategy", .why = "members must agree, and others misbehave before 2.6"},
    {.name = "group.id", .why = "the positions of tasks hang on it"},
    {.name = "group.instance.id", .why = "it is the `id` of the process"},
    {.name = "session.timeout.ms", .why = "it is `session` of the process"},
    {.name = "enable.auto.commit", .why = "a position is committed only with its checkpoint"},
    {.name = "auto.commit.enable", .why = "a position is committed only with its checkpoint"},
    {.name = "enable.auto.offset.store", .why = "a position is committed only with its checkpoint"},
    {.name = "auto.offset.reset", .why = "a lost position must be seen, not skipped"},
    {.name = "isolation.level", .why = "reading to the end means to the high watermark"},
    {.name = "enable.partition.eof", .why = "belfry decides where it needs the end of a partition"},
    {.name = "test.mock.num.brokers", .why = "each process would talk to a cluster of its own"},
};

static const struct bf_property common_defaults[] = {
    {.name = "socket.nagle.disable", .value = "true"}, /* else 40 ms now and then */
    {.name = "reconnect.backoff.max.ms", .value = "2000"},
    {.name = "topic.metadata.refresh.interval.ms", .value = "60000"},
    {.name = "broker.address.family", .value = "v4"},
    {.name = "log.connection.close", .value = "false"},
    {.name = NULL},
};

static const char *const topic_names[BF_TOPIC_COUNT] = {
    [BF_TOPIC_READINGS] = "readings", [BF_TOPIC_REJECTS] = "rejects",
    [BF_TOPIC_PARTIALS] = "partials", [BF_TOPIC_KPIS] = "kpis",
    [BF_TOPIC_SIGNALS] = "signals",   [BF_TOPIC_ALERTS] = "alerts",
    [BF_TOPIC_CONFIG] = "config",     [BF_TOPIC_CHECKPOINTS] = "checkpoints",
};

char *bf_topic_name(const struct bf_kafka_options *options, enum bf_topic topic, char *name, size_t size)
{
    assert((unsigned)topic < BF_TOPIC_COUNT);
    const char *prefix = options->prefix ? options->prefix : "belfry";
    int len = snprintf(name, size, "%s.%s", prefix, topic_names[topic]);
    assert(len > 0 && (size_t)len < size);
    return name;
}

static void log_line(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    enum bf_log_level ours = level <= 3   ? BF_LOG_ERROR
                             : level == 4 ? BF_LOG_WARN
                             : level <= 6 ? BF_LOG_INFO
                                          : BF_LOG_DEBUG;
    if (strstr(text, "will be ignored by this")) { /* one map serves producers and consumers */
        ours = BF_LOG_DEBUG;
    }
    bf_log(ours, "kafka.client", "client=%s facility=%s text=%s", rd_kafka_name(rk), facility, text);
}

static enum bf_status set(rd_kafka_conf_t *conf, const struct bf_property *property, struct bf_err *err)
{
    char why[256];
    if (rd_kafka_conf_set(conf, property->name, property->value, why, sizeof why) == RD_KAFKA_CONF_OK) {
        return BF_OK;
    }
    enum bf_status status = bf_err_set(err, BF_CONFIG, "Kafka property %s cannot be set", property->name);
    bf_err_detail(err, "%s", why);
    return status;
}

static enum bf_status set_all(rd_kafka_conf_t *conf, const struct bf_property *list, struct bf_err *err)
{
    for (; list && list->name; list++) {
        enum bf_status status = set(conf, list, err);
        if (status != BF_OK) {
            return status;
        }
    }
    return BF_OK;
}

static enum bf_status set_map(rd_kafka_conf_t *conf, const struct bf_kafka_options *options,
                              struct bf_err *err)
{
    for (size_t i = 0; i < options->property_count; i++) {
        const struct bf_property *property = &options->properties[i];
        for (size_t j = 0; j < sizeof owned_properties / sizeof *owned_properties; j++) {
            if (strcmp(property->name, owned_properties[j].name) == 0) {
                enum bf_status status =
                    bf_err_set(err, BF_CONFIG, "librdkafka: %s belongs to belfry", property->name);
                bf_err_detail(err, "%s", owned_properties[j].why);
                bf_err_hint(err, "Remove it from the librdkafka: map.");
                return status;
            }
        }
        enum bf_status status = set(conf, property, err);
        if (status != BF_OK) {
            bf_err_hint(err, "Correct or remove it in the librdkafka: map.");
            return status;
        }
    }
    return BF_OK;
}

enum bf_status bf__kafka_conf(const struct bf_kafka_options *options, const struct bf_property *defaults,
                              const struct bf_property *owned, rd_kafka_conf_t **conf, struct bf_err *err)
{
    if (!options->brokers || !options->brokers[0]) {
        return bf_err_set(err, BF_CONFIG, "no Kafka brokers are configured");
    }
    if (options->prefix && strlen(options->prefix) > BF__TOPIC_NAME_MAX - 16) {
        return bf_err_set(err, BF_CONFIG, "the Kafka topic prefix is too long");
    }
    const struct bf_property identity[] = {
        {.name = "bootstrap.servers", .value = options->brokers},
        {.name = "client.id", .value = options->client_id ? options->client_id : "belfry"},
        {.name = NULL},
    };
    rd_kafka_conf_t *made = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(made, log_line);
    enum bf_status status = set_all(made, common_defaults, err);
    if (status == BF_OK) {
        status = set_all(made, defaults, err);
    }
    if (status == BF_OK) {
        status = set_map(made, options, err);
    }
    if (status == BF_OK) {
        status = set_all(made, identity, err);
    }
    if (status == BF_OK) {
        status = set_all(made, owned, err);
    }
    if (status != BF_OK) {
        rd_kafka_conf_destroy(made);
        return status;
    }
    *conf = made;
    return BF_OK;
}

enum bf_status bf__kafka_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, rd_kafka_t **rk, struct bf_err *err)
{
    char why[256];
    *rk = rd_kafka_new(type, conf, why, sizeof why);
    if (*rk) {
        return BF_OK;
    }
    rd_kafka_conf_destroy(conf);
    enum bf_status status = bf_err_set(err, BF_CONFIG, "could not make a Kafka client");
    bf_err_detail(err, "%s", why);
    return status;
}

bool bf__kafka_is_embedded(rd_kafka_t *rk)
{
    char *id = rd_kafka_clusterid(rk, BF__CALL_MS);
    bool embedded = id && strncmp(id, "mockCluster", 11) == 0;
    if (id) {
        rd_kafka_mem_free(rk, id);
    }
    return embedded;
}

struct ending {
    rd_kafka_t *rk;
    int flags;
};

static void *destroy(void *context)
{
    struct ending ending = *(struct ending *)context;
    free(context);
    rd_kafka_destroy_flags(ending.rk, ending.flags);
    return NULL;
}

/* rd_kafka_destroy waits for librdkafka's own threads, and one of these may wait for ever for the answer of a
 * coordinator that has gone (seen with 2.0.2 while a commit was under way). */
bool bf__kafka_destroy(rd_kafka_t *rk, int flags)
{
    pthread_t thread;
    struct timespec until;
    char name[200];
    (void)snprintf(name, sizeof name, "%s", rd_kafka_name(rk));
    struct ending *ending = malloc(sizeof *ending);
    if (ending) {
        *ending = (struct ending){.rk = rk, .flags = flags};
    }
    if (!ending || pthread_create(&thread, NULL, destroy, ending) != 0) {
        free(ending);
        rd_kafka_destroy_flags(rk, flags);
        return true;
    }
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += DESTROY_S;
    if (pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &until) == 0) {
        return true;
    }
    (void)pthread_detach(thread);
    bf_log(BF_LOG_WARN, "kafka.left", "client=%s reason=\"librdkafka does not end while Kafka is away\"",
           name);
    return false;
}
