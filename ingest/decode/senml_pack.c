/* senml_pack.c: one table of labels for both forms; each form only says how a record's fields are
 * read, and resolving them is written once.
 * Declined: EXI and XML, which RFC 8428 also has and nobody sends over MQTT. */
#include "ingest/decode/senml_pack.h"

#include <math.h>

#include "ingest/decode/cbor_pull.h"
#include "ingest/decode/json_pull.h"
#include "ingest/decode/text.h"

#define RELATIVE_BELOW (INT64_C(268435456) * BF_US_PER_S) /* 2^28 s */

enum label { BVER, BN, BT, BU, BV, BS, N, U, V, VS, VB, VD, S, T, UT, LABELS };

static const struct {
    struct bf_slice text; /* JSON */
    int64_t key;          /* CBOR */
} labels[LABELS] = {
    [BVER] = {.text = BF_SLICE_INIT("bver"), .key = -1}, [BN] = {.text = BF_SLICE_INIT("bn"), .key = -2},
    [BT] = {.text = BF_SLICE_INIT("bt"), .key = -3},     [BU] = {.text = BF_SLICE_INIT("bu"), .key = -4},
    [BV] = {.text = BF_SLICE_INIT("bv"), .key = -5},     [BS] = {.text = BF_SLICE_INIT("bs"), .key = -6},
    [N] = {.text = BF_SLICE_INIT("n"), .key = 0},        [U] = {.text = BF_SLICE_INIT("u"), .key = 1},
    [V] = {.text = BF_SLICE_INIT("v"), .key = 2},        [VS] = {.text = BF_SLICE_INIT("vs"), .key = 3},
    [VB] = {.text = BF_SLICE_INIT("vb"), .key = 4},      [VD] = {.text = BF_SLICE_INIT("vd"), .key = 8},
    [S] = {.text = BF_SLICE_INIT("s"), .key = 5},        [T] = {.text = BF_SLICE_INIT("t"), .key = 6},
    [UT] = {.text = BF_SLICE_INIT("ut"), .key = 7},
};

struct state {
    struct bf_senml_pack *pack;
    struct bf_senml_record **tail;
    struct bf_arena *arena;
    int64_t now_us;
    struct bf_slice base_name, base_unit;
    bool has_base_time;
    int64_t base_time_us;
    bool has_base_value, has_base_sum;
    double base_value, base_sum;
};

static bool refuse(struct state *state, enum bf_reject_reason reason, const char *expected)
{
    state->pack->reason = reason;
    state->pack->expected = expected;
    return false;
}

/* Where the field of that label goes; NULL: not for us. False: a field that must be understood. */
static bool find_label(struct bf_slice name, struct bf_field *fields, struct bf_field **field)
{
    *field = NULL;
    for (size_t i = 0; i < LABELS; i++) {
        if (name.len == labels[i].text.len && name.len > 0 && name.data[0] == labels[i].text.data[0] &&
            bf_slice_equal(name, labels[i].text)) { /* most labels are that first letter */
            *field = &fields[i];
            return true;
        }
    }
    return name.len == 0 || name.data[name.len - 1] != '_';
}

static struct bf_field *find_key(int64_t key, struct bf_field *fields)
{
    for (size_t i = 0; i < LABELS; i++) {
        if (labels[i].key == key) {
            return &fields[i];
        }
    }
    return NULL;
}

static bool base_text(struct state *state, const struct bf_field *field, struct bf_slice *text)
{
    if (field->kind == BF_FIELD_TEXT) {
        *text = field->as.text;
    }
    return bf_field_absent(field) || field->kind == BF_FIELD_TEXT ||
           refuse(state, BF_REJECT_malformed, "a text as base name and base unit");
}

static bool is_number(const struct bf_field *field)
{
    return field->kind == BF_FIELD_DECIMAL || field->kind == BF_FIELD_DOUBLE || field->kind == BF_FIELD_INT;
}

static bool base_number(struct state *state, const struct bf_field *field, bool *has, double *number)
{
    if (bf_field_absent(field)) {
        return true;
    }
    *has = true;
    return (is_number(field) && bf_field_double(field, number) == BF_FIELD_OK) ||
           refuse(state, BF_REJECT_malformed, "a number as base value and base sum");
}

/* The base fields, which hold from this record on. */
static bool take_bases(struct state *state, const struct bf_field *fields)
{
    int64_t version;
    if (!bf_field_absent(&fields[BVER]) &&
        (!is_number(&fields[BVER]) || !bf_field_int64(&fields[BVER], &version) || version < 1 ||
         version > BF_SENML_VERSION)) {
        return refuse(state, BF_REJECT_malformed, "a version that is known");
    }
    if (!bf_field_absent(&fields[BT])) {
        state->has_base_time = true;
        if (!is_number(&fields[BT]) || bf_field_scaled(&fields[BT], 6, &state->base_time_us) != BF_FIELD_OK) {
            return refuse(state, BF_REJECT_bad_time, "a number as base time");
        }
    }
    return base_text(state, &fields[BN], &state->base_name) &&
           base_text(state, &fields[BU], &state->base_unit) &&
           base_number(state, &fields[BV], &state->has_base_value, &state->base_value) &&
           base_number(state, &fields[BS], &state->has_base_sum, &state->base_sum);
}

