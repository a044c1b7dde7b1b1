/* number.c: a dashboard shows what it reads, so 0.1 must not become 0.10000000000000001, and what it
 * computes with must be what belfry computed. 15 digits always survive text -> double -> text, 17 always
 * survive double -> text -> double; the shortest that does lies between.
 * Declined: Ryu or Grisu: a few values per record do not pay for a thousand lines. */
#include "core/number.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXACT 1e15 /* below it whole numbers have at most 15 digits */

size_t bf_number_format_int(int64_t value, char text[BF_NUMBER_MAX])
{
    char digits[BF_NUMBER_MAX];
    size_t at = sizeof digits;
    bool negative = value < 0;
    uint64_t rest = negative ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (negative) {
        digits[--at] = '-';
    }
    memcpy(text, digits + at, sizeof digits - at);
    return sizeof digits - at;
}

size_t bf_number_format(double value, char text[BF_NUMBER_MAX])
{
    assert(isfinite(value));
    if (fabs(value) < EXACT && value == trunc(value)) {
        return bf_number_format_int((int64_t)value, text);
    }
    int len = 0;
    for (int digits = 15; digits <= 17; digits++) {
        len = snprintf(text, BF_NUMBER_MAX, "%.*g", digits, value);
        if (strtod(text, NULL) == value) { /* the same bits: neither is zero or NaN here */
            break;
        }
    }
    return (size_t)len;
}
