/* unit.h: the units that city telemetry comes in: UCUM's case-sensitive codes, their dimension and how
 * to convert within it, and the other names devices use (SenML symbols of RFC 8428 and RFC 8798,
 * UN/CEFACT common codes, free text such as "°C"). The table is units.def.
 * Declined: libudunits2: an XML database and a parser for what is one multiplication and one addition.
 * Not here: A-weighting (UCUM has none: it belongs to the quantity), ppb to ug/m3 (needs a substance and
 * a temperature: `scale:` of the profile).
 * Thread: any. No allocation. */
#ifndef BF_CONFIG_UNIT_H
#define BF_CONFIG_UNIT_H

#include <stdbool.h>

#include "core/slice.h"

struct bf_unit {
    const char *code;      /* canonical, "ug/m3" */
    const char *dimension; /* "concentration"; one text per dimension */
    double scale, offset;  /* base = value * scale + offset */
    const char *aliases;   /* separated by blanks, which stand in no unit's name */
};

/* By code or alias, case-sensitive; NULL where it is unknown. */
const struct bf_unit *bf_unit_find(struct bf_slice text);
/* value_in_to = value_in_from * *scale + *offset. False where the dimensions differ. */
bool bf_unit_convert(const struct bf_unit *from, const struct bf_unit *to, double *scale, double *offset);
/* The two mean the same ("{veh}" and "1"). */
bool bf_unit_same(const struct bf_unit *a, const struct bf_unit *b);
/* A code close to the text, or NULL. */
const char *bf_unit_nearest(const char *text);

#endif
