/* Why: a partition's clock as DESIGN and docs/ARCHITECTURE.md ("Time") tell it, in the plainest form: the
 * smallest clock of the ingest processes that are alive, and never back. */
#include "config/city.h"
#include "tests/e2e/oracle_inside.h"

struct oracle_writer *oracle_writer(struct oracle *oracle, struct oracle_partition *partition,
                                    struct bf_slice id)
{
    for (size_t i = 0; i < partition->writer_count; i++) {
        if (bf_slice_equal(bf_slice_of(partition->writers[i].id), id)) {
            return &partition->writers[i];
        }
    }
    if (partition->writer_count == ORACLE_INGESTS || id.len > BF_MAX_TEXT) {
        oracle_differ(oracle, "more than %d ingest ids", ORACLE_INGESTS);
        return NULL;
    }
    struct oracle_writer *writer = &partition->writers[partition->writer_count++];
    *writer = (struct oracle_writer){
        .clock_us = BF_TIME_NONE, .incarnation = INT64_MIN, .ticking = INT64_MIN, .since = {0}};
    memcpy(writer->id, id.data, id.len);
    writer->id[id.len] = '\0';
    return writer;
}

/* Ticks that another may write before one is dead; ticks of its own for which one without a clock holds. */
struct patience {
    int64_t ticks, hold;
};

static struct patience patience_of(const struct oracle *oracle, const struct oracle_partition *partition)
{
    size_t newest = partition->known_count ? partition->known[partition->known_count - 1].generation : 0;
    const struct bf_city *city = oracle->generations[newest].city;
    return (struct patience){.ticks = city->time.writer_timeout_us / city->time.tick_every_us,
                             .hold = city->time.hold_max_us / city->time.tick_every_us};
}

static bool is_dead(const struct oracle_partition *partition, size_t index, int64_t ticks)
{
    for (size_t other = 0; other < partition->writer_count; other++) {
        if (partition->writers[index].since[other] > ticks) {
            return true;
        }
    }
    return false;
}

static void note(struct oracle_partition *partition, struct oracle_writer *writer, const struct bf_tick *tick)
{
    size_t self = (size_t)(writer - partition->writers);
    for (size_t i = 0; i < partition->writer_count; i++) {
        /* its first tick says nothing about the others: they could not be behind it yet */
        bool counts = i != self && partition->writers[i].ticked && writer->ticked;
        partition->writers[i].since[self] += counts;
        writer->since[i] = 0;
    }
    writer->ticked = true;
    writer->incarnation = tick->incarnation;
    writer->flowing = writer->ticking == tick->incarnation ? writer->flowing : 0;
    writer->ticking = tick->incarnation;
    writer->flowing += tick->flows;
    if (tick->has_clock && tick->clock_us > writer->clock_us) {
        writer->clock_us = tick->clock_us;
    }
}

void oracle_tick(struct oracle *oracle, struct oracle_partition *partition, const struct bf_tick *tick)
{
    struct oracle_writer *writer = oracle_writer(oracle, partition, tick->ingest);
    struct patience patience = patience_of(oracle, partition);
    int64_t smallest = INT64_MAX;
    if (!writer || tick->incarnation < writer->incarnation) {
        return;
    }
    note(partition, writer, tick);
    for (size_t i = 0; i < partition->writer_count; i++) {
        const struct oracle_writer *each = &partition->writers[i];
        if (!each->ticked || is_dead(partition, i, patience.ticks)) {
            continue;
        }
        if (each->clock_us == BF_TIME_NONE && each->flowing <= patience.hold) {
            return; /* it may have a backlog */
        }
        if (each->clock_us != BF_TIME_NONE && each->clock_us < smallest) {
            smallest = each->clock_us;
        }
    }
    if (smallest != INT64_MAX && smallest > partition->clock_us) {
        partition->clock_us = smallest;
    }
}
