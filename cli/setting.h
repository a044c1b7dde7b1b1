/* setting.h: what most commands begin with: the installation's settings and the city's files.
 * Owner: the caller, bf_setting_unload.   Thread: main. */
#ifndef BF_CLI_SETTING_H
#define BF_CLI_SETTING_H

#include "config/city.h"
#include "config/site.h"
#include "ingest/decode/pipeline.h"

struct bf_setting {
    struct bf_site *site; /* NULL where bf_setting_find was given a city's folder */
    struct bf_city *city; /* NULL unless asked for */
    char folder[1024];    /* of the city */
    char only[256];       /* bf_setting_find: the profile's file that was given, "profiles/air.yaml"; or "" */
};

/* given NULL: $BELFRY_CONFIG, else /etc/belfry/belfry.yaml. */
const char *bf_setting_path(const char *given);
/* path: as above. */
enum bf_status bf_setting_load(const char *path, bool with_city, struct bf_setting *setting,
                               struct bf_err *err) BF_MUST_CHECK;
/* The city that a path names: of a belfry.yaml, of a folder with one, a city's folder, or that of one of its
 * profiles. NULL: bf_setting_path's. */
enum bf_status bf_setting_find(const char *path, struct bf_setting *setting,
                               struct bf_err *err) BF_MUST_CHECK;
/* The profile of that name: "airbox", or "airbox@2". CONFIG with the nearest name. */
enum bf_status bf_setting_profile(const struct bf_city *city, const char *name,
                                  const struct bf_profile **profile, struct bf_err *err) BF_MUST_CHECK;
/* As belfry-ingest decodes; site NULL: with the defaults. */
struct bf_pipeline_limits bf_setting_limits(const struct bf_site *site);
void bf_setting_unload(struct bf_setting *setting);
/* Prints "belfry COMMAND: message (detail). hint" on standard error and returns the exit code. */
int bf_setting_fail(const char *command, const struct bf_err *err);
/* How long after its last event time every window of the city is final: the longest window and its delay, and
 * two turns of emission, in microseconds. */
int64_t bf_setting_tail(const struct bf_city *city);

#endif
