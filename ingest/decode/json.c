/* json.c: the json decoder: documents (document.h) in JSON. */
#include "ingest/decode/document.h"

static void init(struct bf_reader *reader, struct bf_slice bytes, size_t max_depth)
{
    bf_json_init(&reader->as.json, bytes, max_depth);
}

static enum bf_reader_type peek(struct bf_reader *reader)
{
    enum bf_json_type type = bf_json_peek(&reader->as.json);
    return type == BF_JSON_OBJECT ? BF_READER_MAP : type == BF_JSON_ARRAY ? BF_READER_LIST : BF_READER_VALUE;
}

static bool enter(struct bf_reader *reader, struct bf_reader_level *level)
{
    level->first = true;
    return bf_json_enter(&reader->as.json);
}

static bool key(struct bf_reader *reader, struct bf_reader_level *level, struct bf_json_text *key)
{
    return bf_json_key(&reader->as.json, &level->first, key);
}

static bool item(struct bf_reader *reader, struct bf_reader_level *level)
{
    return bf_json_item(&reader->as.json, &level->first);
}

static void field(struct bf_reader *reader, struct bf_field *field)
{
    bf_json_field(&reader->as.json, reader->arena, field);
}

static void skip_value(struct bf_reader *reader)
{
    bf_json_skip(&reader->as.json);
}

static bool good(const struct bf_reader *reader)
{
    return reader->as.json.fault == BF_JSON_OK;
}

static bool done(struct bf_reader *reader, struct bf_reader_fault *fault)
{
    static const enum bf_reject_reason reasons[] = {
        [BF_JSON_SYNTAX] = BF_REJECT_malformed,
        [BF_JSON_TOO_DEEP] = BF_REJECT_depth,
        [BF_JSON_BAD_TEXT] = BF_REJECT_encoding,
        [BF_JSON_NO_MEMORY] = BF_REJECT_arena,
    };
    const struct bf_json *json = &reader->as.json;
    if (bf_json_done(&reader->as.json)) {
        return true;
    }
    *fault = (struct bf_reader_fault){
        .reason = reasons[json->fault],
        .offset = bf_json_offset(json),
        .expected = json->expected,
    };
    return false;
}

const struct bf_reader_kind bf_json_reader = {
    .utf8 = true,
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
    return bf_document_prepare(plan, stage, &bf_json_reader, err);
}

const struct bf_decoder bf_decoder_json = {
    .name = "json",
    .summary = "Takes values at paths of a JSON payload, the named items of a list in it, or its records.",
    .prepare = prepare,
    .release = bf_document_release,
    .decode = bf_document_decode,
};
