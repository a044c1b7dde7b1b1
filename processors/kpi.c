/* kpi.c: compiling KPI definitions. The lists by quantity stand in one array, linked by index. */
#include "processors/kpi.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/civil.h"
#include "core/hash.h"
#include "core/time.h"
#include "processors/cell.h"
#include "processors/formula.h"

#define MINUTE_US (60 * BF_US_PER_S)
#define DAY_US (1440 * MINUTE_US)

static bool takes_any_quantity(const struct bf_kpi_definition *definition)
{
    return definition->quantity.len == 0 || bf_slice_equal(definition->quantity, BF_SLICE("*"));
}

static struct bf_kpi_plan_name name_of(struct bf_slice text)
{
    static const struct {
        const char *text;
        enum bf_kpi_plan_name_kind kind;
    } known[] = {
#define X(constant, name) {.text = name, .kind = BF_NAME_##constant},
#include "config/names.def"
#undef X
    };
    struct bf_kpi_plan_name name = {.kind = BF_NAME_TAG, .tag = text};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (bf_slice_equal(bf_slice_of(known[i].text), text)) {
            name.kind = known[i].kind;
        }
    }
    return name;
}

static bool compile_expression(struct bf_kpi_plan_expression *made, const struct bf_expression *expression)
{
    size_t count = 0;
    while (expression != NULL && bf_expression_name(expression, count) != NULL) {
        count++;
    }
    made->expression = expression;
    made->names = calloc(count + 1, sizeof(*made->names));
    for (size_t i = 0; made->names != NULL && i < count; i++) {
        made->names[i] = name_of(bf_slice_of(bf_expression_name(expression, i)));
    }
    return made->names != NULL;
}

static bool compile_names(struct bf_kpi_plan_item *kpi)
{
    const struct bf_kpi_definition *definition = kpi->definition;
    kpi->has_of = definition->options.of_text.len > 0;
    kpi->of = name_of(definition->options.of_text);
    return compile_expression(&kpi->where, definition->where) &&
           compile_expression(&kpi->weight, definition->options.weight) &&
           compile_expression(&kpi->when, definition->options.when);
}

static void link_quantity(struct bf_kpi_plan *plan, size_t index)
{
    struct bf_kpi_plan_item *kpi = &plan->kpis[index];
    uint32_t *at = &plan->any;
    if (!takes_any_quantity(kpi->definition)) {
        at = &plan->heads[bf_hash64(kpi->definition->quantity) & plan->mask];
    }
    while (*at != 0) { /* at the end: the order of the configuration */
        at = &plan->kpis[*at - 1].next;
    }
    *at = (uint32_t)index + 1;
}

static enum bf_status compile(struct bf_kpi_plan *plan, size_t index, struct bf_err *err)
{
    struct bf_kpi_plan_item *kpi = &plan->kpis[index];
    const struct bf_kpi_definition *definition = kpi->definition;
    kpi->aggregate =
        definition->formula != NULL ? &bf_aggregate_formula : bf_aggregate_find(definition->aggregate);
    if (kpi->aggregate == NULL || definition->window.panes == 0) {
        return bf_err_set(err, BF_CONFIG, "KPI %.*s: no aggregate %.*s", BF_SLICE_ARG(definition->id),
                          BF_SLICE_ARG(definition->aggregate));
    }
    bool session = definition->window.kind == BF_WINDOW_SESSION;
    if ((session || definition->window.kind == BF_WINDOW_COUNT) && !definition->by_device) {
        return bf_err_set(err, BF_CONFIG, "KPI %.*s: sessions and counts are by device",
                          BF_SLICE_ARG(definition->id));
    }
    if (!compile_names(kpi)) {
        return bf_err_set(err, BF_PEER, "out of memory");
    }
    int64_t pane_us = session ? definition->window.longest_us : definition->window.pane_us;
    int64_t reach_us = pane_us + definition->delay_us + definition->lateness_us;
    plan->longest_reach_us = reach_us > plan->longest_reach_us ? reach_us : plan->longest_reach_us;
    plan->longest_pane_us = pane_us > plan->longest_pane_us ? pane_us : plan->longest_pane_us;
    return BF_OK;
}

/* The inputs of a derived KPI read for it, each on its own. */
static enum bf_status compile_inputs(struct bf_kpi_plan *plan, size_t index, struct bf_err *err)
{
    const struct bf_formula *formula = plan->kpis[index].definition->formula;
    for (uint32_t i = 0; formula != NULL && i < formula->input_count; i++) {
        struct bf_kpi_plan_item *input = &plan->kpis[plan->item_count];
        input->definition = formula->inputs[i];
        input->aggregate = bf_aggregate_find(formula->inputs[i]->aggregate);
        input->owner = &plan->kpis[index];
        input->timezone = plan->city->local;
        input->part = i;
        if (input->aggregate == NULL) {
            return bf_err_set(err, BF_CONFIG, "KPI %.*s: no aggregate %.*s",
                              BF_SLICE_ARG(input->definition->id),
                              BF_SLICE_ARG(input->definition->aggregate));
        }
        plan->item_count++; /* from now on its names are the plan's to free */
        if (!compile_names(input)) {
            return bf_err_set(err, BF_PEER, "out of memory");
        }
        link_quantity(plan, plan->item_count - 1);
    }
    if (formula != NULL &&
        bf_aggregate_formula.size(&plan->kpis[index].definition->options) > BF_CELL_STATE_MAX) {
        return bf_err_set(err, BF_CONFIG, "KPI %.*s: its inputs together are too large",
                          BF_SLICE_ARG(plan->kpis[index].definition->id));
    }
    return BF_OK;
}

