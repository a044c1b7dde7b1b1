/* ingest.c: the daemon: open, one turn of the main thread, close. The life of a message is in intake.c.
 * Declined: an event loop: the main thread has one thing to wait for, Kafka's delivery reports; everything
 * else is looked at each turn, some hundred times a second. */
#include "ingest/ingest.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "core/log.h"
#include "core/time.h"
#include "ingest/state.h"

#define TURN_MS 10
#define PACE_US (2 * BF_US_PER_MS) /* under load delivery reports are served this far apart, */
#define PACE_BURST 8               /* else each at once */
#define REPORT_US (250 * BF_US_PER_MS)
#define MAX_QUEUE 65536 /* records in the producer's queue; its bytes are bounded too */
#define STALL_US (10 * BF_US_PER_S)
#define CLOSE_US (2 * BF_US_PER_S)

/* ---- open */

static enum bf_status check_id(const char *id, struct bf_err *err)
{
    size_t len = strlen(id);
    if (len == 0 || len > 64 || strcspn(id, "/+# \t") != len) {
        bf_err_set(err, BF_CONFIG, "ingest.id: \"%s\" cannot be an ingest id", id);
        bf_err_detail(err, "it is part of an MQTT topic: 1 to 64 bytes, no space, '/', '+' or '#'");
        return BF_CONFIG;
    }
    return BF_OK;
}

static enum bf_status open_gate(struct bf_ingest *ingest, struct bf_err *err)
{
    const struct bf_site *site = ingest->site;
    uint16_t port;
    enum bf_status status =
        bf_mqtt_parse_url(site->mqtt.url, ingest->host, sizeof ingest->host, &port, &ingest->tls, err);
    if (status != BF_OK) {
        return status;
    }
    const struct bf_gate_options options = {
        .host = ingest->host,
        .broker_port = port,
        .tls = ingest->tls,
        .mqtt5 = site->mqtt.version == 5,
        .max_payload = site->ingest.max_payload,
        .head_max = site->ingest.reject_payload,
        .window_deliveries = site->ingest.window_deliveries,
        .window_bytes = site->ingest.window_bytes,
        .stall_us = STALL_US,
        .connect_timeout_ms = 10000,
        .port = bf__ingest_gate_port(ingest),
        .counters = {.wait_us = ingest->tally.gate_wait_us,
                     .oversize = ingest->tally.gate_oversize,
                     .faults = ingest->tally.gate_faults},
    };
    return bf_gate_start(&options, &ingest->gate, err);
}

static enum bf_status open_kafka(struct bf_ingest *ingest, struct bf_err *err)
{
    enum bf_status status =
        bf_config_log_await(&ingest->kafka, NULL, ingest->context.health, &ingest->log, err);
    if (status == BF_OK) {
        uint32_t linger_ms = (uint32_t)(ingest->site->ingest.linger_us / BF_US_PER_MS);
        status = bf_producer_create(&ingest->kafka, linger_ms, MAX_QUEUE, &ingest->producer, err);
    }
    const struct bf_install *install = status == BF_OK ? bf_config_log_install(ingest->log) : NULL;
    if (install) {
        status = bf_publish_init(&ingest->publish, ingest->producer, install, &ingest->tally, err);
    }
    if (install && status == BF_OK) {
        const struct bf_tick_port port = bf__ingest_tick_port(ingest);
        status = bf_ticker_init(&ingest->ticker, &port, install->readings, err);
        ingest->ticker.marked = ingest->site->ingest.markers && !ingest->site->ingest.clock_message;
    }
    return status;
}

static void open_intake(struct bf_ingest *ingest)
{
    struct bf_intake *intake = &ingest->intake;
    intake->site = ingest->site;
    intake->gate = ingest->gate;
    intake->ticker = &ingest->ticker;
    intake->clock = &ingest->clock;
    intake->publish = &ingest->publish;
    intake->tally = &ingest->tally;
    bf_intake_init(intake);
}

static enum bf_status open_session(struct bf_ingest *ingest, struct bf_err *err)
{
    uint64_t seed;
    if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed) {
        return bf_err_set(err, BF_FATAL, "the kernel gives no random numbers");
    }
    const struct bf_session_port session_port = bf__ingest_session_port(ingest);
    const struct bf_change_port change_port = bf__ingest_change_port(ingest);
    bf_session_init(&ingest->session, &session_port, seed);
    bf_change_init(&ingest->change, &change_port);
    if (!ingest->site->ingest.markers || ingest->site->ingest.clock_message) {
        return BF_OK;
    }
    const struct bf_mqtt_options options = bf__ingest_mqtt_options(ingest);
    return bf_marker_create(&options, ingest->site->ingest.id, &ingest->marker, err);
}

