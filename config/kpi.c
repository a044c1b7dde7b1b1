/* kpi.c: the table of a KPI. Its keys: docs/CONFIGURATION.md. The hash covers everything that
 * changes a number, so an unchanged KPI keeps its windows through a reload. */
#include "config/kpi.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>

#include "config/document.h"
#include "config/kpi_formula.h"
#include "config/kpi_value.h"
#include "config/kpi_window.h"
#include "config/scalar.h"
#include "config/template.h"
#include "config/unit.h"
#include "config/zone_file.h"
#include "core/hash.h"

#define AT(field) offsetof(struct bf_kpi_definition, field)

static bool is_text(const struct bf__node *node)
{
    return node != NULL && node->kind == BF__NODE_SCALAR && node->text.len > 0;
}

static bool parse_quantity(struct bf__loader *loader, const struct bf__option *option,
                           const struct bf__node *node, void *base)
{
    if (is_text(node) && bf_slice_equal(node->text, BF_SLICE("*"))) {
        ((struct bf_kpi_definition *)base)->quantity = BF_SLICE("*");
        return true;
    }
    return bf__type_name.parse(loader, option, node, base);
}
static const struct bf__option_type type_quantity = {
    .name = "name", .expects = "a quantity's name, or \"*\"", .parse = parse_quantity};

static bool parse_where(struct bf__loader *loader, const struct bf__option *option,
                        const struct bf__node *node, void *base)
{
    struct bf_kpi_definition *kpi = base;
    if (!bf__type_expression.parse(loader, option, node, base)) {
        return false;
    }
    kpi->where_text = bf__pool_copy(loader->pool, node->text);
    return true;
}
static const struct bf__option_type type_where = {
    .name = "expression", .expects = "an expression", .parse = parse_where};

/* group: [zone, route], or one name */
static bool parse_group(struct bf__loader *loader, const struct bf__option *option,
                        const struct bf__node *node, void *base)
{
    struct bf_kpi_definition *kpi = base;
    struct { struct bf_slice *texts; size_t count; } list = {0};
    struct bf__option texts = {.name = option->name, .type = &bf__type_texts, .offset = 0,
                               .count = sizeof(struct bf_slice *)};
    if (!texts.type->parse(loader, &texts, node, &list)) {
        return false;
    }
    kpi->group = bf__pool_array(loader->pool, list.count, sizeof *kpi->group);
    const struct bf__node *item = node->kind == BF__NODE_LIST ? node->first : node;
    for (size_t i = 0; i < list.count; i++, item = item->next) {
        struct bf_group_by *by = &kpi->group[kpi->group_count];
        struct bf_slice name = list.texts[i];
        *by = (struct bf_group_by){.kind = BF_GROUP_TAG, .tag = name};
        for (size_t before = 0; before < i; before++) {
            if (bf_slice_equal(list.texts[before], name)) {
                return bf__loader_problem(loader, item, "group: \"%.64s\" is there twice", name.data);
            }
        }
        if (bf_slice_equal(name, BF_SLICE("city"))) {
            if (list.count > 1) {
                return bf__loader_problem(loader, item, "group: city means all; it stands alone");
            }
            return true;
        }
        by->kind = bf_slice_equal(name, BF_SLICE("zone"))     ? BF_GROUP_ZONE
                   : bf_slice_equal(name, BF_SLICE("device")) ? BF_GROUP_DEVICE
                                                              : BF_GROUP_TAG;
        kpi->by_device = kpi->by_device || by->kind == BF_GROUP_DEVICE;
        kpi->group_count++;
    }
    return true;
}
static const struct bf__option_type type_group = {
    .name = "list of texts", .expects = "a list of city, zone, device or tags", .parse = parse_group};

static bool parse_upto(struct bf__loader *loader, const struct bf__option *option,
                       const struct bf__node *node, void *base)
{
    struct bf_band *band = base;
    return (is_text(node) && bf_scalar_number(node->text, &band->upto)) ||
           bf__option_unexpected(loader, option, node);
}
static const struct bf__option_type type_upto = {
    .name = "number", .expects = "a number", .parse = parse_upto};

