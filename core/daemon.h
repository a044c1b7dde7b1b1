/* daemon.h: the loop that all daemons share: arguments, signals, readiness, exit codes.
 *
 * A daemon is a value, so its main.c is a dozen lines. bf_daemon_run parses --config FILE, --log-json,
 * --log-level, --version and --help; installs TERM, INT, HUP, USR1 and ignores PIPE; calls open once, then
 * step until a signal or a failure, then close. sd_notify: READY=1 at the first healthy report, STATUS=
 * with the words of health.h, RELOADING=1, STOPPING=1, WATCHDOG=1.
 * The first TERM or INT ends the loop after the current step. One that comes more than a second later ends
 * the process at once (a terminal and a supervisor that both say it mean it once). An end that takes longer
 * than stop_max_s (a library that waits for a peer that has gone) is cut off, with the same exit code.
 * Exit codes: 0 stopped by a signal, 1 failed, 2 usage, 69 a peer was given up at start,
 * 78 configuration, 130 interrupted.
 * Declined: libsystemd (a datagram to a socket needs no library), forking into the background (a
 * supervisor wants the process it started).
 * Owner: main.   Thread: main.   Limits: one per process at a time. */
#ifndef BF_CORE_DAEMON_H
#define BF_CORE_DAEMON_H

#include <stdbool.h>

#include "core/counters.h"
#include "core/err.h"
#include "core/health.h"

#define BF_STOP_MAX_S 20

#define BF_EXIT_OK 0
#define BF_EXIT_FAILED 1
#define BF_EXIT_USAGE 2
#define BF_EXIT_UNAVAILABLE 69
#define BF_EXIT_CONFIG 78
#define BF_EXIT_INTERRUPTED 130

struct bf_daemon_context {
    const char *config_path; /* --config, default /etc/belfry/belfry.yaml */
    struct bf_counters *counters;
    struct bf_health *health;
};

struct bf_daemon {
    const char *name;    /* "belfry-ingest" */
    const char *summary; /* one sentence for --help */
    /* Reads the configuration, connects, allocates. *self is the daemon's own. */
    enum bf_status (*open)(struct bf_daemon_context *context, void **self, struct bf_err *err);
    /* One turn of at most about 100 ms. OK and AGAIN: call again. Anything else ends the process. */
    enum bf_status (*step)(void *self, struct bf_err *err);
    /* SIGHUP (re-read certificates and secrets); NULL: nothing to do. */
    void (*hangup)(void *self);
    /* SIGUSR1: dump state to the log; NULL: nothing to do. */
    void (*dump)(void *self);
    /* Stops in a bounded time; the last chance to checkpoint and commit. self is gone afterwards. */
    void (*close)(void *self);
    unsigned stop_max_s; /* from the signal or the failure on; 0: BF_STOP_MAX_S */
};

/* True once TERM or INT has come: for the waiting loops of `open`. */
bool bf_daemon_stopping(void);

int bf_daemon_run(const struct bf_daemon *daemon, int argc, char **argv);
/* The exit code for a status that ended a command or a daemon. */
int bf_exit_code(enum bf_status status);

#endif
