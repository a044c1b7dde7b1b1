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
        .argv = argv, .env = (const char *const[]){temporary, NULL}, .out = demo->out, .err = demo->err};
    if (bf_child_start(&demo->child, &options, &err) != BF_OK) {
        fail_msg("%s", err.message);
    }
    demo->group = demo->child.pid;
}

/* No file and no process. Its children are of its process group, but for Apache Kafka, whose port is its own. */
static inline void demo_left_nothing(const struct demo *demo)
{
    size_t entries = 0;
    DIR *folder = opendir(demo->folder);
    assert_non_null(folder);
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        entries += entry->d_name[0] != '.';
    }
    closedir(folder);
    assert_int_equal(entries, 0);
    assert_int_equal(kill(-demo->group, 0), -1);
}

/* Runs it to its end; both identities hold (exit 0), or the test fails with what it said. */
static inline void demo_accounts(struct demo *demo, const char *const *arguments)
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
    assert_true(bf_file_contains(demo->out, "\"audit\":{"));
    demo_left_nothing(demo);
}

#endif
