/* profile_payload.c: what a profile may say of its payload. What each format allows is a table, so that a
 * new one is a row.
 * Declined: a section for every format: paths, lists and items mean the same in all of them. */
#include "config/profile_payload.h"

#include <string.h>

#include "config/profile_binary.h"
#include "config/template.h"

#define AT(field) offsetof(struct bf_profile, field)

const char *const bf__profile_formats[] = {"json",   "cbor",   "msgpack", "senml",      "senml+cbor",
                                           "scalar", "binary", "csv",     "ultralight", NULL};

static const char *const wraps[] = {"base64", "hex", "gzip", NULL};

/* wrap: base64, or [base64, gzip] */
static bool parse_wraps(struct bf__loader *loader, const struct bf__option *option,
                        const struct bf__node *node, void *base)
{
    struct bf_wraps *out = (struct bf_wraps *)((char *)base + option->offset);
    const struct bf__option kind = {.name = option->name, .type = &bf__type_choice, .choices = wraps};
    bool list = node->kind == BF__NODE_LIST;
    size_t count = list ? node->count : 1;
    if (count > sizeof out->kinds / sizeof out->kinds[0]) {
        return bf__option_unexpected(loader, option, node);
    }
    for (const struct bf__node *at = list ? node->first : node; out->count < count; at = at->next) {
        if (!kind.type->parse(loader, &kind, at, &out->kinds[out->count++])) {
            return false;
        }
    }
    return true;
}
const struct bf__option_type bf__type_wraps = {.name = "`base64`, `hex`, `gzip`, or a list",
                                               .expects = "at most four of base64, hex, gzip",
                                               .parse = parse_wraps};

static const char *const headers[] = {"names", "skip", "none", NULL};

static bool check_csv(struct bf__loader *loader, const struct bf__node *map, void *base)
{
    const struct bf_profile_csv *csv = &((struct bf_profile *)base)->csv;
    if (csv->delimiter.len > 1 ||
        (csv->delimiter.len == 1 && strchr("\"\r\n", csv->delimiter.data[0]) != NULL)) {
        return bf__loader_problem(loader, bf__node_get(map, "delimiter"),
                                  "delimiter: it is one byte, and neither a quote nor the end of a line");
    }
    return csv->header != BF_CSV_NAMES || csv->column_count == 0 ||
           bf__loader_problem(loader, bf__node_get(map, "columns"),
                              "columns: the first line has the names; say \"header: skip\" or \"none\"");
}

static const struct bf__option csv_options[] = {
    {.name = "delimiter",
     .type = &bf__type_text,
     .offset = AT(csv.delimiter),
     .fallback = ",",
     .summary = "What stands between two cells."},
    {.name = "header",
     .type = &bf__type_choice,
     .offset = AT(csv.header),
     .choices = headers,
     .fallback = "names",
     .summary = "The first line: names of the columns, passed over, or none."},
    {.name = "columns",
     .type = &bf__type_texts,
     .offset = AT(csv.columns),
     .count = AT(csv.column_count),
     .fallback_note = "1, 2, …",
     .summary = "Names of the columns, where the first line has none."},
    {.name = NULL},
};
const struct bf__section bf__profile_csv_section = {
    .name = "csv",
    .options = csv_options,
    .check = check_csv,
    .summary = "Format `csv`: each row is a message, and paths begin with a column: `$.pm10`."};

static const struct bf__option each_options[] = {
    {.name = "path", .type = &bf__type_path, .offset = AT(each), .required = true, .summary = "The list."},
    {.name = "name",
     .type = &bf__type_path,
     .offset = AT(each_name),
     .fallback_note = "the key",
     .summary = "An item's name, relative to it; without it, the list may be a map."},
    {.name = "value",
     .type = &bf__type_path,
     .offset = AT(each_value),
     .fallback_note = "the item",
     .summary = "An item's value, relative to it."},
    {.name = "unit",
     .type = &bf__type_path,
     .offset = AT(each_unit),
     .summary = "An item's own unit, relative to it."},
    {.name = NULL},
};
const struct bf__section bf__profile_each_section = {
    .name = "each",
    .options = each_options,
    .summary = "The payload holds a list of items, each with a name and a value."};

static const struct bf__option inner_options[] = {
    {.name = "path",
     .type = &bf__type_path,
     .offset = AT(inner.path),
     .required = true,
     .summary = "The field that holds it."},
    {.name = "wrap",
     .type = &bf__type_wraps,
     .offset = AT(inner.wraps),
     .summary = "What it is wrapped in, outermost first: base64."},
    {.name = "format",
     .type = &bf__type_choice,
     .offset = AT(inner.format),
     .choices = bf__profile_formats,
     .fallback = "json",
     .summary = "Its format; `each`, `records` and the paths of `readings` are of it."},
    {.name = NULL},
};
const struct bf__section bf__profile_inner_section = {
    .name = "inner",
    .options = inner_options,
    .summary = "A payload within the payload: device, time, place and tags are the outer one's."};

/* What goes with the format of the payload; the rest does not. */
static const struct {
    bool key, time, each, records, inner; /* inner: it may be one, not: it may have one */
} allowed[] = {
    [BF_FORMAT_JSON] = {.key = true, .time = true, .each = true, .records = true, .inner = true},
    [BF_FORMAT_CBOR] = {.time = true, .each = true, .records = true, .inner = true},
    [BF_FORMAT_MSGPACK] = {.time = true, .each = true, .records = true, .inner = true},
    [BF_FORMAT_SENML_JSON] = {.time = false},
    [BF_FORMAT_SENML_CBOR] = {.time = false},
    [BF_FORMAT_SCALAR] = {.inner = true},
    [BF_FORMAT_BINARY] = {.time = true, .inner = true},
    [BF_FORMAT_CSV] = {.time = true, .each = true, .inner = true},
    [BF_FORMAT_ULTRALIGHT] = {.time = true, .each = true, .inner = true},
};

enum bf_format bf__profile_format(const struct bf_profile *profile)
{
    return profile->has_inner ? profile->inner.format : profile->format;
}

bool bf__profile_payload_check(struct bf__loader *loader, const struct bf__node *map,
                               const struct bf_profile *profile)
{
    const char *outer = bf__profile_formats[profile->format];
    enum bf_format format = bf__profile_format(profile);
    const struct {
        const char *name;
        bool good;
    } rows[] = {
        {.name = "key", .good = allowed[profile->format].key && profile->wraps.count == 0},
        {.name = "time", .good = allowed[profile->format].time},
        {.name = "inner", .good = allowed[profile->format].records},
        {.name = "records", .good = allowed[format].records},
        {.name = "each", .good = allowed[format].each},
        {.name = "csv", .good = format == BF_FORMAT_CSV},
        {.name = "binary", .good = format == BF_FORMAT_BINARY},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct bf__node *node = bf__node_get(map, rows[i].name);
        if (node != NULL && !rows[i].good) {
            return bf_format_senml(profile->format)
                       ? bf__loader_problem(loader, node->key, "%s: SenML has this of its own; remove it",
                                            rows[i].name)
                       : bf__loader_problem(loader, node->key, "%s does not go with the format %s",
                                            rows[i].name, outer);
        }
    }
    if (profile->has_inner && !allowed[profile->inner.format].inner) {
        return bf__loader_problem(
            loader, bf__node_get(bf__node_get(map, "inner"), "format"),
            "inner: %s has a device and a time of its own; it can only be the whole payload",
            bf__profile_formats[profile->inner.format]);
    }
    return format != BF_FORMAT_BINARY || bf__profile_binary_check(loader, map, profile);
}
