/* profile_secret.h: `secret:` of a profile: levels of the topic that are credentials.
 * Thread: the loader's. */
#ifndef BF_CONFIG_PROFILE_SECRET_H
#define BF_CONFIG_PROFILE_SECRET_H

#include "config/city.h"
#include "config/option.h"

extern const struct bf__option_type bf__type_secret_levels; /* the struct bf_profile itself */

/* No template may say what is secret. False: the problem is added. */
bool bf__profile_secret_check(struct bf__loader *loader, const struct bf__node *map,
                              const struct bf_profile *profile);

#endif
