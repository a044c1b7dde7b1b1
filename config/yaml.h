/* yaml.h: a YAML text as a tree in which every node knows where it stands. The strict subset that a
 * configuration needs: one document of maps, lists and scalars; no anchors, aliases, tags or merge keys,
 * no key twice. What a scalar means (a number, a duration) is decided by the option that it is given to
 * (option.h), never by its looks, so `no` is no boolean and `1e3` no accident. JSON is YAML, so GeoJSON is
 * read by the same code and has positions too.
 *
 * Owner: the pool's; the tree does not point into `bytes`.   Thread: the owner's.
 * Limits: 16 MiB per text, 2,000,000 nodes, 32 deep, 1,000 keys per map, 64 KiB per scalar. */
#ifndef BF_CONFIG_YAML_H
#define BF_CONFIG_YAML_H

#include <stdbool.h>
#include <stddef.h>

#include "config/pool.h"
#include "config/problem.h"

#define BF__YAML_BYTES (16u << 20)
#define BF__YAML_NODES 2000000u
#define BF__YAML_DEPTH 32u
#define BF__YAML_KEYS 1000u
#define BF__YAML_SCALAR (64u << 10)

enum bf__node_kind { BF__NODE_SCALAR, BF__NODE_LIST, BF__NODE_MAP };

struct bf__node {
    enum bf__node_kind kind;
    int line, column;        /* from 1; 0: not from a file (a default) */
    bool quoted;             /* a scalar in quotes or a block */
    bool expanded;           /* held a ${VAR} */
    struct bf_slice text;    /* of a scalar, ${VAR} replaced; NUL-terminated */
    struct bf__node *key;    /* of an entry of a map */
    struct bf__node *first, *next;
    size_t count;            /* of children */
    size_t begin, end;       /* bytes of a scalar in the text */
};

struct bf__document {
    const char *name; /* of the file, as messages say it */
    struct bf__node *root;
};

enum bf__yaml_variables {
    BF__YAML_EXPAND, /* replace ${VAR} in scalars (not in keys) */
    BF__YAML_KEEP    /* leave them: the text was expanded when it was bundled */
};

struct bf__yaml_source {
    const char *name; /* of the file, as messages say it */
    struct bf_slice bytes;
    enum bf__yaml_variables variables;
    enum bf__severity severity; /* of what is wrong with it */
};

/* False where there were problems, which are added to `problems`. An empty text is an empty map. */
bool bf__yaml_parse(struct bf__pool *pool, const struct bf__yaml_source *source,
                    struct bf__document *document, struct bf__problems *problems);

/* The value of a key of a map, or NULL. */
const struct bf__node *bf__node_get(const struct bf__node *map, const char *key);
/* "text", "a list", "a map", "nothing": for messages. */
const char *bf__node_kind_name(const struct bf__node *node);

#endif
