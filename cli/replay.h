/* replay.h: the two things that `belfry replay` plays: a capture of MQTT messages (a file), and a part of
 * belfry.readings (TOPIC@FROM..TO). The argument's form says which.
 * Thread: main. */
#ifndef BF_CLI_REPLAY_H
#define BF_CLI_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"

struct bf_replay {
    const char *what, *config;
    bool json;
    /* a capture */
    const char *topic;
    double speed;
    int64_t length_us; /* of real time; 0: to the end of the file */
    /* a log */
    const char *site, *name, *into;
    bool compare;
    uint64_t threads, windows, show;
};

enum bf_status bf_replay_capture(const struct bf_replay *replay, struct bf_err *err) BF_MUST_CHECK;
/* *same: nothing was compared, or nothing differs. */
enum bf_status bf_replay_log(const struct bf_replay *replay, bool *same, struct bf_err *err) BF_MUST_CHECK;

#endif
