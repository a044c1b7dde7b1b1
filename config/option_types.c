/* option_types.c: the types of general use. Each is one parser and one row. See option.h. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>

#include "config/city.h"
#include "config/option.h"
#include "config/scalar.h"

#define PARSER(name)                                                                               \
    static bool name(struct bf__loader *loader, const struct bf__option *option,                   \
                     const struct bf__node *node, void *base)

static void *field(const struct bf__option *option, void *base)
{
    return (char *)base + option->offset;
}

static bool is_text(const struct bf__node *node)
{
    return node->kind == BF__NODE_SCALAR && (node->text.len > 0 || node->quoted || node->expanded);
}

static bool in_bounds(const struct bf__option *option, double value)
{
    bool bounded = option->min < 0 || option->max > 0;
    return !bounded || (value >= option->min && value <= option->max);
}

PARSER(parse_text)
{
    if (!is_text(node)) {
        return bf__option_unexpected(loader, option, node);
    }
    if (node->text.len > BF_MAX_TEXT * 16u) {
        return bf__loader_problem(loader, node, "%s: a text of at most %u bytes", option->name,
                                  BF_MAX_TEXT * 16u);
    }
    *(struct bf_slice *)field(option, base) = bf__pool_copy(loader->pool, node->text);
    return true;
}

PARSER(parse_string)
{
    if (!is_text(node)) {
        return bf__option_unexpected(loader, option, node);
    }
    *(const char **)field(option, base) = bf__pool_copy(loader->pool, node->text).data;
    return true;
}

PARSER(parse_name)
{
    bool good = is_text(node) && node->text.len > 0 && node->text.len <= 64;
    for (size_t i = 0; good && i < node->text.len; i++) {
        char c = node->text.data[i];
        good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    }
    return good ? parse_text(loader, option, node, base) : bf__option_unexpected(loader, option, node);
}

PARSER(parse_id)
{
    bool good = is_text(node) && node->text.len > 0 && node->text.len <= 64;
    for (size_t i = 0; good && i < node->text.len; i++) {
        unsigned char c = (unsigned char)node->text.data[i];
        good = c > 0x20 && c != 0x7F && c != '|' && c != '"';
    }
    return good ? parse_text(loader, option, node, base) : bf__option_unexpected(loader, option, node);
}

PARSER(parse_integer)
{
    int64_t value = 0;
    if (!is_text(node) || !bf_scalar_integer(node->text, &value) || !in_bounds(option, (double)value) ||
        value < INT32_MIN || value > INT32_MAX) {
        return bf__option_unexpected(loader, option, node);
    }
    *(int *)field(option, base) = (int)value;
    return true;
}

PARSER(parse_count)
{
    int64_t value = 0;
    if (!is_text(node) || !bf_scalar_integer(node->text, &value) || value < 0 ||
        !in_bounds(option, (double)value)) {
        return bf__option_unexpected(loader, option, node);
    }
    *(uint64_t *)field(option, base) = (uint64_t)value;
    return true;
}

PARSER(parse_number)
{
    double value = 0;
    if (!is_text(node) || !bf_scalar_number(node->text, &value) || !isfinite(value) ||
        !in_bounds(option, value)) {
        return bf__option_unexpected(loader, option, node);
    }
    *(double *)field(option, base) = value;
    return true;
}

PARSER(parse_bool)
{
    if (!is_text(node) || !bf_scalar_bool(node->text, field(option, base))) {
        return bf__option_unexpected(loader, option, node);
    }
    return true;
}

PARSER(parse_duration)
{
    int64_t value = 0;
    if (!is_text(node) || !bf_scalar_duration(node->text, &value) || !in_bounds(option, (double)value)) {
        return bf__option_unexpected(loader, option, node);
    }
    *(int64_t *)field(option, base) = value;
    return true;
}

PARSER(parse_size)
{
    uint64_t value = 0;
    if (!is_text(node) || !bf_scalar_size(node->text, &value) || !in_bounds(option, (double)value)) {
        return bf__option_unexpected(loader, option, node);
    }
    *(uint64_t *)field(option, base) = value;
    return true;
}

static const char *choices_text(const struct bf__option *option, char *text, size_t size)
{
    size_t at = 0;
    text[0] = '\0';
    for (int i = 0; option->choices[i] != NULL; i++) {
        int len = snprintf(text + at, size - at, "%s%s", i > 0 ? ", " : "", option->choices[i]);
        at = len > 0 && at + (size_t)len < size ? at + (size_t)len : at;
    }
    return text;
}

/* The index of the choice, or -1 with the problem added. */
static int find_choice(struct bf__loader *loader, const struct bf__option *option,
                       const struct bf__node *node)
{
    char list[200], nearest[64] = "";
    for (int i = 0; is_text(node) && option->choices[i] != NULL; i++) {
        if (bf_slice_equal(node->text, bf_slice_of(option->choices[i]))) {
            return i;
        }
    }
    const char *meant = is_text(node) ? bf_config_nearest(node->text.data, option->choices) : NULL;
    if (meant != NULL) {
        snprintf(nearest, sizeof nearest, "; did you mean \"%s\"?", meant);
    }
    const char *quote = is_text(node) ? "\"" : "";
    bf__loader_problem(loader, node, "%s: expected one of %s, not %s%.80s%s%s", option->name,
                       choices_text(option, list, sizeof list), quote,
                       is_text(node) ? node->text.data : bf__node_kind_name(node), quote, nearest);
    return -1;
}

