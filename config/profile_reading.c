/* profile_reading.c: one row of a profile's `readings:`. Units are settled here, once: what the device
 * sends and what the reading gets become a factor and an addend, and a unit that does not fit is an error
 * before the first message. */
#include "config/profile_reading.h"

#include <math.h>

#include "config/profile_payload.h"
#include "config/scalar.h"
#include "config/template.h"
#include "config/unit.h"

#define AT(field) offsetof(struct bf_profile_reading, field)

static const char *const kinds[] = {"number", "integer", "text", "bool", NULL};
static const char *const invalids[] = {"flag", "reject", NULL};
static const char *const aggregations[] = {"none", "mean", "sum", "count", "max", "energy-mean", "counter",
                                           NULL};

/* One choice, kept as three flags, because decoders ask for each on its own. */
static bool parse_kind(struct bf__loader *loader, const struct bf__option *option,
                       const struct bf__node *node, void *base)
{
    struct bf_profile_reading *reading = base;
    struct bf__option inner = *option;
    int kind = 0;
    inner.offset = 0;
    if (!bf__type_choice.parse(loader, &inner, node, &kind)) {
        return false;
    }
    reading->integer = kind == 1;
    reading->text = kind == 2;
    reading->boolean = kind == 3;
    return true;
}
static const struct bf__option_type type_kind = {.name = "one of", .expects = "", .parse = parse_kind};

static bool parse_valid(struct bf__loader *loader, const struct bf__option *option,
                        const struct bf__node *node, void *base)
{
    struct bf_profile_reading *reading = base;
    const struct bf__node *low = node->first, *high = low != NULL ? low->next : NULL;
    if (node->kind != BF__NODE_LIST || node->count != 2 || low->kind != BF__NODE_SCALAR ||
        high->kind != BF__NODE_SCALAR || !bf_scalar_number(low->text, &reading->valid_min) ||
        !bf_scalar_number(high->text, &reading->valid_max)) {
        return bf__option_unexpected(loader, option, node);
    }
    return reading->valid_min < reading->valid_max ||
           bf__loader_problem(loader, node, "valid: the lower bound comes first, and is below the upper");
}
static const struct bf__option_type type_valid = {
    .name = "[low, high]", .expects = "two numbers [low, high]", .parse = parse_valid};

/* values: {ON: 1, OFF: 0} */
static bool parse_values(struct bf__loader *loader, const struct bf__option *option,
                         const struct bf__node *node, void *base)
{
    struct bf_profile_reading *reading = base;
    if (node->kind != BF__NODE_MAP || node->count == 0) {
        return bf__option_unexpected(loader, option, node);
    }
    reading->values = bf__pool_array(loader->pool, node->count, sizeof *reading->values);
    for (const struct bf__node *entry = node->first; entry != NULL; entry = entry->next) {
        struct bf_profile_value *value = &reading->values[reading->value_count++];
        value->text = bf__pool_copy(loader->pool, entry->key->text);
        if (entry->kind != BF__NODE_SCALAR || !bf_scalar_number(entry->text, &value->number) ||
            !isfinite(value->number)) {
            return bf__option_unexpected(loader, option, entry);
        }
    }
    return true;
}
static const struct bf__option_type type_values = {
    .name = "map of numbers", .expects = "a map of texts to numbers {ON: 1}", .parse = parse_values};

static bool settle_units(struct bf__loader *loader, const struct bf__node *map,
                         struct bf_profile_reading *reading)
{
    if (reading->unit.len == 0) {
        if (!reading->text && !reading->boolean) {
            return bf__loader_problem(
                loader, map, "a reading needs \"unit\": a UCUM code; \"1\" where there is none");
        }
        reading->unit = BF_SLICE("1");
    }
    if (reading->from_unit.len > 0) {
        const struct bf_unit *from = bf_unit_find(reading->from_unit), *to = bf_unit_find(reading->unit);
        double scale = 0, offset = 0;
        if (!bf_unit_convert(from, to, &scale, &offset)) {
            return bf__loader_problem(loader, bf__node_get(map, "from"),
                                      "from: %s is a unit of %s and cannot become %s, a unit of %s",
                                      from->code, from->dimension, to->code, to->dimension);
        }
        reading->scale *= scale;
        reading->offset = reading->offset * scale + offset;
    }
    bool changes = fabs(reading->scale - 1.0) > 0 || fabs(reading->offset) > 0;
    if (changes && (reading->integer || reading->text || reading->boolean)) {
        return bf__loader_problem(
            loader, map,
            "only a number can be converted; leave out \"type\", or from, scale and offset");
    }
    if (reading->text && reading->value_count > 0) {
        return bf__loader_problem(loader, bf__node_get(map, "values"),
                                  "values: they are numbers; leave out \"type: text\"");
    }
    return !(reading->text && reading->has_valid) ||
           bf__loader_problem(loader, bf__node_get(map, "valid"), "valid: a text has no bounds");
}

