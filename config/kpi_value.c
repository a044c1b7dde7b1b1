/* kpi_value.c: the table of all options of aggregates. See kpi_value.h.
 * Declined: a table of options in each aggregate's file: processors would then have to know how
 * configuration is read, and config must not link them. */
#include "config/kpi_value.h"

#include <math.h>
#include <stdio.h>

#include "config/kpi_formula.h"
#include "config/scalar.h"
#include "config/template.h"
#include "config/unit.h"
#include "core/hash.h"

#define AT(field) offsetof(struct bf_value_options, field)
#define DAY_US 86400e6
#define OPTIONS_MAX 16

static bool is_text(const struct bf__node *node)
{
    return node != NULL && node->kind == BF__NODE_SCALAR && node->text.len > 0;
}

/* ---- types */

static bool parse_bounds(struct bf__loader *loader, const struct bf__option *option,
                         const struct bf__node *node, void *base)
{
    struct bf_value_options *options = base;
    if (node->kind != BF__NODE_LIST || node->count == 0 || node->count > BF_BOUNDS_MAX) {
        return bf__option_unexpected(loader, option, node);
    }
    double *bounds = bf__pool_array(loader->pool, node->count, sizeof *bounds);
    size_t count = 0;
    for (const struct bf__node *item = node->first; item != NULL; item = item->next) {
        if (!is_text(item) || !bf_scalar_number(item->text, &bounds[count]) || !isfinite(bounds[count])) {
            return bf__option_unexpected(loader, option, item);
        }
        if (count > 0 && !(bounds[count] > bounds[count - 1])) {
            return bf__loader_problem(loader, item, "bounds: each must be above the one before");
        }
        count++;
    }
    options->bounds = bounds;
    options->bound_count = count;
    return true;
}
static const struct bf__option_type type_bounds = {
    .name = "list of numbers", .expects = "a list of 1 to 40 ascending numbers", .parse = parse_bounds};

/* weight and when: the expression and its text, which stands before it in the struct's order of names. */
static bool parse_expression(struct bf__loader *loader, const struct bf__option *option,
                             const struct bf__node *node, void *base)
{
    struct bf_value_options *options = base;
    struct bf_slice *text = option->offset == AT(weight) ? &options->weight_text : &options->when_text;
    if (!bf__type_expression.parse(loader, option, node, base)) {
        return false;
    }
    *text = bf__pool_copy(loader->pool, node->text);
    return true;
}
static const struct bf__option_type type_expression = {
    .name = "expression", .expects = "an expression such as 'value > 50'", .parse = parse_expression};

/* ---- the options */

static const struct bf__option value_options[] = {
    {.name = "p",
     .type = &bf__type_number,
     .offset = AT(p),
     .min = 0,
     .max = 1,
     .summary = "quantile: the share of values that lie below; 0.5 is the median."},
    {.name = "bounds",
     .type = &type_bounds,
     .summary = "histogram: upper edges, ascending; a value at an edge lies below it."},
    {.name = "k",
     .type = &bf__type_count,
     .offset = AT(k),
     .min = 1,
     .max = BF_TOP_MAX,
     .fallback = "5",
     .summary = "top_k: how many."},
    {.name = "of",
     .type = &bf__type_name,
     .offset = AT(of_text),
     .summary = "distinct, top_k: what is counted: source, device, zone, profile, value, hour, weekday, or a "
                "tag."},
    {.name = "weight",
     .type = &type_expression,
     .offset = AT(weight),
     .summary = "weighted_mean, energy_mean, circular_mean: how much a reading counts; one without a "
                "positive number here does not. Names as in `where`."},
    {.name = "when",
     .type = &type_expression,
     .offset = AT(when),
     .summary = "share, time_in_state: the condition, as in `where`."},
    {.name = "every",
     .type = &bf__type_duration,
     .offset = AT(every_us),
     .min = 1e3,
     .max = 366 * DAY_US,
     .summary = "completeness: how often each source ought to send."},
    {.name = "hold",
     .type = &bf__type_duration,
     .offset = AT(hold_us),
     .fallback = "1h",
     .min = 1e3,
     .max = 366 * DAY_US,
     .summary = "For how long a reading holds where its source sends no other; then nothing is known. For "
                "counters: the longest time between two readings that belong together."},
    {.name = "rollover",
     .type = &bf__type_number,
     .offset = AT(rollover),
     .min = 1e-9,
     .max = 1e300,
     .summary = "increase, rate: where the counter begins again at 0; without it a fall is a reset to 0."},
    {.name = "per",
     .type = &bf__type_duration,
     .offset = AT(per_us),
     .fallback = "1s",
     .min = 1,
     .max = 366 * DAY_US,
     .summary = "rate: per which time; it must agree with the unit."},
    {.name = "fraction",
     .type = &bf__type_bool,
     .offset = AT(fraction),
     .fallback = "false",
     .summary = "time_in_state: the part of the time that is known, instead of the time."},
    {.name = NULL},
};
const struct bf__section bf__value_section = {
    .name = "value",
    .options = value_options,
    .size = sizeof(struct bf_value_options),
    .summary = "In kpis/*.yaml, of the aggregates that take them: `value: {quantile: {p: 0.95}}`. The "
               "aggregates stand in AGGREGATES.md."};

