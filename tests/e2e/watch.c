/* watch.c: see watch.h. Declined: the processes' logs (they say when a task began, not when it has caught
 * up). */
#include "tests/e2e/watch.h"

#include "core/wire.h"

void watch_open(struct watch *watch, const struct town *town)
{
    struct bf_err err = {0};
    const struct bf_position position = {.topic = BF_TOPIC_PARTIALS, .partition = 0, .offset = BF_OFFSET_END};
    *watch = (struct watch){.sources = 0};
    enum bf_status status = bf_consumer_create(&town->options, NULL, false, &watch->consumer, &err);
    if (status == BF_OK) {
        status = bf_consumer_partitions(watch->consumer, BF_TOPIC_READINGS, &watch->sources, &err);
    }
    assert_in_range(watch->sources, 1, WATCH_SOURCES);
    status = status == BF_OK ? bf_consumer_assign(watch->consumer, &position, 1, &err) : status;
    if (status != BF_OK) {
        fail_msg("%s: %s", err.message, err.detail);
    }
    for (int32_t i = 0; i < watch->sources; i++) {
        watch->clock_us[i] = BF_TIME_NONE;
    }
    watch_reset(watch);
}

void watch_close(struct watch *watch)
{
    bf_consumer_destroy(watch->consumer);
    watch->consumer = NULL;
}

static void note(struct watch *watch, const struct bf_incoming *incoming)
{
    struct bf_task_tick tick;
    enum bf_record_type type;
    if (!bf_incoming_type(incoming, &type) || type != BF_RECORD_TASK_TICK ||
        bf_task_tick_unpack(incoming->value, &tick, NULL) != BF_OK || tick.source < 0 ||
        tick.source >= watch->sources || tick.clock_us <= watch->clock_us[tick.source]) {
        return;
    }
    int64_t now_us = bf_time_monotonic_us(), stood_us = now_us - watch->moved_us[tick.source];
    watch->longest_us = stood_us > watch->longest_us ? stood_us : watch->longest_us;
    watch->moved_us[tick.source] = now_us;
    watch->clock_us[tick.source] = tick.clock_us;
}

void watch_look(struct watch *watch)
{
    struct bf_incoming incoming;
    struct bf_err err = {0};
    while (bf_consumer_poll(watch->consumer, 0, &incoming, &err) == BF_OK) {
        if (!incoming.eof) {
            note(watch, &incoming);
        }
        bf_incoming_release(&incoming);
    }
}

void watch_reset(struct watch *watch)
{
    watch->longest_us = 0;
    for (int32_t i = 0; i < watch->sources; i++) {
        watch->moved_us[i] = bf_time_monotonic_us();
    }
}

static bool is_beyond(const struct watch *watch, int64_t clock_us)
{
    bool all = true;
    for (int32_t i = 0; i < watch->sources; i++) {
        all = all && watch->clock_us[i] > clock_us;
    }
    return all;
}

int watch_await(struct watch *watch, struct town *town, int64_t clock_us, int timeout_ms)
{
    int64_t began_us = bf_time_monotonic_us(), deadline_us = bf_deadline_us(timeout_ms);
    do {
        town_tend(town);
        watch_look(watch);
        if (is_beyond(watch, clock_us)) {
            return (int)((bf_time_monotonic_us() - began_us) / BF_US_PER_MS);
        }
    } while (bf_wait_turn(deadline_us));
    return -1;
}
