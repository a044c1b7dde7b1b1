/* kafka.h: all that belfry wants of Kafka, and the only place with librdkafka's header: options and topics
 * here, records into it in producer.h, records out of it in consumer.h (both included).
 * Properties that the promise rests on are refused in the `librdkafka:` map (options.c lists them).
 *
 * Owner: creator.   Thread: any here.
 * Errors: PEER where a retry may help, else FATAL; CONFIG for settings. */
#ifndef BF_PEERS_KAFKA_H
#define BF_PEERS_KAFKA_H

#include <stdint.h>

#include "core/err.h"
#include "core/record.h"
#include "core/slice.h"

enum bf_topic {
    BF_TOPIC_READINGS,
    BF_TOPIC_REJECTS,
    BF_TOPIC_PARTIALS,
    BF_TOPIC_KPIS,
    BF_TOPIC_SIGNALS,
    BF_TOPIC_ALERTS,
    BF_TOPIC_CONFIG,
    BF_TOPIC_CHECKPOINTS,
    BF_TOPIC_COUNT
};

struct bf_property {
    const char *name, *value;
};

struct bf_kafka_options {
    const char *brokers;
    const char *prefix;                   /* "belfry": topics are <prefix>.readings, ... */
    const char *client_id;                /* shown in the broker's logs */
    const struct bf_property *properties; /* the librdkafka: map */
    size_t property_count;
};

/* "<prefix>.readings"; writes into name, returns it. */
char *bf_topic_name(const struct bf_kafka_options *options, enum bf_topic topic, char *name, size_t size);

/* ---- topics: made and checked (cleanup policy, retention, LogAppendTime, partition counts) */
struct bf_topic_spec {
    enum bf_topic topic;
    const char *name; /* without prefix */
    int32_t partitions;
    const char *const *settings; /* NULL-terminated: name, value, name, value */
};
/* All of them; *count entries. */
const struct bf_topic_spec *bf_topic_specs(size_t *count);
struct bf_topic_state {
    int32_t partitions; /* found; 0: the topic is missing */
    bool made;          /* by this call */
    char differs[160];  /* settings that differ: "cleanup.policy=delete (not compact)"; empty: none */
};
/* Looks at every topic; makes what is missing where `make` says so (an embedded cluster has its topics and
 * knows no settings). `states` has BF_TOPIC_COUNT places. */
enum bf_status bf_topics_check(const struct bf_kafka_options *options, int16_t replication, bool make,
                               struct bf_topic_state *states, struct bf_err *err) BF_MUST_CHECK;
/* Makes what is missing and checks the rest. CONFIG where an existing topic has another partition count,
 * or loses what belfry needs (cleanup policy, LogAppendTime). *created: how many were made. */
enum bf_status bf_topics_ensure(const struct bf_kafka_options *options, int16_t replication, int *created,
                                struct bf_err *err) BF_MUST_CHECK;
/* Makes one topic, in a prefix of its own for what a command writes. CONFIG where it is there already. */
enum bf_status bf_topic_make(const struct bf_kafka_options *options, enum bf_topic topic, int16_t replication,
                             struct bf_err *err) BF_MUST_CHECK;

#include "peers/kafka/consumer.h"
#include "peers/kafka/producer.h"

#endif
