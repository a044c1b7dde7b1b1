/* msgpack.c: the msgpack decoder: documents (document.h) in msgpack. The bytes are read by core's own
 * reader (core/mp.h), which the tests hold against msgpack-c. Extensions are no value.
 * Declined: msgpack-c, which builds a tree in a zone that grows with hostile input. */
#include "ingest/decode/document.h"
#include "ingest/decode/text.h"

static void init(struct bf_reader *reader, struct bf_slice bytes, size_t max_depth)
{
    struct bf_msgpack *self = &reader->as.msgpack;
    bf_mp_reader_init(&self->mp, bytes);
    self->begin = self->mp.at;
    self->depth = 0;
    self->max_depth = max_depth;
    self->reason = BF_REJECT_malformed;
    self->expected = "whole msgpack values";
}

/* Moving to the end makes every later call answer "no more", as core's reader does. */
static void fail(struct bf_msgpack *self, enum bf_reject_reason reason, const char *expected)
{
    if (!self->mp.fault) {
        self->mp.fault = self->expected = expected;
        self->reason = reason;
    }
    self->mp.end = self->mp.at;
}

static enum bf_reader_type peek(struct bf_reader *reader)
{
    enum bf_mp_type type = bf_mp_peek(&reader->as.msgpack.mp);
    return type == BF_MP_MAP ? BF_READER_MAP : type == BF_MP_ARRAY ? BF_READER_LIST : BF_READER_VALUE;
}

static bool enter(struct bf_reader *reader, struct bf_reader_level *level)
{
    struct bf_msgpack *self = &reader->as.msgpack;
    bool map = bf_mp_peek(&self->mp) == BF_MP_MAP;
    if (self->depth == self->max_depth) {
        fail(self, BF_REJECT_depth, "less nesting");
        return false;
    }
    self->depth++;
    level->span.left = map ? bf_mp_get_map(&self->mp) : bf_mp_get_array(&self->mp);
    return bf_mp_ok(&self->mp);
}

static bool item(struct bf_reader *reader, struct bf_reader_level *level)
{
    struct bf_msgpack *self = &reader->as.msgpack;
    if (!bf_mp_ok(&self->mp)) {
        return false;
    }
    if (level->span.left == 0) {
        self->depth--;
        return false;
    }
    level->span.left--;
    return true;
}

static void take_text(struct bf_msgpack *self, struct bf_field *field)
{
    field->kind = BF_FIELD_TEXT;
    field->as.text = bf_mp_get_str(&self->mp);
    if (!bf_text_utf8(field->as.text)) {
        fail(self, BF_REJECT_encoding, "UTF-8");
    }
}

static void take_field(struct bf_reader *reader, struct bf_field *field)
{
    struct bf_msgpack *self = &reader->as.msgpack;
    field->kind = BF_FIELD_OTHER;
    switch (bf_mp_peek(&self->mp)) {
    case BF_MP_NIL:
        field->kind = BF_FIELD_NULL;
        bf_mp_get_nil(&self->mp);
        break;
    case BF_MP_BOOL:
        field->kind = BF_FIELD_BOOL;
        field->as.truth = bf_mp_get_bool(&self->mp);
        break;
    case BF_MP_INT:
        field->kind = BF_FIELD_INT;
        field->as.integer = bf_mp_get_int(&self->mp);
        break;
    case BF_MP_UINT:
    case BF_MP_DOUBLE:
        field->kind = BF_FIELD_DOUBLE;
        field->as.number = bf_mp_get_double(&self->mp);
        break;
    case BF_MP_STR:
        take_text(self, field);
        break;
    case BF_MP_BIN:
        field->kind = BF_FIELD_BYTES;
        field->as.text = bf_mp_get_bin(&self->mp);
        break;
    case BF_MP_EXT:
    case BF_MP_ARRAY:
    case BF_MP_MAP:
    case BF_MP_END:
    default:
        bf_mp_skip(&self->mp); /* without recursion, however deep; at the end it says what is missing */
        break;
    }
}

static bool key(struct bf_reader *reader, struct bf_reader_level *level, struct bf_json_text *key)
{
    struct bf_msgpack *self = &reader->as.msgpack;
    struct bf_field field;
    key->escaped = false;
    if (!item(reader, level)) {
        return false;
    }
    take_field(reader, &field);
    if (!bf_field_name(&field, reader->arena, &key->raw)) {
        fail(self, BF_REJECT_arena, "fewer keys");
    }
    return bf_mp_ok(&self->mp);
}

static void skip_value(struct bf_reader *reader)
{
    bf_mp_skip(&reader->as.msgpack.mp);
}

static bool good(const struct bf_reader *reader)
{
    return bf_mp_ok(&reader->as.msgpack.mp);
}

static bool done(struct bf_reader *reader, struct bf_reader_fault *fault)
{
    struct bf_msgpack *self = &reader->as.msgpack;
    if (bf_mp_ok(&self->mp) && self->mp.at != self->mp.end) {
        fail(self, BF_REJECT_malformed, "the end");
    }
    *fault = (struct bf_reader_fault){
        .reason = self->reason,
        .offset = (size_t)(self->mp.at - self->begin),
        .expected = self->expected,
    };
    return bf_mp_ok(&self->mp);
}

const struct bf_reader_kind bf_msgpack_reader = {
    .init = init,
    .peek = peek,
    .enter = enter,
    .key = key,
    .item = item,
    .field = take_field,
    .skip_value = skip_value,
    .good = good,
    .done = done,
};

static enum bf_status prepare(struct bf_plan *plan, struct bf_stage *stage, struct bf_err *err)
{
    return bf_document_prepare(plan, stage, &bf_msgpack_reader, err);
}

const struct bf_decoder bf_decoder_msgpack = {
    .name = "msgpack",
    .summary = "Takes from msgpack what json takes from JSON.",
    .prepare = prepare,
    .release = bf_document_release,
    .decode = bf_document_decode,
};
