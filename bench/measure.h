/* measure.h: what something costs beside its floor, in one run. The rows of a table are measured in turn,
 * round after round (A B A B), so that a machine that slows down slows all; of each the median counts.
 * Costs are CPU time of all threads of this process, and of one other process where a row says so.
 * Owner: the caller's rows.   Thread: one.   Errors: a benchmark that cannot go on says why and ends. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/err.h"

#define BENCH_ROUNDS_MAX 15

struct bench_row {
    const char *stage, *name;
    /* Does `count` messages; returns nothing, ends the process where it cannot. */
    void (*run)(void *context, size_t count);
    /* Before each round, not measured; NULL: nothing to prepare. */
    void (*prepare)(void *context);
    void *context;
    size_t count;      /* of one round; 0: as many as fill it */
    pid_t other;       /* whose CPU time counts too; 0: none */
    const char *floor; /* `name` of the row that is this one's floor; NULL: none */
    double goal_us;    /* 0: none */
    double goal_ratio; /* to the floor; 0: none */
    /* results */
    double us[BENCH_ROUNDS_MAX], other_us[BENCH_ROUNDS_MAX], wall_us[BENCH_ROUNDS_MAX];
};

struct bench_options {
    size_t rounds;    /* at most BENCH_ROUNDS_MAX */
    int64_t round_us; /* how long a row without a count runs */
    const char *only; /* of rows whose name holds this text; "": all. For profilers */
};

/* --quick makes fewer and shorter rounds; --only TEXT. */
struct bench_options bench_options_read(int argc, char **argv);
/* Measures all rows and prints each as a line of JSON. */
void bench_measure(struct bench_row *rows, size_t count, const struct bench_options *options);

/* CPU time in us: of this process, of another. */
int64_t bench_cpu_us(void);
int64_t bench_cpu_us_of(pid_t pid);

/* Ends the process with the error's words unless the status is OK. */
void bench_must(enum bf_status status, const struct bf_err *err);
void bench_fail(const char *what);
/* The value of "--name VALUE", or `missing`. */
const char *bench_argument(int argc, char **argv, const char *name, const char *missing);

#endif
