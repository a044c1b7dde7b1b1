/* scalar.c: one table of units per kind of value. See scalar.h.
 * Declined: `1h30m` (one way to write a thing) and bare numbers of seconds (which unit was meant?). */
#include "config/scalar.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct scale {
    const char *name;
    int64_t factor;
};

/* Ascending, so that formatting finds the largest that divides. */
static const struct scale durations[] = {
    {.name = "us", .factor = 1},
    {.name = "ms", .factor = INT64_C(1000)},
    {.name = "s", .factor = INT64_C(1000000)},
    {.name = "m", .factor = INT64_C(60) * 1000000},
    {.name = "h", .factor = INT64_C(3600) * 1000000},
    {.name = "d", .factor = INT64_C(86400) * 1000000},
    {.name = NULL},
};
static const struct scale sizes[] = {
    {.name = "B", .factor = 1},
    {.name = "KiB", .factor = INT64_C(1) << 10},
    {.name = "MiB", .factor = INT64_C(1) << 20},
    {.name = "GiB", .factor = INT64_C(1) << 30},
    {.name = NULL},
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Digits at the start of the text; *used tells how many. False where there are none or they overflow. */
static bool read_digits(struct bf_slice text, int64_t *value, size_t *used)
{
    int64_t sum = 0;
    size_t at = 0;
    for (; at < text.len && is_digit(text.data[at]); at++) {
        if (__builtin_mul_overflow(sum, (int64_t)10, &sum) ||
            __builtin_add_overflow(sum, (int64_t)(text.data[at] - '0'), &sum)) {
            return false;
        }
    }
    *value = sum;
    *used = at;
    return at > 0;
}

bool bf_scalar_integer(struct bf_slice text, int64_t *value)
{
    bool negative = text.len > 0 && text.data[0] == '-';
    struct bf_slice digits = negative ? (struct bf_slice){text.data + 1, text.len - 1} : text;
    size_t used = 0;
    int64_t magnitude = 0;
    if (!read_digits(digits, &magnitude, &used) || used != digits.len) {
        return false;
    }
    *value = negative ? -magnitude : magnitude;
    return true;
}

/* -?digits(.digits)?([eE][+-]?digits)?, or .digits: what strtod would take beyond that is no number here. */
static bool looks_decimal(struct bf_slice text)
{
    size_t at = 0, digits = 0;
    at += at < text.len && (text.data[at] == '-' || text.data[at] == '+') ? 1 : 0;
    for (; at < text.len && is_digit(text.data[at]); at++) {
        digits++;
    }
    if (at < text.len && text.data[at] == '.') {
        for (at++; at < text.len && is_digit(text.data[at]); at++) {
            digits++;
        }
    }
    if (digits == 0) {
        return false;
    }
    if (at < text.len && (text.data[at] == 'e' || text.data[at] == 'E')) {
        at++;
        at += at < text.len && (text.data[at] == '-' || text.data[at] == '+') ? 1 : 0;
        size_t start = at;
        while (at < text.len && is_digit(text.data[at])) {
            at++;
        }
        if (at == start) {
            return false;
        }
    }
    return at == text.len;
}

bool bf_scalar_number(struct bf_slice text, double *value)
{
    char copy[64];
    if (bf_slice_equal(text, BF_SLICE(".inf")) || bf_slice_equal(text, BF_SLICE("-.inf"))) {
        *value = text.data[0] == '-' ? -INFINITY : INFINITY;
        return true;
    }
    if (text.len >= sizeof copy || !looks_decimal(text)) {
        return false;
    }
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    *value = strtod(copy, NULL);
    return isfinite(*value) != 0;
}

bool bf_scalar_bool(struct bf_slice text, bool *value)
{
    *value = bf_slice_equal(text, BF_SLICE("true"));
    return *value || bf_slice_equal(text, BF_SLICE("false"));
}

static bool read_scaled(struct bf_slice text, const struct scale *scales, int64_t *value)
{
    size_t used = 0;
    int64_t count = 0;
    if (!read_digits(text, &count, &used)) {
        return false;
    }
    struct bf_slice unit = {text.data + used, text.len - used};
    if (unit.len == 0) {
        *value = 0;
        return count == 0;
    }
    for (; scales->name != NULL; scales++) {
        if (bf_slice_equal(unit, bf_slice_of(scales->name))) {
            return !__builtin_mul_overflow(count, scales->factor, value);
        }
    }
    return false;
}

bool bf_scalar_duration(struct bf_slice text, int64_t *value_us)
{
    return read_scaled(text, durations, value_us);
}

bool bf_scalar_size(struct bf_slice text, uint64_t *value)
{
    int64_t bytes = 0;
    if (!read_scaled(text, sizes, &bytes)) {
        return false;
    }
    *value = (uint64_t)bytes;
    return true;
}

char *bf_scalar_format_number(double value, char *text, size_t size)
{
    snprintf(text, size, "%.15g", value);
    return text;
}

static char *format_scaled(double value, const struct scale *scales, char *text, size_t size)
{
    const struct scale *best = scales;
    for (; scales->name != NULL; scales++) {
        if (value >= (double)scales->factor && fmod(value, (double)scales->factor) == 0.0) {
            best = scales;
        }
    }
    snprintf(text, size, "%.0f%s", value / (double)best->factor, value > 0 ? best->name : "");
    return text;
}

char *bf_scalar_format_duration(double value_us, char *text, size_t size)
{
    return format_scaled(value_us, durations, text, size);
}

char *bf_scalar_format_size(double value, char *text, size_t size)
{
    return format_scaled(value, sizes, text, size);
}
