/* supervise.h: starts a few programs, starts again what dies (with a growing pause), and ends all of them.
 * Children die with their parent (PR_SET_PDEATHSIG), so a killed supervisor leaves nothing behind.
 * Owner: the caller (a value).   Thread: main.   Limits: BF_CHILDREN_MAX programs. */
#ifndef BF_CLI_SUPERVISE_H
#define BF_CLI_SUPERVISE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/err.h"

#define BF_CHILDREN_MAX 8
#define BF_CHILD_ARGUMENTS 8

struct bf_child {
    const char *name;                          /* for the log */
    const char *program;                       /* path */
    const char *arguments[BF_CHILD_ARGUMENTS]; /* after the program's name; NULL-terminated */
    bool vital;                                /* cannot be started again: its end ends everything */
    int out;                                   /* its standard output goes here; -1: ours */
    pid_t pid;                                 /* 0: not running */
    int64_t started_us, again_us;              /* monotonic */
    uint32_t restarts, pause_ms;
};

struct bf_supervisor {
    struct bf_child children[BF_CHILDREN_MAX];
    size_t count;
};

/* Starts one more; PEER where fork or exec fails. */
enum bf_status bf_supervisor_start(struct bf_supervisor *supervisor, const struct bf_child *child,
                                   struct bf_err *err) BF_MUST_CHECK;
/* Looks after all: reaps, logs, starts again what is due. CONFIG when a child says that the configuration is
 * wrong (exit 78 or 2), FATAL when a vital one is gone. */
enum bf_status bf_supervisor_tend(struct bf_supervisor *supervisor, struct bf_err *err) BF_MUST_CHECK;
/* TERM to all but the vital, then to the vital; KILL to what is left after timeout_ms. */
void bf_supervisor_stop(struct bf_supervisor *supervisor, int timeout_ms);

#endif
