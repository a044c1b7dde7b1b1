/* oracle_state.h: the inside of the oracle, shared by oracle_read.c (the logs into lists), oracle.c (the
 * lists against each other) and oracle_redis.c. Lists are arrays that grow; texts are kept once and
 * compared as texts.
 * Owner: bf_oracle_check.   Thread: one.   Limits: ORACLE_* below; beyond them it says so and fails. */
#ifndef BF_TESTS_E2E_ORACLE_STATE_H
#define BF_TESTS_E2E_ORACLE_STATE_H

#include "config/city.h"
#include "config/log/config_log.h"
#include "core/result.h"
#include "core/table.h"
#include "tests/e2e/oracle.h"

#define ORACLE_PARTITIONS 64
#define ORACLE_DEFINITIONS 256
#define ORACLE_GENERATIONS 16
#define ORACLE_TEXTS (1u << 18)
#define ORACLE_INGESTS 8
#define ORACLE_WRITERS 4096

enum oracle_share { SHARE_COUNTED, SHARE_SUSPECT, SHARE_FAIL, SHARE_MISSING, SHARE_TEXT };

/* One reading's part in one window. */
struct oracle_part {
    uint32_t definition;
    const char *scope;
    int64_t start_us, event_us, offset;
    int32_t partition;
    enum oracle_share share;
    bool in_time, suspect;
    double value;
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
    struct bf_consumer *consumer;
    struct bf_config_log *log;
    struct oracle_generation generations[ORACLE_GENERATIONS];
    size_t generation_count;
    const struct bf_kpi_definition *definitions[ORACLE_DEFINITIONS];
    const char *names[ORACLE_DEFINITIONS]; /* their ids */
    size_t definition_count;
    struct oracle_partition partitions[ORACLE_PARTITIONS];
    int32_t partition_count;
    struct bf_table *texts, *deliveries, *writers;
    struct oracle_part *parts;
    size_t part_count, part_room;
    struct oracle_result *results;
    size_t result_count, result_room;
    size_t difference_count, difference_len;
};

__attribute__((format(printf, 2, 3))) void oracle_differ(struct oracle *oracle, const char *format, ...);

/* oracle_clock.c: NULL where there are too many; what a tick does to the partition's clock. */
struct oracle_writer *oracle_writer(struct oracle *oracle, struct oracle_partition *partition,
                                    struct bf_slice id);
void oracle_tick(struct oracle *oracle, struct oracle_partition *partition, const struct bf_tick *tick);
/* Fills the lists from the logs. */
enum bf_status oracle_read(struct oracle *oracle, const struct bf_kafka_options *kafka, struct bf_err *err);
/* Compares the results, which are sorted by window and then by their place in the log, with Redis. */
enum bf_status oracle_compare_redis(struct oracle *oracle, const char *url, struct bf_err *err);

#endif
