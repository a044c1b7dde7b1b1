/* rerun.h: a readings log once more, under another prefix, for other processes to read; and whether they come
 * to the same results, byte for byte.
 *
 *     town_move(&town, "again");  town_start(&town, TOWN_PROCESS);
 *     rerun_copy(&was, &town.options, tend, &town);
 *     rerun_await(&town, &was);
 *
 * Owner: nobody.   Thread: main.   Limits: memory for all results. */
#ifndef BF_TESTS_E2E_RERUN_H
#define BF_TESTS_E2E_RERUN_H

#include "tests/e2e/town.h"

struct rerun_sums {
    uint64_t results, repeats; /* closed results of the rerun; those written again, dropped by their origin */
};

/* Copies belfry.readings partition by partition, in its order, but for the first generation's control
 * records: the new log has its own. between (may be NULL): called every few hundred records. */
enum bf_status rerun_copy(const struct bf_kafka_options *from, const struct bf_kafka_options *to,
                          void (*between)(void *context, uint64_t done), void *context,
                          struct bf_err *err) BF_MUST_CHECK;
/* Finals and revisions in belfry.kpis of both: OK where they are the same, AGAIN where the second has none
 * but the first's and lacks some, FATAL where they differ. */
enum bf_status rerun_compare(const struct bf_kafka_options *first, const struct bf_kafka_options *second,
                             struct rerun_sums *sums, struct bf_err *err) BF_MUST_CHECK;
/* Waits, tending, until the town's results are those of `first`, and says so; fails the test where they
 * differ or do not come. */
void rerun_await(struct town *town, const struct bf_kafka_options *first);

#endif
