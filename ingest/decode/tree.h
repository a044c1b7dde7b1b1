/* tree.h: many paths into a payload, found in one walk over it: paths that share steps share nodes.
 *
 * Owner:  creator (deinit frees).   Thread: read-only after the last add.
 * Limits: none of its own: paths come from the configuration, depth from the reader.
 * Errors: add answers BF_NO_FIELD when memory is out; a walk leaves faults in its reader. */
#ifndef BF_DECODE_TREE_H
#define BF_DECODE_TREE_H

#include "config/city.h"
#include "ingest/decode/reader.h"

struct bf_tree_node {
    struct bf_slice name; /* of this step */
    int64_t index;        /* -1: a name step */
    uint64_t filter;      /* of the children's names: a key whose bit is not set is none of them */
    uint32_t child, next; /* first child, next sibling; 0: none (the root is nobody's child) */
    int field;            /* where its value goes, or BF_NO_FIELD */
    bool list;            /* the map or list whose items are read one by one */
};

struct bf_tree {
    struct bf_tree_node *nodes; /* the first is the root */
    uint32_t count, capacity;
};

struct bf_tree_walk {
    const struct bf_tree *tree;
    struct bf_reader *reader;
    struct bf_field *fields;     /* filled in; what the value lacks stays as it is */
    bool *seen;                  /* one by node, false at first: of duplicate keys the first wins */
    void (*list)(void *context); /* consumes the map or list that the reader stands at */
    void *context;
};

/* Copies nothing: the path must outlive the tree. Returns the field of that path: `field`, or the
 * one that it was added with before. */
int bf_tree_add(struct bf_tree *tree, const struct bf_path *path, int field);
/* Marks the list; false when memory is out. */
bool bf_tree_list(struct bf_tree *tree, const struct bf_path *path);
void bf_tree_deinit(struct bf_tree *tree);
/* Reads one value. */
void bf_tree_walk(const struct bf_tree_walk *walk);

#endif
