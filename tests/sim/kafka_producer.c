/* kafka_producer.c: peers/kafka/producer.h over simulated logs. Each producer has a lane per partition:
 * queued, appended, reported, in order within the lane and in any order between lanes; the watermark over
 * the reports is belfry's own (peers/kafka/watermark.c). What a dead process had queued is lost but for a
 * prefix per lane, which may land much later.
 * Declined: retries that double (the producer is idempotent). */
#include <assert.h>
#include <string.h>

#include "core/wire.h"
#include "peers/kafka/watermark.h"
#include "tests/sim/kafka.h"

#define PRODUCERS 24
#define STEP_US (12 * BF_US_PER_MS)

struct sent {
    struct sim_record *record;
    uint64_t sequence;
    size_t bytes;
    struct sent *next;
};
struct fifo {
    struct sent *first, *last;
};
struct lane {
    struct fifo queued, appended;
    uint64_t tick; /* the last one of ingest */
    int64_t due_us;
};
struct bf_producer {
    bool used;
    struct sim_process *process;
    struct bf__watermark watermark;
    uint64_t max_queue, queued, pending_bytes;
    struct lane lanes[SIM_LOGS];
    struct fifo reports; /* come back from Kafka, not served yet */
    struct sim_timer *timer;
};

static struct bf_producer producers[PRODUCERS];
static const struct sim_message *sources[SIM_PROCESSES];
static struct fifo orphans[SIM_LOGS]; /* of the dead, on their way */
static struct sim_timer *orphan_timer;

static void fifo_put(struct fifo *fifo, struct sent *one)
{
    one->next = NULL;
    if (fifo->first == NULL) {
        fifo->first = one;
    } else {
        fifo->last->next = one;
    }
    fifo->last = one;
}

static struct sent *fifo_take(struct fifo *fifo)
{
    struct sent *one = fifo->first;
    fifo->first = one->next;
    return one;
}

/* ---- the wire */
static void schedule(struct bf_producer *producer)
{
    int64_t due_us = INT64_MAX;
    for (size_t i = 0; i < SIM_LOGS; i++) {
        const struct lane *lane = &producer->lanes[i];
        if ((lane->queued.first != NULL || lane->appended.first != NULL) && lane->due_us < due_us) {
            due_us = lane->due_us;
        }
    }
    int64_t hung_us = producer->process->hung_us;
    due_us = due_us < hung_us ? hung_us : due_us;
    producer->timer->due_us = due_us == INT64_MAX ? due_us : due_us > sim_now() ? due_us : sim_now();
}

static int64_t pace(const struct sim_log *log)
{
    return sim_draw_us(SIM_NET, STEP_US) + sim_draw_us(SIM_NET, log->lag_us);
}

static void move_lane(struct bf_producer *producer, size_t index)
{
    struct lane *lane = &producer->lanes[index];
    struct sim_log *log = &sim_logs[index];
    int64_t stands_us = log->stands_until_us > sim_kafka_away_us ? log->stands_until_us : sim_kafka_away_us;
    bool stands = sim_now() < stands_us;
    bool report = lane->appended.first != NULL && (lane->queued.first == NULL || sim_draw(SIM_NET, 2) == 0);
    for (uint32_t n = 1 + sim_draw(SIM_NET, 12); n > 0 && !stands; n--) {
        if (report && lane->appended.first != NULL) {
            fifo_put(&producer->reports, fifo_take(&lane->appended));
        } else if (!report && lane->queued.first != NULL) {
            struct sent *one = fifo_take(&lane->queued);
            sim_log_append(log, one->record);
            fifo_put(&lane->appended, one);
        }
    }
    lane->due_us = stands ? stands_us + pace(log) : sim_now() + pace(log);
    if (report && !stands) {
        sim_wake(producer->process);
    }
}

static void fire(void *context)
{
    struct bf_producer *producer = context;
    if (producer->process->hung_us == 0) {
        for (size_t i = 0; i < SIM_LOGS; i++) {
            struct lane *lane = &producer->lanes[i];
            bool any = lane->queued.first != NULL || lane->appended.first != NULL;
            if (any && lane->due_us <= sim_now()) {
                move_lane(producer, i);
            }
        }
    }
    schedule(producer);
}

static void land_orphans(void *context)
{
    (void)context;
    bool left = false;
    for (size_t i = 0; i < SIM_LOGS; i++) {
        struct sim_log *log = &sim_logs[i];
        if (orphans[i].first != NULL && sim_now() >= log->stands_until_us && sim_kafka_answers() &&
            sim_draw(SIM_NET, 3) == 0) {
            for (uint32_t n = 1 + sim_draw(SIM_NET, 4); n > 0 && orphans[i].first != NULL; n--) {
                sim_log_append(log, fifo_take(&orphans[i])->record);
            }
        }
        left = left || orphans[i].first != NULL;
    }
    if (left) {
        orphan_timer->due_us = sim_now() + sim_draw_us(SIM_NET, 3 * SECOND);
    }
}

