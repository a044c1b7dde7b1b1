/* cbor.c: the cbor decoder: documents (document.h) in CBOR (RFC 8949). Keys that are integers, as
 * devices that save bytes have them, are named by their digits: $["2"]. */
#include "ingest/decode/document.h"

static void init(struct bf_reader *reader, struct bf_slice bytes, size_t max_depth)
{
    bf_cbor_init(&reader->as.cbor, bytes, max_depth);
}

static enum bf_reader_type peek(struct bf_reader *reader)
{
    enum bf_cbor_type type = bf_cbor_peek(&reader->as.cbor);
    return type == BF_CBOR_MAP ? BF_READER_MAP : type == BF_CBOR_ARRAY ? BF_READER_LIST : BF_READER_VALUE;
}

static bool enter(struct bf_reader *reader, struct bf_reader_level *level)
{
    enum bf_cbor_type type = bf_cbor_peek(&reader->as.cbor);
    return bf_cbor_enter(&reader->as.cbor, type == BF_CBOR_MAP ? BF_CBOR_MAP : BF_CBOR_ARRAY, &level->span);
}

static bool key(struct bf_reader *reader, struct bf_reader_level *level, struct bf_json_text *key)
{
    struct bf_cbor *cbor = &reader->as.cbor;
    struct bf_field field;
    key->escaped = false;
    if (!bf_cbor_more(cbor, &level->span)) {
        return false;
    }
    bf_cbor_field(cbor, reader->arena, &field);
    if (!bf_field_name(&field, reader->arena, &key->raw)) {
        cbor->fault = BF_CBOR_NO_MEMORY;
        cbor->expected = "fewer keys";
    }
    return cbor->fault == BF_CBOR_OK;
}

static bool item(struct bf_reader *reader, struct bf_reader_level *level)
{
    return bf_cbor_more(&reader->as.cbor, &level->span);
}

static void field(struct bf_reader *reader, struct bf_field *field)
{
    bf_cbor_field(&reader->as.cbor, reader->arena, field);
}

static void skip_value(struct bf_reader *reader)
{
    bf_cbor_skip(&reader->as.cbor);
}

static bool good(const struct bf_reader *reader)
{
    return reader->as.cbor.fault == BF_CBOR_OK;
}

static bool done(struct bf_reader *reader, struct bf_reader_fault *fault)
{
    static const enum bf_reject_reason reasons[] = {
        [BF_CBOR_SYNTAX] = BF_REJECT_malformed,
        [BF_CBOR_TOO_DEEP] = BF_REJECT_depth,
        [BF_CBOR_BAD_TEXT] = BF_REJECT_encoding,
        [BF_CBOR_NO_MEMORY] = BF_REJECT_arena,
    };
    const struct bf_cbor *cbor = &reader->as.cbor;
    if (bf_cbor_done(&reader->as.cbor)) {
        return true;
    }
    *fault = (struct bf_reader_fault){
        .reason = reasons[cbor->fault],
        .offset = (size_t)(cbor->at - cbor->begin),
        .expected = cbor->expected,
    };
    return false;
}

const struct bf_reader_kind bf_cbor_reader = {
    .init = init,
    .peek = peek,
    .enter = enter,
    .key = key,
    .item = item,
    .field = field,
    .skip_value = skip_value,
    .good = good,
    .done = done,
};

static enum bf_status prepare(struct bf_plan *plan, struct bf_stage *stage, struct bf_err *err)
{
    return bf_document_prepare(plan, stage, &bf_cbor_reader, err);
}

const struct bf_decoder bf_decoder_cbor = {
    .name = "cbor",
    .summary = "Takes from CBOR (RFC 8949) what json takes from JSON.",
    .prepare = prepare,
    .release = bf_document_release,
    .decode = bf_document_decode,
};
