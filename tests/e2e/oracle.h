/* oracle.h: what every window of an installation must say, worked out anew from belfry.readings alone, and
 * held against what stands in belfry.kpis and in Redis.
 *
 * It shares no line with processors/: it keeps every contribution of every reading to every window in one
 * long list, sorts it and adds up. It knows the rules of the log (incarnations, deliveries, ticks and the
 * clock that several ingest processes make, generations) in their plainest form.
 *
 * Held against it:
 *   - of each window that is due: revision 0 counts what came in time, the last revision all that came before
 *     its lateness was over (n, value and range, and what quality left out; to the last bit, but for powers,
 *     angles and pieces of time); revisions rise by one from 0;
 *   - a scope known by earlier data has a result for each window that is due, and nothing else has one;
 *   - each hist stream in Redis has each of these results once, in the order of the log; each kpi hash is the
 *     newest of them.
 * A window is due when the clocks of the partitions that make it have passed its end and delay. So the log
 * must stand still: end the ingest processes first.
 *
 * Owner: the caller.   Thread: one.   Limits: memory for all contributions.
 * Errors: PEER where Kafka or Redis does not answer; FATAL where there are differences. */
#ifndef BF_TESTS_E2E_ORACLE_H
#define BF_TESTS_E2E_ORACLE_H

#include "peers/kafka/kafka.h"

struct bf_oracle_sums {
    uint64_t readings;                  /* records in the log */
    uint64_t duplicate, older;          /* dropped */
    uint64_t late;                      /* taken, but too late for at least one of its windows */
    uint64_t windows;                   /* due, with data */
    uint64_t late_windows;              /* of those: with data that came after they had closed */
    uint64_t results, revisions, empty; /* closed results in belfry.kpis; those above 0; those without data */
    uint64_t repeats;                   /* written again by a replay, dropped by their origin */
    uint64_t generations, mixed;        /* windows for which two definitions have data */
    uint64_t history;                   /* entries in Redis */
    uint64_t kpis;                      /* distinct ones with a result */
    uint32_t aggregates; /* of the windows that are due with data: how many different ones, with formulas */
    bool hops, calendar, sessions, counts; /* and of which kinds there were */
    char differences[1600];                /* the first ones, a line each */
};

enum bf_status bf_oracle_check(const struct bf_kafka_options *kafka, const char *redis_url,
                               struct bf_oracle_sums *sums, struct bf_err *err) BF_MUST_CHECK;

#endif
