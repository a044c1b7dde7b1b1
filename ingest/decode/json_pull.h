/* json_pull.h: a strict JSON reader (RFC 8259) over borrowed bytes: the caller asks for the next
 * thing, nothing is built.
 *
 *     struct bf_json json;
 *     bf_json_init(&json, bytes, max_depth);
 *     bf_json_enter(&json);                                  // at '{'
 *     for (bool first = true; bf_json_key(&json, &first, &key);) { ... take or bf_json_skip(&json) ... }
 *     if (!bf_json_done(&json)) { json.fault, json.expected, bf_json_offset(&json) }
 *
 * What is skipped is checked as strictly as what is taken. The bytes must be UTF-8 (bf_text_utf8).
 * One thing beyond the RFC: the numbers NaN, Infinity and -Infinity are read, and are not finite.
 * Owner: values; everything borrows.   Thread: the owner's.
 * Limits: max_depth of nesting, at most BF_JSON_DEPTH.
 * Errors: sticky. After the first fault every call answers "no more"; ask bf_json_done once at the
 * end. */
#ifndef BF_DECODE_JSON_PULL_H
#define BF_DECODE_JSON_PULL_H

#include "core/arena.h"
#include "ingest/decode/field.h"

#define BF_JSON_DEPTH 256 /* skipping recurses, so there is an end whatever the configuration says */

enum bf_json_fault { BF_JSON_OK, BF_JSON_SYNTAX, BF_JSON_TOO_DEEP, BF_JSON_BAD_TEXT, BF_JSON_NO_MEMORY };

enum bf_json_type {
    BF_JSON_OBJECT,
    BF_JSON_ARRAY,
    BF_JSON_STRING,
    BF_JSON_NUMBER,
    BF_JSON_TRUE,
    BF_JSON_FALSE,
    BF_JSON_NULL,
    BF_JSON_NOTHING /* the end, a fault, or no value's first byte */
};

struct bf_json {
    const char *begin, *at, *end;
    size_t depth, max_depth;
    enum bf_json_fault fault;
    const char *expected; /* static: "a value", "':'", ...; set with the fault */
};

struct bf_json_text { /* between the quotes, as it stands there */
    struct bf_slice raw;
    bool escaped; /* holds at least one backslash */
};

void bf_json_init(struct bf_json *json, struct bf_slice bytes, size_t max_depth);
enum bf_json_type bf_json_peek(struct bf_json *json);
/* Into the object or array that peek saw; false: too deep, or neither. */
bool bf_json_enter(struct bf_json *json);
/* The next member's key (its value comes next), or false behind the closing brace. *first: true at
 * first. */
bool bf_json_key(struct bf_json *json, bool *first, struct bf_json_text *key);
/* The same for arrays. */
bool bf_json_item(struct bf_json *json, bool *first);
/* Skips a value of any type. */
void bf_json_skip(struct bf_json *json);
/* Takes a value; objects and arrays are skipped and OTHER. Escapes are resolved into the arena. */
void bf_json_field(struct bf_json *json, struct bf_arena *arena, struct bf_field *field);
/* The text itself: raw where nothing is escaped, else a copy in the arena. Faults on lone
 * surrogates. */
struct bf_slice bf_json_unescape(struct bf_json *json, struct bf_json_text text, struct bf_arena *arena);
/* A fault that the caller sees here. `expected` is static. */
void bf_json_fail(struct bf_json *json, enum bf_json_fault fault, const char *expected);
/* Nothing but white space is left, and no fault was seen. */
bool bf_json_done(struct bf_json *json);

static inline size_t bf_json_offset(const struct bf_json *json)
{
    return (size_t)(json->at - json->begin);
}

#endif