static bool check_reading(struct bf__loader *loader, const struct bf__node *map, void *base)
{
    struct bf_profile_reading *reading = base;
    const struct bf_profile *profile = loader->context;
    bool senml = bf_format_senml(bf__profile_format(profile));
    /* A scalar is all of the payload, so it needs no path. */
    bool has_path = bf__node_get(map, "path") != NULL || bf__profile_format(profile) == BF_FORMAT_SCALAR;
    if (senml && (has_path || reading->name.len == 0)) {
        return bf__loader_problem(
            loader, map,
            "with SenML a reading is chosen by \"name\" (\"*\": any), not by \"path\"");
    }
    if (!senml && profile->has_each && reading->name.len == 0) {
        return bf__loader_problem(loader, map, "with \"each\" a reading is chosen by \"name\" (\"*\": any)");
    }
    if (!senml && !profile->has_each && (!has_path || reading->name.len > 0)) {
        return bf__loader_problem(
            loader, map, "a reading needs \"path\"; \"name\" goes with \"each\"");
    }
    return settle_units(loader, map, reading);
}

static const struct bf__option options[] = {
    {.name = "path", .type = &bf__type_path, .offset = AT(path),
     .summary = "Where the value is; with `each`, relative to the item."},
    {.name = "name", .type = &bf__type_text, .offset = AT(name),
     .summary = "SenML record, or item of `each`, with this name; `*` is any."},
    {.name = "quantity", .type = &bf__type_name, .offset = AT(quantity), .required = true,
     .summary = "What is measured: pm2_5, speed, fill."},
    {.name = "unit", .type = &bf__type_unit, .offset = AT(unit),
     .fallback_note = "`1` for texts and truth values", .summary = "UCUM unit that the reading gets."},
    {.name = "from", .type = &bf__type_unit, .offset = AT(from_unit), .fallback_note = "as `unit`",
     .summary = "Unit that the device sends; it is converted."},
    {.name = "scale", .type = &bf__type_number, .offset = AT(scale), .fallback = "1",
     .summary = "The device's number is multiplied by this,"},
    {.name = "offset", .type = &bf__type_number, .offset = AT(offset), .fallback = "0",
     .summary = "and this is added, before the unit is converted."},
    {.name = "type", .type = &type_kind, .choices = kinds, .fallback = "number",
     .summary = "What kind of value; `integer` keeps all 64 bits."},
    {.name = "values", .type = &type_values,
     .summary = "Texts that stand for numbers: {ON: 1, OFF: 0}; other texts are numbers, or no value."},
    {.name = "required", .type = &bf__type_bool, .offset = AT(required), .fallback = "false",
     .summary = "A message without it is rejected (else nothing is said)."},
    {.name = "valid", .type = &type_valid, .has = AT(has_valid),
     .summary = "Bounds of what can be true, in `unit`."},
    {.name = "invalid", .type = &bf__type_either, .offset = AT(reject_invalid), .choices = invalids,
     .fallback = "flag", .summary = "Outside `valid`: quality 4 (fail), or a reject."},
    {.name = "channel", .type = &bf__type_template, .offset = AT(channel),
     .summary = "Appended to the source, for devices with several sensors of a kind."},
    {.name = "aggregation", .type = &bf__type_choice, .offset = AT(aggregation), .choices = aggregations,
     .fallback = "none", .summary = "How the device itself made the value of several."},
    {.name = NULL},
};

const struct bf__section bf__profile_reading_section = {
    .name = "readings", .options = options, .size = sizeof(struct bf_profile_reading), .check = check_reading,
    .summary = "What a message gives: one row for each quantity."};
