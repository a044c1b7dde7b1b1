/* ultralight.c: the ultralight decoder: UltraLight 2.0 of FIWARE's IoT agents: t|15|k|abc, groups parted by
 * #, each group a record. A group of an odd number of parts begins with its time, which is called
 * TimeInstant, as the agents call it. An empty value is no value. */
#include "ingest/decode/document.h"

static void init(struct bf_reader *reader, struct bf_slice bytes, size_t max_depth)
{
    const char *begin = bytes.len > 0 ? bytes.data : "";
    (void)max_depth; /* it is always two */
    while (bytes.len > 0 && (begin[bytes.len - 1] == '\n' || begin[bytes.len - 1] == '\r')) {
        bytes.len--; /* as tools add it */
    }
    reader->as.rows = (struct bf_rows){.begin = begin, .at = begin, .end = begin + bytes.len};
}

/* The next part of the group. */
static struct bf_slice take_part(struct bf_rows *rows)
{
    struct bf_slice part = {.data = rows->at};
    while (rows->at < rows->end && *rows->at != '|' && *rows->at != '#') {
        rows->at++;
    }
    part.len = (size_t)(rows->at - part.data);
    return part;
}

static enum bf_reader_type peek(struct bf_reader *reader)
{
    unsigned depth = reader->as.rows.depth;
    return depth == 0 ? BF_READER_LIST : depth == 1 ? BF_READER_MAP : BF_READER_VALUE;
}

static bool enter(struct bf_reader *reader, struct bf_reader_level *level)
{
    struct bf_rows *rows = &reader->as.rows;
    size_t parts = 1;
    (void)level;
    rows->depth++;
    rows->begun = false;
    if (rows->depth == 2) {
        for (const char *at = rows->at; at < rows->end && *at != '#'; at++) {
            parts += *at == '|';
        }
        rows->timed = parts % 2 != 0;
        if (parts == 1) { /* a time alone, or a value without a name */
            rows->expected = "name|value";
        }
    }
    return !rows->expected;
}

static bool item(struct bf_reader *reader, struct bf_reader_level *level)
{
    struct bf_rows *rows = &reader->as.rows;
    (void)level;
    if (rows->expected || (!rows->begun && rows->at == rows->end)) {
        return false;
    }
    if (rows->column++ > 0) { /* here: of the group */
        if (rows->at == rows->end) {
            return false;
        }
        rows->at++; /* the # */
    }
    return true;
}

static bool key(struct bf_reader *reader, struct bf_reader_level *level, struct bf_json_text *key)
{
    struct bf_rows *rows = &reader->as.rows;
    (void)level;
    key->escaped = false;
    if (rows->expected) {
        return false;
    }
    if (rows->begun) {
        if (rows->at == rows->end || *rows->at == '#') {
            rows->depth--;
            return false;
        }
        rows->at++; /* the | behind a value */
    } else if (rows->timed) {
        rows->begun = true;
        key->raw = BF_SLICE("TimeInstant");
        return true;
    }
    rows->begun = true;
    key->raw = take_part(rows);
    if (key->raw.len == 0) {
        rows->expected = "a name";
        return false;
    }
    rows->at++; /* the | behind a name: the parts were counted */
    return true;
}

static void skip_value(struct bf_reader *reader)
{
    struct bf_rows *rows = &reader->as.rows;
    struct bf_reader_level level;
    struct bf_json_text name;
    if (rows->depth == 2) {
        (void)take_part(rows);
    } else if (rows->depth == 1 && enter(reader, &level)) {
        while (key(reader, &level, &name)) {
            (void)take_part(rows);
        }
    } else if (rows->depth == 0 && enter(reader, &level)) {
        while (item(reader, &level)) {
            skip_value(reader);
        }
    }
}

static void field(struct bf_reader *reader, struct bf_field *field)
{
    if (reader->as.rows.depth < 2) { /* a path to the list or to a whole row */
        field->kind = BF_FIELD_OTHER;
        skip_value(reader);
        return;
    }
    field->as.text = take_part(&reader->as.rows);
    field->kind = field->as.text.len > 0 ? BF_FIELD_TEXT : BF_FIELD_NULL;
}

static bool good(const struct bf_reader *reader)
{
    return !reader->as.rows.expected;
}

static bool done(struct bf_reader *reader, struct bf_reader_fault *fault)
{
    const struct bf_rows *rows = &reader->as.rows;
    *fault = (struct bf_reader_fault){
        .reason = BF_REJECT_malformed,
        .offset = (size_t)(rows->at - rows->begin),
        .expected = rows->expected,
    };
    return !rows->expected;
}

static const struct bf_reader_kind ultralight_reader = {
    .utf8 = true,
    .rows = true,
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
    return bf_document_prepare(plan, stage, &ultralight_reader, err);
}

const struct bf_decoder bf_decoder_ultralight = {
    .name = "ultralight",
    .summary = "Takes the groups of an UltraLight 2.0 payload (t|15|k|abc) as messages.",
    .prepare = prepare,
    .release = bf_document_release,
    .decode = bf_document_decode,
};