enum bf_status bf_kpi_plan_create(const struct bf_city *city, int64_t generation, int64_t from_us,
                                  struct bf_kpi_plan **plan, struct bf_err *err)
{
    struct bf_kpi_plan *made = calloc(1, sizeof(*made));
    size_t heads = 16, items = city->kpi_count;
    for (size_t i = 0; i < city->kpi_count; i++) {
        items += city->kpis[i].formula != NULL ? city->kpis[i].formula->input_count : 0;
    }
    while (heads < 2 * items) {
        heads *= 2;
    }
    if (made != NULL) {
        made->kpis = calloc(items + 1, sizeof(*made->kpis));
        made->heads = calloc(heads, sizeof(*made->heads));
    }
    if (made == NULL || made->kpis == NULL || made->heads == NULL) {
        bf_kpi_plan_destroy(made);
        return bf_err_set(err, BF_PEER, "out of memory");
    }
    made->generation = generation;
    made->from_us = from_us;
    made->city = city;
    made->count = made->item_count = city->kpi_count;
    made->mask = heads - 1;
    for (size_t i = 0; i < made->count; i++) {
        made->kpis[i].definition = &city->kpis[i];
        made->kpis[i].timezone = city->local;
        made->kpis[i].owner = &made->kpis[i];
        enum bf_status status = compile(made, i, err);
        status = status == BF_OK ? compile_inputs(made, i, err) : status;
        if (status != BF_OK) {
            bf_kpi_plan_destroy(made);
            return status;
        }
        if (city->kpis[i].formula == NULL) {
            link_quantity(made, i);
        }
    }
    *plan = made;
    return BF_OK;
}

void bf_kpi_plan_destroy(struct bf_kpi_plan *plan)
{
    if (plan == NULL) {
        return;
    }
    for (size_t i = 0; plan->kpis != NULL && i < plan->item_count; i++) {
        free(plan->kpis[i].where.names);
        free(plan->kpis[i].weight.names);
        free(plan->kpis[i].when.names);
    }
    free(plan->kpis);
    free(plan->heads);
    free(plan);
}

uint32_t bf_kpi_plan_first(const struct bf_kpi_plan *plan, struct bf_slice quantity)
{
    return plan->heads[bf_hash64(quantity) & plan->mask];
}

struct asked {
    const struct bf_kpi_plan_name *names;
    const struct bf_timezone *timezone;
    const struct bf_reading *reading;
};

/* What the city's clocks showed at the reading's event time. In the hour that comes twice it is twice the
 * same; the one that is left out is nobody's. */
static void put_clock(struct bf_operand *operand, const struct asked *asked, enum bf_kpi_plan_name_kind kind)
{
    int64_t event_us = asked->reading->event_us;
    int64_t local_us = event_us + bf_timezone_at(asked->timezone, event_us).offset_us;
    int64_t day_us = bf_time_floor(local_us, DAY_US), minutes = (local_us - day_us) / MINUTE_US;
    int64_t number = kind == BF_NAME_HOUR     ? minutes / 60
                     : kind == BF_NAME_MINUTE ? minutes % 60
                                              : bf_civil_weekday(day_us / DAY_US) + 1;
    operand->kind = BF_OPERAND_NUMBER;
    operand->number = (double)number;
}

static void put_text(struct bf_operand *operand, struct bf_slice text)
{
    operand->kind = text.len > 0 ? BF_OPERAND_TEXT : BF_OPERAND_MISSING;
    operand->text = text;
}

static void put_value(struct bf_operand *operand, const struct bf_value *value)
{
    if (value->kind == BF_VALUE_TEXT) {
        put_text(operand, value->as.text);
    } else {
        operand->kind = bf_value_number(value, &operand->number) ? BF_OPERAND_NUMBER : BF_OPERAND_MISSING;
    }
}

static void put_tag(struct bf_operand *operand, const struct bf_reading *reading, struct bf_slice name)
{
    for (uint32_t i = 0; i < reading->tag_count; i++) {
        if (bf_slice_equal(reading->tags[i].name, name)) {
            put_text(operand, reading->tags[i].value);
        }
    }
}