/* "p!" in "p! k": found, and whether it must be there. */
static bool takes(const struct bf_aggregate_kind *kind, const char *name, bool *must)
{
    size_t len = strlen(name);
    for (const char *at = kind->takes != NULL ? kind->takes : ""; *at != '\0';) {
        size_t word = strcspn(at, " ");
        *must = word > 0 && at[word - 1] == '!';
        if (word - (*must ? 1 : 0) == len && memcmp(at, name, len) == 0) {
            return true;
        }
        at += word + strspn(at + word, " ");
    }
    *must = false;
    return false;
}

/* Options that there are, but not for this aggregate. */
static bool check_taken(struct bf__loader *loader, const struct bf_aggregate_kind *kind,
                        const struct bf__node *map)
{
    bool good = true;
    for (const struct bf__node *entry = map->first; entry != NULL; entry = entry->next) {
        bool known = kind->takes == NULL;
        bool must = false;
        for (const struct bf__option *option = value_options; option->name != NULL; option++) {
            known = known || bf_slice_equal(entry->key->text, bf_slice_of(option->name));
        }
        if (known && !takes(kind, entry->key->text.data, &must)) {
            good = bf__loader_problem(loader, entry->key, "value: %s takes no option \"%.40s\"", kind->name,
                                      entry->key->text.data);
        }
    }
    return good;
}

/* All defaults, then what is written, by the options of this aggregate alone. */
static bool load_options(struct bf__loader *loader, const struct bf_aggregate_kind *kind,
                         const struct bf__node *node, const struct bf__node *map,
                         struct bf_value_options *options)
{
    const struct bf__node empty = {.kind = BF__NODE_MAP, .line = node->line, .column = node->column};
    struct bf__option chosen[OPTIONS_MAX];
    size_t count = 0;
    *options = (struct bf_value_options){.scale = 1};
    bool good = bf__section_load(loader, &bf__value_section, &empty, options);
    map = map != NULL ? map : &empty;
    if (map->kind != BF__NODE_MAP) {
        return bf__loader_problem(loader, map, "value: expected the options as a map (key: value), not %s",
                                  bf__node_kind_name(map));
    }
    if (kind == NULL) {
        return bf__section_load(loader, &bf__value_section, map, options);
    }
    for (const struct bf__option *option = value_options; option->name != NULL; option++) {
        chosen[count] = *option;
        count += takes(kind, option->name, &chosen[count].required) ? 1 : 0;
    }
    chosen[count] = (struct bf__option){.name = NULL};
    char name[64];
    snprintf(name, sizeof name, "value: %.40s", kind->name);
    const struct bf__section section = {.name = name, .options = chosen};
    return good && check_taken(loader, kind, map) && bf__section_load(loader, &section, map, options);
}

/* ---- the aggregate */

