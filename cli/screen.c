/* screen.c: see screen.h. Declined: terminfo: these sequences are what every terminal of the last forty years
 * takes (ECMA-48). */
#include "cli/screen.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_terminal(FILE *out)
{
    const char *kind = getenv("TERM");
    return isatty(fileno(out)) && !(kind != NULL && strcmp(kind, "dumb") == 0);
}

bool bf_screen_colours(FILE *out)
{
    const char *unwanted = getenv("NO_COLOR");
    return is_terminal(out) && !(unwanted != NULL && unwanted[0] != '\0');
}

const char *bf_screen_ink(bool colours, enum bf_ink ink)
{
    static const char *const inks[] = {
        [BF_INK_PLAIN] = "\x1b[0m", [BF_INK_BOLD] = "\x1b[1m",   [BF_INK_FAINT] = "\x1b[2m",
        [BF_INK_RED] = "\x1b[31m",  [BF_INK_GREEN] = "\x1b[32m", [BF_INK_YELLOW] = "\x1b[33m"};
    return colours ? inks[ink] : "";
}

void bf_screen_clear(FILE *out)
{
    if (is_terminal(out)) {
        fputs("\x1b[H\x1b[2J", out);
    }
}
