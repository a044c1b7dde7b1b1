/* profile_binary.c: frames that are not text, described instead of programmed: most LoRaWAN payloads are a
 * handful of integers one behind the other.
 * Declined: expressions over bytes: what these tables cannot say is a codec's work. */
#include "config/profile_binary.h"

#include <stdlib.h>

#include "config/scalar.h"
#include "config/template.h"

#define AT(field) offsetof(struct bf_profile, binary.field)
#define FIELD(field) offsetof(struct bf_binary_field, field)

static const char *const types[] = {"uint", "int", "float", "bcd", "text", NULL};
static const char *const endians[] = {"big", "little", NULL};

static bool parse_values(struct bf__loader *loader, const struct bf__option *option,
                         const struct bf__node *entry, struct bf_binary_when *when)
{
    const struct bf__node *node = entry->kind == BF__NODE_LIST ? entry->first : entry;
    size_t count = entry->kind == BF__NODE_LIST ? entry->count : 1;
    when->values = bf__pool_array(loader->pool, count + 1, sizeof *when->values);
    for (; when->count < count; node = node->next) {
        if (node->kind != BF__NODE_SCALAR || !bf_scalar_integer(node->text, &when->values[when->count++])) {
            return bf__option_unexpected(loader, option, node);
        }
    }
    return true;
}

/* when: {kind: 2}, {$.uplink_message.f_port: [1, 2]} */
static bool parse_when(struct bf__loader *loader, const struct bf__option *option,
                       const struct bf__node *node, void *base)
{
    struct bf_binary_field *field = base;
    if (node->kind != BF__NODE_MAP || node->count == 0) {
        return bf__option_unexpected(loader, option, node);
    }
    field->whens = bf__pool_array(loader->pool, node->count, sizeof *field->whens);
    for (const struct bf__node *entry = node->first; entry != NULL; entry = entry->next) {
        struct bf_binary_when *when = &field->whens[field->when_count++];
        struct bf__fault fault;
        when->name = bf__pool_copy(loader->pool, entry->key->text);
        if (when->name.data[0] == '$' && !bf__path_parse(loader->pool, when->name, &when->path, &fault)) {
            return bf__loader_problem(loader, entry->key, "when: %s", fault.why);
        }
        if (!parse_values(loader, option, entry, when)) {
            return false;
        }
    }
    return true;
}
static const struct bf__option_type type_when = {
    .name = "map", .expects = "a map of fields to an integer, or to some", .parse = parse_when};

static bool check_field(struct bf__loader *loader, const struct bf__node *map, void *base)
{
    struct bf_binary_field *field = base;
    bool number = field->type == BF_BINARY_UINT || field->type == BF_BINARY_INT;
    if (field->length == 0) {
        field->length = field->type == BF_BINARY_FLOAT ? 4 : 1;
    }
    if (field->type == BF_BINARY_FLOAT && field->length != 2 && field->length != 4 && field->length != 8) {
        return bf__loader_problem(loader, map, "a float has a length of 2, 4 or 8 bytes");
    }
    if (field->type != BF_BINARY_TEXT && field->length > 8) {
        return bf__loader_problem(loader, map, "a number has at most 8 bytes");
    }
    if (bf__node_get(map, "bit") != NULL && field->bits == 0) {
        field->bits = 1;
    }
    return field->bits == 0 || (number && field->bit + field->bits <= field->length * 8) ||
           bf__loader_problem(loader, map, "bits lie within the %d bytes of an integer", field->length);
}