static enum bf_status open_all(struct bf_ingest *ingest, struct bf_err *err)
{
    enum bf_status status = bf_site_load(ingest->context.config_path, &ingest->site, err);
    if (status == BF_OK) {
        status = check_id(ingest->site->ingest.id, err);
    }
    if (status != BF_OK) {
        return status;
    }
    ingest->kafka = bf_wiring_kafka(ingest->site, ingest->site->ingest.id, ingest->properties);
    bf_clock_init(&ingest->clock, bf_time_wall_us(), bf_time_monotonic_us(),
                  ingest->site->ingest.max_jump_us);
    status = bf_http_start(ingest->site->ingest.http, ingest->context.counters, ingest->context.health,
                           &ingest->http, err);
    if (status == BF_OK) {
        bf_log(BF_LOG_INFO, "http.listening", "port=%u", bf_http_port(ingest->http));
        status = open_kafka(ingest, err);
    }
    if (status == BF_OK) {
        status = open_gate(ingest, err);
    }
    if (status == BF_OK) {
        open_intake(ingest);
        status = open_session(ingest, err);
    }
    return status;
}

static void close_all(void *self);

static enum bf_status open(struct bf_daemon_context *context, void **self, struct bf_err *err)
{
    struct bf_ingest *ingest = calloc(1, sizeof *ingest);
    if (ingest == NULL) {
        return bf_err_set(err, BF_FATAL, "out of memory");
    }
    ingest->context = *context;
    ingest->pace = (struct bf_pace){.every_us = PACE_US, .burst = PACE_BURST};
    pthread_mutex_init(&ingest->news.lock, NULL);
    bf_tally_register(&ingest->tally, context->counters);
    bf_health_set(context->health, "mqtt", BF_HEALTH_NOT_READY, "not connected yet");
    bf_health_set(context->health, "kafka", BF_HEALTH_NOT_READY, "not connected yet");
    bf_health_set(context->health, "config", BF_HEALTH_NOT_READY, "not read yet");
    enum bf_status status = open_all(ingest, err);
    if (status != BF_OK) {
        close_all(ingest);
        return status;
    }
    *self = ingest;
    return BF_OK;
}

/* ---- one turn */

static void take_news(struct bf_ingest *ingest, struct bf_session_news *news, bool *answered)
{
    pthread_mutex_lock(&ingest->news.lock);
    *news = ingest->news.items;
    *answered = ingest->news.answered;
    ingest->news.items = (struct bf_session_news){.connected = false};
    pthread_mutex_unlock(&ingest->news.lock);
}

/* With `clock: message` the intake writes the ticks, between messages. */
static bool is_tick_due(const struct bf_ingest *ingest, int64_t now_us)
{
    return ingest->city != NULL && !ingest->site->ingest.clock_message &&
           bf_session_may_tick(&ingest->session) && bf_clock_fault(&ingest->clock) == BF_CLOCK_RIGHT &&
           bf_ticker_due(&ingest->ticker, now_us);
}

static enum bf_status tick(struct bf_ingest *ingest, int64_t now_us, struct bf_err *err)
{
    int sent;
    if (!is_tick_due(ingest, now_us)) {
        return BF_OK;
    }
    struct bf_tick record = bf__ingest_tick(ingest, now_us);
    if (!bf__ingest_is_marked(ingest) && ingest->session.phase == BF_SESSION_RUNNING) {
        bf_ticker_raise(&ingest->ticker, record.wall_us); /* `markers: off`: the clock is the wall time */
    }
    return bf_ticker_round(&ingest->ticker, record, now_us, &sent, err);
}

/* Not while a message waits for Kafka: under TLS it holds Paho's lock, and this thread must not wait. */
static void mark(struct bf_ingest *ingest, int64_t now_us)
{
    if (ingest->marker == NULL || ingest->city == NULL || atomic_load(&ingest->publish.waiting) ||
        bf_clock_fault(&ingest->clock) != BF_CLOCK_RIGHT) {
        return;
    }
    bf_marker_turn(ingest->marker, bf_clock_wall(&ingest->clock, now_us), now_us,
                   ingest->city->time.tick_every_us);
}

