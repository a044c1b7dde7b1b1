/* json_text.h: a text as a JSON string, for commands with --json.
 * Declined: a JSON library for output: what commands print is a few flat objects.   Thread: any. */
#ifndef BF_CLI_JSON_TEXT_H
#define BF_CLI_JSON_TEXT_H

#include <stdio.h>

#include "core/slice.h"

/* With its quotes. Bytes that are not UTF-8 are passed on as they are. */
void bf_json_text(FILE *out, struct bf_slice text);

#endif