static const struct bf__option field_options[] = {
    {.name = "name",
     .type = &bf__type_name,
     .offset = FIELD(name),
     .fallback_note = "skipped",
     .summary = "What paths call it: `$.name`."},
    {.name = "type",
     .type = &bf__type_choice,
     .offset = FIELD(type),
     .choices = types,
     .fallback = "uint",
     .summary = "How the bytes are read."},
    {.name = "length",
     .type = &bf__type_integer,
     .offset = FIELD(length),
     .min = 1,
     .max = 255,
     .fallback_note = "1; of a float 4",
     .summary = "Bytes."},
    {.name = "endian",
     .type = &bf__type_either,
     .offset = FIELD(little),
     .choices = endians,
     .fallback = "big",
     .summary = "Which byte comes first."},
    {.name = "at",
     .type = &bf__type_integer,
     .offset = FIELD(at),
     .has = FIELD(has_at),
     .min = 0,
     .max = 65535,
     .fallback_note = "behind the field before",
     .summary = "The first byte, counted from 0; of a repeat or block, from its own."},
    {.name = "bit",
     .type = &bf__type_integer,
     .offset = FIELD(bit),
     .min = 0,
     .max = 63,
     .fallback = "0",
     .summary = "Of an integer, the lowest bit that counts (0 is the lowest of all),"},
    {.name = "bits",
     .type = &bf__type_integer,
     .offset = FIELD(bits),
     .min = 1,
     .max = 64,
     .fallback_note = "all; with `bit`, 1",
     .summary = "and how many."},
    {.name = "when",
     .type = &type_when,
     .summary =
         "Only where an earlier field, or a value `$.path` of the envelope, is this, or one of these."},
    {.name = "optional",
     .type = &bf__type_bool,
     .offset = FIELD(optional),
     .fallback = "false",
     .summary = "A frame may end before it; otherwise that frame is malformed."},
    {.name = NULL},
};
static const struct bf__section field_section = {.name = "fields",
                                                 .options = field_options,
                                                 .size = sizeof(struct bf_binary_field),
                                                 .check = check_field,
                                                 .summary =
                                                     "What stands in the bytes, one field behind the other."};
static const struct bf__section repeat_section = {
    .name = "repeat",
    .options = field_options,
    .size = sizeof(struct bf_binary_field),
    .check = check_field,
    .summary = "Fields that come again and again: each time is a message of its own."};
static const struct bf__section block_field_section = {.name = "fields",
                                                       .options = field_options,
                                                       .size = sizeof(struct bf_binary_field),
                                                       .check = check_field,
                                                       .summary = "The block's fields."};

/* type: 0x0367 */
static bool parse_type(struct bf__loader *loader, const struct bf__option *option,
                       const struct bf__node *node, void *base)
{
    struct bf_binary_block *block = base;
    struct bf_slice text = node->kind == BF__NODE_SCALAR ? node->text : (struct bf_slice){.len = 0};
    int64_t number = 0;
    if (text.len > 2 && text.len <= 18 && text.data[0] == '0' && text.data[1] == 'x') {
        char *end = NULL;
        block->type = strtoull(text.data + 2, &end, 16);
        return end == text.data + text.len || bf__option_unexpected(loader, option, node);
    }
    if (!bf_scalar_integer(text, &number) || number < 0) {
        return bf__option_unexpected(loader, option, node);
    }
    block->type = (uint64_t)number;
    return true;
}
static const struct bf__option_type type_type = {
    .name = "integer", .expects = "an integer such as 3 or 0x0367", .parse = parse_type};

static const struct bf__option block_options[] = {
    {.name = "type", .type = &type_type, .required = true, .summary = "Its type: 3, 0x0367."},
    {.name = "fields",
     .type = &bf__type_list,
     .offset = offsetof(struct bf_binary_block, fields),
     .count = offsetof(struct bf_binary_block, count),
     .section = &block_field_section,
     .required = true,
     .summary = "What it holds; of a field that comes twice, the first counts."},
    {.name = NULL},
};
static const struct bf__section block_section = {
    .name = "blocks",
    .options = block_options,
    .size = sizeof(struct bf_binary_block),
    .summary = "Blocks that begin with their type, until the end of the frame (Cayenne, Milesight)."};

static const struct bf__option options[] = {
    {.name = "fields",
     .type = &bf__type_list,
     .offset = AT(fields),
     .count = AT(count),
     .section = &field_section,
     .summary = "What stands at the beginning, once."},
    {.name = "repeat",
     .type = &bf__type_list,
     .offset = AT(repeat),
     .count = AT(repeat_count),
     .section = &repeat_section,
     .summary = "Fields behind those, again and again."},
    {.name = "times",
     .type = &bf__type_name,
     .offset = AT(times),
     .fallback_note = "to the end",
     .summary = "The field that says how often `repeat` comes."},
    {.name = "type_length",
     .type = &bf__type_integer,
     .offset = AT(type_length),
     .min = 1,
     .max = 8,
     .fallback = "1",
     .summary = "Bytes of the type of a block, the highest first (channel and type are 2)."},
    {.name = "size_length",
     .type = &bf__type_integer,
     .offset = AT(size_length),
     .min = 0,
     .max = 2,
     .fallback = "0",
     .summary =
         "Bytes of its length behind the type; 0: a block is as long as its fields, and its type is known."},
    {.name = "blocks",
     .type = &bf__type_list,
     .offset = AT(blocks),
     .count = AT(block_count),
     .section = &block_section,
     .summary = "Or blocks, each with a type."},
    {.name = NULL},
};
const struct bf__section bf__profile_binary_section = {
    .name = "binary", .options = options, .summary = "Format `binary`: what the bytes of a frame are."};

