/* setting.h: what most commands begin with: the installation's settings and the city's files.
 * Owner: the caller, bf_setting_unload.   Thread: main. */
#ifndef BF_CLI_SETTING_H
#define BF_CLI_SETTING_H

#include "config/city.h"
#include "config/site.h"

struct bf_setting {
    struct bf_site *site;
    struct bf_city *city; /* NULL unless asked for */
};

/* given NULL: $BELFRY_CONFIG, else /etc/belfry/belfry.yaml. */
const char *bf_setting_path(const char *given);
/* path: as above. */
enum bf_status bf_setting_load(const char *path, bool with_city, struct bf_setting *setting,
                               struct bf_err *err) BF_MUST_CHECK;
void bf_setting_unload(struct bf_setting *setting);
/* Prints "belfry COMMAND: message (detail). hint" on standard error and returns the exit code. */
int bf_setting_fail(const char *command, const struct bf_err *err);
/* How long after its last event time every window of the city is final: the longest window and its delay, and
 * two turns of emission, in microseconds. */
int64_t bf_setting_tail(const struct bf_city *city);

#endif
