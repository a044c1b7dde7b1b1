/* The grammar by examples: what holds, what is missing, what is refused and where.
 * Covers: core/expression_eval.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>

#include "core/expression.h"

/* a = 2, b = 3, zero = 0, huge = 1e308, tags.kind = "bus", empty = "", not_a_number; all else is missing. */
static void resolve(void *context, size_t name, struct bf_operand *operand)
{
    static const struct {
        const char *name;
        struct bf_operand value;
    } world[] = {
        {"a", {.kind = BF_OPERAND_NUMBER, .number = 2}},
        {"b", {.kind = BF_OPERAND_NUMBER, .number = 3}},
        {"zero", {.kind = BF_OPERAND_NUMBER, .number = 0}},
        {"huge", {.kind = BF_OPERAND_NUMBER, .number = 1e308}},
        {"nan", {.kind = BF_OPERAND_NUMBER, .number = NAN}},
        {"tags.kind", {.kind = BF_OPERAND_TEXT, .text = {"bus", 3}}},
        {"empty", {.kind = BF_OPERAND_TEXT, .text = {"", 0}}},
    };
    const char *wanted = bf_expression_name(context, name);
    assert_non_null(wanted);
    for (size_t i = 0; i < sizeof world / sizeof *world; i++) {
        if (strcmp(world[i].name, wanted) == 0) {
            *operand = world[i].value;
        }
    }
}

static struct bf_operand value_of(const char *text)
{
    struct bf_expression *expression = NULL;
    struct bf_err err = {.status = BF_OK};
    enum bf_status status = bf_expression_compile(bf_slice_of(text), &expression, &err);
    if (status != BF_OK) {
        fail_msg("%s: %s", text, err.message);
    }
    struct bf_operand operand = bf_expression_eval(expression, resolve, expression);
    bool holds = operand.kind == BF_OPERAND_NUMBER && operand.number != 0;
    assert_int_equal(bf_expression_holds(expression, resolve, expression), holds);
    operand.text = (struct bf_slice){NULL, 0}; /* it belongs to the expression */
    bf_expression_destroy(expression);
    return operand;
}

static void computes_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double value;
    } cases[] = {
        {"abs(2 - 5)", 3},
        {"abs(4)", 4},
        {"min(2, 1 + 3)", 2},
        {"max(2, 1 + 3) * 2", 8},
        {"coalesce(missing, 7)", 7},
        {"coalesce(3, missing) + coalesce (1 / 0, min(1, 2))", 4},
        {"1", 1},
        {"1.5e3", 1500},
        {"2E-1", 0.2},
        {"  7\t", 7},
        {"1 + 2 * 3", 7},
        {"(1 + 2) * 3", 9},
        {"10 - 4 - 3", 3},
        {"8 / 4 / 2", 1},
        {"-a", -2},
        {"--a", 2},
        {"-(a + b)", -5},
        {"2 * -3", -6},
        {"a - -b", 5},
        {"a * b + a / b", 2.0 * 3 + 2.0 / 3},
        {"zero", 0},
        {"-zero", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bf_operand operand = value_of(cases[i].text);
        assert_int_equal(operand.kind, BF_OPERAND_NUMBER);
        assert_true(fabs(operand.number - cases[i].value) < 1e-12);
    }
}

static const char *const hold[] = {
    "1",
    "a < b",
    "a <= 2",
    "b >= 3",
    "b > a",
    "a == 2",
    "a != b",
    "!(a == b)",
    "!zero",
    "!!a",
    "a == 2 && b == 3",
    "a == 9 || b == 3",
    "zero || a",
    "a == 9 && zero || b == 3",
    "tags.kind == \"bus\"",
    "tags.kind == 'bus'",
    "tags.kind != 'tram'",
    "tags.kind < 'tram'",
    "empty == ''",
    "a + 1 == b",
    "!missing",
    "!tags.kind",
    "tags.kind != 1",
    "! (missing == 1)",
    "a!=b",
};

