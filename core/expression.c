/* expression.c: see expression.h. Recursive descent straight into a flat stack program: no tree is kept,
 * so evaluation is one loop over an array. The stack's depth is known when compiling, so evaluation needs
 * no checks. Both sides of && and || are evaluated: nothing has an effect, and jumps would cost more to
 * read than they save. */
#include "core/expression.h"

#include <assert.h>
#include <ctype.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define STACK_MAX 32
#define NESTING_MAX 32
#define TEXT_MAX 4096
#define NUMBER_MAX 63

enum op {
    OP_NUMBER,
    OP_TEXT,
    OP_NAME,
    OP_NOT,
    OP_NEGATE,
    OP_AND,
    OP_OR,
    OP_EQ,
    OP_NE,
    OP_LT,
    OP_LE,
    OP_GT,
    OP_GE,
    OP_ADD,
    OP_SUBTRACT,
    OP_MULTIPLY,
    OP_DIVIDE,
};

struct instruction {
    enum op op;
    uint32_t name;
    double number;
    struct bf_slice text;
};

struct bf_expression {
    struct instruction program[BF_EXPRESSION_MAX];
    const char *names[BF_EXPRESSION_MAX];
    size_t length, name_count;
    size_t pool_used;
    char pool[]; /* names with their NUL, and texts */
};

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
    enum op op;
};

static const struct spelled or_ops[] = {{.spelling = "||", .op = OP_OR}, {.spelling = NULL}};
static const struct spelled and_ops[] = {{.spelling = "&&", .op = OP_AND}, {.spelling = NULL}};
static const struct spelled compare_ops[] = {
    {.spelling = "==", .op = OP_EQ},
    {.spelling = "!=", .op = OP_NE},
    {.spelling = "<=", .op = OP_LE},
    {.spelling = ">=", .op = OP_GE},
    {.spelling = "<", .op = OP_LT},
    {.spelling = ">", .op = OP_GT},
    {.spelling = NULL},
};
static const struct spelled sum_ops[] = {
    {.spelling = "+", .op = OP_ADD}, {.spelling = "-", .op = OP_SUBTRACT}, {.spelling = NULL}};
static const struct spelled product_ops[] = {
    {.spelling = "*", .op = OP_MULTIPLY}, {.spelling = "/", .op = OP_DIVIDE}, {.spelling = NULL}};

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
static enum bf_status emit(struct parser *parser, struct instruction instruction, unsigned pops)
{
    if (parser->out->length == BF_EXPRESSION_MAX) {
        return bf_err_set(parser->err, BF_CONFIG, "column %zu: expected at most %d operations",
                          parser->at + 1, BF_EXPRESSION_MAX);
    }
    assert(parser->depth >= pops);
    parser->depth += 1 - pops;
    if (parser->depth > STACK_MAX) {
        return bf_err_set(parser->err, BF_CONFIG, "column %zu: expected at most %d pending operands",
                          parser->at + 1, STACK_MAX);
    }
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
    return emit(parser, (struct instruction){.op = OP_NUMBER, .number = number}, 0);
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
    return emit(parser, (struct instruction){.op = OP_TEXT, .text = text}, 0);
}

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
    while (index < out->name_count && !bf_slice_equal(name, bf_slice_of(out->names[index]))) {
        index++;
    }
    /* Emitting first bounds the names as well: each needs an instruction. */
    enum bf_status status = emit(parser, (struct instruction){.op = OP_NAME, .name = (uint32_t)index}, 0);
    if (status == BF_OK && index == out->name_count) {
        out->names[out->name_count++] = keep(parser, from, name.len);
    }
    return status;
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
    return status == BF_OK ? emit(parser, (struct instruction){.op = OP_NEGATE}, 1) : status;
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
            status = emit(parser, (struct instruction){.op = found->op}, 2);
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
    return status == BF_OK ? emit(parser, (struct instruction){.op = OP_NOT}, 1) : status;
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

