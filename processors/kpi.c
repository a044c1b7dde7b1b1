/* kpi.c: compiling KPI definitions. The lists by quantity stand in one array, linked by index. */
#include "processors/kpi.h"

#include <stdlib.h>

#include "core/hash.h"

bool bf_kpi_plan_any_quantity(const struct bf_kpi_definition *definition)
{
    return definition->quantity.len == 0 || bf_slice_equal(definition->quantity, BF_SLICE("*"));
}

static struct bf_kpi_plan_name name_of(const char *text)
{
    static const struct {
        const char *text;
        int kind;
    } known[] = {
        {.text = "value", .kind = BF_NAME_VALUE},   {.text = "quality", .kind = BF_NAME_QUALITY},
        {.text = "zone", .kind = BF_NAME_ZONE},     {.text = "source", .kind = BF_NAME_SOURCE},
        {.text = "device", .kind = BF_NAME_DEVICE}, {.text = "quantity", .kind = BF_NAME_QUANTITY},
        {.text = "unit", .kind = BF_NAME_UNIT},     {.text = "profile", .kind = BF_NAME_PROFILE},
    };
    struct bf_kpi_plan_name name = {.kind = BF_NAME_TAG, .tag = bf_slice_of(text)};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(known[i].text, text) == 0) {
            name.kind = known[i].kind;
        }
    }
    return name;
}

static bool compile_names(struct bf_kpi_plan_item *kpi)
{
    const struct bf_expression *where = kpi->definition->where;
    size_t count = 0;
    while (where != NULL && bf_expression_name(where, count) != NULL) {
        count++;
    }
    kpi->names = calloc(count + 1, sizeof(*kpi->names));
    for (size_t i = 0; kpi->names != NULL && i < count; i++) {
        kpi->names[i] = name_of(bf_expression_name(where, i));
    }
    return kpi->names != NULL;
}

static void link_quantity(struct bf_kpi_plan *plan, size_t index)
{
    struct bf_kpi_plan_item *kpi = &plan->kpis[index];
    uint32_t *at = &plan->any;
    if (!bf_kpi_plan_any_quantity(kpi->definition)) {
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
    const struct bf_kpi_definition *definition = &plan->city->kpis[index];
    kpi->definition = definition;
    kpi->aggregate = bf_aggregate_find(definition->aggregate);
    if (kpi->aggregate == NULL || definition->window_us <= 0) {
        return bf_err_set(err, BF_CONFIG, "KPI %.*s: no aggregate %.*s",
                          BF_SLICE_ARG(definition->id), BF_SLICE_ARG(definition->aggregate));
    }
    if (!compile_names(kpi)) {
        return bf_err_set(err, BF_PEER, "out of memory");
    }
    int64_t reach = definition->window_us + definition->delay_us + definition->lateness_us;
    plan->longest_reach_us = reach > plan->longest_reach_us ? reach : plan->longest_reach_us;
    if (definition->window_us > plan->longest_window_us) {
        plan->longest_window_us = definition->window_us;
    }
    return BF_OK;
}

enum bf_status bf_kpi_plan_create(const struct bf_city *city, int64_t generation, int64_t from_us,
                              struct bf_kpi_plan **plan, struct bf_err *err)
{
    struct bf_kpi_plan *made = calloc(1, sizeof(*made));
    size_t heads = 16;
    while (heads < 2 * city->kpi_count) {
        heads *= 2;
    }
    if (made != NULL) {
        made->kpis = calloc(city->kpi_count + 1, sizeof(*made->kpis));
        made->heads = calloc(heads, sizeof(*made->heads));
    }
    if (made == NULL || made->kpis == NULL || made->heads == NULL) {
        bf_kpi_plan_destroy(made);
        return bf_err_set(err, BF_PEER, "out of memory");
    }
    made->generation = generation;
    made->from_us = from_us;
    made->city = city;
    made->count = city->kpi_count;
    made->mask = heads - 1;
    for (size_t i = 0; i < made->count; i++) {
        enum bf_status status = compile(made, i, err);
        if (status != BF_OK) {
            bf_kpi_plan_destroy(made);
            return status;
        }
        link_quantity(made, i);
    }
    *plan = made;
    return BF_OK;
}

void bf_kpi_plan_destroy(struct bf_kpi_plan *plan)
{
    if (plan == NULL) {
        return;
    }
    for (size_t i = 0; plan->kpis != NULL && i < plan->count; i++) {
        free(plan->kpis[i].names);
    }
    free(plan->kpis);
    free(plan->heads);
    free(plan);
}

uint32_t bf_kpi_plan_first(const struct bf_kpi_plan *plan, struct bf_slice quantity)
{
    return plan->heads[bf_hash64(quantity) & plan->mask];
}

struct where {
    const struct bf_kpi_plan_item *kpi;
    const struct bf_reading *reading;
};

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
        operand->kind =
            bf_value_number(value, &operand->number) ? BF_OPERAND_NUMBER : BF_OPERAND_MISSING;
    }
}

static void put_tag(struct bf_operand *operand, const struct bf_reading *reading,
                    struct bf_slice name)
{
    for (uint32_t i = 0; i < reading->tag_count; i++) {
        if (bf_slice_equal(reading->tags[i].name, name)) {
            put_text(operand, reading->tags[i].value);
        }
    }
}

static void resolve(void *context, size_t name, struct bf_operand *operand)
{
    const struct where *where = context;
    const struct bf_reading *reading = where->reading;
    operand->kind = BF_OPERAND_MISSING;
    switch (where->kpi->names[name].kind) {
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
    case BF_NAME_TAG:
        put_tag(operand, reading, where->kpi->names[name].tag);
        break;
    }
}

bool bf_kpi_plan_takes(const struct bf_kpi_plan_item *kpi, const struct bf_reading *reading)
{
    const struct bf_kpi_definition *definition = kpi->definition;
    if (!bf_slice_equal(definition->quantity, reading->quantity) &&
        !bf_kpi_plan_any_quantity(definition)) {
        return false;
    }
    struct where where = {.kpi = kpi, .reading = reading};
    return definition->where == NULL || bf_expression_holds(definition->where, resolve, &where);
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
