/* test_protocol.c: the protocol's rules as the engine keeps them, over logs that brokers and ingest processes
 * with faults leave behind (world.h): nothing that the broker handed over is lost, nothing counts twice, the
 * clock is what a second implementation makes of the same ticks, finals and revisions are the oracle's. */
#include "tests/support/clockwork.h"
#include "tests/unit/processors/world.h"

static const struct clockwork_rules rules = {
    .ids = INGESTS, .death = 8, .tick_us = TICK_US, .hold_us = HOLD_US};

static void assert_clocks(int p)
{
    struct clockwork clock;
    clockwork_begin(&clock);
    for (size_t k = 0; k < log_len[p]; k++) {
        const struct entry *entry = &logs[p][k];
        bool ours = entry->type == BF_RECORD_TICK || entry->type == BF_RECORD_READING;
        if (ours && clockwork_hears(&clock, entry->ingest, entry->incarnation) &&
            entry->type == BF_RECORD_TICK) {
            struct bf_tick tick;
            assert_int_equal(bf_tick_unpack((struct bf_slice){entry->bytes, entry->len}, &tick, NULL), BF_OK);
            clockwork_tick(&clock, &rules, entry->ingest, &tick);
        }
        assert_int_equal(clocks[p][k], clock.now_us);
    }
}

/* Everything that the broker accepted and holds no more has counted, or was told to be late. */
static void assert_nothing_lost(void)
{
    static bool held[MAX_TRUTH];
    memcpy(held, forgotten, sizeof(held));
    for (int i = 0; i < INGESTS; i++) {
        each_held(i, held);
    }
    int unseen = 0, counted = 0;
    for (int t = 0; t < truth_count; t++) {
        unseen += !judged[t] && !held[t];
        counted += judged[t];
    }
    assert_int_equal(unseen, 0);
    assert_true(counted > 100);
}

/* PROTOCOL_FIRST and PROTOCOL_SEEDS choose others, and more. */
static uint64_t setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

static void run(bool reload, uint64_t seeds)
{
    uint64_t from = setting("PROTOCOL_FIRST", 1), end = from + setting("PROTOCOL_SEEDS", seeds);
    for (uint64_t number = from; number < end; number++) {
        seed = number * 104729 + 7;
        broker_log(300, reload);
        check_log(number, reload);
        for (int p = 0; p < SOURCES; p++) {
            assert_clocks(p);
        }
        if (!reload) {
            assert_nothing_lost();
        }
    }
}

static void whatever_brokers_do_each_reading_counts_once(void **state)
{
    (void)state;
    run(false, 40);
}

static void over_a_reload_nothing_depends_on_who_came_first(void **state)
{
    (void)state;
    run(true, 15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_brokers_do_each_reading_counts_once),
        cmocka_unit_test(over_a_reload_nothing_depends_on_who_came_first),
    };
    return cmocka_run_group_tests(tests, make_following_plans, free_plans);
}
