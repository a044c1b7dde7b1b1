/* json_pull.c: the reader behind the json and senml decoders. Devices send a few hundred bytes, so
 * the cost is calls and branches, not bandwidth: one byte tells the type, strings are searched
 * eight bytes at a time, UTF-8 is checked once for the whole payload by the caller.
 * Declined: simdjson (C++, and it needs padding behind bytes that are Paho's), cJSON (2 us and a
 * tree of mallocs for a message of 200 bytes). */
#include "ingest/decode/json_pull.h"

#include <endian.h>

#define ONES UINT64_C(0x0101010101010101)
#define HIGHS UINT64_C(0x8080808080808080)

void bf_json_init(struct bf_json *json, struct bf_slice bytes, size_t max_depth)
{
    *json = (struct bf_json){
        .begin = bytes.data,
        .at = bytes.data,
        .end = bytes.data ? bytes.data + bytes.len : NULL,
        .max_depth = max_depth < BF_JSON_DEPTH ? max_depth : BF_JSON_DEPTH,
    };
}

/* A fault ends the input where it was seen, so whatever is asked next finds nothing more: the fast
 * paths need not look at `fault`. Returns NULL for scanners to return. */
static const char *fail(struct bf_json *json, const char *at, enum bf_json_fault kind, const char *expected)
{
    if (json->fault == BF_JSON_OK) {
        json->fault = kind;
        json->expected = expected;
        json->at = json->end = at;
    }
    return NULL;
}

void bf_json_fail(struct bf_json *json, enum bf_json_fault kind, const char *expected)
{
    (void)fail(json, json->at, kind, expected);
}

static inline const char *skip_space(const char *at, const char *end)
{
    while (at < end && (unsigned char)*at <= ' ' &&
           (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r')) {
        at++;
    }
    return at;
}

enum bf_json_type bf_json_peek(struct bf_json *json)
{
    json->at = skip_space(json->at, json->end);
    switch (json->at < json->end ? *json->at : '\0') {
    case '{':
        return BF_JSON_OBJECT;
    case '[':
        return BF_JSON_ARRAY;
    case '"':
        return BF_JSON_STRING;
    case 't':
        return BF_JSON_TRUE;
    case 'f':
        return BF_JSON_FALSE;
    case 'n':
        return BF_JSON_NULL;
    case '-':
    case 'I':
    case 'N':
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9':
        return BF_JSON_NUMBER;
    default:
        return BF_JSON_NOTHING;
    }
}

bool bf_json_enter(struct bf_json *json)
{
    const char *at = skip_space(json->at, json->end);
    if (at == json->end || (*at != '{' && *at != '[')) {
        return fail(json, at, BF_JSON_SYNTAX, "an object or an array") != NULL;
    }
    if (json->depth == json->max_depth) {
        return fail(json, at, BF_JSON_TOO_DEEP, "less nesting") != NULL;
    }
    json->depth++;
    json->at = at + 1;
    return true;
}

/* Before a member or item: where it begins, or NULL behind the closing byte or at a fault. */
static inline const char *next_member(struct bf_json *json, bool *first, char closing, const char *expected)
{
    const char *at = skip_space(json->at, json->end);
    if (at < json->end && *at == closing) {
        json->at = at + 1;
        json->depth--;
        return NULL;
    }
    if (*first) {
        *first = false;
        return at;
    }
    if (at == json->end || *at != ',') {
        return fail(json, at, BF_JSON_SYNTAX, expected);
    }
    return skip_space(at + 1, json->end);
}

bool bf_json_item(struct bf_json *json, bool *first)
{
    const char *at = next_member(json, first, ']', "',' or ']'");
    if (!at || at == json->end) {
        return at && fail(json, at, BF_JSON_SYNTAX, "a value");
    }
    json->at = at;
    return true;
}

/* The first byte that is a quote, a backslash or a control character, or `end`. In each mask the
 * lowest set bit is right (borrows only run upwards), and little-endian order makes it the first
 * byte. */
static inline const char *scan_plain(const char *at, const char *end)
{
    while (end - at >= 8) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        word = le64toh(word);
        uint64_t quote = word ^ (ONES * '"');
        uint64_t slash = word ^ (ONES * '\\');
        uint64_t hit =
            (((quote - ONES) & ~quote) | ((slash - ONES) & ~slash) | ((word - ONES * 0x20) & ~word)) & HIGHS;
        if (hit != 0) {
            return at + (__builtin_ctzll(hit) >> 3);
        }
        at += 8;
    }
    while (at < end && *at != '"' && *at != '\\' && (unsigned char)*at >= 0x20) {
        at++;
    }
    return at;
}

