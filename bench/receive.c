/* receive.c: the floor of ingest: a bare Paho receiver (MQTTAsync, QoS 1, persistent session, callback before
 * PUBACK) that counts; with --brokers it also hands each payload to a bare librdkafka producer (idempotent,
 * acks=all, LZ4, 5 ms), as fast as that goes and without waiting for anything.
 * receive --port P --count N [--brokers B --topic T]: prints "ready", then, after N messages, JSON. */
#include <MQTTAsync.h>
#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/measure.h"
#include "core/time.h"

#define PARTITIONS 12

struct receiver {
    MQTTAsync client;
    rd_kafka_t *kafka;
    rd_kafka_topic_t *topic;
    uint64_t wanted;
    _Atomic uint64_t received;
    int64_t first_us, first_cpu_us, last_us;
    pthread_mutex_t lock;
    pthread_cond_t done;
    bool subscribed, finished;
};

static void produce(struct receiver *receiver, const MQTTAsync_message *message, uint64_t number)
{
    static const char key[] = "bench:dev-00000";
    while (rd_kafka_produce(receiver->topic, (int32_t)(number % PARTITIONS), RD_KAFKA_MSG_F_COPY,
                            message->payload, (size_t)message->payloadlen, key, sizeof key - 1, NULL) != 0) {
        if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
            bench_fail("librdkafka does not take a message");
        }
        (void)rd_kafka_poll(receiver->kafka, 10);
    }
    if (number % 64 == 0) {
        (void)rd_kafka_poll(receiver->kafka, 0);
    }
}

static void tell(struct receiver *receiver, bool *what)
{
    pthread_mutex_lock(&receiver->lock);
    *what = true;
    pthread_cond_broadcast(&receiver->done);
    pthread_mutex_unlock(&receiver->lock);
}

static int arrived(void *context, char *topic, int topic_len, MQTTAsync_message *message)
{
    struct receiver *receiver = context;
    uint64_t number = receiver->received + 1;
    (void)topic_len;
    if (number == 1) {
        receiver->first_us = bf_time_monotonic_us();
        receiver->first_cpu_us = bench_cpu_us();
    }
    if (receiver->kafka) {
        produce(receiver, message, number);
    }
    receiver->received = number;
    MQTTAsync_freeMessage(&message);
    MQTTAsync_free(topic);
    if (number == receiver->wanted) {
        receiver->last_us = bf_time_monotonic_us();
        tell(receiver, &receiver->finished);
    }
    return 1;
}

static void failed(void *context, MQTTAsync_failureData *data)
{
    (void)context;
    bench_fail(data && data->message ? data->message : "MQTT says no");
}

static void subscribed(void *context, MQTTAsync_successData *data)
{
    struct receiver *receiver = context;
    (void)data;
    tell(receiver, &receiver->subscribed);
}

static void connected(void *context, MQTTAsync_successData *data)
{
    struct receiver *receiver = context;
    MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;
    (void)data;
    options.onSuccess = subscribed;
    options.onFailure = failed;
    options.context = receiver;
    if (MQTTAsync_subscribe(receiver->client, "bench/#", 1, &options) != MQTTASYNC_SUCCESS) {
        bench_fail("could not subscribe");
    }
}

static void connect_mqtt(struct receiver *receiver, const char *port)
{
    char url[64];
    MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
    (void)snprintf(url, sizeof url, "tcp://127.0.0.1:%s", port);
    if (MQTTAsync_create(&receiver->client, url, "bench-receive", MQTTCLIENT_PERSISTENCE_NONE, NULL) !=
            MQTTASYNC_SUCCESS ||
        MQTTAsync_setCallbacks(receiver->client, receiver, NULL, arrived, NULL) != MQTTASYNC_SUCCESS) {
        bench_fail("could not make an MQTT client");
    }
    options.keepAliveInterval = 60;
    options.cleansession = 1;
    options.onSuccess = connected;
    options.onFailure = failed;
    options.context = receiver;
    if (MQTTAsync_connect(receiver->client, &options) != MQTTASYNC_SUCCESS) {
        bench_fail("could not connect to the MQTT broker");
    }
}

static void connect_kafka(struct receiver *receiver, const char *brokers, const char *topic)
{
    static const char *const settings[][2] = {
        {"enable.idempotence", "true"},  {"linger.ms", "5"},
        {"compression.codec", "lz4"},    {"socket.nagle.disable", "true"},
        {"broker.address.family", "v4"},
    };
    char why[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        if (rd_kafka_conf_set(conf, settings[i][0], settings[i][1], why, sizeof why) != RD_KAFKA_CONF_OK) {
            bench_fail(why);
        }
    }
    (void)rd_kafka_conf_set(conf, "bootstrap.servers", brokers, why, sizeof why);
    receiver->kafka = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
    if (!receiver->kafka) {
        bench_fail(why);
    }
    receiver->topic = rd_kafka_topic_new(receiver->kafka, topic, NULL);
}

static void await(struct receiver *receiver, const bool *what)
{
    pthread_mutex_lock(&receiver->lock);
    while (!*what) {
        pthread_cond_wait(&receiver->done, &receiver->lock);
    }
    pthread_mutex_unlock(&receiver->lock);
}

int main(int argc, char **argv)
{
    static struct receiver receiver = {.lock = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};
    const char *brokers = bench_argument(argc, argv, "--brokers", NULL);
    receiver.wanted = strtoull(bench_argument(argc, argv, "--count", "100000"), NULL, 10);
    if (brokers) {
        connect_kafka(&receiver, brokers, bench_argument(argc, argv, "--topic", "belfry.readings"));
    }
    connect_mqtt(&receiver, bench_argument(argc, argv, "--port", "1883"));
    await(&receiver, &receiver.subscribed);
    (void)printf("ready\n");
    (void)fflush(stdout);
    await(&receiver, &receiver.finished);
    if (receiver.kafka && rd_kafka_flush(receiver.kafka, 30000) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        bench_fail("Kafka did not acknowledge everything");
    }
    double cpu = (double)(bench_cpu_us() - receiver.first_cpu_us), count = (double)receiver.wanted;
    double seconds = (double)(receiver.last_us - receiver.first_us) / 1e6;
    (void)printf("{\"received\":%llu,\"seconds\":%.3f,\"rate\":%.0f,\"cpu_us\":%.2f}\n",
                 (unsigned long long)receiver.received, seconds, count / seconds, cpu / count);
    (void)fflush(stdout);
    _Exit(EXIT_SUCCESS); /* Paho's and librdkafka's threads need no farewell */
}
