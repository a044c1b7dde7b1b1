/* Why: a promise that cannot be checked by the person it is made to is advertising. This is the check.
 * Declined: asking the daemons for their counters (a kill forgets them). */
#include "cli/ledger.h"

#include <stdlib.h>

#include "core/hash.h"
#include "core/table.h"
#include "core/wire.h"

#define MAX_PARTITIONS 256
#define POLL_MS 200
#define QUIET_POLLS 50 /* without a record or an end: Kafka does not answer */

enum fate { FATE_NONE, FATE_BY_PROFILE, FATE_REJECTED, FATE_READING };

struct message {
    uint64_t key;
    uint64_t fate;
};
struct writer {
    uint64_t key;
    int64_t offset;
    uint64_t index;
};
struct window {
    uint64_t key;
    uint64_t total;
    uint64_t counted;
    int64_t due_us; /* its end and its KPI's delay */
    bool final, audit;
};

struct source {
    int64_t offset, clock_us;
    uint32_t index;
    struct bf_task_counters counters;
};

struct bf_ledger {
    struct bf_consumer *consumer;
    const struct bf_city *city;
    struct bf_kpi_definition audit;
    struct bf_table *messages, *writers, *windows;
    struct bf_position positions[MAX_PARTITIONS];
    size_t position_count;
    struct source sources[MAX_PARTITIONS];
    struct bf_ledger_sums sums;
};

static const enum bf_topic topics[] = {BF_TOPIC_READINGS, BF_TOPIC_REJECTS, BF_TOPIC_PARTIALS, BF_TOPIC_KPIS};

static enum bf_status find_partitions(struct bf_ledger *ledger, struct bf_err *err)
{
    for (size_t t = 0; t < sizeof topics / sizeof topics[0]; t++) {
        int32_t count = 0;
        enum bf_status status = bf_consumer_partitions(ledger->consumer, topics[t], &count, err);
        for (int32_t p = 0; status == BF_OK && p < count; p++) {
            int64_t begin = 0, end = 0;
            status = bf_consumer_range(ledger->consumer, topics[t], p, &begin, &end, err);
            if (status == BF_OK && begin > 0) {
                return bf_err_set(err, BF_FATAL,
                                  "a log has lost its first %lld records (topic %zu, partition %d)",
                                  (long long)begin, t, p);
            }
            if (ledger->position_count == MAX_PARTITIONS) {
                return bf_err_set(err, BF_LIMIT, "more than %d partitions", MAX_PARTITIONS);
            }
            ledger->positions[ledger->position_count++] =
                (struct bf_position){.topic = topics[t], .partition = p, .offset = 0};
        }
        if (status != BF_OK) {
            return status;
        }
    }
    return bf_consumer_assign(ledger->consumer, ledger->positions, ledger->position_count, err);
}

enum bf_status bf_ledger_open(const struct bf_kafka_options *options, const struct bf_city *city,
                              const struct bf_kpi_definition *audit_kpi, uint64_t max_messages,
                              struct bf_ledger **out, struct bf_err *err)
{
    struct bf_ledger *ledger = calloc(1, sizeof *ledger);
    if (!ledger) {
        return bf_err_set(err, BF_LIMIT, "no memory");
    }
    ledger->audit = *audit_kpi;
    ledger->city = city;
    ledger->messages = bf_table_create(max_messages, sizeof(uint64_t), sizeof(struct message));
    ledger->windows = bf_table_create(max_messages, sizeof(uint64_t), sizeof(struct window));
    ledger->writers = bf_table_create(65536, sizeof(uint64_t), sizeof(struct writer));
    for (size_t i = 0; i < MAX_PARTITIONS; i++) {
        ledger->sources[i].offset = -1;
    }
    enum bf_status status = BF_OK;
    if (!ledger->messages || !ledger->windows || !ledger->writers) {
        status = bf_err_set(err, BF_LIMIT, "no memory for %llu messages", (unsigned long long)max_messages);
    }
    status = status == BF_OK ? bf_consumer_create(options, NULL, true, &ledger->consumer, err) : status;
    status = status == BF_OK ? find_partitions(ledger, err) : status;
    if (status != BF_OK) {
        bf_ledger_close(ledger);
        return status;
    }
    *out = ledger;
    return BF_OK;
}

void bf_ledger_close(struct bf_ledger *ledger)
{
    if (ledger) {
        if (ledger->consumer) {
            bf_consumer_destroy(ledger->consumer);
        }
        bf_table_destroy(ledger->messages);
        bf_table_destroy(ledger->windows);
        bf_table_destroy(ledger->writers);
        free(ledger);
    }
}

