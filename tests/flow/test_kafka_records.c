/* Records into Kafka and out again: headers, order, watermark, seek, pause, ends of partitions.
 * Covers: peers/kafka/producer.c, peers/kafka/consumer.c, peers/kafka/position.c, peers/kafka/cluster.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>

#include "core/time.h"
#include "tests/flow/kafka_peer.h"
#include "tests/support/eventually.h"

#define POLL_MS 10000

static struct bf_producer *producer_of(uint32_t linger_ms)
{
    struct bf_producer *producer;
    OK(bf_producer_create(&kafka_options, linger_ms, 10000, &producer, &err));
    return producer;
}

static struct bf_consumer *reader_at(enum bf_topic topic, int32_t partition, int64_t offset)
{
    struct bf_consumer *consumer;
    const struct bf_position position = {.topic = topic, .partition = partition, .offset = offset};
    OK(bf_consumer_create(&kafka_options, NULL, true, &consumer, &err));
    OK(bf_consumer_assign(consumer, &position, 1, &err));
    return consumer;
}

/* The next record or end; fails after POLL_MS without one. */
static struct bf_incoming next(struct bf_consumer *consumer)
{
    struct bf_err err = {.status = BF_OK};
    struct bf_incoming incoming = {.offset = -1};
    int64_t until = bf_deadline_us(POLL_MS);
    enum bf_status status;
    do {
        status = bf_consumer_poll(consumer, 100, &incoming, &err);
    } while (status == BF_AGAIN && bf_time_monotonic_us() < until);
    if (status != BF_OK) {
        fail_msg("nothing came: %s (%s)", err.message, err.detail);
    }
    return incoming;
}

static struct bf_incoming next_record(struct bf_consumer *consumer)
{
    struct bf_incoming incoming = next(consumer);
    while (incoming.eof) {
        bf_incoming_release(&incoming);
        incoming = next(consumer);
    }
    return incoming;
}

static int64_t send_number(struct bf_producer *producer, enum bf_topic topic, int32_t partition,
                           uint64_t number)
{
    int64_t offset = -1;
    const struct bf_outgoing record = {.topic = topic,
                                       .partition = partition,
                                       .value = {(const char *)&number, sizeof number},
                                       .type = BF_RECORD_PARTIAL};
    OK(bf_producer_send_sync(producer, &record, POLL_MS, &offset, &err));
    return offset;
}

static void send_numbers(struct bf_producer *producer, enum bf_topic topic, int32_t partition, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        const struct bf_outgoing record = {.topic = topic,
                                           .partition = partition,
                                           .value = {(const char *)&i, sizeof i},
                                           .type = BF_RECORD_PARTIAL};
        OK(bf_producer_send_wait(producer, &record, NULL, &err));
    }
    OK(bf_producer_wait(producer, bf_producer_handed(producer), POLL_MS, &err));
}

static uint64_t number_of(const struct bf_incoming *incoming)
{
    uint64_t number;
    assert_int_equal(incoming->value.len, sizeof number);
    memcpy(&number, incoming->value.data, sizeof number);
    return number;
}

static void a_record_comes_back_as_it_went(void **state)
{
    (void)state;
    struct bf_producer *producer = producer_of(0);
    const struct bf_header extra = {.name = "last", .value = BF_SLICE("7")};
    const struct bf_outgoing record = {
        .topic = BF_TOPIC_KPIS,
        .partition = 3,
        .key = BF_SLICE("kpi|zone.z1"),
        .value = {"a\0b", 3},
        .type = BF_RECORD_KPI,
        .origin = BF_SLICE("\x93origin"),
        .extra = &extra,
        .extra_count = 1,
    };
    int64_t offset = -1;
    OK(bf_producer_send_sync(producer, &record, POLL_MS, &offset, &err));
    assert_int_equal(offset, 0);
    assert_int_equal(bf_producer_acked(producer), 1);
    assert_int_equal(bf_producer_pending_bytes(producer), 0);

    struct bf_consumer *consumer = reader_at(BF_TOPIC_KPIS, 3, BF_OFFSET_BEGINNING);
    struct bf_incoming incoming = next(consumer);
    enum bf_record_type type;
    assert_false(incoming.eof);
    assert_int_equal(incoming.topic, BF_TOPIC_KPIS);
    assert_int_equal(incoming.partition, 3);
    assert_int_equal(incoming.offset, 0);
    assert_true(incoming.appended_ms > 1600000000000);
    assert_true(bf_slice_equal(incoming.key, BF_SLICE("kpi|zone.z1")));
    assert_true(incoming.has_key && !incoming.tombstone);
    assert_true(bf_slice_equal(incoming.value, (struct bf_slice){"a\0b", 3}));
    assert_true(bf_incoming_type(&incoming, &type));
    assert_int_equal(type, BF_RECORD_KPI);
    assert_true(bf_slice_equal(bf_incoming_header(&incoming, "bf-schema"), BF_SLICE("1")));
    assert_true(bf_slice_equal(bf_incoming_header(&incoming, "bf-origin"), BF_SLICE("\x93origin")));
    assert_true(bf_slice_equal(bf_incoming_header(&incoming, "last"), BF_SLICE("7")));
    assert_int_equal(bf_incoming_header(&incoming, "absent").len, 0);
    bf_incoming_release(&incoming);

    incoming = next(consumer);
    assert_true(incoming.eof);
    assert_int_equal(incoming.offset, 1);
    bf_incoming_release(&incoming);
    bf_consumer_destroy(consumer);
    bf_producer_destroy(producer, 1000);
}

