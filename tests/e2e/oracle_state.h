/* oracle_state.h: what the oracle holds (oracle_inside.h: what its files do with it). Lists are arrays
 * that grow; texts are kept once, so that equal ones are one pointer.
 * Owner: bf_oracle_check.   Thread: one.   Limits: ORACLE_* below; beyond them it says so and fails. */
#ifndef BF_TESTS_E2E_ORACLE_STATE_H
#define BF_TESTS_E2E_ORACLE_STATE_H

#include "config/city.h"
#include "config/log/config_log.h"
#include "core/result.h"
#include "core/table.h"
#include "tests/e2e/oracle.h"
#include "tests/e2e/pass.h"

#define ORACLE_DEFINITIONS 256
#define ORACLE_GENERATIONS 16
#define ORACLE_TEXTS (1u << 18)
#define ORACLE_INGESTS 8
#define ORACLE_WRITERS 4096
#define ORACLE_TRACK 256 /* bytes that oracle_follow.c keeps of a source */

/* Whether a reading counts, or why not. STEP: no reading, but what a source did up to its next one. */
enum oracle_share { SHARE_COUNTED, SHARE_SUSPECT, SHARE_FAIL, SHARE_MISSING, SHARE_TEXT, SHARE_STEP };

/* A session, or a row of counted readings, of one device. */
struct oracle_run {
    struct oracle_run *older, *joined, *made_before;
    int64_t start_us, end_us;
    uint64_t counted;
};

struct oracle_pane {
    int64_t start_us, end_us;
    struct oracle_run *run; /* NULL where the calendar makes the panes */
};

/* What one reading, or one step, gives to one pane of one KPI. */
struct oracle_part {
    const char *scope, *label;
    struct oracle_pane pane;
    uint32_t definition, input; /* input: of a derived KPI */
    int32_t partition;
    enum oracle_share share;
    int64_t event_us, offset, length_us; /* length: of a step */
    int64_t clock_us;                    /* of the partition, when it was read */
    double value, weight;                /* value of a step: by how much it rose, or what held */
    bool has_value, holds, suspect;
};

/* A window and what lies in it: those parts of [first, first + count) that have its definition. */
struct oracle_window {
    const struct bf_kpi_definition *definition;
    uint32_t index;
    const char *kpi, *scope;
    int64_t start_us, end_us;
    int64_t pane_us; /* where its last pane starts */
    const struct oracle_part *first;
    size_t count;
    bool by_count; /* closed where its last reading stands in the log */
    bool mixed;    /* a newer definition has data too */
};

/* What a result says beside its value. */
struct oracle_total {
    uint64_t n, numbers, share[SHARE_STEP + 1], parts; /* numbers: of n, those that are not texts */
    double min, max;
};

/* One record of belfry.kpis. */
struct oracle_result {
    const char *kpi, *scope;
    struct bf_kpi record; /* its slices have gone */
    int32_t partition;
    int64_t offset;
    bool expected; /* there are readings for its window */
};

struct oracle_generation {
    int64_t number, from_us;
    const struct bf_city *city;
    uint32_t definition[ORACLE_DEFINITIONS]; /* of its KPIs */
};

struct
    oracle_known { /* what a partition has learned: index of the generation, and from when it holds there */
    size_t generation;
    int64_t from_us;
};

/* What a partition knows of one ingest process. */
struct oracle_writer {
    char id[BF_MAX_TEXT + 1];
    int64_t clock_us, incarnation; /* the newest of each */
    int64_t ticking, flowing; /* the incarnation of its ticks, and how many of them found all acknowledged */
    int64_t since[ORACLE_INGESTS]; /* ticks of each other since its own last one */
    bool ticked;
};

struct oracle_partition {
    int64_t clock_us;
    struct oracle_writer writers[ORACLE_INGESTS];
    size_t writer_count;
    struct oracle_known known[ORACLE_GENERATIONS];
    size_t known_count;
};

struct oracle {
    struct bf_oracle_sums sums;
    struct bf_config_log *log;
    struct oracle_generation generations[ORACLE_GENERATIONS];
    size_t generation_count;
    const struct bf_kpi_definition *definitions[ORACLE_DEFINITIONS];
    const char *names[ORACLE_DEFINITIONS]; /* their ids */
    size_t definition_count;
    struct oracle_partition partitions[PASS_PARTITIONS];
    int32_t partition_count;
    struct bf_table *texts, *deliveries, *writers;
    struct bf_table *rows, *tracks; /* runs by definition and scope; what sources said last */
    struct oracle_run *runs;        /* all of them */
    bool used[64];                  /* aggregates of windows that were compared, by enum kind_index */
    struct oracle_part *parts;
    size_t part_count, part_room;
    struct oracle_result *results;
    size_t result_count, result_room;
    size_t difference_count, difference_len;
};

#endif