PARSER(parse_choice)
{
    int index = find_choice(loader, option, node);
    *(int *)field(option, base) = index;
    return index >= 0;
}

PARSER(parse_either)
{
    int index = find_choice(loader, option, node);
    *(bool *)field(option, base) = index == 1;
    return index >= 0;
}

PARSER(parse_file)
{
    if (!is_text(node) || node->text.len == 0) {
        return bf__option_unexpected(loader, option, node);
    }
    *(const char **)field(option, base) = bf__path_resolve(loader, node->text);
    return true;
}

PARSER(parse_secret)
{
    const char *secret = bf__secret_read(loader, node);
    *(const char **)field(option, base) = secret;
    return secret != NULL;
}

PARSER(parse_texts)
{
    const struct bf__node *first = node->kind == BF__NODE_LIST ? node->first : node;
    size_t count = node->kind == BF__NODE_LIST ? node->count : 1;
    struct bf_slice *texts = bf__pool_array(loader->pool, count, sizeof *texts);
    for (size_t i = 0; i < count; i++, first = first->next) {
        if (!is_text(first)) {
            return bf__option_unexpected(loader, option, first);
        }
        texts[i] = bf__pool_copy(loader->pool, first->text);
    }
    *(struct bf_slice **)field(option, base) = texts;
    *(size_t *)((char *)base + option->count) = count;
    return true;
}

PARSER(parse_strings)
{
    struct bf_slice *texts = NULL;
    struct bf__option inner = *option;
    struct { struct bf_slice *texts; size_t count; } list = {0};
    inner.offset = 0;
    inner.count = sizeof(struct bf_slice *);
    if (!parse_texts(loader, &inner, node, &list)) {
        return false;
    }
    texts = list.texts;
    const char **strings = bf__pool_array(loader->pool, list.count + 1, sizeof *strings);
    for (size_t i = 0; i < list.count; i++) {
        strings[i] = texts[i].data;
    }
    *(const char *const **)field(option, base) = strings;
    *(size_t *)((char *)base + option->count) = list.count;
    return true;
}

PARSER(parse_section)
{
    return bf__section_load(loader, option->section, node, field(option, base));
}

PARSER(parse_list)
{
    if (node->kind != BF__NODE_LIST) {
        return bf__option_unexpected(loader, option, node);
    }
    bool good = true;
    size_t size = option->section->size, index = 0;
    char *elements = bf__pool_array(loader->pool, node->count, size);
    for (const struct bf__node *item = node->first; item != NULL; item = item->next) {
        good = bf__section_load(loader, option->section, item, elements + index++ * size) && good;
    }
    *(void **)field(option, base) = elements;
    *(size_t *)((char *)base + option->count) = node->count;
    return good;
}

const struct bf__option_type bf__type_text = {
    .name = "text", .expects = "a text", .parse = parse_text};
const struct bf__option_type bf__type_string = {
    .name = "text", .expects = "a text", .parse = parse_string};
const struct bf__option_type bf__type_name = {
    .name = "name", .expects = "a name of a-z, 0-9 and _ (at most 64)", .parse = parse_name};
const struct bf__option_type bf__type_id = {
    .name = "id", .expects = "an id without blanks, quotes and | (at most 64 bytes)", .parse = parse_id};
const struct bf__option_type bf__type_integer = {
    .name = "integer", .expects = "an integer", .parse = parse_integer, .format = bf_scalar_format_number};
const struct bf__option_type bf__type_count = {
    .name = "integer", .expects = "an integer", .parse = parse_count, .format = bf_scalar_format_number};
const struct bf__option_type bf__type_number = {
    .name = "number", .expects = "a number", .parse = parse_number, .format = bf_scalar_format_number};
const struct bf__option_type bf__type_bool = {
    .name = "true or false", .expects = "true or false", .parse = parse_bool};
const struct bf__option_type bf__type_duration = {
    .name = "duration", .expects = "a duration such as 250ms, 5s, 10m, 48h or 1d", .parse = parse_duration,
    .format = bf_scalar_format_duration};
const struct bf__option_type bf__type_size = {
    .name = "size", .expects = "a size such as 100B, 64KiB or 16MiB", .parse = parse_size,
    .format = bf_scalar_format_size};
const struct bf__option_type bf__type_choice = {.name = "one of", .expects = "", .parse = parse_choice};
const struct bf__option_type bf__type_either = {.name = "one of", .expects = "", .parse = parse_either};
const struct bf__option_type bf__type_file = {
    .name = "path", .expects = "a path (relative to this file)", .parse = parse_file};
const struct bf__option_type bf__type_secret = {
    .name = "secret", .expects = "{file: path}", .parse = parse_secret, .secret = true};
const struct bf__option_type bf__type_strings = {
    .name = "list of texts", .expects = "a list of texts", .parse = parse_strings};
const struct bf__option_type bf__type_texts = {
    .name = "list of texts", .expects = "a list of texts", .parse = parse_texts};
const struct bf__option_type bf__type_section = {
    .name = "section", .expects = "a map (key: value)", .parse = parse_section};
const struct bf__option_type bf__type_list = {
    .name = "list", .expects = "a list (- …)", .parse = parse_list};
