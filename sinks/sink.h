/* sink.h: the family of sinks. A sink brings the records of belfry.kpis to a place outside, in batches of
 * one input partition, and keeps *in that place* how far it is: the position moves in the same atomic step
 * as the writes, so a lost answer, a second sink and a place restored from an older save are all harmless.
 * To add one: a file with one `const struct bf_sink bf_sink_<name>`, one line in sinks.def.
 *
 * Every call answers with one of: OK; AGAIN: the place stands elsewhere than was thought, so call `sync` and
 * seek; PEER: the place is away, so back off and call `sync`; anything else ends the process. After AGAIN and
 * PEER nothing that was written since the last OK of `flush` or `sync` counts as done.
 *
 * Owner: the runner.   Thread: the runner's. */
#ifndef BF_SINKS_SINK_H
#define BF_SINKS_SINK_H

#include "config/city.h"
#include "config/site.h"
#include "core/counters.h"
#include "core/record.h"
#include "core/result.h"

#define BF_SINK_NO_POSITION INT64_C(-1)

struct bf_sink_options {
    const struct bf_site *site;
    struct bf_slice install;  /* the log's id: positions of another log mean nothing */
    int32_t partitions;       /* of belfry.kpis */
    struct bf_counters *counters;
};

/* One record of the input. `kpi` and `device` borrow from bytes that live until write has returned. */
struct bf_sink_record {
    enum bf_record_type type; /* BF_RECORD_KPI or BF_RECORD_DEVICE */
    int64_t offset;
    struct bf_origin origin;
    union {
        struct bf_kpi kpi;
        struct bf_device device;
    } as;
};

struct bf_sink_batch {
    int32_t partition;
    int64_t
        expected; /* where the place must stand: BF_SINK_NO_POSITION or the offset after the batch before */
    int64_t next;     /* where it stands afterwards; records that were skipped count */
    const struct bf_sink_record *records;
    size_t count;
};

/* The configuration in force. */
struct bf_sink_view {
    int64_t generation;
    const struct bf_city *city; /* lives as long as the process */
};

/* How the pipeline is, once a second. */
struct bf_sink_beat {
    int64_t wall_us, behind_us;
    int64_t behind_records;
};

struct bf_sink {
    const char *name;    /* "redis" */
    const char *summary; /* one sentence, shown in the manual */
    /* Allocates; connects to nothing yet. */
    enum bf_status (*open)(const struct bf_sink_options *options, void **self, struct bf_err *err);
    /* Connects where it must; gives the place's own position of each partition and the log time of the
     * newest record there (BF_TIME_NONE). */
    enum bf_status (*sync)(void *self, int64_t *positions, int64_t *clock_us, struct bf_err *err);
    /* Takes the configuration: what it no longer has leaves the place. Cheap where nothing changed. */
    enum bf_status (*adopt)(void *self, const struct bf_sink_view *view, struct bf_err *err);
    /* Sends one batch; its answer may be read by a later call. */
    enum bf_status (*write)(void *self, const struct bf_sink_batch *batch, struct bf_err *err);
    /* Waits for all answers: OK means that everything written is there. */
    enum bf_status (*flush)(void *self, struct bf_err *err);
    /* Flushes, tells the place that belfry lives, and finds out whether the place still stands where it
     * should: that is how a rollback shows on a quiet partition. */
    enum bf_status (*beat)(void *self, const struct bf_sink_beat *beat, struct bf_err *err);
    void (*close)(void *self);
};

/* NULL where there is none of that name. */
const struct bf_sink *bf_sink_find(struct bf_slice name);
/* The whole family, NULL-terminated. */
const struct bf_sink *const *bf_sinks(void);

#endif
