/* record.h: what else travels through Kafka besides readings: here the kinds of records, and those that
 * ingest and the configuration write; what tasks write is in core/result.h. Wire forms: docs/RECORDS.md;
 * golden bytes: tests/vectors/wire. Slices borrow from the decoded bytes.   Thread: values, any. */
#ifndef BF_CORE_RECORD_H
#define BF_CORE_RECORD_H

#include "core/reading.h"

/* The header bf-type says which. Readings are also the only records of belfry.readings with a Kafka key. */
enum bf_record_type {
#define X(name, text) BF_RECORD_##name,
#include "core/record.def"
#undef X
    BF_RECORD_COUNT
};
const char *bf_record_name(enum bf_record_type type);
bool bf_record_parse_name(struct bf_slice text, enum bf_record_type *type);

/* belfry.readings, every partition: how far this ingest process is. */
struct bf_tick {
    struct bf_slice ingest;
    int64_t incarnation;
    bool has_epoch;  /* false in a hello before the epoch is known */
    int64_t epoch, serial;
    int64_t wall_us; /* slewed, never runs back within a process */
    bool has_clock;  /* a marker has come back on this connection */
    int64_t clock_us;
    bool flows;      /* the tick before was acknowledged in every partition */
    int64_t generation;
    bool hello;
};

/* belfry.readings, partition 0: written before CONNECT; its offset is the incarnation. */
struct bf_claim {
    struct bf_slice ingest;
    uint64_t nonce; /* tells two processes' claims apart when the offset is read back */
};

/* belfry.readings, every partition: a configuration comes into force at log time `from`. */
struct bf_control {
    int64_t generation;
    struct bf_slice hash; /* of the configuration's content, 64 hexadecimal digits */
    int64_t from_us;      /* BF_TIME_NONE: from the beginning */
};

/* belfry.config, key "generation.N". `complete`: its control record stands in every partition. */
struct bf_generation {
    int64_t generation;
    struct bf_slice hash;
    int64_t from_us;
    bool complete;
};

/* belfry.config, key "install". */
struct bf_install {
    struct bf_slice id; /* 16 hexadecimal digits, new with every new log */
    int32_t readings, rejects, partials, kpis, checkpoints; /* partition counts */
};

enum bf_reject_stage { BF_STAGE_DECODE, BF_STAGE_LATE, BF_STAGE_LIMIT, BF_STAGE_CONTENT, BF_STAGE_PROFILE };

/* belfry.rejects: what did not count, and why. */
struct bf_reject {
    enum bf_reject_stage stage;
    struct bf_slice reason; /* from core/reasons.def: malformed, no_profile, oversize, late, ... */
    struct bf_slice detail; /* for a person: where, what was expected */
    struct bf_slice topic;  /* MQTT topic; empty for stages after ingest */
    struct bf_slice source; /* where it is known */
    struct bf_slice profile;
    struct bf_slice payload; /* cut at reject_payload; empty for restricted profiles */
    uint64_t payload_len, payload_hash;
    bool whole;        /* the message gave no reading at all; exactly one such record per message */
    bool by_profile;   /* ... and that is what its profile says (stage profile): not a fault */
    int64_t at_us;     /* ingest: wall time; tasks: the partition's clock */
    int64_t event_us;  /* BF_TIME_NONE where unknown */
    bool has_delivery;
    struct bf_delivery delivery;
};

/* belfry.rejects, beside the reject: `belfry rejects replay` is about to publish that message again, and then
 * (done) the broker has acknowledged it. */
struct bf_replayed {
    uint64_t identity; /* of the message: of its ingest id, payload hash, session epoch and serial */
    int64_t at_us;     /* wall time */
    bool done;
};

#endif