/* Kafka answers for each partition by itself; under load many answers are served at once. */
static enum bf_status serve(struct bf_ingest *ingest, struct bf_err *err)
{
    bf_pace_wait(&ingest->pace, -1);
    enum bf_status status = bf_producer_poll(ingest->producer, TURN_MS, err);
    uint64_t acked = bf_producer_acked(ingest->producer);
    if (acked != ingest->served) { /* the other threads serve reports, too */
        ingest->served = acked;
        bf_pace_turn(&ingest->pace, bf_time_monotonic_us());
        bf_gate_wake(ingest->gate);
    }
    if (status == BF_OK && atomic_load(&ingest->intake.failed)) {
        *err = ingest->intake.err;
        status = BF_FATAL;
    }
    return status;
}

static enum bf_status step(void *self, struct bf_err *err)
{
    struct bf_ingest *ingest = self;
    struct bf_session_news news;
    bool answered;
    enum bf_status status = serve(ingest, err);
    if (status != BF_OK) {
        return status;
    }
    int64_t now_us = bf_time_monotonic_us();
    bf_clock_update(&ingest->clock, bf_time_wall_us(), now_us);
    take_news(ingest, &news, &answered);
    if (bf__ingest_has_configuration(ingest, now_us)) {
        status = bf_session_turn(&ingest->session, &news, now_us, err);
    }
    if (status != BF_OK) {
        return status;
    }
    bf_change_turn(&ingest->change, bf__ingest_is_newer_ready(ingest, now_us),
                   ingest->session.phase == BF_SESSION_RUNNING, answered, now_us);
    if (atomic_exchange(&ingest->hangup, false)) {
        bf_session_restart(&ingest->session, now_us, "certificates are read again");
    }
    mark(ingest, now_us);
    status = tick(ingest, now_us, err);
    if (now_us - ingest->reported_us >= REPORT_US) {
        ingest->reported_us = now_us;
        bf__ingest_report(ingest, now_us);
    }
    return status;
}

static void hangup(void *self)
{
    struct bf_ingest *ingest = self;
    atomic_store(&ingest->hangup, true);
}

/* ---- close */

/* What was handed over gets its PUBACK out, so that the next start has little delivered again. */
static void settle(struct bf_ingest *ingest)
{
    int64_t until_us = bf_time_monotonic_us() + CLOSE_US, quiet_us = until_us;
    bf_gate_pause(ingest->gate);
    for (int64_t now_us; (now_us = bf_time_monotonic_us()) < until_us;) {
        if (bf_producer_poll(ingest->producer, TURN_MS, NULL) != BF_OK ||
            atomic_load(&ingest->intake.failed)) {
            return;
        }
        bf_gate_wake(ingest->gate);
        if (!bf_gate_is_quiet(ingest->gate)) {
            quiet_us = until_us;
        } else if (quiet_us == until_us) {
            quiet_us = now_us;
        } else if (now_us - quiet_us > 5 * TURN_MS * BF_US_PER_MS) {
            return;
        }
    }
}

static void close_all(void *self)
{
    struct bf_ingest *ingest = self;
    if (ingest->mqtt) {
        if (ingest->session.phase == BF_SESSION_RUNNING) {
            settle(ingest);
        }
        ingest->session.port.drop(ingest);
    }
    bf_marker_destroy(ingest->marker);
    bf_gate_stop(ingest->gate);
    if (ingest->producer) {
        bf_producer_destroy(ingest->producer, 1000);
    }
    if (ingest->http) {
        bf_http_stop(ingest->http);
    }
    if (ingest->intake.site) {
        bf_intake_deinit(&ingest->intake);
    }
    bf_ticker_deinit(&ingest->ticker);
    bf_publish_deinit(&ingest->publish);
    bf_pipeline_destroy(ingest->pipeline);
    bf_pipeline_destroy(ingest->next_pipeline);
    if (ingest->log) {
        bf_config_log_close(ingest->log);
    }
    if (ingest->site) {
        bf_site_destroy(ingest->site);
    }
    pthread_mutex_destroy(&ingest->news.lock);
    free(ingest);
}

const struct bf_daemon bf_ingest_daemon = {
    .name = "belfry-ingest",
    .summary =
        "Takes messages from an MQTT broker and writes readings to Kafka, acknowledging what Kafka has.",
    .open = open,
    .step = step,
    .hangup = hangup,
    .dump = bf__ingest_dump,
    .close = close_all,
};