/* NULL where `aggregates` is NULL or has none of that name. */
static const struct bf_aggregate_kind *find_aggregate(const struct bf_aggregate_kind *const *aggregates,
                                                      struct bf_slice name)
{
    for (size_t i = 0; aggregates != NULL && aggregates[i] != NULL; i++) {
        if (bf_slice_equal(name, bf_slice_of(aggregates[i]->name))) {
            return aggregates[i];
        }
    }
    return NULL;
}

static bool unknown_aggregate(struct bf__loader *loader, const struct bf__node *name)
{
    const char *names[64] = {NULL};
    char list[600] = "";
    size_t at = 0;
    for (size_t i = 0; loader->aggregates[i] != NULL && i + 1 < sizeof names / sizeof *names; i++) {
        names[i] = loader->aggregates[i]->name;
        if (at < sizeof list) {
            at += (size_t)snprintf(list + at, sizeof list - at, "%s%s", i > 0 ? ", " : "", names[i]);
        }
    }
    const char *nearest = bf_config_nearest(name->text.data, names);
    return nearest != NULL
               ? bf__loader_problem(loader, name,
                                    "value: there is no aggregate \"%.40s\"; did you mean \"%s\"?",
                                    name->text.data, nearest)
               : bf__loader_problem(loader, name, "value: there is no aggregate \"%.40s\"; there are %s",
                                    name->text.data, list);
}

static bool parse_value(struct bf__loader *loader, const struct bf__option *option,
                        const struct bf__node *node, void *base)
{
    struct bf_kpi_definition *kpi = base;
    bool map = node->kind == BF__NODE_MAP && node->count == 1;
    const struct bf__node *name = map ? node->first->key : node;
    if (!is_text(name)) {
        return bf__option_unexpected(loader, option, node);
    }
    if (map && bf_slice_equal(name->text, BF_SLICE("formula"))) {
        return bf__formula_parse(loader, node->first, kpi);
    }
    const struct bf_aggregate_kind *kind = find_aggregate(loader->aggregates, name->text);
    if (kind == NULL && loader->aggregates != NULL) {
        return unknown_aggregate(loader, name);
    }
    kpi->aggregate = bf__pool_copy(loader->pool, name->text);
    return load_options(loader, kind, name, map ? node->first : NULL, &kpi->options);
}
const struct bf__option_type bf__type_value = {.name = "aggregate",
                                               .expects =
                                                   "an aggregate such as mean or {quantile: {p: 0.95}}",
                                               .parse = parse_value};

/* ---- units */

static bool is_number_unit(const struct bf_unit *unit)
{
    return strcmp(unit->dimension, "number") == 0;
}

/* 1 or %: what a share can be written in. */
static bool is_share_unit(const struct bf_unit *unit)
{
    return strcmp(unit->code, "1") == 0 || strcmp(unit->code, "%") == 0;
}

bool bf__kpi_value_check(struct bf__loader *loader, const struct bf__node *map, struct bf_kpi_definition *kpi)
{
    const struct bf_aggregate_kind *kind = find_aggregate(loader->aggregates, kpi->aggregate);
    const struct bf__node *node = bf__node_get(map, "unit");
    const struct bf_unit *unit = bf_unit_find(kpi->unit);
    if (kind == NULL) {
        return true;
    }
    if (bf_slice_equal(kpi->quantity, BF_SLICE("*")) && kind->input != BF_INPUT_ANY) {
        return bf__loader_problem(
            loader, bf__node_get(map, "value"),
            "value: readings of every quantity (\"*\") have no common value; only count, "
            "distinct, top_k and share take them");
    }
    bool share = kind->unit == BF_RESULT_SHARE || kpi->options.fraction;
    if (share && !is_share_unit(unit)) {
        return bf__loader_problem(loader, node, "unit: a share has the unit \"1\" or \"%%\"");
    }
    if (kind->unit == BF_RESULT_NUMBER && !is_number_unit(unit)) {
        return bf__loader_problem(loader, node, "unit: a count has the unit \"1\", or one such as {veh}");
    }
    if (kind->unit == BF_RESULT_TIME && !share && strcmp(unit->dimension, "time") != 0) {
        return bf__loader_problem(loader, node, "unit: a time has the unit s, min, h or d");
    }
    if (kind->unit == BF_RESULT_SQUARE && strcmp(unit->code, "1") != 0) {
        return bf__loader_problem(loader, node,
                                  "unit: a variance is in the square of the values' unit, which has no code; "
                                  "write \"1\"");
    }
    if (share || kind->unit == BF_RESULT_TIME) {
        kpi->options.scale = 1 / unit->scale;
    }
    return true;
}

