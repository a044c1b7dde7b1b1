/* Records into a producer whose Kafka never answers: what is handed over is counted, a full queue makes the
 * callback wait instead of dropping, and only the end of the connection ends that wait. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>

#include "core/time.h"
#include "ingest/publish.h"
#include "peers/kafka/producer.h"
#include "tests/support/eventually.h"
#include "tests/support/port.h"

#define QUEUE 8
#define PARTITIONS 3

static struct bf_counters counters;
static struct bf_tally tally;
static struct bf_publish publish;
static struct bf_producer *producer;

static const struct bf_reading reading = {
    .source = {.data = "city:meter-7:2", .len = 14},
    .quantity = {.data = "flow", .len = 4},
    .event_us = 1000000,
    .ingest_us = 2000000,
    .value = {.kind = BF_VALUE_DOUBLE, .as.number = 1.5},
    .unit = {.data = "1", .len = 1},
    .quality = BF_QUALITY_GOOD,
    .delivery = {.ingest = {.data = "belfry-1", .len = 8}, .incarnation = 1, .epoch = 1, .serial = 1},
};

static int begin(void **state)
{
    (void)state;
    struct bf_err err;
    char nobody[32];
    snprintf(nobody, sizeof nobody, "127.0.0.1:%u", bf_port_take()); /* nobody listens there */
    const struct bf_kafka_options options = {.brokers = nobody};
    const struct bf_install install = {.readings = PARTITIONS, .rejects = 1};
    memset(&counters, 0, sizeof counters);
    bf_tally_register(&tally, &counters);
    assert_int_equal(bf_producer_create(&options, 5, QUEUE, &producer, &err), BF_OK);
    assert_int_equal(bf_publish_init(&publish, producer, &install, &tally, &err), BF_OK);
    return 0;
}

static int end(void **state)
{
    (void)state;
    bf_publish_deinit(&publish);
    bf_producer_destroy(producer, 0);
    return 0;
}

static void what_is_handed_over_is_counted(void **state)
{
    (void)state;
    const struct bf_reject reject = {
        .stage = BF_STAGE_DECODE,
        .reason = bf_slice_of("malformed"),
        .topic = bf_slice_of("bench/1"),
        .whole = true,
        .event_us = BF_TIME_NONE,
    };
    const struct bf_tick tick = {.ingest = bf_slice_of("belfry-1"), .incarnation = 1};
    assert_true(bf_publish_reading(&publish, &reading));
    assert_true(bf_publish_reject(&publish, &reject));
    assert_true(bf_publish_ticks(&publish, &tick)); /* one for each partition */
    assert_int_equal(bf_counter_read(tally.readings), 1);
    assert_int_equal(bf_counter_read(tally.ticks), PARTITIONS);
    int64_t rejects = 0;
    for (size_t i = 0; i < BF_TALLY_REASONS && tally.rejects[i]; i++) {
        rejects += bf_counter_read(tally.rejects[i]);
    }
    assert_int_equal(rejects, 1);
    assert_int_equal(bf_producer_handed(producer), 2 + PARTITIONS);
    assert_int_equal(bf_producer_acked(producer), 0);
    assert_true(bf_producer_pending_bytes(producer) > 0);
}

static void a_tick_never_waits(void **state)
{
    (void)state;
    const struct bf_tick tick = {.ingest = bf_slice_of("belfry-1"), .incarnation = 1};
    uint64_t sequence = 0;
    struct bf_err err;
    for (uint64_t i = 1; i <= QUEUE; i++) {
        assert_int_equal(bf_publish_tick(&publish, 0, &tick, &sequence, &err), BF_OK);
        assert_int_equal(sequence, i);
    }
    assert_int_equal(bf_publish_tick(&publish, 0, &tick, &sequence, &err), BF_AGAIN);
    assert_int_equal(sequence, QUEUE);
}

static void a_claim_says_that_nobody_answered(void **state)
{
    (void)state;
    const struct bf_claim claim = {.ingest = bf_slice_of("belfry-1"), .nonce = 7};
    int64_t offset;
    struct bf_err err;
    assert_int_equal(bf_publish_claim(&publish, &claim, 50, &offset, &err), BF_PEER);
}

static void *publish_one(void *result)
{
    *(bool *)result = bf_publish_reading(&publish, &reading);
    return NULL;
}

static void a_full_queue_waits_until_the_connection_ends(void **state)
{
    (void)state;
    for (int i = 0; i < QUEUE; i++) {
        assert_true(bf_publish_reading(&publish, &reading));
    }
    bool handed = true;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, publish_one, &handed), 0);
    BF_EVENTUALLY(atomic_load(&publish.waiting), 5000);
    assert_int_equal(bf_producer_handed(producer), QUEUE); /* the ninth waits, and is not dropped */
    atomic_store(&publish.stop, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_false(handed);
    assert_false(atomic_load(&publish.waiting));
    assert_false(atomic_load(&publish.failed));
    assert_int_equal(bf_counter_read(tally.readings), QUEUE);
    assert_true(bf_counter_read(tally.queue_wait_us) > 0);
}

static void after_the_connection_nothing_is_handed_over(void **state)
{
    (void)state;
    atomic_store(&publish.stop, true);
    assert_false(bf_publish_reading(&publish, &reading));
    assert_int_equal(bf_producer_handed(producer), 0);
    assert_int_equal(bf_counter_read(tally.readings), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_handed_over_is_counted, begin, end),
        cmocka_unit_test_setup_teardown(a_tick_never_waits, begin, end),
        cmocka_unit_test_setup_teardown(a_claim_says_that_nobody_answered, begin, end),
        cmocka_unit_test_setup_teardown(a_full_queue_waits_until_the_connection_ends, begin, end),
        cmocka_unit_test_setup_teardown(after_the_connection_nothing_is_handed_over, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