static enum bf_reject_reason resolve_time(const struct state *state, const struct bf_field *field,
                                          int64_t *time_us)
{
    int64_t own = 0;
    *time_us = BF_TIME_NONE;
    if (bf_field_absent(field) && !state->has_base_time) {
        return BF_REJECT_none;
    }
    if (!bf_field_absent(field) && (!is_number(field) || bf_field_scaled(field, 6, &own) != BF_FIELD_OK)) {
        return BF_REJECT_bad_time;
    }
    if (state->has_base_time && __builtin_add_overflow(own, state->base_time_us, &own)) {
        return BF_REJECT_bad_time;
    }
    if (own < RELATIVE_BELOW && __builtin_add_overflow(own, state->now_us, &own)) {
        return BF_REJECT_bad_time;
    }
    *time_us = own;
    return own < 0 ? BF_REJECT_bad_time : BF_REJECT_none;
}

/* A number with its base; without a base it stays as it was written. */
static enum bf_reject_reason add_base(const struct bf_field *field, bool has_base, double base,
                                      struct bf_field *out)
{
    double number;
    *out = *field;
    if (bf_field_absent(field)) {
        out->kind = BF_FIELD_MISSING;
        return BF_REJECT_none;
    }
    if (!is_number(field)) {
        return BF_REJECT_bad_type;
    }
    if (!has_base) {
        return BF_REJECT_none;
    }
    if (bf_field_double(field, &number) != BF_FIELD_OK || !isfinite(number + base)) {
        return BF_REJECT_bad_number;
    }
    *out = (struct bf_field){.kind = BF_FIELD_DOUBLE, .as.number = number + base};
    return BF_REJECT_none;
}

static enum bf_reject_reason resolve_value(const struct state *state, const struct bf_field *fields,
                                           struct bf_field *value)
{
    int given = 0;
    for (size_t i = V; i <= VD; i++) {
        given += !bf_field_absent(&fields[i]);
    }
    value->kind = BF_FIELD_MISSING;
    if (given > 1) {
        return BF_REJECT_bad_type;
    }
    if (!bf_field_absent(&fields[VS])) {
        *value = fields[VS];
        return value->kind == BF_FIELD_TEXT ? BF_REJECT_none : BF_REJECT_bad_type;
    }
    if (!bf_field_absent(&fields[VB])) {
        *value = fields[VB];
        return value->kind == BF_FIELD_BOOL ? BF_REJECT_none : BF_REJECT_bad_type;
    }
    if (!bf_field_absent(&fields[VD])) {
        value->kind = BF_FIELD_OTHER;
        return BF_REJECT_none;
    }
    return add_base(&fields[V], state->has_base_value, state->base_value, value);
}

static bool join_name(struct state *state, struct bf_senml_record *record)
{
    record->name = record->own.len > 0 ? record->own : record->base;
    if (record->own.len > 0 && record->base.len > 0) {
        char *name = bf_arena_alloc(state->arena, record->base.len + record->own.len);
        if (!name) {
            return refuse(state, BF_REJECT_arena, "shorter names");
        }
        memcpy(name, record->base.data, record->base.len);
        memcpy(name + record->base.len, record->own.data, record->own.len);
        record->name = (struct bf_slice){.data = name, .len = record->base.len + record->own.len};
    }
    return true;
}

/* One record behind the others; a record of nothing but base fields is none. */
static bool add_record(struct state *state, const struct bf_field *fields)
{
    struct bf_senml_record *record;
    if (!take_bases(state, fields)) {
        return false;
    }
    bool nothing = bf_field_absent(&fields[S]);
    for (size_t i = V; i <= VD; i++) {
        nothing = nothing && bf_field_absent(&fields[i]);
    }
    if (nothing) {
        return true;
    }
    record = bf_arena_alloc(state->arena, sizeof *record);
    if (!record) {
        return refuse(state, BF_REJECT_arena, "fewer records");
    }
    *record = (struct bf_senml_record){.base = state->base_name, .unit = state->base_unit};
    bool texts = true;
    for (size_t i = N; i <= U; i++) {
        texts = texts && (bf_field_absent(&fields[i]) || fields[i].kind == BF_FIELD_TEXT);
    }
    if (texts && !bf_field_absent(&fields[N])) {
        record->own = fields[N].as.text;
    }
    if (texts && !bf_field_absent(&fields[U])) {
        record->unit = fields[U].as.text;
    }
    enum bf_reject_reason reasons[] = {
        texts ? BF_REJECT_none : BF_REJECT_bad_type,
        resolve_time(state, &fields[T], &record->time_us),
        resolve_value(state, fields, &record->value),
        add_base(&fields[S], state->has_base_sum, state->base_sum, &record->sum),
    };
    for (size_t i = sizeof reasons / sizeof reasons[0]; i > 0; i--) {
        record->bad = reasons[i - 1] != BF_REJECT_none ? reasons[i - 1] : record->bad;
    }
    *state->tail = record;
    state->tail = &record->next;
    state->pack->count++;
    return join_name(state, record);
}

