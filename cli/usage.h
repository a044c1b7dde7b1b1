/* usage.h: a command's usage text (cli/command.h) in its parts. It is the one place that knows a command's
 * options; manual pages and completions are made from it, so that they cannot say anything else.
 * Thread: any.   Limits: BF_USAGE_OPTIONS options, BF_USAGE_VERBS verbs. */
#ifndef BF_CLI_USAGE_H
#define BF_CLI_USAGE_H

#include "core/slice.h"

#define BF_USAGE_OPTIONS 32
#define BF_USAGE_VERBS 12

struct bf_usage_option {
    char letter;              /* 0: none */
    struct bf_slice name;     /* "config" */
    struct bf_slice argument; /* "FILE"; empty: none */
    struct bf_slice text;     /* what it does; may go on over lines, indented */
};

struct bf_usage {
    struct bf_slice examples; /* the lines before the first empty one */
    struct bf_usage_option options[BF_USAGE_OPTIONS];
    size_t option_count;
    struct bf_slice verbs[BF_USAGE_VERBS]; /* second words of the examples: list, show */
    size_t verb_count;
};

void bf_usage_read(const char *name, const char *text, struct bf_usage *usage);
/* The next line of *rest without its end; false: there is none. */
bool bf_usage_line(struct bf_slice *rest, struct bf_slice *line);
/* Whether a line of usage begins an option: "  -c, --config FILE   ..." or "      --for DURATION  ...". */
bool bf_usage_is_option(struct bf_slice line, struct bf_usage_option *option);

#endif
