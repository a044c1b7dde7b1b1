/* zone_file.h: a city's time zone as a file of its bundle (timezone.tzif), so that the same log gives the
 * same days whatever tzdata a host has: taken from /usr/share/zoneinfo when a folder is read, unless the
 * folder has one.   Thread: the loader's. */
#ifndef BF_CONFIG_ZONE_FILE_H
#define BF_CONFIG_ZONE_FILE_H

#include "config/option.h"

#define BF__ZONE_FILE "timezone.tzif"

/* UTC needs no file. */
bool bf__zone_is_utc(struct bf_slice name);
/* The TZif bytes of that IANA name, in the loader's pool. False: the problem is added, at `node`. */
bool bf__zone_read(struct bf__loader *loader, const struct bf__node *node, struct bf_slice *bytes);

#endif
