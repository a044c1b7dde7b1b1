/* profile_binary.h: `binary:` of a profile: fields of bytes and bits, repeats and typed blocks.
 * Thread: the loader's. */
#ifndef BF_CONFIG_PROFILE_BINARY_H
#define BF_CONFIG_PROFILE_BINARY_H

#include "config/city.h"
#include "config/option.h"

extern const struct bf__section bf__profile_binary_section; /* of struct bf_profile */

/* What only the whole profile can tell: that names are those of fields. False: the problem is added. */
bool bf__profile_binary_check(struct bf__loader *loader, const struct bf__node *map,
                              const struct bf_profile *profile);

#endif
