/* runner.h: belfry-sink as a daemon: belfry.kpis -> a sink.
 *
 * All partitions by plain assignment: the positions come from the place itself (sink.h), so a consumer group
 * would have nothing to say. Where that place is away, nothing is read: Kafka holds the backlog.
 * Thread: main. */
#ifndef BF_SINKS_RUNNER_H
#define BF_SINKS_RUNNER_H

#include "core/daemon.h"

extern const struct bf_daemon bf_sink_daemon;

#endif
