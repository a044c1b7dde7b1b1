/* message.h: one message on its way through a decoder: what it is made of, what came of it, and
 * the rules of normalise.c that every format shares.
 *
 * Owner:  the pipeline; lives until bf_pipeline_run returns.   Thread: the pipeline's.
 * Limits: BF_PIPELINE_REJECTS parts are kept, the rest is counted.
 * Errors: a reason (BF_REJECT_none: fine). What concerns one reading is rejected, what concerns the
 *         whole message refuses it. */
#ifndef BF_DECODE_MESSAGE_H
#define BF_DECODE_MESSAGE_H

#include "core/arena.h"
#include "ingest/decode/field.h"
#include "ingest/decode/pipeline.h"
#include "ingest/decode/plan.h"
#include "ingest/decode/reason.h"

#define BF_DETAIL_MAX 160

struct bf_fault {
    enum bf_reject_reason reason;
    char detail[BF_DETAIL_MAX]; /* ASCII: never cites the payload */
};

struct bf_message {
    const struct bf_pipeline_input *input;
    const struct bf_pipeline_output *output;
    const struct bf_pipeline_limits *limits;
    const struct bf_city *city;
    const struct bf_plan *plan;
    struct bf_arena *arena;
    const struct bf_slice *levels; /* of the topic */
    size_t level_count;
    struct bf_field *fields;   /* by plan->wants */
    bool part;                 /* a record among others is at hand: what is wrong with it is its own */
    struct bf_slice item;      /* name of the item or record at hand */
    struct bf_slice source;    /* without a channel; empty until identity is known */
    struct bf_reading reading; /* what all readings at hand share; observe fills in the rest */
    uint32_t readings;         /* given out */
    uint32_t head_reasons;     /* BF_REASON_* of the event time */
    uint32_t beyond;           /* readings beyond max_readings */
    uint32_t fault_count;      /* of parts; the first BF_PIPELINE_REJECTS are in faults */
    struct bf_fault faults[BF_PIPELINE_REJECTS];
    struct bf_fault refusal; /* of the whole; reason none: not refused */
};

struct bf_observation {
    size_t reading; /* of the profile */
    const struct bf_field *value;
    struct bf_slice unit; /* as sent; empty: none */
};

/* The whole message gives nothing. Only before the first observation. */
void bf_message_refuse(struct bf_message *message, enum bf_reject_reason reason, const char *format, ...)
    BF_PRINTF(3, 4);
/* A part of it gives nothing; the rest goes on. */
void bf_message_reject(struct bf_message *message, enum bf_reject_reason reason, const char *format, ...)
    BF_PRINTF(3, 4);

/* Refuses, or rejects where a record among others is at hand. */
void bf_message_fail(struct bf_message *message, enum bf_reject_reason reason, const char *what);

/* The payload by the profile's format, and by its inner format. Never fails: it refuses, rejects and
 * observes. */
void bf_message_decode(struct bf_message *message);
/* For the decoder of the outer format, when the fields are there: the inner one goes on. */
void bf_message_inner(struct bf_message *message);

/* message->fields, all missing, one by want. False: refused (arena). */
bool bf_message_fields(struct bf_message *message);

/* Source and tags, and the zone where it has a template. */
enum bf_reject_reason bf_normalise_identity(struct bf_message *message);
/* Event time as sent (NULL or absent: estimated from the marker). */
enum bf_reject_reason bf_normalise_time(struct bf_message *message, const struct bf_field *field,
                                        enum bf_time_unit unit);
/* Event time already in microseconds; BF_TIME_NONE: none was sent. */
enum bf_reject_reason bf_normalise_instant(struct bf_message *message, int64_t event_us);
/* Place in degrees (NULL or absent: none) and the zone that it lies in. A place that is none is
 * rejected as a part; the readings go on without it. */
void bf_normalise_place(struct bf_message *message, const struct bf_field *lat, const struct bf_field *lon);
/* One value: type, unit, range; then it goes out, or its reject is noted. */
void bf_normalise_observe(struct bf_message *message, const struct bf_observation *observation);

#endif
