/* ends.c: reading a log's ends backwards in steps.
 * Kafka reads forward only, so each step is a range [from, to) in front of the one before. A partition in
 * which an epoch and a generation of our id were found is through; so is one whose beginning was reached. */
#include "ingest/ends.h"

#include <stdlib.h>

#include "core/time.h"
#include "core/wire.h"

#define FIRST_STEP 500
#define GROWTH 10
#define STEP_US (100 * BF_US_PER_MS)

struct end {
    int64_t begin;    /* of the partition */
    int64_t from, to; /* the range in hand */
    int64_t next;     /* offset of the next record */
    int64_t step;
    int64_t read;   /* records looked at, all steps together */
    bool satisfied; /* epoch and generation of our id were found here */
    bool through;
    bool past_hello;
    bool had_epoch, had_generation;
};

struct bf_ends {
    struct bf_consumer *consumer;
    struct bf_slice ingest;
    int64_t incarnation;
    int32_t partitions;
    bool session_kept;
    bool ranged;
    struct bf_ends_found found;
    struct bf_position *positions;
    struct end *ends;
};

/* ---- rules */

void bf_ends_clear(struct bf_ends_found *found)
{
    *found = (struct bf_ends_found){.newest = -1,
                                    .claimed = -1,
                                    .known = -1,
                                    .wall_us = BF_TIME_NONE,
                                    .generation_of = -1,
                                    .generation_wall_us = BF_TIME_NONE};
}

static void take(struct bf_ends_found *found, int64_t incarnation, bool has_epoch, int64_t epoch,
                 int64_t serial)
{
    if (incarnation > found->newest) {
        found->newest = incarnation;
    }
    if (!has_epoch) {
        return;
    }
    bool newer = !found->has_epoch || incarnation > found->known ||
                 (incarnation == found->known &&
                  (epoch > found->epoch || (epoch == found->epoch && serial > found->serial)));
    if (newer) {
        found->has_epoch = true;
        found->known = incarnation;
        found->epoch = epoch;
        found->serial = serial;
    }
}

void bf_ends_take_tick(struct bf_ends_found *found, const struct bf_tick *tick)
{
    take(found, tick->incarnation, tick->has_epoch, tick->epoch, tick->serial);
    if (tick->wall_us > found->wall_us) {
        found->wall_us = tick->wall_us;
    }
    bool newer = tick->incarnation > found->generation_of ||
                 (tick->incarnation == found->generation_of && tick->wall_us > found->generation_wall_us);
    if (tick->generation > 0 && newer) { /* a hello at a process's start does not know it yet */
        found->generation = tick->generation;
        found->generation_of = tick->incarnation;
        found->generation_wall_us = tick->wall_us;
    }
}

void bf_ends_take_claim(struct bf_ends_found *found, int64_t offset)
{
    found->claimed = offset > found->claimed ? offset : found->claimed;
}

void bf_ends_take_delivery(struct bf_ends_found *found, const struct bf_delivery *delivery)
{
    take(found, delivery->incarnation, true, delivery->epoch, delivery->serial);
}

/* ---- the reader */

enum bf_status bf_ends_open(const struct bf_kafka_options *options, struct bf_slice ingest,
                            int64_t incarnation, int32_t partitions, bool session_kept,
                            struct bf_ends **result, struct bf_err *err)
{
    struct bf_ends *ends = calloc(1, sizeof *ends);
    if (ends == NULL) {
        return bf_err_set(err, BF_FATAL, "out of memory");
    }
    ends->ingest = ingest;
    ends->incarnation = incarnation;
    ends->partitions = partitions;
    ends->session_kept = session_kept;
    bf_ends_clear(&ends->found);
    ends->ends = calloc((size_t)partitions, sizeof *ends->ends);
    ends->positions = calloc((size_t)partitions, sizeof *ends->positions);
    enum bf_status status =
        ends->ends && ends->positions ? BF_OK : bf_err_set(err, BF_FATAL, "out of memory");
    if (status == BF_OK) {
        status = bf_consumer_create(options, NULL, true, &ends->consumer, err);
    }
    if (status != BF_OK) {
        bf_ends_close(ends);
        return status;
    }
    *result = ends;
    return BF_OK;
}

void bf_ends_close(struct bf_ends *ends)
{
    if (ends) {
        if (ends->consumer) {
            bf_consumer_destroy(ends->consumer);
        }
        free(ends->ends);
        free(ends->positions);
        free(ends);
    }
}

