/* wire_schema.c: the one writer and the one reader of all records. They exist so that the
 * thirteen records differ in tables only, and hostile bytes meet one piece of code.
 * Declined: accepting keys in any order: with ascending keys a duplicate shows itself, and the
 * table is walked once beside the bytes. */
#include "core/wire_schema.h"

#include <assert.h>
#include <math.h>

static const void *member_of(const struct bf__field *field, const void *record)
{
    return (const char *)record + field->offset;
}

static const char *number_fault(const struct bf__field *field, int64_t number)
{
    if (number < field->min || number > field->max) {
        return "out of range";
    }
    if (field->among != 0 && (number >= 32 || (field->among >> number & 1) == 0)) {
        return "not one of the allowed numbers";
    }
    return NULL;
}

static const char *length_fault(size_t len, int64_t min, int64_t max)
{
    return len < (uint64_t)min ? "too short" : len > (uint64_t)max ? "too long" : NULL;
}

/* BF__I64, I32, U32, U16. */
static int64_t load_number(enum bf__kind kind, const void *member)
{
    if (kind == BF__I64) {
        return *(const int64_t *)member;
    }
    if (kind == BF__I32) {
        return *(const int32_t *)member;
    }
    return kind == BF__U32 ? *(const uint32_t *)member : *(const uint16_t *)member;
}

static void store_number(enum bf__kind kind, void *member, int64_t number)
{
    if (kind == BF__I64) {
        *(int64_t *)member = number;
    } else if (kind == BF__I32) {
        *(int32_t *)member = (int32_t)number;
    } else if (kind == BF__U32) {
        *(uint32_t *)member = (uint32_t)number;
    } else {
        *(uint16_t *)member = (uint16_t)number;
    }
}

/* Writing. A text beyond its length is a record that does not fit, as a small buffer is: texts come
 * from outside, and one that slipped through must not end the process. */

static void put_text(struct bf_slice text, int64_t min, int64_t max, struct bf_mp_writer *writer)
{
    assert(text.len >= (uint64_t)min);
    if (text.len > (uint64_t)max) {
        writer->full = true;
        return;
    }
    bf_mp_put_str(writer, text);
}

static void put_bytes(struct bf_slice bytes, int64_t max, struct bf_mp_writer *writer)
{
    if (bytes.len > (uint64_t)max) {
        writer->full = true;
        return;
    }
    bf_mp_put_bin(writer, bytes);
}

static void put_value(const struct bf_value *value, struct bf_mp_writer *writer)
{
    switch (value->kind) {
    case BF_VALUE_DOUBLE:
        assert(isfinite(value->as.number));
        bf_mp_put_double(writer, value->as.number);
        break;
    case BF_VALUE_INT:
        bf_mp_put_int(writer, value->as.integer);
        break;
    case BF_VALUE_BOOL:
        bf_mp_put_bool(writer, value->as.truth);
        break;
    case BF_VALUE_TEXT:
        put_text(value->as.text, 0, BF_MAX_TEXT, writer);
        break;
    default:
        assert(false); /* no such kind */
    }
}

static void put_tags(const struct bf_tag *tags, uint32_t count, struct bf_mp_writer *writer)
{
    assert(count <= BF_MAX_TAGS);
    bf_mp_put_map(writer, count);
    for (uint32_t i = 0; i < count; i++) {
        assert(i == 0 || bf_slice_compare(tags[i - 1].name, tags[i].name) < 0);
        put_text(tags[i].name, 1, BF_MAX_TEXT, writer);
        put_text(tags[i].value, 0, BF_MAX_TEXT, writer);
    }
}

static void put_field(const struct bf__field *field, const void *record,
                      struct bf_mp_writer *writer);

static void put_array(const struct bf__schema *schema, const void *record,
                      struct bf_mp_writer *writer)
{
    bf_mp_put_array(writer, (uint32_t)schema->count);
    for (size_t i = 0; i < schema->count; i++) {
        put_field(&schema->fields[i], record, writer);
    }
}

static void put_field(const struct bf__field *field, const void *record,
                      struct bf_mp_writer *writer)
{
    const void *member = member_of(field, record);
    switch (field->kind) {
    case BF__I64:
    case BF__I32:
    case BF__U32:
    case BF__U16: {
        int64_t number = load_number(field->kind, member);
        assert(!number_fault(field, number));
        bf_mp_put_int(writer, number);
        break;
    }
    case BF__U64:
        bf_mp_put_uint(writer, *(const uint64_t *)member);
        break;
    case BF__BOOL:
        bf_mp_put_bool(writer, *(const bool *)member);
        break;
    case BF__F64:
        assert(isfinite(*(const double *)member));
        bf_mp_put_double(writer, *(const double *)member);
        break;
    case BF__TEXT:
        put_text(*(const struct bf_slice *)member, field->min, field->max, writer);
        break;
    case BF__BYTES:
        put_bytes(*(const struct bf_slice *)member, field->max, writer);
        break;
    case BF__VALUE:
        put_value(member, writer);
        break;
    case BF__TAGS:
        put_tags(member, *(const uint32_t *)((const char *)record + field->flag), writer);
        break;
    case BF__ARRAY:
        put_array(field->items, member, writer);
        break;
    }
}

