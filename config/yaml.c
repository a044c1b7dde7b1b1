/* yaml.c: libyaml's events -> our tree. The only file with libyaml's header.
 * Declined: yaml_parser_load, which resolves aliases (a small file can then be a huge tree) and keeps
 * neither duplicate keys nor where a value ended. */
#include "config/yaml.h"

#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "config/expand.h"

struct reader {
    yaml_parser_t parser;
    struct bf__pool *pool;
    struct bf__problems *problems;
    const struct bf__yaml_source *source;
    size_t nodes;
    size_t character, byte; /* libyaml counts characters: how far they are translated */
    bool failed;
};

static bool complain(struct reader *reader, yaml_mark_t mark, const char *message)
{
    bf__problem_add(reader->problems, reader->source->severity, reader->source->name,
                    (int)mark.line + 1, (int)mark.column + 1, "%s", message);
    reader->failed = true;
    return false;
}

/* libyaml's own complaint. Bad bytes come without a mark, only with an offset. */
static bool complain_parser(struct reader *reader)
{
    const yaml_parser_t *parser = &reader->parser;
    yaml_mark_t mark = parser->problem_mark;
    char message[240];
    if (parser->error == YAML_READER_ERROR) {
        mark = (yaml_mark_t){0};
        for (size_t i = 0; i < parser->problem_offset && i < reader->source->bytes.len; i++) {
            bool newline = reader->source->bytes.data[i] == '\n';
            mark.line += newline ? 1 : 0;
            mark.column = newline ? 0 : mark.column + 1;
        }
        snprintf(message, sizeof message, "%s: the file must be text in UTF-8", parser->problem);
    } else {
        bool flow = parser->context != NULL && strstr(parser->context, "flow") != NULL;
        snprintf(message, sizeof message, "this is not YAML: %s%s%s%s",
                 parser->problem != NULL ? parser->problem : "out of memory",
                 parser->context != NULL ? " " : "", parser->context != NULL ? parser->context : "",
                 flow ? "; within {…} and […] a text with [ ] { } or , needs quotes" : "");
    }
    return complain(reader, mark, message);
}

static bool next_event(struct reader *reader, yaml_event_t *event)
{
    return yaml_parser_parse(&reader->parser, event) != 0 || complain_parser(reader);
}

/* Byte position of a mark. Marks are asked for in ascending order. */
static size_t byte_position(struct reader *reader, size_t character)
{
    while (reader->character < character && reader->byte < reader->source->bytes.len) {
        reader->byte++;
        while (reader->byte < reader->source->bytes.len &&
               ((unsigned char)reader->source->bytes.data[reader->byte] & 0xC0u) == 0x80u) {
            reader->byte++;
        }
        reader->character++;
    }
    return reader->byte;
}

static struct bf__node *make_node(struct reader *reader, enum bf__node_kind kind, yaml_mark_t mark)
{
    if (++reader->nodes > BF__YAML_NODES) {
        complain(reader, mark, "the file has more values than a configuration may have");
        return NULL;
    }
    struct bf__node *node = bf__pool_alloc(reader->pool, sizeof *node);
    node->kind = kind;
    node->line = (int)mark.line + 1;
    node->column = (int)mark.column + 1;
    return node;
}

static struct bf__node *read_scalar(struct reader *reader, const yaml_event_t *event)
{
    struct bf__node *node = make_node(reader, BF__NODE_SCALAR, event->start_mark);
    struct bf_slice text = {(const char *)event->data.scalar.value, event->data.scalar.length};
    if (node == NULL) {
        return NULL;
    }
    if (text.len > BF__YAML_SCALAR) {
        complain(reader, event->start_mark, "this value is longer than 64 KiB");
        return NULL;
    }
    if (memchr(text.data, '\0', text.len) != NULL) {
        complain(reader, event->start_mark, "this value holds a NUL byte");
        return NULL;
    }
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    node->begin = byte_position(reader, event->start_mark.index);
    node->end = byte_position(reader, event->end_mark.index);
    node->text = bf__pool_copy(reader->pool, text);
    return node;
}

static bool expand_value(struct reader *reader, struct bf__node *node)
{
    if (reader->source->variables != BF__YAML_EXPAND || node->kind != BF__NODE_SCALAR) {
        return true;
    }
    const char *why = NULL;
    if (bf__expand(reader->pool, node->text, &node->text, &node->expanded, &why)) {
        return true;
    }
    bf__problem_add(reader->problems, reader->source->severity, reader->source->name, node->line,
                    node->column, "%s", why);
    reader->failed = true;
    return true; /* the rest of the file can be read */
}

static struct bf__node *read_node(struct reader *reader, const yaml_event_t *event, size_t depth);

/* Reads the next event and the value it begins; *end where the event was `closing`. */
static struct bf__node *read_next(struct reader *reader, yaml_event_type_t closing, size_t depth, bool *end)
{
    yaml_event_t event;
    *end = false;
    if (!next_event(reader, &event)) {
        return NULL;
    }
    struct bf__node *node = NULL;
    *end = event.type == closing;
    if (!*end) {
        node = read_node(reader, &event, depth);
    }
    yaml_event_delete(&event);
    return node;
}

