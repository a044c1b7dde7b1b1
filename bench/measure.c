/* measure.c: see measure.h. Declined: wall time as the cost: on two cores that mosquitto, Kafka and Redis
 * share, it says who was scheduled, not what the work takes. */
#include "bench/measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/time.h"

void bench_fail(const char *what)
{
    (void)fprintf(stderr, "bench: %s\n", what);
    exit(EXIT_FAILURE);
}

void bench_must(enum bf_status status, const struct bf_err *err)
{
    if (status != BF_OK) {
        bench_fail(err->message);
    }
}

const char *bench_argument(int argc, char **argv, const char *name, const char *missing)
{
    for (int i = 1; i + 1 < argc; i++) {
        if (strcmp(argv[i], name) == 0) {
            return argv[i + 1];
        }
    }
    return missing;
}

struct bench_options bench_options_read(int argc, char **argv)
{
    struct bench_options options = {.rounds = 9, .round_us = 200 * BF_US_PER_MS};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--quick") == 0) {
            options = (struct bench_options){.rounds = 3, .round_us = 50 * BF_US_PER_MS};
        }
    }
    options.only = bench_argument(argc, argv, "--only", "");
    return options;
}

static int64_t clock_us(clockid_t clock)
{
    struct timespec now;
    if (clock_gettime(clock, &now) != 0) {
        bench_fail("the process that is measured has gone");
    }
    return now.tv_sec * BF_US_PER_S + now.tv_nsec / 1000;
}

int64_t bench_cpu_us(void)
{
    return clock_us(CLOCK_PROCESS_CPUTIME_ID);
}

int64_t bench_cpu_us_of(pid_t pid)
{
    clockid_t clock;
    if (pid == 0) {
        return 0;
    }
    if (clock_getcpuclockid(pid, &clock) != 0) {
        bench_fail("the process that is measured cannot be seen");
    }
    return clock_us(clock);
}

static void run_round(struct bench_row *row, size_t round)
{
    if (row->prepare) {
        row->prepare(row->context);
    }
    int64_t wall = bf_time_monotonic_us(), other = bench_cpu_us_of(row->other), own = bench_cpu_us();
    row->run(row->context, row->count);
    double count = (double)row->count;
    own = bench_cpu_us() - own;
    other = bench_cpu_us_of(row->other) - other;
    row->us[round] = (double)(own + other) / count;
    row->other_us[round] = (double)other / count;
    row->wall_us[round] = (double)(bf_time_monotonic_us() - wall) / count;
}

/* How many messages fill a round. */
static void calibrate(struct bench_row *row, int64_t round_us)
{
    for (row->count = 256; row->count < (size_t)1 << 30; row->count *= 2) {
        if (row->prepare) {
            row->prepare(row->context);
        }
        int64_t start = bf_time_monotonic_us();
        row->run(row->context, row->count);
        int64_t passed = bf_time_monotonic_us() - start;
        if (passed * 2 >= round_us) {
            row->count = row->count * (size_t)round_us / (size_t)passed + 1;
            return;
        }
    }
}

static int compare(const void *a, const void *b)
{
    const double *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

static double median(const double *values, size_t count)
{
    double sorted[BENCH_ROUNDS_MAX];
    memcpy(sorted, values, count * sizeof *values);
    qsort(sorted, count, sizeof *sorted, compare);
    return count % 2 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
}

static const struct bench_row *find(const struct bench_row *rows, size_t count, const char *name)
{
    for (size_t i = 0; name && i < count; i++) {
        if (strcmp(rows[i].name, name) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

static void print_row(const struct bench_row *row, const struct bench_row *floor, size_t rounds)
{
    double us = median(row->us, rounds), ratio = 0;
    (void)printf("{\"stage\":\"%s\",\"name\":\"%s\",\"us\":%.3f,\"per_s\":%.0f", row->stage, row->name, us,
                 1e6 / median(row->wall_us, rounds));
    if (row->other) {
        (void)printf(",\"server_us\":%.3f", median(row->other_us, rounds));
    }
    if (floor) {
        double ratios[BENCH_ROUNDS_MAX];
        for (size_t i = 0; i < rounds; i++) {
            ratios[i] = row->us[i] / floor->us[i];
        }
        ratio = median(ratios, rounds);
        (void)printf(",\"floor\":\"%s\",\"ratio\":%.2f", floor->name, ratio);
    }
    if (row->goal_us > 0) {
        (void)printf(",\"goal\":\"%.2f us\",\"met\":%s", row->goal_us, us <= row->goal_us ? "true" : "false");
    } else if (row->goal_ratio > 0) {
        (void)printf(",\"goal\":\"%.1fx\",\"met\":%s", row->goal_ratio,
                     ratio <= row->goal_ratio ? "true" : "false");
    }
    (void)printf("}\n");
}

/* Moves the wanted rows to the front; returns how many. */
static size_t choose(struct bench_row *rows, size_t count, const char *only)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (strstr(rows[i].name, only)) {
            rows[kept++] = rows[i];
        }
    }
    return kept;
}

void bench_measure(struct bench_row *rows, size_t count, const struct bench_options *options)
{
    count = choose(rows, count, options->only);
    for (size_t i = 0; i < count; i++) {
        if (rows[i].count == 0) {
            calibrate(&rows[i], options->round_us);
        }
    }
    for (size_t round = 0; round < options->rounds; round++) {
        for (size_t i = 0; i < count; i++) {
            run_round(&rows[i], round);
        }
    }
    for (size_t i = 0; i < count; i++) {
        print_row(&rows[i], find(rows, count, rows[i].floor), options->rounds);
    }
}
