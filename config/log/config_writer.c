/* config_writer.c: writing belfry.config, and the control records that put a generation into force.
 *
 * Each step stands in the log before the next begins, and each may be done twice: chunks have the hash of
 * their content as key, a control record says the same thing again, and generation.N is a key. So a reload
 * that was cut short is simply finished by the next one. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "config/log/config_log_state.h"
#include "core/log.h"
#include "core/time.h"
#include "core/wire.h"

#define SEND_MS 30000
#define RECORD_BYTES 512 /* install, generation and control records are far smaller */

static enum bf_status send(struct bf_producer *producer, const struct bf_outgoing *record, struct bf_err *err)
{
    return bf_producer_send_sync(producer, record, SEND_MS, NULL, err);
}

static enum bf_status write_generation(struct bf_producer *producer, const struct bf_generation *generation,
                                       struct bf_err *err)
{
    char bytes[RECORD_BYTES];
    char key[48];
    struct bf_mp_writer writer;
    bf_mp_writer_init(&writer, bytes, sizeof bytes);
    bf_generation_pack(generation, &writer);
    assert(!writer.full);
    snprintf(key, sizeof key, "generation.%lld", (long long)generation->generation);
    const struct bf_outgoing record = {
        .topic = BF_TOPIC_CONFIG, .key = bf_slice_of(key), .value = {bytes, writer.len},
        .type = BF_RECORD_GENERATION,
    };
    return send(producer, &record, err);
}

static enum bf_status write_bundle(struct bf_producer *producer, const struct bf_bundle *bundle,
                                   struct bf_err *err)
{
    struct bf_slice packed;
    enum bf_status status = bf_bundle_pack(bundle, &packed, err);
    if (status != BF_OK) {
        return status;
    }
    size_t count = (packed.len + BF__CHUNK_BYTES - 1) / BF__CHUNK_BYTES;
    if (count > BF__BUNDLE_CHUNKS) {
        status = bf_err_set(err, BF_CONFIG, "the configuration is larger than %d MB",
                            BF__BUNDLE_CHUNKS * BF__CHUNK_BYTES / 1000000);
    }
    char number[16];
    snprintf(number, sizeof number, "%zu", count);
    const struct bf_header last = {.name = "last", .value = bf_slice_of(number)};
    for (size_t i = 0; status == BF_OK && i < count; i++) {
        char key[96];
        snprintf(key, sizeof key, "%s.%zu", bundle->hash, i);
        size_t from = i * BF__CHUNK_BYTES;
        size_t left = packed.len - from;
        const struct bf_outgoing record = {
            .topic = BF_TOPIC_CONFIG,
            .key = bf_slice_of(key),
            .value = {packed.data + from, left < BF__CHUNK_BYTES ? left : BF__CHUNK_BYTES},
            .type = BF_RECORD_BUNDLE,
            .extra = &last,
            .extra_count = i + 1 == count,
        };
        status = send(producer, &record, err);
    }
    union {
        const char *in;
        void *out;
    } bytes = {.in = packed.data};
    free(bytes.out);
    return status;
}

/* The control record in every readings partition, then generation.N as complete. */
static enum bf_status put_in_force(struct bf_producer *producer, int32_t partitions,
                                   struct bf_generation generation, struct bf_err *err)
{
    char bytes[RECORD_BYTES];
    struct bf_mp_writer writer;
    const struct bf_control control = {
        .generation = generation.generation, .hash = generation.hash, .from_us = generation.from_us};
    bf_mp_writer_init(&writer, bytes, sizeof bytes);
    bf_control_pack(&control, &writer);
    assert(!writer.full);
    enum bf_status status = BF_OK;
    uint64_t sequence = 0;
    for (int32_t i = 0; status == BF_OK && i < partitions; i++) {
        const struct bf_outgoing record = {.topic = BF_TOPIC_READINGS, .partition = i,
                                           .value = {bytes, writer.len}, .type = BF_RECORD_CONTROL};
        status = bf_producer_send_wait(producer, &record, &sequence, err);
    }
    if (status == BF_OK) {
        status = bf_producer_wait(producer, sequence, SEND_MS, err);
    }
    if (status == BF_OK) {
        generation.complete = true;
        status = write_generation(producer, &generation, err);
    }
    return status;
}

