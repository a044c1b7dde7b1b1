/* cbor_pull.h: a bounded reader for CBOR (RFC 8949) over borrowed bytes, as json_pull.h is for
 * JSON. Definite and indefinite lengths, all floats; tags are skipped, but bignums are refused:
 * nothing that a sensor measures needs more than 64 bits.
 *
 *     struct bf_cbor_span span;
 *     bf_cbor_enter(&cbor, BF_CBOR_ARRAY, &span);
 *     while (bf_cbor_more(&cbor, &span)) { bf_cbor_field(&cbor, arena, &field); }
 *
 * Owner: values; everything borrows.   Thread: the owner's.   Limits: max_depth of nesting.
 * Errors: sticky, as in json_pull.h. */
#ifndef BF_DECODE_CBOR_PULL_H
#define BF_DECODE_CBOR_PULL_H

#include "core/arena.h"
#include "ingest/decode/field.h"

#define BF_CBOR_DEPTH 256

enum bf_cbor_fault { BF_CBOR_OK, BF_CBOR_SYNTAX, BF_CBOR_TOO_DEEP, BF_CBOR_BAD_TEXT, BF_CBOR_NO_MEMORY };

/* Major types. */
enum bf_cbor_type {
    BF_CBOR_UNSIGNED,
    BF_CBOR_NEGATIVE,
    BF_CBOR_BYTES,
    BF_CBOR_TEXT,
    BF_CBOR_ARRAY,
    BF_CBOR_MAP,
    BF_CBOR_TAG,
    BF_CBOR_SIMPLE,
    BF_CBOR_NOTHING /* the end or a fault */
};

struct bf_cbor {
    const unsigned char *begin, *at, *end;
    size_t depth, max_depth;
    enum bf_cbor_fault fault;
    const char *expected; /* static */
};

struct bf_cbor_span { /* what is left of an array or map; a map counts its pairs */
    uint64_t left;
    bool indefinite;
};

void bf_cbor_init(struct bf_cbor *cbor, struct bf_slice bytes, size_t max_depth);
/* The next item's type, behind its tags. */
enum bf_cbor_type bf_cbor_peek(struct bf_cbor *cbor);
/* Into an array or map; a fault where the next item is not of that type. */
bool bf_cbor_enter(struct bf_cbor *cbor, enum bf_cbor_type type, struct bf_cbor_span *span);
/* One more item or pair? */
bool bf_cbor_more(struct bf_cbor *cbor, struct bf_cbor_span *span);
/* Takes an item: integers INT (DOUBLE beyond int64), floats DOUBLE, texts TEXT and bytes BYTES (put
 * together in the arena where they come in pieces), null and undefined NULL; arrays, maps and
 * other simple values OTHER. */
void bf_cbor_field(struct bf_cbor *cbor, struct bf_arena *arena, struct bf_field *field);
void bf_cbor_skip(struct bf_cbor *cbor);
bool bf_cbor_done(struct bf_cbor *cbor);
/* A 16-bit float (IEEE 754 binary16) by its bits. */
double bf_cbor_half(uint64_t bits);

#endif
