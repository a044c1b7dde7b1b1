/* The librdkafka: map: what the promise rests on is refused with its reason; the rest is the user's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "peers/kafka/kafka.h"

/* Port 1 answers nobody: these clients never connect. */
static struct bf_kafka_options with(const struct bf_property *properties, size_t count)
{
    return (struct bf_kafka_options){.brokers = "127.0.0.1:1",
                                     .prefix = "belfry",
                                     .client_id = "test",
                                     .properties = properties,
                                     .property_count = count};
}

static enum bf_status try_one(const char *name, const char *value, struct bf_err *err)
{
    const struct bf_property property = {.name = name, .value = value};
    struct bf_kafka_options options = with(&property, 1);
    struct bf_producer *producer = NULL;
    struct bf_consumer *consumer = NULL;
    enum bf_status status = bf_producer_create(&options, 5, 1000, &producer, err);
    if (status == BF_OK) {
        bf_producer_destroy(producer, 0);
        status = bf_consumer_create(&options, NULL, false, &consumer, err);
        bf_consumer_destroy(consumer);
    }
    return status;
}

static void owned_properties_are_refused_by_name(void **state)
{
    (void)state;
    static const char *const owned[] = {
        "bootstrap.servers",
        "metadata.broker.list",
        "client.id",
        "acks",
        "request.required.acks",
        "enable.idempotence",
        "message.timeout.ms",
        "delivery.timeout.ms",
        "retries",
        "transactional.id",
        "partitioner",
        "partition.assignment.strategy",
        "group.id",
        "group.instance.id",
        "session.timeout.ms",
        "enable.auto.commit",
        "enable.auto.offset.store",
        "auto.offset.reset",
        "isolation.level",
        "enable.partition.eof",
        "test.mock.num.brokers",
    };
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) {
        struct bf_err err = {.status = BF_OK};
        assert_int_equal(try_one(owned[i], "1", &err), BF_CONFIG);
        assert_non_null(strstr(err.message, owned[i]));
        assert_true(strlen(err.detail) > 10);
        assert_non_null(strstr(err.hint, "librdkafka"));
    }
}

static void an_unknown_property_or_value_is_an_error(void **state)
{
    (void)state;
    struct bf_err err = {.status = BF_OK};
    assert_int_equal(try_one("no.such.property", "1", &err), BF_CONFIG);
    assert_non_null(strstr(err.message, "no.such.property"));
    assert_int_equal(try_one("socket.keepalive.enable", "perhaps", &err), BF_CONFIG);
    assert_int_equal(try_one("compression.codec", "stone", &err), BF_CONFIG);
    assert_int_equal(try_one("queue.buffering.max.kbytes", "-1", &err), BF_CONFIG);
}

static void the_users_properties_are_taken(void **state)
{
    (void)state;
    struct bf_err err = {.status = BF_OK};
    assert_int_equal(try_one("compression.codec", "zstd", &err), BF_OK);
    assert_int_equal(try_one("queued.max.messages.kbytes", "65536", &err), BF_OK);
    assert_int_equal(try_one("security.protocol", "plaintext", &err), BF_OK);
    assert_int_equal(try_one("fetch.wait.max.ms", "100", &err), BF_OK);
}

static void no_brokers_is_an_error(void **state)
{
    (void)state;
    struct bf_err err = {.status = BF_OK};
    struct bf_producer *producer;
    struct bf_kafka_options options = with(NULL, 0);
    options.brokers = "";
    assert_int_equal(bf_producer_create(&options, 5, 1000, &producer, &err), BF_CONFIG);
    options.brokers = NULL;
    assert_int_equal(bf_producer_create(&options, 5, 1000, &producer, &err), BF_CONFIG);
}

