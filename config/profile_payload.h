/* profile_payload.h: the part of a profile that says how its payload is made: the formats, `each`, `inner`,
 * and what does not go together.
 * Thread: the loader's. */
#ifndef BF_CONFIG_PROFILE_PAYLOAD_H
#define BF_CONFIG_PROFILE_PAYLOAD_H

#include "config/city.h"
#include "config/option.h"

extern const char *const bf__profile_formats[];     /* as enum bf_format */
extern const struct bf__option_type bf__type_wraps; /* struct bf_wraps */
extern const struct bf__section bf__profile_csv_section, bf__profile_each_section,
    bf__profile_inner_section; /* of struct bf_profile */

/* The format that the readings are in. */
enum bf_format bf__profile_format(const struct bf_profile *profile);
/* False: the problem is added. */
bool bf__profile_payload_check(struct bf__loader *loader, const struct bf__node *map,
                               const struct bf_profile *profile);

#endif
