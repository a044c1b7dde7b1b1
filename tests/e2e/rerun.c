/* rerun.c: see rerun.h. A result is named by KPI, scope, window and revision; of its bytes only a digest is
 * kept. */
#include "tests/e2e/rerun.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "core/table.h"
#include "core/wire.h"
#include "tests/e2e/pass.h"

#define BETWEEN 256
#define WRITERS 4096
#define QUEUE 10000
#define SETTLE_MS 90000

/* ---- the copy */

struct copy {
    struct bf_producer *producer;
    void (*between)(void *context, uint64_t done);
    void *context;
    uint64_t done;
};

static bool is_first_control(const struct bf_incoming *incoming, enum bf_record_type type)
{
    struct bf_control control;
    return type == BF_RECORD_CONTROL && bf_control_unpack(incoming->value, &control, NULL) == BF_OK &&
           control.generation == 1;
}

static enum bf_status copy_one(void *context, const struct bf_incoming *incoming, struct bf_err *err)
{
    struct copy *copy = context;
    enum bf_record_type type = BF_RECORD_READING;
    if (!incoming->has_key && !bf_incoming_type(incoming, &type)) {
        return bf_err_set(err, BF_FATAL, "a record of belfry.readings without a type");
    }
    if (is_first_control(incoming, type)) {
        return BF_OK;
    }
    const struct bf_outgoing record = {.topic = BF_TOPIC_READINGS,
                                       .partition = incoming->partition,
                                       .key = incoming->key,
                                       .value = incoming->value,
                                       .type = type};
    enum bf_status status = bf_producer_send_wait(copy->producer, &record, NULL, err);
    if (status == BF_OK && ++copy->done % BETWEEN == 0 && copy->between) {
        copy->between(copy->context, copy->done);
    }
    return status;
}

enum bf_status rerun_copy(const struct bf_kafka_options *from, const struct bf_kafka_options *to,
                          void (*between)(void *context, uint64_t done), void *context, struct bf_err *err)
{
    struct pass pass;
    struct copy copy = {.between = between, .context = context};
    enum bf_status status = pass_begin(&pass, from, BF_TOPIC_READINGS, err);
    status = status == BF_OK ? bf_producer_create(to, 5, QUEUE, &copy.producer, err) : status;
    status = status == BF_OK ? pass_run(&pass, copy_one, &copy, err) : status;
    if (status == BF_OK) {
        status = bf_producer_wait(copy.producer, bf_producer_handed(copy.producer), 60000, err);
    }
    if (copy.producer) {
        bf_producer_destroy(copy.producer, 1000);
    }
    pass_end(&pass);
    return status;
}

/* ---- the comparison */

struct result {
    uint64_t name, bytes; /* hashes of 64 bits: of what names it, and of all of it */
};

struct writer {
    uint64_t key;
    int64_t offset, index;
};

struct collection {
    struct bf_table *results, *writers;
    uint64_t repeats;
};

/* What a task wrote twice counts once. */
static bool is_newer(struct collection *all, const struct bf_incoming *incoming)
{
    struct bf_origin origin;
    bool created = false;
    if (bf_origin_unpack(bf_incoming_header(incoming, "bf-origin"), &origin, NULL) != BF_OK) {
        return false;
    }
    uint64_t key = bf_hash64_mix(bf_hash64(origin.task), (uint64_t)incoming->partition);
    struct writer *writer = bf_table_put(all->writers, &key, &created);
    bool newer = writer && (created || origin.offset > writer->offset ||
                            (origin.offset == writer->offset && origin.index > writer->index));
    if (newer) {
        writer->offset = origin.offset;
        writer->index = origin.index;
    }
    return newer;
}