static const char *const fail[] = {
    "0",
    "a > b",
    "a == b",
    "!a",
    "a && zero",
    "zero || zero",
    "tags.kind == 'buss'",
    "missing",
    "missing == 1",
    "missing != 1",
    "missing < 1",
    "missing == missing",
    "missing == ''",
    "missing + 1",
    "missing + 1 == missing + 1",
    "1 / zero == 1 / zero",
    "tags.kind",
    "tags.kind == 1",
    "tags.kind < 1",
    "tags.kind + 1 == tags.kind + 1",
    "nan == nan",
    "nan != 1",
    "missing && 1",
    "huge * 10 > 0",
};

static void decides(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof hold / sizeof *hold; i++) {
        struct bf_operand operand = value_of(hold[i]);
        if (operand.kind != BF_OPERAND_NUMBER || operand.number == 0) {
            fail_msg("should hold: %s", hold[i]);
        }
    }
    for (size_t i = 0; i < sizeof fail / sizeof *fail; i++) {
        struct bf_operand operand = value_of(fail[i]);
        if (operand.kind == BF_OPERAND_NUMBER && operand.number != 0) {
            fail_msg("should not hold: %s", fail[i]);
        }
    }
}

static void knows_what_is_missing(void **state)
{
    (void)state;
    static const char *const missing[] = {
        "abs(missing)", "min(1, missing)", "max(tags.kind, 1)", "coalesce(missing, missing)",
        "missing",      "missing + 1",     "-missing",          "a / zero",
        "1 / 0",        "tags.kind * 2",   "huge * huge",       "-empty",
    };
    for (size_t i = 0; i < sizeof missing / sizeof *missing; i++) {
        assert_int_equal(value_of(missing[i]).kind, BF_OPERAND_MISSING);
    }
    assert_int_equal(value_of("tags.kind").kind, BF_OPERAND_TEXT);
}

static void refuses_and_says_where(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "column 1: expected a number, a text, a name or '(', found the end"},
        {"   ", "column 4: expected a number, a text, a name or '(', found the end"},
        {"a +", "column 4: expected a number, a text, a name or '(', found the end"},
        {"a + * b", "column 5: expected a number, a text, a name or '(', found '*'"},
        {"(a", "column 3: expected an operator or ')', found the end"},
        {"(a]", "column 3: expected an operator or ')', found ']'"},
        {"a)", "column 2: expected an operator or the end, found ')'"},
        {"a b", "column 3: expected an operator or the end, found 'b'"},
        {"a = 2", "column 3: expected an operator or the end, found '='"},
        {"a & b", "column 3: expected an operator or the end, found '&'"},
        {"a == 2 == 0", "column 8: expected an operator or the end, found '='"},
        {"\"open", "column 6: expected a closing \", found the end"},
        {"'open\"", "column 7: expected a closing ', found the end"},
        {"1.", "column 3: expected a digit behind the point, found the end"},
        {"1.2.3", "column 4: expected an operator behind the number, found '.'"},
        {"1e", "column 3: expected a digit in the exponent, found the end"},
        {"1e+x", "column 4: expected a digit in the exponent, found 'x'"},
        {"0x10", "column 2: expected an operator behind the number, found 'x'"},
        {".5", "column 1: expected a number, a text, a name or '(', found '.'"},
        {"1e999", "column 1: expected a number that fits a double"},
        {"avg(1)", "column 1: expected abs, min, max or coalesce before '('"},
        {"min(1)", "column 6: expected ',' and another operand, found ')'"},
        {"abs(1, 2)", "column 6: expected ')', found ','"},
        {"max(1, )", "column 8: expected a number, a text, a name or '(', found ')'"},
        {"a.", "column 3: expected a name behind the point, found the end"},
        {"a..b", "column 3: expected a name behind the point, found '.'"},
        {"a \x01", "column 3: expected an operator or the end, found byte 0x01"},
        {"\xc3\xa4", "column 1: expected a number, a text, a name or '(', found byte 0xc3"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bf_expression *expression = NULL;
        struct bf_err err = {.status = BF_OK};
        assert_int_equal(bf_expression_compile(bf_slice_of(cases[i].text), &expression, &err), BF_CONFIG);
        assert_string_equal(err.message, cases[i].message);
        assert_null(expression);
    }
}

