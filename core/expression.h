/* expression.h: one small grammar for `where`, derived KPIs and rules.
 *
 *   or:  and ('||' and)*        and: not ('&&' not)*       not: '!' not | compare
 *   compare: sum (('=='|'!='|'<'|'<='|'>'|'>=') sum)?      sum: product (('+'|'-') product)*
 *   product: unary (('*'|'/') unary)*   unary: '-' unary | number | "text" | name | '(' or ')' | call
 *   call: abs(or) | min(or, or) | max(or, or) | coalesce(or, or): the first that is not missing
 *
 * A name is letters, digits, '_' and '.', and does not begin with a digit. A text stands in "…" or '…' and
 * ends at its own quote; there are no escapes.
 * Values are numbers, texts and missing. A comparison with missing is false (!= too), arithmetic on it
 * missing; so are division by zero and a result that is not finite. A number and a text are never equal.
 * Truth is 1 or 0; `!` of missing is 1. Compiled once into a flat program; evaluation allocates nothing.
 * Declined: libmatheval (GPL, no texts).
 * Owner: creator.   Thread: eval from any at once (the program is read-only).
 * Limits: BF_EXPRESSION_MAX instructions, a stack of 32, 32 levels of nesting, 4,096 bytes of text; more
 *         is CONFIG. */
#ifndef BF_CORE_EXPRESSION_H
#define BF_CORE_EXPRESSION_H

#include "core/err.h"
#include "core/slice.h"

#define BF_EXPRESSION_MAX 256

struct bf_expression;

enum bf_operand_kind { BF_OPERAND_MISSING, BF_OPERAND_NUMBER, BF_OPERAND_TEXT };

struct bf_operand {
    enum bf_operand_kind kind;
    double number; /* truth is 1 or 0 */
    struct bf_slice text;
};

/* err: message with "column N: expected …" relative to the text's first byte. */
enum bf_status bf_expression_compile(struct bf_slice text, struct bf_expression **expression,
                                     struct bf_err *err) BF_MUST_CHECK;
void bf_expression_destroy(struct bf_expression *expression);
/* The names it refers to, in order of first use. NULL beyond the last. Borrowed. */
const char *bf_expression_name(const struct bf_expression *expression, size_t index);

/* resolve fills *operand for the name with that index. */
typedef void (*bf_resolve)(void *context, size_t name, struct bf_operand *operand);
struct bf_operand bf_expression_eval(const struct bf_expression *expression, bf_resolve resolve,
                                     void *context);
/* True for a non-zero number; false for missing, zero and texts. */
bool bf_expression_holds(const struct bf_expression *expression, bf_resolve resolve, void *context);

#endif
