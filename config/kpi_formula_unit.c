/* kpi_formula_unit.c: the units of a formula, by walking its instructions as evaluation does. What is added,
 * compared or chosen from must have one unit; * and / combine dimensions; plain numbers have none, so a ratio
 * times 100 may be a % and a count per inhabitant a number. Dimensions are the names of config/units.def:
 * a volume by a time is not recognised as a flow. */
#include "config/kpi_formula_unit.h"

#include <assert.h>
#include <stdio.h>

#include "config/unit.h"
#include "core/expression_program.h"

#define FACTORS_MAX 8

struct measure {
    bool literal;               /* a number as it is written: fits every unit */
    const struct bf_unit *unit; /* known exactly; NULL behind a * or / */
    struct {
        const char *dimension;
        int power;
    } factors[FACTORS_MAX];
    size_t count;
};

static struct measure measure_of(struct bf_slice unit)
{
    struct measure measure = {.unit = bf_unit_find(unit)};
    assert(measure.unit != NULL);
    if (strcmp(measure.unit->dimension, "number") != 0) {
        measure.factors[measure.count].dimension = measure.unit->dimension;
        measure.factors[measure.count++].power = 1;
    }
    return measure;
}

static int power_of(const struct measure *measure, const char *dimension)
{
    for (size_t i = 0; i < measure->count; i++) {
        if (strcmp(measure->factors[i].dimension, dimension) == 0) {
            return measure->factors[i].power;
        }
    }
    return 0;
}

static bool same_dimensions(const struct measure *a, const struct measure *b)
{
    bool same = true;
    for (size_t i = 0; i < a->count; i++) {
        same = same && power_of(b, a->factors[i].dimension) == a->factors[i].power;
    }
    for (size_t i = 0; i < b->count; i++) {
        same = same && power_of(a, b->factors[i].dimension) == b->factors[i].power;
    }
    return same;
}

static bool same_measure(const struct measure *a, const struct measure *b)
{
    return same_dimensions(a, b) && (a->unit == NULL || b->unit == NULL || bf_unit_same(a->unit, b->unit));
}

/* "m3", or "volume/time" where no unit is known. */
static const char *name_of(const struct measure *measure, char *text, size_t size)
{
    size_t at = 0;
    if (measure->unit != NULL || measure->count == 0) {
        return measure->unit != NULL ? measure->unit->code : "a plain number";
    }
    text[0] = '\0';
    for (size_t i = 0; i < measure->count && at < size; i++) {
        int power = measure->factors[i].power;
        at += power == 0 ? 0
                         : (size_t)snprintf(text + at, size - at, "%s%s%s", at > 0 ? " " : "",
                                            power < 0 ? "per " : "", measure->factors[i].dimension);
    }
    return at > 0 ? text : "a plain number";
}

/* a * b (sign 1) or a / b (-1). False where there are too many dimensions. */
static bool combine(struct measure *a, const struct measure *b, int sign)
{
    a->literal = a->literal && b->literal;
    a->unit = NULL;
    for (size_t i = 0; i < b->count; i++) {
        size_t at = 0;
        while (at < a->count && strcmp(a->factors[at].dimension, b->factors[i].dimension) != 0) {
            at++;
        }
        if (at == FACTORS_MAX) {
            return false;
        }
        if (at == a->count) {
            a->factors[a->count].dimension = b->factors[i].dimension;
            a->factors[a->count++].power = 0;
        }
        a->factors[at].power += sign * b->factors[i].power;
    }
    return true;
}

/* Two operands of an operator that wants one unit. */
static bool unite(struct measure *a, const struct measure *b, unsigned column, char *why, size_t size)
{
    char left[100], right[100];
    if (!a->literal && !b->literal && !same_measure(a, b)) {
        snprintf(why, size, "column %u: %s and %s are not the same unit", column,
                 name_of(a, left, sizeof left), name_of(b, right, sizeof right));
        return false;
    }
    const struct bf_unit *unit = a->unit != NULL ? b->unit : NULL;
    if (a->literal) {
        *a = *b;
    } else if (!b->literal) {
        a->unit = unit != NULL ? a->unit : NULL;
    }
    return true;
}

static bool apply(enum bf_op op, struct measure *a, const struct measure *b, unsigned column, char *why,
                  size_t size)
{
    const struct measure number = {.unit = bf_unit_find(BF_SLICE("1"))};
    if (op == BF_OP_MULTIPLY || op == BF_OP_DIVIDE) {
        snprintf(why, size, "column %u: more than %d dimensions", column, FACTORS_MAX);
        return combine(a, b, op == BF_OP_MULTIPLY ? 1 : -1);
    }
    if (op == BF_OP_AND || op == BF_OP_OR) {
        *a = number;
        return true;
    }
    if (!unite(a, b, column, why, size)) {
        return false;
    }
    if (op >= BF_OP_EQ && op <= BF_OP_GE) {
        *a = number;
    }
    return true;
}

static bool walk(const struct bf_formula *formula, struct measure *result, char *why, size_t size)
{
    struct measure stack[BF_EXPRESSION_STACK];
    const struct bf_expression *expression = formula->expression;
    size_t depth = 0;
    for (size_t i = 0; i < expression->length; i++) {
        const struct bf_instruction *at = &expression->program[i];
        if (at->op == BF_OP_TEXT) {
            snprintf(why, size, "column %u: a formula has no use for a text", (unsigned)at->column);
            return false;
        }
        if (at->op == BF_OP_NUMBER) {
            stack[depth++] = (struct measure){.literal = true};
        } else if (at->op == BF_OP_NAME) {
            const struct bf_formula_name *name = &formula->names[at->name];
            stack[depth++] = measure_of(name->kind == BF_FORMULA_KPI ? name->kpi->unit : BF_SLICE("1"));
        } else if (at->op == BF_OP_NOT) {
            stack[depth - 1] = measure_of(BF_SLICE("1"));
        } else if (at->op != BF_OP_NEGATE && at->op != BF_OP_ABS) {
            depth--;
            if (!apply(at->op, &stack[depth - 1], &stack[depth], (unsigned)at->column, why, size)) {
                return false;
            }
        }
    }
    *result = stack[0];
    return true;
}

bool bf__formula_unit_fits(const struct bf_kpi_definition *kpi, char *why, size_t size)
{
    struct measure result, wanted = measure_of(kpi->unit);
    char text[100];
    if (!walk(kpi->formula, &result, why, size)) {
        return false;
    }
    if (!result.literal && !same_measure(&result, &wanted)) {
        snprintf(why, size, "it gives %s, but the KPI's unit is %s", name_of(&result, text, sizeof text),
                 wanted.unit->code);
        return false;
    }
    return true;
}
