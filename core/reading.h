/* reading.h: the reading (one observation of one quantity by one source) and how it was delivered.
 * The integer keys of its wire form and their notes stand in docs/RECORDS.md.
 * Values, open on purpose: decoders fill them, tasks read them. Slices borrow from an arena or a record.
 * Thread: values, any. */
#ifndef BF_CORE_READING_H
#define BF_CORE_READING_H

#include <stdint.h>

#include "core/slice.h"
#include "core/time.h"

#define BF_MAX_TAGS 16
#define BF_MAX_TEXT 256 /* bytes of source, quantity, unit, zone, tag name or value; longer is MALFORMED */

enum bf_time_source {
    BF_TIME_DEVICE, BF_TIME_GATEWAY, BF_TIME_BROKER, BF_TIME_MARKER, BF_TIME_INGEST
};

/* QARTOD primary flags (Manual for Real-Time Quality Control, 2020, table 1). */
enum bf_quality {
    BF_QUALITY_GOOD = 1, BF_QUALITY_NOT_EVALUATED = 2, BF_QUALITY_SUSPECT = 3, BF_QUALITY_FAIL = 4,
    BF_QUALITY_MISSING = 9
};

enum bf_quality_reason { /* bits of bf_reading.reasons */
    BF_REASON_RANGE = 1u << 0, BF_REASON_SPIKE = 1u << 1, BF_REASON_RATE = 1u << 2,
    BF_REASON_FLAT = 1u << 3, BF_REASON_NEIGHBOUR = 1u << 4, BF_REASON_STALE = 1u << 5,
    BF_REASON_CLOCK = 1u << 6, BF_REASON_UNIT_GUESS = 1u << 7, BF_REASON_ESTIMATED = 1u << 8,
    BF_REASON_HISTORICAL = 1u << 9
};

enum bf_aggregation { /* how the device made the value, where it is itself an aggregate */
    BF_AGGREGATION_NONE, BF_AGGREGATION_MEAN, BF_AGGREGATION_SUM, BF_AGGREGATION_COUNT,
    BF_AGGREGATION_MAX, BF_AGGREGATION_ENERGY_MEAN, BF_AGGREGATION_COUNTER
};

enum bf_privacy { BF_PRIVACY_PUBLIC, BF_PRIVACY_PSEUDONYMOUS, BF_PRIVACY_RESTRICTED };

enum bf_value_kind { BF_VALUE_DOUBLE, BF_VALUE_INT, BF_VALUE_BOOL, BF_VALUE_TEXT };

struct bf_value {
    enum bf_value_kind kind;
    union {
        double number;
        int64_t integer;
        bool truth;
        struct bf_slice text;
    } as;
};

struct bf_tag {
    struct bf_slice name, value;
};

/* Key 21: which delivery of which MQTT message a record came from (docs/ARCHITECTURE.md, "Intake"). */
struct bf_delivery {
    struct bf_slice ingest; /* ingest id */
    int64_t incarnation;    /* offset of this connection's claim in partition 0 */
    int64_t epoch;          /* incarnation in which the broker's session began */
    int64_t serial;         /* packet id unrolled to 64 bits */
    uint16_t packet_id;
    bool dup;
    uint64_t payload_hash; /* bf_hash64 of topic and payload */
    uint32_t index;        /* of this reading within its message */
};

struct bf_reading {
    struct bf_slice source;   /* network:device[:channel] */
    struct bf_slice quantity;
    int64_t event_us;         /* 0 with BF_REASON_ESTIMATED: not known; tasks raise it to the clock */
    int64_t ingest_us;
    enum bf_time_source time_source;
    struct bf_value value;
    struct bf_slice unit;     /* canonical UCUM; "1" where there is none */
    enum bf_quality quality;
    uint32_t reasons;         /* BF_REASON_* */
    bool has_place;
    int32_t lat_e7, lon_e7;   /* degrees x 1e7, WGS84 */
    bool has_accuracy;
    double accuracy_m;
    struct bf_slice zone;     /* empty: unknown */
    bool has_interval;
    int64_t interval_start_us;
    enum bf_aggregation aggregation;
    bool has_raw;
    struct bf_value raw_value;
    struct bf_slice raw_unit;
    struct bf_slice profile;  /* name@version */
    bool has_content_hash;
    uint64_t content_hash;
    enum bf_privacy privacy;
    struct bf_tag tags[BF_MAX_TAGS]; /* ascending by name */
    uint32_t tag_count;
    struct bf_delivery delivery;
};

/* The source without its channel: "network:device". The Kafka key of a reading. Borrows. */
struct bf_slice bf_reading_device(struct bf_slice source);

/* The value as a number: a bool is 0 or 1, an int64 the nearest double. False for text. */
bool bf_value_number(const struct bf_value *value, double *number);

#endif
