/* expression_program.h: a compiled expression as its instructions, for whoever must know more of it than its
 * value, such as the units. A stack machine: each instruction takes its operands from the stack and leaves
 * one.   Owner: the expression's creator.   Thread: read-only, any. */
#ifndef BF_CORE_EXPRESSION_PROGRAM_H
#define BF_CORE_EXPRESSION_PROGRAM_H

#include <stdint.h>

#include "core/expression.h"

#define BF_EXPRESSION_STACK 32

enum bf_op {
    BF_OP_NUMBER,
    BF_OP_TEXT,
    BF_OP_NAME,
    BF_OP_NOT,
    BF_OP_NEGATE,
    BF_OP_AND,
    BF_OP_OR,
    BF_OP_EQ,
    BF_OP_NE,
    BF_OP_LT,
    BF_OP_LE,
    BF_OP_GT,
    BF_OP_GE,
    BF_OP_ADD,
    BF_OP_SUBTRACT,
    BF_OP_MULTIPLY,
    BF_OP_DIVIDE,
    BF_OP_ABS,
    BF_OP_MIN,
    BF_OP_MAX,
    BF_OP_COALESCE,
};

struct bf_instruction {
    enum bf_op op;
    uint32_t name;   /* index, of a name */
    uint32_t column; /* where it stands, from 1; of an operator: behind its operands */
    double number;
    struct bf_slice text;
};

struct bf_expression {
    struct bf_instruction program[BF_EXPRESSION_MAX];
    const char *names[BF_EXPRESSION_MAX];
    size_t length, name_count;
    size_t pool_used;
    char pool[]; /* names with their NUL, and texts */
};

#endif
