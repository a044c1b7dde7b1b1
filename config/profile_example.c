/* profile_example.c: one of a profile's `examples:`. Payloads are decoded here, so that a slip in one is an
 * error with its place; what is expected is kept as text, since the comparison shows both sides to a person.
 * Declined: expectations as typed values: a number would be printed otherwise than it was written. */
#include "config/profile_example.h"

#include <stdint.h>
#include <stdlib.h>

#include "config/city.h"
#include "config/scalar.h"
#include "config/template.h"
#include "core/byte_text.h"

#define AT(field) offsetof(struct bf_example, field)
#define ITEMS_MAX 32

static const struct bf_example_field_info fields[BF_EXAMPLE_FIELDS] = {
#define X(id, what, sentence) \
    [BF_EXAMPLE_FIELD_##id] = {.name = #id, .kind = BF_EXAMPLE_##what, .text = sentence},
#include "config/example_fields.def"
#undef X
};

static const char *const reasons[] = {
#define X(name, stage, text) #name,
#include "core/reasons.def"
#undef X
    NULL};

static const char *const retained[] = {"false", "true", NULL};

const struct bf_example_field_info *bf_example_field(enum bf_example_field field)
{
    return &fields[field];
}

/* ---- payloads */

static bool parse_payload(struct bf__loader *loader, const struct bf__option *option,
                          const struct bf__node *node, void *base)
{
    struct bf_example *example = base;
    if (node->kind != BF__NODE_SCALAR) {
        return bf__loader_problem(loader, node, "%s: expected a text, not %s; put it in quotes: '{\"v\": 1}'",
                                  option->name, bf__node_kind_name(node));
    }
    example->payload = bf__pool_copy(loader->pool, node->text);
    return true;
}
static const struct bf__option_type type_payload = {
    .name = "text", .expects = "a text", .parse = parse_payload};

static bool parse_bytes(struct bf__loader *loader, const struct bf__option *option,
                        const struct bf__node *node, void *base)
{
    struct bf_example *example = base;
    bool hex = strcmp(option->name, "payload_hex") == 0;
    char *bytes = bf__pool_alloc(loader->pool, node->text.len + 4);
    size_t len = 0;
    if (node->kind != BF__NODE_SCALAR || !(hex ? bf_hex_decode : bf_base64_decode)(node->text, bytes, &len)) {
        return bf__option_unexpected(loader, option, node);
    }
    example->payload = (struct bf_slice){.data = bytes, .len = len};
    return true;
}
static const struct bf__option_type type_hex = {
    .name = "hexadecimal", .expects = "pairs of hexadecimal digits", .parse = parse_bytes};
static const struct bf__option_type type_base64 = {
    .name = "base64", .expects = "base64 (RFC 4648)", .parse = parse_bytes};

static bool parse_instant(struct bf__loader *loader, const struct bf__option *option,
                          const struct bf__node *node, void *base)
{
    struct bf_example *example = base;
    if (node->kind != BF__NODE_SCALAR || bf_time_parse_rfc3339(node->text, &example->at_us) != BF_OK ||
        example->at_us < 0) {
        return bf__option_unexpected(loader, option, node);
    }
    return true;
}
static const struct bf__option_type type_instant = {
    .name = "time", .expects = "a time such as 2026-03-01T12:00:00Z", .parse = parse_instant};

/* ---- what is expected */

static int by_text(const void *a, const void *b)
{
    return bf_slice_compare(*(const struct bf_slice *)a, *(const struct bf_slice *)b);
}

/* "clock, range" of [range, clock] or of range. */
static bool list_text(struct bf__loader *loader, const struct bf__node *node, struct bf_slice *text)
{
    struct bf_slice items[ITEMS_MAX];
    size_t count = 0, len = 0;
    const struct bf__node *item = node->kind == BF__NODE_LIST ? node->first : node;
    for (; item != NULL; item = node->kind == BF__NODE_LIST ? item->next : NULL) {
        if (item->kind != BF__NODE_SCALAR || count == ITEMS_MAX) {
            return bf__loader_problem(loader, item, "expected a list of at most %d texts", ITEMS_MAX);
        }
        len += item->text.len + 2;
        items[count++] = item->text;
    }
    qsort(items, count, sizeof items[0], by_text);
    char *joined = bf__pool_alloc(loader->pool, len + 1);
    *text = (struct bf_slice){.data = joined, .len = 0};
    for (size_t i = 0; i < count; i++) {
        memcpy(joined + text->len, i > 0 ? ", " : "", i > 0 ? 2 : 0);
        text->len += i > 0 ? 2 : 0;
        memcpy(joined + text->len, items[i].data, items[i].len);
        text->len += items[i].len;
    }
    return true;
}

static bool expect_scalar(struct bf__loader *loader, const struct bf__node *node,
                          struct bf_expected_field *field)
{
    const struct bf_example_field_info *info = &fields[field->field];
    int64_t time_us;
    double number;
    if (node->kind != BF__NODE_SCALAR) {
        return bf__loader_problem(loader, node, "%s: expected one value, not %s", info->name,
                                  bf__node_kind_name(node));
    }
    bool empty = node->text.len == 0; /* "": it is not there */
    if (info->kind == BF_EXAMPLE_TIME && !empty && bf_time_parse_rfc3339(node->text, &time_us) != BF_OK) {
        return bf__loader_problem(loader, node, "%s: expected a time such as 2026-03-01T12:00:00Z",
                                  info->name);
    }
    bool free = field->field == BF_EXAMPLE_FIELD_value || field->field == BF_EXAMPLE_FIELD_raw;
    if (info->kind == BF_EXAMPLE_NUMBER && !free && !empty && !bf_scalar_number(node->text, &number)) {
        return bf__loader_problem(loader, node, "%s: expected a number", info->name);
    }
    field->text = bf__pool_copy(loader->pool, node->text);
    return true;
}

static bool expect_field(struct bf__loader *loader, const struct bf__node *node,
                         struct bf_expected_reading *reading)
{
    const char *names[BF_EXAMPLE_FIELDS + 1] = {NULL};
    size_t which = BF_EXAMPLE_FIELDS;
    for (size_t i = 0; i < BF_EXAMPLE_FIELDS; i++) {
        names[i] = fields[i].name;
        which = strcmp(node->key->text.data, names[i]) == 0 ? i : which;
    }
    if (which == BF_EXAMPLE_FIELDS) {
        const char *nearest = bf_config_nearest(node->key->text.data, names);
        return bf__loader_problem(loader, node->key, "a reading has no field \"%.64s\"%s%s%s",
                                  node->key->text.data, nearest != NULL ? "; did you mean \"" : "",
                                  nearest != NULL ? nearest : "", nearest != NULL ? "\"?" : "");
    }
    struct bf_expected_field *field = &reading->fields[reading->count];
    *field = (struct bf_expected_field){
        .field = (enum bf_example_field)which, .line = node->line, .column = node->column};
    if (fields[which].kind == BF_EXAMPLE_LIST) {
        reading->count++;
        return list_text(loader, node, &field->text);
    }
    if (fields[which].kind != BF_EXAMPLE_MAP) {
        reading->count++;
        return expect_scalar(loader, node, field);
    }
    if (node->kind != BF__NODE_MAP) {
        return bf__loader_problem(loader, node, "%s: expected a map, not %s", fields[which].name,
                                  bf__node_kind_name(node));
    }
    for (const struct bf__node *entry = node->first; entry != NULL; entry = entry->next) {
        struct bf_expected_field *tag = &reading->fields[reading->count++];
        *tag = (struct bf_expected_field){.field = (enum bf_example_field)which,
                                          .name = bf__pool_copy(loader->pool, entry->key->text),
                                          .line = entry->line,
                                          .column = entry->column};
        if (!expect_scalar(loader, entry, tag)) {
            return false;
        }
    }
    return true;
}

static bool parse_readings(struct bf__loader *loader, const struct bf__option *option,
                           const struct bf__node *node, void *base)
{
    struct bf_example *example = base;
    if (node->kind != BF__NODE_LIST) {
        return bf__option_unexpected(loader, option, node);
    }
    example->readings = bf__pool_array(loader->pool, node->count, sizeof *example->readings);
    for (const struct bf__node *item = node->first; item != NULL; item = item->next) {
        struct bf_expected_reading *reading = &example->readings[example->reading_count++];
        *reading = (struct bf_expected_reading){.line = item->line, .column = item->column};
        if (item->kind != BF__NODE_MAP) {
            return bf__loader_problem(loader, item, "readings: expected a map of fields, not %s",
                                      bf__node_kind_name(item));
        }
        const struct bf__node *tags = bf__node_get(item, "tags");
        size_t room = item->count + (tags != NULL ? tags->count : 0);
        reading->fields = bf__pool_array(loader->pool, room, sizeof *reading->fields);
        for (const struct bf__node *entry = item->first; entry != NULL; entry = entry->next) {
            if (!expect_field(loader, entry, reading)) {
                return false;
            }
        }
    }
    return true;
}
static const struct bf__option_type type_readings = {
    .name = "list", .expects = "a list of maps", .parse = parse_readings};

static const struct bf__option options[] = {
    {.name = "topic",
     .type = &bf__type_text,
     .offset = AT(topic),
     .required = true,
     .summary = "A topic as a device uses it."},
    {.name = "payload", .type = &type_payload, .summary = "A message as a device sends it,"},
    {.name = "payload_hex", .type = &type_hex, .summary = "or its bytes: `0a ff`,"},
    {.name = "payload_base64", .type = &type_base64, .summary = "or in base64,"},
    {.name = "file",
     .type = &bf__type_text,
     .offset = AT(file),
     .summary = "or the content of a file, relative to the folder of the profile."},
    {.name = "at",
     .type = &type_instant,
     .has = AT(has_at),
     .fallback_note = "now",
     .summary = "When it comes: for payloads without a time, or with one that is ahead."},
    {.name = "retained",
     .type = &bf__type_either,
     .offset = AT(retained),
     .choices = retained,
     .fallback = "false",
     .summary = "It comes because of a subscription."},
    {.name = "readings",
     .type = &type_readings,
     .has = AT(has_readings),
     .fallback_note = "at least one; none with `rejects`",
     .summary = "The readings that it gives, in order, by the fields that matter (below)."},
    {.name = "rejects",
     .type = &bf__type_texts,
     .offset = AT(rejects),
     .count = AT(reject_count),
     .has = AT(has_rejects),
     .fallback_note = "none",
     .summary = "The reasons of the rejects that it gives, in order: `[malformed]`."},
    {.name = "note", .type = &bf__type_text, .offset = AT(note), .summary = "What it shows, for people."},
    {.name = NULL},
};

static bool check_example(struct bf__loader *loader, const struct bf__node *map, void *base)
{
    struct bf_example *example = base;
    static const char *const forms[] = {"payload", "payload_hex", "payload_base64", "file"};
    size_t given = 0;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        given += bf__node_get(map, forms[i]) != NULL;
    }
    example->line = map->line;
    example->column = map->column;
    if (given != 1) {
        return bf__loader_problem(loader, map,
                                  "an example needs one of payload, payload_hex, payload_base64 and file");
    }
    const struct bf__node *list = bf__node_get(map, "rejects");
    const struct bf__node *node = list != NULL && list->kind == BF__NODE_LIST ? list->first : list;
    for (size_t i = 0; i < example->reject_count; i++, node = node->next) {
        size_t at = 0;
        while (reasons[at] != NULL && strcmp(reasons[at], example->rejects[i].data) != 0) {
            at++;
        }
        if (reasons[at] == NULL) {
            const char *nearest = bf_config_nearest(example->rejects[i].data, reasons);
            return bf__loader_problem(loader, node, "there is no reject \"%.40s\"%s%s%s",
                                      example->rejects[i].data, nearest != NULL ? "; did you mean \"" : "",
                                      nearest != NULL ? nearest : "", nearest != NULL ? "\"?" : "");
        }
    }
    return loader->topic == NULL || bf__topic_matches(loader->topic, example->topic) ||
           bf__loader_problem(loader, bf__node_get(map, "topic"),
                              "the topic of the example does not match the profile's");
}

const struct bf__section bf__profile_example_section = {
    .name = "examples",
    .options = options,
    .size = sizeof(struct bf_example),
    .check = check_example,
    .summary = "Messages, and what they must give: `belfry test` runs them."};
