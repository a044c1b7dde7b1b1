/* tree.c: the walk that finds all paths at once. A payload's foreign keys are the majority
 * (HFP sends twenty, a profile asks for six), so a node first asks a 64-bit filter of its
 * children's names.
 * Declined: a hash table per node: a handful of children compare faster. */
#include "ingest/decode/tree.h"

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
static uint32_t add_node(struct bf_tree *tree, struct bf_slice name, int64_t index)
{
    if (tree->count == tree->capacity) {
        uint32_t capacity = tree->capacity ? tree->capacity * 2 : 16;
        struct bf_tree_node *nodes = realloc(tree->nodes, capacity * sizeof *nodes);
        if (!nodes) {
            return UINT32_MAX;
        }
        tree->nodes = nodes;
        tree->capacity = capacity;
    }
    tree->nodes[tree->count] = (struct bf_tree_node){.name = name, .index = index, .field = BF_NO_FIELD};
    return tree->count++;
}

static uint32_t find_name(const struct bf_tree *tree, const struct bf_tree_node *node, struct bf_slice name)
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

static uint32_t find_index(const struct bf_tree *tree, const struct bf_tree_node *node, int64_t index)
{
    for (uint32_t at = node->child; at != 0; at = tree->nodes[at].next) {
        if (tree->nodes[at].index == index) {
            return at;
        }
    }
    return 0;
}

/* The node of that path, made where it is missing; UINT32_MAX when memory is out. */
static uint32_t node_of(struct bf_tree *tree, const struct bf_path *path)
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

int bf_tree_add(struct bf_tree *tree, const struct bf_path *path, int field)
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

bool bf_tree_list(struct bf_tree *tree, const struct bf_path *path)
{
    uint32_t at = node_of(tree, path);
    if (at == UINT32_MAX) {
        return false;
    }
    tree->nodes[at].list = true;
    return true;
}

void bf_tree_deinit(struct bf_tree *tree)
{
    free(tree->nodes);
    *tree = (struct bf_tree){.nodes = NULL};
}

static void walk_node(const struct bf_tree_walk *walk, const struct bf_tree_node *node);

static inline bool is_leaf(const struct bf_tree_node *node)
{
    return node->child == 0 && !node->list;
}

/* The value of a member or item: `child` wants it, or 0. */
static inline void walk_child(const struct bf_tree_walk *walk, uint32_t child)
{
    struct bf_reader *reader = walk->reader;
    const struct bf_tree_node *node = &walk->tree->nodes[child];
    if (child == 0 || walk->seen[child]) {
        reader->kind->skip_value(reader);
        return;
    }
    walk->seen[child] = true;
    if (is_leaf(node)) { /* nearly always; every leaf is a field */
        reader->kind->field(reader, &walk->fields[node->field]);
    } else {
        walk_node(walk, node);
    }
}

static void walk_map(const struct bf_tree_walk *walk, const struct bf_tree_node *node)
{
    const struct bf_reader_kind *kind = walk->reader->kind;
    struct bf_reader_level level;
    struct bf_json_text key;
    if (kind->enter(walk->reader, &level)) {
        while (kind->key(walk->reader, &level, &key)) {
            walk_child(walk, find_name(walk->tree, node, bf_reader_name(walk->reader, key)));
        }
    }
}

static void walk_list(const struct bf_tree_walk *walk, const struct bf_tree_node *node)
{
    const struct bf_reader_kind *kind = walk->reader->kind;
    struct bf_reader_level level;
    if (kind->enter(walk->reader, &level)) {
        for (int64_t index = 0; kind->item(walk->reader, &level); index++) {
            walk_child(walk, find_index(walk->tree, node, index));
        }
    }
}

static void walk_children(const struct bf_tree_walk *walk, const struct bf_tree_node *node, bool map)
{
    if (map) {
        walk_map(walk, node);
    } else {
        walk_list(walk, node);
    }
}

/* Paths into single items ($.e[0].sv) are found by reading the list twice. */
static void walk_both(const struct bf_tree_walk *walk, const struct bf_tree_node *node, bool map)
{
    const struct bf_reader begin = *walk->reader;
    walk_children(walk, node, map);
    if (walk->reader->kind->good(walk->reader)) {
        *walk->reader = begin;
        walk->list(walk->context);
    }
}

static void walk_node(const struct bf_tree_walk *walk, const struct bf_tree_node *node)
{
    struct bf_field ignored;
    struct bf_reader *reader = walk->reader;
    struct bf_field *field = node->field == BF_NO_FIELD ? &ignored : &walk->fields[node->field];
    enum bf_reader_type type = is_leaf(node) ? BF_READER_VALUE : reader->kind->peek(reader);
    if (type == BF_READER_VALUE) {
        reader->kind->field(reader, field);
        return;
    }
    field->kind = BF_FIELD_OTHER;
    if (!node->list) {
        walk_children(walk, node, type == BF_READER_MAP);
    } else if (node->child) {
        walk_both(walk, node, type == BF_READER_MAP);
    } else {
        walk->list(walk->context);
    }
}

void bf_tree_walk(const struct bf_tree_walk *walk)
{
    if (walk->tree->count == 0) {
        walk->reader->kind->skip_value(walk->reader);
    } else {
        walk_node(walk, &walk->tree->nodes[0]);
    }
}
