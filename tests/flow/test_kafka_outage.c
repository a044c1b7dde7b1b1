/* Kafka is killed with -9 under load and comes back: every record is there, once, in order. Apache Kafka only
 * (BELFRY_TEST_APACHE=1): the embedded cluster's log ends with its process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/time.h"
#include "tests/flow/kafka_peer.h"
#include "tests/support/eventually.h"

#define RECORDS 30000
#define KILL_AT 10000
#define BACK_MS 60000

static void read_all(struct bf_consumer *consumer, uint64_t *want)
{
    int64_t until = bf_deadline_us(BACK_MS);
    uint64_t seen = 0;
    while (seen < RECORDS && bf_time_monotonic_us() < until) {
        struct bf_incoming incoming;
        struct bf_err fault = {.status = BF_OK};
        enum bf_status status = bf_consumer_poll(consumer, 100, &incoming, &fault);
        if (status == BF_AGAIN) {
            continue;
        }
        if (status != BF_OK) {
            fail_msg("%s (%s)", fault.message, fault.detail);
        }
        uint64_t number;
        memcpy(&number, incoming.value.data, sizeof number);
        assert_int_equal(number, want[incoming.partition]);
        want[incoming.partition] += 12;
        seen++;
        bf_incoming_release(&incoming);
    }
    assert_int_equal(seen, RECORDS);
}

static void a_killed_broker_loses_and_doubles_nothing(void **state)
{
    (void)state;
    struct bf_producer *producer;
    struct bf_consumer *consumer;
    struct bf_position positions[12];
    uint64_t want[12];
    for (int32_t i = 0; i < 12; i++) {
        positions[i] = (struct bf_position){.topic = BF_TOPIC_READINGS, .partition = i, .offset = 0};
        want[i] = (uint64_t)i;
    }
    OK(bf_consumer_create(&kafka_options, NULL, false, &consumer, &err));
    OK(bf_consumer_assign(consumer, positions, 12, &err));
    OK(bf_producer_create(&kafka_options, 5, 100000, &producer, &err));
    for (uint64_t i = 0; i < RECORDS; i++) {
        const struct bf_outgoing record = {.topic = BF_TOPIC_READINGS,
                                           .partition = (int32_t)(i % 12),
                                           .value = {(const char *)&i, sizeof i},
                                           .type = BF_RECORD_READING};
        OK(bf_producer_send_wait(producer, &record, NULL, &err));
        if (i == KILL_AT) {
            OK(bf_producer_poll(producer, 5, &err));
            bf_peer_kill(&kafka_peer);
        }
    }
    /* Nobody is there: what is on its way waits, and the mark stands. */
    uint64_t acked = bf_producer_acked(producer);
    struct bf_err fault = {.status = BF_OK};
    assert_int_equal(bf_producer_wait(producer, RECORDS, 500, &fault), BF_PEER);
    assert_true(acked < RECORDS);
    BF_EVENTUALLY(bf_producer_poll(producer, 10, &fault) == BF_OK && !bf_producer_connected(producer),
                  BACK_MS);
    OK(bf_peer_start(&kafka_peer, &err));
    OK(bf_producer_wait(producer, RECORDS, BACK_MS, &err));
    assert_int_equal(bf_producer_acked(producer), RECORDS);
    assert_true(bf_producer_connected(producer));
    read_all(consumer, want);
    bf_consumer_destroy(consumer);
    bf_producer_destroy(producer, 1000);
}

int main(void)
{
    if (!kafka_is_apache()) {
        (void)fprintf(stderr, "skipped: wants BELFRY_TEST_APACHE=1\n");
        return SKIPPED;
    }
    int skipped = kafka_start();
    if (skipped) {
        return skipped;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_killed_broker_loses_and_doubles_nothing)};
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    bf_peer_stop(&kafka_peer);
    return failures;
}
