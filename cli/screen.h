/* screen.h: what a terminal may be given: colours and a cleared screen, and neither where the output is none,
 * or its owner does not want it (NO_COLOR, TERM=dumb).
 * Thread: main. */
#ifndef BF_CLI_SCREEN_H
#define BF_CLI_SCREEN_H

#include <stdbool.h>
#include <stdio.h>

/* An SGR sequence, or "" where there are no colours. */
enum bf_ink { BF_INK_PLAIN, BF_INK_BOLD, BF_INK_FAINT, BF_INK_RED, BF_INK_GREEN, BF_INK_YELLOW };

/* Whether the stream is a terminal that takes colours. */
bool bf_screen_colours(FILE *out);
const char *bf_screen_ink(bool colours, enum bf_ink ink);
/* Nothing where the stream is no terminal. */
void bf_screen_clear(FILE *out);

#endif