static bool is_hex(char byte)
{
    return (byte >= '0' && byte <= '9') || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'f');
}

/* Bytes of the escape at `at` (a backslash), or 0 where it is none. */
static size_t escape_length(const char *at, const char *end)
{
    if (end - at < 2) {
        return 0;
    }
    if (at[1] != 'u') {
        return at[1] != '\0' && strchr("\"\\/bfnrt", at[1]) ? 2 : 0;
    }
    if (end - at < 6) {
        return 0;
    }
    for (int i = 2; i < 6; i++) {
        if (!is_hex(at[i])) {
            return 0;
        }
    }
    return 6;
}

/* The rest of a string whose first plain run ended at `at` without a quote. */
static const char *scan_escaped(struct bf_json *json, const char *at)
{
    while (at < json->end && *at != '"') {
        size_t length = *at == '\\' ? escape_length(at, json->end) : 0;
        if (length == 0) {
            return fail(json, at, BF_JSON_SYNTAX, "no control character or bad escape");
        }
        at = scan_plain(at + length, json->end);
    }
    return at < json->end ? at : fail(json, at, BF_JSON_SYNTAX, "'\"'");
}

/* A string at its quote; returns where it ends, or NULL. */
static inline const char *scan_string(struct bf_json *json, const char *at, struct bf_json_text *text)
{
    if (at == json->end || *at != '"') {
        return fail(json, at, BF_JSON_SYNTAX, "a string");
    }
    const char *begin = at + 1;
    at = scan_plain(begin, json->end);
    text->escaped = at == json->end || *at != '"';
    if (text->escaped && !(at = scan_escaped(json, at))) {
        return NULL;
    }
    text->raw = (struct bf_slice){.data = begin, .len = (size_t)(at - begin)};
    return at + 1;
}

bool bf_json_key(struct bf_json *json, bool *first, struct bf_json_text *key)
{
    const char *at = next_member(json, first, '}', "',' or '}'");
    if (!at || !(at = scan_string(json, at, key))) {
        return false;
    }
    at = skip_space(at, json->end);
    if (at == json->end || *at != ':') {
        return fail(json, at, BF_JSON_SYNTAX, "':'") != NULL;
    }
    json->at = at + 1;
    return true;
}

static const char *scan_word(struct bf_json *json, const char *at, struct bf_slice word)
{
    if ((size_t)(json->end - at) < word.len || memcmp(at, word.data, word.len) != 0) {
        return fail(json, at, BF_JSON_SYNTAX, "a value");
    }
    return at + word.len;
}

/* A scalar that is no string. A number's end needs no check: whatever follows is checked next. */
static const char *scan_scalar(struct bf_json *json, const char *at, struct bf_field *field)
{
    switch (at < json->end ? *at : '\0') {
    case 't':
    case 'f':
        field->kind = BF_FIELD_BOOL;
        field->as.truth = *at == 't';
        return scan_word(json, at, *at == 't' ? BF_SLICE("true") : BF_SLICE("false"));
    case 'n':
        field->kind = BF_FIELD_NULL;
        return scan_word(json, at, BF_SLICE("null"));
    default:
        field->kind = BF_FIELD_DECIMAL;
        return bf_number_scan(&at, json->end, &field->as.decimal) ? at
                                                                  : fail(json, at, BF_JSON_SYNTAX, "a value");
    }
}

static void skip_container(struct bf_json *json, bool object)
{
    struct bf_json_text key;
    bool first = true;
    if (bf_json_enter(json)) {
        while (object ? bf_json_key(json, &first, &key) : bf_json_item(json, &first)) {
            bf_json_skip(json);
        }
    }
}

