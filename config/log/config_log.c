/* config_log.c: reading belfry.config.
 *
 * The topic is small and compacted, so a reader goes through it from the start and keeps what it says; a
 * key that comes again replaces what it said before. Bundles wait in their chunks until somebody asks for
 * the city; it is parsed once, and the chunks go.
 * Declined: a cache on disk. The log is the only truth, and it is read in a moment. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/log/config_log_state.h"
#include "core/daemon.h"
#include "core/log.h"
#include "core/time.h"
#include "core/wire.h"

#define READ_MS 15000 /* how long the first reading may take */
#define SLICE_MS 200  /* of it; then whether a daemon was told to stop */
#define HASH_LEN 64

struct bundle {
    char hash[HASH_LEN + 1];
    struct bf_slice chunks[BF__BUNDLE_CHUNKS]; /* malloc'ed; data NULL: not there */
    uint32_t count;                            /* how many there must be; 0: not known yet */
    struct bf_city *city;                      /* once it was asked for; the chunks are gone then */
};

struct held_generation {
    struct bf_generation record; /* its hash is not used: rows move */
    char hash[HASH_LEN + 1];
};

struct bf_config_log {
    struct bf_consumer *consumer;
    const struct bf_aggregate_kind *const *aggregates;
    bool installed, replaced;
    struct bf_install install;
    char install_id[33];
    struct held_generation generations[BF__GENERATIONS_MAX]; /* ascending */
    size_t generation_count;
    struct bundle *bundles[BF__GENERATIONS_MAX];
    size_t bundle_count;
};

static void drop_chunks(struct bundle *bundle)
{
    union {
        const char *in;
        void *out;
    } bytes;
    for (size_t i = 0; i < BF__BUNDLE_CHUNKS; i++) {
        bytes.in = bundle->chunks[i].data;
        free(bytes.out);
        bundle->chunks[i] = (struct bf_slice){NULL, 0};
    }
}

static struct bundle *find_bundle(const struct bf_config_log *log, struct bf_slice hash)
{
    for (size_t i = 0; i < log->bundle_count; i++) {
        if (bf_slice_equal(bf_slice_of(log->bundles[i]->hash), hash)) {
            return log->bundles[i];
        }
    }
    return NULL;
}

static bool is_whole(const struct bundle *bundle)
{
    uint32_t there = 0;
    for (size_t i = 0; i < bundle->count; i++) {
        there += bundle->chunks[i].data != NULL;
    }
    return bundle->city || (bundle->count > 0 && there == bundle->count);
}

/* "<hash>.<n>" */
static bool parse_chunk_key(struct bf_slice key, struct bf_slice *hash, uint32_t *number)
{
    if (key.len < HASH_LEN + 2 || key.len > HASH_LEN + 4 || key.data[HASH_LEN] != '.') {
        return false;
    }
    *hash = (struct bf_slice){key.data, HASH_LEN};
    *number = 0;
    for (size_t i = HASH_LEN + 1; i < key.len; i++) {
        if (key.data[i] < '0' || key.data[i] > '9') {
            return false;
        }
        *number = *number * 10 + (uint32_t)(key.data[i] - '0');
    }
    return *number < BF__BUNDLE_CHUNKS;
}

static struct bundle *make_bundle(struct bf_config_log *log, struct bf_slice hash)
{
    if (log->bundle_count == BF__GENERATIONS_MAX) { /* the oldest that nobody has asked for gives way */
        size_t oldest = 0;
        while (oldest < log->bundle_count && log->bundles[oldest]->city) {
            oldest++;
        }
        if (oldest == log->bundle_count) {
            return NULL;
        }
        drop_chunks(log->bundles[oldest]);
        free(log->bundles[oldest]);
        memmove(&log->bundles[oldest], &log->bundles[oldest + 1],
                (--log->bundle_count - oldest) * sizeof(struct bundle *));
    }
    struct bundle *bundle = calloc(1, sizeof *bundle);
    if (bundle) {
        memcpy(bundle->hash, hash.data, HASH_LEN);
        log->bundles[log->bundle_count++] = bundle;
    }
    return bundle;
}

static bool take_chunk(struct bf_config_log *log, const struct bf_incoming *incoming)
{
    struct bf_slice hash;
    uint32_t number;
    if (!parse_chunk_key(incoming->key, &hash, &number) || incoming->value.len > BF__CHUNK_BYTES) {
        return false;
    }
    struct bundle *bundle = find_bundle(log, hash);
    if (!bundle) {
        bundle = make_bundle(log, hash);
    }
    if (!bundle) {
        return false;
    }
    if (bundle->city || bundle->chunks[number].data) {
        return true; /* the same key holds the same bytes */
    }
    char *bytes = malloc(incoming->value.len + 1);
    if (!bytes) {
        return false;
    }
    memcpy(bytes, incoming->value.data, incoming->value.len);
    bundle->chunks[number] = (struct bf_slice){bytes, incoming->value.len};
    if (bf_incoming_header(incoming, "last").data) {
        bundle->count = number + 1;
    }
    return true;
}

