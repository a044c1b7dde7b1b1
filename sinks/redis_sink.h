/* redis_sink.h: what the files of the Redis sink share: the connection with its script (redis.c), what Redis
 * holds (redis_known.c), records as words (redis_record.c) and the taking over of a configuration
 * (redis_adopt.c).
 * Owner: redis.c.   Thread: the sink's. */
#ifndef BF_SINKS_REDIS_SINK_H
#define BF_SINKS_REDIS_SINK_H

#include "peers/redis/redis.h"
#include "sinks/redis_known.h"
#include "sinks/sink.h"
#include "sinks/words.h"

/* redis.lua */
extern const unsigned char bf__redis_script[];
extern const size_t bf__redis_script_len;

#define BF_REDIS_TASKS 64 /* writing tasks in one batch; more cut it in two */
#define BF_REDIS_IN_FLIGHT 2
#define BF_REDIS_RECORD_WORDS 20   /* of a KPI before its unknown words are left out */
#define BF_REDIS_RECORD_TEXT 24576 /* more than any record that unpacks needs */

/* Records that change nothing; counted once Redis has confirmed the batch. */
struct bf__redis_skipped {
    unsigned repeated, overtaken;
};

struct bf__redis_flight {
    int32_t partition;
    int64_t next;
    struct bf__redis_skipped skipped;
};

struct bf__redis_task {
    struct bf_slice name;
    struct bf__known *origin;
};

struct bf__redis_sink {
    struct bf_sink_options options;
    struct bf_redis *redis; /* NULL: not connected */
    char script[41];        /* SHA-1 by which Redis knows the script */
    char epoch[17];         /* drawn anew whenever Redis may have been rolled back */
    char writer[17];        /* who writes here, drawn anew at every sync */
    char before[17];        /* who wrote last, as Redis must say */
    struct bf_table *known; /* struct bf__known; empty after sync */
    int64_t *sent, *applied;/* position after all that went out; after all that was answered */
    struct bf__redis_flight flights[BF_REDIS_IN_FLIGHT];
    size_t flight_count;
    struct bf__words words, head; /* a command; what stands before the records of a batch */
    struct bf__redis_task tasks[BF_REDIS_TASKS];
    size_t task_count;
    struct bf__redis_skipped skipped; /* of the batch being gathered */
    int64_t clock_us;       /* of the newest record sent */
    int64_t swept;          /* generation that Redis has been brought to; -1: none */
    /* the configuration in force */
    int64_t generation;
    struct bf__kpi_names *kpis; /* ascending by id */
    size_t kpi_count;
    char *names;            /* what `kpis` borrows */
    struct bf_counter *repeated, *overtaken, *removed, *bytes_refused;
};

/* Runs one step of the script: `count` words of arguments stand in words->at from words->first on, behind the
 * step's name. Nothing else may be in flight. */
enum bf_status bf__redis_step(struct bf__redis_sink *sink, struct bf_slice step, struct bf_reply *reply,
                              struct bf_err *err) BF_MUST_CHECK;
/* A plain command, where an error reply means that Redis is not usable now. */
enum bf_status bf__redis_ask(struct bf__redis_sink *sink, const struct bf_slice *command, size_t count,
                             struct bf_reply *reply, struct bf_err *err) BF_MUST_CHECK;

/* The next answer of a pipeline of plain commands. */
enum bf_status bf__redis_reply(struct bf__redis_sink *sink, struct bf_reply *reply,
                               struct bf_err *err) BF_MUST_CHECK;
/* An integer that Redis keeps as text. */
int64_t bf__redis_number(struct bf_slice text, int64_t unknown);

/* Puts one record's words behind those that are gathered. FULL: send these first. UNKNOWN: send these first,
 * then learn what Redis holds. */
enum bf__added { BF_ADDED, BF_ADDED_FULL, BF_ADDED_UNKNOWN };
enum bf__added bf__redis_add(struct bf__redis_sink *sink, int32_t partition,
                             const struct bf_sink_record *record) BF_MUST_CHECK;

/* NULL where the configuration in force has no such KPI. */
const struct bf__kpi_names *bf__redis_kpi(const struct bf__redis_sink *sink, struct bf_slice id);
/* The sink's `adopt`. */
enum bf_status bf__redis_adopt(struct bf__redis_sink *sink, const struct bf_sink_view *view,
                               struct bf_err *err) BF_MUST_CHECK;
/* Removes everything: Redis holds what another log said. */
enum bf_status bf__redis_clear(struct bf__redis_sink *sink, struct bf_err *err) BF_MUST_CHECK;

#endif
