/* redis_record.c: one record as words of the step `apply`. What it changes is decided here, from what Redis
 * is known to hold; the script only writes. */
#include "core/hash.h"
#include "core/time.h"
#include "sinks/redis_sink.h"

#define DEVICE_FIELDS 11
#define PLACEHOLDERS 1 /* so that the words of a KPI, which stand behind them, only move to the front */

/* False where the batch has no room for another writing task. */
static bool note_task(struct bf__redis_sink *sink, struct bf_slice task, struct bf__known *origin)
{
    for (size_t i = sink->task_count; i > 0; i--) {
        if (sink->tasks[i - 1].origin == origin) {
            return true;
        }
    }
    if (sink->task_count == BF_REDIS_TASKS) {
        return false;
    }
    sink->tasks[sink->task_count++] = (struct bf__redis_task){.name = task, .origin = origin};
    return true;
}

/* Puts those of the `count` words from `from` on that `fields` (bits) has at `to`, without gaps. Returns the
 * place behind them. */
static size_t compact(struct bf_slice *at, size_t to, size_t from, size_t count, uint32_t fields)
{
    for (size_t i = 0; i < count; i++) {
        if (fields & (1u << i)) {
            at[to++] = at[from + i];
        }
    }
    return to;
}

/* Bits of those words that are not empty. */
static uint32_t present(const struct bf_slice *words, size_t count)
{
    uint32_t fields = 0;
    for (size_t i = 0; i < count; i++) {
        fields |= words[i].len ? 1u << i : 0;
    }
    return fields;
}

/* What the hash will hold after these values, and in `same` what it holds already. */
static struct bf__known_kpi after(const struct bf__known_kpi *known, const struct bf_kpi *kpi,
                                  const struct bf_slice *values, uint32_t *same)
{
    struct bf__known_kpi next = {
        .seq = known->seq,
        .start_ms = kpi->start_us / BF_US_PER_MS,
        .revision = kpi->revision,
        .final = kpi->phase == BF_KPI_FINAL,
        .fields = present(values, BF_KPI_FIELDS),
    };
    *same = 0;
    for (size_t i = 0; i < BF_KPI_FIELDS; i++) {
        next.values[i] = values[i].len ? bf_hash64(values[i]) : 0;
        *same |= next.values[i] == known->values[i] ? 1u << i : 0;
    }
    *same &= known->fields & next.fields;
    return next;
}

/* The window is the newest ("k", closed: "f"), or an older one that closes ("r"). Only what
 * has changed enters the hash; of a closed one all is sent nevertheless, for the history wants it. */
static void add_kpi(struct bf__redis_sink *sink, const struct bf_sink_record *record,
                    const struct bf__kpi_names *names, struct bf__known_kpi *known)
{
    struct bf__words *words = &sink->words;
    const struct bf_kpi *kpi = &record->as.kpi;
    bool closed = kpi->phase == BF_KPI_FINAL, newest = bf__known_is_newest(known, kpi);
    struct bf_slice *at = words->at + words->count;
    for (int i = 0; i < PLACEHOLDERS; i++) {
        bf__words_put(words, (struct bf_slice){0});
    }
    bf__words_put_kpi(words, kpi, names, record->offset);
    struct bf_slice seq = bf__words_end_message(words, known->seq + 1);
    if (words->full) {
        return;
    }
    uint32_t same;
    const size_t values = PLACEHOLDERS + 3;
    struct bf__known_kpi next = after(known, kpi, at + values, &same);
    struct bf__shape shape = {
        .kind = !newest ? 'r' : closed ? 'f' : 'k',
        .fields = closed ? next.fields : next.fields & ~same,
        .changed = next.fields & ~same,
        .gone = newest ? known->fields & ~next.fields : 0,
        .created = next.fields & ~known->fields,
        .boards = names->boards,
    };
    struct bf_slice offset = at[PLACEHOLDERS], message = at[values + BF_KPI_FIELDS];
    at[0] = bf__words_shape(words, &shape);
    at[1] = at[PLACEHOLDERS + 1];
    at[2] = seq;
    at[3] = offset;
    size_t used = compact(at, closed ? 4 : 3, values, BF_KPI_FIELDS, shape.fields);
    at[used++] = message;
    words->count = (size_t)(at - words->at) + used;
    if (!words->full) {
        *known = newest ? next : *known;
        known->seq++;
    }
}

