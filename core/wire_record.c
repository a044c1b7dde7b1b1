/* wire_record.c: the rows of every record but the reading. docs/RECORDS.md says what they mean. */
#include "core/wire_schema.h"

/* MQTT topics and what is quoted from messages may be longer than our own names. */
#define ANY_TOPIC BF__BETWEEN(0, 65535)
#define MAYBE_EMPTY BF__BETWEEN(0, BF_MAX_TEXT)
#define HASH BF__BETWEEN(64, 64)
#define PARTITION BF__BETWEEN(0, 99999)
#define PARTITIONS BF__BETWEEN(1, 100000)
#define CLOCK BF__EDGE, .presence = BF__UNLESS_NONE
#define SCOPE BF__BETWEEN(1, 512)

static const struct bf__field tick_fields[] = {
    {.key = 0, BF__ROW(bf_tick, ingest), BF__ID},
    {.key = 1, BF__ROW(bf_tick, incarnation), BF__NATURAL},
    {.key = 2, BF__ROW(bf_tick, epoch), BF__NATURAL, BF__IF(bf_tick, has_epoch)},
    {.key = 3, BF__ROW(bf_tick, serial), BF__SERIAL},
    {.key = 4, BF__ROW(bf_tick, wall_us), BF__TIME},
    {.key = 5, BF__ROW(bf_tick, clock_us), BF__TIME, BF__IF(bf_tick, has_clock)},
    {.key = 6, BF__ROW(bf_tick, flows)},
    {.key = 7, BF__ROW(bf_tick, generation), BF__NATURAL},
    {.key = 8, BF__ROW(bf_tick, hello)},
};
BF__RECORD(tick, false, NULL)

static const struct bf__field claim_fields[] = {
    {.key = 0, BF__ROW(bf_claim, ingest), BF__ID},
    {.key = 1, BF__ROW(bf_claim, nonce)},
};
BF__RECORD(claim, false, NULL)

static const struct bf__field control_fields[] = {
    {.key = 0, BF__ROW(bf_control, generation), BF__NATURAL},
    {.key = 1, BF__ROW(bf_control, hash), HASH},
    {.key = 2, BF__ROW(bf_control, from_us), CLOCK},
};
BF__RECORD(control, false, NULL)

static const struct bf__field generation_fields[] = {
    {.key = 0, BF__ROW(bf_generation, generation), BF__NATURAL},
    {.key = 1, BF__ROW(bf_generation, hash), HASH},
    {.key = 2, BF__ROW(bf_generation, from_us), CLOCK},
    {.key = 3, BF__ROW(bf_generation, complete)},
};
BF__RECORD(generation, false, NULL)

static const struct bf__field install_fields[] = {
    {.key = 0, BF__ROW(bf_install, id), BF__BETWEEN(16, 16)},
    {.key = 1, BF__ROW(bf_install, readings), PARTITIONS},
    {.key = 2, BF__ROW(bf_install, rejects), PARTITIONS},
    {.key = 3, BF__ROW(bf_install, partials), PARTITIONS},
    {.key = 4, BF__ROW(bf_install, kpis), PARTITIONS},
    {.key = 5, BF__ROW(bf_install, checkpoints), PARTITIONS},
};
BF__RECORD(install, false, NULL)

static const struct bf__field reject_fields[] = {
    {.key = 0, BF__ROW(bf_reject, stage), BF__BETWEEN(BF_STAGE_DECODE, BF_STAGE_PROFILE)},
    {.key = 1, BF__ROW(bf_reject, reason), BF__ID},
    {.key = 2, BF__ROW(bf_reject, detail), BF__BETWEEN(0, 2048), .presence = BF__UNLESS_ZERO},
    {.key = 3, BF__ROW(bf_reject, topic), ANY_TOPIC, .presence = BF__UNLESS_ZERO},
    {.key = 4, BF__ROW(bf_reject, source), ANY_TOPIC, .presence = BF__UNLESS_ZERO},
    {.key = 5, BF__ROW(bf_reject, profile), MAYBE_EMPTY, .presence = BF__UNLESS_ZERO},
    {.key = 6, BF__BLOB(bf_reject, payload), .presence = BF__UNLESS_ZERO},
    {.key = 7, BF__ROW(bf_reject, payload_len)},
    {.key = 8, BF__ROW(bf_reject, payload_hash)},
    {.key = 9, BF__ROW(bf_reject, whole)},
    {.key = 10, BF__ROW(bf_reject, by_profile)},
    {.key = 11, BF__ROW(bf_reject, at_us), CLOCK},
    {.key = 12, BF__ROW(bf_reject, event_us), CLOCK},
    {.key = 13, BF__PARTS(bf_reject, delivery, bf__delivery_schema),
     BF__IF(bf_reject, has_delivery)},
};
BF__RECORD(reject, false, NULL)

