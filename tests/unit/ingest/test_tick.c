/* Ticks: never two on their way to a partition, the flows bit, the hold rule, the hello. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "core/time.h"
#include "ingest/tick.h"

#define PARTITIONS 3
#define EVERY (250 * BF_US_PER_MS)
#define HOLD (30 * BF_US_PER_S)

/* A Kafka in which each partition can be away. */
struct kafka {
    uint64_t handed, low;
    bool acked[4096];
    int partition[4096];
    bool away[PARTITIONS];
    bool full;
    struct bf_tick last[PARTITIONS];
    int sent[PARTITIONS];
};

static enum bf_status send(void *context, int32_t partition, const struct bf_tick *tick, uint64_t *sequence,
                           struct bf_err *err)
{
    struct kafka *kafka = context;
    (void)err;
    if (kafka->full) {
        return BF_AGAIN;
    }
    *sequence = ++kafka->handed;
    kafka->partition[*sequence] = partition;
    kafka->last[partition] = *tick;
    kafka->sent[partition]++;
    return BF_OK;
}

static bool is_acked(void *context, uint64_t sequence)
{
    struct kafka *kafka = context;
    return kafka->acked[sequence];
}

static uint64_t handed(void *context)
{
    struct kafka *kafka = context;
    return kafka->handed;
}

static uint64_t acked(void *context)
{
    struct kafka *kafka = context;
    return kafka->low;
}

static void deliver(struct kafka *kafka)
{
    for (uint64_t s = 1; s <= kafka->handed; s++) {
        kafka->acked[s] |= !kafka->away[kafka->partition[s]];
    }
    while (kafka->low < kafka->handed && kafka->acked[kafka->low + 1]) {
        kafka->low++;
    }
}

struct world {
    struct kafka kafka;
    struct bf_ticker ticker;
    int64_t now, wall;
};

static struct world world;

static int begin(void **state)
{
    (void)state;
    memset(&world, 0, sizeof world);
    struct bf_tick_port port = {
        .send = send, .is_acked = is_acked, .handed = handed, .acked = acked, .context = &world.kafka};
    world.now = 1000 * BF_US_PER_S;
    world.wall = 5000 * BF_US_PER_S;
    if (bf_ticker_init(&world.ticker, &port, PARTITIONS, NULL) != BF_OK) {
        return -1;
    }
    bf_ticker_pace(&world.ticker, EVERY, HOLD);
    bf_ticker_begin(&world.ticker, world.now);
    return 0;
}

static int end(void **state)
{
    (void)state;
    bf_ticker_deinit(&world.ticker);
    return 0;
}

/* One tick_every later; returns how many partitions got a tick. */
static int next_round(void)
{
    int sent = -1;
    world.now += EVERY;
    world.wall += EVERY;
    assert_true(bf_ticker_due(&world.ticker, world.now));
    struct bf_tick tick = {.ingest = BF_SLICE("i"), .wall_us = world.wall};
    assert_int_equal(bf_ticker_round(&world.ticker, tick, world.now, &sent, NULL), BF_OK);
    assert_false(bf_ticker_due(&world.ticker, world.now));
    return sent;
}

static void a_tick_goes_to_every_partition(void **state)
{
    (void)state;
    assert_int_equal(next_round(), PARTITIONS);
    assert_false(world.kafka.last[0].has_clock);
    deliver(&world.kafka);
    bf_ticker_raise(&world.ticker, 77);
    bf_ticker_raise(&world.ticker, 76);
    assert_int_equal(next_round(), PARTITIONS);
    assert_true(world.kafka.last[2].has_clock);
    assert_int_equal(world.kafka.last[2].clock_us, 77);
    assert_false(world.kafka.last[2].hello);
}

/* The marker that was sent with the last tick is about to be back. */
static void a_tick_goes_when_the_marker_is_back(void **state)
{
    (void)state;
    world.ticker.marked = true;
    assert_int_equal(next_round(), PARTITIONS); /* no clock yet: by time alone */
    deliver(&world.kafka);
    bf_ticker_raise(&world.ticker, 77);
    assert_int_equal(next_round(), PARTITIONS);
    deliver(&world.kafka);
    int64_t last = world.now, quarter = EVERY / 4;
    assert_false(bf_ticker_due(&world.ticker, last + EVERY + quarter - 1)); /* it is not back */
    assert_true(bf_ticker_due(&world.ticker, last + EVERY + quarter));      /* it is lost, or late */
    bf_ticker_raise(&world.ticker, 78);
    assert_false(bf_ticker_due(&world.ticker, last + EVERY - quarter - 1)); /* no burst of ticks */
    assert_true(bf_ticker_due(&world.ticker, last + EVERY - quarter));
}

static void ticks_never_queue_up(void **state)
{
    (void)state;
    world.kafka.away[1] = true;
    assert_int_equal(next_round(), PARTITIONS);
    for (int i = 0; i < 200; i++) {
        deliver(&world.kafka);
        assert_int_equal(next_round(), PARTITIONS - 1);
    }
    assert_int_equal(world.kafka.sent[1], 1);
    world.kafka.away[1] = false;
    deliver(&world.kafka);
    assert_int_equal(next_round(), PARTITIONS);
    assert_int_equal(world.kafka.sent[1], 2); /* one, not two hundred */
}