static void a_tombstone_has_a_key_and_no_value(void **state)
{
    (void)state;
    struct bf_producer *producer = producer_of(0);
    const struct bf_outgoing record = {.topic = BF_TOPIC_CHECKPOINTS,
                                       .partition = 11,
                                       .key = BF_SLICE("task|1|2|3"),
                                       .type = BF_RECORD_CHUNK};
    OK(bf_producer_send_sync(producer, &record, POLL_MS, NULL, &err));
    struct bf_consumer *consumer = reader_at(BF_TOPIC_CHECKPOINTS, 11, 0);
    struct bf_incoming incoming = next(consumer);
    assert_true(incoming.tombstone && incoming.has_key);
    bf_incoming_release(&incoming);
    bf_consumer_destroy(consumer);
    bf_producer_destroy(producer, 1000);
}

#define SENDERS 4
#define EACH 5000

static void *send_many(void *producer)
{
    struct bf_err err = {.status = BF_OK};
    uint64_t last = 0;
    for (int i = 0; i < EACH; i++) {
        const struct bf_outgoing record = {.topic = BF_TOPIC_READINGS,
                                           .partition = i % 12,
                                           .key = BF_SLICE("net:dev"),
                                           .value = BF_SLICE("0123456789"),
                                           .type = BF_RECORD_READING};
        uint64_t sequence;
        if (bf_producer_send_wait(producer, &record, &sequence, &err) != BF_OK || sequence <= last) {
            return NULL;
        }
        last = sequence;
    }
    /* All wait at once: one leads, the others are woken by it. */
    return bf_producer_wait(producer, last, POLL_MS, &err) == BF_OK ? producer : NULL;
}

static void many_threads_send_and_the_mark_reaches_the_last(void **state)
{
    (void)state;
    struct bf_producer *producer = producer_of(5);
    pthread_t threads[SENDERS];
    for (int i = 0; i < SENDERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, send_many, producer), 0);
    }
    for (int i = 0; i < SENDERS; i++) {
        void *result;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_non_null(result);
    }
    assert_int_equal(bf_producer_handed(producer), SENDERS * EACH);
    OK(bf_producer_wait(producer, SENDERS * EACH, POLL_MS, &err));
    assert_int_equal(bf_producer_acked(producer), SENDERS * EACH);
    assert_true(bf_producer_is_acked(producer, 1));
    assert_int_equal(bf_producer_pending_bytes(producer), 0);
    assert_true(bf_producer_connected(producer));

    int64_t total = 0;
    struct bf_consumer *consumer = reader_at(BF_TOPIC_READINGS, 0, BF_OFFSET_END);
    for (int32_t i = 0; i < 12; i++) {
        int64_t begin;
        int64_t end;
        OK(bf_consumer_range(consumer, BF_TOPIC_READINGS, i, &begin, &end, &err));
        total += end - begin;
    }
    assert_int_equal(total, SENDERS * EACH);
    bf_consumer_destroy(consumer);
    bf_producer_destroy(producer, 1000);
}

/* A seek far back and forth while records are read ahead: what comes next is always what was asked for. */
static void after_a_seek_the_wanted_offset_comes_first(void **state)
{
    (void)state;
    enum { COUNT = 3000 };
    struct bf_producer *producer = producer_of(1);
    send_numbers(producer, BF_TOPIC_PARTIALS, 0, COUNT);
    struct bf_consumer *consumer = reader_at(BF_TOPIC_PARTIALS, 0, 0);
    static const int64_t places[] = {1500, 10, 2999, 0, 700, 701, 700};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const struct bf_position position = {.topic = BF_TOPIC_PARTIALS, .partition = 0, .offset = places[i]};
        OK(bf_consumer_seek(consumer, &position, &err));
        for (int64_t offset = places[i]; offset < places[i] + 20 && offset < COUNT; offset++) {
            struct bf_incoming incoming = next_record(consumer);
            assert_int_equal(incoming.offset, offset);
            assert_int_equal(number_of(&incoming), offset);
            bf_incoming_release(&incoming);
        }
    }
    const struct bf_position stranger = {.topic = BF_TOPIC_KPIS, .partition = 0, .offset = 0};
    struct bf_err fault = {.status = BF_OK};
    assert_int_equal(bf_consumer_seek(consumer, &stranger, &fault), BF_AGAIN);
    bf_consumer_destroy(consumer);
    bf_producer_destroy(producer, 1000);
}

