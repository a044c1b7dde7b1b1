/* profile.h: what the sub-commands of `belfry profile` share.   Thread: main. */
#ifndef BF_CLI_PROFILE_H
#define BF_CLI_PROFILE_H

#include <stdint.h>

#include "cli/setting.h"

#define BF_PROFILE_CAPTURES 64

struct bf_profile_command {
    const char *config, *name, *network, *topic,
        *output;       /* output NULL: the usual place; "-": standard output */
    int64_t length_us; /* of listening; 0: captures are read */
    const char *captures[BF_PROFILE_CAPTURES];
    size_t capture_count;
    bool json;
};

enum bf_status bf_profile_infer(const struct bf_profile_command *command, struct bf_err *err) BF_MUST_CHECK;

#endif