static void put_name(struct bf_operand *operand, const struct asked *asked,
                     const struct bf_kpi_plan_name *name)
{
    const struct bf_reading *reading = asked->reading;
    operand->kind = BF_OPERAND_MISSING;
    switch (name->kind) {
    case BF_NAME_VALUE:
        put_value(operand, &reading->value);
        break;
    case BF_NAME_QUALITY:
        operand->kind = BF_OPERAND_NUMBER;
        operand->number = (double)reading->quality;
        break;
    case BF_NAME_ZONE:
        put_text(operand, reading->zone);
        break;
    case BF_NAME_SOURCE:
        put_text(operand, reading->source);
        break;
    case BF_NAME_DEVICE:
        put_text(operand, bf_reading_device(reading->source));
        break;
    case BF_NAME_QUANTITY:
        put_text(operand, reading->quantity);
        break;
    case BF_NAME_UNIT:
        put_text(operand, reading->unit);
        break;
    case BF_NAME_PROFILE:
        put_text(operand, reading->profile);
        break;
    case BF_NAME_HOUR:
    case BF_NAME_MINUTE:
    case BF_NAME_WEEKDAY:
        put_clock(operand, asked, name->kind);
        break;
    case BF_NAME_TAG:
        put_tag(operand, reading, name->tag);
        break;
    }
}

static void resolve(void *context, size_t name, struct bf_operand *operand)
{
    const struct asked *asked = context;
    put_name(operand, asked, &asked->names[name]);
}

bool bf_kpi_plan_takes(const struct bf_kpi_plan_item *kpi, const struct bf_reading *reading)
{
    const struct bf_kpi_definition *definition = kpi->definition;
    if (!bf_slice_equal(definition->quantity, reading->quantity) && !takes_any_quantity(definition)) {
        return false;
    }
    struct asked asked = {.names = kpi->where.names, .timezone = kpi->timezone, .reading = reading};
    return kpi->where.expression == NULL || bf_expression_holds(kpi->where.expression, resolve, &asked);
}

static struct bf_slice label_of(const struct bf_kpi_plan_item *kpi, const struct asked *asked,
                                char text[BF_KPI_LABEL_MAX])
{
    struct bf_operand operand = {.kind = BF_OPERAND_MISSING};
    put_name(&operand, asked, &kpi->of);
    if (operand.kind == BF_OPERAND_NUMBER) { /* 12, 0.1: as short as it reads back the same */
        int len = 0;
        for (int digits = 15; digits <= 17; digits++) {
            len = snprintf(text, BF_KPI_LABEL_MAX, "%.*g", digits, operand.number);
            if (strtod(text, NULL) == operand.number) {
                break;
            }
        }
        return (struct bf_slice){text, (size_t)len};
    }
    return operand.kind == BF_OPERAND_TEXT ? operand.text : (struct bf_slice){NULL, 0};
}

bool bf_kpi_plan_sample(const struct bf_kpi_plan_item *kpi, const struct bf_reading *reading,
                        struct bf_sample *sample, char text[BF_KPI_LABEL_MAX])
{
    struct asked asked = {.names = kpi->weight.names, .timezone = kpi->timezone, .reading = reading};
    sample->weight = 1;
    if (kpi->weight.expression != NULL) {
        struct bf_operand weight = bf_expression_eval(kpi->weight.expression, resolve, &asked);
        if (weight.kind != BF_OPERAND_NUMBER || !(weight.number > 0)) {
            return false;
        }
        sample->weight = weight.number;
    }
    asked.names = kpi->when.names;
    sample->holds =
        kpi->when.expression != NULL && bf_expression_holds(kpi->when.expression, resolve, &asked);
    sample->label = kpi->has_of ? label_of(kpi, &asked, text) : (struct bf_slice){NULL, 0};
    return true;
}

static struct bf_slice known_or_unknown(struct bf_slice id)
{
    return id.len > 0 ? id : BF_SLICE("unknown");
}

static struct bf_slice tag_value(const struct bf_reading *reading, struct bf_slice name)
{
    for (uint32_t i = 0; i < reading->tag_count; i++) {
        if (bf_slice_equal(reading->tags[i].name, name)) {
            return reading->tags[i].value;
        }
    }
    return (struct bf_slice){NULL, 0};
}

void bf_kpi_plan_scope(const struct bf_kpi_definition *definition, const struct bf_reading *reading,
                       struct bf_scope_text *scope)
{
    bf_scope_init(scope);
    if (definition->group_count == 0) {
        bf_scope_city(scope);
    }
    for (size_t i = 0; i < definition->group_count; i++) {
        const struct bf_group_by *by = &definition->group[i];
        switch (by->kind) {
        case BF_GROUP_CITY:
            bf_scope_city(scope);
            break;
        case BF_GROUP_ZONE:
            bf_scope_zone(scope, known_or_unknown(reading->zone));
            break;
        case BF_GROUP_DEVICE:
            bf_scope_device(scope, bf_reading_device(reading->source));
            break;
        case BF_GROUP_TAG:
            bf_scope_tag(scope, by->tag, known_or_unknown(tag_value(reading, by->tag)));
            break;
        }
    }
}
