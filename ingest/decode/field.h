/* field.h: one value of a payload, whatever the format: what decoders hand to normalise.c.
 * Owner: values; texts borrow from the payload or the arena.   Thread: any. */
#ifndef BF_DECODE_FIELD_H
#define BF_DECODE_FIELD_H

#include "core/arena.h"
#include "ingest/decode/number.h"

enum bf_field_kind {
    BF_FIELD_MISSING,
    BF_FIELD_NULL,
    BF_FIELD_BOOL,
    BF_FIELD_DECIMAL, /* as written */
    BF_FIELD_DOUBLE,  /* binary formats */
    BF_FIELD_INT,     /* binary formats */
    BF_FIELD_TEXT,
    BF_FIELD_BYTES, /* binary formats; in as.text, and nobody has looked whether they are UTF-8 */
    BF_FIELD_OTHER  /* a map, a list: there, but no value */
};

struct bf_field {
    enum bf_field_kind kind;
    union {
        bool truth;
        struct bf_number decimal;
        double number;
        int64_t integer;
        struct bf_slice text;
    } as;
};

enum bf_field_answer { BF_FIELD_OK, BF_FIELD_BAD_TYPE, BF_FIELD_BAD_NUMBER };

static inline bool bf_field_absent(const struct bf_field *field)
{
    return field->kind == BF_FIELD_MISSING || field->kind == BF_FIELD_NULL;
}

/* Texts that hold a number are numbers (many devices quote them). A double is finite where OK. */
enum bf_field_answer bf_field_double(const struct bf_field *field, double *value);
/* True only for what is exactly an int64. */
bool bf_field_int64(const struct bf_field *field, int64_t *value);
/* true, false, 1, 0, and the same as texts. */
enum bf_field_answer bf_field_bool(const struct bf_field *field, bool *value);
/* floor(value * 10^power), for times. */
enum bf_field_answer bf_field_scaled(const struct bf_field *field, int power, int64_t *value);
/* The field as text: texts as they are, numbers as they were written, true and false. Empty where
 * it has none. Binary numbers are printed into `scratch`. */
#define BF_FIELD_SCRATCH 32
struct bf_slice bf_field_text(const struct bf_field *field, char scratch[BF_FIELD_SCRATCH]);
/* The same where it has to last as long as the arena; false: the arena is full. */
bool bf_field_name(const struct bf_field *field, struct bf_arena *arena, struct bf_slice *name);

#endif