/* ---- life */
static void bury(struct bf_producer *producer)
{
    bool any = false;
    for (size_t i = 0; i < SIM_LOGS; i++) {
        struct fifo *queued = &producer->lanes[i].queued;
        for (uint32_t n = sim_draw(SIM_NET, 8); n > 0 && queued->first != NULL; n--) {
            fifo_put(&orphans[i], fifo_take(queued));
            any = true;
        }
    }
    if (any && orphan_timer->due_us == INT64_MAX) {
        orphan_timer->due_us = sim_now() + sim_draw_us(SIM_NET, 4 * SECOND);
    }
    sim_timer_free(producer->timer);
    producer->used = false;
}

void sim_producers_reset(void)
{
    memset(producers, 0, sizeof(producers));
    memset(orphans, 0, sizeof(orphans));
    orphan_timer = sim_timer(land_orphans, NULL);
}

void sim_kafka_forget(struct sim_process *process)
{
    for (size_t i = 0; i < PRODUCERS; i++) {
        if (producers[i].used && producers[i].process == process) {
            bury(&producers[i]);
        }
    }
    sim_consumers_forget(process);
}

enum bf_status bf_producer_create(const struct bf_kafka_options *options, uint32_t linger_ms,
                                  uint32_t max_queue, struct bf_producer **result, struct bf_err *err)
{
    (void)options;
    (void)linger_ms;
    (void)err;
    sim_point();
    struct bf_producer *producer = producers;
    while (producer->used) {
        producer++;
        assert(producer < producers + PRODUCERS);
    }
    memset(producer, 0, sizeof(*producer));
    producer->used = true;
    producer->process = sim_self();
    producer->max_queue = max_queue < 512 ? max_queue : 512; /* full queues are worth meeting */
    producer->timer = sim_timer(fire, producer);
    bool ring = bf__watermark_init(&producer->watermark, 2 * producer->max_queue);
    assert(ring);
    *result = producer;
    return BF_OK;
}

void bf_producer_destroy(struct bf_producer *producer, int timeout_ms)
{
    if (producer == NULL) {
        return;
    }
    int64_t until_us = sim_now() + timeout_ms * BF_US_PER_MS;
    while (bf_producer_acked(producer) < bf_producer_handed(producer) && sim_now() < until_us) {
        enum bf_status status = bf_producer_poll(producer, 100, NULL);
        (void)status;
    }
    bury(producer);
}

/* ---- records in */
void sim_producer_source(const struct sim_process *process, const struct sim_message *message)
{
    sources[process - sim_processes] = message;
}

static struct bf_slice copy(struct bf_slice bytes)
{
    char *data = sim_alloc(bytes.len + 1);
    memcpy(data, bytes.len > 0 ? bytes.data : "", bytes.len);
    return (struct bf_slice){data, bytes.len};
}

static struct sim_record *record_of(const struct bf_outgoing *outgoing)
{
    struct sim_record *record = sim_alloc(sizeof(*record));
    *record = (struct sim_record){.type = outgoing->type,
                                  .has_key = outgoing->key.data != NULL,
                                  .tombstone = outgoing->value.data == NULL};
    if (outgoing->type == BF_RECORD_READING || outgoing->type == BF_RECORD_REJECT) {
        record->source = sources[sim_self() - sim_processes];
    }
    record->key = copy(outgoing->key);
    record->value = copy(outgoing->value);
    record->origin = copy(outgoing->origin);
    for (size_t i = 0; i < outgoing->extra_count; i++) {
        if (strcmp(outgoing->extra[i].name, "last") == 0) {
            record->last = copy(outgoing->extra[i].value);
        }
    }
    return record;
}

/* Ticks never queue up: behind an outage a burst of them would declare others dead. A hello comes anyhow. */
static void check_tick(struct bf_producer *producer, struct lane *lane, const struct bf_outgoing *outgoing,
                       uint64_t sequence)
{
    struct bf_tick tick;
    if (outgoing->type == BF_RECORD_TICK && bf_tick_unpack(outgoing->value, &tick, NULL) == BF_OK) {
        if (!tick.hello && lane->tick != 0 && !bf__watermark_is_acked(&producer->watermark, lane->tick)) {
            sim_fail("ticks", "%s wrote one behind another that Kafka has not acknowledged",
                     sim_self()->name);
        }
        lane->tick = sequence;
    }
}

static enum bf_status hand_over(struct bf_producer *producer, const struct bf_outgoing *outgoing,
                                uint64_t *sequence, struct sim_record **record)
{
    uint64_t next = bf__watermark_reserve(&producer->watermark);
    if (next == 0 || producer->queued == producer->max_queue) {
        return BF_AGAIN;
    }
    struct sent *one = sim_alloc(sizeof(*one));
    *one = (struct sent){.record = record_of(outgoing), .sequence = next};
    one->bytes = outgoing->key.len + outgoing->value.len;
    size_t index = (size_t)(sim_log(outgoing->topic, outgoing->partition) - sim_logs);
    struct lane *lane = &producer->lanes[index];
    check_tick(producer, lane, outgoing, next);
    if (lane->queued.first == NULL && lane->appended.first == NULL) {
        lane->due_us = sim_now() + pace(&sim_logs[index]);
    }
    fifo_put(&lane->queued, one);
    producer->queued++;
    producer->pending_bytes += one->bytes;
    bf__watermark_handed(&producer->watermark, next);
    schedule(producer);
    if (sequence != NULL) {
        *sequence = next;
    }
    if (record != NULL) {
        *record = one->record;
    }
    return BF_OK;
}