static enum bf_status collect_one(void *context, const struct bf_incoming *incoming, struct bf_err *err)
{
    struct collection *all = context;
    enum bf_record_type type;
    struct bf_kpi kpi;
    if (!bf_incoming_type(incoming, &type) || type != BF_RECORD_KPI ||
        bf_kpi_unpack(incoming->value, &kpi, NULL) != BF_OK) {
        return BF_OK;
    }
    if (!is_newer(all, incoming)) {
        all->repeats++;
        return BF_OK;
    }
    if (kpi.phase != BF_KPI_FINAL) {
        return BF_OK;
    }
    uint64_t name = bf_hash64_mix(bf_hash64(kpi.kpi), bf_hash64(kpi.scope));
    name = bf_hash64_mix(bf_hash64_mix(name, (uint64_t)kpi.start_us), (uint64_t)kpi.end_us);
    name = bf_hash64_mix(name, kpi.revision);
    bool created = false;
    struct result *result = bf_table_put(all->results, &name, &created);
    if (!result || !created) {
        return bf_err_set(err, BF_FATAL, "%.*s %.*s %lld: revision %u twice", BF_SLICE_ARG(kpi.kpi),
                          BF_SLICE_ARG(kpi.scope), (long long)kpi.start_us, kpi.revision);
    }
    result->bytes = bf_hash64(incoming->value);
    return BF_OK;
}

static enum bf_status collect(const struct bf_kafka_options *options, struct collection *all,
                              struct bf_err *err)
{
    struct pass pass;
    enum bf_status status = pass_begin(&pass, options, BF_TOPIC_KPIS, err);
    if (status == BF_OK) {
        all->results = bf_table_create(pass.records + 1, sizeof(uint64_t), sizeof(struct result));
        all->writers = bf_table_create(WRITERS, sizeof(uint64_t), sizeof(struct writer));
        status = all->results && all->writers ? pass_run(&pass, collect_one, all, err)
                                              : bf_err_set(err, BF_FATAL, "out of memory");
    }
    pass_end(&pass);
    return status;
}

static enum bf_status compare(const struct collection *first, const struct collection *second,
                              struct rerun_sums *sums, struct bf_err *err)
{
    size_t cursor = 0;
    uint64_t strange = 0, different = 0;
    for (const struct result *its; (its = bf_table_next(second->results, &cursor)) != NULL;) {
        const struct result *was = bf_table_get(first->results, &its->name);
        strange += was == NULL;
        different += was != NULL && was->bytes != its->bytes;
    }
    sums->results = bf_table_count(second->results);
    sums->repeats = second->repeats;
    if (strange || different) {
        return bf_err_set(
            err, BF_FATAL, "of %llu results %llu have other bytes, and %llu are not the first's",
            (unsigned long long)sums->results, (unsigned long long)different, (unsigned long long)strange);
    }
    size_t wanted = bf_table_count(first->results);
    return sums->results == wanted
               ? BF_OK
               : bf_err_set(err, BF_AGAIN, "%llu of %zu results", (unsigned long long)sums->results, wanted);
}

enum bf_status rerun_compare(const struct bf_kafka_options *first, const struct bf_kafka_options *second,
                             struct rerun_sums *sums, struct bf_err *err)
{
    struct collection was = {.results = NULL}, is = {.results = NULL};
    *sums = (struct rerun_sums){.results = 0};
    enum bf_status status = collect(first, &was, err);
    status = status == BF_OK ? collect(second, &is, err) : status;
    status = status == BF_OK ? compare(&was, &is, sums, err) : status;
    bf_table_destroy(was.results);
    bf_table_destroy(was.writers);
    bf_table_destroy(is.results);
    bf_table_destroy(is.writers);
    return status;
}

void rerun_await(struct town *town, const struct bf_kafka_options *first)
{
    struct rerun_sums sums;
    struct bf_err err = {0};
    enum bf_status status;
    int64_t deadline_us = bf_deadline_us(SETTLE_MS);
    do {
        town_tend(town);
        status = rerun_compare(first, &town->options, &sums, &err);
    } while (status == BF_AGAIN && bf_wait_turn(deadline_us));
    printf("%s: %llu finals and revisions, %llu outputs written again\n", town->options.prefix,
           (unsigned long long)sums.results, (unsigned long long)sums.repeats);
    if (status != BF_OK) {
        fail_msg("%s: %s", town->options.prefix, err.message);
    }
}
