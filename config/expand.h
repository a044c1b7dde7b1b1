/* expand.h: ${VAR}, ${VAR:-default} and ${VAR:?message} inside one scalar; $${ is a plain ${.
 * Expanded after parsing, so a value of the environment cannot add keys or change a structure.
 * `:-` and `:?` also hold for an empty variable, as in a shell. ${VAR} of a variable that is not set is an
 * error: an empty text in its place would be found much later.
 * Thread: as getenv. */
#ifndef BF_CONFIG_EXPAND_H
#define BF_CONFIG_EXPAND_H

#include <stdbool.h>

#include "config/pool.h"

/* *changed: there was something to expand. False with a sentence in `why` (borrowed from the pool). */
bool bf__expand(struct bf__pool *pool, struct bf_slice text, struct bf_slice *expanded, bool *changed,
                const char **why);

#endif