static void add_device(struct bf__words *words, const struct bf_device *device)
{
    struct bf_slice *at = words->at + words->count;
    bf__words_put(words, (struct bf_slice){0});
    bf__words_put_device(words, device);
    if (words->full) {
        return;
    }
    struct bf__shape shape = {.kind = 'd', .fields = present(at + 2, DEVICE_FIELDS)};
    shape.changed = shape.fields;
    shape.gone = ~shape.fields & ((1u << DEVICE_FIELDS) - 1);
    words->count = (size_t)(at - words->at) + compact(at, 2, 2, DEVICE_FIELDS, shape.fields);
    at[0] = bf__words_shape(words, &shape);
}

/* Whether a provisional value came after something newer: nobody needs it. */
static bool is_overtaken(const struct bf_sink_record *record, const struct bf__known *known)
{
    return record->type == BF_RECORD_KPI && record->as.kpi.phase != BF_KPI_FINAL
           && !bf__known_is_newest(&known->as.kpi, &record->as.kpi);
}

/* False: longer than any that unpacks; it is left out. */
static bool add_words(struct bf__redis_sink *sink, const struct bf_sink_record *record,
                      const struct bf__kpi_names *names, struct bf__known *known)
{
    struct bf__words *words = &sink->words;
    size_t count = words->count, used = words->used;
    if (names) {
        add_kpi(sink, record, names, &known->as.kpi);
    } else {
        add_device(words, &record->as.device);
    }
    if (!words->full) {
        return true;
    }
    words->full = false;
    words->count = count;
    words->used = used;
    return false;
}

/* Records of one task come with rising origins; one that does not was written again by a successor. */
static void add(struct bf__redis_sink *sink, const struct bf_sink_record *record,
                const struct bf__kpi_names *names, struct bf__known *known, struct bf__known *origin)
{
    int64_t clock_us = names ? record->as.kpi.clock_us : record->as.device.clock_us;
    int64_t newer = record->origin.offset - origin->as.origin.offset;
    newer = newer ? newer : (int64_t)record->origin.index - origin->as.origin.index;
    if (newer <= 0) {
        sink->skipped.repeated++;
    } else {
        if (is_overtaken(record, known)) {
            sink->skipped.overtaken++;
        } else if (!add_words(sink, record, names, known)) {
            bf_count(sink->bytes_refused, 1);
            return;
        }
        origin->as.origin.offset = record->origin.offset;
        origin->as.origin.index = record->origin.index;
    }
    sink->clock_us = clock_us > sink->clock_us ? clock_us : sink->clock_us;
}

enum bf__added bf__redis_add(struct bf__redis_sink *sink, int32_t partition,
                             const struct bf_sink_record *record)
{
    const struct bf__words *words = &sink->words;
    const struct bf__kpi_names *names = NULL;
    struct bf__known *known = NULL;
    if (record->type == BF_RECORD_KPI) {
        names = bf__redis_kpi(sink, record->as.kpi.kpi);
        if (!names) {
            bf_count(sink->removed, 1);
            return BF_ADDED;
        }
        known = bf__known_kpi(sink->known, &record->as.kpi);
    }
    struct bf__known *origin = bf__known_origin(sink->known, partition, record->origin.task);
    if (!origin || (names && !known)) {
        return BF_ADDED_UNKNOWN;
    }
    if (words->size - words->used < BF_REDIS_RECORD_TEXT
        || words->capacity - words->count < BF_REDIS_RECORD_WORDS
        || !note_task(sink, record->origin.task, origin)) {
        return BF_ADDED_FULL;
    }
    add(sink, record, names, known, origin);
    return BF_ADDED;
}
