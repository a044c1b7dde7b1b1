/* link.c: the ports: what the pure parts (session, change, ticker, gate) ask of the world, done by Paho,
 * Kafka and the clocks. */
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "core/log.h"
#include "core/time.h"
#include "ingest/state.h"

#define CLAIM_MS 100 /* a step of the daemon stays short; the claim may be asked for again */
#define NEVER_EXPIRES UINT32_MAX

bool bf__ingest_is_marked(const struct bf_ingest *ingest)
{
    return ingest->site->ingest.markers || ingest->site->ingest.clock_message;
}

struct bf_mqtt_options bf__ingest_mqtt_options(const struct bf_ingest *ingest)
{
    const struct bf_site *site = ingest->site;
    uint64_t window = site->ingest.window_deliveries;
    struct bf_mqtt_options options = bf_wiring_mqtt(site, site->ingest.id);
    options.session_expiry_s = NEVER_EXPIRES;
    options.receive_maximum = (uint16_t)(window < UINT16_MAX ? window : UINT16_MAX);
    options.connect_timeout_s = 10;
    options.relay_port = bf_gate_listens(ingest->gate);
    return options;
}

struct bf_tick bf__ingest_tick(const struct bf_ingest *ingest, int64_t now_us)
{
    return (struct bf_tick){
        .ingest = bf_slice_of(ingest->site->ingest.id),
        .incarnation = ingest->session.incarnation,
        .has_epoch = ingest->session.has_epoch,
        .epoch = ingest->session.epoch,
        .serial = bf_serial_newest(&ingest->intake.serial),
        .wall_us = bf_intake_time(&ingest->intake, now_us),
        .generation = ingest->generation,
    };
}

/* ---- callbacks of the session's connection */

/* Only under TLS; on a plain connection the gate takes the messages. */
static void on_message(void *context, const struct bf_mqtt_message *message)
{
    struct bf_ingest *ingest = context;
    if (bf_intake_take(&ingest->intake, message) && message->qos > 0) {
        bf_gate_delivered(ingest->gate);
    }
}

static void tell(struct bf_ingest *ingest, const struct bf_session_news *news, const char *reason)
{
    pthread_mutex_lock(&ingest->news.lock);
    struct bf_session_news *items = &ingest->news.items;
    items->connected |= news->connected;
    items->session_kept |= news->session_kept;
    items->failed |= news->failed;
    items->lost |= news->lost;
    items->subscribed |= news->subscribed;
    items->refused |= news->refused;
    if (reason) {
        snprintf(items->reason, sizeof items->reason, "%s", reason);
    }
    pthread_mutex_unlock(&ingest->news.lock);
}

static void on_connected(void *context, bool kept)
{
    tell(context, &(struct bf_session_news){.connected = true, .session_kept = kept}, NULL);
}

static void on_failed(void *context, const char *reason)
{
    tell(context, &(struct bf_session_news){.failed = true}, reason);
}

static void on_lost(void *context, const char *reason)
{
    struct bf_ingest *ingest = context;
    const char *fault = bf_gate_fault(ingest->gate);
    tell(ingest, &(struct bf_session_news){.lost = true}, fault ? fault : reason);
}

static void on_subscribed(void *context, bool ok, const char *reason)
{
    tell(context, &(struct bf_session_news){.subscribed = ok, .refused = !ok}, ok ? NULL : reason);
}

static void on_published(void *context, int token, bool ok)
{
    struct bf_ingest *ingest = context;
    (void)token; /* we publish but one thing on this connection */
    pthread_mutex_lock(&ingest->news.lock);
    ingest->news.answered |= ok;
    pthread_mutex_unlock(&ingest->news.lock);
}

/* ---- session */

static bool is_idle(void *context)
{
    const struct bf_ingest *ingest = context;
    return bf_producer_acked(ingest->producer) == bf_producer_handed(ingest->producer);
}

static void forget(void *context)
{
    struct bf_ingest *ingest = context;
    if (!ingest->site->ingest.clock_message) { /* there the messages' time is all the time there is */
        bf_ticker_begin(&ingest->ticker, bf_time_monotonic_us());
    }
}

