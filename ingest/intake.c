/* intake.c: what happens to one message; `bf_intake_take` is the whole of it.
 * Declined: a queue and a worker thread behind `take`: librdkafka's bounded queue is the queue, and a
 * message parked anywhere else would be acknowledged before it is safe. */
#include "ingest/intake.h"

#include <stdio.h>
#include <string.h>

#include "core/log.h"
#include "core/time.h"
#include "ingest/decode/message_hash.h"
#include "ingest/marker.h"
#include "ingest/packet.h"

void bf_intake_init(struct bf_intake *intake)
{
    pthread_mutex_init(&intake->lock, NULL);
    pthread_cond_init(&intake->changed, NULL);
    bf_serial_init(&intake->serial, intake->site->ingest.packet_ids_free);
    bf_marker_topic(intake->site->ingest.id, intake->marker_topic, sizeof intake->marker_topic);
    intake->open = BF_INTAKE_SHUT;
    intake->wall_us = 0;
    atomic_store(&intake->failed, false);
}

void bf_intake_deinit(struct bf_intake *intake)
{
    pthread_mutex_destroy(&intake->lock);
    pthread_cond_destroy(&intake->changed);
}

static void set_open(struct bf_intake *intake, enum bf_intake_door open)
{
    pthread_mutex_lock(&intake->lock);
    intake->open = open;
    pthread_cond_broadcast(&intake->changed);
    pthread_mutex_unlock(&intake->lock);
}

void bf_intake_prepare(struct bf_intake *intake)
{
    atomic_store(&intake->publish->stop, false);
    atomic_store(&intake->taken, 0);
    set_open(intake, BF_INTAKE_SHUT);
}

void bf_intake_admit(struct bf_intake *intake)
{
    bf_serial_begin(&intake->serial, intake->known_serial);
    set_open(intake, BF_INTAKE_OPEN);
    bf_gate_admit(intake->gate);
}

void bf_intake_end(struct bf_intake *intake)
{
    atomic_store(&intake->publish->stop, true);
    set_open(intake, BF_INTAKE_OVER);
}

int64_t bf_intake_time(const struct bf_intake *intake, int64_t monotonic_us)
{
    int64_t clock_us = bf_ticker_clock(intake->ticker);
    if (intake->site->ingest.clock_message && clock_us != BF_TIME_NONE) {
        return clock_us;
    }
    return bf_clock_wall(intake->clock, monotonic_us);
}

/* On a plain connection this never waits: the gate lets nothing through before. */
static bool wait_open(struct bf_intake *intake)
{
    pthread_mutex_lock(&intake->lock);
    while (intake->open == BF_INTAKE_SHUT) {
        pthread_cond_wait(&intake->changed, &intake->lock);
    }
    bool open = intake->open == BF_INTAKE_OPEN;
    pthread_mutex_unlock(&intake->lock);
    return open;
}

static void fail(struct bf_intake *intake)
{
    bf_gate_sever(intake->gate); /* first: the PUBACK of this message must not leave */
    atomic_store(&intake->failed, true);
}

static void on_reading(void *context, const struct bf_reading *reading)
{
    struct bf_intake *intake = context;
    intake->handed = intake->handed && bf_publish_reading(intake->publish, reading);
}

/* Whoever wires up a device sees at once what is wrong with its payload; the log limits what repeats. */
static void on_reject(void *context, const struct bf_reject *reject)
{
    struct bf_intake *intake = context;
    if (!reject->by_profile) {
        bf_log(BF_LOG_WARN, "ingest.reject", "reason=%.*s profile=%.*s detail=%.*s topic=%.*s",
               BF_SLICE_ARG(reject->reason), BF_SLICE_ARG(reject->profile), BF_SLICE_ARG(reject->detail),
               BF_SLICE_ARG(reject->topic));
    }
    intake->handed = intake->handed && bf_publish_reject(intake->publish, reject);
}

/* An oversize payload comes cut by the gate, or (TLS, or by a little) whole; then it is cut here. */
static void set_payload(const struct bf_intake *intake, const struct bf_mqtt_message *message,
                        struct bf_pipeline_input *input)
{
    const struct bf_site *site = intake->site;
    input->payload = message->payload;
    input->payload_len = message->is_cut ? message->whole_len : message->payload.len;
    if (input->payload_len > site->ingest.max_payload && input->payload.len > site->ingest.reject_payload) {
        input->payload.len = site->ingest.reject_payload;
    }
    uint64_t payload_hash = message->is_cut ? message->whole_hash : bf_payload_hash(message->payload);
    input->delivery.payload_hash = bf_message_hash(message->topic, payload_hash);
}

/* With `clock: message` time is what the messages say; else it never runs back. */
static int64_t next_wall(const struct bf_intake *intake, int64_t clock_us, int64_t now_us)
{
    if (intake->site->ingest.clock_message && clock_us != BF_TIME_NONE) {
        return clock_us;
    }
    int64_t wall_us = bf_clock_wall(intake->clock, now_us);
    return wall_us > intake->wall_us ? wall_us : intake->wall_us;
}

