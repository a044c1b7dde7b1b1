/* city_types.c: the option types of a city's files: topics, paths, templates, units, expressions. */
#include "config/template.h"
#include "config/unit.h"

static bool is_text(const struct bf__node *node)
{
    return node->kind == BF__NODE_SCALAR && node->text.len > 0;
}

/* A plain or quoted scalar of one line has its text at its mark, so the column of a fault is known. */
static bool complain(struct bf__loader *loader, const struct bf__option *option, const struct bf__node *node,
                     const struct bf__fault *fault)
{
    struct bf__node place = *node;
    if (!node->expanded) {
        place.column += (int)fault->at + (node->quoted ? 1 : 0);
    }
    return bf__loader_problem(loader, &place, "%s: %s", option->name, fault->why);
}

static bool parse_topic(struct bf__loader *loader, const struct bf__option *option,
                        const struct bf__node *node, void *base)
{
    struct bf_topic_template *topic = (void *)((char *)base + option->offset);
    struct bf__fault fault = {0};
    if (!is_text(node)) {
        return bf__option_unexpected(loader, option, node);
    }
    if (!bf__topic_parse(loader->pool, node->text, topic, &fault)) {
        return complain(loader, option, node, &fault);
    }
    loader->topic = topic;
    return true;
}

static bool parse_path(struct bf__loader *loader, const struct bf__option *option,
                       const struct bf__node *node, void *base)
{
    struct bf__fault fault = {0};
    if (!is_text(node)) {
        return bf__option_unexpected(loader, option, node);
    }
    return bf__path_parse(loader->pool, node->text, (void *)((char *)base + option->offset), &fault) ||
           complain(loader, option, node, &fault);
}

static bool parse_template(struct bf__loader *loader, const struct bf__option *option,
                           const struct bf__node *node, void *base)
{
    struct bf__fault fault = {0};
    if (loader->topic == NULL) {
        return node->line == 0; /* the topic is missing or wrong, which is said already */
    }
    if (!is_text(node)) {
        return bf__option_unexpected(loader, option, node);
    }
    return bf__template_parse(loader->pool, node->text, loader->topic,
                              (void *)((char *)base + option->offset), &fault) ||
           complain(loader, option, node, &fault);
}

static bool parse_unit(struct bf__loader *loader, const struct bf__option *option,
                       const struct bf__node *node, void *base)
{
    if (!is_text(node)) {
        return bf__option_unexpected(loader, option, node);
    }
    const struct bf_unit *unit = bf_unit_find(node->text);
    if (unit != NULL) {
        *(struct bf_slice *)((void *)((char *)base + option->offset)) = bf_slice_of(unit->code);
        return true;
    }
    const char *nearest = bf_unit_nearest(node->text.data);
    return nearest != NULL
               ? bf__loader_problem(loader, node,
                                    "%s: unknown unit \"%.40s\"; did you mean \"%s\"?",
                                    option->name, node->text.data, nearest)
               : bf__loader_problem(
                     loader, node,
                     "%s: unknown unit \"%.40s\"; units are UCUM codes such as ug/m3, Cel, km/h",
                     option->name, node->text.data);
}

static bool parse_expression(struct bf__loader *loader, const struct bf__option *option,
                             const struct bf__node *node, void *base)
{
    struct bf_err err = {0};
    if (!is_text(node)) {
        return bf__option_unexpected(loader, option, node);
    }
    struct bf_expression **expression = (void *)((char *)base + option->offset);
    return bf_expression_compile(node->text, expression, &err) == BF_OK ||
           bf__loader_problem(loader, node, "%s: %s", option->name, err.message);
}

const struct bf__option_type bf__type_topic = {
    .name = "topic", .expects = "a topic such as city/{kind}/{device}/telemetry", .parse = parse_topic};
const struct bf__option_type bf__type_path = {
    .name = "path", .expects = "a path such as $.data.value", .parse = parse_path};
const struct bf__option_type bf__type_template = {
    .name = "template", .expects = "a template such as \"{device}\" or \"{$.id}\"", .parse = parse_template};
const struct bf__option_type bf__type_unit = {
    .name = "unit", .expects = "a UCUM unit such as ug/m3", .parse = parse_unit};
const struct bf__option_type bf__type_expression = {
    .name = "expression", .expects = "an expression such as 'class == \"reference\"'",
    .parse = parse_expression};