static const struct bf__field replayed_fields[] = {
    {.key = 0, BF__ROW(bf_replayed, identity)},
    {.key = 1, BF__ROW(bf_replayed, at_us), CLOCK},
    {.key = 2, BF__ROW(bf_replayed, done)},
};
BF__RECORD(replayed, false, NULL)

static const struct bf__field counters_fields[] = {
    {BF__ROW(bf_task_counters, readings)},  {BF__ROW(bf_task_counters, accepted)},
    {BF__ROW(bf_task_counters, duplicate)}, {BF__ROW(bf_task_counters, older)},
    {BF__ROW(bf_task_counters, content)},   {BF__ROW(bf_task_counters, malformed)},
    {BF__ROW(bf_task_counters, late)},      {BF__ROW(bf_task_counters, limit)},
};
static const struct bf__schema counters_schema = {
    .name = "counters",
    .fields = counters_fields,
    .count = BF__COUNT_OF(counters_fields),
    .size = sizeof(struct bf_task_counters),
    .array = true,
    .check = NULL,
};

static const struct bf__field task_tick_fields[] = {
    {.key = 0, BF__ROW(bf_task_tick, source), PARTITION},
    {.key = 1, BF__ROW(bf_task_tick, clock_us), CLOCK},
    {.key = 2, BF__ROW(bf_task_tick, generation), BF__NATURAL},
    {.key = 3, BF__PARTS(bf_task_tick, counters, counters_schema)},
};
BF__RECORD(task_tick, false, NULL)

static const struct bf__field excluded_fields[] = {
    {BF__ROW(bf_excluded, suspect)},
    {BF__ROW(bf_excluded, fail)},
    {BF__ROW(bf_excluded, missing)},
    {BF__ROW(bf_excluded, text)},
};
static const struct bf__schema excluded_schema = {
    .name = "excluded",
    .fields = excluded_fields,
    .count = BF__COUNT_OF(excluded_fields),
    .size = sizeof(struct bf_excluded),
    .array = true,
    .check = NULL,
};

#define IF_COUNTED .presence = BF__COUNTED, .flag = offsetof(struct bf_partial, n)

static const struct bf__field partial_fields[] = {
    {.key = 0, BF__ROW(bf_partial, kpi), BF__ID},
    {.key = 1, BF__ROW(bf_partial, scope), SCOPE},
    {.key = 2, BF__ROW(bf_partial, start_us), BF__EDGE},
    {.key = 3, BF__ROW(bf_partial, end_us), BF__EDGE},
    {.key = 4, BF__ROW(bf_partial, source), PARTITION},
    {.key = 5, BF__ROW(bf_partial, stamp_us), CLOCK},
    {.key = 6, BF__ROW(bf_partial, definition)},
    {.key = 7, BF__ROW(bf_partial, generation), BF__NATURAL},
    {.key = 8, BF__ROW(bf_partial, n)},
    {.key = 9, BF__PARTS(bf_partial, excluded, excluded_schema)},
    {.key = 10, BF__ROW(bf_partial, min), IF_COUNTED},
    {.key = 11, BF__ROW(bf_partial, max), IF_COUNTED},
    {.key = 12, BF__BLOB(bf_partial, state)},
};
static const char *check_partial(const void *record)
{
    const struct bf_partial *partial = record;
    return partial->start_us < partial->end_us ? NULL : "the window is empty";
}
BF__RECORD(partial, false, check_partial)

#define KPI_QUALITIES                                                                              \
    (1u << BF_QUALITY_GOOD | 1u << BF_QUALITY_NOT_EVALUATED | 1u << BF_QUALITY_SUSPECT |           \
     1u << BF_QUALITY_FAIL | 1u << BF_QUALITY_MISSING)

