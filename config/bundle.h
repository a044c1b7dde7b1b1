/* bundle.h: a whole configuration as bytes: the files of a city folder, in a canonical order, and the
 * form in which they travel through belfry.config (chunks of at most 900,000 bytes).
 * Owner: creator.   Thread: read-only after it is made.
 * Limits: 4,096 files, 64 MiB together. */
#ifndef BF_CONFIG_BUNDLE_H
#define BF_CONFIG_BUNDLE_H

#include <stddef.h>

#include "core/err.h"
#include "core/slice.h"

struct bf_bundle_file { struct bf_slice name; /* "kpis/air.yaml" */ struct bf_slice bytes; };

struct bf_bundle {
    struct bf_bundle_file *files; /* ascending by name */
    size_t count;
    char hash[65]; /* SHA-256 over the packed form */
};

/* city.yaml, profiles, kpis and boards (.yaml), zones (.geojson) under `folder`, and timezone.tzif: the
 * folder's own, or this host's for the zone that city.yaml names (UTC needs none). CONFIG where a file cannot
 * be read, city.yaml is missing or its zone unknown. ${VAR} is expanded here, so the log holds what was
 * meant. */
enum bf_status bf_bundle_read(const char *folder, struct bf_bundle **bundle,
                              struct bf_err *err) BF_MUST_CHECK;
/* The packed form: a msgpack map name -> bytes. *bytes is malloc'ed; the caller frees. */
enum bf_status bf_bundle_pack(const struct bf_bundle *bundle, struct bf_slice *bytes,
                              struct bf_err *err) BF_MUST_CHECK;
enum bf_status bf_bundle_unpack(struct bf_slice bytes, struct bf_bundle **bundle,
                                struct bf_err *err) BF_MUST_CHECK;
void bf_bundle_destroy(struct bf_bundle *bundle);

#endif
