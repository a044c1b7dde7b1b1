/* daemon.h: the loop that all daemons share: arguments, signals, readiness, exit codes.
 *
 * A daemon is a value, so its main.c is a dozen lines. bf_daemon_run parses --config FILE, --log-json,
 * --log-level, --version and --help; installs TERM, INT, HUP, USR1; calls open once, then step until a
 * signal or a failure, then close. sd_notify: READY=1 at the first healthy report, STOPPING=1, WATCHDOG=1.
 * Exit codes: 0 stopped by a signal, 1 failed, 2 usage, 69 a peer cannot be reached at start,
 * 78 configuration, 130 interrupted.
 * Thread: main. */
#ifndef BF_CORE_DAEMON_H
#define BF_CORE_DAEMON_H

#include "core/counters.h"
#include "core/health.h"
#include "core/err.h"

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
};

int bf_daemon_run(const struct bf_daemon *daemon, int argc, char **argv);
/* The exit code for a status that ended a command or a daemon. */
int bf_exit_code(enum bf_status status);

#endif