static bool check_key(struct reader *reader, const struct bf__node *map, const struct bf__node *key)
{
    if (key->kind != BF__NODE_SCALAR) {
        bf__problem_add(reader->problems, reader->source->severity, reader->source->name, key->line,
                        key->column, "a key must be a text, not %s", bf__node_kind_name(key));
        reader->failed = true;
        return false;
    }
    if (map->count >= BF__YAML_KEYS) {
        bf__problem_add(reader->problems, reader->source->severity, reader->source->name, key->line,
                        key->column, "a map may have at most %u keys", BF__YAML_KEYS);
        reader->failed = true;
        return false;
    }
    const struct bf__node *twin = bf__node_get(map, key->text.data);
    if (twin != NULL) {
        bf__problem_add(reader->problems, reader->source->severity, reader->source->name, key->line,
                        key->column, "the key \"%s\" is here twice, first in line %d; remove one",
                        key->text.data, twin->key->line);
        reader->failed = true; /* and go on: there may be more to say */
    }
    return true;
}

static bool read_children(struct reader *reader, struct bf__node *node, yaml_event_type_t closing,
                          size_t depth)
{
    struct bf__node **tail = &node->first;
    bool end = false;
    for (;;) {
        struct bf__node *key = NULL;
        if (node->kind == BF__NODE_MAP) {
            key = read_next(reader, closing, depth, &end);
            if (end) {
                return true;
            }
            if (key == NULL || !check_key(reader, node, key)) {
                return false;
            }
        }
        struct bf__node *child = read_next(reader, closing, depth, &end);
        if (end) {
            return true;
        }
        if (child == NULL || !expand_value(reader, child)) {
            return false;
        }
        child->key = key;
        *tail = child;
        tail = &child->next;
        node->count++;
    }
}

/* Anchors and tags are refused where they stand; an alias cannot exist without an anchor. */
static const char *refused(const yaml_event_t *event)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;
    if (event->type == YAML_SCALAR_EVENT) {
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
    } else if (event->type == YAML_SEQUENCE_START_EVENT) {
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
    } else if (event->type == YAML_MAPPING_START_EVENT) {
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
    } else if (event->type == YAML_ALIAS_EVENT) {
        return "aliases (*name) are not read here; write the value out";
    }
    if (anchor != NULL) {
        return "anchors (&name) are not read here; write the value out, or quote it";
    }
    return tag != NULL ? "tags (!name) are not read here; remove it, or quote the value" : NULL;
}

static struct bf__node *read_node(struct reader *reader, const yaml_event_t *event, size_t depth)
{
    const char *why = refused(event);
    if (why == NULL && depth > BF__YAML_DEPTH) {
        why = "the values are nested deeper than 32";
    }
    if (why != NULL) {
        complain(reader, event->start_mark, why);
        return NULL;
    }
    if (event->type == YAML_SCALAR_EVENT) {
        return read_scalar(reader, event);
    }
    bool map = event->type == YAML_MAPPING_START_EVENT;
    struct bf__node *node = make_node(reader, map ? BF__NODE_MAP : BF__NODE_LIST, event->start_mark);
    yaml_event_type_t closing = map ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT;
    return node != NULL && read_children(reader, node, closing, depth + 1) ? node : NULL;
}

/* STREAM-START (DOCUMENT-START value DOCUMENT-END)? STREAM-END */
static struct bf__node *read_stream(struct reader *reader)
{
    struct bf__node *root = NULL;
    for (bool end = false; !end && !reader->failed;) {
        yaml_event_t event;
        if (!next_event(reader, &event)) {
            break;
        }
        end = event.type == YAML_STREAM_END_EVENT;
        if (event.type == YAML_DOCUMENT_START_EVENT && root != NULL) {
            complain(reader, event.start_mark, "a second document (---) begins here; one file, one document");
        } else if (event.type == YAML_SCALAR_EVENT || event.type == YAML_SEQUENCE_START_EVENT ||
                   event.type == YAML_MAPPING_START_EVENT || event.type == YAML_ALIAS_EVENT) {
            root = read_node(reader, &event, 1);
        }
        yaml_event_delete(&event);
    }
    if (root == NULL && !reader->failed) {
        root = make_node(reader, BF__NODE_MAP, (yaml_mark_t){0});
    }
    return root;
}

bool bf__yaml_parse(struct bf__pool *pool, const struct bf__yaml_source *source,
                    struct bf__document *document, struct bf__problems *problems)
{
    struct reader reader = {.pool = pool, .problems = problems, .source = source};
    struct bf_slice bytes = source->bytes;
    *document = (struct bf__document){.name = bf__pool_copy(pool, bf_slice_of(source->name)).data};
    if (bytes.len > BF__YAML_BYTES) {
        bf__problem_add(problems, source->severity, source->name, 0, 0, "the file is larger than 16 MiB");
        return false;
    }
    if (yaml_parser_initialize(&reader.parser) == 0) {
        bf__problem_add(problems, source->severity, source->name, 0, 0, "out of memory");
        return false;
    }
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)(bytes.len > 0 ? bytes.data : ""),
                                 bytes.len);
    document->root = read_stream(&reader);
    yaml_parser_delete(&reader.parser);
    return !reader.failed && document->root != NULL;
}

const struct bf__node *bf__node_get(const struct bf__node *map, const char *key)
{
    if (map == NULL || map->kind != BF__NODE_MAP) {
        return NULL;
    }
    for (const struct bf__node *entry = map->first; entry != NULL; entry = entry->next) {
        if (strcmp(entry->key->text.data, key) == 0) {
            return entry;
        }
    }
    return NULL;
}

const char *bf__node_kind_name(const struct bf__node *node)
{
    static const char *const names[] = {
        [BF__NODE_SCALAR] = "a text", [BF__NODE_LIST] = "a list", [BF__NODE_MAP] = "a map"};
    if (node->kind == BF__NODE_SCALAR && node->text.len == 0 && !node->quoted) {
        return "nothing";
    }
    return names[node->kind];
}
