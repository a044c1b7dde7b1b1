/* child.c: see child.h. fork and exec rather than posix_spawn, because only so can the child ask to die
 * with its parent (PR_SET_PDEATHSIG): a test that is killed leaves nothing running. */
#include "tests/support/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/eventually.h"

#define ENVIRONMENT_MAX 1024

static pid_t running[BF_CHILDREN_MAX];
static pid_t owner;

static void kill_all(void)
{
    for (size_t i = 0; i < BF_CHILDREN_MAX && getpid() == owner; i++) {
        if (running[i] != 0) {
            kill(-running[i], SIGKILL);
            waitpid(running[i], NULL, 0);
        }
    }
}

static bool note(pid_t from, pid_t to)
{
    for (size_t i = 0; i < BF_CHILDREN_MAX; i++) {
        if (running[i] == from) {
            running[i] = to;
            return true;
        }
    }
    return false;
}

/* The program's file in PATH or where Debian keeps servers; false where there is none. */
static bool find_program(const char *name, char *path, size_t size)
{
    if (strchr(name, '/') != NULL) {
        snprintf(path, size, "%s", name);
        return access(path, X_OK) == 0;
    }
    const char *search = getenv("PATH");
    char folders[4096];
    snprintf(folders, sizeof folders, "%s:/usr/local/sbin:/usr/sbin:/sbin",
             search ? search : "/usr/bin:/bin");
    char *rest = NULL;
    for (char *folder = strtok_r(folders, ":", &rest); folder != NULL; folder = strtok_r(NULL, ":", &rest)) {
        int len = snprintf(path, size, "%s/%s", folder, name);
        if (len > 0 && (size_t)len < size && access(path, X_OK) == 0) {
            return true;
        }
    }
    return false;
}

bool bf_program_exists(const char *name)
{
    char path[4096];
    return find_program(name, path, sizeof path);
}

/* Our environment without the names that `env` sets, then `env`. Borrows from both. */
static void make_environment(const char *const *env, const char *merged[ENVIRONMENT_MAX])
{
    size_t used = 0;
    for (char **ours = environ; *ours != NULL && used < ENVIRONMENT_MAX - BF_CHILD_ENV_MAX - 1; ours++) {
        size_t name_len = strcspn(*ours, "=") + 1;
        bool replaced = false;
        for (size_t i = 0; env != NULL && env[i] != NULL; i++) {
            replaced = replaced || strncmp(env[i], *ours, name_len) == 0;
        }
        if (!replaced) {
            merged[used++] = *ours;
        }
    }
    for (size_t i = 0; env != NULL && env[i] != NULL && i < BF_CHILD_ENV_MAX; i++) {
        merged[used++] = env[i];
    }
    merged[used] = NULL;
}

/* execve writes to neither array; its prototype is older than const. */
union strings {
    const char *const *given;
    char *const *wanted;
};

static void open_as(const char *path, int flags, int fd)
{
    int opened = open(path ? path : "/dev/null", flags, 0600);
    if (opened < 0 || dup2(opened, fd) < 0) {
        _exit(127);
    }
    if (opened != fd) {
        close(opened);
    }
}

/* After fork, in the child: only what is allowed beside other threads' locks. */
static void become(const char *program, const struct bf_child_options *options,
                   const char *const *environment, pid_t parent)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(127); /* it died before it could be asked */
    }
    open_as(NULL, O_RDONLY, STDIN_FILENO);
    open_as(options->out, O_WRONLY | O_CREAT | O_APPEND, STDOUT_FILENO);
    open_as(options->err, O_WRONLY | O_CREAT | O_APPEND, STDERR_FILENO);
    if (options->folder != NULL && chdir(options->folder) != 0) {
        _exit(127);
    }
    union strings argv = {.given = options->argv};
    union strings envp = {.given = environment};
    execve(program, argv.wanted, envp.wanted);
    _exit(127);
}