enum bf_status bf_producer_send(struct bf_producer *producer, const struct bf_outgoing *record,
                                uint64_t *sequence, struct bf_err *err)
{
    (void)err;
    enum bf_status status = hand_over(producer, record, sequence, NULL);
    sim_point();
    return status;
}

enum bf_status bf_producer_send_wait(struct bf_producer *producer, const struct bf_outgoing *record,
                                     uint64_t *sequence, struct bf_err *err)
{
    enum bf_status status;
    while ((status = bf_producer_send(producer, record, sequence, err)) == BF_AGAIN) {
        status = bf_producer_poll(producer, 100, err);
        if (status != BF_OK) {
            return status;
        }
    }
    return status;
}

enum bf_status bf_producer_send_sync(struct bf_producer *producer, const struct bf_outgoing *outgoing,
                                     int timeout_ms, int64_t *offset, struct bf_err *err)
{
    uint64_t sequence;
    struct sim_record *record;
    enum bf_status status = hand_over(producer, outgoing, &sequence, &record);
    sim_point();
    if (status == BF_AGAIN) {
        return bf_err_set(err, BF_PEER, "the queue is full");
    }
    int64_t until_us = sim_now() + timeout_ms * BF_US_PER_MS;
    while (!bf__watermark_is_acked(&producer->watermark, sequence)) {
        if (sim_now() >= until_us) {
            return bf_err_set(err, BF_PEER, "Kafka has not acknowledged within %d ms", timeout_ms);
        }
        int64_t left_ms = (until_us - sim_now()) / BF_US_PER_MS + 1;
        status = bf_producer_poll(producer, left_ms < 20 ? (int)left_ms : 20, err);
        if (status != BF_OK) {
            return status;
        }
    }
    if (offset != NULL) {
        *offset = record->offset;
    }
    return BF_OK;
}

/* The library's field of a receipt holds where the record will tell its offset. */
enum bf_status bf_producer_send_watch(struct bf_producer *producer, const struct bf_outgoing *outgoing,
                                      struct bf_receipt *receipt, struct bf_err *err)
{
    (void)err;
    struct sim_record *record = NULL;
    enum bf_status status = hand_over(producer, outgoing, &receipt->sequence, &record);
    receipt->watched = status == BF_OK;
    receipt->next = (struct bf_receipt *)(void *)record;
    sim_point();
    return status;
}

bool bf_producer_receipt(struct bf_producer *producer, struct bf_receipt *receipt)
{
    if (receipt->watched && bf__watermark_is_acked(&producer->watermark, receipt->sequence)) {
        receipt->offset = ((const struct sim_record *)(const void *)receipt->next)->offset;
        receipt->watched = false;
        return true;
    }
    return false;
}

void bf_producer_drop(struct bf_producer *producer, struct bf_receipt *receipt)
{
    (void)producer;
    receipt->watched = false;
}

/* ---- reports out */
static bool serve(struct bf_producer *producer)
{
    bool any = producer->reports.first != NULL;
    while (producer->reports.first != NULL) {
        const struct sent *one = fifo_take(&producer->reports);
        producer->queued--;
        producer->pending_bytes -= one->bytes;
        bf__watermark_ack(&producer->watermark, one->sequence);
    }
    return any;
}

enum bf_status bf_producer_poll(struct bf_producer *producer, int timeout_ms, struct bf_err *err)
{
    (void)err;
    sim_point();
    if (!serve(producer) && timeout_ms > 0) {
        sim_wait(sim_now() + sim_stretch(timeout_ms));
        (void)serve(producer);
    }
    return BF_OK;
}

enum bf_status bf_producer_wait(struct bf_producer *producer, uint64_t sequence, int timeout_ms,
                                struct bf_err *err)
{
    int64_t until_us = sim_now() + timeout_ms * BF_US_PER_MS;
    while (bf__watermark_low(&producer->watermark) < sequence) {
        if (sim_now() >= until_us) {
            return bf_err_set(err, BF_PEER, "Kafka has not acknowledged within %d ms", timeout_ms);
        }
        enum bf_status status = bf_producer_poll(producer, 20, err);
        if (status != BF_OK) {
            return status;
        }
    }
    return BF_OK;
}

uint64_t bf_producer_acked(const struct bf_producer *producer)
{
    return bf__watermark_low(&producer->watermark);
}

uint64_t bf_producer_handed(const struct bf_producer *producer)
{
    return atomic_load(&producer->watermark.handed);
}

bool bf_producer_is_acked(struct bf_producer *producer, uint64_t sequence)
{
    return bf__watermark_is_acked(&producer->watermark, sequence);
}

uint64_t bf_producer_pending_bytes(const struct bf_producer *producer)
{
    return producer->pending_bytes;
}

bool bf_producer_connected(const struct bf_producer *producer)
{
    (void)producer;
    return sim_kafka_answers();
}
