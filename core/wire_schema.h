/* wire_schema.h: how a record's members lie on the wire, as tables. One row per integer key; one
 * writer and one reader walk them (wire_schema.c), so that a range that is checked on reading is
 * the one that is asserted on writing.
 * Declined: a function pair per record written by hand: faster by a little, and 26 places for a
 * slip.
 *
 * Owner: static tables.   Thread: any.   Private to core/wire_*.c. */
#ifndef BF_CORE_WIRE_SCHEMA_H
#define BF_CORE_WIRE_SCHEMA_H

#include <stddef.h>

#include "core/wire.h"

enum bf__kind {
    BF__I64, BF__U64, BF__I32, BF__U32, BF__U16, BF__BOOL, BF__F64, BF__TEXT, BF__BYTES,
    BF__VALUE, BF__TAGS, BF__ARRAY
};

enum bf__presence {
    BF__ALWAYS,      /* mandatory */
    BF__FLAGGED,     /* there where the bool at `flag` is true; an F64 also only where finite */
    BF__COUNTED,     /* there where the uint64 at `flag` is not 0, and then mandatory */
    BF__UNLESS_ZERO, /* absent: 0, false or empty */
    BF__UNLESS_NONE  /* absent: BF_TIME_NONE */
};

struct bf__schema;

struct bf__field {
    const char *name;
    enum bf__kind kind;
    enum bf__presence presence;
    uint8_t key;  /* in maps; below 64 */
    uint8_t with; /* the key without which this one may not be; 0: none */
    size_t offset, flag;
    int64_t min, max; /* of a number (not U64), or of a text's length */
    uint32_t among;   /* not 0: bits of the numbers that are allowed */
    const struct bf__schema *items; /* ARRAY: its elements, offsets from `offset` */
};

struct bf__schema {
    const char *name; /* "reading", for messages */
    const struct bf__field *fields; /* maps: ascending by key. Arrays: in order, all BF__ALWAYS */
    size_t count;
    size_t size;      /* of the record */
    bool array;       /* the record is an array, not a map */
    const char *(*check)(const void *record); /* what concerns several members; NULL: nothing */
};

#define BF__MEMBER(record, member) (((struct record *)0)->member)
/* An enum is an unsigned int or an int, as the compiler likes; both are here. */
#define BF__KIND_OF(record, member)                                                                \
    _Generic(BF__MEMBER(record, member), int64_t: BF__I64, uint64_t: BF__U64, int32_t: BF__I32,    \
             uint32_t: BF__U32, uint16_t: BF__U16, bool: BF__BOOL, double: BF__F64,                \
             struct bf_slice: BF__TEXT, struct bf_value: BF__VALUE, struct bf_tag *: BF__TAGS)
#define BF__NAMED(record, member) .name = #member, .offset = offsetof(struct record, member)
/* The member of that name, of a kind that its C type tells. */
#define BF__ROW(record, member)                                                                    \
    BF__NAMED(record, member), .kind = BF__KIND_OF(record, member)
#define BF__BLOB(record, member) BF__NAMED(record, member), .kind = BF__BYTES, .max = BF_RECORD_MAX
#define BF__PARTS(record, member, schema)                                                          \
    BF__NAMED(record, member), .kind = BF__ARRAY, .items = &(schema)
#define BF__IF(record, member) .presence = BF__FLAGGED, .flag = offsetof(struct record, member)

/* Ranges. Differences of any two NATURALs or TIMEs, and sums of a few, stay within int64. */
#define BF__BETWEEN(least, most) .min = (least), .max = (most)
#define BF__TIME BF__BETWEEN(0, BF_TIME_MAX - 1)
/* Window edges and what is made of clocks by adding a span: they may leave the readings' range. */
#define BF__EDGE BF__BETWEEN(-BF_TIME_MAX, 2 * BF_TIME_MAX)
#define BF__NATURAL BF__BETWEEN(0, INT64_C(1) << 62)
#define BF__SERIAL BF__BETWEEN(-(INT64_C(1) << 62), INT64_C(1) << 62)
#define BF__U32_RANGE BF__BETWEEN(0, UINT32_MAX)
#define BF__ID BF__BETWEEN(1, BF_MAX_TEXT)

#define BF__COUNT_OF(rows) (sizeof(rows) / sizeof((rows)[0]))

extern const struct bf__schema bf__delivery_schema; /* used by readings and rejects */

extern const struct bf__schema bf__reading_schema;
/* True: the bytes are as bf_reading_pack writes them, and *reading is what the schema would make of them;
 * tags behind tag_count are left as they are. False says nothing: ask the schema. */
bool bf__reading_quick(struct bf_slice bytes, struct bf_reading *reading);

void bf__schema_pack(const struct bf__schema *schema, const void *record,
                     struct bf_mp_writer *writer);
enum bf_status bf__schema_unpack(const struct bf__schema *schema, struct bf_slice bytes,
                                 void *record, struct bf_err *err) BF_MUST_CHECK;

/* Defines bf_<type>_pack and bf_<type>_unpack over the rows <type>_fields. */
#define BF__RECORD(type, is_array, check_function)                                                 \
    static const struct bf__schema type##_schema = {.name = #type,                                 \
                                                    .fields = type##_fields,                       \
                                                    .count = BF__COUNT_OF(type##_fields),          \
                                                    .size = sizeof(struct bf_##type),              \
                                                    .array = (is_array),                           \
                                                    .check = (check_function)};                    \
    void bf_##type##_pack(const struct bf_##type *record, struct bf_mp_writer *writer)             \
    {                                                                                              \
        bf__schema_pack(&type##_schema, record, writer);                                           \
    }                                                                                              \
    enum bf_status bf_##type##_unpack(struct bf_slice bytes, struct bf_##type *record,             \
                                      struct bf_err *err)                                          \
    {                                                                                              \
        return bf__schema_unpack(&type##_schema, bytes, record, err);                              \
    }

#endif
