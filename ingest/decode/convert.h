/* convert.h: from the unit that a device sends to the unit that a reading has.
 * Thread: any.   Errors: it answers. */
#ifndef BF_DECODE_CONVERT_H
#define BF_DECODE_CONVERT_H

#include "config/city.h"

struct bf_conversion { /* value * scale + offset */
    double scale, offset;
    struct bf_slice from, to; /* from: empty where the device sends `to` */
    bool guessed;             /* what was sent cannot be meant: the profile's unit is taken instead */
};

/* `sent` is the unit in the payload (empty: none). The profile's own `from` and `scale` come
 * before it. strict (SenML, where the unit belongs to the value): false where it is unknown or of
 * another dimension. */
bool bf_conversion_find(const struct bf_profile_reading *what, struct bf_slice sent, bool strict,
                        struct bf_conversion *conversion);

#endif
