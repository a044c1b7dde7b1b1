/* formula.c: the states of several inputs as one, and the formula over them. Declined: a third stage that
 * reads the results of the second (it would have to wait, be sealed and be revised once more). */
#include "processors/formula.h"

#include <assert.h>

/* In front of the inputs' states. */
struct head {
    const struct bf_formula *formula;
    uint32_t offsets[BF_FORMULA_INPUTS_MAX];
    uint8_t kinds[BF_FORMULA_INPUTS_MAX]; /* index in the family */
};

static const struct bf_aggregate *kind_of(const struct head *head, size_t part)
{
    return bf_aggregates()[head->kinds[part]];
}

static void *part_of(struct head *head, size_t part)
{
    return (char *)head + head->offsets[part];
}

static const void *part_of_const(const struct head *head, size_t part)
{
    return (const char *)head + head->offsets[part];
}

static uint8_t find_kind(struct bf_slice name)
{
    uint8_t kind = 0;
    while (!bf_slice_equal(bf_slice_of(bf_aggregates()[kind]->kind.name), name)) {
        kind++;
        assert(bf_aggregates()[kind] != NULL); /* the plan has found it */
    }
    return kind;
}

/* Where the inputs' states lie; the whole size. */
static size_t lay_out(const struct bf_formula *formula, struct head *head)
{
    size_t size = sizeof(*head);
    head->formula = formula;
    for (size_t i = 0; i < formula->input_count; i++) {
        const struct bf_kpi_definition *input = formula->inputs[i];
        head->kinds[i] = find_kind(input->aggregate);
        head->offsets[i] = (uint32_t)size;
        const struct bf_aggregate *aggregate = kind_of(head, i);
        size_t need = aggregate->size != NULL ? aggregate->size(&input->options) : aggregate->state_size;
        size += (need + 7) / 8 * 8;
    }
    return size;
}

static size_t size(const struct bf_value_options *options)
{
    struct head head;
    return lay_out(options->formula, &head);
}

static void init(void *state, const struct bf_value_options *options)
{
    struct head *head = state;
    lay_out(options->formula, head);
    for (size_t i = 0; i < head->formula->input_count; i++) {
        kind_of(head, i)->init(part_of(head, i), &head->formula->inputs[i]->options);
    }
}

static void add(void *state, const struct bf_sample *sample, const struct bf_value_options *options)
{
    struct head *head = state;
    const struct bf_aggregate *aggregate = kind_of(head, sample->part);
    if (aggregate->add != NULL) {
        aggregate->add(part_of(head, sample->part), sample, &options->formula->inputs[sample->part]->options);
    }
}

static void step(void *state, const struct bf_step *step, const struct bf_value_options *options)
{
    struct head *head = state;
    kind_of(head, step->part)
        ->step(part_of(head, step->part), step, &options->formula->inputs[step->part]->options);
}

static void merge(void *state, const void *other)
{
    struct head *head = state;
    for (size_t i = 0; i < head->formula->input_count; i++) {
        kind_of(head, i)->merge(part_of(head, i), part_of_const(other, i));
    }
}

static void save(const void *state, struct bf_mp_writer *writer)
{
    const struct head *head = state;
    for (size_t i = 0; i < head->formula->input_count; i++) {
        kind_of(head, i)->save(part_of_const(head, i), writer);
    }
}

static enum bf_status load(void *state, struct bf_mp_reader *reader)
{
    struct head *head = state;
    enum bf_status status = BF_OK;
    for (size_t i = 0; status == BF_OK && i < head->formula->input_count; i++) {
        status = kind_of(head, i)->load(part_of(head, i), reader);
    }
    return status;
}

struct asked {
    const struct bf_formula *formula;
    const struct head *head;
    struct bf_slice scope;
};

static struct bf_operand number_or_missing(bool there, double number)
{
    return (struct bf_operand){.kind = there ? BF_OPERAND_NUMBER : BF_OPERAND_MISSING, .number = number};
}

static struct bf_operand input_value(const struct head *head, const struct bf_kpi_definition *input)
{
    double value = 0;
    size_t part = 0;
    while (head->formula->inputs[part] != input) {
        part++;
        assert(part < head->formula->input_count);
    }
    bool there = kind_of(head, part)->result(part_of_const(head, part), &input->options, &value);
    return number_or_missing(there, value);
}

/* The number of the zone among the parts of the scope ("zone.north+tag.line.7"). */
static struct bf_operand zone_value(const struct bf_formula_name *name, struct bf_slice scope)
{
    while (scope.len > 0) {
        const char *plus = memchr(scope.data, '+', scope.len);
        size_t len = plus == NULL ? scope.len : (size_t)(plus - scope.data);
        for (size_t low = 0, high = name->place_count; low < high;) {
            size_t middle = (low + high) / 2;
            int order = bf_slice_compare(name->places[middle].scope, (struct bf_slice){scope.data, len});
            if (order == 0) {
                return number_or_missing(true, name->places[middle].number);
            }
            low = order < 0 ? middle + 1 : low;
            high = order < 0 ? high : middle;
        }
        scope.data += plus == NULL ? len : len + 1;
        scope.len -= plus == NULL ? len : len + 1;
    }
    return number_or_missing(false, 0);
}

static void resolve(void *context, size_t index, struct bf_operand *operand)
{
    const struct asked *asked = context;
    const struct bf_formula_name *name = &asked->formula->names[index];
    if (name->kind == BF_FORMULA_NUMBER) {
        *operand = number_or_missing(true, name->number);
    } else if (name->kind == BF_FORMULA_ZONE) {
        *operand = zone_value(name, asked->scope);
    } else if (name->kpi->formula == NULL) {
        *operand = input_value(asked->head, name->kpi);
    } else {
        struct asked inner = {.formula = name->kpi->formula, .head = asked->head, .scope = asked->scope};
        *operand = bf_expression_eval(inner.formula->expression, resolve, &inner);
    }
}

bool bf_formula_result(const struct bf_formula *formula, const void *state, struct bf_slice scope,
                       double *value)
{
    struct asked asked = {.formula = formula, .head = state, .scope = scope};
    const struct bf_operand operand = bf_expression_eval(formula->expression, resolve, &asked);
    *value = operand.number;
    return operand.kind == BF_OPERAND_NUMBER;
}

static bool result(const void *state, const struct bf_value_options *options, double *value)
{
    return bf_formula_result(options->formula, state, (struct bf_slice){NULL, 0}, value);
}

const struct bf_aggregate bf_aggregate_formula = {
    .kind = {.name = "formula", .unit = BF_RESULT_SAME, .input = BF_INPUT_VALUE},
    .summary = "An expression over other KPIs.",
    .size = size,
    .init = init,
    .add = add,
    .step = step,
    .merge = merge,
    .result = result,
    .save = save,
    .load = load,
};
