/* show.h: what the option tables know, for people: the effective values of belfry.yaml with where each
 * comes from, and the reference of all options (docs/CONFIGURATION.md).
 * Thread: any. */
#ifndef BF_CONFIG_SHOW_H
#define BF_CONFIG_SHOW_H

#include <stdio.h>

#include "config/city.h"
#include "config/site.h"

struct bf_config_value {
    const char *key;    /* "mqtt.keep_alive" */
    const char *value;  /* as one would write it; "***" for a secret; "" where there is none */
    const char *origin; /* "default", "belfry.yaml:3:9", "environment, belfry.yaml:3:9" */
};
typedef void (*bf_config_visit)(void *context, const struct bf_config_value *value);

/* Every option of belfry.yaml in the order of its tables. CONFIG where the file is wrong. What visit is
 * given is gone afterwards. */
enum bf_status bf_site_show(const char *path, bf_config_visit visit, void *context,
                            struct bf_err *err) BF_MUST_CHECK;

/* belfry.yaml with all its problems, for `belfry check`: *site is NULL where there are any. The problems are
 * malloc'ed; the caller frees. Not even readable: one problem says so. */
void bf_site_inspect(const char *path, struct bf_site **site, struct bf_problem **problems, size_t *count);

/* Markdown, generated from the tables. */
void bf_config_reference(FILE *out);

#endif