/* A message is what one delivery identity names; a redelivery has the same. */
static enum bf_status note_message(struct bf_ledger *ledger, const struct bf_delivery *delivery,
                                   enum fate fate, struct bf_err *err)
{
    uint64_t key = bf_hash64(delivery->ingest);
    key = bf_hash64_mix(key, (uint64_t)delivery->epoch);
    key = bf_hash64_mix(key, (uint64_t)delivery->serial);
    key = bf_hash64_mix(key, delivery->payload_hash);
    struct message *message = bf_table_put(ledger->messages, &key, NULL);
    if (!message) {
        return bf_err_set(err, BF_LIMIT, "more than %zu messages; raise --messages",
                          bf_table_capacity(ledger->messages));
    }
    message->fate = message->fate > fate ? message->fate : fate;
    return BF_OK;
}

/* False for an output that was seen before: a task that replayed wrote it again. */
static bool is_new(struct bf_ledger *ledger, const struct bf_incoming *incoming, struct bf_origin *origin)
{
    struct bf_slice header = bf_incoming_header(incoming, "bf-origin");
    if (header.len == 0 || bf_origin_unpack(header, origin, NULL) != BF_OK) {
        return false;
    }
    uint64_t key = bf_hash64_mix(bf_hash64(origin->task),
                                 (uint64_t)incoming->topic << 32 | (uint32_t)incoming->partition);
    bool created = false;
    struct writer *writer = bf_table_put(ledger->writers, &key, &created);
    bool newer = writer && (created || origin->offset > writer->offset ||
                            (origin->offset == writer->offset && origin->index > writer->index));
    if (newer) {
        writer->offset = origin->offset;
        writer->index = origin->index;
    }
    ledger->sums.repeats += !newer;
    return newer;
}

static enum bf_status take_reading(struct bf_ledger *ledger, const struct bf_incoming *incoming,
                                   struct bf_err *err)
{
    struct bf_reading reading;
    ledger->sums.readings++;
    if (bf_reading_unpack(incoming->value, &reading, err) != BF_OK) {
        return BF_OK; /* the task counts it as malformed */
    }
    return note_message(ledger, &reading.delivery, FATE_READING, err);
}

/* The KPI refuses a reading when the clock has passed the end of the window's allowed lateness. */
static bool late_for_audit(const struct bf_ledger *ledger, const struct bf_reject *reject)
{
    int64_t start = bf_time_floor(reject->event_us, ledger->audit.window_us);
    return reject->at_us >=
           start + ledger->audit.window_us + ledger->audit.delay_us + ledger->audit.lateness_us;
}

static enum bf_status take_reject(struct bf_ledger *ledger, const struct bf_incoming *incoming,
                                  struct bf_err *err)
{
    struct bf_reject reject;
    struct bf_origin origin;
    if (bf_reject_unpack(incoming->value, &reject, err) != BF_OK) {
        return BF_OK;
    }
    bool from_task = bf_incoming_header(incoming, "bf-origin").len > 0;
    if (from_task) {
        if (is_new(ledger, incoming, &origin)) {
            ledger->sums.rejects++;
            ledger->sums.late += reject.stage == BF_STAGE_LATE && late_for_audit(ledger, &reject);
        }
        return BF_OK;
    }
    ledger->sums.rejects++;
    if (!reject.whole || !reject.has_delivery) {
        return BF_OK;
    }
    return note_message(ledger, &reject.delivery, reject.by_profile ? FATE_BY_PROFILE : FATE_REJECTED, err);
}

static void take_tick(struct bf_ledger *ledger, const struct bf_incoming *incoming)
{
    struct bf_task_tick tick;
    struct bf_origin origin;
    struct bf_slice header = bf_incoming_header(incoming, "bf-origin");
    if (bf_task_tick_unpack(incoming->value, &tick, NULL) != BF_OK || tick.source < 0 ||
        tick.source >= MAX_PARTITIONS || bf_origin_unpack(header, &origin, NULL) != BF_OK) {
        return;
    }
    struct source *source = &ledger->sources[tick.source];
    if (origin.offset > source->offset) {
        source->offset = origin.offset;
        source->clock_us = tick.clock_us;
        source->counters = tick.counters;
    }
}

/* One that a reload has removed waits as the audit KPI does. */
static int64_t delay_of(const struct bf_ledger *ledger, struct bf_slice id)
{
    for (size_t i = 0; i < ledger->city->kpi_count; i++) {
        if (bf_slice_equal(ledger->city->kpis[i].id, id)) {
            return ledger->city->kpis[i].delay_us;
        }
    }
    return ledger->audit.delay_us;
}

static enum bf_status take_kpi(struct bf_ledger *ledger, const struct bf_incoming *incoming,
                               struct bf_err *err)
{
    struct bf_kpi kpi;
    struct bf_origin origin;
    if (!is_new(ledger, incoming, &origin) || bf_kpi_unpack(incoming->value, &kpi, NULL) != BF_OK) {
        return BF_OK;
    }
    ledger->sums.finals += kpi.phase == BF_KPI_FINAL && kpi.revision == 0;
    ledger->sums.revisions += kpi.phase == BF_KPI_FINAL && kpi.revision > 0;
    uint64_t key =
        bf_hash64_mix(bf_hash64(kpi.kpi), bf_hash64_mix(bf_hash64(kpi.scope), (uint64_t)kpi.start_us));
    struct window *window = bf_table_put(ledger->windows, &key, NULL);
    if (!window) {
        return bf_err_set(err, BF_LIMIT, "more than %zu windows; raise --messages",
                          bf_table_capacity(ledger->windows));
    }
    window->counted = kpi.n;
    window->total =
        kpi.n + kpi.excluded.suspect + kpi.excluded.fail + kpi.excluded.missing + kpi.excluded.text;
    window->audit = bf_slice_equal(kpi.kpi, ledger->audit.id);
    window->due_us = kpi.end_us + delay_of(ledger, kpi.kpi);
    window->final = window->final || kpi.phase == BF_KPI_FINAL;
    return BF_OK;
}

