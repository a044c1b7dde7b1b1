/* profile_reading.h: the `readings:` of a profile: their table, and how units are settled.
 * Thread: the loader's. */
#ifndef BF_CONFIG_PROFILE_READING_H
#define BF_CONFIG_PROFILE_READING_H

#include "config/city.h"
#include "config/option.h"

/* loader->context is the struct bf_profile, whose format and `each` are already known. */
extern const struct bf__section bf__profile_reading_section;

#endif
