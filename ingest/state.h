/* state.h: all that belfry-ingest holds, and the functions that its files give each other.
 * Owner: the daemon.   Thread: main, but for what says otherwise. */
#ifndef BF_INGEST_STATE_H
#define BF_INGEST_STATE_H

#include "config/log/config_log.h"
#include "config/log/wiring.h"
#include "core/daemon.h"
#include "ingest/change.h"
#include "ingest/filters.h"
#include "ingest/intake.h"
#include "ingest/marker.h"
#include "ingest/pace.h"
#include "ingest/session.h"
#include "peers/http/http.h"

/* What the callbacks of the session's connection tell the main thread. The lock is held for a few copies. */
struct bf_news {
    pthread_mutex_t lock;
    struct bf_session_news items;
    bool answered; /* our own publish (change.h) is acknowledged */
};

struct bf_ingest {
    struct bf_daemon_context context;
    struct bf_site *site;
    struct bf_property properties[BF_WIRING_PROPERTIES];
    struct bf_kafka_options kafka;
    struct bf_config_log *log;
    struct bf_producer *producer;
    struct bf_http *http;
    struct bf_tally tally;
    struct bf_publish publish;
    struct bf_clock clock;
    struct bf_ticker ticker;
    struct bf_gate *gate;
    struct bf_intake intake;
    struct bf_session session;
    struct bf_change change;
    struct bf_marker *marker; /* NULL: no markers */
    struct bf_mqtt *mqtt;     /* of the present connection */
    struct bf_ends *ends;     /* while they are read */
    struct bf_news news;
    char host[256];
    bool tls;
    /* the configuration that decodes, and the one that is ready to follow it */
    int64_t generation, next_generation;
    const struct bf_city *city, *next_city;
    struct bf_pipeline *pipeline, *next_pipeline;
    /* the hello under way */
    int32_t hello_next;
    uint64_t hello_mark;
    /* pacing */
    uint64_t acked, served; /* the watermark as last reported, and as last served */
    struct bf_pace pace; /* of serving them */
    int64_t refreshed_us, reported_us, wait_logged_us;
    enum bf_clock_fault fault;
    atomic_bool hangup;
};

/* ---- link.c: the session's and the change's view of the world */
struct bf_session_port bf__ingest_session_port(struct bf_ingest *ingest);
struct bf_change_port bf__ingest_change_port(struct bf_ingest *ingest);
struct bf_tick_port bf__ingest_tick_port(struct bf_ingest *ingest);
struct bf_gate_port bf__ingest_gate_port(struct bf_ingest *ingest);
struct bf_mqtt_options bf__ingest_mqtt_options(const struct bf_ingest *ingest);
/* A tick with all but clock and flows. */
struct bf_tick bf__ingest_tick(const struct bf_ingest *ingest, int64_t monotonic_us);
bool bf__ingest_is_marked(const struct bf_ingest *ingest); /* the session subscribes to markers */

/* ---- configure.c: generations */
/* Some generation is in the log; before that there is no use in a connection. */
bool bf__ingest_has_configuration(struct bf_ingest *ingest, int64_t monotonic_us);
/* The generation to decode with is there, with city and pipeline. AGAIN: not yet. */
enum bf_status bf__ingest_configure(struct bf_ingest *ingest, int64_t found,
                                    struct bf_err *err) BF_MUST_CHECK;
/* Reads belfry.config now and then; true where a newer generation is ready to follow. */
bool bf__ingest_is_newer_ready(struct bf_ingest *ingest, int64_t monotonic_us);
/* The one that is ready becomes the one that decodes. `take` does not run. */
void bf__ingest_follow(struct bf_ingest *ingest);

/* ---- report.c: health and gauges */
void bf__ingest_report(struct bf_ingest *ingest, int64_t monotonic_us);
void bf__ingest_dump(void *self);

#endif
