/* template.c: topics, paths and templates, each in one pass over its text. See template.h.
 * Declined: JSONPath's wildcards and filters: one path is one value, so a reading has one origin. */
#include "config/template.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static bool fail(struct bf__pool *pool, struct bf__fault *fault, size_t at, const char *format, ...)
    BF_PRINTF(4, 5);

static bool fail(struct bf__pool *pool, struct bf__fault *fault, size_t at, const char *format, ...)
{
    char why[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why, sizeof why, format, arguments);
    va_end(arguments);
    *fault = (struct bf__fault){.why = bf__pool_copy(pool, bf_slice_of(why)).data, .at = at};
    return false;
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static bool is_name(struct bf_slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!is_name_char(text.data[i])) {
            return false;
        }
    }
    return text.len > 0 && text.len <= 64;
}

/* ---- topics */

static bool parse_level(struct bf__pool *pool, struct bf_slice text, struct bf_slice level,
                        struct bf_topic_template *topic, struct bf__fault *fault)
{
    size_t at = (size_t)(level.data - text.data);
    struct bf_level *out = &topic->levels[topic->count];
    bool last = at + level.len == text.len;
    *out = (struct bf_level){.kind = BF_LEVEL_LITERAL, .text = bf__pool_copy(pool, level)};
    if (bf_slice_equal(level, BF_SLICE("+"))) {
        out->kind = BF_LEVEL_ANY;
    } else if (bf_slice_equal(level, BF_SLICE("#"))) {
        out->kind = BF_LEVEL_REST;
        if (!last) {
            return fail(pool, fault, at, "# must be the last level");
        }
    } else if (level.len >= 2 && level.data[0] == '{' && level.data[level.len - 1] == '}') {
        struct bf_slice name = {level.data + 1, level.len - 2};
        if (!is_name(name)) {
            return fail(pool, fault, at, "a level is named by letters, digits and _: {%.*s}",
                        BF_SLICE_ARG(name));
        }
        if (bf__topic_level(topic, name) != SIZE_MAX) {
            return fail(pool, fault, at, "two levels are named {%.*s}", BF_SLICE_ARG(name));
        }
        *out = (struct bf_level){.kind = BF_LEVEL_NAMED, .text = bf__pool_copy(pool, name)};
    } else if (memchr(level.data, '{', level.len) != NULL || memchr(level.data, '+', level.len) != NULL ||
               memchr(level.data, '#', level.len) != NULL) {
        return fail(pool, fault, at, "{name}, + and # stand for whole levels, between two /");
    }
    topic->count++;
    return true;
}

bool bf__topic_parse(struct bf__pool *pool, struct bf_slice text, struct bf_topic_template *topic,
                     struct bf__fault *fault)
{
    *topic = (struct bf_topic_template){.levels = bf__pool_array(pool, BF__TEMPLATE_MAX,
                                                                 sizeof *topic->levels)};
    if (text.len == 0) {
        return fail(pool, fault, 0, "a topic is not empty");
    }
    for (size_t at = 0; at <= text.len;) {
        const char *slash = memchr(text.data + at, '/', text.len - at);
        size_t len = slash != NULL ? (size_t)(slash - text.data) - at : text.len - at;
        if (topic->count == BF__TEMPLATE_MAX) {
            return fail(pool, fault, at, "a topic has at most %u levels", BF__TEMPLATE_MAX);
        }
        if (!parse_level(pool, text, (struct bf_slice){text.data + at, len}, topic, fault)) {
            return false;
        }
        at += len + 1;
    }
    return true;
}

size_t bf__topic_level(const struct bf_topic_template *topic, struct bf_slice name)
{
    for (size_t i = 0; i < topic->count; i++) {
        if (topic->levels[i].kind == BF_LEVEL_NAMED && bf_slice_equal(topic->levels[i].text, name)) {
            return i;
        }
    }
    return SIZE_MAX;
}

bool bf__topic_overlaps(const struct bf_topic_template *a, const struct bf_topic_template *b)
{
    for (size_t i = 0;; i++) {
        bool a_ends = i == a->count, b_ends = i == b->count;
        /* "a/#" also matches "a", as MQTT has it. */
        if ((!a_ends && a->levels[i].kind == BF_LEVEL_REST) ||
            (!b_ends && b->levels[i].kind == BF_LEVEL_REST)) {
            return true;
        }
        if (a_ends || b_ends) {
            return a_ends && b_ends;
        }
        if (a->levels[i].kind == BF_LEVEL_LITERAL && b->levels[i].kind == BF_LEVEL_LITERAL &&
            !bf_slice_equal(a->levels[i].text, b->levels[i].text)) {
            return false;
        }
    }
}

