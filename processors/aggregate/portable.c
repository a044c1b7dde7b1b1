/* portable.c: series after a reduction that makes them short. Each is cut where the next term is below half
 * a unit in the last place. */
#include "processors/aggregate/portable.h"

#include <math.h>
#include <stddef.h>

#define LN2 0.69314718055994530942
#define SQRT_HALF 0.70710678118654752440
#define DEGREE 0.017453292519943295769 /* in radians */
#define COUNT(array) (sizeof(array) / sizeof *(array))

/* By Horner, the highest power first. */
static double polynomial(const double *coefficients, size_t count, double x)
{
    double value = coefficients[0];
    for (size_t i = 1; i < count; i++) {
        value = value * x + coefficients[i];
    }
    return value;
}

/* ln m = 2 (s + s^3/3 + s^5/5 + ...) with s = (m - 1) / (m + 1); |s| < 0.1716. */
double bf_portable_log2(double x)
{
    static const double odd[] = {1.0 / 21, 1.0 / 19, 1.0 / 17, 1.0 / 15, 1.0 / 13, 1.0 / 11,
                                 1.0 / 9,  1.0 / 7,  1.0 / 5,  1.0 / 3,  1.0};
    int exponent = 0;
    double m = frexp(x, &exponent);
    if (m < SQRT_HALF) {
        m *= 2;
        exponent--;
    }
    double s = (m - 1) / (m + 1);
    return exponent + 2 * s * polynomial(odd, COUNT(odd), s * s) / LN2;
}

/* 2^x = 2^whole e^(rest ln 2); |rest ln 2| < 0.347. */
double bf_portable_exp2(double x)
{
    static const double inverse_factorials[] = {1.0 / 6227020800,
                                                1.0 / 479001600,
                                                1.0 / 39916800,
                                                1.0 / 3628800,
                                                1.0 / 362880,
                                                1.0 / 40320,
                                                1.0 / 5040,
                                                1.0 / 720,
                                                1.0 / 120,
                                                1.0 / 24,
                                                1.0 / 6,
                                                1.0 / 2,
                                                1.0,
                                                1.0};
    if (x > 1100 || x < -1200) {
        return x > 0 ? HUGE_VAL : 0;
    }
    double whole = floor(x + 0.5);
    return ldexp(polynomial(inverse_factorials, COUNT(inverse_factorials), (x - whole) * LN2), (int)whole);
}

/* Within an eighth of a turn of zero. */
static void small_sincos(double degrees, double *sine, double *cosine)
{
    static const double odd[] = {1.0 / 355687428096000,
                                 -1.0 / 1307674368000,
                                 1.0 / 6227020800,
                                 -1.0 / 39916800,
                                 1.0 / 362880,
                                 -1.0 / 5040,
                                 1.0 / 120,
                                 -1.0 / 6,
                                 1.0};
    static const double even[] = {1.0 / 20922789888000,
                                  -1.0 / 87178291200,
                                  1.0 / 479001600,
                                  -1.0 / 3628800,
                                  1.0 / 40320,
                                  -1.0 / 720,
                                  1.0 / 24,
                                  -1.0 / 2,
                                  1.0};
    double x = degrees * DEGREE;
    *sine = x * polynomial(odd, COUNT(odd), x * x);
    *cosine = polynomial(even, COUNT(even), x * x);
}

void bf_portable_sincos(double degrees, double *sine, double *cosine)
{
    double turned = fmod(degrees, 360);
    double quarter = floor(turned / 90 + 0.5);
    double s = 0;
    double c = 0;
    small_sincos(turned - quarter * 90, &s, &c);
    switch (((int)quarter + 4) & 3) {
    case 0:
        *sine = s;
        *cosine = c;
        break;
    case 1:
        *sine = c;
        *cosine = -s;
        break;
    case 2:
        *sine = -s;
        *cosine = -c;
        break;
    default:
        *sine = -c;
        *cosine = s;
        break;
    }
}

/* Of t from 0 to 1. Halved twice, arctan t = 2 arctan(t / (1 + sqrt(1 + t^2))), t is below 0.2. */
static double arctan_degrees(double t)
{
    static const double odd[] = {1.0 / 21, -1.0 / 19, 1.0 / 17, -1.0 / 15, 1.0 / 13, -1.0 / 11,
                                 1.0 / 9,  -1.0 / 7,  1.0 / 5,  -1.0 / 3,  1.0};
    for (int i = 0; i < 2; i++) {
        t = t / (1 + sqrt(1 + t * t));
    }
    return 4 * t * polynomial(odd, COUNT(odd), t * t) / DEGREE;
}

double bf_portable_direction(double y, double x)
{
    double height = fabs(y);
    double width = fabs(x);
    double angle = height <= width ? arctan_degrees(height / width) : 90 - arctan_degrees(width / height);
    angle = x < 0 ? 180 - angle : angle;
    angle = y < 0 ? 360 - angle : angle;
    return angle < 360 ? angle : 0; /* a rounding away from a whole turn */
}
