/* clock.c: a partition's time. Deaths are counted in ticks of others, not in wall time, so a silence of all
 * is nobody's death and the first to write after a common outage does not outlive the rest. */
#include "processors/clock.h"

#include <assert.h>

void bf_clock_init(struct bf_clock *clock)
{
    memset(clock, 0, sizeof(*clock));
    clock->now_us = BF_TIME_NONE;
}

void bf_clock_deinit(struct bf_clock *clock)
{
    for (size_t i = 0; i < clock->count; i++) {
        bf_deliveries_destroy(clock->writers[i].deliveries);
    }
    clock->count = 0;
}

static struct bf_writer *writer_add(struct bf_clock *clock, struct bf_slice id)
{
    struct bf_deliveries *deliveries = bf_deliveries_create();
    if (deliveries == NULL || id.len > BF_MAX_TEXT) {
        bf_deliveries_destroy(deliveries);
        return NULL;
    }
    struct bf_writer *writer = &clock->writers[clock->count++];
    memset(writer, 0, sizeof(*writer));
    memcpy(writer->id, id.data, id.len);
    writer->id_len = id.len;
    writer->clock_us = BF_TIME_NONE;
    writer->tick_incarnation = INT64_MIN;
    writer->newest = INT64_MIN;
    writer->deliveries = deliveries;
    return writer;
}

struct bf_writer *bf_clock_writer(struct bf_clock *clock, const struct bf_clock_rules *rules,
                                  struct bf_slice id)
{
    for (size_t i = 0; i < clock->count; i++) {
        struct bf_writer *writer = &clock->writers[i];
        if (writer->id_len == id.len && memcmp(writer->id, id.data, id.len) == 0) {
            return writer;
        }
    }
    size_t limit = rules->max_writers < BF_WRITERS_MAX ? rules->max_writers : BF_WRITERS_MAX;
    return clock->count < limit ? writer_add(clock, id) : NULL;
}

static bool dead(const struct bf_clock *clock, size_t index, uint32_t limit)
{
    for (size_t other = 0; other < clock->count; other++) {
        if (other != index && clock->writers[index].since[other] > limit) {
            return true;
        }
    }
    return false;
}

static void note(struct bf_clock *clock, struct bf_writer *writer, const struct bf_tick *tick)
{
    size_t self = (size_t)(writer - clock->writers);
    if (!writer->ticked || writer->tick_incarnation != tick->incarnation) {
        writer->tick_incarnation = tick->incarnation;
        writer->flowing = 0;
    }
    writer->flowing += tick->flows ? 1 : 0;
    if (tick->has_clock &&
        (writer->clock_us == BF_TIME_NONE || tick->clock_us > writer->clock_us)) {
        writer->clock_us = tick->clock_us; /* a tick without one leaves the last as it stands */
    }
    for (size_t i = 0; i < clock->count; i++) {
        struct bf_writer *other = &clock->writers[i];
        /* A writer's first tick counts against nobody: the others had no chance to be behind it. */
        if (i != self && other->ticked && writer->ticked && other->since[self] < UINT32_MAX) {
            other->since[self]++;
        }
    }
    memset(writer->since, 0, sizeof(writer->since));
    writer->ticked = true;
}

int64_t bf_clock_tick(struct bf_clock *clock, const struct bf_clock_rules *rules,
                      struct bf_writer *writer, const struct bf_tick *tick)
{
    assert(rules->tick_every_us > 0);
    note(clock, writer, tick);
    uint32_t limit = (uint32_t)(rules->writer_timeout_us / rules->tick_every_us);
    int64_t smallest = BF_TIME_NONE;
    for (size_t i = 0; i < clock->count; i++) {
        const struct bf_writer *each = &clock->writers[i];
        if (!each->ticked || dead(clock, i, limit)) {
            continue;
        }
        if (each->clock_us == BF_TIME_NONE) {
            if (each->flowing <= rules->hold_max_us / rules->tick_every_us) {
                return clock->now_us; /* it may still have a backlog: holds, for a while */
            }
            continue;
        }
        if (smallest == BF_TIME_NONE || each->clock_us < smallest) {
            smallest = each->clock_us;
        }
    }
    return smallest > clock->now_us ? smallest : clock->now_us;
}

void bf_clock_save(const struct bf_clock *clock, struct bf_mp_writer *out)
{
    bf_mp_put_int(out, clock->now_us);
    bf_mp_put_uint(out, clock->count);
    for (size_t i = 0; i < clock->count; i++) {
        const struct bf_writer *writer = &clock->writers[i];
        bf_mp_put_str(out, (struct bf_slice){writer->id, writer->id_len});
        bf_mp_put_int(out, writer->newest);
        bf_mp_put_bool(out, writer->ticked);
        bf_mp_put_int(out, writer->clock_us);
        bf_mp_put_int(out, writer->tick_incarnation);
        bf_mp_put_int(out, writer->flowing);
        for (size_t other = 0; other < clock->count; other++) {
            bf_mp_put_uint(out, writer->since[other]);
        }
        bf_deliveries_save(writer->deliveries, out);
    }
}

enum bf_status bf_clock_load(struct bf_clock *clock, struct bf_mp_reader *in)
{
    clock->now_us = bf_mp_get_int(in);
    uint64_t count = bf_mp_get_uint(in);
    if (!bf_mp_ok(in) || count > BF_WRITERS_MAX) {
        return BF_MALFORMED;
    }
    for (size_t i = 0; i < count; i++) {
        struct bf_slice id = bf_mp_get_str(in);
        struct bf_writer *writer = bf_mp_ok(in) ? writer_add(clock, id) : NULL;
        if (writer == NULL) {
            return BF_MALFORMED;
        }
        writer->newest = bf_mp_get_int(in);
        writer->ticked = bf_mp_get_bool(in);
        writer->clock_us = bf_mp_get_int(in);
        writer->tick_incarnation = bf_mp_get_int(in);
        writer->flowing = bf_mp_get_int(in);
        for (size_t other = 0; other < count; other++) {
            writer->since[other] = (uint32_t)bf_mp_get_uint(in);
        }
        if (bf_deliveries_load(writer->deliveries, in) != BF_OK) {
            return BF_MALFORMED;
        }
    }
    return bf_mp_ok(in) ? BF_OK : BF_MALFORMED;
}
