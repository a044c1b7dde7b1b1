/* infer.h: proposes a profile from messages: topic template, format, device, time, place, and the fields
 * that are measurements, with guesses of quantity and unit. A person names it and looks at every line.
 * Thread: one.   Limits: BF_INFER_LEVELS levels, BF_INFER_FIELDS readings, BF_INFER_KEYS keys.
 * Errors: CONFIG where the messages are of no form that it knows. */
#ifndef BF_CLI_INFER_H
#define BF_CLI_INFER_H

#include <stdio.h>

#include "cli/guess.h"
#include "cli/leaf.h"
#include "cli/sample.h"

#define BF_INFER_LEVELS 24
#define BF_INFER_FIELDS 64
#define BF_INFER_KEYS 32
#define BF_INFER_VALUES 64

struct bf_infer_level {
    char values[BF_INFER_VALUES][64]; /* the first different ones */
    size_t count;
    bool many, device;
};

struct bf_infer_field {
    const struct bf_leaf *leaf;
    struct bf_guess guess; /* quantity NULL: by its own name, without a unit */
    char quantity[64], channel[64];
};

struct bf_proposal {
    const struct bf_sample *sample;
    struct bf_infer_level levels[BF_INFER_LEVELS];
    size_t fixed; /* levels that the template names */
    bool rest;    /* # behind them */
    enum bf_leaf_form form;
    char keys[BF_INFER_KEYS][64];
    size_t key_count;
    struct bf_leaves leaves;
    const struct bf_leaf *device, *time, *lat, *lon; /* device NULL: a level of the topic */
    enum bf_leaf_time time_unit;
    struct bf_infer_field fields[BF_INFER_FIELDS];
    size_t field_count;
};

/* Owner: the caller, bf_infer_clear. */
enum bf_status bf_infer(const struct bf_sample *sample, struct bf_proposal *proposal,
                        struct bf_err *err) BF_MUST_CHECK;
void bf_infer_clear(struct bf_proposal *proposal);
/* As YAML with a comment where something was guessed. */
void bf_infer_write(const struct bf_proposal *proposal, const char *name, const char *network, FILE *out);

#endif
