/* counters.h: what a daemon counts, by name, with one optional label. Registered at start, then a
 * relaxed atomic add; /metrics and `belfry top` read them. Names follow Prometheus:
 * belfry_<what>_total for counters, belfry_<what> for gauges; no device ids as labels.
 *
 * Declined: histograms (no reader of ours needs one yet) and a map from name to counter on the hot path
 * (whoever counts keeps the pointer).
 *
 * Owner:  the process (a registry is a value that main owns; zeroed is empty).
 * Thread: add and set from any; registration before the threads start.
 * Limits: BF_COUNTERS_MAX series; one more is a programmer error.   Errors: none. */
#ifndef BF_CORE_COUNTERS_H
#define BF_CORE_COUNTERS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define BF_COUNTERS_MAX 256

enum bf_counter_kind { BF_COUNTER, BF_GAUGE };

struct bf_counter {
    const char *name;          /* "belfry_rejects_total" */
    const char *help;          /* a sentence */
    const char *label, *value; /* reason="late"; NULL: none. Static or outliving the registry */
    enum bf_counter_kind kind;
    _Atomic int64_t count;
};

struct bf_counters {
    struct bf_counter series[BF_COUNTERS_MAX];
    size_t used;
};

/* The series of that name and label value: the one that is there, or a new one. Never NULL. */
struct bf_counter *bf_counters_add(struct bf_counters *counters, enum bf_counter_kind kind, const char *name,
                                   const char *help, const char *label, const char *value);
static inline void bf_count(struct bf_counter *counter, int64_t by)
{
    atomic_fetch_add_explicit(&counter->count, by, memory_order_relaxed);
}
static inline void bf_gauge(struct bf_counter *counter, int64_t value)
{
    atomic_store_explicit(&counter->count, value, memory_order_relaxed);
}
static inline int64_t bf_counter_read(const struct bf_counter *counter)
{
    return atomic_load_explicit(&counter->count, memory_order_relaxed);
}
/* Prometheus text exposition format 0.0.4. Returns the length that it needs; writes at most size. */
size_t bf_counters_format(const struct bf_counters *counters, char *text, size_t size);

#endif