static bool is_zero(const struct bf__field *field, const void *record)
{
    const void *member = member_of(field, record);
    switch (field->kind) {
    case BF__TEXT:
    case BF__BYTES:
        return ((const struct bf_slice *)member)->len == 0;
    case BF__BOOL:
        return !*(const bool *)member;
    case BF__TAGS:
        return *(const uint32_t *)((const char *)record + field->flag) == 0;
    case BF__I64:
    case BF__I32:
    case BF__U32:
    case BF__U16:
        return load_number(field->kind, member) == 0;
    case BF__U64:
    case BF__F64:
    case BF__VALUE:
    case BF__ARRAY:
    default:
        return false;
    }
}

static bool is_present(const struct bf__field *field, const void *record)
{
    const void *flag = (const char *)record + field->flag;
    switch (field->presence) {
    case BF__FLAGGED:
        return *(const bool *)flag &&
               (field->kind != BF__F64 || isfinite(*(const double *)member_of(field, record)));
    case BF__COUNTED:
        return *(const uint64_t *)flag != 0;
    case BF__UNLESS_ZERO:
        return !is_zero(field, record);
    case BF__UNLESS_NONE:
        return *(const int64_t *)member_of(field, record) != BF_TIME_NONE;
    case BF__ALWAYS:
    default:
        return true;
    }
}

static void put_map(const struct bf__schema *schema, const void *record,
                    struct bf_mp_writer *writer)
{
    uint64_t present = 0;
    uint32_t count = 0;
    for (size_t i = 0; i < schema->count; i++) {
        if (is_present(&schema->fields[i], record)) {
            present |= UINT64_C(1) << i;
            count++;
        }
    }
    bf_mp_put_map(writer, count);
    for (size_t i = 0; i < schema->count; i++) {
        if (present >> i & 1) {
            bf_mp_put_uint(writer, schema->fields[i].key);
            put_field(&schema->fields[i], record, writer);
        }
    }
}

void bf__schema_pack(const struct bf__schema *schema, const void *record,
                     struct bf_mp_writer *writer)
{
    assert(!schema->check || !schema->check(record));
    if (schema->array) {
        put_array(schema, record, writer);
    } else {
        put_map(schema, record, writer);
    }
}

/* Reading. Each get_ returns what is wrong, or NULL. A fault of the bytes themselves stays in the
 * reader and is found there. */

static const char *get_value(struct bf_value *value, struct bf_mp_reader *reader)
{
    enum bf_mp_type type = bf_mp_peek(reader);
    if (type == BF_MP_DOUBLE) {
        value->kind = BF_VALUE_DOUBLE;
        value->as.number = bf_mp_get_double(reader);
        return isfinite(value->as.number) ? NULL : "not a finite number";
    }
    if (type == BF_MP_INT) {
        value->kind = BF_VALUE_INT;
        value->as.integer = bf_mp_get_int(reader);
        return NULL;
    }
    if (type == BF_MP_BOOL) {
        value->kind = BF_VALUE_BOOL;
        value->as.truth = bf_mp_get_bool(reader);
        return NULL;
    }
    value->kind = BF_VALUE_TEXT;
    value->as.text = bf_mp_get_str(reader);
    return length_fault(value->as.text.len, 0, BF_MAX_TEXT);
}

static const char *get_tags(struct bf_tag *tags, uint32_t *count, struct bf_mp_reader *reader)
{
    uint32_t announced = bf_mp_get_map(reader);
    if (announced > BF_MAX_TAGS) {
        return "too many";
    }
    for (uint32_t i = 0; i < announced; i++) {
        tags[i].name = bf_mp_get_str(reader);
        tags[i].value = bf_mp_get_str(reader);
        if (!bf_mp_ok(reader)) {
            return NULL;
        }
        if (i > 0 && bf_slice_compare(tags[i - 1].name, tags[i].name) >= 0) {
            return "names not ascending";
        }
        if (length_fault(tags[i].name.len, 1, BF_MAX_TEXT) ||
            length_fault(tags[i].value.len, 0, BF_MAX_TEXT)) {
            return "a name or a value is empty or too long";
        }
    }
    *count = announced;
    return NULL;
}

static const char *get_field(const struct bf__field *field, void *record,
                             struct bf_mp_reader *reader);

/* Elements behind those that are known are skipped, as unknown keys are. */
static const char *get_array(const struct bf__schema *schema, void *record,
                             struct bf_mp_reader *reader)
{
    uint32_t count = bf_mp_get_array(reader);
    if (bf_mp_ok(reader) && count < schema->count) {
        return "too few elements";
    }
    for (size_t i = 0; i < schema->count && bf_mp_ok(reader); i++) {
        if (get_field(&schema->fields[i], record, reader)) {
            return schema->fields[i].name;
        }
    }
    for (size_t i = schema->count; i < count && bf_mp_ok(reader); i++) {
        bf_mp_skip(reader);
    }
    return NULL;
}

