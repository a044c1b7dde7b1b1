/* absence.c: see absence.h. Declined: the daemons' gauges: whoever looks at a dashboard has only meta. */
#include "tests/e2e/absence.h"

#include <stdio.h>
#include <stdlib.h>

#include "peers/redis/redis.h"

#define BOUND_MS 300000
#define LOOK_MS 50

const char *absence_name(enum absent what)
{
    static const char *const names[ABSENTS] = {
        [ABSENT_KAFKA] = "Kafka", [ABSENT_REDIS] = "Redis", [ABSENT_INGEST] = "belfry-ingest"};
    return names[what];
}

double absence_speed(const struct absence *absence)
{
    return (double)(absence->away_ms + absence->catch_up_ms) /
           (double)(absence->catch_up_ms > 0 ? absence->catch_up_ms : 1);
}

static void leave(struct absence *absence, struct town *town)
{
    if (absence->what == ABSENT_INGEST) {
        town->wanted[TOWN_INGEST] = false;
        town_kill(town, TOWN_INGEST);
    } else {
        bf_peer_stop(absence->what == ABSENT_KAFKA ? &town->kafka : &town->redis);
    }
}

static void come_back(struct absence *absence, struct town *town)
{
    struct bf_err err = {0};
    if (absence->what == ABSENT_INGEST) {
        town_start(town, TOWN_INGEST);
    } else if (bf_peer_start(absence->what == ABSENT_KAFKA ? &town->kafka : &town->redis, &err) != BF_OK) {
        fail_msg("%s does not come back: %s\n%s", absence_name(absence->what), err.message, err.detail);
    }
}

/* ---- meta */

struct meta {
    int64_t clock_ms, heartbeat_ms, behind_ms;
};

static int64_t field(const struct bf_reply *fields, const char *name)
{
    for (size_t i = 0; i + 1 < fields->count; i += 2) {
        char digits[32];
        if (bf_slice_equal(fields->items[i].text, bf_slice_of(name))) {
            snprintf(digits, sizeof digits, "%.*s", BF_SLICE_ARG(fields->items[i + 1].text));
            return strtoll(digits, NULL, 10);
        }
    }
    return 0;
}

static bool read_meta(const struct town *town, struct meta *meta)
{
    struct bf_redis_options options = {.url = town->url, .timeout_ms = 1000};
    const struct bf_slice words[] = {BF_SLICE("HGETALL"), BF_SLICE("belfry:v1:meta")};
    struct bf_redis *redis = NULL;
    struct bf_reply reply;
    struct bf_err err;
    bool read = bf_redis_open(&options, &redis, &err) == BF_OK &&
                bf_redis_command(redis, words, 2, &reply, &err) == BF_OK;
    if (read) {
        *meta = (struct meta){.clock_ms = field(&reply, "clock_ms"),
                              .heartbeat_ms = field(&reply, "heartbeat_ms"),
                              .behind_ms = field(&reply, "behind_ms")};
    }
    bf_redis_close(redis);
    return read;
}

/* True where meta has seen the log time `until_ms`. */
static bool look(struct absence *absence, const struct town *town, int64_t until_ms)
{
    struct meta meta;
    if (!read_meta(town, &meta)) {
        return false;
    }
    int64_t by_clock_ms = meta.heartbeat_ms - meta.clock_ms;
    int64_t said_ms = by_clock_ms > meta.behind_ms ? by_clock_ms : meta.behind_ms;
    absence->said_ms = said_ms > absence->said_ms ? (int)said_ms : absence->said_ms;
    return meta.clock_ms > until_ms;
}

void absence_run(struct absence *absence, struct town *town, struct watch *watch)
{
    int64_t until_us = bf_time_monotonic_us() + absence->away_ms * BF_US_PER_MS;
    leave(absence, town);
    while (bf_time_monotonic_us() < until_us) {
        assert_true(town_pass(town, LOOK_MS));
        (void)look(absence, town, INT64_MAX);
    }
    come_back(absence, town);
    int64_t back_us = bf_time_monotonic_us(), now_us = bf_time_wall_us();
    int64_t deadline_us = bf_deadline_us(BOUND_MS);
    while (!look(absence, town, now_us / BF_US_PER_MS)) {
        assert_true(bf_time_monotonic_us() < deadline_us);
        assert_true(town_pass(town, LOOK_MS));
    }
    absence->catch_up_ms = (int)((bf_time_monotonic_us() - back_us) / BF_US_PER_MS);
    assert_true(watch_await(watch, town, now_us, BOUND_MS) >= 0);
}