static enum bf_status claim(void *context, int64_t *offset, struct bf_err *err)
{
    struct bf_ingest *ingest = context;
    struct bf_claim record = {.ingest = bf_slice_of(ingest->site->ingest.id)};
    if (getrandom(&record.nonce, sizeof record.nonce, 0) != (ssize_t)sizeof record.nonce) {
        return bf_err_set(err, BF_FATAL, "the kernel gives no random numbers");
    }
    enum bf_status status = bf_publish_claim(&ingest->publish, &record, CLAIM_MS, offset, err);
    if (status == BF_OK) {
        ingest->intake.incarnation = *offset;
        bf_gauge(ingest->tally.incarnation, *offset);
    }
    return status;
}

static enum bf_status connect(void *context, struct bf_err *err)
{
    struct bf_ingest *ingest = context;
    const struct bf_mqtt_options options = bf__ingest_mqtt_options(ingest);
    const struct bf_mqtt_callbacks callbacks = {
        .message = on_message,
        .connected = on_connected,
        .failed = on_failed,
        .lost = on_lost,
        .subscribed = on_subscribed,
        .published = on_published,
        .context = ingest,
    };
    pthread_mutex_lock(&ingest->news.lock);
    ingest->news.items = (struct bf_session_news){.connected = false};
    ingest->news.answered = false;
    pthread_mutex_unlock(&ingest->news.lock);
    ingest->hello_next = 0;
    bf_intake_prepare(&ingest->intake);
    bf_gate_arm(ingest->gate);
    enum bf_status status = bf_mqtt_create(&options, &callbacks, &ingest->mqtt, err);
    return status == BF_OK ? bf_mqtt_connect(ingest->mqtt, err) : status;
}

static void drop(void *context)
{
    struct bf_ingest *ingest = context;
    bf_gate_sever(ingest->gate); /* first: a message that is given up must not be acknowledged */
    bf_intake_end(&ingest->intake);
    bf_gate_join(ingest->gate);
    bf_mqtt_destroy(ingest->mqtt);
    ingest->mqtt = NULL;
    bf_ends_close(ingest->ends);
    ingest->ends = NULL;
}

static enum bf_status hello(void *context, struct bf_err *err)
{
    struct bf_ingest *ingest = context;
    struct bf_tick tick = bf__ingest_tick(ingest, bf_time_monotonic_us());
    tick.has_epoch = !ingest->session.session_kept; /* a kept session's epoch stands in the log */
    tick.epoch = tick.has_epoch ? tick.incarnation : 0;
    tick.serial = 0;
    return bf_ticker_hello(&ingest->ticker, tick, &ingest->hello_next, &ingest->hello_mark, err);
}

static bool greeted(void *context)
{
    const struct bf_ingest *ingest = context;
    return bf_producer_acked(ingest->producer) >= ingest->hello_mark;
}

static enum bf_status read_ends(void *context, struct bf_ends_found *found, struct bf_err *err)
{
    struct bf_ingest *ingest = context;
    enum bf_status status = BF_OK;
    if (ingest->ends == NULL) {
        status =
            bf_ends_open(&ingest->kafka, bf_slice_of(ingest->site->ingest.id), ingest->session.incarnation,
                         ingest->publish.readings, ingest->session.session_kept, &ingest->ends, err);
    }
    if (status == BF_OK) {
        status = bf_ends_step(ingest->ends, found, err);
    }
    if (status != BF_AGAIN) {
        bf_ends_close(ingest->ends);
        ingest->ends = NULL;
    }
    return status;
}

static enum bf_status begin(void *context, const struct bf_ends_found *found, struct bf_err *err)
{
    struct bf_ingest *ingest = context;
    enum bf_status status = bf__ingest_configure(ingest, found->generation, err);
    if (status != BF_OK) {
        return status;
    }
    if (found->wall_us != BF_TIME_NONE && !ingest->site->ingest.clock_message) {
        bf_clock_raise(&ingest->clock, found->wall_us);
    }
    ingest->intake.pipeline = ingest->pipeline;
    ingest->intake.epoch = ingest->session.epoch;
    ingest->intake.known_serial = ingest->session.serial;
    ingest->intake.generation = ingest->generation;
    bf_ticker_heard(&ingest->ticker, bf_time_monotonic_us());
    bf_intake_admit(&ingest->intake);
    return BF_OK;
}

