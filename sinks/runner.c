/* runner.c: the loop of belfry-sink: read, gather, write; once a second a heartbeat.
 *
 * Declined: a thread that reads ahead: librdkafka has one, and two batches on their way keep Redis busy. */
#include "sinks/runner.h"

#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>

#include "core/log.h"
#include "core/time.h"
#include "sinks/runner_state.h"

#define TURN_US (100 * BF_US_PER_MS)
#define IDLE_MS 50
#define BEAT_US BF_US_PER_S
#define BACKOFF_MIN_US (100 * BF_US_PER_MS)
#define BACKOFF_MAX_US (5 * BF_US_PER_S)
#define AGAIN_US (20 * BF_US_PER_MS) /* two sinks that fight must not spin */

static void pause_until(int64_t until_us)
{
    int64_t left_us = until_us - bf_time_monotonic_us();
    if (left_us > 0) {
        poll(NULL, 0, (int)((left_us < TURN_US ? left_us : TURN_US) / BF_US_PER_MS) + 1);
    }
}

enum bf_status bf__runner_answer(struct bf__runner *runner, enum bf_status status, struct bf_err *err)
{
    int64_t now_us = bf_time_monotonic_us();
    if (status == BF_AGAIN) {
        runner->synced = false;
        runner->retry_us = now_us + AGAIN_US;
        bf_log(BF_LOG_INFO, "sink.moved", "sink=%s reason=%s", runner->sink->name,
               "it stands elsewhere than expected; its positions are read again");
    } else if (status == BF_PEER) {
        const char *why = err && err->message[0] ? err->message : "away";
        int64_t jitter_us = now_us % (runner->backoff_us / 2 + 1);
        runner->synced = false;
        runner->retry_us = now_us + runner->backoff_us + jitter_us;
        runner->backoff_us *= runner->backoff_us < BACKOFF_MAX_US ? 2 : 1;
        bf_health_set(runner->context.health, runner->sink->name, BF_HEALTH_DEGRADED, "%s", why);
        bf_log(BF_LOG_WARN, "sink.away", "sink=%s reason=%s", runner->sink->name, why);
        status = BF_AGAIN;
    }
    return status;
}

static enum bf_status write_feed(struct bf__runner *runner, struct bf__feed *feed, struct bf_err *err)
{
    struct bf_sink_batch batch = bf__feed_batch(feed);
    enum bf_status status = runner->sink->write(runner->self, &batch, err);
    if (status == BF_OK) {
        bf_count(runner->batches, 1);
        bf__feed_done(feed);
    }
    return bf__runner_answer(runner, status, err);
}

enum bf_status bf__runner_write(struct bf__runner *runner, bool all, struct bf_err *err)
{
    enum bf_status status = BF_OK;
    for (int32_t i = 0; i < runner->partitions && status == BF_OK; i++) {
        if (runner->feeds[i].count > 0 || (all && runner->feeds[i].moved)) {
            status = write_feed(runner, &runner->feeds[i], err);
        }
    }
    return status;
}

/* ---- sync: where the sink stands decides where we read */

static enum bf_status place(struct bf__runner *runner, int32_t partition, struct bf_err *err)
{
    int64_t begin = 0, end = 0, stored = runner->positions[partition];
    enum bf_status status = bf_consumer_range(runner->consumer, BF_TOPIC_KPIS, partition, &begin, &end, err);
    if (status != BF_OK) {
        return status;
    }
    if (stored != BF_SINK_NO_POSITION && stored < begin) {
        bf_err_set(err, BF_FATAL,
                   "%" PRId64 " records lost: the log of kpis/%" PRId32 " begins behind what the "
                   "sink has",
                   begin - stored, partition);
        bf_err_detail(err, "position %" PRId64 ", log %" PRId64 " to %" PRId64, stored, begin, end);
        bf_err_hint(err,
                    "retention was shorter than the stop; to go on without them, remove belfry:v1:position "
                    "from Redis");
        return BF_FATAL;
    }
    if (stored > end) {
        bf_err_set(err, BF_FATAL,
                   "the log of kpis/%" PRId32 " ends before what the sink has: Kafka has lost %" PRId64
                   " records",
                   partition, stored - end);
        bf_err_detail(err, "position %" PRId64 ", log %" PRId64 " to %" PRId64, stored, begin, end);
        return BF_FATAL;
    }
    int64_t from = stored == BF_SINK_NO_POSITION ? begin : stored;
    runner->seeks[partition] =
        (struct bf_position){.topic = BF_TOPIC_KPIS, .partition = partition, .offset = from};
    bf__feed_start(&runner->feeds[partition], stored, from);
    return BF_OK;
}