static const struct bf__option code_options[] = {
    {.name = "u4ssc", .type = &bf__type_text, .offset = AT(u4ssc), .summary = "U4SSC: \"EN:EN:AQ:1C\"."},
    {.name = "sdg", .type = &bf__type_text, .offset = AT(sdg), .summary = "SDG: \"11.6\"."},
    {.name = "iso37120", .type = &bf__type_text, .offset = AT(iso37120), .summary = "ISO 37120: \"8.1\"."},
    {.name = NULL},
};
static const struct bf__section code_section = {
    .name = "code", .options = code_options, .summary = "Its codes in indicator frameworks."};

static const struct bf__option from_options[] = {
    {.name = "quantity", .type = &type_quantity, .offset = AT(quantity), .required = true,
     .summary = "Readings of this quantity; `*`: of every one (for count, distinct, top_k and share)."},
    {.name = "where", .type = &type_where, .offset = AT(where),
     .summary = "Only readings for which this holds. Names: value, quality, zone, source, device, quantity, "
                "unit, profile, and tags; hour, minute and weekday (1 is Monday) of the event time in the "
                "city's time zone."},
    {.name = "suspect", .type = &bf__type_bool, .offset = AT(take_suspect), .fallback = "false",
     .summary = "Count readings of quality 3 (suspect) too."},
    {.name = NULL},
};
static const struct bf__section from_section = {
    .name = "from", .options = from_options, .summary = "Which readings count."};

static const struct bf__option band_options[] = {
    {.name = "upto", .type = &type_upto, .fallback = ".inf",
     .summary = "Values below or at this, and above the band before."},
    {.name = "name", .type = &bf__type_text, .offset = offsetof(struct bf_band, name), .required = true,
     .summary = "The band's name."},
    {.name = NULL},
};
static const struct bf__section band_section = {
    .name = "bands", .options = band_options, .size = sizeof(struct bf_band),
    .summary = "What values are called, from low to high."};

static bool is_clock(struct bf_slice name)
{
    return bf_slice_equal(name, BF_SLICE("hour")) || bf_slice_equal(name, BF_SLICE("minute")) ||
           bf_slice_equal(name, BF_SLICE("weekday"));
}

/* Whether what it counts depends on what the city's clocks show. */
static bool asks_clock(const struct bf_kpi_definition *kpi)
{
    const struct bf_expression *const asking[] = {kpi->where, kpi->options.weight, kpi->options.when};
    bool asks = is_clock(kpi->options.of_text);
    for (size_t i = 0; i < sizeof asking / sizeof asking[0]; i++) {
        const char *name;
        for (size_t n = 0; asking[i] != NULL && (name = bf_expression_name(asking[i], n)) != NULL; n++) {
            asks = asks || is_clock(bf_slice_of(name));
        }
    }
    return asks;
}

static uint64_t definition_hash(const struct bf_kpi_definition *kpi, struct bf_slice zone)
{
    const struct bf_slice texts[] = {kpi->id, kpi->unit, kpi->quantity, kpi->where_text, kpi->aggregate};
    uint64_t hash = 1; /* of the way it is made */
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        hash = bf_hash64_mix(hash, bf_hash64(texts[i]));
    }
    for (size_t i = 0; i < kpi->group_count; i++) {
        hash = bf_hash64_mix(hash, (uint64_t)kpi->group[i].kind);
        hash = bf_hash64_mix(hash, bf_hash64(kpi->group[i].tag));
    }
    const uint64_t numbers[] = {kpi->group_count, kpi->take_suspect, (uint64_t)kpi->window_us,
                                (uint64_t)kpi->delay_us, (uint64_t)kpi->lateness_us};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        hash = bf_hash64_mix(hash, numbers[i]);
    }
    if (kpi->window.kind == BF_WINDOW_CALENDAR || asks_clock(kpi)) {
        /* not its bytes: newer tzdata must not end a window */
        hash = bf_hash64_mix(hash, bf_hash64(zone));
    }
    return bf__kpi_value_hash(bf__window_hash(&kpi->window, hash), &kpi->options);
}