static struct bf_operand number_operand(double number)
{
    return (struct bf_operand){.kind = BF_OPERAND_NUMBER, .number = number};
}

static bool truth(const struct bf_operand *operand)
{
    return operand->kind == BF_OPERAND_NUMBER && operand->number != 0;
}

/* Values of two kinds are never equal and have no order; NaN (from outside) is as missing. */
static bool compare(enum op op, const struct bf_operand *a, const struct bf_operand *b)
{
    if (a->kind == BF_OPERAND_MISSING || b->kind == BF_OPERAND_MISSING) {
        return false;
    }
    if (a->kind != b->kind) {
        return op == OP_NE;
    }
    int order;
    if (a->kind == BF_OPERAND_TEXT) {
        order = bf_slice_compare(a->text, b->text);
    } else if (isnan(a->number) || isnan(b->number)) {
        return false;
    } else {
        order = (a->number > b->number) - (a->number < b->number);
    }
    return (order == 0 && (op == OP_EQ || op == OP_LE || op == OP_GE)) ||
           (order < 0 && (op == OP_NE || op == OP_LT || op == OP_LE)) ||
           (order > 0 && (op == OP_NE || op == OP_GT || op == OP_GE));
}

/* Missing where a side is no number, on division by zero and where the result is not finite. */
static struct bf_operand calculate(enum op op, const struct bf_operand *a, const struct bf_operand *b)
{
    struct bf_operand missing = {.kind = BF_OPERAND_MISSING};
    if (a->kind != BF_OPERAND_NUMBER || b->kind != BF_OPERAND_NUMBER) {
        return missing;
    }
    double result;
    if (op == OP_ADD) {
        result = a->number + b->number;
    } else if (op == OP_SUBTRACT) {
        result = a->number - b->number;
    } else if (op == OP_MULTIPLY) {
        result = a->number * b->number;
    } else if (b->number != 0) {
        result = a->number / b->number;
    } else {
        return missing;
    }
    return isfinite(result) ? number_operand(result) : missing;
}

static struct bf_operand binary(enum op op, const struct bf_operand *a, const struct bf_operand *b)
{
    if (op == OP_AND) {
        return number_operand(truth(a) && truth(b));
    }
    if (op == OP_OR) {
        return number_operand(truth(a) || truth(b));
    }
    if (op >= OP_EQ && op <= OP_GE) {
        return number_operand(compare(op, a, b));
    }
    return calculate(op, a, b);
}

struct bf_operand bf_expression_eval(const struct bf_expression *expression, bf_resolve resolve,
                                     void *context)
{
    struct bf_operand stack[STACK_MAX];
    size_t depth = 0;
    for (size_t i = 0; i < expression->length; i++) {
        const struct instruction *instruction = &expression->program[i];
        if (instruction->op == OP_NUMBER) {
            stack[depth++] = number_operand(instruction->number);
        } else if (instruction->op == OP_TEXT) {
            stack[depth++] = (struct bf_operand){.kind = BF_OPERAND_TEXT, .text = instruction->text};
        } else if (instruction->op == OP_NAME) {
            stack[depth] = (struct bf_operand){.kind = BF_OPERAND_MISSING};
            resolve(context, instruction->name, &stack[depth++]);
        } else if (instruction->op == OP_NOT) {
            stack[depth - 1] = number_operand(!truth(&stack[depth - 1]));
        } else if (instruction->op == OP_NEGATE) {
            struct bf_operand zero = number_operand(0);
            stack[depth - 1] = calculate(OP_SUBTRACT, &zero, &stack[depth - 1]);
        } else {
            stack[depth - 2] = binary(instruction->op, &stack[depth - 2], &stack[depth - 1]);
            depth--;
        }
    }
    return stack[0];
}

bool bf_expression_holds(const struct bf_expression *expression, bf_resolve resolve, void *context)
{
    struct bf_operand operand = bf_expression_eval(expression, resolve, context);
    return truth(&operand);
}
