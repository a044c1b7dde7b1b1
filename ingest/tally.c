/* tally.c: one table of counters, one of reject reasons (from core/reasons.def, so that none is
 * forgotten). */
#include "ingest/tally.h"

#include <assert.h>
#include <stddef.h>

static const struct {
    size_t at;
    enum bf_counter_kind kind;
    const char *name, *help;
} rows[] = {
#define ROW(member, type, text, words)                                                     \
    {                                                                                      \
        .at = offsetof(struct bf_tally, member), .kind = type, .name = text, .help = words \
    }
    ROW(messages, BF_COUNTER, "belfry_messages_total", "MQTT messages taken; markers are no messages."),
    ROW(readings, BF_COUNTER, "belfry_readings_total", "Readings handed to Kafka."),
    ROW(markers, BF_COUNTER, "belfry_markers_total", "Markers of this process that came back."),
    ROW(ignored, BF_COUNTER, "belfry_markers_ignored_total", "Markers of others, or that could not be read."),
    ROW(duplicates, BF_COUNTER, "belfry_messages_dup_total", "Messages that the broker marked DUP."),
    ROW(redeliveries, BF_COUNTER, "belfry_redeliveries_total",
        "Messages marked DUP that lie before what the log knew when the connection began."),
    ROW(retained, BF_COUNTER, "belfry_retained_total", "Retained messages that a subscription brought."),
    ROW(gate_wait_us, BF_COUNTER, "belfry_gate_wait_microseconds_total",
        "Time in which acknowledgements waited for Kafka."),
    ROW(gate_oversize, BF_COUNTER, "belfry_gate_oversize_total",
        "Messages too large to be kept whole, cut by the gate."),
    ROW(gate_faults, BF_COUNTER, "belfry_gate_faults_total", "Connections dropped for what the broker sent."),
    ROW(unacked, BF_GAUGE, "belfry_gate_unacknowledged", "Deliveries whose PUBACK has not left."),
    ROW(pending_bytes, BF_GAUGE, "belfry_kafka_pending_bytes", "Bytes handed over and not acknowledged."),
    ROW(queue_wait_us, BF_COUNTER, "belfry_queue_wait_microseconds_total",
        "Time in which a message waited for a place in the producer's queue."),
    ROW(ticks, BF_COUNTER, "belfry_ticks_total", "Ticks written, over all partitions."),
    ROW(clock_lag_ms, BF_GAUGE, "belfry_clock_lag_milliseconds",
        "Wall time less the clock; -1: no clock yet."),
    ROW(connections, BF_COUNTER, "belfry_connections_total", "Connections that came to run."),
    ROW(incarnation, BF_GAUGE, "belfry_incarnation", "Incarnation of the present connection."),
    ROW(generation, BF_GAUGE, "belfry_generation", "Generation of the configuration that decodes."),
#undef ROW
};

static const char *const reasons[] = {
#define X(name, stage, text) #name,
#include "core/reasons.def"
#undef X
};
_Static_assert(sizeof reasons / sizeof *reasons <= BF_TALLY_REASONS, "raise BF_TALLY_REASONS");

void bf_tally_register(struct bf_tally *tally, struct bf_counters *counters)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bf_counter **slot = (struct bf_counter **)(void *)((char *)tally + rows[i].at);
        *slot = bf_counters_add(counters, rows[i].kind, rows[i].name, rows[i].help, NULL, NULL);
    }
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        tally->rejects[i] = bf_counters_add(counters, BF_COUNTER, "belfry_rejects_total",
                                            "What went to belfry.rejects, by reason.", "reason", reasons[i]);
    }
}

void bf_tally_reject(struct bf_tally *tally, struct bf_slice reason)
{
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        if (bf_slice_equal(reason, bf_slice_of(reasons[i]))) {
            bf_count(tally->rejects[i], 1);
            return;
        }
    }
    assert(false && "a reason that core/reasons.def does not list");
}
