/* field.c: what a value of a payload says when it is asked for a number, a truth or a text. */
#include "ingest/decode/field.h"

#include <math.h>
#include <stdio.h>

/* The decimal behind a field; BAD_NUMBER for texts such as "nan" that mean to be one. */
static enum bf_field_answer decimal_of(const struct bf_field *field, struct bf_number *number)
{
    static const char *const words[] = {"nan", "inf", "infinity"};
    if (field->kind == BF_FIELD_DECIMAL) {
        *number = field->as.decimal;
        return BF_FIELD_OK;
    }
    if (field->kind != BF_FIELD_TEXT) {
        return BF_FIELD_BAD_TYPE;
    }
    struct bf_slice text = field->as.text;
    if (bf_number_parse(text, number)) {
        return BF_FIELD_OK;
    }
    if (text.len > 0 && (text.data[0] == '-' || text.data[0] == '+')) {
        text.data++;
        text.len--;
    }
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (text.len == strlen(words[i]) && strncasecmp(text.data, words[i], text.len) == 0) {
            return BF_FIELD_BAD_NUMBER;
        }
    }
    return BF_FIELD_BAD_TYPE;
}

enum bf_field_answer bf_field_double(const struct bf_field *field, double *value)
{
    struct bf_number number;
    if (field->kind == BF_FIELD_DOUBLE) {
        *value = field->as.number;
        return isfinite(*value) ? BF_FIELD_OK : BF_FIELD_BAD_NUMBER;
    }
    if (field->kind == BF_FIELD_INT) {
        *value = (double)field->as.integer;
        return BF_FIELD_OK;
    }
    enum bf_field_answer answer = decimal_of(field, &number);
    if (answer != BF_FIELD_OK) {
        return answer;
    }
    return bf_number_double(&number, value) ? BF_FIELD_OK : BF_FIELD_BAD_NUMBER;
}

/* Below 2^63 in magnitude, so that the cast is defined. */
static bool fits_int64(double value)
{
    return value >= -0x1p63 && value < 0x1p63;
}

bool bf_field_int64(const struct bf_field *field, int64_t *value)
{
    struct bf_number number;
    if (field->kind == BF_FIELD_INT) {
        *value = field->as.integer;
        return true;
    }
    if (field->kind == BF_FIELD_DOUBLE) {
        if (!fits_int64(field->as.number) || field->as.number != trunc(field->as.number)) {
            return false;
        }
        *value = (int64_t)field->as.number;
        return true;
    }
    return decimal_of(field, &number) == BF_FIELD_OK && bf_number_int64(&number, value);
}

enum bf_field_answer bf_field_bool(const struct bf_field *field, bool *value)
{
    int64_t integer;
    if (field->kind == BF_FIELD_BOOL) {
        *value = field->as.truth;
        return BF_FIELD_OK;
    }
    if (field->kind == BF_FIELD_TEXT && (bf_slice_equal(field->as.text, BF_SLICE("true")) ||
                                         bf_slice_equal(field->as.text, BF_SLICE("false")))) {
        *value = field->as.text.len == 4;
        return BF_FIELD_OK;
    }
    if (!bf_field_int64(field, &integer) || integer < 0 || integer > 1) {
        return BF_FIELD_BAD_TYPE;
    }
    *value = integer == 1;
    return BF_FIELD_OK;
}

enum bf_field_answer bf_field_scaled(const struct bf_field *field, int power, int64_t *value)
{
    static const double powers[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6};
    static const int64_t factors[] = {1, 10, 100, 1000, 10000, 100000, 1000000};
    struct bf_number number;
    if (field->kind == BF_FIELD_DOUBLE) {
        /* Rounded, not cut: a binary double stands a little beside the decimal time that was
         * meant. */
        double scaled = nearbyint(field->as.number * powers[power]);
        if (!isfinite(scaled) || !fits_int64(scaled)) {
            return BF_FIELD_BAD_NUMBER;
        }
        *value = (int64_t)scaled;
        return BF_FIELD_OK;
    }
    if (field->kind == BF_FIELD_INT) {
        return __builtin_mul_overflow(field->as.integer, factors[power], value) ? BF_FIELD_BAD_NUMBER
                                                                                : BF_FIELD_OK;
    }
    enum bf_field_answer answer = decimal_of(field, &number);
    if (answer != BF_FIELD_OK) {
        return answer;
    }
    return bf_number_scaled(&number, power, value) ? BF_FIELD_OK : BF_FIELD_BAD_NUMBER;
}

struct bf_slice bf_field_text(const struct bf_field *field, char scratch[BF_FIELD_SCRATCH])
{
    int length = 0;
    switch (field->kind) {
    case BF_FIELD_TEXT:
        return field->as.text;
    case BF_FIELD_DECIMAL:
        return field->as.decimal.text;
    case BF_FIELD_BOOL:
        return field->as.truth ? BF_SLICE("true") : BF_SLICE("false");
    case BF_FIELD_INT:
        length = snprintf(scratch, BF_FIELD_SCRATCH, "%lld", (long long)field->as.integer);
        break;
    case BF_FIELD_DOUBLE:
        length = snprintf(scratch, BF_FIELD_SCRATCH, "%.17g", field->as.number);
        break;
    case BF_FIELD_MISSING:
    case BF_FIELD_NULL:
    case BF_FIELD_BYTES:
    case BF_FIELD_OTHER:
    default:
        break;
    }
    return (struct bf_slice){.data = scratch, .len = length > 0 ? (size_t)length : 0};
}

bool bf_field_name(const struct bf_field *field, struct bf_arena *arena, struct bf_slice *name)
{
    char scratch[BF_FIELD_SCRATCH];
    *name = bf_field_text(field, scratch);
    if (name->data == scratch) {
        *name = bf_arena_copy(arena, *name);
    }
    return name->data != NULL;
}
