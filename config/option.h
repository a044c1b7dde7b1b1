/* option.h: a section of the configuration is a table of options; one loader walks every table, and the
 * same tables print `belfry config show` and docs/CONFIGURATION.md.
 * Declined: a branch per key, where each forgets its own check.
 *
 * Thread: the tables are constants; a loader is its owner's. */
#ifndef BF_CONFIG_OPTION_H
#define BF_CONFIG_OPTION_H

#include <stdbool.h>
#include <stddef.h>

#include "config/yaml.h"

struct bf__option;
struct bf__loader;

/* A type of value. Types of one section only are static in its file. */
struct bf__option_type {
    const char *name;    /* "duration", in the reference */
    const char *expects; /* "a duration such as 250ms, 5s or 48h": "expected …" in messages */
    /* Writes base + option->offset (and option->count). False: the problem is already added. */
    bool (*parse)(struct bf__loader *loader, const struct bf__option *option, const struct bf__node *node,
                  void *base);
    /* How a bound of it is written; NULL: it has no bounds. */
    char *(*format)(double value, char *text, size_t size);
    bool secret; /* its value is never shown */
};

struct bf__option {
    const char *name;
    const struct bf__option_type *type;
    size_t offset;           /* of the field in the section's struct */
    size_t count;            /* lists: offset of the number of elements (size_t) */
    size_t has;              /* offset of a bool that tells whether it was given; 0: none */
    const char *fallback;    /* the default as one would write it; NULL: nothing */
    const char *fallback_note; /* where the default cannot be written: "the file's name" */
    double min, max;         /* both 0: no bounds */
    bool required;
    const char *const *choices;        /* of bf__type_choice, NULL-terminated; the index is stored (int) */
    const struct bf__section *section; /* of bf__type_section and bf__type_list */
    const char *summary;
};

struct bf__section {
    const char *name;
    const struct bf__option *options; /* ends with a row without a name */
    size_t size;                      /* of one element, for lists */
    /* What no single option can tell; runs where all options were good. May be NULL. */
    bool (*check)(struct bf__loader *loader, const struct bf__node *map, void *base);
    const char *summary;
};

struct bf_topic_template;

struct bf__loader {
    struct bf__pool *pool; /* where values live */
    struct bf__problems *problems;
    enum bf__severity severity;
    const char *file;   /* as messages say it */
    const char *folder; /* relative paths start here */
    /* Templates refer to the levels of the topic, which therefore stands above them in its table. */
    const struct bf_topic_template *topic;
    const struct bf_aggregate_kind *const *aggregates;
    void *context; /* the file's own, for the types of one section */
};

/* Fills *base (zeroed by the caller) by the section's table. False where there were problems. */
bool bf__section_load(struct bf__loader *loader, const struct bf__section *section,
                      const struct bf__node *map, void *base);
/* "expected <type>, not <node>" with the option's bounds. Returns false. */
bool bf__option_unexpected(struct bf__loader *loader, const struct bf__option *option,
                           const struct bf__node *node);
/* A problem at a node. Returns false, so that a parser ends with it. */
bool bf__loader_problem(struct bf__loader *loader, const struct bf__node *node, const char *format, ...)
    BF_PRINTF(3, 4);
void bf__loader_warn(struct bf__loader *loader, const struct bf__node *node, const char *format, ...)
    BF_PRINTF(3, 4);

/* ---- types of general use, with the field they fill */
extern const struct bf__option_type bf__type_text;     /* struct bf_slice */
extern const struct bf__option_type bf__type_name;     /* struct bf_slice, [a-z0-9_]+ */
extern const struct bf__option_type bf__type_id;       /* struct bf_slice, printable, at most 64 bytes */
extern const struct bf__option_type bf__type_string;   /* const char * */
extern const struct bf__option_type bf__type_strings;  /* const char *const *, size_t */
extern const struct bf__option_type bf__type_texts;    /* struct bf_slice *, size_t; one text is a list too */
extern const struct bf__option_type bf__type_integer;  /* int */
extern const struct bf__option_type bf__type_count;    /* uint64_t */
extern const struct bf__option_type bf__type_number;   /* double */
extern const struct bf__option_type bf__type_bool;     /* bool */
extern const struct bf__option_type bf__type_duration; /* int64_t, microseconds */
extern const struct bf__option_type bf__type_size;     /* uint64_t, bytes */
extern const struct bf__option_type bf__type_choice;   /* int or an enum, index of choices */
extern const struct bf__option_type bf__type_either;   /* bool: the second of two choices */
extern const struct bf__option_type bf__type_file;     /* const char *, relative to the file */
extern const struct bf__option_type bf__type_secret;   /* const char *, {file: path} */
extern const struct bf__option_type bf__type_section;  /* a struct at offset, or the same struct (offset 0) */
extern const struct bf__option_type bf__type_list;     /* pointer to structs, size_t */

/* The content of {file: path}, its last newline cut. NULL: the problem is added. */
const char *bf__secret_read(struct bf__loader *loader, const struct bf__node *node);
/* An absolute or folder-relative path, in the pool. */
const char *bf__path_resolve(struct bf__loader *loader, struct bf_slice path);

#endif
