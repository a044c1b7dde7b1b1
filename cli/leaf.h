/* leaf.h: what the values at one place of many JSON payloads look like: how often, of which type, from
 * where to where, and whether they could be times.
 * Owner: the caller (a value; begin with zeroes).   Thread: one.
 * Limits: BF_LEAVES places, BF_LEAF_VALUES different values of each; what is beyond is left out. */
#ifndef BF_CLI_LEAF_H
#define BF_CLI_LEAF_H

#include <stdint.h>

#include "core/arena.h"
#include "core/err.h"
#include "ingest/decode/field.h"

#define BF_LEAVES 512
#define BF_LEAF_PATH 200
#define BF_LEAF_VALUES 24
#define BF_LEAF_VALUE 48

enum bf_leaf_time { BF_LEAF_S, BF_LEAF_MS, BF_LEAF_US, BF_LEAF_RFC3339, BF_LEAF_TIMES };

struct bf_leaf {
    char path[BF_LEAF_PATH]; /* "$.data[0].v"; of an item: its name */
    char name[64];           /* the last step; of "$.e[2].v" in a list of items: the item's name */
    bool item;               /* of the list that `each` describes */
    bool of_item;            /* a path into one item of that list */
    uint64_t seen, numbers, integers, texts, bools; /* numbers: also in quotes */
    double low, high, last;
    uint64_t falls;
    char values[BF_LEAF_VALUES][BF_LEAF_VALUE];
    size_t value_count;
    bool many;                     /* more than these */
    uint64_t times[BF_LEAF_TIMES]; /* could be one of the years 2000 to 2100 */
    uint64_t near[BF_LEAF_TIMES];  /* within a day of when the message came */
};

/* A list of items with names: [{"n": "temperature", "v": 21}]. */
struct bf_leaf_each {
    char path[BF_LEAF_PATH], name[32], value[32], unit[32]; /* unit: may be empty */
    uint64_t seen;                                          /* items like that */
};

struct bf_leaves {
    struct bf_leaf *list;
    size_t count;
    struct bf_leaf_each each; /* path empty: there is none */
};

/* What a payload is: bare, {"KEY": {...}} or SenML. */
enum bf_leaf_form { BF_FORM_OTHER, BF_FORM_OBJECT, BF_FORM_KEYED, BF_FORM_SENML };

void bf_leaves_clear(struct bf_leaves *leaves);
/* Looks at the payload's form; KEYED: the key. */
enum bf_leaf_form bf_leaves_form(struct bf_slice payload, struct bf_slice *key);
/* Finds the lists of items; afterwards bf_leaves_add counts by their items. */
void bf_leaves_look_for_each(struct bf_leaves *leaves, struct bf_slice payload, bool keyed);
/* Adds all values of a payload. keyed: paths start inside of its one key. */
enum bf_status bf_leaves_add(struct bf_leaves *leaves, struct bf_slice payload, bool keyed, int64_t at_us,
                             struct bf_arena *arena, struct bf_err *err) BF_MUST_CHECK;

#endif
