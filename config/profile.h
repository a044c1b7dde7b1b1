/* profile.h: one file of profiles/ -> struct bf_profile. See city.h for what a profile is.
 * Owner: the pool's.   Thread: the loader's. */
#ifndef BF_CONFIG_PROFILE_H
#define BF_CONFIG_PROFILE_H

#include "config/city.h"
#include "config/option.h"

/* Never fails: what is wrong is in the loader's problems, and the profile is then disabled (its name and
 * file are set all the same). loader->file names the file. */
void bf__profile_load(struct bf__loader *loader, const struct bf__node *root, struct bf_profile *profile);

#endif
