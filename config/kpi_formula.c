/* kpi_formula.c: what the names of a formula are: other KPIs (derived ones too, without loops), and numbers
 * of the city and of its zones. Inputs have the windows and groups of the KPI itself, because it carries them
 * along (processors/formula.h). The units: config/kpi_formula_unit.c. */
#include "config/kpi_formula.h"

#include <stdio.h>
#include <stdlib.h>

#include "config/kpi_formula_unit.h"
#include "config/zones.h"
#include "core/hash.h"
#include "core/scope.h"

#define DEPTH_MAX 8

struct linker {
    struct bf__city_load *load;
    enum { NEW, BUSY, GOOD, BAD } * marks;
    size_t path[DEPTH_MAX], depth;
};

bool bf__formula_parse(struct bf__loader *loader, const struct bf__node *node, struct bf_kpi_definition *kpi)
{
    struct bf_err err = {.message = ""};
    struct bf_formula *formula = bf__pool_alloc(loader->pool, sizeof *formula);
    if (node->kind != BF__NODE_SCALAR || node->text.len == 0) {
        return bf__loader_problem(loader, node, "formula: expected an expression over other KPIs");
    }
    formula->text = bf__pool_copy(loader->pool, node->text);
    if (bf_expression_compile(formula->text, &formula->expression, &err) != BF_OK) {
        return bf__loader_problem(loader, node, "formula: %s", err.message);
    }
    kpi->aggregate = BF_SLICE("formula");
    kpi->formula = formula;
    kpi->options = (struct bf_value_options){.scale = 1, .formula = formula};
    return true;
}

static struct bf__loader loader_of(const struct linker *linker, size_t index)
{
    return (struct bf__loader){.pool = linker->load->pool,
                               .problems = &linker->load->problems,
                               .severity = BF__FATAL,
                               .file = linker->load->kpi_places[index].file};
}

static const struct bf__node *node_of(const struct linker *linker, size_t index)
{
    const struct bf__node *value = bf__node_get(linker->load->kpi_places[index].node, "value");
    return value != NULL && value->first != NULL ? value->first : value;
}

/* ---- which inputs fit */

static bool same_window(const struct bf_window_shape *a, const struct bf_window_shape *b)
{
    bool same = a->kind == b->kind && a->pane_us == b->pane_us && a->panes == b->panes &&
                a->unit == b->unit && a->day_start_s == b->day_start_s && a->part_count == b->part_count &&
                a->weekdays == b->weekdays && a->gap_us == b->gap_us && a->longest_us == b->longest_us &&
                a->readings == b->readings;
    for (size_t i = 0; same && i < a->part_count; i++) {
        same = a->parts[i].from_s == b->parts[i].from_s && a->parts[i].to_s == b->parts[i].to_s;
    }
    return same;
}

static bool same_group(const struct bf_kpi_definition *a, const struct bf_kpi_definition *b)
{
    bool same = a->group_count == b->group_count;
    for (size_t i = 0; same && i < a->group_count; i++) {
        same = a->group[i].kind == b->group[i].kind && bf_slice_equal(a->group[i].tag, b->group[i].tag);
    }
    return same;
}

static bool add_input(struct linker *linker, size_t index, const struct bf_kpi_definition *input)
{
    struct bf_formula *formula = linker->load->city->kpis[index].formula;
    struct bf__loader loader = loader_of(linker, index);
    for (size_t i = 0; i < formula->input_count; i++) {
        if (formula->inputs[i] == input) {
            return true;
        }
    }
    if (formula->input_count == BF_FORMULA_INPUTS_MAX) {
        return bf__loader_problem(&loader, node_of(linker, index),
                                  "formula: it reads the readings of more than %d KPIs",
                                  BF_FORMULA_INPUTS_MAX);
    }
    formula->inputs[formula->input_count++] = input;
    return true;
}

static bool link_kpi(struct linker *linker, size_t index);

/* a -> b -> a */
static bool refuse_loop(struct linker *linker, size_t index, size_t again)
{
    struct bf__loader loader = loader_of(linker, index);
    char loop[512] = "";
    size_t from = 0, at = 0;
    while (linker->path[from] != again) {
        from++;
    }
    for (size_t i = from; i < linker->depth && at < sizeof loop; i++) {
        at += (size_t)snprintf(loop + at, sizeof loop - at, "%.64s -> ",
                               linker->load->city->kpis[linker->path[i]].id.data);
    }
    return bf__loader_problem(&loader, node_of(linker, index), "formula: it needs its own value: %s%.64s",
                              loop, linker->load->city->kpis[again].id.data);
}

