/* progress.h: how far a long command is: a bar that is written over on a terminal, a plain line now and then
 * elsewhere. On standard error, so that standard output stays what was asked for.
 * Owner: the caller (a value).   Thread: one. */
#ifndef BF_CLI_PROGRESS_H
#define BF_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct bf_progress {
    FILE *out;
    bool terminal, drawn;
    int64_t started_us, said_us; /* monotonic */
};

void bf_progress_start(struct bf_progress *progress, FILE *out);
/* share: 0 to 1; count: of what has been done ("readings"). Says something only when it is time to. */
void bf_progress_show(struct bf_progress *progress, double share, uint64_t count, const char *unit);
/* Leaves the terminal clean. */
void bf_progress_end(struct bf_progress *progress);
/* The line itself, at most 79 columns; returns text. */
char *bf_progress_format(double share, uint64_t count, const char *unit, int64_t passed_us, bool bar,
                         char *text, size_t size);

#endif