static void a_prefix_that_makes_names_too_long_is_an_error(void **state)
{
    (void)state;
    char prefix[300];
    memset(prefix, 'x', sizeof prefix - 1);
    prefix[sizeof prefix - 1] = '\0';
    struct bf_err err = {.status = BF_OK};
    struct bf_producer *producer;
    struct bf_kafka_options options = with(NULL, 0);
    options.prefix = prefix;
    assert_int_equal(bf_producer_create(&options, 5, 1000, &producer, &err), BF_CONFIG);
}

static void topics_are_named_after_the_prefix(void **state)
{
    (void)state;
    char name[64];
    struct bf_kafka_options options = with(NULL, 0);
    assert_string_equal(bf_topic_name(&options, BF_TOPIC_READINGS, name, sizeof name), "belfry.readings");
    options.prefix = "city-7";
    assert_string_equal(bf_topic_name(&options, BF_TOPIC_CHECKPOINTS, name, sizeof name),
                        "city-7.checkpoints");
    options.prefix = NULL;
    assert_string_equal(bf_topic_name(&options, BF_TOPIC_KPIS, name, sizeof name), "belfry.kpis");
}

/* Nobody answers: what is handed over is numbered, counted and kept; a full queue says AGAIN. */
static void without_a_broker_the_queue_fills_and_says_so(void **state)
{
    (void)state;
    struct bf_err err = {.status = BF_OK};
    struct bf_producer *producer;
    struct bf_kafka_options options = with(NULL, 0);
    assert_int_equal(bf_producer_create(&options, 5, 10, &producer, &err), BF_OK);
    const struct bf_outgoing record = {.topic = BF_TOPIC_READINGS,
                                       .key = BF_SLICE("net:dev"),
                                       .value = BF_SLICE("12345678"),
                                       .type = BF_RECORD_READING};
    uint64_t sequence = 0;
    for (uint64_t i = 1; i <= 10; i++) {
        assert_int_equal(bf_producer_send(producer, &record, &sequence, &err), BF_OK);
        assert_int_equal(sequence, i);
    }
    assert_int_equal(bf_producer_send(producer, &record, &sequence, &err), BF_AGAIN);
    assert_int_equal(bf_producer_handed(producer), 10);
    assert_int_equal(bf_producer_acked(producer), 0);
    assert_int_equal(bf_producer_pending_bytes(producer), 10 * (7 + 8));
    assert_int_equal(bf_producer_wait(producer, 1, 20, &err), BF_PEER);
    bf_producer_destroy(producer, 0);
}

/* A record that is too large is the sender's problem, not the end of the producer. */
static void a_record_that_is_too_large_is_refused_alone(void **state)
{
    (void)state;
    static char bytes[1100000];
    struct bf_err err = {.status = BF_OK};
    struct bf_producer *producer;
    struct bf_kafka_options options = with(NULL, 0);
    assert_int_equal(bf_producer_create(&options, 5, 10, &producer, &err), BF_OK);
    struct bf_outgoing record = {
        .topic = BF_TOPIC_REJECTS, .value = {bytes, sizeof bytes}, .type = BF_RECORD_REJECT};
    uint64_t sequence = 0;
    assert_int_equal(bf_producer_send(producer, &record, &sequence, &err), BF_LIMIT);
    assert_int_equal(bf_producer_pending_bytes(producer), 0);
    record.value.len = 900000;
    assert_int_equal(bf_producer_send(producer, &record, &sequence, &err), BF_OK);
    assert_int_equal(sequence, 1);
    bf_producer_destroy(producer, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(owned_properties_are_refused_by_name),
        cmocka_unit_test(an_unknown_property_or_value_is_an_error),
        cmocka_unit_test(the_users_properties_are_taken),
        cmocka_unit_test(no_brokers_is_an_error),
        cmocka_unit_test(a_prefix_that_makes_names_too_long_is_an_error),
        cmocka_unit_test(topics_are_named_after_the_prefix),
        cmocka_unit_test(without_a_broker_the_queue_fills_and_says_so),
        cmocka_unit_test(a_record_that_is_too_large_is_refused_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