static enum bf_status subscribe(void *context, struct bf_err *err)
{
    struct bf_ingest *ingest = context;
    struct bf_filters filters;
    const char *marker = bf__ingest_is_marked(ingest) ? ingest->intake.marker_topic : NULL;
    enum bf_status status = bf_filters_make(ingest->site, ingest->city, marker, &filters, err);
    if (status == BF_OK) {
        status = bf_mqtt_subscribe(ingest->mqtt, filters.all, filters.count, ingest->site->ingest.qos, err);
    }
    bf_filters_free(&filters);
    return status;
}

struct bf_session_port bf__ingest_session_port(struct bf_ingest *ingest)
{
    return (struct bf_session_port){
        .idle = is_idle,
        .forget = forget,
        .claim = claim,
        .connect = connect,
        .drop = drop,
        .hello = hello,
        .greeted = greeted,
        .read_ends = read_ends,
        .begin = begin,
        .subscribe = subscribe,
        .context = ingest,
    };
}

/* ---- change of the generation */

static void pause_intake(void *context)
{
    struct bf_ingest *ingest = context;
    bf_gate_pause(ingest->gate);
}

static bool is_quiet(void *context)
{
    struct bf_ingest *ingest = context;
    return bf_gate_is_quiet(ingest->gate) && !atomic_load(&ingest->publish.waiting);
}

static uint64_t taken(void *context)
{
    const struct bf_ingest *ingest = context;
    return atomic_load(&ingest->intake.taken);
}

static enum bf_status probe(void *context, struct bf_err *err)
{
    struct bf_ingest *ingest = context;
    char payload[24];
    size_t len =
        bf_marker_format(bf_intake_time(&ingest->intake, bf_time_monotonic_us()), payload, sizeof payload);
    bf_gate_probe(ingest->gate);
    return bf_mqtt_publish(ingest->mqtt, bf_slice_of(ingest->intake.marker_topic),
                           (struct bf_slice){payload, len}, 1, false, BF_TIME_NONE, NULL, err);
}

static void restart(void *context, bool change, const char *why)
{
    struct bf_ingest *ingest = context;
    bf_session_restart(&ingest->session, bf_time_monotonic_us(), why);
    if (change) {
        bf__ingest_follow(ingest);
    }
}

struct bf_change_port bf__ingest_change_port(struct bf_ingest *ingest)
{
    return (struct bf_change_port){
        .pause = pause_intake,
        .quiet = is_quiet,
        .taken = taken,
        .probe = probe,
        .restart = restart,
        .context = ingest,
    };
}

/* ---- Kafka as ticker and gate see it */

static enum bf_status send_tick(void *context, int32_t partition, const struct bf_tick *tick,
                                uint64_t *sequence, struct bf_err *err)
{
    struct bf_ingest *ingest = context;
    enum bf_status status = bf_publish_tick(&ingest->publish, partition, tick, sequence, err);
    bf_count(ingest->tally.ticks, status == BF_OK);
    return status;
}

static bool is_acked(void *context, uint64_t sequence)
{
    struct bf_ingest *ingest = context;
    return bf_producer_is_acked(ingest->producer, sequence);
}

static bool take(void *context, const struct bf_mqtt_message *message)
{
    struct bf_ingest *ingest = context;
    return bf_intake_take(&ingest->intake, message);
}

static uint64_t handed(void *context)
{
    const struct bf_ingest *ingest = context;
    return bf_producer_handed(ingest->producer);
}

static uint64_t acked(void *context)
{
    const struct bf_ingest *ingest = context;
    return bf_producer_acked(ingest->producer);
}

static uint64_t pending_bytes(void *context)
{
    const struct bf_ingest *ingest = context;
    return bf_producer_pending_bytes(ingest->producer);
}

static void serve(void *context)
{
    struct bf_ingest *ingest = context;
    enum bf_status status = bf_producer_poll(ingest->producer, 0, NULL);
    (void)status; /* main sees it, too */
}

struct bf_tick_port bf__ingest_tick_port(struct bf_ingest *ingest)
{
    return (struct bf_tick_port){
        .send = send_tick, .is_acked = is_acked, .handed = handed, .acked = acked, .context = ingest};
}

struct bf_gate_port bf__ingest_gate_port(struct bf_ingest *ingest)
{
    return (struct bf_gate_port){
        .take = take,
        .handed = handed,
        .acked = acked,
        .pending_bytes = pending_bytes,
        .serve = serve,
        .context = ingest,
    };
}
