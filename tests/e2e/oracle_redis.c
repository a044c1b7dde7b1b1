/* Why: Redis must say what belfry.kpis says: each closed result once in its history, the newest in its
 * hash. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "peers/redis/redis.h"
#include "tests/e2e/oracle_inside.h"

#define HISTORY_KEPT 500 /* sink.history; XADD MAXLEN ~ may keep more */
#define TIMEOUT_MS 10000

static struct bf_slice field(const struct bf_reply *fields, const char *name)
{
    for (size_t i = 0; i + 1 < fields->count; i += 2) {
        if (bf_slice_equal(fields->items[i].text, bf_slice_of(name))) {
            return fields->items[i + 1].text;
        }
    }
    return (struct bf_slice){NULL, 0};
}

static double number(struct bf_slice text)
{
    char digits[64];
    snprintf(digits, sizeof digits, "%.*s", BF_SLICE_ARG(text));
    return text.len ? strtod(digits, NULL) : NAN;
}

static bool is(struct bf_slice text, double wanted)
{
    double got = number(text);
    return got <= wanted && got >= wanted;
}

static bool says(const struct bf_reply *fields, const struct bf_kpi *kpi)
{
    struct bf_slice value = field(fields, "value");
    return is(field(fields, "window_start_ms"), (double)(kpi->start_us / BF_US_PER_MS)) &&
           is(field(fields, "n"), (double)kpi->n) && is(field(fields, "revision"), kpi->revision) &&
           (kpi->has_value ? is(value, kpi->value) : value.len == 0);
}

static int by_offset(const void *a, const void *b)
{
    const struct oracle_result *left = *(const struct oracle_result *const *)a;
    const struct oracle_result *right = *(const struct oracle_result *const *)b;
    return (left->offset > right->offset) - (left->offset < right->offset);
}

static enum bf_status ask(struct bf_redis *redis, const char *command, const char *key, bool range,
                          struct bf_reply *reply, struct bf_err *err)
{
    const struct bf_slice words[] = {bf_slice_of(command), bf_slice_of(key), BF_SLICE("-"), BF_SLICE("+")};
    return bf_redis_command(redis, words, range ? 4 : 2, reply, err);
}

/* closed: the scope's closed results in the order of the log. The stream has them, or the newest 500. */
static void compare_history(struct oracle *oracle, const char *key, const struct bf_reply *reply,
                            const struct oracle_result *const *closed, size_t count)
{
    size_t entries = reply->kind == BF_REPLY_ARRAY ? reply->count : 0;
    oracle->sums.history += entries;
    if (entries > count || (entries < count && entries < HISTORY_KEPT)) {
        oracle_differ(oracle, "Redis %s: %zu entries for %zu results", key, entries, count);
        return;
    }
    for (size_t i = 0; i < entries; i++) {
        const struct oracle_result *result = closed[count - entries + i];
        const struct bf_reply *entry = &reply->items[i];
        char id[64];
        int len = snprintf(id, sizeof id, "%lld-1", (long long)result->offset);
        if (entry->count != 2 || !bf_slice_equal(entry->items[0].text, (struct bf_slice){id, (size_t)len}) ||
            !says(&entry->items[1], &result->record)) {
            oracle_differ(oracle, "Redis %s: entry %zu (%.*s) is not the result of offset %s", key, i,
                          BF_SLICE_ARG(entry->items[0].text), id);
            return;
        }
    }
}

/* The newest window wins; within it a closed result over a provisional one, and the newest revision. */
static bool replaces(const struct bf_kpi *newer, const struct bf_kpi *older)
{
    if (newer->start_us != older->start_us) {
        return newer->start_us > older->start_us;
    }
    if (newer->phase != older->phase) {
        return newer->phase == BF_KPI_FINAL;
    }
    return newer->revision >= older->revision;
}

static enum bf_status compare_scope(struct oracle *oracle, struct bf_redis *redis,
                                    const struct oracle_result **list, size_t count, struct bf_err *err)
{
    char name[700], key[800];
    struct bf_reply reply;
    size_t closed = 0;
    qsort(list, count, sizeof(const struct oracle_result *), by_offset);
    const struct oracle_result *newest = list[0];
    snprintf(name, sizeof name, "%s:%s", newest->kpi, newest->scope);
    for (size_t i = 0; i < count; i++) {
        newest = replaces(&list[i]->record, &newest->record) ? list[i] : newest;
    }
    snprintf(key, sizeof key, "belfry:v1:kpi:%s", name);
    enum bf_status status = ask(redis, "HGETALL", key, false, &reply, err);
    if (status == BF_OK && (!says(&reply, &newest->record) ||
                            !is(field(&reply, "final"), newest->record.phase == BF_KPI_FINAL ? 1 : 0))) {
        oracle_differ(oracle, "Redis %s: not the newest result (offset %lld of partition %d)", key,
                      (long long)newest->offset, newest->partition);
    }
    for (size_t i = 0; i < count; i++) {
        if (list[i]->record.phase == BF_KPI_FINAL) {
            list[closed++] = list[i];
        }
    }
    snprintf(key, sizeof key, "belfry:v1:hist:%s", name);
    status = status == BF_OK ? ask(redis, "XRANGE", key, true, &reply, err) : status;
    if (status == BF_OK) {
        compare_history(oracle, key, &reply, list, closed);
    }
    return status;
}

enum bf_status oracle_compare_redis(struct oracle *oracle, const char *url, struct bf_err *err)
{
    struct bf_redis_options options = {.url = url, .timeout_ms = TIMEOUT_MS};
    struct bf_redis *redis = NULL;
    const struct oracle_result **list =
        calloc(oracle->result_count + 1, sizeof(const struct oracle_result *));
    enum bf_status status =
        list ? bf_redis_open(&options, &redis, err) : bf_err_set(err, BF_FATAL, "out of memory");
    for (size_t i = 0; status == BF_OK && i < oracle->result_count;) {
        const struct oracle_result *first = &oracle->results[i];
        size_t count = 0;
        while (i < oracle->result_count && strcmp(oracle->results[i].kpi, first->kpi) == 0 &&
               strcmp(oracle->results[i].scope, first->scope) == 0) {
            list[count++] = &oracle->results[i++];
        }
        status = compare_scope(oracle, redis, list, count, err);
    }
    bf_redis_close(redis);
    free(list);
    return status;
}