static void flows_tells_that_the_tick_before_came_through_everywhere(void **state)
{
    (void)state;
    next_round();
    assert_true(world.kafka.last[0].flows);
    world.kafka.away[2] = true;
    deliver(&world.kafka);
    next_round();
    assert_false(world.kafka.last[0].flows);
    world.kafka.away[2] = false;
    deliver(&world.kafka);
    next_round();
    assert_true(world.kafka.last[0].flows);
}

static void a_full_queue_gives_no_tick_and_no_failure(void **state)
{
    (void)state;
    world.kafka.full = true;
    assert_int_equal(next_round(), 0);
    world.kafka.full = false;
    assert_int_equal(next_round(), PARTITIONS);
}

static void silence_lets_the_clock_go_on(void **state)
{
    (void)state;
    for (int64_t until = world.now + HOLD; world.now < until;) {
        next_round();
        deliver(&world.kafka);
        assert_int_equal(bf_ticker_clock(&world.ticker), BF_TIME_NONE);
    }
    next_round();
    assert_int_equal(bf_ticker_clock(&world.ticker), world.wall);
    assert_int_equal(world.kafka.last[0].clock_us, world.wall);
    deliver(&world.kafka);
    bf_ticker_heard(&world.ticker, world.now); /* the broker is back: its markers tell the time again */
    int64_t stands = world.wall;
    for (int i = 0; i < 40; i++) {
        next_round();
        deliver(&world.kafka);
    }
    assert_int_equal(bf_ticker_clock(&world.ticker), stands);
}

static void silence_does_not_count_while_kafka_is_away(void **state)
{
    (void)state;
    world.kafka.away[0] = true;
    for (int i = 0; i < 1000; i++) { /* 250 s */
        next_round();
        deliver(&world.kafka);
    }
    assert_int_equal(bf_ticker_clock(&world.ticker), BF_TIME_NONE);
    world.kafka.away[0] = false;
    deliver(&world.kafka);
    for (int64_t until = world.now + HOLD - EVERY; world.now < until;) {
        next_round();
        deliver(&world.kafka);
    }
    assert_int_equal(bf_ticker_clock(&world.ticker), BF_TIME_NONE);
}

/* A process that was stopped: what the broker sent meanwhile stands in its socket. */
static void a_sleep_of_ones_own_is_no_silence(void **state)
{
    (void)state;
    next_round();
    deliver(&world.kafka);
    bf_ticker_heard(&world.ticker, world.now);
    world.now += HOLD + BF_US_PER_S;
    world.wall += HOLD + BF_US_PER_S;
    for (int64_t until = world.now + HOLD - 2 * EVERY; world.now < until;) {
        next_round();
        deliver(&world.kafka);
        assert_int_equal(bf_ticker_clock(&world.ticker), BF_TIME_NONE);
    }
    for (int i = 0; i < 3; i++) {
        next_round();
        deliver(&world.kafka);
    }
    assert_int_equal(bf_ticker_clock(&world.ticker), world.wall);
}

static void a_connection_forgets_the_clock(void **state)
{
    (void)state;
    bf_ticker_raise(&world.ticker, 77);
    bf_ticker_begin(&world.ticker, world.now);
    assert_int_equal(bf_ticker_clock(&world.ticker), BF_TIME_NONE);
}

static void a_hello_waits_for_its_place(void **state)
{
    (void)state;
    struct bf_tick tick = {.ingest = BF_SLICE("i")};
    int32_t next = 0;
    uint64_t mark = 0;
    world.kafka.full = true;
    assert_int_equal(bf_ticker_hello(&world.ticker, tick, &next, &mark, NULL), BF_AGAIN);
    assert_int_equal(next, 0);
    world.kafka.full = false;
    assert_int_equal(bf_ticker_hello(&world.ticker, tick, &next, &mark, NULL), BF_OK);
    assert_int_equal(mark, PARTITIONS);
    assert_true(world.kafka.last[1].hello);
    assert_int_equal(next_round(), 0); /* the hello counts as a tick on its way */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_tick_goes_to_every_partition, begin, end),
        cmocka_unit_test_setup_teardown(a_tick_goes_when_the_marker_is_back, begin, end),
        cmocka_unit_test_setup_teardown(ticks_never_queue_up, begin, end),
        cmocka_unit_test_setup_teardown(flows_tells_that_the_tick_before_came_through_everywhere, begin, end),
        cmocka_unit_test_setup_teardown(a_full_queue_gives_no_tick_and_no_failure, begin, end),
        cmocka_unit_test_setup_teardown(silence_lets_the_clock_go_on, begin, end),
        cmocka_unit_test_setup_teardown(silence_does_not_count_while_kafka_is_away, begin, end),
        cmocka_unit_test_setup_teardown(a_sleep_of_ones_own_is_no_silence, begin, end),
        cmocka_unit_test_setup_teardown(a_connection_forgets_the_clock, begin, end),
        cmocka_unit_test_setup_teardown(a_hello_waits_for_its_place, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
