/* result.h: the records that tasks write: ticks with their counters, partials, KPI values, devices, chunks of
 * checkpoints, and the origin in their headers. Wire forms: docs/RECORDS.md; golden bytes:
 * tests/vectors/wire. Slices borrow from the decoded bytes.   Thread: values, any. */
#ifndef BF_CORE_RESULT_H
#define BF_CORE_RESULT_H

#include "core/reading.h"

/* What a KPI did not count, by reason; cumulative within a window. */
struct bf_excluded {
    uint64_t suspect, fail, missing, text; /* text: a number was needed */
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
    double min, max;     /* of the counted numbers; there where n > 0; min > max: no numbers */
    struct bf_slice state; /* bytes of the aggregate's save() */
};

#define BF_KPI_DETAIL_MAX 2048

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
    struct bf_slice detail; /* JSON, what one number cannot say (histogram, top_k); empty: nothing */
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