static enum bf_status take(struct bf_ledger *ledger, const struct bf_incoming *incoming, struct bf_err *err)
{
    enum bf_record_type type;
    if (incoming->topic == BF_TOPIC_READINGS && incoming->has_key) {
        return take_reading(ledger, incoming, err);
    }
    if (!bf_incoming_type(incoming, &type)) {
        return BF_OK;
    }
    if (type == BF_RECORD_REJECT) {
        return take_reject(ledger, incoming, err);
    }
    if (type == BF_RECORD_KPI) {
        return take_kpi(ledger, incoming, err);
    }
    if (type == BF_RECORD_TASK_TICK && incoming->topic == BF_TOPIC_PARTIALS) {
        take_tick(ledger, incoming);
    }
    return BF_OK;
}

enum bf_status bf_ledger_read(struct bf_ledger *ledger, struct bf_err *err)
{
    int64_t ends[MAX_PARTITIONS];
    size_t behind = 0;
    for (size_t i = 0; i < ledger->position_count; i++) {
        struct bf_position *position = &ledger->positions[i];
        int64_t begin = 0;
        enum bf_status status =
            bf_consumer_range(ledger->consumer, position->topic, position->partition, &begin, &ends[i], err);
        if (status != BF_OK) {
            return status;
        }
        behind += position->offset < ends[i];
    }
    int quiet = 0;
    while (behind > 0) {
        struct bf_incoming incoming;
        enum bf_status status = bf_consumer_poll(ledger->consumer, POLL_MS, &incoming, err);
        if (status == BF_AGAIN && ++quiet < QUIET_POLLS) {
            continue;
        }
        if (status != BF_OK) {
            return status == BF_AGAIN ? bf_err_set(err, BF_PEER, "Kafka gives no more records") : status;
        }
        quiet = 0;
        size_t i = 0;
        while (ledger->positions[i].topic != incoming.topic ||
               ledger->positions[i].partition != incoming.partition) {
            i++;
        }
        bool was_behind = ledger->positions[i].offset < ends[i];
        if (!incoming.eof) {
            status = take(ledger, &incoming, err);
        }
        ledger->positions[i].offset = incoming.eof ? incoming.offset : incoming.offset + 1;
        behind -= was_behind && ledger->positions[i].offset >= ends[i];
        bf_incoming_release(&incoming);
        if (status != BF_OK) {
            return status;
        }
    }
    return BF_OK;
}

/* The clock of the slowest partition: what is due by it, is due. */
static int64_t slowest(const struct bf_ledger *ledger)
{
    int64_t clock_us = BF_TIME_NONE;
    for (size_t i = 0; i < MAX_PARTITIONS; i++) {
        const struct source *source = &ledger->sources[i];
        bool slower = clock_us == BF_TIME_NONE || source->clock_us < clock_us;
        clock_us = source->offset >= 0 && slower ? source->clock_us : clock_us;
    }
    return clock_us;
}

struct bf_ledger_sums bf_ledger_sums(const struct bf_ledger *ledger)
{
    int64_t now_us = slowest(ledger);
    struct bf_ledger_sums sums = ledger->sums;
    size_t cursor = 0;
    for (const struct message *message; (message = bf_table_next(ledger->messages, &cursor)) != NULL;) {
        sums.gave_readings += message->fate == FATE_READING;
        sums.rejected += message->fate == FATE_REJECTED;
        sums.by_profile += message->fate == FATE_BY_PROFILE;
    }
    cursor = 0;
    for (const struct window *window; (window = bf_table_next(ledger->windows, &cursor)) != NULL;) {
        sums.windows++;
        bool due = window->audit || window->due_us <= now_us;
        sums.open_windows += !window->final && due;
        sums.running += !window->final && !due;
        sums.counted += window->audit ? window->counted : 0;
        sums.excluded += window->audit ? window->total - window->counted : 0;
    }
    for (size_t i = 0; i < MAX_PARTITIONS; i++) {
        const struct bf_task_counters *counters = &ledger->sources[i].counters;
        sums.seen += counters->readings;
        sums.duplicate += counters->duplicate;
        sums.older += counters->older;
        sums.content += counters->content;
        sums.malformed += counters->malformed;
        sums.limit += counters->limit;
    }
    return sums;
}
