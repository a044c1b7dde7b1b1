/* child.h: a program under test: start it, wait until it is ready, stop it, kill it, pause it.
 *
 * A child leads a process group of its own; kill, pause and resume reach the whole group, TERM only the
 * child, as a supervisor does it. Whatever still runs when the test program ends is killed.
 * A child is killed by the kernel when the thread that started it ends: start children on the main thread.
 *
 * Owner: the caller's struct.   Thread: main.   Limits: BF_CHILDREN_MAX at a time. */
#ifndef BF_TESTS_CHILD_H
#define BF_TESTS_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "core/err.h"

#define BF_CHILDREN_MAX 64
#define BF_CHILD_ENV_MAX 32

struct bf_child_options {
    const char *const *argv; /* NULL-terminated; argv[0] is looked for in PATH and in sbin */
    const char *const *env;  /* NULL-terminated "NAME=value" on top of our own; may be NULL */
    const char *folder;      /* where it runs; NULL: here */
    const char *out, *err;   /* files that take its output, appended to; NULL: /dev/null */
};

struct bf_child {
    pid_t pid; /* 0: not running */
    int ended; /* the exit code, or 128 + signal, once it has ended */
};

/* PEER where it cannot be started (an unknown program says so too). */
enum bf_status bf_child_start(struct bf_child *child, const struct bf_child_options *options,
                              struct bf_err *err) BF_MUST_CHECK;
/* Collects it if it has ended. */
bool bf_child_running(struct bf_child *child);
/* Until condition(context) holds. PEER at once when the child ends, or at the bound; `log` (may be NULL)
 * is a file whose last lines become the error's detail. */
enum bf_status bf_child_wait_ready(struct bf_child *child, bool (*condition)(void *), void *context,
                                   int timeout_ms, const char *log, struct bf_err *err) BF_MUST_CHECK;
/* Waits for its end: its exit code or 128 + signal; -1 at the bound, it runs on. */
int bf_child_wait(struct bf_child *child, int timeout_ms);
/* TERM, and KILL at the bound: the exit code, or 128 + signal. */
int bf_child_stop(struct bf_child *child, int timeout_ms);
void bf_child_kill(struct bf_child *child); /* -9, collected when it returns */
void bf_child_pause(struct bf_child *child);
void bf_child_resume(struct bf_child *child);

/* Whether a program of that name can be started. */
bool bf_program_exists(const char *name);
/* The file's text, NUL-terminated, cut at size (its end is kept); returns text. */
char *bf_file_tail(const char *path, char *text, size_t size);
bool bf_file_contains(const char *path, const char *words);

#endif
