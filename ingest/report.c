/* report.c: what an operator sees: health conditions with their reasons, and gauges. */
#include "core/log.h"
#include "core/time.h"
#include "ingest/state.h"

static void report_mqtt(struct bf_ingest *ingest)
{
    const struct bf_session *session = &ingest->session;
    if (session->phase == BF_SESSION_RUNNING) {
        bf_health_set(ingest->context.health, "mqtt", BF_HEALTH_OK, "subscribed");
        return;
    }
    if (bf_config_log_newest(ingest->log) == 0) {
        bf_health_set(ingest->context.health, "mqtt", BF_HEALTH_NOT_READY, "waiting for a configuration");
        return;
    }
    bf_health_set(ingest->context.health, "mqtt", BF_HEALTH_NOT_READY, "%s%s%s",
                  bf_session_phase_name(session->phase), session->reason[0] ? ": " : "", session->reason);
}

/* Kafka is away when something waits and nothing is acknowledged. */
static void report_kafka(struct bf_ingest *ingest, int64_t now_us)
{
    uint64_t acked = bf_producer_acked(ingest->producer);
    if (acked != ingest->acked || acked == bf_producer_handed(ingest->producer)) {
        ingest->acked = acked;
        ingest->wait_logged_us = now_us;
    }
    int64_t waiting_us = now_us - ingest->wait_logged_us;
    if (waiting_us < 2 * BF_US_PER_S) {
        bf_health_set(ingest->context.health, "kafka", BF_HEALTH_OK, "acknowledging");
    } else {
        bf_health_set(ingest->context.health, "kafka", BF_HEALTH_NOT_READY,
                      "has acknowledged nothing for %lld s; the MQTT broker holds what comes",
                      (long long)(waiting_us / BF_US_PER_S));
    }
}

static void report_clock(struct bf_ingest *ingest, int64_t lag_us)
{
    enum bf_clock_fault fault = bf_clock_fault(&ingest->clock);
    if (fault != BF_CLOCK_RIGHT && !ingest->site->ingest.clock_message) {
        bf_health_set(ingest->context.health, "clock", BF_HEALTH_NOT_READY, "%s", bf_clock_fault_text(fault));
    } else if (lag_us < 0 && ingest->session.phase == BF_SESSION_RUNNING) {
        bf_health_set(ingest->context.health, "clock", BF_HEALTH_DEGRADED, "no marker has come back yet");
    } else if (lag_us > 60 * BF_US_PER_S && !ingest->site->ingest.clock_message) {
        bf_health_set(ingest->context.health, "clock", BF_HEALTH_DEGRADED,
                      "%lld s behind: a backlog, or markers that do not come back",
                      (long long)(lag_us / BF_US_PER_S));
    } else {
        bf_health_set(ingest->context.health, "clock", BF_HEALTH_OK, "right");
    }
    if (fault != ingest->fault) {
        ingest->fault = fault;
        bf_log(fault == BF_CLOCK_RIGHT ? BF_LOG_INFO : BF_LOG_ERROR, "clock.state", "text=%s",
               bf_clock_fault_text(fault));
    }
}

static void report_config(struct bf_ingest *ingest)
{
    if (ingest->generation != 0) {
        bf_health_set(ingest->context.health, "config", BF_HEALTH_OK, "generation %lld",
                      (long long)ingest->generation);
    } else {
        bf_health_set(ingest->context.health, "config", BF_HEALTH_NOT_READY,
                      "no configuration in the log yet; `belfry reload` writes it");
    }
}

void bf__ingest_report(struct bf_ingest *ingest, int64_t now_us)
{
    int64_t clock_us = bf_ticker_clock(&ingest->ticker);
    int64_t lag_us = clock_us == BF_TIME_NONE ? -1 : bf_clock_wall(&ingest->clock, now_us) - clock_us;
    lag_us = clock_us != BF_TIME_NONE && lag_us < 0 ? 0 : lag_us;
    bf_gauge(ingest->tally.clock_lag_ms, clock_us == BF_TIME_NONE ? -1 : lag_us / BF_US_PER_MS);
    bf_gauge(ingest->tally.unacked, (int64_t)bf_gate_unacknowledged(ingest->gate));
    bf_gauge(ingest->tally.pending_bytes, (int64_t)bf_producer_pending_bytes(ingest->producer));
    bf_gauge(ingest->tally.connections, (int64_t)ingest->session.starts);
    report_mqtt(ingest);
    report_kafka(ingest, now_us);
    report_clock(ingest, lag_us);
    report_config(ingest);
}

void bf__ingest_dump(void *self)
{
    struct bf_ingest *ingest = self;
    bf_log(BF_LOG_INFO, "ingest.state",
           "phase=%s incarnation=%lld epoch=%lld serial=%lld generation=%lld handed=%llu acked=%llu "
           "unacked=%llu",
           bf_session_phase_name(ingest->session.phase), (long long)ingest->session.incarnation,
           (long long)ingest->session.epoch, (long long)bf_serial_newest(&ingest->intake.serial),
           (long long)ingest->generation, (unsigned long long)bf_producer_handed(ingest->producer),
           (unsigned long long)bf_producer_acked(ingest->producer),
           (unsigned long long)bf_gate_unacknowledged(ingest->gate));
}
