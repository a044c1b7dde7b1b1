/* csv.c: the csv decoder: rows of cells (RFC 4180), each row a record whose keys are the columns' names.
 * Cells may be quoted; those that are not lose the blanks around them. An empty cell is no value.
 * Declined: guessing the delimiter: half of Europe writes 1,5 and the guess would cut it. */
#include "ingest/decode/document.h"

static void fail(struct bf_rows *rows, enum bf_reject_reason reason, const char *expected)
{
    if (!rows->expected) {
        rows->reason = reason;
        rows->expected = expected;
        rows->end = rows->at;
    }
}

static bool is_end(const struct bf_rows *rows)
{
    return rows->at == rows->end || *rows->at == '\n' || *rows->at == '\r';
}

static void skip_lines(struct bf_rows *rows)
{
    while (rows->at < rows->end && is_end(rows)) {
        rows->at++;
    }
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

/* Behind an opening quote; the doubled quotes become single ones in the arena. */
static struct bf_slice quoted(struct bf_reader *reader)
{
    struct bf_rows *rows = &reader->as.rows;
    const char *begin = rows->at;
    size_t doubled = 0;
    while (rows->at < rows->end && (*rows->at != '"' || (rows->end - rows->at > 1 && rows->at[1] == '"'))) {
        doubled += *rows->at == '"';
        rows->at += *rows->at == '"' ? 2 : 1;
    }
    struct bf_slice text = {.data = begin, .len = (size_t)(rows->at - begin)};
    if (rows->at == rows->end) {
        fail(rows, BF_REJECT_malformed, "'\"'");
        return text;
    }
    rows->at++;
    char *plain = doubled > 0 ? bf_arena_alloc(reader->arena, text.len) : NULL;
    if (doubled > 0 && !plain) {
        fail(rows, BF_REJECT_arena, "fewer quotes");
    } else if (doubled > 0) {
        size_t len = 0;
        for (size_t i = 0; i < text.len; i += text.data[i] == '"' ? 2 : 1) {
            plain[len++] = text.data[i];
        }
        text = (struct bf_slice){.data = plain, .len = len};
    }
    return text;
}

/* The next cell of the row, up to its delimiter or the end of the line. */
static struct bf_slice cell(struct bf_reader *reader)
{
    struct bf_rows *rows = &reader->as.rows;
    struct bf_slice text;
    while (!is_end(rows) && is_blank(*rows->at) && *rows->at != rows->delimiter) {
        rows->at++;
    }
    if (!is_end(rows) && *rows->at == '"') {
        rows->at++;
        text = quoted(reader);
        if (!is_end(rows) && *rows->at != rows->delimiter) {
            fail(rows, BF_REJECT_malformed, "a delimiter or the end of the line");
        }
        return text;
    }
    text.data = rows->at;
    while (!is_end(rows) && *rows->at != rows->delimiter) {
        if (*rows->at == '"') {
            fail(rows, BF_REJECT_malformed, "no quote within a cell");
            break;
        }
        rows->at++;
    }
    text.len = (size_t)(rows->at - text.data);
    while (text.len > 0 && is_blank(text.data[text.len - 1])) {
        text.len--;
    }
    return text;
}

/* Past the delimiter, if there is one; a delimiter at the end of a line begins an empty cell. */
static bool more_cells(struct bf_rows *rows)
{
    if (!rows->begun) {
        rows->begun = true;
        return true;
    }
    if (rows->expected || is_end(rows)) {
        return false;
    }
    rows->at++;
    return true;
}

static void read_names(struct bf_reader *reader)
{
    struct bf_rows *rows = &reader->as.rows;
    size_t most = 1;
    skip_lines(rows);
    for (const char *at = rows->at; at < rows->end && *at != '\n' && *at != '\r'; at++) {
        most += *at == rows->delimiter;
    }
    struct bf_slice *names = bf_arena_alloc(reader->arena, most * sizeof *names);
    if (!names) {
        fail(rows, BF_REJECT_arena, "fewer columns");
        return;
    }
    rows->begun = false;
    while (rows->at < rows->end && more_cells(rows)) {
        names[rows->name_count++] = cell(reader);
    }
    rows->names = names;
}

static void init(struct bf_reader *reader, struct bf_slice bytes, size_t max_depth)
{
    struct bf_rows *rows = &reader->as.rows;
    const struct bf_profile_csv *csv = &reader->profile->csv;
    (void)max_depth; /* it is always two */
    *rows = (struct bf_rows){
        .begin = bytes.len > 0 ? bytes.data : "",
        .at = bytes.len > 0 ? bytes.data : "",
        .delimiter = csv->delimiter.len > 0 ? csv->delimiter.data[0] : ',',
        .names = csv->columns,
        .name_count = csv->column_count,
    };
    rows->end = rows->at + bytes.len;
    if (csv->header == BF_CSV_SKIP) {
        skip_lines(rows);
        while (!is_end(rows)) {
            rows->at++;
        }
    } else if (csv->header == BF_CSV_NAMES) {
        read_names(reader);
    }
}

static enum bf_reader_type peek(struct bf_reader *reader)
{
    unsigned depth = reader->as.rows.depth;
    return depth == 0 ? BF_READER_LIST : depth == 1 ? BF_READER_MAP : BF_READER_VALUE;
}

static bool enter(struct bf_reader *reader, struct bf_reader_level *level)
{
    (void)level;
    reader->as.rows.depth++;
    reader->as.rows.column = 0;
    reader->as.rows.begun = false;
    return !reader->as.rows.expected;
}

static bool item(struct bf_reader *reader, struct bf_reader_level *level)
{
    struct bf_rows *rows = &reader->as.rows;
    (void)level;
    skip_lines(rows);
    return rows->at < rows->end && !rows->expected;
}

static bool key(struct bf_reader *reader, struct bf_reader_level *level, struct bf_json_text *key)
{
    struct bf_rows *rows = &reader->as.rows;
    (void)level;
    key->escaped = false;
    if (!more_cells(rows)) {
        rows->depth--;
        return false;
    }
    size_t column = rows->column++;
    if (column < rows->name_count) {
        key->raw = rows->names[column];
        return true;
    }
    if (rows->name_count > 0) {
        fail(rows, BF_REJECT_malformed, "as many cells as there are columns");
        return false;
    }
    struct bf_field number = {.kind = BF_FIELD_INT, .as.integer = (int64_t)column + 1};
    if (!bf_field_name(&number, reader->arena, &key->raw)) {
        fail(rows, BF_REJECT_arena, "fewer cells");
    }
    return !rows->expected;
}

static void skip_value(struct bf_reader *reader)
{
    struct bf_rows *rows = &reader->as.rows;
    struct bf_reader_level level;
    struct bf_json_text name;
    if (rows->depth == 2) {
        (void)cell(reader);
    } else if (rows->depth == 1 && enter(reader, &level)) {
        while (key(reader, &level, &name)) {
            (void)cell(reader);
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
    field->as.text = cell(reader);
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
        .reason = rows->reason,
        .offset = (size_t)(rows->at - rows->begin),
        .expected = rows->expected,
    };
    return !rows->expected;
}

static const struct bf_reader_kind csv_reader = {
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
    return bf_document_prepare(plan, stage, &csv_reader, err);
}

const struct bf_decoder bf_decoder_csv = {
    .name = "csv",
    .summary = "Takes each row of a table (RFC 4180) as a message, its columns as values.",
    .prepare = prepare,
    .release = bf_document_release,
    .decode = bf_document_decode,
};