static void clear(struct bf_field *fields)
{
    for (size_t i = 0; i < LABELS; i++) {
        fields[i].kind = BF_FIELD_MISSING;
    }
}

static bool read_json_record(struct state *state, struct bf_json *json)
{
    struct bf_field fields[LABELS];
    struct bf_json_text key;
    clear(fields);
    if (bf_json_peek(json) != BF_JSON_OBJECT || !bf_json_enter(json)) {
        return refuse(state, BF_REJECT_malformed, "an object"); /* a fault of the reader overrides it */
    }
    for (bool first = true; bf_json_key(json, &first, &key);) {
        struct bf_field *field;
        if (!find_label(bf_json_unescape(json, key, state->arena), fields, &field)) {
            return refuse(state, BF_REJECT_malformed, "no field that must be understood");
        }
        if (field && field->kind == BF_FIELD_MISSING) {
            bf_json_field(json, state->arena, field);
        } else {
            bf_json_skip(json);
        }
    }
    return json->fault == BF_JSON_OK && add_record(state, fields);
}

static void read_json(struct state *state, struct bf_slice payload, size_t max_depth)
{
    static const enum bf_reject_reason reasons[] = {
        [BF_JSON_SYNTAX] = BF_REJECT_malformed,
        [BF_JSON_TOO_DEEP] = BF_REJECT_depth,
        [BF_JSON_BAD_TEXT] = BF_REJECT_encoding,
        [BF_JSON_NO_MEMORY] = BF_REJECT_arena,
    };
    struct bf_json json;
    bf_json_init(&json, payload, max_depth);
    bool ok = bf_json_peek(&json) == BF_JSON_ARRAY && bf_json_enter(&json);
    if (!ok && json.fault == BF_JSON_OK) {
        (void)refuse(state, BF_REJECT_malformed, "an array");
    }
    for (bool first = true; ok && bf_json_item(&json, &first);) {
        ok = read_json_record(state, &json);
    }
    ok = ok && bf_json_done(&json);
    if (json.fault != BF_JSON_OK) {
        (void)refuse(state, reasons[json.fault], json.expected);
    }
    state->pack->offset = bf_json_offset(&json);
}

static bool read_cbor_record(struct state *state, struct bf_cbor *cbor)
{
    struct bf_field fields[LABELS], key, ignored;
    struct bf_cbor_span span;
    clear(fields);
    if (!bf_cbor_enter(cbor, BF_CBOR_MAP, &span)) {
        return false;
    }
    while (bf_cbor_more(cbor, &span)) {
        struct bf_field *field = NULL;
        bf_cbor_field(cbor, state->arena, &key);
        if (key.kind == BF_FIELD_INT) {
            field = find_key(key.as.integer, fields);
        } else if (key.kind == BF_FIELD_TEXT && !find_label(key.as.text, fields, &field)) {
            return refuse(state, BF_REJECT_malformed, "no field that must be understood");
        }
        bf_cbor_field(cbor, state->arena, field && field->kind == BF_FIELD_MISSING ? field : &ignored);
    }
    return cbor->fault == BF_CBOR_OK && add_record(state, fields);
}

static void read_cbor(struct state *state, struct bf_slice payload, size_t max_depth)
{
    static const enum bf_reject_reason reasons[] = {
        [BF_CBOR_SYNTAX] = BF_REJECT_malformed,
        [BF_CBOR_TOO_DEEP] = BF_REJECT_depth,
        [BF_CBOR_BAD_TEXT] = BF_REJECT_encoding,
        [BF_CBOR_NO_MEMORY] = BF_REJECT_arena,
    };
    struct bf_cbor cbor;
    struct bf_cbor_span span;
    bf_cbor_init(&cbor, payload, max_depth);
    bool ok = bf_cbor_enter(&cbor, BF_CBOR_ARRAY, &span);
    while (ok && bf_cbor_more(&cbor, &span)) {
        ok = read_cbor_record(state, &cbor);
    }
    ok = ok && bf_cbor_done(&cbor);
    if (cbor.fault != BF_CBOR_OK) {
        (void)refuse(state, reasons[cbor.fault], cbor.expected);
    }
    state->pack->offset = (size_t)(cbor.at - cbor.begin);
}

bool bf_senml_resolve(struct bf_slice payload, enum bf_senml_form form, size_t max_depth, int64_t now_us,
                      struct bf_arena *arena, struct bf_senml_pack *pack)
{
    struct state state = {.pack = pack, .arena = arena, .now_us = now_us};
    *pack = (struct bf_senml_pack){.reason = BF_REJECT_none};
    state.tail = &pack->records;
    if (form == BF_SENML_CBOR) {
        read_cbor(&state, payload, max_depth);
    } else if (bf_text_utf8(payload)) {
        read_json(&state, payload, max_depth);
    } else {
        (void)refuse(&state, BF_REJECT_encoding, "UTF-8");
    }
    return pack->reason == BF_REJECT_none;
}