/* The next range of each partition that is not through; AGAIN where any is left to read. */
static enum bf_status assign(struct bf_ends *ends, struct bf_err *err)
{
    size_t count = 0;
    for (int32_t p = 0; p < ends->partitions; p++) {
        struct end *end = &ends->ends[p];
        bool enough =
            end->satisfied || end->from <= end->begin || (!ends->session_kept && end->read >= BF_ENDS_NEW);
        enough = enough && (p != 0 || end->from <= ends->incarnation); /* where the claims are */
        if (end->through || (end->step > 0 && enough)) {
            end->through = true;
            continue;
        }
        end->step = end->step ? end->step * GROWTH : FIRST_STEP;
        end->to = end->from;
        end->from = end->to - end->begin > end->step ? end->to - end->step : end->begin;
        end->next = end->from;
        if (end->from == end->to) {
            end->through = true;
            continue;
        }
        ends->positions[count++] =
            (struct bf_position){.topic = BF_TOPIC_READINGS, .partition = p, .offset = end->from};
    }
    if (count == 0) {
        return BF_OK;
    }
    enum bf_status status = bf_consumer_assign(ends->consumer, ends->positions, count, err);
    return status == BF_OK ? BF_AGAIN : status;
}

static enum bf_status find_ranges(struct bf_ends *ends, struct bf_err *err)
{
    for (int32_t p = 0; p < ends->partitions; p++) {
        struct end *end = &ends->ends[p];
        enum bf_status status =
            bf_consumer_range(ends->consumer, BF_TOPIC_READINGS, p, &end->begin, &end->from, err);
        if (status != BF_OK) {
            return status;
        }
    }
    ends->ranged = true;
    return assign(ends, err);
}

static void look(struct bf_ends *ends, struct end *end, const struct bf_incoming *incoming)
{
    enum bf_record_type type;
    if (end->past_hello) {
        return;
    }
    if (incoming->has_key) {
        struct bf_reading reading;
        if (bf_reading_unpack(incoming->value, &reading, NULL) == BF_OK &&
            bf_slice_equal(reading.delivery.ingest, ends->ingest)) {
            bf_ends_take_delivery(&ends->found, &reading.delivery);
            end->had_epoch = true;
        }
        return;
    }
    struct bf_tick tick;
    struct bf_claim claim;
    if (incoming->partition == 0 && incoming->offset > ends->incarnation &&
        bf_incoming_type(incoming, &type) && type == BF_RECORD_CLAIM &&
        bf_claim_unpack(incoming->value, &claim, NULL) == BF_OK &&
        bf_slice_equal(claim.ingest, ends->ingest)) {
        bf_ends_take_claim(&ends->found, incoming->offset);
        return;
    }
    if (!bf_incoming_type(incoming, &type) || type != BF_RECORD_TICK ||
        bf_tick_unpack(incoming->value, &tick, NULL) != BF_OK || !bf_slice_equal(tick.ingest, ends->ingest)) {
        return;
    }
    if (tick.hello && tick.incarnation == ends->incarnation) {
        end->past_hello = true; /* what comes behind is a successor's, or our own */
        return;
    }
    bf_ends_take_tick(&ends->found, &tick);
    end->had_epoch |= tick.has_epoch;
    end->had_generation |= tick.generation > 0;
}

static bool all_read(const struct bf_ends *ends)
{
    for (int32_t p = 0; p < ends->partitions; p++) {
        if (!ends->ends[p].through && ends->ends[p].next < ends->ends[p].to) {
            return false;
        }
    }
    return true;
}

static enum bf_status poll_one(struct bf_ends *ends, struct bf_err *err)
{
    struct bf_incoming incoming;
    enum bf_status status = bf_consumer_poll(ends->consumer, 50, &incoming, err);
    if (status != BF_OK) {
        return status;
    }
    struct end *end = &ends->ends[incoming.partition];
    if (incoming.eof) {
        end->next = incoming.offset > end->next ? incoming.offset : end->next;
    } else {
        if (incoming.offset < end->to) {
            look(ends, end, &incoming);
            end->read++;
        }
        end->next = incoming.offset + 1;
    }
    bf_incoming_release(&incoming);
    return BF_OK;
}

enum bf_status bf_ends_step(struct bf_ends *ends, struct bf_ends_found *found, struct bf_err *err)
{
    if (!ends->ranged) {
        return find_ranges(ends, err);
    }
    int64_t until = bf_time_monotonic_us() + STEP_US;
    while (!all_read(ends)) {
        enum bf_status status = poll_one(ends, err);
        if (status != BF_OK) {
            return status;
        }
        if (bf_time_monotonic_us() > until) {
            return BF_AGAIN;
        }
    }
    for (int32_t p = 0; p < ends->partitions; p++) {
        struct end *end = &ends->ends[p];
        end->satisfied = end->had_epoch && end->had_generation;
        end->past_hello = false; /* the next range lies in front of it */
    }
    enum bf_status status = assign(ends, err);
    if (status == BF_OK) {
        *found = ends->found;
    }
    return status;
}
