/* number.h: a decimal number as it was written, so that nothing is lost before it is known what
 * the number is for: a double (correctly rounded), an int64 (exact), or a time (exact to the
 * microsecond).
 *
 * Grammar: JSON's (RFC 8259, 6), and the words NaN, Infinity and -Infinity, which JSON forbids and
 * Python writes: they make one reading bad, not a message.
 * Owner: values; text borrows.   Thread: any, after bf_number_setup has run once.
 * Limits: a number of more than BF_NUMBER_MAX characters has no double. */
#ifndef BF_DECODE_NUMBER_H
#define BF_DECODE_NUMBER_H

#include <stdint.h>

#include "core/slice.h"

#define BF_NUMBER_MAX 1024

struct bf_number { /* (-1)^negative * mantissa * 10^exponent where exact */
    struct bf_slice text;
    uint64_t mantissa;
    int32_t exponent;
    bool negative;
    bool exact;  /* mantissa holds every digit that is not zero */
    bool finite; /* false for the words */
};

/* Makes the C locale's handle for the slow path (it allocates; call it at start). False: out of
 * memory. */
bool bf_number_setup(void);

/* Reads the longest number at `*at` and moves *at behind it; false leaves *at at the first bad
 * byte. */
bool bf_number_scan(const char **at, const char *end, struct bf_number *number);
/* The same for a text that must be a number and nothing else. */
bool bf_number_parse(struct bf_slice text, struct bf_number *number);

/* The nearest double; false where it is not finite or the text is too long. */
bool bf_number_double(const struct bf_number *number, double *value);
/* False unless it is an integer within int64 (5.0 and 1e3 are). */
bool bf_number_int64(const struct bf_number *number, int64_t *value);
/* floor(number * 10^power) for 0 <= power <= 6; false where that does not fit. */
bool bf_number_scaled(const struct bf_number *number, int power, int64_t *value);

#endif
