/* cbor_pull.c: CBOR for SenML.
 * Declined: libcbor: it builds a tree with an allocation per item, as deep as the sender likes. */
#include "ingest/decode/cbor_pull.h"

#include <math.h>

#include "ingest/decode/text.h"

#define INDEFINITE 31
#define BREAK 0xff

struct head {
    enum bf_cbor_type type;
    unsigned info; /* the low five bits */
    uint64_t value;
};

static void fault(struct bf_cbor *cbor, enum bf_cbor_fault kind, const char *expected)
{
    if (cbor->fault == BF_CBOR_OK) {
        cbor->fault = kind;
        cbor->expected = expected;
    }
}

void bf_cbor_init(struct bf_cbor *cbor, struct bf_slice bytes, size_t max_depth)
{
    const unsigned char *begin = (const unsigned char *)bytes.data;
    *cbor = (struct bf_cbor){
        .begin = begin,
        .at = begin,
        .end = begin ? begin + bytes.len : NULL,
        .max_depth = max_depth < BF_CBOR_DEPTH ? max_depth : BF_CBOR_DEPTH,
    };
}

static uint64_t left(const struct bf_cbor *cbor)
{
    return (uint64_t)(cbor->end - cbor->at);
}

/* An item's first bytes: type and argument. */
static bool take_head(struct bf_cbor *cbor, struct head *head)
{
    if (cbor->fault != BF_CBOR_OK || cbor->at == cbor->end) {
        fault(cbor, BF_CBOR_SYNTAX, "an item");
        return false;
    }
    *head = (struct head){.type = (enum bf_cbor_type)(*cbor->at >> 5), .info = *cbor->at & 0x1f};
    cbor->at++;
    head->value = head->info;
    if (head->info < 24) {
        return true;
    }
    if (head->info == INDEFINITE) {
        bool allowed = head->type >= BF_CBOR_BYTES && head->type <= BF_CBOR_MAP;
        if (!allowed) {
            fault(cbor, BF_CBOR_SYNTAX, "a length");
        }
        return allowed;
    }
    size_t length = (size_t)1 << (head->info - 24);
    if (head->info > 27 || left(cbor) < length) {
        fault(cbor, BF_CBOR_SYNTAX, "an argument");
        return false;
    }
    head->value = 0;
    for (size_t i = 0; i < length; i++) {
        head->value = head->value << 8 | *cbor->at++;
    }
    return true;
}

enum bf_cbor_type bf_cbor_peek(struct bf_cbor *cbor)
{
    struct head head;
    while (cbor->fault == BF_CBOR_OK && cbor->at < cbor->end && *cbor->at >> 5 == BF_CBOR_TAG) {
        if (take_head(cbor, &head) && (head.value == 2 || head.value == 3)) {
            fault(cbor, BF_CBOR_SYNTAX, "no bignum");
        }
    }
    if (cbor->fault != BF_CBOR_OK || cbor->at == cbor->end) {
        return BF_CBOR_NOTHING;
    }
    return (enum bf_cbor_type)(*cbor->at >> 5);
}

bool bf_cbor_enter(struct bf_cbor *cbor, enum bf_cbor_type type, struct bf_cbor_span *span)
{
    struct head head;
    if (bf_cbor_peek(cbor) != type || !take_head(cbor, &head)) {
        fault(cbor, BF_CBOR_SYNTAX, type == BF_CBOR_MAP ? "a map" : "an array");
        return false;
    }
    if (cbor->depth == cbor->max_depth) {
        fault(cbor, BF_CBOR_TOO_DEEP, "less nesting");
        return false;
    }
    *span = (struct bf_cbor_span){.left = head.value, .indefinite = head.info == INDEFINITE};
    /* Every item takes a byte, so a larger count is a lie that would only be found out late. */
    if (!span->indefinite && head.value > left(cbor) / (type == BF_CBOR_MAP ? 2 : 1)) {
        fault(cbor, BF_CBOR_SYNTAX, "as many items as announced");
        return false;
    }
    cbor->depth++;
    return true;
}

bool bf_cbor_more(struct bf_cbor *cbor, struct bf_cbor_span *span)
{
    if (cbor->fault != BF_CBOR_OK) {
        return false;
    }
    if (span->indefinite) {
        if (cbor->at == cbor->end || *cbor->at != BREAK) {
            return true; /* at the end the item that is missing is the fault */
        }
        cbor->at++;
    } else if (span->left > 0) {
        span->left--;
        return true;
    }
    cbor->depth--;
    return false;
}

/* One piece of definite length, in place. */
static struct bf_slice take_piece(struct bf_cbor *cbor, const struct head *head)
{
    struct bf_slice piece = {.data = (const char *)cbor->at, .len = 0};
    if (head->value > left(cbor)) {
        fault(cbor, BF_CBOR_SYNTAX, "as many bytes as announced");
        return piece;
    }
    piece.len = (size_t)head->value;
    cbor->at += piece.len;
    return piece;
}

/* The next piece of an indefinite string; false at its break or a fault. */
static bool next_piece(struct bf_cbor *cbor, enum bf_cbor_type type, struct bf_slice *piece)
{
    struct head head;
    if (cbor->fault == BF_CBOR_OK && cbor->at < cbor->end && *cbor->at == BREAK) {
        cbor->at++;
        return false;
    }
    if (!take_head(cbor, &head)) {
        return false;
    }
    if (head.type != type || head.info == INDEFINITE) {
        fault(cbor, BF_CBOR_SYNTAX, "a piece of the same string");
        return false;
    }
    *piece = take_piece(cbor, &head);
    return cbor->fault == BF_CBOR_OK;
}

