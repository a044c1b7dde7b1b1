/* The helpers of the tests, tested: a helper that says yes to everything hides every fault behind it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/child.h"
#include "tests/support/eventually.h"
#include "tests/support/tempdir.h"

static char log_path[300];

static struct bf_child start(const char *script)
{
    static int number;
    struct bf_child child;
    struct bf_err err = {.status = BF_OK};
    snprintf(log_path, sizeof log_path, "%s/%d.log", bf_tempdir("child"), number++);
    struct bf_child_options options = {
        .argv = (const char *const[]){"sh", "-c", script, NULL},
        .env = (const char *const[]){"GREETING=hello there", "HOME=/nowhere", NULL},
        .out = log_path,
        .err = log_path,
    };
    if (bf_child_start(&child, &options, &err) != BF_OK) {
        fail_msg("%s", err.message);
    }
    return child;
}

static bool log_contains(void *words)
{
    return bf_file_contains(log_path, words);
}

static void passes_environment_and_collects_output(void **state)
{
    (void)state;
    struct bf_child child = start("echo \"$GREETING $HOME\"; echo oops >&2; exit 7");
    assert_int_equal(bf_child_wait(&child, 5000), 7);
    assert_false(bf_child_running(&child));
    assert_true(bf_file_contains(log_path, "hello there /nowhere\n"));
    assert_true(bf_file_contains(log_path, "oops\n"));
}

static void stops_and_kills(void **state)
{
    (void)state;
    static char up[] = "up";
    struct bf_err err = {.status = BF_OK};
    struct bf_child gentle = start("echo up; exec tail -f /dev/null");
    assert_int_equal(bf_child_wait_ready(&gentle, log_contains, up, 5000, NULL, &err), BF_OK);
    assert_int_equal(bf_child_wait(&gentle, 20), -1);
    assert_true(bf_child_running(&gentle));
    bf_child_stop(&gentle, 20);
    assert_false(bf_child_running(&gentle));

    struct bf_child deaf = start("trap '' TERM; echo up; exec tail -f /dev/null");
    assert_int_equal(bf_child_wait_ready(&deaf, log_contains, up, 5000, NULL, &err), BF_OK);
    assert_int_equal(bf_child_stop(&deaf, 50), 128 + SIGKILL);

    struct bf_child mild = start("echo up; exec tail -f /dev/null");
    assert_int_equal(bf_child_wait_ready(&mild, log_contains, up, 5000, NULL, &err), BF_OK);
    assert_int_equal(bf_child_stop(&mild, 5000), 128 + SIGTERM);
}

static void kill_reaches_the_whole_group(void **state)
{
    (void)state;
    static char pid_said[] = "pid=";
    char text[64];
    int pid = 0;
    struct bf_err err = {.status = BF_OK};
    struct bf_child child = start("tail -f /dev/null & echo pid=$!; wait");
    assert_int_equal(bf_child_wait_ready(&child, log_contains, pid_said, 5000, NULL, &err), BF_OK);
    assert_int_equal(sscanf(bf_file_tail(log_path, text, sizeof text), "pid=%d", &pid), 1);
    assert_int_equal(kill(pid, 0), 0);
    bf_child_kill(&child);
    assert_int_equal(child.ended, 128 + SIGKILL);
    /* Whoever inherits it may be slow to collect it: a zombie has no command line. */
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/cmdline", pid);
    BF_EVENTUALLY(bf_file_tail(path, text, sizeof text)[0] == '\0', 5000);
}

static void pauses_and_resumes(void **state)
{
    (void)state;
    char text[256];
    char path[64];
    struct bf_child child = start("exec tail -f /dev/null");
    snprintf(path, sizeof path, "/proc/%d/stat", (int)child.pid);
    bf_child_pause(&child);
    BF_EVENTUALLY(strstr(bf_file_tail(path, text, sizeof text), ") T ") != NULL, 5000);
    bf_child_resume(&child);
    BF_EVENTUALLY(strstr(bf_file_tail(path, text, sizeof text), ") T ") == NULL, 5000);
    bf_child_pause(&child);
    assert_int_equal(bf_child_stop(&child, 5000), 128 + SIGTERM); /* also while it is paused */
    bf_child_pause(&child);                                       /* of nothing: no harm */
}

static bool never(void *context)
{
    (void)context;
    return false;
}

static void says_what_became_of_a_child_that_is_not_ready(void **state)
{
    (void)state;
    struct bf_err err = {.status = BF_OK};
    struct bf_child dead = start("echo cannot find my shoes; exit 4");
    assert_int_equal(bf_child_wait_ready(&dead, never, NULL, 5000, log_path, &err), BF_PEER);
    assert_non_null(strstr(err.message, "ended with 4"));
    assert_non_null(strstr(err.detail, "my shoes"));
    struct bf_child slow = start("exec tail -f /dev/null");
    assert_int_equal(bf_child_wait_ready(&slow, never, NULL, 30, NULL, &err), BF_PEER);
    assert_non_null(strstr(err.message, "not ready within 30 ms"));
    bf_child_kill(&slow);
}

static void an_unknown_program_is_an_error(void **state)
{
    (void)state;
    struct bf_child child;
    struct bf_err err = {.status = BF_OK};
    struct bf_child_options options = {.argv = (const char *const[]){"no-such-program", NULL}};
    assert_int_equal(bf_child_start(&child, &options, &err), BF_PEER);
    assert_non_null(strstr(err.message, "no-such-program"));
    assert_false(bf_child_running(&child));
    assert_false(bf_program_exists("no-such-program"));
    assert_true(bf_program_exists("sh"));
}

static void folders_are_private_and_go(void **state)
{
    (void)state;
    char path[400];
    const char *folder = bf_tempdir("gone");
    assert_non_null(folder);
    assert_string_not_equal(folder, bf_tempdir("gone"));
    snprintf(path, sizeof path, "%s/file", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
    bf_tempdir_remove(folder);
    assert_int_equal(access(folder, F_OK), -1);
}

static void waiting_is_bounded(void **state)
{
    (void)state;
    int64_t begin_us = bf_time_monotonic_us();
    assert_false(bf_eventually(never, NULL, 20));
    assert_true(bf_time_monotonic_us() - begin_us >= 20 * BF_US_PER_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passes_environment_and_collects_output),
        cmocka_unit_test(stops_and_kills),
        cmocka_unit_test(kill_reaches_the_whole_group),
        cmocka_unit_test(pauses_and_resumes),
        cmocka_unit_test(says_what_became_of_a_child_that_is_not_ready),
        cmocka_unit_test(an_unknown_program_is_an_error),
        cmocka_unit_test(folders_are_private_and_go),
        cmocka_unit_test(waiting_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
