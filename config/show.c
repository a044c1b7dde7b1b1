/* show.c: walks the tables of belfry.yaml beside the file. See show.h. Values are shown as they are written
 * (the file's words or the default's), not as they were parsed: that is what a person looks for. */
#include "config/show.h"

#include <stdlib.h>
#include <string.h>

#include "config/document.h"
#include "config/option.h"

struct walk {
    const char *file;
    bf_config_visit visit;
    void *context;
};

static void origin_of(const struct walk *walk, const struct bf__node *node, char *text, size_t size)
{
    if (node == NULL) {
        snprintf(text, size, "default");
    } else {
        snprintf(text, size, "%s%s:%d:%d", node->expanded ? "environment, " : "", walk->file, node->line,
                 node->column);
    }
}

static void value_of(const struct bf__node *node, char *text, size_t size)
{
    size_t at = 0;
    if (node->kind == BF__NODE_SCALAR) {
        snprintf(text, size, "%s", node->text.data);
        return;
    }
    snprintf(text, size, "[");
    for (const struct bf__node *item = node->first; item != NULL; item = item->next) {
        at = strlen(text);
        snprintf(text + at, size - at, "%s%s", item == node->first ? "" : ", ",
                 item->kind == BF__NODE_SCALAR ? item->text.data : "…");
    }
    at = strlen(text);
    snprintf(text + at, size - at, "]");
}

static void show_one(const struct walk *walk, const char *key, const struct bf__node *node,
                     const char *fallback, bool secret)
{
    char value[1024] = "", origin[512];
    origin_of(walk, node, origin, sizeof origin);
    if (node == NULL) {
        snprintf(value, sizeof value, "%s", fallback != NULL ? fallback : "");
    } else if (secret) {
        snprintf(value, sizeof value, "***");
    } else {
        value_of(node, value, sizeof value);
    }
    walk->visit(walk->context, &(struct bf_config_value){.key = key, .value = value, .origin = origin});
}

/* A map with keys of its own (librdkafka:): each is a line. What comes from a file is a secret. */
static void show_map(const struct walk *walk, const char *key, const struct bf__node *map)
{
    for (const struct bf__node *entry = map->first; entry != NULL; entry = entry->next) {
        char name[256];
        snprintf(name, sizeof name, "%s.%s", key, entry->key->text.data);
        show_one(walk, name, entry, NULL, entry->kind == BF__NODE_MAP);
    }
}

static void show_section(const struct walk *walk, const struct bf__section *section,
                         const struct bf__node *map, const char *prefix)
{
    for (const struct bf__option *option = section->options; option->name != NULL; option++) {
        const struct bf__node *node = map != NULL ? bf__node_get(map, option->name) : NULL;
        char key[128];
        snprintf(key, sizeof key, "%s%s%s", prefix, prefix[0] != '\0' ? "." : "", option->name);
        if (option->section != NULL) {
            show_section(walk, option->section, node, key);
        } else if (node != NULL && node->kind == BF__NODE_MAP && !option->type->secret) {
            show_map(walk, key, node);
        } else {
            show_one(walk, key, node, option->fallback, option->type->secret);
        }
    }
}

enum bf_status bf_site_show(const char *path, bf_config_visit visit, void *context, struct bf_err *err)
{
    struct bf_site *site = NULL;
    enum bf_status status = bf_site_load(path, &site, err);
    bf_site_destroy(site);
    if (status != BF_OK) {
        return status;
    }
    struct bf__pool *pool = bf__pool_create();
    struct bf__problems problems = {0};
    struct bf__document document = {0};
    struct bf__yaml_source source = {.name = path, .variables = BF__YAML_EXPAND, .severity = BF__FATAL};
    struct walk walk = {.file = path, .visit = visit, .context = context};
    const char *why = NULL;
    if (!bf__file_read(pool, path, BF__YAML_BYTES, &source.bytes, &why)) {
        status = bf_err_set(err, BF_CONFIG, "could not read %s: %s", path, why);
    } else if (bf__yaml_parse(pool, &source, &document, &problems)) {
        show_section(&walk, &bf__site_section, document.root, "");
    } else {
        status = bf__problems_err(&problems, BF__FATAL, err);
    }
    bf__problems_deinit(&problems);
    bf__pool_destroy(pool);
    return status;
}