static bool take_generation(struct bf_config_log *log, struct bf_slice value)
{
    struct bf_generation record;
    if (bf_generation_unpack(value, &record, NULL) != BF_OK || record.hash.len != HASH_LEN) {
        return false;
    }
    size_t at = log->generation_count;
    while (at > 0 && log->generations[at - 1].record.generation > record.generation) {
        at--;
    }
    bool known = at > 0 && log->generations[at - 1].record.generation == record.generation;
    if (known) {
        at--;
    } else if (log->generation_count == BF__GENERATIONS_MAX) { /* windows that old are long closed */
        if (at == 0) {
            return true;
        }
        at--;
        memmove(&log->generations[0], &log->generations[1], at * sizeof *log->generations);
    } else {
        memmove(&log->generations[at + 1], &log->generations[at],
                (log->generation_count++ - at) * sizeof *log->generations);
    }
    log->generations[at].record = record;
    memcpy(log->generations[at].hash, record.hash.data, HASH_LEN);
    log->generations[at].hash[HASH_LEN] = '\0';
    return true;
}

static bool take_install(struct bf_config_log *log, struct bf_slice value)
{
    struct bf_install record;
    if (bf_install_unpack(value, &record, NULL) != BF_OK || record.id.len >= sizeof log->install_id) {
        return false;
    }
    if (log->installed && !bf_slice_equal(record.id, log->install.id)) {
        log->replaced = true;
    }
    memcpy(log->install_id, record.id.data, record.id.len);
    log->install_id[record.id.len] = '\0';
    log->install = record;
    log->install.id = bf_slice_of(log->install_id);
    log->installed = true;
    return true;
}

static void take(struct bf_config_log *log, const struct bf_incoming *incoming)
{
    enum bf_record_type type;
    bool taken = false;
    if (incoming->tombstone || !bf_incoming_type(incoming, &type)) {
        return;
    }
    if (type == BF_RECORD_INSTALL) {
        taken = take_install(log, incoming->value);
    } else if (type == BF_RECORD_GENERATION) {
        taken = take_generation(log, incoming->value);
    } else if (type == BF_RECORD_BUNDLE) {
        taken = take_chunk(log, incoming);
    }
    if (!taken) {
        bf_log(BF_LOG_ERROR, "config_log.unreadable", "offset=%lld type=%s", (long long)incoming->offset,
               bf_record_name(type));
    }
}

/* Takes records until the end of the partition was seen. AGAIN: it was not, within timeout_ms. */
static enum bf_status read_to_end(struct bf_config_log *log, int timeout_ms, size_t *taken,
                                  struct bf_err *err)
{
    int64_t deadline = bf_time_monotonic_us() + timeout_ms * BF_US_PER_MS;
    for (;;) {
        struct bf_incoming incoming;
        int64_t left_us = deadline - bf_time_monotonic_us();
        left_us = bf_daemon_stopping() ? 0 : left_us;
        int wait_ms = left_us > 0 ? (int)(left_us / BF_US_PER_MS) : 0;
        wait_ms = wait_ms < SLICE_MS ? wait_ms : SLICE_MS;
        enum bf_status status = bf_consumer_poll(log->consumer, wait_ms, &incoming, err);
        if (status == BF_AGAIN && left_us > 0) {
            continue;
        }
        if (status != BF_OK) {
            return status;
        }
        bool eof = incoming.eof;
        if (!eof) {
            take(log, &incoming);
            (*taken)++;
        }
        bf_incoming_release(&incoming);
        if (eof) {
            return BF_OK;
        }
    }
}

enum bf_status bf__config_log_read(const struct bf_kafka_options *options,
                                   const struct bf_aggregate_kind *const *aggregates,
                                   struct bf_config_log **log, struct bf_err *err)
{
    struct bf_config_log *made = calloc(1, sizeof *made);
    if (!made) {
        return bf_err_set(err, BF_LIMIT, "out of memory for the configuration log");
    }
    made->aggregates = aggregates;
    const struct bf_position start = {.topic = BF_TOPIC_CONFIG, .offset = BF_OFFSET_BEGINNING};
    size_t taken = 0;
    int32_t partitions;
    enum bf_status status = bf_consumer_create(options, NULL, true, &made->consumer, err);
    if (status == BF_OK) {
        status = bf_consumer_partitions(made->consumer, BF_TOPIC_CONFIG, &partitions, err);
    }
    if (status == BF_OK) {
        status = bf_consumer_assign(made->consumer, &start, 1, err);
    }
    if (status == BF_OK) {
        status = read_to_end(made, READ_MS, &taken, err);
    }
    if (status == BF_AGAIN) {
        status = bf_err_set(err, BF_PEER, "could not read the configuration log within %d s", READ_MS / 1000);
    }
    if (status != BF_OK) {
        bf_config_log_close(made);
        return status;
    }
    *log = made;
    return BF_OK;
}