static enum bf_status sync_positions(struct bf__runner *runner, struct bf_err *err)
{
    if (runner->holding) {
        bf_incoming_release(&runner->held);
        runner->holding = false;
    }
    for (int32_t i = 0; i < runner->partitions; i++) {
        bf__feed_start(&runner->feeds[i], BF_SINK_NO_POSITION, 0); /* lets go of what librdkafka holds */
    }
    enum bf_status status = runner->sink->sync(runner->self, runner->positions, &runner->clock_us, err);
    if (status != BF_OK) {
        return bf__runner_answer(runner, status, err);
    }
    for (int32_t i = 0; i < runner->partitions && status == BF_OK; i++) {
        status = place(runner, i, err);
    }
    if (status == BF_OK) {
        status = bf_consumer_assign(runner->consumer, runner->seeks, (size_t)runner->partitions, err);
    }
    if (status == BF_PEER) { /* Kafka's words, not the sink's */
        bf_health_set(runner->context.health, "kafka", BF_HEALTH_NOT_READY, "%s", err->message);
        runner->retry_us = bf_time_monotonic_us() + BF_US_PER_S;
        return BF_AGAIN;
    }
    if (status != BF_OK) {
        return status;
    }
    runner->synced = true;
    runner->backoff_us = BACKOFF_MIN_US;
    runner->beat_us = 0;
    bf_count(runner->syncs, 1);
    bf_health_set(runner->context.health, runner->sink->name, BF_HEALTH_OK, "connected");
    bf_health_set(runner->context.health, "kafka", BF_HEALTH_OK, "assigned");
    return BF_OK;
}

/* ---- one record */

/* Takes over the record's handle. AGAIN: it is held until its configuration is known. */
static enum bf_status take(struct bf__runner *runner, struct bf_incoming *incoming, struct bf_err *err)
{
    struct bf__feed *feed = &runner->feeds[incoming->partition];
    struct bf_err why = {0};
    enum bf__taken taken = bf__feed_read(feed, incoming, &why);
    if (taken != BF_TAKEN) {
        bf_count(taken == BF_TAKEN_NOT ? runner->ticks : runner->malformed, 1);
        if (taken == BF_TAKEN_BAD) {
            bf_log_err(BF_LOG_WARN, "sink.malformed", &why);
        }
        bf__feed_skip(feed, incoming);
        bf_incoming_release(incoming);
        return BF_OK;
    }
    const struct bf_sink_record *record = bf__feed_next(feed);
    bool is_kpi = record->type == BF_RECORD_KPI;
    int64_t clock_us = is_kpi ? record->as.kpi.clock_us : record->as.device.clock_us;
    int64_t generation = is_kpi ? record->as.kpi.generation : 0;
    runner->clock_us = clock_us > runner->clock_us ? clock_us : runner->clock_us;
    if (generation > runner->view.generation || runner->clock_us >= runner->next_from_us) {
        runner->held = *incoming;
        runner->holding = true;
        runner->held_generation = generation;
        return BF_AGAIN;
    }
    bf_count(is_kpi ? runner->kpis : runner->devices, 1);
    bf__feed_keep(feed, incoming);
    return feed->count == feed->capacity ? write_feed(runner, feed, err) : BF_OK;
}

/* A held record goes on once the configuration that it belongs to is in force. */
static enum bf_status resume(struct bf__runner *runner, struct bf_err *err)
{
    enum bf_status status = bf__runner_configure(runner, runner->held_generation, IDLE_MS, err);
    if (status != BF_OK) {
        return status;
    }
    if (runner->view.generation < runner->held_generation) {
        bf_health_set(runner->context.health, "config", BF_HEALTH_DEGRADED,
                      "waits for generation %" PRId64 " in belfry.config", runner->held_generation);
        return BF_AGAIN;
    }
    struct bf_incoming incoming = runner->held;
    runner->holding = false;
    return take(runner, &incoming, err);
}