static const struct bf__field kpi_fields[] = {
    {.key = 0, BF__ROW(bf_kpi, kpi), BF__ID},
    {.key = 1, BF__ROW(bf_kpi, scope), SCOPE},
    {.key = 2, BF__ROW(bf_kpi, unit), MAYBE_EMPTY},
    {.key = 3, BF__ROW(bf_kpi, start_us), BF__EDGE},
    {.key = 4, BF__ROW(bf_kpi, end_us), BF__EDGE},
    {.key = 5, BF__ROW(bf_kpi, value), BF__IF(bf_kpi, has_value)},
    {.key = 6, BF__ROW(bf_kpi, n)},
    {.key = 7, BF__PARTS(bf_kpi, excluded, excluded_schema)},
    {.key = 8, BF__ROW(bf_kpi, min), BF__IF(bf_kpi, has_range), .with = 9},
    {.key = 9, BF__ROW(bf_kpi, max), BF__IF(bf_kpi, has_range), .with = 8},
    {.key = 10, BF__ROW(bf_kpi, phase), BF__BETWEEN(BF_KPI_PROVISIONAL, BF_KPI_FINAL)},
    {.key = 11, BF__ROW(bf_kpi, revision), BF__U32_RANGE},
    {.key = 12, BF__ROW(bf_kpi, incomplete)},
    {.key = 13, BF__ROW(bf_kpi, quality), BF__BETWEEN(1, 9), .among = KPI_QUALITIES},
    {.key = 14, BF__ROW(bf_kpi, generation), BF__NATURAL},
    {.key = 15, BF__ROW(bf_kpi, clock_us), CLOCK},
    {.key = 16, BF__ROW(bf_kpi, stale_after_us), CLOCK},
    {.key = 17, BF__ROW(bf_kpi, target), BF__IF(bf_kpi, has_target)},
    {.key = 18, BF__ROW(bf_kpi, band), MAYBE_EMPTY, .presence = BF__UNLESS_ZERO},
    {.key = 19, BF__ROW(bf_kpi, detail), BF__BETWEEN(0, BF_KPI_DETAIL_MAX), .presence = BF__UNLESS_ZERO},
};
static const char *check_kpi(const void *record)
{
    const struct bf_kpi *kpi = record;
    return kpi->start_us < kpi->end_us ? NULL : "the window is empty";
}
BF__RECORD(kpi, false, check_kpi)

static const struct bf__field device_fields[] = {
    {.key = 0, BF__ROW(bf_device, device), BF__ID},
    {.key = 1, BF__ROW(bf_device, profile), MAYBE_EMPTY, .presence = BF__UNLESS_ZERO},
    {.key = 2, BF__ROW(bf_device, zone), MAYBE_EMPTY, .presence = BF__UNLESS_ZERO},
    {.key = 3, BF__ROW(bf_device, last_event_us), CLOCK},
    {.key = 4, BF__ROW(bf_device, last_ingest_us), CLOCK},
    {.key = 5, BF__ROW(bf_device, readings)},
    {.key = 6, BF__ROW(bf_device, suspect)},
    {.key = 7, BF__ROW(bf_device, failed)},
    {.key = 8, BF__ROW(bf_device, lat_e7), BF__BETWEEN(-900000000, 900000000),
     BF__IF(bf_device, has_place), .with = 9},
    {.key = 9, BF__ROW(bf_device, lon_e7), BF__BETWEEN(-1800000000, 1800000000),
     BF__IF(bf_device, has_place), .with = 8},
    {.key = 10, BF__ROW(bf_device, clock_us), CLOCK},
};
BF__RECORD(device, false, NULL)

static const struct bf__field chunk_fields[] = {
    {.key = 0, BF__ROW(bf_chunk, task), BF__ID},
    {.key = 1, BF__ROW(bf_chunk, owner)},
    {.key = 2, BF__ROW(bf_chunk, number)},
    {.key = 3, BF__ROW(bf_chunk, chunk), BF__U32_RANGE},
    {.key = 4, BF__ROW(bf_chunk, chunks), BF__U32_RANGE},
    {.key = 5, BF__BLOB(bf_chunk, bytes)},
};
static const char *check_chunk(const void *record)
{
    const struct bf_chunk *chunk = record;
    return chunk->chunk < chunk->chunks ? NULL : "the chunk is not one of its chunks";
}
BF__RECORD(chunk, false, check_chunk)

static const struct bf__field origin_fields[] = {
    {BF__ROW(bf_origin, task), BF__ID},
    {BF__ROW(bf_origin, offset), BF__NATURAL},
    {BF__ROW(bf_origin, index), BF__U32_RANGE},
};
BF__RECORD(origin, true, NULL)
