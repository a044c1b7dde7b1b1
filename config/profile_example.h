/* profile_example.h: the `examples:` of a profile as a table of options.   Thread: the loader's. */
#ifndef BF_CONFIG_PROFILE_EXAMPLE_H
#define BF_CONFIG_PROFILE_EXAMPLE_H

#include "config/example.h"
#include "config/option.h"

/* loader->topic is the profile's: an example's topic must match it. */
extern const struct bf__section bf__profile_example_section;

#endif
