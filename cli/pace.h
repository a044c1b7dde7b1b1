/* pace.h: when the next message of a replay or a simulation is due, and whether the person at the keyboard
 * wants to stop.
 * Owner: the caller (a value).   Thread: main.   Limits: one at a time (it owns INT and TERM). */
#ifndef BF_CLI_PACE_H
#define BF_CLI_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "core/slice.h"

struct bf_pace {
    double speed;       /* 1: as it was; 10: ten times as fast; 0: as fast as the broker takes it */
    int64_t first_us;   /* log time of the first message */
    int64_t started_us; /* monotonic */
};

/* "1", "10x", "0.5x", "max". CONFIG for anything else. */
enum bf_status bf_pace_parse(struct bf_slice text, double *speed, struct bf_err *err) BF_MUST_CHECK;
/* Begins at log time first_us; from here INT and TERM only set the flag below. */
void bf_pace_start(struct bf_pace *pace, double speed, int64_t first_us);
/* Waits until a message of log time due_us may go. False: a signal came. */
bool bf_pace_wait(const struct bf_pace *pace, int64_t due_us);
/* The log time that has been reached. */
int64_t bf_pace_now(const struct bf_pace *pace);
bool bf_pace_stopped(void);
/* Waits that long unless a signal comes; false: it came. */
bool bf_pace_idle(int milliseconds);

#endif
