/* tally.h: what belfry-ingest counts, registered once.
 * Owner: ingest.   Thread: any (counters are atomic). */
#ifndef BF_INGEST_TALLY_H
#define BF_INGEST_TALLY_H

#include "core/counters.h"
#include "core/slice.h"

#define BF_TALLY_REASONS 32

struct bf_tally {
    struct bf_counter *messages, *readings, *markers, *ignored, *duplicates, *redeliveries, *retained;
    struct bf_counter *gate_wait_us, *gate_oversize, *gate_faults, *unacked, *pending_bytes, *queue_wait_us;
    struct bf_counter *ticks, *clock_lag_ms, *connections, *incarnation, *generation;
    struct bf_counter *rejects[BF_TALLY_REASONS]; /* in the order of core/reasons.def */
};

void bf_tally_register(struct bf_tally *tally, struct bf_counters *counters);
void bf_tally_reject(struct bf_tally *tally, struct bf_slice reason);

#endif