enum bf_status bf_child_start(struct bf_child *child, const struct bf_child_options *options,
                              struct bf_err *err)
{
    char program[4096];
    const char *environment[ENVIRONMENT_MAX];
    *child = (struct bf_child){.pid = 0};
    if (!find_program(options->argv[0], program, sizeof program)) {
        return bf_err_set(err, BF_PEER, "there is no program %s", options->argv[0]);
    }
    if (owner == 0) {
        owner = getpid();
        atexit(kill_all);
    }
    make_environment(options->env, environment);
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        become(program, options, environment, parent);
    }
    if (pid < 0) {
        return bf_err_set(err, BF_PEER, "could not fork: %s", strerror(errno));
    }
    setpgid(pid, pid); /* here too: whoever is first */
    child->pid = pid;
    if (!note(0, pid)) {
        bf_child_kill(child);
        return bf_err_set(err, BF_PEER, "more than %d children", BF_CHILDREN_MAX);
    }
    return BF_OK;
}

static void collected(struct bf_child *child, int status)
{
    child->ended = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    note(child->pid, 0);
    child->pid = 0;
}

bool bf_child_running(struct bf_child *child)
{
    int status;
    if (child->pid != 0 && waitpid(child->pid, &status, WNOHANG) == child->pid) {
        collected(child, status);
    }
    return child->pid != 0;
}

int bf_child_wait(struct bf_child *child, int timeout_ms)
{
    int64_t deadline_us = bf_deadline_us(timeout_ms);
    if (!bf_child_running(child)) {
        return child->ended;
    }
    int fd = pidfd_open(child->pid, 0);
    while (bf_child_running(child)) {
        int64_t left_ms = (deadline_us - bf_time_monotonic_us()) / BF_US_PER_MS;
        struct pollfd ended = {.fd = fd, .events = POLLIN};
        if (left_ms <= 0) {
            break;
        }
        poll(&ended, 1, (int)left_ms);
    }
    if (fd >= 0) {
        close(fd);
    }
    return child->pid == 0 ? child->ended : -1;
}

int bf_child_stop(struct bf_child *child, int timeout_ms)
{
    if (bf_child_running(child)) {
        pid_t group = child->pid;
        kill(child->pid, SIGTERM);
        kill(child->pid, SIGCONT); /* a paused one must hear it */
        if (bf_child_wait(child, timeout_ms) == -1) {
            bf_child_kill(child);
        }
        kill(-group, SIGKILL); /* what it left behind; nothing, if it is well made */
    }
    return child->ended;
}

void bf_child_kill(struct bf_child *child)
{
    int status;
    if (child->pid != 0) {
        kill(-child->pid, SIGKILL);
        kill(child->pid, SIGKILL);
        while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR) {
        }
        collected(child, status);
    }
}

void bf_child_pause(struct bf_child *child)
{
    if (child->pid != 0) {
        kill(-child->pid, SIGSTOP);
    }
}

void bf_child_resume(struct bf_child *child)
{
    if (child->pid != 0) {
        kill(-child->pid, SIGCONT);
    }
}

enum bf_status bf_child_wait_ready(struct bf_child *child, bool (*condition)(void *), void *context,
                                   int timeout_ms, const char *log, struct bf_err *err)
{
    int64_t deadline_us = bf_deadline_us(timeout_ms);
    char tail[400];
    for (;;) {
        bool alive = bf_child_running(child);
        if (alive && condition(context)) {
            return BF_OK;
        }
        if (!alive) {
            bf_err_set(err, BF_PEER, "the program ended with %d before it was ready", child->ended);
            break;
        }
        if (!bf_wait_turn(deadline_us)) {
            bf_err_set(err, BF_PEER, "the program was not ready within %d ms", timeout_ms);
            break;
        }
    }
    if (log != NULL) {
        bf_err_detail(err, "%s", bf_file_tail(log, tail, sizeof tail));
    }
    return BF_PEER;
}

char *bf_file_tail(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "r");
    size_t len = 0;
    if (file != NULL) {
        long wanted = (long)size - 1;
        if (fseek(file, 0, SEEK_END) == 0) {
            long all = ftell(file);
            (void)fseek(file, all > wanted ? all - wanted : 0, SEEK_SET);
        }
        len = fread(text, 1, size - 1, file);
        fclose(file);
    }
    text[len] = '\0';
    return text;
}

bool bf_file_contains(const char *path, const char *words)
{
    static char text[1 << 20];
    return strstr(bf_file_tail(path, text, sizeof text), words) != NULL;
}
