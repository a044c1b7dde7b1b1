/* oracle_inside.h: the files of the oracle: oracle_read.c (the logs into lists), oracle_clock.c (the
 * partitions' clocks), oracle_reading.c (a reading's parts), oracle_pane.c (the panes that they go to),
 * oracle_follow.c (what sources do from reading to reading), oracle_window.c (panes into windows),
 * oracle_value.c (a window's value), oracle.c (the lists against each other) and oracle_redis.c.
 * Owner: bf_oracle_check.   Thread: one. */
#ifndef BF_TESTS_E2E_ORACLE_INSIDE_H
#define BF_TESTS_E2E_ORACLE_INSIDE_H

#include <time.h>

#include "tests/e2e/oracle_state.h"
#include "tests/support/kinds.h"

__attribute__((format(printf, 2, 3))) void oracle_differ(struct oracle *oracle, const char *format, ...);

/* oracle_clock.c: NULL where there are too many; what a tick does to the partition's clock. */
struct oracle_writer *oracle_writer(struct oracle *oracle, struct oracle_partition *partition,
                                    struct bf_slice id);
void oracle_tick(struct oracle *oracle, struct oracle_partition *partition, const struct bf_tick *tick);

/* oracle_read.c: fills the lists from the logs. */
enum bf_status oracle_read(struct oracle *oracle, const struct bf_kafka_options *kafka, struct bf_err *err);
const char *oracle_keep(struct oracle *oracle, struct bf_slice text);
void oracle_push(struct oracle *oracle, const struct oracle_part *part);
size_t oracle_generation_at(const struct oracle_partition *partition, int64_t start_us);
bool oracle_decides(const struct oracle *oracle, size_t known_generation, uint32_t definition);
/* oracle_reading.c */
void oracle_reading(struct oracle *oracle, const struct bf_incoming *incoming);
enum kind_index oracle_kind(const struct bf_kpi_definition *definition);

/* oracle_pane.c: the first pane that ends after that time; the one of a device that takes a reading,
 * NULL: late. */
struct oracle_pane oracle_pane_after(const struct bf_window_shape *shape, int64_t time_us);
struct oracle_run *oracle_run_of(struct oracle *oracle, uint32_t definition, const char *scope,
                                 int64_t event_us, int64_t clock_us);
struct tm oracle_local(int64_t time_us);

/* oracle_follow.c: a reading that counts, of a source; a clock that goes on. */
void oracle_follow(struct oracle *oracle, const struct oracle_part *part, struct bf_slice source);
void oracle_hold(struct oracle *oracle, int32_t partition, int64_t offset, int64_t before_us);

/* oracle_window.c: each window that has data, in order, given to `take`. */
void oracle_windows(struct oracle *oracle, void (*take)(struct oracle *, const struct oracle_window *));
bool oracle_in_time(const struct oracle_window *window, const struct oracle_part *part);

/* oracle_value.c: of all parts, or of those in time. False: no value. *within: how far a result may be off,
 * relative to the value; 0: not by a bit. */
struct oracle_total oracle_count(const struct oracle_window *window, bool all);
bool oracle_value(const struct oracle_window *window, bool all, double *value, double *within);

/* oracle_redis.c: the results, which are sorted by window and then by their place in the log, against
 * Redis. */
enum bf_status oracle_compare_redis(struct oracle *oracle, const char *url, struct bf_err *err);

#endif
