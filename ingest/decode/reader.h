/* reader.h: what the formats whose payloads are trees have in common: maps, lists and values, read
 * from front to back. document.c knows paths, lists of items and records; a reader knows bytes.
 *
 *     struct bf_reader_level level;
 *     reader.kind->enter(&reader, &level);                      // where peek says MAP
 *     while (reader.kind->key(&reader, &level, &key)) { ... field or skip ... }
 *     if (!reader.kind->done(&reader, &fault)) { fault.reason, fault.expected }
 *
 * Owner: values, they may be copied to read a part once more; everything borrows.
 * Thread: the owner's.   Limits: max_depth of nesting.
 * Errors: sticky. After the first fault every call answers "no more"; ask done once at the end. */
#ifndef BF_DECODE_READER_H
#define BF_DECODE_READER_H

#include "config/city.h"
#include "core/mp.h"
#include "ingest/decode/cbor_pull.h"
#include "ingest/decode/json_pull.h"
#include "ingest/decode/reason.h"

enum bf_reader_type { BF_READER_MAP, BF_READER_LIST, BF_READER_VALUE /* or nothing at all */ };

struct bf_reader_level { /* of a map or list that is being read; the reader's own */
    bool first;
    struct bf_cbor_span span;
};

struct bf_reader_fault {
    enum bf_reject_reason reason;
    size_t offset;
    const char *expected; /* static */
};

struct bf_reader {
    const struct bf_reader_kind *kind;
    struct bf_arena *arena;           /* for texts that do not stand in the payload as they are */
    const struct bf_profile *profile; /* for what a format lets it say */
    union {
        struct bf_json json;
        struct bf_cbor cbor;
        struct bf_msgpack {
            struct bf_mp_reader mp;
            const unsigned char *begin;
            size_t depth, max_depth;
            enum bf_reject_reason reason; /* of a fault, and what was expected */
            const char *expected;
        } msgpack;
        struct bf_rows { /* csv, ultralight: a list of maps of values */
            const char *begin, *at, *end;
            unsigned depth; /* 0: before the list, 1: before a row, 2: in a row */
            bool begun;     /* the row at hand has given a cell */
            size_t column;  /* of the next cell; of the next group */
            bool timed;     /* ultralight: the group at hand begins with a time */
            char delimiter;
            const struct bf_slice *names;
            size_t name_count;
            enum bf_reject_reason reason;
            const char *expected; /* NULL: no fault */
        } rows;
    } as;
};

struct bf_reader_kind {
    bool utf8; /* the payload as a whole must be UTF-8 */
    bool rows; /* the payload is a list of records, whatever the profile says */
    void (*init)(struct bf_reader *reader, struct bf_slice bytes, size_t max_depth);
    enum bf_reader_type (*peek)(struct bf_reader *reader);
    /* Into the map or list that peek saw. */
    bool (*enter)(struct bf_reader *reader, struct bf_reader_level *level);
    /* The next member's key (its value comes next), or false behind the last one. bf_reader_name gives
     * its text: resolving escapes here would cost every key a copy. */
    bool (*key)(struct bf_reader *reader, struct bf_reader_level *level, struct bf_json_text *key);
    bool (*item)(struct bf_reader *reader, struct bf_reader_level *level);
    /* Takes a value; maps and lists are skipped and OTHER. */
    void (*field)(struct bf_reader *reader, struct bf_field *field);
    void (*skip_value)(struct bf_reader *reader);
    bool (*good)(const struct bf_reader *reader); /* no fault so far */
    /* Nothing is left, and no fault was seen; else *fault. */
    bool (*done)(struct bf_reader *reader, struct bf_reader_fault *fault);
};

extern const struct bf_reader_kind bf_json_reader, bf_cbor_reader, bf_msgpack_reader;

/* A reader at the first byte. */
static inline void bf_reader_init(struct bf_reader *reader, const struct bf_reader_kind *kind,
                                  struct bf_slice bytes, size_t max_depth, struct bf_arena *arena)
{
    reader->kind = kind;
    reader->arena = arena;
    kind->init(reader, bytes, max_depth);
}

static inline struct bf_slice bf_reader_name(struct bf_reader *reader, struct bf_json_text key)
{
    return key.escaped ? bf_json_unescape(&reader->as.json, key, reader->arena) : key.raw;
}

#endif
