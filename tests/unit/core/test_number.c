/* Numbers as text: shortest, and the same when read back. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/number.h"

struct row {
    double value;
    const char *text;
};

static void numbers_are_as_short_as_can_be(void **state)
{
    static const struct row table[] = {
        {.value = 0, .text = "0"},
        {.value = -0.0, .text = "0"},
        {.value = 0.1, .text = "0.1"},
        {.value = 0.1 + 0.2, .text = "0.30000000000000004"},
        {.value = 1.0 / 3, .text = "0.3333333333333333"},
        {.value = 42, .text = "42"},
        {.value = -17.25, .text = "-17.25"},
        {.value = 999999999999999, .text = "999999999999999"},
        {.value = 1e15, .text = "1e+15"},
        {.value = 1e300, .text = "1e+300"},
        {.value = 5e-324, .text = "4.94065645841247e-324"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char text[BF_NUMBER_MAX];
        size_t len = bf_number_format(table[i].value, text);
        assert_in_range(len, 1, BF_NUMBER_MAX - 1);
        assert_int_equal(len, strlen(table[i].text));
        assert_memory_equal(text, table[i].text, len);
    }
}

static void every_bit_pattern_reads_back(void **state)
{
    uint64_t bits = 88172645463325252u;
    (void)state;
    for (int i = 0; i < 20000; i++) {
        double value = 0;
        char text[BF_NUMBER_MAX + 1];
        bits ^= bits << 13; /* xorshift: the same numbers in every run */
        bits ^= bits >> 7;
        bits ^= bits << 17;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value)) {
            continue;
        }
        size_t len = bf_number_format(value, text);
        text[len] = '\0';
        assert_true(strtod(text, NULL) == value);
        assert_null(strpbrk(text, ",nif"));
    }
}

static void integers_of_any_size(void **state)
{
    static const int64_t table[] = {0, 7, -1, INT64_MAX, INT64_MIN, 1234567890123};
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char text[BF_NUMBER_MAX + 1];
        text[bf_number_format_int(table[i], text)] = '\0';
        assert_true(strtoll(text, NULL, 10) == table[i]);
    }
}

static void the_edges_of_double(void **state)
{
    static const double table[] = {DBL_MAX, -DBL_MAX, DBL_MIN, DBL_EPSILON, 9007199254740993.0};
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char text[BF_NUMBER_MAX + 1];
        text[bf_number_format(table[i], text)] = '\0';
        assert_true(strtod(text, NULL) == table[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_as_short_as_can_be),
        cmocka_unit_test(every_bit_pattern_reads_back),
        cmocka_unit_test(integers_of_any_size),
        cmocka_unit_test(the_edges_of_double),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