/* Reads until the turn is over. AGAIN: something must be settled first. */
static enum bf_status read_log(struct bf__runner *runner, int64_t until_us, struct bf_err *err)
{
    enum bf_status status = BF_OK;
    bool open = false; /* records came since the last write */
    while (status == BF_OK && bf_time_monotonic_us() < until_us) {
        struct bf_incoming incoming;
        status = bf_consumer_poll(runner->consumer, open ? 0 : IDLE_MS, &incoming, err);
        if (status == BF_AGAIN) {
            status = open ? bf__runner_write(runner, false, err) : BF_OK;
            if (status == BF_OK) {
                status = bf__runner_answer(runner, runner->sink->flush(runner->self, err), err);
            }
            open = false;
        } else if (status == BF_OK && incoming.eof) {
            struct bf__feed *feed = &runner->feeds[incoming.partition];
            feed->at_end = true;
            feed->end = incoming.offset;
            bf_incoming_release(&incoming);
        } else if (status == BF_OK) {
            status = take(runner, &incoming, err);
            open = open || runner->feeds[incoming.partition].count > 0;
        } else if (status == BF_PEER) {
            bf_health_set(runner->context.health, "kafka", BF_HEALTH_NOT_READY, "%s", err->message);
            pause_until(until_us);
            return BF_AGAIN;
        }
    }
    return status == BF_OK && open ? bf__runner_write(runner, false, err) : status;
}

/* ---- the heartbeat */

static enum bf_status beat(struct bf__runner *runner, struct bf_err *err)
{
    int64_t oldest_ms = INT64_MAX;
    struct bf_sink_beat pulse = {.wall_us = bf_time_wall_us()};
    bool answers = bf_consumer_connected(runner->consumer); /* one that does not would hold the beat up */
    for (int32_t i = 0; i < runner->partitions; i++) {
        struct bf__feed *feed = &runner->feeds[i];
        int64_t begin = 0, end = 0;
        if (!feed->at_end && answers) {
            answers = bf_consumer_range(runner->consumer, BF_TOPIC_KPIS, i, &begin, &end, NULL) == BF_OK;
            feed->end = answers && end > feed->position ? end : feed->end;
        }
        pulse.behind_records += feed->end - feed->position;
        if (feed->end > feed->position && feed->appended_ms > 0 && feed->appended_ms < oldest_ms) {
            oldest_ms = feed->appended_ms;
        }
    }
    if (oldest_ms != INT64_MAX && pulse.wall_us > oldest_ms * BF_US_PER_MS) {
        pulse.behind_us = pulse.wall_us - oldest_ms * BF_US_PER_MS;
    }
    bf_gauge(runner->behind, pulse.behind_records);
    bf_gauge(runner->behind_ms, pulse.behind_us / BF_US_PER_MS);
    enum bf_status status =
        bf__runner_write(runner, true, err); /* positions of partitions with ticks only, too */
    if (status != BF_OK) {
        return status;
    }
    return bf__runner_answer(runner, runner->sink->beat(runner->self, &pulse, err), err);
}

static enum bf_status step(void *self, struct bf_err *err)
{
    struct bf__runner *runner = self;
    int64_t now_us = bf_time_monotonic_us();
    if (!runner->synced && now_us < runner->retry_us) {
        pause_until(runner->retry_us);
        return BF_AGAIN;
    }
    enum bf_status status = BF_OK;
    if (!runner->synced) {
        runner->backoff_us = runner->backoff_us ? runner->backoff_us : BACKOFF_MIN_US;
        status = sync_positions(runner, err);
    }
    if (status == BF_OK && now_us >= runner->beat_us) {
        status = bf__runner_configure(runner, 0, 0, err);
        if (status == BF_AGAIN && runner->synced) { /* no configuration yet: nothing can be read */
            pause_until(now_us + TURN_US);
            return status;
        }
        status = status == BF_OK ? beat(runner, err) : status;
        runner->beat_us = now_us + BEAT_US;
    }
    if (status == BF_OK && runner->holding) {
        status = resume(runner, err);
    }
    if (status == BF_OK) {
        status = read_log(runner, now_us + TURN_US, err);
    }
    return status;
}

static void dump(void *self)
{
    const struct bf__runner *runner = self;
    for (int32_t i = 0; i < runner->partitions; i++) {
        const struct bf__feed *feed = &runner->feeds[i];
        bf_log(BF_LOG_INFO, "sink.state",
               "partition=%" PRId32 " expected=%" PRId64 " position=%" PRId64 " end=%" PRId64
               " gathered=%zu synced=%d",
               i, feed->expected, feed->position, feed->end, feed->count, runner->synced);
    }
}

const struct bf_daemon bf_sink_daemon = {
    .name = "belfry-sink",
    .summary = "Brings results from Kafka to Redis, each exactly once.",
    .open = bf__runner_open,
    .step = step,
    .dump = dump,
    .close = bf__runner_close,
};