enum bf_status bf__config_log_require_install(const struct bf_config_log *log, struct bf_err *err)
{
    if (log->installed) {
        return BF_OK;
    }
    enum bf_status status = bf_err_set(err, BF_CONFIG, "this log has no install record");
    bf_err_hint(err, "Make belfry's topics and the record with `belfry topics`.");
    return status;
}

enum bf_status bf_config_log_open(const struct bf_kafka_options *options,
                                  const struct bf_aggregate_kind *const *aggregates,
                                  struct bf_config_log **log, struct bf_err *err)
{
    struct bf_config_log *made;
    enum bf_status status = bf__config_log_read(options, aggregates, &made, err);
    if (status != BF_OK) {
        return status;
    }
    status = bf__config_log_require_install(made, err);
    if (status != BF_OK) {
        bf_config_log_close(made);
        return status;
    }
    *log = made;
    return BF_OK;
}

void bf_config_log_close(struct bf_config_log *log)
{
    if (!log) {
        return;
    }
    for (size_t i = 0; i < log->bundle_count; i++) {
        drop_chunks(log->bundles[i]);
        bf_city_destroy(log->bundles[i]->city);
        free(log->bundles[i]);
    }
    bf_consumer_destroy(log->consumer);
    free(log);
}

enum bf_status bf_config_log_refresh(struct bf_config_log *log, int timeout_ms, struct bf_err *err)
{
    size_t taken = 0;
    enum bf_status status = read_to_end(log, timeout_ms, &taken, err);
    if (status != BF_OK && status != BF_AGAIN) {
        return status;
    }
    if (log->replaced) {
        return bf_err_set(err, BF_FATAL, "the log has another install record than at the start");
    }
    return taken > 0 ? BF_OK : BF_AGAIN;
}

const struct bf_install *bf_config_log_install(const struct bf_config_log *log)
{
    return log->installed ? &log->install : NULL;
}

int64_t bf_config_log_newest(const struct bf_config_log *log)
{
    for (size_t i = log->generation_count; i > 0; i--) {
        if (log->generations[i - 1].record.complete) {
            return log->generations[i - 1].record.generation;
        }
    }
    return 0;
}

bool bf__config_log_last(const struct bf_config_log *log, struct bf_generation *record)
{
    if (log->generation_count == 0) {
        return false;
    }
    const struct held_generation *last = &log->generations[log->generation_count - 1];
    *record = last->record;
    record->hash = (struct bf_slice){last->hash, HASH_LEN}; /* until the next refresh */
    return true;
}

bool bf__config_log_has_bundle(const struct bf_config_log *log, struct bf_slice hash)
{
    const struct bundle *bundle = find_bundle(log, hash);
    return bundle && is_whole(bundle);
}

static enum bf_status load_city(const struct bf_config_log *log, struct bundle *bundle, struct bf_err *err)
{
    size_t size = 0;
    for (size_t i = 0; i < bundle->count; i++) {
        size += bundle->chunks[i].len;
    }
    char *bytes = malloc(size + 1);
    if (!bytes) {
        return bf_err_set(err, BF_LIMIT, "out of memory for a configuration of %zu bytes", size);
    }
    size_t used = 0;
    for (size_t i = 0; i < bundle->count; i++) {
        memcpy(bytes + used, bundle->chunks[i].data, bundle->chunks[i].len);
        used += bundle->chunks[i].len;
    }
    struct bf_bundle *unpacked = NULL;
    enum bf_status status = bf_bundle_unpack((struct bf_slice){bytes, size}, &unpacked, err);
    if (status == BF_OK && strcmp(unpacked->hash, bundle->hash) != 0) {
        status = bf_err_set(err, BF_CONFIG, "the configuration %.12s in the log is damaged", bundle->hash);
    }
    if (status == BF_OK) {
        status = bf_city_load(unpacked, log->aggregates, &bundle->city, err);
    }
    bf_bundle_destroy(unpacked);
    free(bytes);
    if (status == BF_OK) {
        drop_chunks(bundle);
    }
    return status;
}

enum bf_status bf_config_log_generation(struct bf_config_log *log, int64_t generation,
                                        struct bf_generation *record, const struct bf_city **city,
                                        struct bf_err *err)
{
    const struct held_generation *held = NULL;
    for (size_t i = 0; i < log->generation_count; i++) {
        if (log->generations[i].record.generation == generation) {
            held = &log->generations[i];
        }
    }
    struct bundle *bundle = held ? find_bundle(log, bf_slice_of(held->hash)) : NULL;
    if (!bundle || !is_whole(bundle)) {
        return BF_AGAIN;
    }
    enum bf_status status = bundle->city || !city ? BF_OK : load_city(log, bundle, err);
    if (status == BF_OK) {
        if (record) {
            /* The bundle's copy of the hash stays where it is. */
            *record = held->record;
            record->hash = (struct bf_slice){bundle->hash, HASH_LEN};
        }
        if (city) {
            *city = bundle->city;
        }
    }
    return status;
}
