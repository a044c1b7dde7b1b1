/* Why: the small city runs everything on one machine from one command; a process that dies is started again,
 * which is all the promise asks for.
 * Declined: replacing systemd (deploy/systemd has the units); no cgroups, no sockets, no dependencies. */
#include "cli/supervise.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/daemon.h"
#include "core/log.h"
#include "core/time.h"

#define PAUSE_FIRST_MS 200
#define PAUSE_MOST_MS 10000
#define STEADY_US (30 * BF_US_PER_S) /* ran this long: the next pause is short again */

static void become(const struct bf_child *child, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) {
        _exit(BF_EXIT_FAILED); /* the parent went before the line above */
    }
    if (child->out >= 0) {
        dup2(child->out, STDOUT_FILENO);
    }
    /* A group of its own: Ctrl-C reaches the supervisor alone, and it ends the children in order. */
    setpgid(0, 0);
    char *words[BF_CHILD_ARGUMENTS + 2] = {strdup(child->program)};
    for (size_t i = 0; i < BF_CHILD_ARGUMENTS && child->arguments[i]; i++) {
        words[i + 1] = strdup(child->arguments[i]);
    }
    /* The parent's handlers would swallow a TERM that comes before exec; the signals were held since fork. */
    sigset_t none;
    sigemptyset(&none);
    signal(SIGTERM, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execv(child->program, words);
    _exit(127);
}

static enum bf_status spawn(struct bf_child *child, struct bf_err *err)
{
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    pid_t parent = getpid(), pid = fork();
    if (pid != 0) {
        sigprocmask(SIG_SETMASK, &before, NULL);
    }
    if (pid < 0) {
        return bf_err_set(err, BF_PEER, "could not start %s: %s", child->name, strerror(errno));
    }
    if (pid == 0) {
        become(child, parent);
    }
    child->pid = pid;
    child->started_us = bf_time_monotonic_us();
    bf_log(BF_LOG_INFO, "up.started", "name=%s pid=%d restarts=%u", child->name, (int)pid, child->restarts);
    return BF_OK;
}

enum bf_status bf_supervisor_start(struct bf_supervisor *supervisor, const struct bf_child *child,
                                   struct bf_err *err)
{
    assert(supervisor->count < BF_CHILDREN_MAX);
    if (access(child->program, X_OK) != 0) {
        return bf_err_set(err, BF_CONFIG, "could not find the program %s: %s", child->program,
                          strerror(errno));
    }
    struct bf_child *slot = &supervisor->children[supervisor->count++];
    *slot = *child;
    slot->pause_ms = PAUSE_FIRST_MS;
    return spawn(slot, err);
}

/* What the end of a child means for all. */
static enum bf_status note_end(struct bf_child *child, int how, struct bf_err *err)
{
    int64_t now = bf_time_monotonic_us();
    bool steady = now - child->started_us > STEADY_US;
    child->pid = 0;
    child->pause_ms = steady ? PAUSE_FIRST_MS : child->pause_ms;
    child->again_us = now + child->pause_ms * BF_US_PER_MS;
    child->pause_ms = child->pause_ms * 2 > PAUSE_MOST_MS ? PAUSE_MOST_MS : child->pause_ms * 2;
    int code = WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how);
    bf_log(BF_LOG_WARN, "up.ended", "name=%s code=%d again_in_ms=%lld", child->name, code,
           (long long)((child->again_us - now) / BF_US_PER_MS));
    if (code == BF_EXIT_CONFIG || code == BF_EXIT_USAGE || code == 127) {
        return bf_err_set(err, BF_CONFIG, "%s refuses to run (exit %d); its log says why", child->name, code);
    }
    if (child->vital) {
        return bf_err_set(err, BF_FATAL, "%s ended (exit %d) and cannot be started again", child->name, code);
    }
    return BF_OK;
}

enum bf_status bf_supervisor_tend(struct bf_supervisor *supervisor, struct bf_err *err)
{
    for (size_t i = 0; i < supervisor->count; i++) {
        struct bf_child *child = &supervisor->children[i];
        int how = 0;
        enum bf_status status = BF_OK;
        if (child->pid > 0 && waitpid(child->pid, &how, WNOHANG) == child->pid) {
            status = note_end(child, how, err);
        }
        if (child->pid == 0 && status == BF_OK && bf_time_monotonic_us() >= child->again_us) {
            child->restarts++;
            status = spawn(child, err);
        }
        if (status != BF_OK) {
            return status;
        }
    }
    return BF_OK;
}

/* True when it is gone. */
static bool gone(struct bf_child *child, int64_t deadline_us)
{
    while (child->pid > 0 && waitpid(child->pid, NULL, WNOHANG) == 0) {
        if (bf_time_monotonic_us() >= deadline_us) {
            return false;
        }
        ppoll(NULL, 0, &(struct timespec){.tv_nsec = 5000000}, NULL);
    }
    child->pid = 0;
    return true;
}

void bf_supervisor_stop(struct bf_supervisor *supervisor, int timeout_ms)
{
    int64_t deadline = bf_time_monotonic_us() + timeout_ms * BF_US_PER_MS;
    /* The daemons need their Kafka until they are through, so what is vital goes last. */
    for (int vital = 0; vital <= 1; vital++) {
        for (size_t i = supervisor->count; i-- > 0;) {
            struct bf_child *child = &supervisor->children[i];
            if (child->pid > 0 && (int)child->vital == vital) {
                kill(child->pid, SIGTERM);
            }
        }
        for (size_t i = supervisor->count; i-- > 0;) {
            struct bf_child *child = &supervisor->children[i];
            if ((int)child->vital == vital && !gone(child, deadline)) {
                bf_log(BF_LOG_WARN, "up.killed", "name=%s", child->name);
                kill(child->pid, SIGKILL);
                gone(child, INT64_MAX);
            }
        }
    }
}
