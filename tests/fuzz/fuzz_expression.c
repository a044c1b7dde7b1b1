/* Whatever compiles evaluates, with names missing, numbers and texts. */
#include <assert.h>

#include "core/expression.h"
#include "tests/fuzz/target.h"

static void resolve(void *context, size_t name, struct bf_operand *operand)
{
    assert(bf_expression_name(context, name) != NULL);
    if (name % 3 == 0) {
        *operand = (struct bf_operand){.kind = BF_OPERAND_NUMBER, .number = (double)name};
    } else if (name % 3 == 1) {
        *operand = (struct bf_operand){.kind = BF_OPERAND_TEXT, .text = BF_SLICE("x")};
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bf_expression *expression = NULL;
    struct bf_err err;
    struct bf_slice text = {(const char *)data, size};
    if (bf_expression_compile(text, &expression, &err) == BF_OK) {
        (void)bf_expression_holds(expression, resolve, expression);
        bf_expression_destroy(expression);
    }
    return 0;
}
