/* trial.h: one example of a profile, run and compared: what must come, against what came.
 * Thread: main.   Errors: CONFIG where its file cannot be read. */
#ifndef BF_CLI_TRIAL_H
#define BF_CLI_TRIAL_H

#include <stdio.h>

#include "cli/catch.h"

struct bf_trial {
    struct bf_catch *catch;
    const char *folder; /* of the city */
    const struct bf_profile *profile;
    const struct bf_example *example;
    /* Gets the difference: lines that begin with ' ' (both), '-' (expected) or '+' (came). */
    FILE *difference;
};

/* *good: as expected; nothing is then written. */
enum bf_status bf_trial_run(const struct bf_trial *trial, bool *good, struct bf_err *err) BF_MUST_CHECK;
/* The whole file ("-": standard input), malloc'ed; at most `limit` bytes. CONFIG. */
enum bf_status bf_trial_read_file(const char *path, size_t limit, char **bytes, size_t *len,
                                  struct bf_err *err) BF_MUST_CHECK;

#endif