static void a_paused_partition_is_silent_and_goes_on_without_a_gap(void **state)
{
    (void)state;
    enum { COUNT = 2000 };
    struct bf_producer *producer = producer_of(1);
    send_numbers(producer, BF_TOPIC_PARTIALS, 1, COUNT);
    send_numbers(producer, BF_TOPIC_PARTIALS, 2, COUNT);
    struct bf_consumer *consumer;
    const struct bf_position both[] = {{.topic = BF_TOPIC_PARTIALS, .partition = 1, .offset = 0},
                                       {.topic = BF_TOPIC_PARTIALS, .partition = 2, .offset = 0}};
    OK(bf_consumer_create(&kafka_options, NULL, false, &consumer, &err));
    OK(bf_consumer_assign(consumer, both, 2, &err));
    int64_t want[3] = {0, 0, 0};
    bool paused = false;
    for (int turn = 0; want[1] < COUNT || want[2] < COUNT; turn++) {
        if (turn % 150 == 149 && want[2] < COUNT) {
            paused = !paused;
            OK(bf_consumer_pause(consumer, BF_TOPIC_PARTIALS, 1, paused, &err));
            OK(bf_consumer_pause(consumer, BF_TOPIC_PARTIALS, 1, paused, &err)); /* twice is once */
        } else if (paused && want[2] == COUNT) {
            paused = false;
            OK(bf_consumer_pause(consumer, BF_TOPIC_PARTIALS, 1, false, &err));
        }
        struct bf_incoming incoming = next(consumer);
        assert_false(paused && incoming.partition == 1);
        assert_int_equal(incoming.offset, want[incoming.partition]++);
        bf_incoming_release(&incoming);
    }
    bf_consumer_destroy(consumer);
    bf_producer_destroy(producer, 1000);
}

static void a_position_outside_the_log_is_fatal(void **state)
{
    (void)state;
    struct bf_producer *producer = producer_of(0);
    (void)send_number(producer, BF_TOPIC_ALERTS, 0, 1);
    struct bf_consumer *consumer = reader_at(BF_TOPIC_ALERTS, 0, 5000);
    struct bf_incoming incoming;
    struct bf_err err = {.status = BF_OK};
    int64_t until = bf_deadline_us(POLL_MS);
    enum bf_status status;
    do {
        status = bf_consumer_poll(consumer, 100, &incoming, &err);
    } while (status == BF_AGAIN && bf_time_monotonic_us() < until);
    assert_int_equal(status, BF_FATAL);
    assert_non_null(strstr(err.message, "outside"));
    assert_int_equal(bf_consumer_poll(consumer, 0, &incoming, &err), BF_FATAL); /* and stays so */
    bf_consumer_destroy(consumer);
    bf_producer_destroy(producer, 1000);
}

/* librdkafka before 2.2 sleeps for a second whenever its queue of 4 MiB was full: and does so here. */
static void a_long_log_is_read_without_a_pause(void **state)
{
    static char bytes[256];
    const uint64_t count = 100000; /* 25 MB; a partition of the embedded cluster holds 5 */
    (void)state;
    struct bf_producer *producer = producer_of(5);
    for (uint64_t i = 0; i < count; i++) {
        for (size_t at = 0; at < sizeof bytes; at++) { /* nothing that can be compressed */
            bytes[at] = (char)(((i * sizeof bytes + at) * UINT64_C(0x9e3779b97f4a7c15)) >> 56);
        }
        const struct bf_outgoing record = {.topic = BF_TOPIC_READINGS,
                                           .partition = (int32_t)(i % 12),
                                           .value = {bytes, sizeof bytes},
                                           .type = BF_RECORD_READING};
        OK(bf_producer_send_wait(producer, &record, NULL, &err));
    }
    OK(bf_producer_wait(producer, bf_producer_handed(producer), 6 * POLL_MS, &err));
    bf_producer_destroy(producer, POLL_MS);

    struct bf_consumer *consumer;
    struct bf_position positions[12];
    for (int32_t i = 0; i < 12; i++) {
        positions[i] = (struct bf_position){
            .topic = BF_TOPIC_READINGS, .partition = i, .offset = BF_OFFSET_BEGINNING};
    }
    OK(bf_consumer_create(&kafka_options, NULL, false, &consumer, &err));
    OK(bf_consumer_assign(consumer, positions, 12, &err));
    int64_t longest_us = 0, last_us = 0;
    for (uint64_t i = 0; i < count; i++) {
        struct bf_incoming incoming = next_record(consumer);
        if (i == 0) { /* until the queue is full, as it is behind a reader that works */
            int64_t begin, end, until_us = bf_deadline_us(500);
            while (bf_time_monotonic_us() < until_us) {
                OK(bf_consumer_range(consumer, BF_TOPIC_READINGS, 0, &begin, &end, &err));
            }
        }
        int64_t now_us = bf_time_monotonic_us();
        longest_us = i > 1 && now_us - last_us > longest_us ? now_us - last_us : longest_us;
        last_us = now_us;
        bf_incoming_release(&incoming);
    }
    bf_consumer_destroy(consumer);
    assert_true(longest_us < 800 * BF_US_PER_MS);
}

