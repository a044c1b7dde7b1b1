/* ingest.h: belfry-ingest: MQTT -> readings.
 *
 * Paho's receive thread runs a message end to end (intake.h); the gate's thread holds the PUBACKs (gate.h);
 * the main thread serves delivery reports and runs the start order (session.h), ticks (tick.h), markers and
 * changes of the configuration (change.h). They share atomics, the producer, and `news` below.
 * Owner: core/daemon.   Thread: main. */
#ifndef BF_INGEST_INGEST_H
#define BF_INGEST_INGEST_H

#include "core/daemon.h"

extern const struct bf_daemon bf_ingest_daemon;

#endif
