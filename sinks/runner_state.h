/* runner_state.h: the state of belfry-sink, shared by its loop (runner.c), its start and end
 * (runner_open.c) and its reaction to configurations (generation.c).
 * Owner: runner_open.c.   Thread: main. */
#ifndef BF_SINKS_RUNNER_STATE_H
#define BF_SINKS_RUNNER_STATE_H

#include "config/log/config_log.h"
#include "config/log/wiring.h"
#include "core/daemon.h"
#include "peers/http/http.h"
#include "sinks/feed.h"

struct bf__runner {
    struct bf_daemon_context context;
    struct bf_site *site;
    struct bf_property properties[BF_WIRING_PROPERTIES];
    struct bf_kafka_options kafka;
    struct bf_config_log *log;
    struct bf_consumer *consumer;
    struct bf_http *http;
    const struct bf_sink *sink;
    void *self; /* the sink's own */
    struct bf__feed *feeds;
    int64_t *positions;
    struct bf_position *seeks;
    int32_t partitions;
    /* where we are */
    bool synced;
    int64_t retry_us, backoff_us; /* monotonic; next attempt */
    int64_t beat_us;              /* monotonic; next heartbeat */
    int64_t clock_us;             /* log time of the newest record taken */
    struct bf_sink_view view;     /* generation 0: none yet */
    int64_t next_from_us;         /* log time from which a newer generation is in force */
    struct bf_incoming held;      /* a record of a generation that is not known yet */
    bool holding;
    int64_t held_generation;
    struct bf_counter *kpis, *devices, *ticks, *malformed, *batches, *syncs, *behind, *behind_ms, *generation;
};

/* What becomes of a sink's answer: OK; AGAIN: the positions must be read again, now or after a pause;
 * anything else ends the process. */
enum bf_status bf__runner_answer(struct bf__runner *runner, enum bf_status status, struct bf_err *err);
/* Sends every batch that has records; with `all` those too in which only the position moves on. */
enum bf_status bf__runner_write(struct bf__runner *runner, bool all, struct bf_err *err) BF_MUST_CHECK;

/* Learns what generations there are; waits at most timeout_ms. Puts the newest into force that is due at log
 * time clock_us, or that is at most `needed`. OK, AGAIN (no generation yet; or the sink is away), ... */
enum bf_status bf__runner_configure(struct bf__runner *runner, int64_t needed, int timeout_ms,
                                    struct bf_err *err) BF_MUST_CHECK;

enum bf_status bf__runner_open(struct bf_daemon_context *context, void **self, struct bf_err *err);
void bf__runner_close(void *self);

#endif