bool bf__topic_matches(const struct bf_topic_template *topic, struct bf_slice text)
{
    size_t at = 0;
    for (size_t i = 0; i < topic->count; i++) {
        const struct bf_level *level = &topic->levels[i];
        if (level->kind == BF_LEVEL_REST) {
            return true;
        }
        if (at > text.len) {
            return false;
        }
        const char *slash = memchr(text.data + at, '/', text.len - at);
        size_t len = slash != NULL ? (size_t)(slash - text.data) - at : text.len - at;
        if (level->kind == BF_LEVEL_LITERAL &&
            !bf_slice_equal(level->text, (struct bf_slice){text.data + at, len})) {
            return false;
        }
        at += len + 1;
    }
    return at == text.len + 1;
}

void bf_topic_filter(const struct bf_topic_template *topic, char *text, size_t size)
{
    size_t at = 0;
    text[0] = '\0';
    for (size_t i = 0; i < topic->count && at < size; i++) {
        const struct bf_level *level = &topic->levels[i];
        struct bf_slice part = level->kind == BF_LEVEL_NAMED ? BF_SLICE("+") : level->text;
        int len = snprintf(text + at, size - at, "%s%.*s", i > 0 ? "/" : "", BF_SLICE_ARG(part));
        at += len > 0 ? (size_t)len : 0;
    }
}

/* ---- paths */

/* ["…"] with \" and \\, or [12]; *at stands behind the bracket. */
static bool parse_bracket(struct bf__pool *pool, struct bf_slice text, size_t *at, struct bf_path_step *step,
                          struct bf__fault *fault)
{
    size_t start = *at;
    if (start < text.len && text.data[start] == '"') {
        char *name = bf__pool_alloc(pool, text.len);
        size_t len = 0, i = start + 1;
        for (; i < text.len && text.data[i] != '"'; i++) {
            i += text.data[i] == '\\' && i + 1 < text.len ? 1 : 0;
            name[len++] = text.data[i];
        }
        if (i + 1 >= text.len || text.data[i + 1] != ']') {
            return fail(pool, fault, start, "[\" is not closed by \"]");
        }
        *step = (struct bf_path_step){.name = {name, len}, .index = -1};
        *at = i + 2;
        return true;
    }
    int64_t index = 0;
    size_t i = start;
    for (; i < text.len && text.data[i] >= '0' && text.data[i] <= '9' && i - start < 9; i++) {
        index = index * 10 + (text.data[i] - '0');
    }
    if (i == start || i >= text.len || text.data[i] != ']') {
        return fail(pool, fault, start, "expected an index as in [0] or a name as in [\"a b\"]");
    }
    *step = (struct bf_path_step){.index = index};
    *at = i + 1;
    return true;
}

/* .name: everything up to the next step, so that names with - or umlauts need no brackets. */
static bool parse_child(struct bf__pool *pool, struct bf_slice text, size_t *at, struct bf_path_step *step,
                        struct bf__fault *fault)
{
    size_t start = *at, end = start;
    while (end < text.len && strchr(".[]{}\"' \t", text.data[end]) == NULL) {
        end++;
    }
    struct bf_slice name = {text.data + start, end - start};
    if (name.len == 0) {
        return fail(pool, fault, start, "expected a name behind the dot");
    }
    if (bf_slice_equal(name, BF_SLICE("*"))) {
        return fail(pool, fault, start, "a path leads to one value; there is no *");
    }
    *step = (struct bf_path_step){.name = bf__pool_copy(pool, name), .index = -1};
    *at = end;
    return true;
}

bool bf__path_parse(struct bf__pool *pool, struct bf_slice text, struct bf_path *path,
                    struct bf__fault *fault)
{
    *path = (struct bf_path){.steps = bf__pool_array(pool, BF__TEMPLATE_MAX, sizeof *path->steps)};
    if (text.len == 0 || text.data[0] != '$') {
        return fail(pool, fault, 0, "a path begins with $, as in $.data.value or $[0]");
    }
    for (size_t at = 1; at < text.len;) {
        struct bf_path_step *step = &path->steps[path->count];
        if (path->count == BF__TEMPLATE_MAX) {
            return fail(pool, fault, at, "a path has at most %u steps", BF__TEMPLATE_MAX);
        }
        char kind = text.data[at++];
        if (kind != '.' && kind != '[') {
            return fail(pool, fault, at - 1, "expected . or [ in the path");
        }
        if (!(kind == '.' ? parse_child : parse_bracket)(pool, text, &at, step, fault)) {
            return false;
        }
        path->count++;
    }
    return true;
}

