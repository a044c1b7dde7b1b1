/* document.h: from a file on disk to bytes, and from a site or city to what prints it.
 * Thread: any. */
#ifndef BF_CONFIG_DOCUMENT_H
#define BF_CONFIG_DOCUMENT_H

#include "config/option.h"

/* The whole file, in the pool. False with the reason in `why` (a static text or strerror's). */
bool bf__file_read(struct bf__pool *pool, const char *path, size_t limit, struct bf_slice *bytes,
                   const char **why);

/* The top section of each kind of file: what the loaders walk and the reference prints. */
extern const struct bf__section bf__site_section;
extern const struct bf__section bf__city_section;
extern const struct bf__section bf__profile_section;
extern const struct bf__section bf__kpis_section;
extern const struct bf__section bf__boards_section;

#endif