/* A string in pieces, put together; arena NULL: only checked. */
static struct bf_slice join_pieces(struct bf_cbor *cbor, enum bf_cbor_type type, struct bf_arena *arena)
{
    struct bf_slice piece;
    struct bf_slice whole = {.data = "", .len = 0};
    const unsigned char *begin = cbor->at;
    size_t length = 0;
    while (next_piece(cbor, type, &piece)) {
        length += piece.len;
        if (type == BF_CBOR_TEXT && !bf_text_utf8(piece)) { /* each piece must be text by itself */
            fault(cbor, BF_CBOR_BAD_TEXT, "UTF-8");
        }
    }
    if (cbor->fault != BF_CBOR_OK || !arena || length == 0) {
        return whole;
    }
    char *bytes = bf_arena_alloc(arena, length);
    if (!bytes) {
        fault(cbor, BF_CBOR_NO_MEMORY, "less text");
        return whole;
    }
    cbor->at = begin;
    while (next_piece(cbor, type, &piece)) {
        memcpy(bytes + whole.len, piece.data, piece.len);
        whole.len += piece.len;
    }
    whole.data = bytes;
    return whole;
}

static struct bf_slice take_string(struct bf_cbor *cbor, const struct head *head, struct bf_arena *arena)
{
    if (head->info == INDEFINITE) {
        return join_pieces(cbor, head->type, arena);
    }
    struct bf_slice text = take_piece(cbor, head);
    if (head->type == BF_CBOR_TEXT && !bf_text_utf8(text)) {
        fault(cbor, BF_CBOR_BAD_TEXT, "UTF-8");
    }
    return text;
}

double bf_cbor_half(uint64_t bits)
{
    int exponent = (int)(bits >> 10 & 0x1f);
    double mantissa = (double)(bits & 0x3ff);
    double value = exponent == 0    ? ldexp(mantissa, -24)
                   : exponent != 31 ? ldexp(mantissa + 1024, exponent - 25)
                   : mantissa == 0  ? (double)INFINITY
                                    : (double)NAN;
    return bits & 0x8000 ? -value : value;
}

static void take_simple(struct bf_cbor *cbor, const struct head *head, struct bf_field *field)
{
    float single;
    uint32_t bits = (uint32_t)head->value;
    field->kind = BF_FIELD_DOUBLE;
    switch (head->info) {
    case 20:
    case 21:
        field->kind = BF_FIELD_BOOL;
        field->as.truth = head->info == 21;
        break;
    case 22:
    case 23:
        field->kind = BF_FIELD_NULL;
        break;
    case 25:
        field->as.number = bf_cbor_half(head->value);
        break;
    case 26:
        memcpy(&single, &bits, sizeof single);
        field->as.number = (double)single;
        break;
    case 27:
        memcpy(&field->as.number, &head->value, sizeof field->as.number);
        break;
    default:
        field->kind = BF_FIELD_OTHER;
        if (head->info == 24 && head->value < 32) {
            fault(cbor, BF_CBOR_SYNTAX, "a simple value in its short form");
        }
        break;
    }
}

static void take_integer(const struct head *head, struct bf_field *field)
{
    bool negative = head->type == BF_CBOR_NEGATIVE;
    if (head->value <= INT64_MAX) {
        field->kind = BF_FIELD_INT;
        field->as.integer = negative ? -1 - (int64_t)head->value : (int64_t)head->value;
    } else {
        field->kind = BF_FIELD_DOUBLE;
        field->as.number = negative ? -1 - (double)head->value : (double)head->value;
    }
}

static void skip_span(struct bf_cbor *cbor, enum bf_cbor_type type)
{
    struct bf_cbor_span span;
    if (!bf_cbor_enter(cbor, type, &span)) {
        return;
    }
    while (bf_cbor_more(cbor, &span)) {
        bf_cbor_skip(cbor);
        if (type == BF_CBOR_MAP) {
            bf_cbor_skip(cbor);
        }
    }
}

static void take_item(struct bf_cbor *cbor, struct bf_arena *arena, struct bf_field *field)
{
    struct head head;
    enum bf_cbor_type type = bf_cbor_peek(cbor);
    field->kind = BF_FIELD_OTHER;
    if (type == BF_CBOR_ARRAY || type == BF_CBOR_MAP) {
        skip_span(cbor, type);
        return;
    }
    if (!take_head(cbor, &head)) {
        return;
    }
    if (type == BF_CBOR_SIMPLE) {
        take_simple(cbor, &head, field);
    } else if (type == BF_CBOR_UNSIGNED || type == BF_CBOR_NEGATIVE) {
        take_integer(&head, field);
    } else {
        field->as.text = take_string(cbor, &head, arena);
        field->kind = type == BF_CBOR_TEXT ? BF_FIELD_TEXT : BF_FIELD_BYTES;
    }
}

void bf_cbor_field(struct bf_cbor *cbor, struct bf_arena *arena, struct bf_field *field)
{
    take_item(cbor, arena, field);
}

void bf_cbor_skip(struct bf_cbor *cbor)
{
    struct bf_field ignored;
    take_item(cbor, NULL, &ignored);
}

bool bf_cbor_done(struct bf_cbor *cbor)
{
    if (cbor->fault == BF_CBOR_OK && cbor->at != cbor->end) {
        fault(cbor, BF_CBOR_SYNTAX, "the end");
    }
    return cbor->fault == BF_CBOR_OK;
}