void bf_json_skip(struct bf_json *json)
{
    struct bf_field field;
    struct bf_json_text text;
    const char *at = skip_space(json->at, json->end);
    char byte = at < json->end ? *at : '\0';
    if (byte == '{' || byte == '[') {
        skip_container(json, byte == '{');
        return;
    }
    at = byte == '"' ? scan_string(json, at, &text) : scan_scalar(json, at, &field);
    json->at = at ? at : json->at;
}

void bf_json_field(struct bf_json *json, struct bf_arena *arena, struct bf_field *field)
{
    struct bf_json_text text;
    const char *at = skip_space(json->at, json->end);
    char byte = at < json->end ? *at : '\0';
    if (byte == '{' || byte == '[') {
        field->kind = BF_FIELD_OTHER;
        skip_container(json, byte == '{');
        return;
    }
    if (byte != '"') {
        at = scan_scalar(json, at, field);
        json->at = at ? at : json->at;
        return;
    }
    field->kind = BF_FIELD_TEXT;
    field->as.text = (struct bf_slice){.len = 0};
    at = scan_string(json, at, &text);
    if (at) {
        json->at = at;
        field->as.text = text.escaped ? bf_json_unescape(json, text, arena) : text.raw;
    }
}

static uint32_t hex4(const char *at)
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) {
        char digit = at[i];
        value = value << 4 | (uint32_t)(digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10);
    }
    return value;
}

static char *put_utf8(char *out, uint32_t code)
{
    if (code < 0x80) {
        *out++ = (char)code;
        return out;
    }
    if (code < 0x800) {
        *out++ = (char)(0xc0 | code >> 6);
    } else {
        if (code < 0x10000) {
            *out++ = (char)(0xe0 | code >> 12);
        } else {
            *out++ = (char)(0xf0 | code >> 18);
            *out++ = (char)(0x80 | (code >> 12 & 0x3f));
        }
        *out++ = (char)(0x80 | (code >> 6 & 0x3f));
    }
    *out++ = (char)(0x80 | (code & 0x3f));
    return out;
}

/* The code point of the \u escape at *at (checked before), and of its second half; false: lone
 * surrogate. */
static bool unicode_escape(const char **at, const char *end, uint32_t *code)
{
    *code = hex4(*at + 2);
    *at += 6;
    if (*code < 0xd800 || *code > 0xdfff) {
        return true;
    }
    if (*code > 0xdbff || end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u') {
        return false;
    }
    uint32_t low = hex4(*at + 2);
    *at += 6;
    if (low < 0xdc00 || low > 0xdfff) {
        return false;
    }
    *code = 0x10000 + ((*code - 0xd800) << 10) + (low - 0xdc00);
    return true;
}

struct bf_slice bf_json_unescape(struct bf_json *json, struct bf_json_text text, struct bf_arena *arena)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (!text.escaped) {
        return text.raw;
    }
    char *begin = bf_arena_alloc(arena, text.raw.len); /* the text is never longer than its escapes */
    char *out = begin;
    if (!begin) {
        (void)fail(json, json->at, BF_JSON_NO_MEMORY, "less to unescape");
        return (struct bf_slice){.data = "", .len = 0};
    }
    const char *end = text.raw.data + text.raw.len;
    for (const char *at = text.raw.data; at < end;) {
        uint32_t code;
        if (*at != '\\') {
            *out++ = *at++;
        } else if (at[1] != 'u') {
            *out++ = to[strchr(from, at[1]) - from];
            at += 2;
        } else if (unicode_escape(&at, end, &code)) {
            out = put_utf8(out, code);
        } else {
            (void)fail(json, json->at, BF_JSON_BAD_TEXT, "both halves of a surrogate pair");
            break;
        }
    }
    return (struct bf_slice){.data = begin, .len = (size_t)(out - begin)};
}

bool bf_json_done(struct bf_json *json)
{
    json->at = skip_space(json->at, json->end);
    if (json->at != json->end) {
        (void)fail(json, json->at, BF_JSON_SYNTAX, "the end");
    }
    return json->fault == BF_JSON_OK;
}
