/* record.h: every other record that travels through Kafka. Wire forms: docs/RECORDS.md; golden bytes:
 * tests/vectors/wire. Slices borrow from the decoded bytes.   Thread: values, any. */
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

/* What a KPI did not count, by reason; cumulative within a window. */
struct bf_excluded {
    uint64_t suspect, fail, missing, text; /* text: the value has no number */
};

/* Cumulative counters of one stage 1 task: state of the task, so they survive any kill.
 * in = counted + not_counted... each reading record of the partition adds to exactly one of the first six. */
struct bf_task_counters {
    uint64_t readings;  /* reading records seen */
    uint64_t accepted;  /* went on to windows */
    uint64_t duplicate; /* delivery seen before */
    uint64_t older;     /* of an older incarnation */
    uint64_t content;   /* content duplicate */
    uint64_t malformed; /* could not be read */
    uint64_t late;      /* accepted, but at least one KPI refused it as late */
    uint64_t limit;     /* accepted, but a table was full for at least one KPI */
};

/* belfry.partials, every partition: the clock of one readings partition, after all that it closed. */
struct bf_task_tick {
    int32_t source;   /* readings partition */
    int64_t clock_us; /* BF_TIME_NONE: none yet; so are all clocks and stamps below */
    int64_t generation;
    struct bf_task_counters counters;
};

/* belfry.partials: cumulative state of one window from one readings partition. */
struct bf_partial {
    struct bf_slice kpi, scope;
    int64_t start_us, end_us;
    int32_t source;
    int64_t stamp_us;    /* the partition's clock when it was written */
    uint64_t definition; /* hash of the KPI's definition */
    int64_t generation;
    uint64_t n;
    struct bf_excluded excluded;
    double min, max;     /* of the counted values; valid where n > 0 */
    struct bf_slice state; /* bytes of the aggregate's save() */
};

enum bf_kpi_phase { BF_KPI_PROVISIONAL, BF_KPI_FINAL /* revision 0 and later */ };

/* belfry.kpis: the result of one window. */
struct bf_kpi {
    struct bf_slice kpi, scope, unit;
    int64_t start_us, end_us;
    bool has_value;
    double value;
    uint64_t n;
    struct bf_excluded excluded;
    bool has_range;
    double min, max;
    enum bf_kpi_phase phase;
    uint32_t revision;
    bool incomplete;     /* provisional only: a source partition stands behind */
    enum bf_quality quality;
    int64_t generation;
    int64_t clock_us;    /* log time at which it was made */
    int64_t stale_after_us;
    bool has_target;
    double target;
    struct bf_slice band; /* empty: none defined */
};

/* belfry.kpis, key device: what is known of one device, at most every device_every. */
struct bf_device {
    struct bf_slice device, profile, zone; /* device: network:device */
    int64_t last_event_us, last_ingest_us;
    uint64_t readings, suspect, failed;    /* cumulative */
    bool has_place;
    int32_t lat_e7, lon_e7;
    int64_t clock_us;
};

/* belfry.checkpoints: a piece of a task's state. Key: task|owner|number|chunk. */
struct bf_chunk {
    struct bf_slice task;
    uint64_t owner;  /* drawn anew at every assignment */
    uint64_t number; /* of the checkpoint, ascending within an owner */
    uint32_t chunk, chunks;
    struct bf_slice bytes;
};

/* Header bf-origin: which task wrote this, for which input record. Strictly ascending per task and
 * output partition; a reader drops what is not newer than the last it took. */
struct bf_origin {
    struct bf_slice task; /* "<install>/s1/<partition>" or "<install>/s2/<partition>" */
    int64_t offset;       /* of the input record */
    uint32_t index;       /* of the output among that record's outputs */
};

#endif
