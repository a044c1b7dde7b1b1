/* number.c: decimal text to numbers. Short numbers, which is nearly all that devices send, take
 * Clinger's fast path: a mantissa of at most 2^53 and a power of ten of at most 22 are both exact
 * doubles, so one multiplication or division rounds once, and therefore correctly. The rest goes
 * to strtod_l in the C locale, so no program's setlocale can turn the decimal point into a comma.
 * Declined: Eisel-Lemire: a table of 10 KB to speed up numbers that hardly occur. */
#include "ingest/decode/number.h"

#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#define DIGITS 19           /* of the mantissa: 10^19 - 1 fits 64 bits */
#define EXPONENT_MAX 100000 /* beyond it every number is 0 or infinite, however long its digits */

static locale_t c_locale;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_locale(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

bool bf_number_setup(void)
{
    return pthread_once(&once, make_locale) == 0 && c_locale != (locale_t)0;
}

static bool is_digit(const char *at, const char *end)
{
    return at < end && (unsigned char)(*at - '0') < 10;
}

static const char *scan_digits(const char *at, const char *end, struct bf_number *number, int *digits,
                               bool fraction)
{
    for (; is_digit(at, end); at++) {
        unsigned digit = (unsigned char)(*at - '0');
        if (*digits < DIGITS) {
            number->mantissa = number->mantissa * 10 + digit;
            *digits += number->mantissa != 0; /* leading zeros are none */
            number->exponent -= fraction;
        } else {
            number->exact = number->exact && digit == 0;
            number->exponent += !fraction && number->exponent < EXPONENT_MAX;
        }
    }
    return at;
}

static const char *scan_exponent(const char *at, const char *end, struct bf_number *number)
{
    bool negative = at < end && *at == '-';
    int32_t exponent = 0;
    at += at < end && (*at == '-' || *at == '+');
    if (!is_digit(at, end)) {
        return NULL;
    }
    for (; is_digit(at, end); at++) {
        if (exponent < EXPONENT_MAX) {
            exponent = exponent * 10 + (*at - '0');
        }
    }
    number->exponent += negative ? -exponent : exponent;
    return at;
}

static bool scan_word(const char **at, const char *end)
{
    static const struct bf_slice words[] = {BF_SLICE_INIT("Infinity"), BF_SLICE_INIT("NaN")};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if ((size_t)(end - *at) >= words[i].len && memcmp(*at, words[i].data, words[i].len) == 0) {
            *at += words[i].len;
            return true;
        }
    }
    return false;
}

/* More digits than the mantissa holds: once more, with care. */
static void scan_long(struct bf_number *number, const char *at, const char *end)
{
    int digits = 0;
    number->mantissa = 0;
    number->exponent = 0;
    at = scan_digits(at, end, number, &digits, false);
    if (at < end && *at == '.') {
        (void)scan_digits(at + 1, end, number, &digits, true);
    }
}

/* Digits without a care for overflow: the caller counts them. */
static inline const char *scan_short(const char *at, const char *end, uint64_t *mantissa)
{
    uint64_t value = *mantissa;
    for (; is_digit(at, end); at++) {
        value = value * 10 + (uint64_t)(*at - '0');
    }
    *mantissa = value;
    return at;
}

static bool scan_special(const char **at, const char *end, struct bf_number *number)
{
    number->finite = false;
    number->exact = false;
    return scan_word(at, end);
}

bool bf_number_scan(const char **from, const char *end, struct bf_number *number)
{
    const char *begin = *from;
    uint64_t mantissa = 0;
    bool negative = begin < end && *begin == '-';
    const char *at = begin + negative, *digits = at;
    number->negative = negative;
    number->exact = true;
    number->finite = true;
    number->exponent = 0;
    *from = at;
    if (!is_digit(at, end)) {
        bool special = scan_special(from, end, number);
        number->text = (struct bf_slice){.data = begin, .len = (size_t)(*from - begin)};
        return special;
    }
    at = *at == '0' ? at + 1 : scan_short(at, end, &mantissa); /* JSON: a leading zero stands alone */
    size_t length = (size_t)(at - digits);
    if (at < end && *at == '.') {
        const char *fraction = at + 1;
        at = scan_short(fraction, end, &mantissa);
        *from = at;
        if (at == fraction) {
            return false;
        }
        number->exponent = (int32_t) - (at - fraction < EXPONENT_MAX ? at - fraction : EXPONENT_MAX);
        length += (size_t)(at - fraction);
    }
    number->mantissa = mantissa;
    if (length > DIGITS) {
        scan_long(number, digits, end);
    }
    *from = at;
    if (at < end && (*at | 0x20) == 'e' && !(at = scan_exponent(at + 1, end, number))) {
        return false;
    }
    *from = at;
    number->text = (struct bf_slice){.data = begin, .len = (size_t)(at - begin)};
    return true;
}

bool bf_number_parse(struct bf_slice text, struct bf_number *number)
{
    const char *at = text.data;
    const char *end = text.data + text.len;
    return text.len > 0 && bf_number_scan(&at, end, number) && at == end;
}

static bool slow_double(const struct bf_number *number, double *value)
{
    char text[BF_NUMBER_MAX + 1];
    if (number->text.len > BF_NUMBER_MAX || !bf_number_setup()) {
        return false;
    }
    memcpy(text, number->text.data, number->text.len);
    text[number->text.len] = '\0';
    *value = strtod_l(text, NULL, c_locale);
    return isfinite(*value);
}

bool bf_number_double(const struct bf_number *number, double *value)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    if (!number->finite) {
        return false;
    }
    if (!number->exact || number->mantissa > (UINT64_C(1) << 53) || number->exponent > 22 ||
        number->exponent < -22) {
        return slow_double(number, value);
    }
    double mantissa = (double)number->mantissa;
    double magnitude =
        number->exponent < 0 ? mantissa / powers[-number->exponent] : mantissa * powers[number->exponent];
    *value = number->negative ? -magnitude : magnitude;
    return true;
}

/* mantissa * 10^exponent as an integer; *rest tells whether digits behind the point were cut. */
static bool integer_part(uint64_t mantissa, int32_t exponent, uint64_t *whole, bool *rest)
{
    *rest = false;
    for (; exponent > 0 && mantissa != 0; exponent--) {
        if (mantissa > UINT64_MAX / 10) {
            return false;
        }
        mantissa *= 10;
    }
    for (; exponent < 0 && mantissa != 0; exponent++) {
        *rest = *rest || mantissa % 10 != 0;
        mantissa /= 10;
    }
    *whole = mantissa;
    return true;
}

static bool with_sign(uint64_t magnitude, bool negative, int64_t *value)
{
    if (magnitude > (uint64_t)INT64_MAX + negative) {
        return false;
    }
    *value = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return true;
}

bool bf_number_int64(const struct bf_number *number, int64_t *value)
{
    uint64_t whole;
    bool rest;
    return number->finite && number->exact &&
           integer_part(number->mantissa, number->exponent, &whole, &rest) && !rest &&
           with_sign(whole, number->negative, value);
}

bool bf_number_scaled(const struct bf_number *number, int power, int64_t *value)
{
    uint64_t whole;
    bool rest;
    if (!number->finite || !integer_part(number->mantissa, number->exponent + power, &whole, &rest)) {
        return false;
    }
    if (number->negative && (rest || !number->exact)) {
        whole++; /* towards minus infinity */
    }
    return with_sign(whole, number->negative, value);
}
