/* json_pull.c: the reader behind the json and senml decoders. Devices send a few hundred bytes, so the cost
 * is calls and branches, not bandwidth: one byte tells the type, strings are searched eight bytes at a time,
 * UTF-8 is checked once for the whole payload by the caller.
 * Declined: simdjson (C++, and it needs padding behind bytes that are Paho's), cJSON (2 us and a tree of
 * mallocs for a message of 200 bytes). */
#include "ingest/decode/json_pull.h"

#include <endian.h>

#define ONES UINT64_C(0x0101010101010101)
#define HIGHS UINT64_C(0x8080808080808080)

static void fault(struct bf_json *json, enum bf_json_fault kind, const char *expected)
{
    if (json->fault == BF_JSON_OK) {
        json->fault = kind;
        json->expected = expected;
    }
}

void bf_json_init(struct bf_json *json, struct bf_slice bytes, size_t max_depth)
{
    *json = (struct bf_json){
        .begin = bytes.data,
        .at = bytes.data,
        .end = bytes.data ? bytes.data + bytes.len : NULL,
        .max_depth = max_depth < BF_JSON_DEPTH ? max_depth : BF_JSON_DEPTH,
    };
}

static inline void skip_space(struct bf_json *json)
{
    const char *at = json->at;
    while (at < json->end && (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r')) {
        at++;
    }
    json->at = at;
}

/* The byte that comes next behind white space; 0 at the end or after a fault. */
static inline char next_byte(struct bf_json *json)
{
    if (json->fault != BF_JSON_OK) {
        return '\0';
    }
    if (json->at < json->end && (unsigned char)*json->at <= ' ') {
        skip_space(json);
    }
    return json->at < json->end ? *json->at : '\0';
}

enum bf_json_type bf_json_peek(struct bf_json *json)
{
    switch (next_byte(json)) {
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
    case '-': case 'I': case 'N':
    case '0': case '1': case '2': case '3': case '4':
    case '5': case '6': case '7': case '8': case '9':
        return BF_JSON_NUMBER;
    default:
        return BF_JSON_NOTHING;
    }
}

bool bf_json_enter(struct bf_json *json)
{
    char byte = next_byte(json);
    if (byte != '{' && byte != '[') {
        fault(json, BF_JSON_SYNTAX, "an object or an array");
        return false;
    }
    if (json->depth == json->max_depth) {
        fault(json, BF_JSON_TOO_DEEP, "less nesting");
        return false;
    }
    json->depth++;
    json->at++;
    return true;
}

/* Before a member or item: true where there is one more; eats the comma or the closing byte. */
static inline bool more(struct bf_json *json, bool *first, char closing, const char *expected)
{
    char byte = next_byte(json);
    if (byte == closing) {
        json->at++;
        json->depth--;
        return false;
    }
    if (*first) {
        *first = false;
        return json->fault == BF_JSON_OK;
    }
    if (byte != ',') {
        fault(json, BF_JSON_SYNTAX, expected);
        return false;
    }
    json->at++;
    return true;
}

bool bf_json_key(struct bf_json *json, bool *first, struct bf_json_text *key)
{
    if (!more(json, first, '}', "',' or '}'")) {
        return false;
    }
    *key = bf_json_string(json);
    if (next_byte(json) != ':') {
        fault(json, BF_JSON_SYNTAX, "':'");
        return false;
    }
    json->at++;
    return true;
}

bool bf_json_item(struct bf_json *json, bool *first)
{
    return more(json, first, ']', "',' or ']'");
}

/* The first byte that is a quote, a backslash or a control character, or `end`. In each mask the lowest
 * set bit is right (borrows only run upwards), and little-endian order makes it the first byte. */
static inline const char *scan_plain(const char *at, const char *end)
{
    while (end - at >= 8) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        word = le64toh(word);
        uint64_t quote = word ^ (ONES * '"');
        uint64_t slash = word ^ (ONES * '\\');
        uint64_t hit = (((quote - ONES) & ~quote) | ((slash - ONES) & ~slash)
                        | ((word - ONES * 0x20) & ~word))
                       & HIGHS;
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

struct bf_json_text bf_json_string(struct bf_json *json)
{
    struct bf_json_text text = {.raw = {.data = json->at, .len = 0}};
    if (next_byte(json) != '"') {
        fault(json, BF_JSON_SYNTAX, "a string");
        return text;
    }
    const char *begin = json->at + 1;
    const char *at = begin;
    for (;;) {
        at = scan_plain(at, json->end);
        if (at < json->end && *at == '"') {
            break;
        }
        size_t length = at < json->end && *at == '\\' ? escape_length(at, json->end) : 0;
        if (length == 0) {
            json->at = at;
            fault(json, BF_JSON_SYNTAX, at < json->end ? "no control character or bad escape" : "'\"'");
            return text;
        }
        text.escaped = true;
        at += length;
    }
    text.raw = (struct bf_slice){.data = begin, .len = (size_t)(at - begin)};
    json->at = at + 1;
    return text;
}

static bool take_word(struct bf_json *json, struct bf_slice word)
{
    if ((size_t)(json->end - json->at) < word.len || memcmp(json->at, word.data, word.len) != 0) {
        fault(json, BF_JSON_SYNTAX, "a value");
        return false;
    }
    json->at += word.len;
    return true;
}

/* Scalars; false for what is none. A number's end needs no check: whatever follows is checked next. */
static bool take_scalar(struct bf_json *json, enum bf_json_type type, struct bf_field *field)
{
    field->kind = BF_FIELD_OTHER;
    switch (type) {
    case BF_JSON_NUMBER:
        if (!bf_number_scan(&json->at, json->end, &field->as.decimal)) {
            fault(json, BF_JSON_SYNTAX, "a digit");
        }
        field->kind = BF_FIELD_DECIMAL;
        return true;
    case BF_JSON_TRUE:
    case BF_JSON_FALSE:
        field->kind = BF_FIELD_BOOL;
        field->as.truth = type == BF_JSON_TRUE;
        (void)take_word(json, type == BF_JSON_TRUE ? BF_SLICE("true") : BF_SLICE("false"));
        return true;
    case BF_JSON_NULL:
        field->kind = BF_FIELD_NULL;
        (void)take_word(json, BF_SLICE("null"));
        return true;
    case BF_JSON_NOTHING:
        fault(json, BF_JSON_SYNTAX, "a value");
        return true;
    case BF_JSON_OBJECT:
    case BF_JSON_ARRAY:
    case BF_JSON_STRING:
    default:
        return false;
    }
}

void bf_json_skip(struct bf_json *json)
{
    struct bf_field ignored;
    struct bf_json_text key;
    bool first = true;
    enum bf_json_type type = bf_json_peek(json);
    if (type == BF_JSON_STRING) {
        (void)bf_json_string(json);
    } else if (!take_scalar(json, type, &ignored) && bf_json_enter(json)) {
        while (type == BF_JSON_OBJECT ? bf_json_key(json, &first, &key) : bf_json_item(json, &first)) {
            bf_json_skip(json);
        }
    }
}

void bf_json_field(struct bf_json *json, struct bf_arena *arena, struct bf_field *field)
{
    enum bf_json_type type = bf_json_peek(json);
    if (type == BF_JSON_STRING) {
        struct bf_json_text text = bf_json_string(json);
        field->kind = BF_FIELD_TEXT;
        field->as.text = text.escaped ? bf_json_unescape(json, text, arena) : text.raw;
    } else if (!take_scalar(json, type, field)) {
        bf_json_skip(json);
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

/* The code point of the \u escape at *at (checked before), and of its second half; false: lone surrogate. */
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
        fault(json, BF_JSON_NO_MEMORY, "less to unescape");
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
            fault(json, BF_JSON_BAD_TEXT, "both halves of a surrogate pair");
            break;
        }
    }
    return (struct bf_slice){.data = begin, .len = (size_t)(out - begin)};
}

bool bf_json_done(struct bf_json *json)
{
    (void)next_byte(json);
    if (json->fault == BF_JSON_OK && json->at != json->end) {
        fault(json, BF_JSON_SYNTAX, "the end");
    }
    return json->fault == BF_JSON_OK;
}