static bool is_field(const struct bf_binary_field *fields, size_t count, struct bf_slice name)
{
    for (size_t i = 0; i < count; i++) {
        if (bf_slice_equal(fields[i].name, name)) {
            return true;
        }
    }
    return false;
}

static bool is_known(const struct bf_profile_binary *binary, struct bf_slice name)
{
    bool known =
        is_field(binary->fields, binary->count, name) || is_field(binary->repeat, binary->repeat_count, name);
    for (size_t i = 0; !known && i < binary->block_count; i++) {
        known = is_field(binary->blocks[i].fields, binary->blocks[i].count, name);
    }
    return known;
}

/* Conditions name an earlier field of the same part, or one of the head. */
static bool check_whens(struct bf__loader *loader, const struct bf__node *node,
                        const struct bf_profile *profile, const struct bf_binary_field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < fields[i].when_count; j++) {
            const struct bf_binary_when *when = &fields[i].whens[j];
            bool path = when->path.count > 0;
            if (path && !profile->has_inner) {
                return bf__loader_problem(loader, node, "when: %.*s: there is no envelope; see \"inner\"",
                                          BF_SLICE_ARG(when->name));
            }
            if (!path && !is_field(fields, i, when->name) &&
                !(fields != profile->binary.fields &&
                  is_field(profile->binary.fields, profile->binary.count, when->name))) {
                return bf__loader_problem(loader, node, "when: %.*s is no earlier field",
                                          BF_SLICE_ARG(when->name));
            }
        }
    }
    return true;
}

static bool check_readings(struct bf__loader *loader, const struct bf__node *map,
                           const struct bf_profile *profile)
{
    const struct bf__node *node = bf__node_get(map, "readings")->first;
    for (size_t i = 0; i < profile->reading_count; i++, node = node->next) {
        const struct bf_path *path = &profile->readings[i].path;
        if (path->count != 1 || path->steps[0].index >= 0 ||
            !is_known(&profile->binary, path->steps[0].name)) {
            return bf__loader_problem(loader, bf__node_get(node, "path"),
                                      "path: no field of `binary` has this name");
        }
    }
    return true;
}

bool bf__profile_binary_check(struct bf__loader *loader, const struct bf__node *map,
                              const struct bf_profile *profile)
{
    const struct bf_profile_binary *binary = &profile->binary;
    const struct bf__node *node = bf__node_get(map, "binary");
    if (node == NULL) {
        return bf__loader_problem(loader, map, "the format binary needs \"binary\": what the bytes are");
    }
    if (binary->repeat_count > 0 && binary->block_count > 0) {
        return bf__loader_problem(loader, node, "binary: either \"repeat\" or \"blocks\"");
    }
    if (binary->times.len > 0 && !is_field(binary->fields, binary->count, binary->times)) {
        return bf__loader_problem(loader, node, "times: no field of the head has this name");
    }
    bool good = check_whens(loader, node, profile, binary->fields, binary->count) &&
                check_whens(loader, node, profile, binary->repeat, binary->repeat_count);
    size_t most = binary->count + binary->repeat_count;
    for (size_t i = 0; good && i < binary->block_count; i++) {
        good = check_whens(loader, node, profile, binary->blocks[i].fields, binary->blocks[i].count);
        most =
            binary->count + binary->blocks[i].count > most ? binary->count + binary->blocks[i].count : most;
    }
    if (good && most > BF_BINARY_FIELDS) {
        return bf__loader_problem(loader, node, "binary: more than %d fields", BF_BINARY_FIELDS);
    }
    return good && check_readings(loader, map, profile);
}
