/* catch.h: what the pipeline makes of one message, kept until the next: its callbacks' readings and rejects,
 * copied. So a command can look at them in any order, through the very code that belfry-ingest runs.
 * Owner:  creator; borrows the city.   Thread: one at a time.
 * Limits: the pipeline's, and memory for what it gives; what does not fit is counted. */
#ifndef BF_CLI_CATCH_H
#define BF_CLI_CATCH_H

#include "ingest/decode/pipeline.h"

struct bf_catch;

struct bf_catch_message {
    struct bf_slice topic, payload;
    int64_t at_us; /* the time of day at which it comes */
    bool retained;
};

struct bf_caught {
    const struct bf_reading *readings;
    size_t reading_count;
    const struct bf_reject *rejects;
    size_t reject_count;
    size_t beyond; /* what there was no memory for */
};

enum bf_status bf_catch_create(const struct bf_city *city, const struct bf_pipeline_limits *limits,
                               struct bf_catch **made, struct bf_err *err) BF_MUST_CHECK;
void bf_catch_destroy(struct bf_catch *self);
/* Holds until the next run. */
const struct bf_caught *bf_catch_run(struct bf_catch *self, const struct bf_catch_message *message);

#endif