static bool check_kpi(struct bf__loader *loader, const struct bf__node *map, void *base)
{
    struct bf_kpi_definition *kpi = base;
    const struct bf__node *bands = bf__node_get(map, "bands");
    const struct bf__node *band = bands != NULL ? bands->first : NULL;
    for (size_t i = 0; i < kpi->band_count; i++, band = band->next) {
        if (isnan(kpi->bands[i].upto) || (i > 0 && !(kpi->bands[i].upto > kpi->bands[i - 1].upto))) {
            return bf__loader_problem(
                loader, band,
                "bands: \"upto\" must rise from band to band; only the last may have none");
        }
    }
    if (!bf__kpi_value_check(loader, map, kpi)) {
        return false;
    }
    if (!bf__window_check(loader, map, kpi)) {
        return false;
    }
    const struct bf__node *from = bf__node_get(map, "from");
    if (from == NULL && kpi->formula == NULL) {
        return bf__loader_problem(loader, map, "from: which readings? It is missing");
    }
    if (from != NULL && kpi->formula != NULL) {
        return bf__loader_problem(loader, from, "from: a formula reads other KPIs, no readings");
    }
    const struct bf_city *city = loader->context;
    if (asks_clock(kpi) && city->local == NULL && !bf__zone_is_utc(city->timezone)) {
        return bf__loader_problem(loader, map,
                                  "hour, minute, weekday: this configuration does not carry the zone %.64s; "
                                  "reload it",
                                  city->timezone.data);
    }
    kpi->title = kpi->title.len > 0 ? kpi->title : kpi->id;
    kpi->file = bf__pool_copy(loader->pool, bf_slice_of(loader->file));
    kpi->hash = definition_hash(kpi, city->timezone);
    return true;
}

static const struct bf__option kpi_options[] = {
    {.name = "id", .type = &bf__type_name, .offset = AT(id), .required = true,
     .summary = "Its name in topics, keys and channels."},
    {.name = "title", .type = &bf__type_text, .offset = AT(title), .fallback_note = "the id",
     .summary = "For people."},
    {.name = "unit", .type = &bf__type_unit, .offset = AT(unit), .required = true,
     .summary = "UCUM unit: that of the quantity; `1` for a count; see the aggregates."},
    {.name = "code", .type = &bf__type_section, .section = &code_section, .summary = "Framework codes."},
    {.name = "from", .type = &bf__type_section, .section = &from_section,
     .summary = "Which readings; a formula has none."},
    {.name = "window", .type = &bf__type_window, .section = &bf__window_section, .required = true,
     .summary = "Over which time."},
    {.name = "group", .type = &type_group, .fallback = "city",
     .summary = "One result for each: city, zone, device, or a tag's value; several are combined."},
    {.name = "value", .type = &bf__type_value, .required = true,
     .summary = "The aggregate: `mean`, or with options `{quantile: {p: 0.95}}`, see below; or `{formula: "
                "'a / b * 100'}` over other KPIs of the same window and group."},
    {.name = "target", .type = &bf__type_number, .offset = AT(target), .has = AT(has_target),
     .summary = "The value that is aimed at."},
    {.name = "bands", .type = &bf__type_list, .offset = AT(bands), .count = AT(band_count),
     .section = &band_section, .summary = "Names for ranges of values."},
    {.name = "live", .type = &bf__type_bool, .offset = AT(live), .fallback = "true",
     .summary = "Publish provisional values before a window closes."},
    {.name = NULL},
};
static const struct bf__section kpi_section = {
    .name = "the KPI", .options = kpi_options, .size = sizeof(struct bf_kpi_definition), .check = check_kpi,
    .summary = "One indicator."};

static const struct bf__option file_options[] = {
    {.name = "kpis", .type = &bf__type_list, .offset = offsetof(struct bf__kpi_file, kpis),
     .count = offsetof(struct bf__kpi_file, count), .section = &kpi_section, .required = true,
     .summary = "The KPIs of this file."},
    {.name = NULL},
};
const struct bf__section bf__kpis_section = {
    .name = "the file", .options = file_options, .size = sizeof(struct bf__kpi_file),
    .summary = "kpis/*.yaml: what is computed. A mistake here refuses the whole configuration."};

bool bf__kpi_load(struct bf__loader *loader, const struct bf__node *root, struct bf__kpi_file *file)
{
    return bf__section_load(loader, &bf__kpis_section, root, file);
}
