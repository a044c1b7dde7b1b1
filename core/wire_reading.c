/* wire_reading.c: the reading's rows, and those of its delivery. Key 12 is not in use. */
#include "core/wire_schema.h"

static const struct bf__field delivery_fields[] = {
    {BF__ROW(bf_delivery, ingest), BF__ID},
    {BF__ROW(bf_delivery, incarnation), BF__NATURAL},
    {BF__ROW(bf_delivery, epoch), BF__NATURAL},
    {BF__ROW(bf_delivery, serial), BF__SERIAL},
    {BF__ROW(bf_delivery, packet_id), BF__BETWEEN(0, UINT16_MAX)},
    {BF__ROW(bf_delivery, dup)},
    {BF__ROW(bf_delivery, payload_hash)},
    {BF__ROW(bf_delivery, index), BF__U32_RANGE},
};
const struct bf__schema bf__delivery_schema = {
    .name = "delivery",
    .fields = delivery_fields,
    .count = BF__COUNT_OF(delivery_fields),
    .size = sizeof(struct bf_delivery),
    .array = true,
    .check = NULL,
};

/* raw: two members of the reading that travel as one array; offsets count from the reading. */
static const struct bf__field raw_fields[] = {
    {BF__ROW(bf_reading, raw_value)},
    {BF__ROW(bf_reading, raw_unit), BF__BETWEEN(0, BF_MAX_TEXT)},
};
static const struct bf__schema raw_schema = {
    .name = "raw",
    .fields = raw_fields,
    .count = BF__COUNT_OF(raw_fields),
    .size = sizeof(struct bf_reading),
    .array = true,
    .check = NULL,
};

#define QUALITIES                                                                                  \
    (1u << BF_QUALITY_GOOD | 1u << BF_QUALITY_NOT_EVALUATED | 1u << BF_QUALITY_SUSPECT |           \
     1u << BF_QUALITY_FAIL | 1u << BF_QUALITY_MISSING)

static const struct bf__field reading_fields[] = {
    {.key = 0, BF__ROW(bf_reading, source), BF__ID},
    {.key = 1, BF__ROW(bf_reading, quantity), BF__ID},
    {.key = 2, BF__ROW(bf_reading, event_us), BF__TIME},
    {.key = 3, BF__ROW(bf_reading, ingest_us), BF__TIME},
    {.key = 4, BF__ROW(bf_reading, time_source), BF__BETWEEN(BF_TIME_DEVICE, BF_TIME_INGEST)},
    {.key = 5, BF__ROW(bf_reading, value)},
    {.key = 6, BF__ROW(bf_reading, unit), BF__ID},
    {.key = 7, BF__ROW(bf_reading, quality), BF__BETWEEN(1, 9), .among = QUALITIES},
    {.key = 8, BF__ROW(bf_reading, reasons), BF__U32_RANGE, .presence = BF__UNLESS_ZERO},
    {.key = 9, BF__ROW(bf_reading, lat_e7), BF__BETWEEN(-900000000, 900000000),
     BF__IF(bf_reading, has_place), .with = 10},
    {.key = 10, BF__ROW(bf_reading, lon_e7), BF__BETWEEN(-1800000000, 1800000000),
     BF__IF(bf_reading, has_place), .with = 9},
    {.key = 11, BF__ROW(bf_reading, accuracy_m), BF__IF(bf_reading, has_accuracy)},
    {.key = 13, BF__ROW(bf_reading, zone), BF__ID, .presence = BF__UNLESS_ZERO},
    {.key = 14, BF__ROW(bf_reading, interval_start_us), BF__TIME,
     BF__IF(bf_reading, has_interval)},
    {.key = 15, BF__ROW(bf_reading, aggregation),
     BF__BETWEEN(BF_AGGREGATION_NONE, BF_AGGREGATION_COUNTER), .presence = BF__UNLESS_ZERO},
    {.key = 16, .name = "raw", .kind = BF__ARRAY, .items = &raw_schema, .offset = 0,
     BF__IF(bf_reading, has_raw)},
    {.key = 17, BF__ROW(bf_reading, profile), BF__ID, .presence = BF__UNLESS_ZERO},
    {.key = 18, BF__ROW(bf_reading, content_hash), BF__IF(bf_reading, has_content_hash)},
    {.key = 19, BF__ROW(bf_reading, privacy),
     BF__BETWEEN(BF_PRIVACY_PUBLIC, BF_PRIVACY_RESTRICTED), .presence = BF__UNLESS_ZERO},
    {.key = 20, BF__ROW(bf_reading, tags), .flag = offsetof(struct bf_reading, tag_count),
     .presence = BF__UNLESS_ZERO},
    {.key = 21, BF__PARTS(bf_reading, delivery, bf__delivery_schema)},
};
const struct bf__schema bf__reading_schema = {
    .name = "reading",
    .fields = reading_fields,
    .count = BF__COUNT_OF(reading_fields),
    .size = sizeof(struct bf_reading),
    .array = false,
    .check = NULL,
};

void bf_reading_pack(const struct bf_reading *record, struct bf_mp_writer *writer)
{
    bf__schema_pack(&bf__reading_schema, record, writer);
}

enum bf_status bf_reading_unpack(struct bf_slice bytes, struct bf_reading *record, struct bf_err *err)
{
    return bf__reading_quick(bytes, record) ? BF_OK
                                            : bf__schema_unpack(&bf__reading_schema, bytes, record, err);
}
