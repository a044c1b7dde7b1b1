/* json_tree.c: the walk that finds all paths at once. A payload's foreign keys are the majority
 * (HFP sends twenty, a profile asks for six), so a node first asks a 64-bit filter of its
 * children's names.
 * Declined: a hash table per node: a handful of children compare faster. */
#include "ingest/decode/json_tree.h"

#include <stdlib.h>

#include "ingest/decode/plan.h"

static uint64_t filter_bit(struct bf_slice name)
{
    size_t hash = name.len;
    if (name.len > 0) {
        hash = hash * 5 + (unsigned char)name.data[0] * 7u + (unsigned char)name.data[name.len - 1] * 3u;
    }
    return UINT64_C(1) << (hash & 63);
}

/* The index of a new node, or of none (UINT32_MAX). */
static uint32_t add_node(struct bf_json_tree *tree, struct bf_slice name, int64_t index)
{
    if (tree->count == tree->capacity) {
        uint32_t capacity = tree->capacity ? tree->capacity * 2 : 16;
        struct bf_json_node *nodes = realloc(tree->nodes, capacity * sizeof *nodes);
        if (!nodes) {
            return UINT32_MAX;
        }
        tree->nodes = nodes;
        tree->capacity = capacity;
    }
    tree->nodes[tree->count] = (struct bf_json_node){.name = name, .index = index, .field = BF_NO_FIELD};
    return tree->count++;
}

static uint32_t find_name(const struct bf_json_tree *tree, const struct bf_json_node *node,
                          struct bf_slice name)
{
    if ((node->filter & filter_bit(name)) == 0) {
        return 0;
    }
    for (uint32_t at = node->child; at != 0; at = tree->nodes[at].next) {
        if (tree->nodes[at].index < 0 && bf_slice_equal(tree->nodes[at].name, name)) {
            return at;
        }
    }
    return 0;
}

static uint32_t find_index(const struct bf_json_tree *tree, const struct bf_json_node *node, int64_t index)
{
    for (uint32_t at = node->child; at != 0; at = tree->nodes[at].next) {
        if (tree->nodes[at].index == index) {
            return at;
        }
    }
    return 0;
}

/* The node of that path, made where it is missing; UINT32_MAX when memory is out. */
static uint32_t node_of(struct bf_json_tree *tree, const struct bf_path *path)
{
    if (tree->count == 0 && add_node(tree, (struct bf_slice){.len = 0}, -1) == UINT32_MAX) {
        return UINT32_MAX;
    }
    uint32_t at = 0;
    for (size_t i = 0; i < path->count; i++) {
        const struct bf_path_step *step = &path->steps[i];
        uint32_t child = step->index < 0 ? find_name(tree, &tree->nodes[at], step->name)
                                         : find_index(tree, &tree->nodes[at], step->index);
        if (child == 0) {
            child = add_node(tree, step->name, step->index < 0 ? -1 : step->index);
            if (child == UINT32_MAX) {
                return UINT32_MAX;
            }
            tree->nodes[child].next = tree->nodes[at].child;
            tree->nodes[at].child = child;
            tree->nodes[at].filter |= step->index < 0 ? filter_bit(step->name) : 0;
        }
        at = child;
    }
    return at;
}

int bf_json_tree_add(struct bf_json_tree *tree, const struct bf_path *path, int field)
{
    uint32_t at = node_of(tree, path);
    if (at == UINT32_MAX) {
        return BF_NO_FIELD;
    }
    if (tree->nodes[at].field == BF_NO_FIELD) {
        tree->nodes[at].field = field;
    }
    return tree->nodes[at].field;
}

bool bf_json_tree_each(struct bf_json_tree *tree, const struct bf_path *path)
{
    uint32_t at = node_of(tree, path);
    if (at == UINT32_MAX) {
        return false;
    }
    tree->nodes[at].each = true;
    return true;
}

void bf_json_tree_deinit(struct bf_json_tree *tree)
{
    free(tree->nodes);
    *tree = (struct bf_json_tree){.nodes = NULL};
}

static void walk_node(const struct bf_json_walk *walk, uint32_t at);

/* The value of a member or item: `child` wants it, or 0. */
static void walk_child(const struct bf_json_walk *walk, uint32_t child)
{
    if (child == 0 || walk->seen[child]) {
        bf_json_skip(walk->json);
    } else {
        walk->seen[child] = true;
        walk_node(walk, child);
    }
}

static void walk_object(const struct bf_json_walk *walk, const struct bf_json_node *node)
{
    struct bf_json_text key;
    if (!bf_json_enter(walk->json)) {
        return;
    }
    for (bool first = true; bf_json_key(walk->json, &first, &key);) {
        struct bf_slice name = key.escaped ? bf_json_unescape(walk->json, key, walk->arena) : key.raw;
        walk_child(walk, find_name(walk->tree, node, name));
    }
}

static void walk_array(const struct bf_json_walk *walk, const struct bf_json_node *node)
{
    if (!bf_json_enter(walk->json)) {
        return;
    }
    int64_t index = 0;
    for (bool first = true; bf_json_item(walk->json, &first); index++) {
        walk_child(walk, find_index(walk->tree, node, index));
    }
}

static void walk_node(const struct bf_json_walk *walk, uint32_t at)
{
    struct bf_field ignored;
    const struct bf_json_node *node = &walk->tree->nodes[at];
    struct bf_field *field = node->field == BF_NO_FIELD ? &ignored : &walk->fields[node->field];
    enum bf_json_type type = node->child || node->each ? bf_json_peek(walk->json) : BF_JSON_NOTHING;
    if (type == BF_JSON_ARRAY && node->each) {
        field->kind = BF_FIELD_OTHER;
        if (node->child) { /* paths into single items ($.e[0].sv) are found by reading the array twice */
            struct bf_json begin = *walk->json;
            walk_array(walk, node);
            if (walk->json->fault != BF_JSON_OK) {
                return;
            }
            *walk->json = begin;
        }
        walk->each(walk->context);
    } else if (type == BF_JSON_OBJECT && node->child) {
        field->kind = BF_FIELD_OTHER;
        walk_object(walk, node);
    } else if (type == BF_JSON_ARRAY && node->child) {
        field->kind = BF_FIELD_OTHER;
        walk_array(walk, node);
    } else {
        bf_json_field(walk->json, walk->arena, field);
    }
}

void bf_json_tree_walk(const struct bf_json_walk *walk)
{
    if (walk->tree->count == 0) {
        bf_json_skip(walk->json);
    } else {
        walk_node(walk, 0);
    }
}
