/* feed.c: records are decoded where they lie: the batch keeps Kafka's own buffers until the sink has copied
 * what it needs, instead of copying every text first. */
#include "sinks/feed.h"

#include <assert.h>
#include <stdlib.h>

#include "core/wire.h"

enum bf_status bf__feed_init(struct bf__feed *feed, int32_t partition, size_t capacity, struct bf_err *err)
{
    *feed = (struct bf__feed){.partition = partition, .capacity = capacity};
    feed->records = calloc(capacity, sizeof *feed->records);
    feed->handles = calloc(capacity, sizeof *feed->handles);
    if (!feed->records || !feed->handles) {
        bf__feed_deinit(feed);
        return bf_err_set(err, BF_FATAL, "out of memory");
    }
    return BF_OK;
}

static void release(struct bf__feed *feed)
{
    for (size_t i = 0; i < feed->count; i++) {
        struct bf_incoming incoming = {.handle = feed->handles[i]};
        bf_incoming_release(&incoming);
    }
    feed->count = 0;
}

void bf__feed_deinit(struct bf__feed *feed)
{
    release(feed);
    free(feed->records);
    free(feed->handles);
    *feed = (struct bf__feed){0};
}

void bf__feed_start(struct bf__feed *feed, int64_t expected, int64_t position)
{
    release(feed);
    feed->expected = expected;
    feed->position = position;
    feed->moved = false;
    feed->at_end = false;
    feed->end = position;
    feed->appended_ms = 0;
}

enum bf__taken bf__feed_read(struct bf__feed *feed, const struct bf_incoming *incoming, struct bf_err *err)
{
    assert(feed->count < feed->capacity);
    struct bf_sink_record *record = &feed->records[feed->count];
    enum bf_status status = BF_OK;
    enum bf_record_type type;
    if (!bf_incoming_type(incoming, &type)) {
        bf_err_set(err, BF_MALFORMED, "the header bf-type is missing or unknown");
        return BF_TAKEN_BAD;
    }
    if (type != BF_RECORD_KPI && type != BF_RECORD_DEVICE) {
        return BF_TAKEN_NOT;
    }
    record->type = type;
    record->offset = incoming->offset;
    status = bf_origin_unpack(bf_incoming_header(incoming, "bf-origin"), &record->origin, err);
    if (status == BF_OK && type == BF_RECORD_KPI) {
        status = bf_kpi_unpack(incoming->value, &record->as.kpi, err);
    } else if (status == BF_OK) {
        status = bf_device_unpack(incoming->value, &record->as.device, err);
    }
    return status == BF_OK ? BF_TAKEN : BF_TAKEN_BAD;
}

void bf__feed_skip(struct bf__feed *feed, const struct bf_incoming *incoming)
{
    feed->position = incoming->offset + 1;
    feed->appended_ms = incoming->appended_ms;
    feed->moved = true;
    feed->at_end = false;
    if (feed->position > feed->end) {
        feed->end = feed->position;
    }
}

void bf__feed_keep(struct bf__feed *feed, const struct bf_incoming *incoming)
{
    feed->handles[feed->count++] = incoming->handle;
    bf__feed_skip(feed, incoming);
}

struct bf_sink_batch bf__feed_batch(const struct bf__feed *feed)
{
    return (struct bf_sink_batch){
        .partition = feed->partition,
        .expected = feed->expected,
        .next = feed->position,
        .records = feed->records,
        .count = feed->count,
    };
}

void bf__feed_done(struct bf__feed *feed)
{
    release(feed);
    feed->expected = feed->position;
    feed->moved = false;
}
