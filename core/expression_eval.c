/* expression_eval.c: the value of a compiled expression. Both sides of && and || are evaluated: nothing has
 * an effect, and jumps would cost more to read than they save. */
#include <math.h>

#include "core/expression_program.h"

static struct bf_operand number_operand(double number)
{
    return (struct bf_operand){.kind = BF_OPERAND_NUMBER, .number = number};
}

static bool truth(const struct bf_operand *operand)
{
    return operand->kind == BF_OPERAND_NUMBER && operand->number != 0;
}

/* Values of two kinds are never equal and have no order; NaN (from outside) is as missing. */
static bool compare(enum bf_op op, const struct bf_operand *a, const struct bf_operand *b)
{
    if (a->kind == BF_OPERAND_MISSING || b->kind == BF_OPERAND_MISSING) {
        return false;
    }
    if (a->kind != b->kind) {
        return op == BF_OP_NE;
    }
    int order;
    if (a->kind == BF_OPERAND_TEXT) {
        order = bf_slice_compare(a->text, b->text);
    } else if (isnan(a->number) || isnan(b->number)) {
        return false;
    } else {
        order = (a->number > b->number) - (a->number < b->number);
    }
    return (order == 0 && (op == BF_OP_EQ || op == BF_OP_LE || op == BF_OP_GE)) ||
           (order < 0 && (op == BF_OP_NE || op == BF_OP_LT || op == BF_OP_LE)) ||
           (order > 0 && (op == BF_OP_NE || op == BF_OP_GT || op == BF_OP_GE));
}

/* Missing where a side is no number, on division by zero and where the result is not finite. */
static struct bf_operand calculate(enum bf_op op, const struct bf_operand *a, const struct bf_operand *b)
{
    struct bf_operand missing = {.kind = BF_OPERAND_MISSING};
    if (a->kind != BF_OPERAND_NUMBER || b->kind != BF_OPERAND_NUMBER) {
        return missing;
    }
    double result;
    if (op == BF_OP_MIN) {
        result = b->number < a->number ? b->number : a->number;
    } else if (op == BF_OP_MAX) {
        result = b->number > a->number ? b->number : a->number;
    } else if (op == BF_OP_ADD) {
        result = a->number + b->number;
    } else if (op == BF_OP_SUBTRACT) {
        result = a->number - b->number;
    } else if (op == BF_OP_MULTIPLY) {
        result = a->number * b->number;
    } else if (b->number != 0) {
        result = a->number / b->number;
    } else {
        return missing;
    }
    return isfinite(result) ? number_operand(result) : missing;
}

static struct bf_operand binary(enum bf_op op, const struct bf_operand *a, const struct bf_operand *b)
{
    if (op == BF_OP_AND) {
        return number_operand(truth(a) && truth(b));
    }
    if (op == BF_OP_OR) {
        return number_operand(truth(a) || truth(b));
    }
    if (op == BF_OP_COALESCE) {
        return a->kind == BF_OPERAND_MISSING ? *b : *a;
    }
    if (op >= BF_OP_EQ && op <= BF_OP_GE) {
        return number_operand(compare(op, a, b));
    }
    return calculate(op, a, b);
}

struct bf_operand bf_expression_eval(const struct bf_expression *expression, bf_resolve resolve,
                                     void *context)
{
    struct bf_operand stack[BF_EXPRESSION_STACK];
    size_t depth = 0;
    for (size_t i = 0; i < expression->length; i++) {
        const struct bf_instruction *instruction = &expression->program[i];
        if (instruction->op == BF_OP_NUMBER) {
            stack[depth++] = number_operand(instruction->number);
        } else if (instruction->op == BF_OP_TEXT) {
            stack[depth++] = (struct bf_operand){.kind = BF_OPERAND_TEXT, .text = instruction->text};
        } else if (instruction->op == BF_OP_NAME) {
            stack[depth] = (struct bf_operand){.kind = BF_OPERAND_MISSING};
            resolve(context, instruction->name, &stack[depth++]);
        } else if (instruction->op == BF_OP_NOT) {
            stack[depth - 1] = number_operand(!truth(&stack[depth - 1]));
        } else if (instruction->op == BF_OP_ABS) {
            struct bf_operand *top = &stack[depth - 1];
            *top = calculate(BF_OP_ADD, top, &(struct bf_operand){.kind = BF_OPERAND_NUMBER});
            top->number = fabs(top->number);
        } else if (instruction->op == BF_OP_NEGATE) {
            struct bf_operand zero = number_operand(0);
            stack[depth - 1] = calculate(BF_OP_SUBTRACT, &zero, &stack[depth - 1]);
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
