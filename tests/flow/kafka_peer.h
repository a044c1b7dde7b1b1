/* kafka_peer.h: the Kafka that the flow tests of peers/kafka and config/log run against: the embedded
 * cluster, or with BELFRY_TEST_APACHE=1 a real Apache Kafka. Each test takes a prefix of its own there.
 * Thread: main. */
#ifndef BF_TESTS_KAFKA_PEER_H
#define BF_TESTS_KAFKA_PEER_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "peers/kafka/kafka.h"
#include "tests/support/peers.h"

#define SKIPPED 77

static struct bf_peer kafka_peer;
static struct bf_kafka_options kafka_options = {.prefix = "belfry", .client_id = "flow"};

static inline bool kafka_is_apache(void)
{
    const char *apache = getenv("BELFRY_TEST_APACHE");
    return apache && strcmp(apache, "1") == 0;
}

/* 0, or the exit code with which the program ends. */
static inline int kafka_start(void)
{
    struct bf_err err = {.status = BF_OK};
    int created = 0;
    kafka_peer.kind = kafka_is_apache() ? BF_PEER_APACHE_KAFKA : BF_PEER_KAFKA;
    if (!bf_peer_available(kafka_peer.kind)) {
        (void)fprintf(stderr, "skipped: no Kafka of the wanted kind\n");
        return SKIPPED;
    }
    enum bf_status status = bf_peer_start(&kafka_peer, &err);
    kafka_options.brokers = kafka_peer.address;
    if (status == BF_OK) {
        status = bf_topics_ensure(&kafka_options, 1, &created, &err);
    }
    if (status != BF_OK) {
        char text[1024];
        (void)fprintf(stderr, "%s\n", bf_err_format(&err, text, sizeof text));
        bf_peer_stop(&kafka_peer);
        return 1;
    }
    return 0;
}

/* Fails the test with the error's words. */
#define OK(call)                                                                     \
    do {                                                                             \
        struct bf_err err = {.status = BF_OK};                                       \
        if ((call) != BF_OK) {                                                       \
            fail_msg("%s: %s (%s)", #call, err.message, err.detail);                 \
        }                                                                            \
    } while (0)

#endif