/* ---- templates */

/* inside: what stands between { and }. */
static bool parse_field(struct bf__pool *pool, struct bf_slice inside, size_t at,
                        const struct bf_topic_template *topic, struct bf_part *part, struct bf__fault *fault)
{
    if (inside.len > 0 && inside.data[0] == '$') {
        part->kind = BF_PART_PATH;
        if (!bf__path_parse(pool, inside, &part->path, fault)) {
            fault->at += at;
            return false;
        }
        return true;
    }
    size_t level = topic != NULL ? bf__topic_level(topic, inside) : SIZE_MAX;
    if (level != SIZE_MAX) {
        part->kind = BF_PART_LEVEL;
        part->level = level;
        return true;
    }
    if (bf_slice_equal(inside, BF_SLICE("item"))) {
        part->kind = BF_PART_ITEM;
        return true;
    }
    const char *names[BF__TEMPLATE_MAX + 1];
    size_t count = 0;
    for (size_t i = 0; topic != NULL && i < topic->count; i++) {
        if (topic->levels[i].kind == BF_LEVEL_NAMED) {
            names[count++] = topic->levels[i].text.data;
        }
    }
    names[count] = NULL;
    const char *nearest = bf_config_nearest(bf__pool_copy(pool, inside).data, names);
    return nearest != NULL
               ? fail(pool, fault, at, "the topic has no level {%.*s}; did you mean {%s}?",
                      BF_SLICE_ARG(inside), nearest)
               : fail(pool, fault, at,
                      "the topic has no level {%.*s}; a payload value is written {$.name}",
                      BF_SLICE_ARG(inside));
}

/* How many bytes of literal begin here; `{{` counts as the end of one. */
static size_t literal_length(struct bf_slice rest)
{
    size_t len = 0;
    while (len < rest.len && rest.data[len] != '{' && rest.data[len] != '}') {
        len++;
    }
    return len;
}

/* The } that closes the { at text[at]; one within ["…"] does not. SIZE_MAX: none. */
static size_t closing_brace(struct bf_slice text, size_t at)
{
    bool quoted = false;
    for (size_t i = at + 1; i < text.len; i++) {
        if (text.data[i] == '"') {
            quoted = !quoted;
        } else if (text.data[i] == '}' && !quoted) {
            return i;
        }
    }
    return SIZE_MAX;
}

bool bf__template_parse(struct bf__pool *pool, struct bf_slice text, const struct bf_topic_template *topic,
                        struct bf_template *template, struct bf__fault *fault)
{
    *template = (struct bf_template){.parts = bf__pool_array(pool, BF__TEMPLATE_MAX,
                                                             sizeof *template->parts)};
    for (size_t at = 0; at < text.len;) {
        if (template->count == BF__TEMPLATE_MAX) {
            return fail(pool, fault, at, "a template has at most %u parts", BF__TEMPLATE_MAX);
        }
        struct bf_part *part = &template->parts[template->count++];
        struct bf_slice rest = {text.data + at, text.len - at};
        size_t literal = literal_length(rest);
        bool doubled = literal == 0 && rest.len > 1 && rest.data[0] == rest.data[1];
        if (literal > 0 || doubled) {
            part->literal = bf__pool_copy(pool, (struct bf_slice){rest.data, doubled ? 1 : literal});
            at += doubled ? 2 : literal;
            continue;
        }
        size_t close = closing_brace(text, at);
        if (rest.data[0] == '}' || close == SIZE_MAX) {
            return fail(pool, fault, at, "%s; for a plain brace write it twice",
                        rest.data[0] == '}' ? "} without {" : "{ is not closed by }");
        }
        struct bf_slice inside = {text.data + at + 1, close - at - 1};
        if (!parse_field(pool, inside, at + 1, topic, part, fault)) {
            return false;
        }
        at = close + 1;
    }
    return template->count > 0 || fail(pool, fault, 0, "a template is not empty");
}