/* What a rate of the dimension is; NULL: it has no unit of its own. */
static const char *rate_of(const char *dimension)
{
    static const struct {
        const char *of, *rate;
    } rates[] = {
        {.of = "number", .rate = "rate"},    {.of = "volume", .rate = "flow"},
        {.of = "energy", .rate = "power"},   {.of = "length", .rate = "speed"},
        {.of = "data", .rate = "data rate"}, {.of = "charge", .rate = "current"},
    };
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        if (strcmp(rates[i].of, dimension) == 0) {
            return rates[i].rate;
        }
    }
    return NULL;
}

/* kW.h per 1h is kW: the KPI's unit says the same as `per`. */
static bool check_rate_unit(struct bf__loader *loader, const struct bf__node *node,
                            const struct bf_kpi_definition *kpi, const struct bf_unit *readings,
                            const struct bf_unit *unit)
{
    const char *rate = rate_of(readings->dimension);
    if (rate == NULL) {
        return bf_unit_same(unit, readings) ||
               bf__loader_problem(
                   loader, node,
                   "unit: a rate of %s has no unit of its own; write %s, and `per` in the title",
                   readings->code, readings->code);
    }
    double per_s = readings->scale / unit->scale;
    if (strcmp(unit->dimension, rate) != 0) {
        return bf__loader_problem(loader, node, "unit: a rate of %s is a %s, not a %s (%s)", readings->code,
                                  rate, unit->dimension, unit->code);
    }
    if (fabs((double)kpi->options.per_us / 1e6 - per_s) > 1e-9 * per_s) {
        char per[32];
        return bf__loader_problem(loader, node, "unit: a rate of %s in %s needs \"per: %s\"", readings->code,
                                  unit->code, bf_scalar_format_duration(per_s * 1e6, per, sizeof per));
    }
    return true;
}

bool bf__kpi_value_check_unit(struct bf__loader *loader, const struct bf__node *unit_node,
                              const struct bf_kpi_definition *kpi, struct bf_slice reading_unit,
                              const char *from)
{
    const struct bf_aggregate_kind *kind = find_aggregate(loader->aggregates, kpi->aggregate);
    const struct bf_unit *unit = bf_unit_find(kpi->unit);
    const struct bf_unit *readings = bf_unit_find(reading_unit);
    if (kind == NULL) {
        return true;
    }
    if (kind->unit == BF_RESULT_PER_TIME) {
        return check_rate_unit(loader, unit_node, kpi, readings, unit);
    }
    return kind->unit != BF_RESULT_SAME || bf_unit_same(unit, readings) ||
           bf__loader_problem(loader, unit_node,
                              "unit: %.64s is in %s (%.100s), so the KPI is in %s too, not in %s",
                              kpi->quantity.data, readings->code, from, readings->code, unit->code);
}

/* ---- what changes a number */

static uint64_t bits_of(double value)
{
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

uint64_t bf__kpi_value_hash(uint64_t hash, const struct bf_value_options *options)
{
    const struct bf_slice texts[] = {options->of_text, options->weight_text, options->when_text};
    const uint64_t numbers[] = {
        bits_of(options->p),         options->k,
        (uint64_t)options->every_us, (uint64_t)options->hold_us,
        bits_of(options->rollover),  (uint64_t)options->per_us,
        options->fraction,           options->bound_count,
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        hash = bf_hash64_mix(hash, bf_hash64(texts[i]));
    }
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        hash = bf_hash64_mix(hash, numbers[i]);
    }
    for (size_t i = 0; i < options->bound_count; i++) {
        hash = bf_hash64_mix(hash, bits_of(options->bounds[i]));
    }
    return hash;
}
