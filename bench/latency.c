/* latency.c: how long after the end of a window (and its delay) its final value can be read in Redis. It
 * listens where a dashboard would, on the values' channels: the script publishes in the same step in which it
 * writes the hash. One line of JSON.
 * Declined: polling the hashes (it would load the Redis that it measures).
 *
 * latency --redis PORT --delay MS --kpi ID... [--seconds 60] [--skip 5] */
#include <hiredis/hiredis.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/measure.h"
#include "core/time.h"

#define FINALS_MAX 1000000

struct latency {
    int64_t delay_ms;
    double *ms;
    size_t count;
};

static const char *after(const char *json, const char *name)
{
    const char *at = strstr(json, name);
    return at == NULL ? NULL : at + strlen(name);
}

static void take(struct latency *latency, const char *json, int64_t now_us)
{
    const char *end = after(json, "\"window_end_ms\":");
    if (end == NULL || strstr(json, "\"final\":true") == NULL || strstr(json, "\"revision\":0") == NULL ||
        latency->count == FINALS_MAX) {
        return;
    }
    int64_t due_us = (strtoll(end, NULL, 10) + latency->delay_ms) * BF_US_PER_MS;
    latency->ms[latency->count++] = (double)(now_us - due_us) / BF_US_PER_MS;
}

static void read_some(struct latency *latency, redisContext *redis, bool counts)
{
    void *found = NULL;
    if (redisBufferRead(redis) != REDIS_OK) {
        bench_fail("Redis is gone");
    }
    int64_t now_us = bf_time_wall_us();
    while (redisGetReplyFromReader(redis, &found) == REDIS_OK && found != NULL) {
        const redisReply *reply = found;
        if (counts && reply->type == REDIS_REPLY_ARRAY && reply->elements == 4) {
            take(latency, reply->element[3]->str, now_us);
        }
        freeReplyObject(found);
        found = NULL;
    }
}

static int by_size(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static double part(const struct latency *latency, double share)
{
    return latency->ms[(size_t)(share * (double)(latency->count - 1))];
}

int main(int argc, char **argv)
{
    struct latency latency = {.delay_ms = strtoll(bench_argument(argc, argv, "--delay", "1000"), NULL, 10)};
    int port = (int)strtol(bench_argument(argc, argv, "--redis", "6379"), NULL, 10);
    int64_t seconds = strtoll(bench_argument(argc, argv, "--seconds", "60"), NULL, 10);
    int64_t skip = strtoll(bench_argument(argc, argv, "--skip", "5"), NULL, 10);
    redisContext *redis = redisConnect("127.0.0.1", port);
    latency.ms = malloc(FINALS_MAX * sizeof *latency.ms);
    if (redis == NULL || redis->err || latency.ms == NULL) {
        bench_fail("no Redis");
    }
    for (int i = 1; i + 1 < argc; i++) {
        if (strcmp(argv[i], "--kpi") == 0) {
            freeReplyObject(redisCommand(redis, "PSUBSCRIBE belfry:v1:kpi:%s:*", argv[i + 1]));
        }
    }
    int64_t begin_us = bf_time_monotonic_us(), end_us = begin_us + (seconds + skip) * BF_US_PER_S;
    for (int64_t now_us = begin_us; now_us < end_us; now_us = bf_time_monotonic_us()) {
        struct pollfd input = {.fd = redis->fd, .events = POLLIN};
        if (poll(&input, 1, 100) > 0) {
            read_some(&latency, redis, now_us - begin_us >= skip * BF_US_PER_S);
        }
    }
    if (latency.count == 0) {
        bench_fail("no final value came");
    }
    qsort(latency.ms, latency.count, sizeof *latency.ms, by_size);
    printf("{\"finals\":%zu,\"p50_ms\":%.0f,\"p90_ms\":%.0f,\"p99_ms\":%.0f,\"max_ms\":%.0f}\n",
           latency.count, part(&latency, 0.5), part(&latency, 0.9), part(&latency, 0.99), part(&latency, 1));
    redisFree(redis);
    free(latency.ms);
    return EXIT_SUCCESS;
}
