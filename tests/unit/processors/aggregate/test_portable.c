/* Functions made of + - * / alone, held against libm's, whose error is below a unit in the last place. */
#include "tests/unit/processors/aggregate/feed.h"

#include <float.h>

#include "processors/aggregate/portable.h"

#define PI 3.14159265358979323846

static void logarithms_and_powers_are_those_of_libm(void **state)
{
    (void)state;
    for (double x = DBL_MIN; x < DBL_MAX / 3; x *= 1.37) {
        assert_true(fabs(bf_portable_log2(x) - log2(x)) <= 4 * DBL_EPSILON * fmax(1, fabs(log2(x))));
    }
    for (double x = -1000; x < 1000; x += 0.37) {
        assert_near(bf_portable_exp2(x), exp2(x), 4 * DBL_EPSILON);
    }
    for (int i = -1000; i < 1000; i++) { /* powers of two are exact, both ways */
        assert_true(bf_portable_exp2(i) == ldexp(1, i));
        assert_true(bf_portable_log2(ldexp(1, i)) == i);
    }
    assert_true(bf_portable_log2(DBL_TRUE_MIN) == -1074);
    assert_true(isinf(bf_portable_exp2(1e300)));
    assert_true(bf_portable_exp2(-1e300) == 0);
}

static void angles_are_those_of_libm(void **state)
{
    (void)state;
    for (double degrees = -1080; degrees < 1080; degrees += 0.61) {
        double sine = 0, cosine = 0;
        bf_portable_sincos(degrees, &sine, &cosine);
        assert_true(fabs(sine - sin(degrees * PI / 180)) < 1e-14);
        assert_true(fabs(cosine - cos(degrees * PI / 180)) < 1e-14);
        assert_near(sine * sine + cosine * cosine, 1, 4 * DBL_EPSILON);
        double turned = bf_portable_direction(sine * 7, cosine * 7);
        double wanted = degrees - 360 * floor(degrees / 360);
        assert_true(turned >= 0 && turned < 360);
        assert_true(fabs(turned - wanted) < 1e-12 || fabs(turned - wanted) > 360 - 1e-12);
    }
}

static void quarters_are_exact(void **state)
{
    (void)state;
    static const double x[] = {1, 0, -1, 0}, y[] = {0, 1, 0, -1};
    for (int i = 0; i < 8; i++) {
        double sine = 7, cosine = 7;
        bf_portable_sincos(90.0 * i - 360, &sine, &cosine);
        assert_true(sine == y[i % 4] && cosine == x[i % 4]);
        assert_true(bf_portable_direction(y[i % 4], x[i % 4]) == 90 * (i % 4));
    }
    assert_near(bf_portable_direction(1, 1), 45, DBL_EPSILON);
    assert_near(bf_portable_direction(-1, 1), 315, DBL_EPSILON);
    assert_true(bf_portable_direction(-1e-300, 1) == 0); /* a whole turn is none */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logarithms_and_powers_are_those_of_libm),
        cmocka_unit_test(angles_are_those_of_libm),
        cmocka_unit_test(quarters_are_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
