/* guess.h: what a field may be, by its name and the range of its values (guess.def).
 * Declined: learning from data: a table can be read, and mended in a line.   Thread: any. */
#ifndef BF_CLI_GUESS_H
#define BF_CLI_GUESS_H

#include "core/slice.h"

struct bf_guess {
    const char *quantity, *unit;
    double least, most; /* what can be true */
    int confidence;     /* per cent */
};

/* False: nobody knows that name, or values from low to high do not fit what it says. */
bool bf_guess_field(struct bf_slice name, double low, double high, struct bf_guess *guess);

enum bf_guess_role {
    BF_ROLE_DEVICE,
    BF_ROLE_DEVICE_WEAK,
    BF_ROLE_TIME,
    BF_ROLE_LAT,
    BF_ROLE_LON,
    BF_ROLE_ID
};
/* Whether a field of that name is usually this. ID: it numbers something, so its value is no measurement. */
bool bf_guess_is(enum bf_guess_role role, struct bf_slice name);

/* Whether it ends as names of numbers do that are no measurements: "signal-groupid". */
bool bf_guess_numbers(struct bf_slice name);

/* "Air Quality-1" -> "air_quality_1"; returns text. */
char *bf_guess_code(struct bf_slice name, char *text, size_t size);

#endif