static void decode(struct bf_intake *intake, const struct bf_mqtt_message *message, int64_t serial,
                   int64_t now_us)
{
    int64_t clock_us = bf_ticker_clock(intake->ticker);
    if (message->has_time && intake->site->ingest.clock_message && message->time_us > clock_us) {
        clock_us = message->time_us;
    }
    intake->wall_us = next_wall(intake, clock_us, now_us);
    struct bf_pipeline_input input = {
        .topic = message->topic,
        .ingest_us = intake->wall_us,
        .clock_us = clock_us,
        .retained = message->retained,
        .delivery =
            {
                .ingest = bf_slice_of(intake->site->ingest.id),
                .incarnation = intake->incarnation,
                .epoch = intake->epoch,
                .serial = serial,
                .packet_id = message->packet_id,
                .dup = message->dup,
            },
    };
    /* On real time the property says when a message that is published again came first (`belfry rejects
     * replay`). It says no more than a time in the payload could, so anybody may; the future is nobody's. */
    input.historical = message->has_time && !intake->site->ingest.clock_message && message->time_us >= 0 &&
                       message->time_us <= intake->wall_us;
    input.historical_us = input.historical ? message->time_us : BF_TIME_NONE;
    set_payload(intake, message, &input);
    const struct bf_pipeline_output output = {.reading = on_reading, .reject = on_reject, .context = intake};
    (void)bf_pipeline_run(intake->pipeline, &input, &output);
    if (intake->handed) {
        bf_count(intake->tally->messages, 1);
        bf_count(intake->tally->retained, message->retained);
        bf_count(intake->tally->duplicates, message->dup);
        bf_count(intake->tally->redeliveries, message->dup && serial <= intake->known_serial);
    }
}

/* With `clock: message` a tick stands before the first message of every tick_every of their time, in every
 * partition, as if a marker had come back just then: so a capture gives the same log, and with it the same
 * results, at any speed. That ticks could queue up is nothing to fear there: such an installation has one
 * ingest process. */
static void tick_before(struct bf_intake *intake, int64_t time_us, int64_t now_us)
{
    int64_t clock_us = bf_time_floor(time_us, intake->ticker->tick_every_us);
    if (clock_us <= bf_ticker_clock(intake->ticker)) {
        return;
    }
    bf_ticker_raise(intake->ticker, clock_us);
    const struct bf_tick tick = {
        .ingest = bf_slice_of(intake->site->ingest.id),
        .incarnation = intake->incarnation,
        .has_epoch = true,
        .epoch = intake->epoch,
        .serial = bf_serial_newest(&intake->serial),
        .wall_us = bf_intake_time(intake, now_us),
        .has_clock = true,
        .clock_us = clock_us,
        .flows = true,
        .generation = intake->generation,
    };
    intake->handed = bf_publish_ticks(intake->publish, &tick);
}

static void take_marker(struct bf_intake *intake, const struct bf_mqtt_message *message, int64_t now_us)
{
    int64_t sent_us;
    bool ours = bf_slice_equal(message->topic, bf_slice_of(intake->marker_topic)) && !message->retained;
    bool good = ours && bf_marker_parse(message->payload, &sent_us);
    if (good && intake->site->ingest.clock_message) {
        good = message->has_time; /* its time is taken below, as any message's */
    } else if (good) {
        good = sent_us <= bf_clock_wall(intake->clock, now_us) + intake->site->ingest.max_jump_us;
        if (good) {
            bf_ticker_raise(intake->ticker, sent_us);
        }
    }
    bf_count(good ? intake->tally->markers : intake->tally->ignored, 1);
}

bool bf_intake_take(struct bf_intake *intake, const struct bf_mqtt_message *message)
{
    if (!wait_open(intake) || bf_gate_is_doomed(intake->gate)) {
        return false; /* it will be delivered anew; no PUBACK of it leaves */
    }
    int64_t now_us = bf_time_monotonic_us(), serial;
    atomic_fetch_add_explicit(&intake->taken, 1, memory_order_relaxed);
    bf_ticker_heard(intake->ticker, now_us);
    if (bf_serial_next(&intake->serial, message->packet_id, message->dup, &serial, &intake->err) != BF_OK) {
        fail(intake);
        return false;
    }
    bool timed = message->has_time && intake->site->ingest.clock_message;
    intake->handed = true;
    if (timed) {
        tick_before(intake, message->time_us, now_us);
    }
    if (bf_marker_is_topic(message->topic)) {
        take_marker(intake, message, now_us);
    } else {
        decode(intake, message, serial, now_us);
    }
    if (!intake->handed) {
        if (atomic_load(&intake->publish->failed)) {
            intake->err = intake->publish->err;
            fail(intake);
        }
        return false;
    }
    if (timed) { /* behind its readings, as a marker would be */
        bf_ticker_raise(intake->ticker, message->time_us);
    }
    return true;
}