static bool link_input(struct linker *linker, size_t index, size_t other, struct bf_formula_name *name)
{
    const struct bf_kpi_definition *kpi = &linker->load->city->kpis[index];
    const struct bf_kpi_definition *input = &linker->load->city->kpis[other];
    struct bf__loader loader = loader_of(linker, index);
    if (linker->marks[other] == BUSY) {
        return refuse_loop(linker, index, other);
    }
    if (!link_kpi(linker, other)) {
        return false;
    }
    bool window = same_window(&kpi->window, &input->window);
    if (!window || !same_group(kpi, input)) {
        return bf__loader_problem(&loader, node_of(linker, index),
                                  "formula: %.64s has another %s; it must be that of this KPI",
                                  input->id.data, window ? "group" : "window");
    }
    *name = (struct bf_formula_name){.kind = BF_FORMULA_KPI, .kpi = input};
    bool good = input->formula != NULL || add_input(linker, index, input);
    for (size_t i = 0; good && input->formula != NULL && i < input->formula->input_count; i++) {
        good = add_input(linker, index, input->formula->inputs[i]);
    }
    return good;
}

/* ---- numbers of the city and its zones */

static const double *find_attribute(const struct bf_attribute *list, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (bf_slice_equal(list[i].name, bf_slice_of(name))) {
            return &list[i].number;
        }
    }
    return NULL;
}

static int by_scope(const void *a, const void *b)
{
    return bf_slice_compare(((const struct bf_formula_place *)a)->scope,
                            ((const struct bf_formula_place *)b)->scope);
}

static bool link_zones(struct linker *linker, size_t index, const char *attribute,
                       struct bf_formula_name *name)
{
    const struct bf_kpi_definition *kpi = &linker->load->city->kpis[index];
    const struct bf_zones *zones = linker->load->city->zones;
    struct bf__loader loader = loader_of(linker, index);
    bool by_zone = false;
    for (size_t i = 0; i < kpi->group_count; i++) {
        by_zone = by_zone || kpi->group[i].kind == BF_GROUP_ZONE;
    }
    if (!by_zone) {
        return bf__loader_problem(&loader, node_of(linker, index),
                                  "formula: zone.%.64s needs a KPI that is grouped by zone", attribute);
    }
    struct bf_formula_place *places =
        bf__pool_array(linker->load->pool, bf_zones_count(zones) + 1, sizeof *places);
    *name = (struct bf_formula_name){.kind = BF_FORMULA_ZONE, .places = places};
    for (size_t i = 0; i < bf_zones_count(zones); i++) {
        const struct bf__zone *zone = bf__zones_at(zones, i);
        const double *number = find_attribute(zone->attributes, zone->attribute_count, attribute);
        if (number != NULL) {
            struct bf_scope_text scope;
            bf_scope_init(&scope);
            bf_scope_zone(&scope, zone->id);
            places[name->place_count++] = (struct bf_formula_place){
                .scope = bf__pool_copy(linker->load->pool, (struct bf_slice){scope.data, scope.len}),
                .number = *number};
        }
    }
    qsort(places, name->place_count, sizeof *places, by_scope);
    return name->place_count > 0 || bf__loader_problem(&loader, node_of(linker, index),
                                                       "formula: no zone has a number \"%.64s\"", attribute);
}

