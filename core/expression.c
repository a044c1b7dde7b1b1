/* expression.c: see expression.h. Recursive descent straight into a flat stack program: no tree is kept,
 * so evaluation (expression_eval.c) is one loop over an array. The stack's depth is known when compiling, so
 * evaluation needs no checks. */
#include "core/expression_program.h"

#include <assert.h>
#include <ctype.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define NESTING_MAX 32
#define TEXT_MAX 4096
#define NUMBER_MAX 63

struct parser {
    struct bf_slice text;
    size_t at;
    unsigned nesting, depth; /* of parentheses and signs; of the stack */
    struct bf_expression *out;
    struct bf_err *err;
};

/* The operators of one level of the grammar; longer spellings first. */
struct spelled {
    const char *spelling;
    enum bf_op op;
};

static const struct spelled or_ops[] = {{.spelling = "||", .op = BF_OP_OR}, {.spelling = NULL}};
static const struct spelled and_ops[] = {{.spelling = "&&", .op = BF_OP_AND}, {.spelling = NULL}};
static const struct spelled compare_ops[] = {
    {.spelling = "==", .op = BF_OP_EQ},
    {.spelling = "!=", .op = BF_OP_NE},
    {.spelling = "<=", .op = BF_OP_LE},
    {.spelling = ">=", .op = BF_OP_GE},
    {.spelling = "<", .op = BF_OP_LT},
    {.spelling = ">", .op = BF_OP_GT},
    {.spelling = NULL},
};
static const struct spelled sum_ops[] = {
    {.spelling = "+", .op = BF_OP_ADD}, {.spelling = "-", .op = BF_OP_SUBTRACT}, {.spelling = NULL}};
static const struct spelled product_ops[] = {
    {.spelling = "*", .op = BF_OP_MULTIPLY}, {.spelling = "/", .op = BF_OP_DIVIDE}, {.spelling = NULL}};

static enum bf_status parse_or(struct parser *parser);

