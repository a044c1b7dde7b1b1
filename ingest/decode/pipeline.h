/* pipeline.h: one MQTT message in, readings and rejects out: route -> decode -> normalise. No I/O,
 * no clock, no allocation: the command line and the tests run exactly what the daemon runs.
 *
 * Every message gives at least one reading, or exactly one reject with `whole` set (which is
 * `by_profile` where its profile says that it gives none). Rejects of parts are held back until
 * the message is through; at most BF_PIPELINE_REJECTS of them are written, the last then says how
 * many more there were.
 *
 * Owner:  creator; borrows the city.   Thread: one at a time per pipeline (it owns an arena).
 * Limits: struct bf_pipeline_limits. */
#ifndef BF_INGEST_PIPELINE_H
#define BF_INGEST_PIPELINE_H

#include "config/city.h"
#include "config/site.h"
#include "core/record.h"

#define BF_PIPELINE_REJECTS 16

struct bf_pipeline_limits {
    size_t max_topic, max_payload, max_readings, reject_payload, decode_memory;
    size_t max_depth; /* of nesting */
    size_t max_inflated; /* bytes that a packed payload may unpack to */
};

/* Those of one installation. */
struct bf_pipeline_limits bf_pipeline_limits_of(const struct bf_site *site);

struct bf_pipeline_input {
    struct bf_slice topic, payload;
    size_t payload_len; /* as it came; payload may be its head where it was cut at max_payload */
    int64_t ingest_us;  /* the ingest clock's wall time */
    int64_t clock_us;   /* send time of the last marker that came back; BF_TIME_NONE before the first */
    /* The message came before, at this wall time, and is published again: its readings are historical, and
     * those without a time of their own are of that time. */
    bool historical;
    int64_t historical_us;
    bool retained;
    struct bf_delivery delivery; /* index is filled in by the pipeline */
};

struct bf_pipeline_output {
    void (*reading)(void *context, const struct bf_reading *reading);
    void (*reject)(void *context, const struct bf_reject *reject);
    void *context;
};

struct bf_pipeline;

enum bf_status bf_pipeline_create(const struct bf_city *city, const struct bf_pipeline_limits *limits,
                                  struct bf_pipeline **pipeline, struct bf_err *err) BF_MUST_CHECK;
void bf_pipeline_destroy(struct bf_pipeline *pipeline);
/* The callbacks run before it returns; what they are given is gone afterwards. Returns how many
 * readings. */
size_t bf_pipeline_run(struct bf_pipeline *pipeline, const struct bf_pipeline_input *input,
                       const struct bf_pipeline_output *output);

#endif
