/* option.c: the one loader. See option.h. */
#include "config/option.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "config/city.h"

static void __attribute__((format(printf, 4, 0)))
add_problem(struct bf__loader *loader, enum bf__severity severity, const struct bf__node *node,
            const char *format, va_list arguments)
{
    char message[400];
    vsnprintf(message, sizeof message, format, arguments);
    /* A default that its own type refuses is a mistake in a table, not in a file. */
    assert(node == NULL || node->line > 0);
    bf__problem_add(loader->problems, severity, loader->file, node != NULL ? node->line : 0,
                    node != NULL ? node->column : 0, "%s", message);
}

bool bf__loader_problem(struct bf__loader *loader, const struct bf__node *node, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add_problem(loader, loader->severity, node, format, arguments);
    va_end(arguments);
    return false;
}

void bf__loader_warn(struct bf__loader *loader, const struct bf__node *node, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add_problem(loader, BF__WARNING, node, format, arguments);
    va_end(arguments);
}

static bool has_bounds(const struct bf__option *option)
{
    return option->type->format != NULL && (option->min < 0 || option->max > 0);
}

bool bf__option_unexpected(struct bf__loader *loader, const struct bf__option *option,
                           const struct bf__node *node)
{
    char bounds[96] = "", low[32], high[32];
    if (has_bounds(option)) {
        snprintf(bounds, sizeof bounds, ", from %s to %s", option->type->format(option->min, low, sizeof low),
                 option->type->format(option->max, high, sizeof high));
    }
    if (node->kind == BF__NODE_SCALAR && node->text.len > 0) {
        return bf__loader_problem(loader, node, "%s: expected %s%s, not \"%.80s\"", option->name,
                                  option->type->expects, bounds, node->text.data);
    }
    return bf__loader_problem(loader, node, "%s: expected %s%s, not %s", option->name, option->type->expects,
                              bounds, bf__node_kind_name(node));
}

static const char *nearest_option(const struct bf__option *options, const char *word)
{
    const char *names[64];
    size_t count = 0;
    for (; options->name != NULL && count < 63; options++) {
        names[count++] = options->name;
    }
    names[count] = NULL;
    return bf_config_nearest(word, names);
}

static const struct bf__option *find_option(const struct bf__option *options, const char *name)
{
    for (; options->name != NULL; options++) {
        if (strcmp(options->name, name) == 0) {
            return options;
        }
    }
    return NULL;
}

static bool check_keys(struct bf__loader *loader, const struct bf__section *section,
                       const struct bf__node *map)
{
    bool good = true;
    for (const struct bf__node *entry = map->first; entry != NULL; entry = entry->next) {
        const char *name = entry->key->text.data;
        if (find_option(section->options, name) != NULL) {
            continue;
        }
        const char *nearest = nearest_option(section->options, name);
        char list[256] = "";
        size_t at = 0;
        for (const struct bf__option *o = section->options; nearest == NULL && o->name != NULL; o++) {
            int len = snprintf(list + at, sizeof list - at, "%s%s", at > 0 ? ", " : "", o->name);
            at = len > 0 && at + (size_t)len < sizeof list ? at + (size_t)len : at;
        }
        good =
            nearest != NULL
                ? bf__loader_problem(loader, entry->key,
                                     "unknown key \"%.80s\" in %s; did you mean \"%s\"?", name,
                                     section->name, nearest)
                : bf__loader_problem(loader, entry->key, "unknown key \"%.80s\" in %s; it has: %s",
                                     name, section->name, list);
    }
    return good;
}

static void mark_given(const struct bf__option *option, void *base)
{
    if (option->has != 0) {
        *(bool *)((char *)base + option->has) = true;
    }
}

static bool load_option(struct bf__loader *loader, const struct bf__section *section,
                        const struct bf__option *option, const struct bf__node *map, void *base)
{
    const struct bf__node *node = bf__node_get(map, option->name);
    if (node != NULL) {
        mark_given(option, base);
        return option->type->parse(loader, option, node, base);
    }
    if (option->required) {
        return bf__loader_problem(loader, map, "%s needs \"%s\": %s", section->name, option->name,
                                  option->summary);
    }
    if (option->type == &bf__type_section && option->section != NULL) {
        /* Its own defaults. A section with something required only has them where it is written. */
        for (const struct bf__option *o = option->section->options; o->name != NULL; o++) {
            if (o->required) {
                return true;
            }
        }
        struct bf__node empty = {.kind = BF__NODE_MAP, .line = map->line, .column = map->column};
        return option->type->parse(loader, option, &empty, base);
    }
    if (option->fallback == NULL) {
        return true;
    }
    struct bf__node value = {.kind = BF__NODE_SCALAR, .text = bf_slice_of(option->fallback)};
    return option->type->parse(loader, option, &value, base);
}

bool bf__section_load(struct bf__loader *loader, const struct bf__section *section,
                      const struct bf__node *map, void *base)
{
    if (map->kind != BF__NODE_MAP) {
        return bf__loader_problem(loader, map, "expected %s as a map (key: value), not %s", section->name,
                                  bf__node_kind_name(map));
    }
    bool good = check_keys(loader, section, map);
    for (const struct bf__option *option = section->options; option->name != NULL; option++) {
        good = load_option(loader, section, option, map, base) && good;
    }
    return good && (section->check == NULL || section->check(loader, map, base));
}