static const char *get_number(const struct bf__field *field, void *member,
                              struct bf_mp_reader *reader)
{
    int64_t number = bf_mp_get_int(reader);
    const char *fault = number_fault(field, number);
    if (!fault) {
        store_number(field->kind, member, number);
    }
    return fault;
}

/* Apart from get_field, to keep that one's frame small: it runs for every field of every record. */
static __attribute__((noinline)) const char *get_compound(const struct bf__field *field,
                                                          void *record,
                                                          struct bf_mp_reader *reader)
{
    void *member = (char *)record + field->offset;
    if (field->kind == BF__VALUE) {
        return get_value(member, reader);
    }
    if (field->kind == BF__TAGS) {
        return get_tags(member, (uint32_t *)(void *)((char *)record + field->flag), reader);
    }
    return get_array(field->items, member, reader);
}

static const char *get_field(const struct bf__field *field, void *record,
                             struct bf_mp_reader *reader)
{
    void *member = (char *)record + field->offset;
    struct bf_slice *text = member;
    double *number = member;
    switch (field->kind) {
    case BF__I64:
    case BF__I32:
    case BF__U32:
    case BF__U16:
        return get_number(field, member, reader);
    case BF__U64:
        *(uint64_t *)member = bf_mp_get_uint(reader);
        return NULL;
    case BF__BOOL:
        *(bool *)member = bf_mp_get_bool(reader);
        return NULL;
    case BF__F64:
        *number = bf_mp_get_double(reader);
        return isfinite(*number) ? NULL : "not a finite number";
    case BF__TEXT:
        *text = bf_mp_get_str(reader);
        return length_fault(text->len, field->min, field->max);
    case BF__BYTES:
        *text = bf_mp_get_bin(reader);
        return length_fault(text->len, field->min, field->max);
    case BF__VALUE:
    case BF__TAGS:
    case BF__ARRAY:
    default:
        return get_compound(field, record, reader);
    }
}

/* What a record says by leaving a field out. */
static const char *get_absent(const struct bf__field *field, void *record)
{
    const void *flag = (const char *)record + field->flag;
    if (field->presence == BF__ALWAYS ||
        (field->presence == BF__COUNTED && *(const uint64_t *)flag != 0)) {
        return "missing";
    }
    if (field->presence == BF__UNLESS_NONE) {
        *(int64_t *)(void *)((char *)record + field->offset) = BF_TIME_NONE;
    }
    return NULL;
}

/* Walks rows and bytes side by side. *at is the row that a fault concerns, NULL for the map
 * itself. */
static const char *get_map(const struct bf__schema *schema, void *record,
                           struct bf_mp_reader *reader, const struct bf__field **at)
{
    const struct bf__field *row = schema->fields, *end = schema->fields + schema->count;
    uint32_t count = bf_mp_get_map(reader);
    uint64_t least = 0; /* the least key that may come */
    uint64_t seen = 0, wanted = 0; /* bits of the keys that came, and of those that they need */
    const char *fault = NULL;
    for (uint32_t i = 0; i < count && !fault && bf_mp_ok(reader); i++) {
        *at = NULL;
        uint64_t key = bf_mp_get_uint(reader);
        if (key < least || key == UINT64_MAX || !bf_mp_ok(reader)) {
            return bf_mp_ok(reader) ? "keys not ascending, or one twice" : NULL;
        }
        least = key + 1;
        for (; !fault && row < end && row->key < key; row++) {
            *at = row;
            fault = get_absent(row, record);
        }
        if (fault) {
            break;
        }
        if (row == end || row->key != key) {
            *at = NULL;
            bf_mp_skip(reader);
            continue;
        }
        *at = row;
        fault = get_field(row, record, reader);
        seen |= UINT64_C(1) << key;
        wanted |= UINT64_C(1) << row->with;
        if (row->presence == BF__FLAGGED) {
            *(bool *)((char *)record + row->flag) = true;
        }
        row++;
    }
    for (; !fault && bf_mp_ok(reader) && row < end; row++) {
        *at = row;
        fault = get_absent(row, record);
    }
    if (!fault && (wanted & ~seen & ~UINT64_C(1)) != 0) {
        *at = NULL;
        fault = "only half of a pair";
    }
    return fault;
}

enum bf_status bf__schema_unpack(const struct bf__schema *schema, struct bf_slice bytes,
                                 void *record, struct bf_err *err)
{
    struct bf_mp_reader reader;
    bf_mp_reader_init(&reader, bytes);
    memset(record, 0, schema->size);
    const struct bf__field *at = NULL;
    const char *fault = schema->array ? get_array(schema, record, &reader)
                                      : get_map(schema, record, &reader, &at);
    if (reader.fault) {
        fault = reader.fault; /* the cause: what failed after it read zeros */
    } else if (!fault) {
        at = NULL;
        fault = reader.at != reader.end ? "bytes behind the end"
                : schema->check         ? schema->check(record)
                                        : NULL;
    }
    if (!fault) {
        return BF_OK;
    }
    return bf_err_set(err, BF_MALFORMED, "%s%s%s: %s", schema->name, at ? ": " : "",
                      at ? at->name : "", fault);
}