static enum bf_status reload(const struct bf_config_log *log, struct bf_producer *producer,
                             const struct bf_bundle *bundle, int64_t from_us, int64_t *generation,
                             struct bf_err *err)
{
    int32_t partitions = bf_config_log_install(log)->readings;
    struct bf_generation last = {.generation = 0};
    bool any = bf__config_log_last(log, &last);
    enum bf_status status = BF_OK;
    if (any && !last.complete) {
        bf_log(BF_LOG_WARN, "config_log.finishing", "generation=%lld", (long long)last.generation);
        status = put_in_force(producer, partitions, last, err);
    }
    struct bf_slice hash = bf_slice_of(bundle->hash);
    if (status != BF_OK || (any && bf_slice_equal(last.hash, hash))) {
        *generation = last.generation;
        return status;
    }
    int64_t from = from_us == BF_TIME_NONE ? 0 : from_us;
    struct bf_generation next = {
        .generation = last.generation + 1,
        .hash = hash,
        .from_us = any && from <= last.from_us ? last.from_us + 1 : from, /* a newer one begins later */
    };
    if (!bf__config_log_has_bundle(log, hash)) {
        status = write_bundle(producer, bundle, err);
    }
    if (status == BF_OK) {
        status = write_generation(producer, &next, err);
    }
    if (status == BF_OK) {
        status = put_in_force(producer, partitions, next, err);
    }
    *generation = next.generation;
    return status;
}

/* Reads the log and makes a producer, for one piece of work. */
static enum bf_status begin(const struct bf_kafka_options *options, struct bf_config_log **log,
                            struct bf_producer **producer, struct bf_err *err)
{
    enum bf_status status = bf__config_log_read(options, NULL, log, err);
    if (status == BF_OK) {
        status = bf_producer_create(options, 0, 1000, producer, err);
        if (status != BF_OK) {
            bf_config_log_close(*log);
        }
    }
    return status;
}

enum bf_status bf_config_log_reload(const struct bf_kafka_options *options, const struct bf_bundle *bundle,
                                    int64_t from_us, int64_t *generation, struct bf_err *err)
{
    struct bf_config_log *log;
    struct bf_producer *producer;
    enum bf_status status = begin(options, &log, &producer, err);
    if (status != BF_OK) {
        return status;
    }
    status = bf__config_log_require_install(log, err);
    if (status == BF_OK) {
        status = reload(log, producer, bundle, from_us, generation, err);
    }
    bf_producer_destroy(producer, 1000);
    bf_config_log_close(log);
    return status;
}

static enum bf_status write_install(struct bf_producer *producer, struct bf_err *err)
{
    uint64_t drawn;
    if (getrandom(&drawn, sizeof drawn, 0) != (ssize_t)sizeof drawn) {
        return bf_err_set(err, BF_FATAL, "the system gives no random numbers for an install id");
    }
    char id[17];
    snprintf(id, sizeof id, "%016llx", (unsigned long long)drawn);
    size_t count;
    const struct bf_topic_spec *specs = bf_topic_specs(&count);
    const struct bf_install install = {
        .id = bf_slice_of(id),
        .readings = specs[BF_TOPIC_READINGS].partitions,
        .rejects = specs[BF_TOPIC_REJECTS].partitions,
        .partials = specs[BF_TOPIC_PARTIALS].partitions,
        .kpis = specs[BF_TOPIC_KPIS].partitions,
        .checkpoints = specs[BF_TOPIC_CHECKPOINTS].partitions,
    };
    char bytes[RECORD_BYTES];
    struct bf_mp_writer writer;
    bf_mp_writer_init(&writer, bytes, sizeof bytes);
    bf_install_pack(&install, &writer);
    assert(!writer.full);
    const struct bf_outgoing record = {
        .topic = BF_TOPIC_CONFIG, .key = BF_SLICE("install"), .value = {bytes, writer.len},
        .type = BF_RECORD_INSTALL,
    };
    return send(producer, &record, err);
}

enum bf_status bf_config_log_install_once(const struct bf_kafka_options *options, bool *made,
                                          struct bf_err *err)
{
    struct bf_config_log *log;
    struct bf_producer *producer;
    enum bf_status status = begin(options, &log, &producer, err);
    if (status != BF_OK) {
        return status;
    }
    bool wanted = bf_config_log_install(log) == NULL;
    if (wanted) {
        status = write_install(producer, err);
    }
    bf_producer_destroy(producer, 1000);
    bf_config_log_close(log);
    if (status == BF_OK && made) {
        *made = wanted;
    }
    return status;
}
