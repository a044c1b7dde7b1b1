/* redis_known.c: see redis_known.h. Declined: keeping the names (a table of 64-bit hashes with a second hash
 * beside them is an eighth of it, and two names of one city do not meet in both), asking within the script
 * (half of a record's cost), and evicting single entries (a city whose KPIs outnumber the table pays a
 * question now and then either way). */
#include "sinks/redis_known.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "core/scope.h"
#include "core/time.h"
#include "sinks/redis_sink.h"

#define START 2 /* places in bf__kpi_fields */
#define FINAL 10
#define REVISION 11

static struct bf__known key_of_kpi(const struct bf_kpi *kpi)
{
    return (struct bf__known){
        .key = {.hash = bf_hash64_mix(bf_hash64(kpi->scope), bf_hash64(kpi->kpi)),
                .check = bf_hash_murmur2(kpi->scope) + bf_hash_murmur2(kpi->kpi)},
    };
}

static struct bf__known key_of_task(int32_t partition, struct bf_slice task)
{
    return (struct bf__known){
        .key = {.hash = bf_hash64(task),
                .check = bf_hash_murmur2(task),
                .partition = (uint32_t)partition + 1},
    };
}

struct bf__known *bf__known_kpi(struct bf_table *table, const struct bf_kpi *kpi)
{
    struct bf__known wanted = key_of_kpi(kpi);
    return bf_table_get(table, &wanted.key);
}

struct bf__known *bf__known_origin(struct bf_table *table, int32_t partition, struct bf_slice task)
{
    struct bf__known wanted = key_of_task(partition, task);
    return bf_table_get(table, &wanted.key);
}

bool bf__known_is_newest(const struct bf__known_kpi *known, const struct bf_kpi *kpi)
{
    int64_t start_ms = kpi->start_us / BF_US_PER_MS;
    if (!(known->fields & (1u << START)) || start_ms != known->start_ms) {
        return !(known->fields & (1u << START)) || start_ms > known->start_ms;
    }
    return !known->final || (kpi->phase == BF_KPI_FINAL && (int64_t)kpi->revision >= known->revision);
}

/* ---- asking */

static enum bf_status ask_kpi(struct bf__redis_sink *sink, const struct bf_kpi *kpi,
                              const struct bf__kpi_names *names, struct bf_err *err)
{
    struct bf_slice words[3 + BF_KPI_FIELDS] = {BF_SLICE("HMGET")};
    char key[2 * BF_SCOPE_MAX + 64];
    int len = snprintf(key, sizeof key, "belfry:v1:kpi:%.*s:%.*s", BF_SLICE_ARG(names->escaped),
                       BF_SLICE_ARG(kpi->scope));
    assert(len > 0 && (size_t)len < sizeof key);
    words[1] = (struct bf_slice){key, (size_t)len};
    words[2] = BF_SLICE("seq");
    memcpy(words + 3, bf__kpi_fields, sizeof bf__kpi_fields);
    return bf_redis_append(sink->redis, words, sizeof words / sizeof *words, err);
}

static enum bf_status ask_origin(struct bf__redis_sink *sink, int32_t partition, struct bf_slice task,
                                 struct bf_err *err)
{
    char key[64];
    int len = snprintf(key, sizeof key, "belfry:v1:origin:%d", (int)partition);
    struct bf_slice words[] = {BF_SLICE("HGET"), {key, (size_t)len}, task};
    return bf_redis_append(sink->redis, words, 3, err);
}

static void take_kpi(struct bf__known_kpi *known, const struct bf_reply *reply)
{
    *known = (struct bf__known_kpi){.seq = bf__redis_number(reply->items[0].text, 0)};
    const struct bf_reply *fields = reply->items + 1;
    for (size_t i = 0; i < BF_KPI_FIELDS; i++) {
        if (fields[i].kind == BF_REPLY_TEXT) {
            known->fields |= 1u << i;
            known->values[i] = bf_hash64(fields[i].text);
        }
    }
    known->start_ms = bf__redis_number(fields[START].text, 0);
    known->revision = bf__redis_number(fields[REVISION].text, 0);
    known->final = bf_slice_equal(fields[FINAL].text, BF_SLICE("1"));
}

static void take_origin(struct bf__known *known, struct bf_slice text)
{
    const char *colon = text.len ? memchr(text.data, ':', text.len) : NULL;
    known->as.origin.offset = known->as.origin.index = -1;
    if (colon) {
        size_t len = (size_t)(colon - text.data);
        known->as.origin.offset = bf__redis_number((struct bf_slice){text.data, len}, -1);
        known->as.origin.index = bf__redis_number((struct bf_slice){colon + 1, text.len - len - 1}, -1);
    }
}

static enum bf_status take(struct bf__redis_sink *sink, struct bf__known *known, struct bf_err *err)
{
    struct bf_reply reply;
    if (!known || !known->asked) {
        return BF_OK;
    }
    enum bf_status status = bf__redis_reply(sink, &reply, err);
    if (status != BF_OK) {
        return status;
    }
    known->asked = false;
    if (known->key.partition) {
        take_origin(known, reply.text);
    } else if (reply.count == 1 + BF_KPI_FIELDS) {
        take_kpi(&known->as.kpi, &reply);
    } else {
        return bf_err_set(err, BF_PEER, "Redis answers HMGET with something else");
    }
    return BF_OK;
}

static enum bf_status ask(struct bf__redis_sink *sink, int32_t partition, const struct bf_sink_record *record,
                          struct bf_err *err)
{
    const struct bf__kpi_names *names = NULL;
    bool created = false;
    struct bf__known wanted = key_of_task(partition, record->origin.task);
    struct bf__known *known = bf_table_put(sink->known, &wanted.key, &created);
    enum bf_status status = BF_OK;
    assert(known);
    if (created) {
        known->asked = true;
        status = ask_origin(sink, partition, record->origin.task, err);
    }
    if (record->type == BF_RECORD_KPI) {
        names = bf__redis_kpi(sink, record->as.kpi.kpi);
    }
    if (status == BF_OK && names) {
        wanted = key_of_kpi(&record->as.kpi);
        known = bf_table_put(sink->known, &wanted.key, &created);
        assert(known);
        if (created) {
            known->asked = true;
            status = ask_kpi(sink, &record->as.kpi, names, err);
        }
    }
    return status;
}

enum bf_status bf__known_learn(struct bf__redis_sink *sink, const struct bf_sink_batch *batch, size_t first,
                               struct bf_err *err)
{
    enum bf_status status = BF_OK;
    if (bf_table_capacity(sink->known) - bf_table_count(sink->known) < 2 * (batch->count - first)) {
        bf_table_clear(sink->known);
    }
    for (size_t i = first; i < batch->count && status == BF_OK; i++) {
        status = ask(sink, batch->partition, &batch->records[i], err);
    }
    for (size_t i = first; i < batch->count && status == BF_OK; i++) { /* in the same order */
        const struct bf_sink_record *record = &batch->records[i];
        status = take(sink, bf__known_origin(sink->known, batch->partition, record->origin.task), err);
        if (status == BF_OK && record->type == BF_RECORD_KPI) {
            status = take(sink, bf__known_kpi(sink->known, &record->as.kpi), err);
        }
    }
    return status;
}