static bool link_name(struct linker *linker, size_t index, const char *text, struct bf_formula_name *name)
{
    const struct bf_city *city = linker->load->city;
    struct bf__loader loader = loader_of(linker, index);
    if (strncmp(text, "zone.", 5) == 0) {
        return link_zones(linker, index, text + 5, name);
    }
    if (strncmp(text, "city.", 5) == 0) {
        const double *number = find_attribute(city->attributes, city->attribute_count, text + 5);
        *name = (struct bf_formula_name){.kind = BF_FORMULA_NUMBER, .number = number != NULL ? *number : 0};
        return number != NULL ||
               bf__loader_problem(&loader, node_of(linker, index),
                                  "formula: city.yaml has no attribute \"%.64s\"", text + 5);
    }
    const char **ids = bf__pool_array(linker->load->scratch, city->kpi_count + 1, sizeof *ids);
    for (size_t i = 0; i < city->kpi_count; i++) {
        ids[i] = city->kpis[i].id.data;
        if (bf_slice_equal(city->kpis[i].id, bf_slice_of(text))) {
            return link_input(linker, index, i, name);
        }
    }
    const char *nearest = bf_config_nearest(text, ids);
    return bf__loader_problem(&loader, node_of(linker, index), "formula: there is no KPI \"%.64s\"%s%s%s",
                              text, nearest != NULL ? "; did you mean \"" : "",
                              nearest != NULL ? nearest : "", nearest != NULL ? "\"?" : "");
}

/* ---- one after the other */

/* All that changes a number: the text, the inputs, the city's and the zones' numbers. */
static uint64_t linked_hash(const struct bf_kpi_definition *kpi, size_t names)
{
    const struct bf_formula *formula = kpi->formula;
    uint64_t hash = bf_hash64_mix(kpi->hash, bf_hash64(formula->text)), bits = 0;
    for (size_t i = 0; i < names; i++) {
        const struct bf_formula_name *name = &formula->names[i];
        memcpy(&bits, &name->number, sizeof bits);
        hash = bf_hash64_mix(hash, name->kind == BF_FORMULA_KPI ? name->kpi->hash : bits);
        for (size_t p = 0; p < name->place_count; p++) {
            memcpy(&bits, &name->places[p].number, sizeof bits);
            hash = bf_hash64_mix(hash, bf_hash64_mix(bf_hash64(name->places[p].scope), bits));
        }
    }
    return hash;
}

static bool link_names(struct linker *linker, size_t index)
{
    struct bf_kpi_definition *kpi = &linker->load->city->kpis[index];
    struct bf_formula *formula = kpi->formula;
    struct bf__loader loader = loader_of(linker, index);
    char why[200];
    size_t names = 0;
    while (bf_expression_name(formula->expression, names) != NULL) {
        names++;
    }
    formula->names = bf__pool_array(loader.pool, names + 1, sizeof *formula->names);
    formula->inputs = bf__pool_array(loader.pool, BF_FORMULA_INPUTS_MAX, sizeof *formula->inputs);
    for (size_t i = 0; i < names; i++) {
        if (!link_name(linker, index, bf_expression_name(formula->expression, i), &formula->names[i])) {
            return false;
        }
    }
    if (kpi->window.kind != BF_WINDOW_FIXED && kpi->window.kind != BF_WINDOW_CALENDAR) {
        return bf__loader_problem(&loader, node_of(linker, index),
                                  "formula: its inputs must share windows, which sessions and counts do not");
    }
    if (formula->input_count == 0) {
        return bf__loader_problem(&loader, node_of(linker, index), "formula: it needs another KPI");
    }
    if (!bf__formula_unit_fits(kpi, why, sizeof why)) {
        return bf__loader_problem(&loader, node_of(linker, index), "formula: %s", why);
    }
    kpi->hash = linked_hash(kpi, names);
    return true;
}

static bool link_kpi(struct linker *linker, size_t index)
{
    struct bf__loader loader = loader_of(linker, index);
    if (linker->load->city->kpis[index].formula == NULL || linker->marks[index] != NEW) {
        return linker->marks[index] != BAD;
    }
    if (linker->depth == DEPTH_MAX) {
        return bf__loader_problem(&loader, node_of(linker, index),
                                  "formula: formulas refer to each other more than %d deep", DEPTH_MAX);
    }
    linker->marks[index] = BUSY;
    linker->path[linker->depth++] = index;
    bool good = link_names(linker, index);
    linker->depth--;
    linker->marks[index] = good ? GOOD : BAD;
    return good;
}

void bf__formulas_link(struct bf__city_load *load)
{
    struct linker linker = {.load = load};
    linker.marks = bf__pool_array(load->scratch, load->city->kpi_count + 1, sizeof *linker.marks);
    for (size_t i = 0; i < load->city->kpi_count; i++) {
        link_kpi(&linker, i);
    }
}