static void topics_have_their_partitions(void **state)
{
    (void)state;
    struct bf_topic_state states[BF_TOPIC_COUNT];
    size_t count;
    const struct bf_topic_spec *specs = bf_topic_specs(&count);
    OK(bf_topics_check(&kafka_options, 1, false, states, &err));
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(states[i].partitions, specs[i].partitions);
        assert_string_equal(states[i].differs, "");
    }
    int created = -1;
    OK(bf_topics_ensure(&kafka_options, 1, &created, &err));
    assert_int_equal(created, 0);
    struct bf_consumer *consumer = reader_at(BF_TOPIC_READINGS, 0, 0);
    int32_t partitions;
    OK(bf_consumer_partitions(consumer, BF_TOPIC_READINGS, &partitions, &err));
    assert_int_equal(partitions, 12);
    bf_consumer_destroy(consumer);
}

static void a_record_to_a_partition_that_does_not_exist_is_fatal(void **state)
{
    (void)state;
    struct bf_err err = {.status = BF_OK};
    struct bf_producer *producer = producer_of(0);
    (void)send_number(producer, BF_TOPIC_SIGNALS, 0, 1);
    const struct bf_outgoing record = {
        .topic = BF_TOPIC_SIGNALS, .partition = 9, .value = BF_SLICE("x"), .type = BF_RECORD_TICK};
    uint64_t sequence = 0;
    enum bf_status status = bf_producer_send(producer, &record, &sequence, &err);
    if (status == BF_OK) {
        status = bf_producer_wait(producer, sequence, POLL_MS, &err);
    }
    assert_int_equal(status, BF_FATAL);
    assert_int_equal(bf_producer_send(producer, &record, &sequence, &err), BF_FATAL);
    bf_producer_destroy(producer, 0);
}

/* What a command writes stands beside the installation's topics, and never in what is there already. */
static void one_topic_is_made_once_in_a_prefix_of_its_own(void **state)
{
    (void)state;
    struct bf_kafka_options aside = kafka_options;
    struct bf_err why = {.status = BF_OK};
    struct bf_consumer *consumer;
    int32_t count = 0;
    aside.prefix = "belfry.replay-test";
    OK(bf_topic_make(&aside, BF_TOPIC_KPIS, 1, &err));
    assert_int_equal(bf_topic_make(&aside, BF_TOPIC_KPIS, 1, &why), BF_CONFIG);
    assert_non_null(strstr(why.message, "belfry.replay-test.kpis already"));
    OK(bf_consumer_create(&aside, NULL, false, &consumer, &err));
    OK(bf_consumer_partitions(consumer, BF_TOPIC_KPIS, &count, &err));
    assert_int_equal(count, 4);
    assert_int_equal(bf_consumer_partitions(consumer, BF_TOPIC_READINGS, &count, &why), BF_PEER);
    bf_consumer_destroy(consumer);
}

int main(void)
{
    int skipped = kafka_start();
    if (skipped) {
        return skipped;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(topics_have_their_partitions),
        cmocka_unit_test(one_topic_is_made_once_in_a_prefix_of_its_own),
        cmocka_unit_test(a_record_comes_back_as_it_went),
        cmocka_unit_test(a_tombstone_has_a_key_and_no_value),
        cmocka_unit_test(many_threads_send_and_the_mark_reaches_the_last),
        cmocka_unit_test(after_a_seek_the_wanted_offset_comes_first),
        cmocka_unit_test(a_paused_partition_is_silent_and_goes_on_without_a_gap),
        cmocka_unit_test(a_long_log_is_read_without_a_pause),
        cmocka_unit_test(a_position_outside_the_log_is_fatal),
        cmocka_unit_test(a_record_to_a_partition_that_does_not_exist_is_fatal),
    };
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    bf_peer_stop(&kafka_peer);
    return failures;
}
