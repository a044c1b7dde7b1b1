/* problem.h: what is wrong with a file, as "file:line:column: message". A loader goes on after a problem,
 * so that a person sees all of them at once; the first is the one to fix first.
 * Messages say what was expected and what to do.
 *
 * Owner: creator.   Thread: the owner's.   Limits: 1,000 problems; what comes after is only counted. */
#ifndef BF_CONFIG_PROBLEM_H
#define BF_CONFIG_PROBLEM_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"

#define BF__PROBLEMS_MAX 1000u
#define BF__PROBLEM_TEXT 512u

enum bf__severity {
    BF__WARNING, /* it works, but perhaps not as meant */
    BF__DISABLED,/* a profile is switched off because of it */
    BF__FATAL    /* start or reload is refused */
};

struct bf__problem {
    enum bf__severity severity;
    char text[BF__PROBLEM_TEXT];
};

struct bf__problems {
    struct bf__problem *list; /* grows; bf__problems_deinit frees */
    size_t count, room;
    size_t count_of[BF__FATAL + 1];
};

void bf__problems_deinit(struct bf__problems *problems);
/* line 0: of the file as a whole ("file: message"). */
void bf__problem_add(struct bf__problems *problems, enum bf__severity severity, const char *file, int line,
                     int column, const char *format, ...) BF_PRINTF(6, 7);
/* A problem whose text is made already. */
void bf__problem_keep(struct bf__problems *problems, enum bf__severity severity, const char *text);
/* The first problem of at least that severity as the error's message, the others as its detail (as many
 * as fit). Returns CONFIG; OK where there is none. */
enum bf_status bf__problems_err(const struct bf__problems *problems, enum bf__severity at_least,
                                struct bf_err *err) BF_MUST_CHECK;

#endif