static bool name_byte(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

static char peek(const struct parser *parser, size_t ahead)
{
    size_t at = parser->at + ahead;
    return at < parser->text.len ? parser->text.data[at] : '\0';
}

static void skip_space(struct parser *parser)
{
    while (peek(parser, 0) != '\0' && strchr(" \t\r\n", peek(parser, 0)) != NULL) {
        parser->at++;
    }
}

/* "column 7: expected a value, found ')'" */
static enum bf_status expected(const struct parser *parser, const char *what)
{
    size_t column = parser->at + 1;
    unsigned char c = (unsigned char)peek(parser, 0);
    if (parser->at >= parser->text.len) {
        return bf_err_set(parser->err, BF_CONFIG, "column %zu: expected %s, found the end", column, what);
    }
    if (!isprint(c)) {
        return bf_err_set(parser->err, BF_CONFIG, "column %zu: expected %s, found byte 0x%02x", column, what,
                          (unsigned)c);
    }
    return bf_err_set(parser->err, BF_CONFIG, "column %zu: expected %s, found '%c'", column, what, c);
}

static bool accept(struct parser *parser, const char *spelling)
{
    size_t len = strlen(spelling);
    skip_space(parser);
    if (parser->text.len - parser->at < len || memcmp(parser->text.data + parser->at, spelling, len) != 0) {
        return false;
    }
    parser->at += len;
    return true;
}

/* `pops` is how many operands it takes; each instruction leaves one. */
static enum bf_status emit(struct parser *parser, struct bf_instruction instruction, unsigned pops)
{
    if (parser->out->length == BF_EXPRESSION_MAX) {
        return bf_err_set(parser->err, BF_CONFIG, "column %zu: expected at most %d operations",
                          parser->at + 1, BF_EXPRESSION_MAX);
    }
    assert(parser->depth >= pops);
    parser->depth += 1 - pops;
    if (parser->depth > BF_EXPRESSION_STACK) {
        return bf_err_set(parser->err, BF_CONFIG, "column %zu: expected at most %d pending operands",
                          parser->at + 1, BF_EXPRESSION_STACK);
    }
    instruction.column = (uint32_t)parser->at;
    parser->out->program[parser->out->length++] = instruction;
    return BF_OK;
}

static const char *keep(struct parser *parser, size_t from, size_t len)
{
    char *copy = parser->out->pool + parser->out->pool_used;
    memcpy(copy, parser->text.data + from, len);
    copy[len] = '\0';
    parser->out->pool_used += len + 1;
    return copy;
}

static void skip_digits(struct parser *parser)
{
    while (isdigit((unsigned char)peek(parser, 0))) {
        parser->at++;
    }
}

/* digits[.digits][e[+-]digits]: the grammar is ours, so that strtod never sees "inf" or hexadecimal. */
static enum bf_status parse_number(struct parser *parser)
{
    size_t from = parser->at;
    char digits[NUMBER_MAX + 1];
    skip_digits(parser);
    if (peek(parser, 0) == '.') {
        parser->at++;
        if (!isdigit((unsigned char)peek(parser, 0))) {
            return expected(parser, "a digit behind the point");
        }
        skip_digits(parser);
    }
    if (peek(parser, 0) == 'e' || peek(parser, 0) == 'E') {
        parser->at += peek(parser, 1) == '-' || peek(parser, 1) == '+' ? 2 : 1;
        if (!isdigit((unsigned char)peek(parser, 0))) {
            return expected(parser, "a digit in the exponent");
        }
        skip_digits(parser);
    }
    if (name_byte(peek(parser, 0)) || peek(parser, 0) == '.') {
        return expected(parser, "an operator behind the number");
    }
    size_t len = parser->at - from;
    double number = INFINITY;
    if (len <= NUMBER_MAX) {
        memcpy(digits, parser->text.data + from, len);
        digits[len] = '\0';
        number = strtod(digits, NULL);
    }
    if (!isfinite(number)) {
        return bf_err_set(parser->err, BF_CONFIG, "column %zu: expected a number that fits a double",
                          from + 1);
    }
    return emit(parser, (struct bf_instruction){.op = BF_OP_NUMBER, .number = number}, 0);
}

static enum bf_status parse_text(struct parser *parser)
{
    char quote = peek(parser, 0);
    size_t from = ++parser->at;
    while (parser->at < parser->text.len && peek(parser, 0) != quote) {
        parser->at++;
    }
    if (parser->at == parser->text.len) {
        return expected(parser, quote == '"' ? "a closing \"" : "a closing '");
    }
    size_t len = parser->at++ - from;
    struct bf_slice text = {keep(parser, from, len), len};
    return emit(parser, (struct bf_instruction){.op = BF_OP_TEXT, .text = text}, 0);
}

static enum bf_status parse_call(struct parser *parser, struct bf_slice name);

static enum bf_status parse_name(struct parser *parser)
{
    size_t from = parser->at;
    while (name_byte(peek(parser, 0)) || peek(parser, 0) == '.') {
        parser->at++;
        if (parser->text.data[parser->at - 1] == '.' && !name_byte(peek(parser, 0))) {
            return expected(parser, "a name behind the point");
        }
    }
    struct bf_expression *out = parser->out;
    struct bf_slice name = {parser->text.data + from, parser->at - from};
    size_t index = 0;
    if (accept(parser, "(")) {
        return parse_call(parser, name);
    }
    while (index < out->name_count && !bf_slice_equal(name, bf_slice_of(out->names[index]))) {
        index++;
    }
    /* Emitting first bounds the names as well: each needs an instruction. */
    const struct bf_instruction use = {.op = BF_OP_NAME, .name = (uint32_t)index};
    enum bf_status status = emit(parser, use, 0);
    if (status == BF_OK && index == out->name_count) {
        out->names[out->name_count++] = keep(parser, from, name.len);
    }
    return status;
}

/* abs(x), min(a, b): the name has been read. */
static enum bf_status parse_call(struct parser *parser, struct bf_slice name)
{
    static const struct {
        const char *name;
        enum bf_op op;
        unsigned operands;
    } functions[] = {{.name = "abs", .op = BF_OP_ABS, .operands = 1},
                     {.name = "min", .op = BF_OP_MIN, .operands = 2},
                     {.name = "max", .op = BF_OP_MAX, .operands = 2},
                     {.name = "coalesce", .op = BF_OP_COALESCE, .operands = 2}};
    size_t chosen = 0, column = (size_t)(name.data - parser->text.data) + 1;
    while (chosen < sizeof functions / sizeof *functions &&
           !bf_slice_equal(name, bf_slice_of(functions[chosen].name))) {
        chosen++;
    }
    if (chosen == sizeof functions / sizeof *functions) {
        return bf_err_set(parser->err, BF_CONFIG,
                          "column %zu: expected abs, min, max or coalesce before '('", column);
    }
    enum bf_status status = BF_OK;
    for (unsigned i = 0; status == BF_OK && i < functions[chosen].operands; i++) {
        if (i > 0 && !accept(parser, ",")) {
            return expected(parser, "',' and another operand");
        }
        status = parse_or(parser);
    }
    if (status == BF_OK && !accept(parser, ")")) {
        return expected(parser, "')'");
    }
    return status != BF_OK ? status
                           : emit(parser, (struct bf_instruction){.op = functions[chosen].op},
                                  functions[chosen].operands);
}

static enum bf_status parse_primary(struct parser *parser)
{
    skip_space(parser);
    char c = peek(parser, 0);
    if (isdigit((unsigned char)c)) {
        return parse_number(parser);
    }
    if (c == '"' || c == '\'') {
        return parse_text(parser);
    }
    if (name_byte(c)) {
        return parse_name(parser);
    }
    if (!accept(parser, "(")) {
        return expected(parser, "a number, a text, a name or '('");
    }
    enum bf_status status = parse_or(parser);
    if (status == BF_OK && !accept(parser, ")")) {
        return expected(parser, "an operator or ')'");
    }
    return status;
}

/* Runs `parse` one level deeper, or refuses. */
static enum bf_status nested(struct parser *parser, enum bf_status (*parse)(struct parser *))
{
    if (parser->nesting == NESTING_MAX) {
        return bf_err_set(parser->err, BF_CONFIG, "column %zu: expected at most %d levels of nesting",
                          parser->at + 1, NESTING_MAX);
    }
    parser->nesting++;
    enum bf_status status = parse(parser);
    parser->nesting--;
    return status;
}

static enum bf_status parse_unary(struct parser *parser)
{
    if (!accept(parser, "-")) {
        return nested(parser, parse_primary);
    }
    enum bf_status status = nested(parser, parse_unary);
    return status == BF_OK ? emit(parser, (struct bf_instruction){.op = BF_OP_NEGATE}, 1) : status;
}

/* The operator that stands here, or NULL. */
static const struct spelled *accept_any(struct parser *parser, const struct spelled *operators)
{
    for (; operators->spelling != NULL; operators++) {
        if (accept(parser, operators->spelling)) {
            return operators;
        }
    }
    return NULL;
}

/* operand (operator operand)*, at most `repeat` times, left to right. */
static enum bf_status parse_chain(struct parser *parser, const struct spelled *operators,
                                  enum bf_status (*operand)(struct parser *), size_t repeat)
{
    enum bf_status status = operand(parser);
    for (size_t i = 0; i < repeat && status == BF_OK; i++) {
        const struct spelled *found = accept_any(parser, operators);
        if (found == NULL) {
            break;
        }
        status = operand(parser);
        if (status == BF_OK) {
            status = emit(parser, (struct bf_instruction){.op = found->op}, 2);
        }
    }
    return status;
}

static enum bf_status parse_product(struct parser *parser)
{
    return parse_chain(parser, product_ops, parse_unary, SIZE_MAX);
}

static enum bf_status parse_sum(struct parser *parser)
{
    return parse_chain(parser, sum_ops, parse_product, SIZE_MAX);
}

static enum bf_status parse_compare(struct parser *parser)
{
    return parse_chain(parser, compare_ops, parse_sum, 1);
}

static enum bf_status parse_not(struct parser *parser)
{
    skip_space(parser);
    if (peek(parser, 0) != '!' || peek(parser, 1) == '=') {
        return parse_compare(parser);
    }
    parser->at++;
    enum bf_status status = nested(parser, parse_not);
    return status == BF_OK ? emit(parser, (struct bf_instruction){.op = BF_OP_NOT}, 1) : status;
}

static enum bf_status parse_and(struct parser *parser)
{
    return parse_chain(parser, and_ops, parse_not, SIZE_MAX);
}

static enum bf_status parse_or(struct parser *parser)
{
    return parse_chain(parser, or_ops, parse_and, SIZE_MAX);
}

enum bf_status bf_expression_compile(struct bf_slice text, struct bf_expression **expression,
                                     struct bf_err *err)
{
    if (text.len > TEXT_MAX) {
        return bf_err_set(err, BF_CONFIG, "column %d: expected the end, an expression has at most %d bytes",
                          TEXT_MAX + 1, TEXT_MAX);
    }
    /* Names and texts are disjoint parts of the text, each with a byte between them and the next. */
    struct bf_expression *out = calloc(1, sizeof *out + text.len + 2);
    if (out == NULL) {
        return bf_err_set(err, BF_FATAL, "out of memory for an expression");
    }
    struct parser parser = {.text = text, .out = out, .err = err};
    enum bf_status status = parse_or(&parser);
    skip_space(&parser);
    if (status == BF_OK && parser.at < text.len) {
        status = expected(&parser, "an operator or the end");
    }
    if (status != BF_OK) {
        free(out);
        return status;
    }
    *expression = out;
    return BF_OK;
}

void bf_expression_destroy(struct bf_expression *expression)
{
    free(expression);
}

const char *bf_expression_name(const struct bf_expression *expression, size_t index)
{
    return index < expression->name_count ? expression->names[index] : NULL;
}
