/* demo_run.h: deploy/demo as a child, in a private folder that it must leave empty.
 * Owner: the test.   Thread: main.   Limits: a run is ended after RUN_MS. */
#ifndef BF_TESTS_DEMO_RUN_H
#define BF_TESTS_DEMO_RUN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/child.h"
#include "tests/support/eventually.h"
#include "tests/support/tempdir.h"

#define RUN_MS 280000

struct demo {
    struct bf_child child;
    pid_t group;
    const char *folder; /* its TMPDIR */
    char out[300], err[300];
};

static inline void demo_start(struct demo *demo, const char *const *arguments)
{
    static const char *const program[] = {TEST_SOURCE_DIR "/deploy/demo"};
    const char *argv[16] = {program[0]};
    char temporary[300];
    struct bf_err err = {.status = BF_OK};
    const char *output = bf_tempdir("demo-output");
    demo->folder = bf_tempdir("demo");
    for (size_t i = 0; arguments[i] != NULL && i < 14; i++) {
        argv[i + 1] = arguments[i];
    }
    snprintf(temporary, sizeof temporary, "TMPDIR=%s", demo->folder);
    snprintf(demo->out, sizeof demo->out, "%s/out", output);
    snprintf(demo->err, sizeof demo->err, "%s/err", output);
    struct bf_child_options options = {
        .argv = argv,
        .env = (const char *const[]){temporary, "BELFRY_BIN=" TEST_BINARY_DIR "/bin", NULL},
        .out = demo->out,
        .err = demo->err};
    if (bf_child_start(&demo->child, &options, &err) != BF_OK) {
        fail_msg("%s", err.message);
    }
    demo->group = demo->child.pid;
}

/* The folder of its state; false where there is none. path may be NULL. */
static inline bool demo_state(const struct demo *demo, char *path, size_t size)
{
    size_t entries = 0;
    DIR *folder = opendir(demo->folder);
    assert_non_null(folder);
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] != '.') {
            entries++;
            snprintf(path, path ? size : 0, "%s/%s", demo->folder, entry->d_name);
        }
    }
    closedir(folder);
    return entries > 0;
}

/* How many processes it has: all that it starts inherit its TMPDIR. */
static inline int demo_running(const struct demo *demo)
{
    static char environment[65536];
    char mark[400];
    int count = 0;
    snprintf(mark, sizeof mark, "TMPDIR=%s", demo->folder);
    DIR *processes = opendir("/proc");
    assert_non_null(processes);
    for (const struct dirent *entry; (entry = readdir(processes)) != NULL;) {
        char path[300];
        snprintf(path, sizeof path, "/proc/%s/environ", entry->d_name);
        FILE *file = entry->d_name[0] >= '0' && entry->d_name[0] <= '9' ? fopen(path, "r") : NULL;
        if (file != NULL) {
            size_t got = fread(environment, 1, sizeof environment, file);
            count += memmem(environment, got, mark, strlen(mark) + 1) != NULL;
            fclose(file);
        }
    }
    closedir(processes);
    return count;
}

/* No file and no process, and so no port. */
static inline void demo_left_nothing(const struct demo *demo)
{
    assert_false(demo_state(demo, NULL, 0));
    assert_int_equal(demo_running(demo), 0);
    assert_int_equal(kill(-demo->group, 0), -1);
}

/* Runs it to its end; both identities hold (exit 0), or the test fails with what it said. Returns how many
 * readings were accounted for. */
static inline unsigned long demo_accounts(struct demo *demo, const char *const *arguments)
{
    char text[3000];
    demo_start(demo, arguments);
    int code = bf_child_wait(&demo->child, RUN_MS);
    if (code != 0) {
        bf_child_stop(&demo->child, 10000);
        fprintf(stderr, "%s\n", bf_file_tail(demo->err, text, sizeof text));
        fail_msg("exit code %d: %s", code, bf_file_tail(demo->out, text, sizeof text));
    }
    assert_true(bf_file_contains(demo->out, "\"first_value_ms\":"));
    const char *accounted = strstr(bf_file_tail(demo->out, text, sizeof text), "\"accounted\":");
    assert_non_null(accounted);
    demo_left_nothing(demo);
    return strtoul(accounted + strlen("\"accounted\":"), NULL, 10);
}

#endif