static void a_nul_ends_nothing(void **state)
{
    (void)state;
    struct bf_expression *expression = NULL;
    struct bf_err err = {.status = BF_OK};
    assert_int_equal(bf_expression_compile(BF_SLICE("a \0 b"), &expression, &err), BF_CONFIG);
    assert_string_equal(err.message, "column 3: expected an operator or the end, found byte 0x00");
}

static void refused(const char *text, size_t len, const char *why)
{
    struct bf_expression *expression = NULL;
    struct bf_err err = {.status = BF_OK};
    assert_int_equal(bf_expression_compile((struct bf_slice){text, len}, &expression, &err), BF_CONFIG);
    assert_non_null(strstr(err.message, why));
}

static void limits_are_reached_not_crossed(void **state)
{
    (void)state;
    static char text[100000];
    memset(text, '(', sizeof text);
    refused(text, 4000, "levels of nesting");
    refused(text, sizeof text, "at most 4096 bytes");
    memset(text, '-', sizeof text);
    refused(text, 4000, "levels of nesting");
    memset(text, '!', sizeof text);
    refused(text, 4000, "levels of nesting");
    for (size_t i = 0; i + 1 < sizeof text; i += 2) {
        text[i] = '1';
        text[i + 1] = '+';
    }
    refused(text, 4000, "at most 256 operations");
    struct bf_expression *expression = NULL;
    /* n numbers need 2n - 1 instructions, so 128 of them are the most; a chain needs a stack of two. */
    assert_int_equal(bf_expression_compile((struct bf_slice){text, 255}, &expression, NULL), BF_OK);
    assert_true(bf_expression_eval(expression, resolve, expression).number == 128);
    bf_expression_destroy(expression);
}

static void names_come_in_order_of_first_use(void **state)
{
    (void)state;
    struct bf_expression *expression = NULL;
    struct bf_slice text = BF_SLICE("b > 1 && (a < b || tags.kind == 'x') && _z9 == a");
    assert_int_equal(bf_expression_compile(text, &expression, NULL), BF_OK);
    assert_string_equal(bf_expression_name(expression, 0), "b");
    assert_string_equal(bf_expression_name(expression, 1), "a");
    assert_string_equal(bf_expression_name(expression, 2), "tags.kind");
    assert_string_equal(bf_expression_name(expression, 3), "_z9");
    assert_null(bf_expression_name(expression, 4));
    bf_expression_destroy(expression);
}

/* Every text of the grammar's bytes is compiled or refused, never more (the sanitizers look on). */
static void survives_noise(void **state)
{
    (void)state;
    static const char bytes[] = "ab1.9e(()-!&|=<>+*/\"' \t\n\x80";
    uint64_t seed = 42;
    for (int round = 0; round < 20000; round++) {
        size_t len = (size_t)(round % 24);
        char *text = malloc(len + 1); /* exact, so that reading past it is seen */
        assert_non_null(text);
        for (size_t i = 0; i < len; i++) {
            seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            text[i] = bytes[(seed >> 33) % sizeof bytes];
        }
        char *exact = realloc(text, len ? len : 1);
        struct bf_expression *expression = NULL;
        if (bf_expression_compile((struct bf_slice){exact, len}, &expression, NULL) == BF_OK) {
            (void)bf_expression_holds(expression, resolve, expression);
            bf_expression_destroy(expression);
        }
        free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(computes_numbers),
        cmocka_unit_test(decides),
        cmocka_unit_test(knows_what_is_missing),
        cmocka_unit_test(refuses_and_says_where),
        cmocka_unit_test(a_nul_ends_nothing),
        cmocka_unit_test(limits_are_reached_not_crossed),
        cmocka_unit_test(names_come_in_order_of_first_use),
        cmocka_unit_test(survives_noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
