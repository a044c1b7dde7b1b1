/* The supervisor of `belfry up`: what ends is started again after a growing pause, what refuses or cannot be
 * started again ends all, and nothing is left behind, whoever dies first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/supervise.h"
#include "core/time.h"
#include "tests/support/eventually.h"

#define SHELL(script)                                                                         \
    {                                                                                         \
        .name = "shell", .program = "/bin/sh", .arguments = {"-c", (script), NULL}, .out = -1 \
    }

static void start(struct bf_supervisor *supervisor, struct bf_child child)
{
    struct bf_err err = {.message = ""};
    if (bf_supervisor_start(supervisor, &child, &err) != BF_OK) {
        fail_msg("%s", err.message);
    }
}

/* The first status that is not OK, within five seconds. */
static enum bf_status tend(struct bf_supervisor *supervisor, struct bf_err *err)
{
    enum bf_status status = BF_OK;
    BF_EVENTUALLY((status = bf_supervisor_tend(supervisor, err)) != BF_OK, 5000);
    return status;
}

static void what_dies_is_started_again_after_a_growing_pause(void **state)
{
    (void)state;
    struct bf_supervisor supervisor = {.count = 0};
    struct bf_err err;
    start(&supervisor, (struct bf_child)SHELL("exit 3"));
    struct bf_child *child = &supervisor.children[0];
    int64_t began = bf_time_monotonic_us();
    BF_EVENTUALLY(bf_supervisor_tend(&supervisor, &err) == BF_OK && child->restarts == 2, 10000);
    int64_t took_ms = (bf_time_monotonic_us() - began) / BF_US_PER_MS;
    assert_true(took_ms >= 200 + 400);
    assert_int_equal(child->pause_ms, 800);
    bf_supervisor_stop(&supervisor, 1000);
    assert_int_equal(child->pid, 0);
}

static void the_end_of_a_vital_one_ends_all(void **state)
{
    (void)state;
    struct bf_supervisor supervisor = {.count = 0};
    struct bf_err err;
    struct bf_child vital = SHELL("exit 0");
    vital.vital = true;
    start(&supervisor, (struct bf_child)SHELL("exec tail -f /dev/null"));
    start(&supervisor, vital);
    assert_int_equal(tend(&supervisor, &err), BF_FATAL);
    assert_non_null(strstr(err.message, "shell ended (exit 0) and cannot be started again"));
    bf_supervisor_stop(&supervisor, 2000);
}

static void who_refuses_is_not_asked_again(void **state)
{
    (void)state;
    static const char *const scripts[] = {"exit 78", "exit 2"};
    for (size_t i = 0; i < 2; i++) {
        struct bf_supervisor supervisor = {.count = 0};
        struct bf_err err;
        start(&supervisor, (struct bf_child)SHELL(scripts[i]));
        assert_int_equal(tend(&supervisor, &err), BF_CONFIG);
        assert_non_null(strstr(err.message, "refuses to run"));
        assert_int_equal(supervisor.children[0].restarts, 0);
    }
    struct bf_supervisor supervisor = {.count = 0};
    struct bf_err err;
    struct bf_child absent = {.name = "absent", .program = "/not/there", .out = -1};
    assert_int_equal(bf_supervisor_start(&supervisor, &absent, &err), BF_CONFIG);
    assert_non_null(strstr(err.message, "/not/there"));
    assert_int_equal(supervisor.count, 0);
}

static void its_output_goes_where_it_should(void **state)
{
    (void)state;
    struct bf_supervisor supervisor = {.count = 0};
    int ends[2];
    char text[16] = "";
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    struct bf_child child = SHELL("echo here; exec tail -f /dev/null");
    child.out = ends[1];
    start(&supervisor, child);
    assert_int_equal(read(ends[0], text, sizeof text - 1), 5);
    assert_string_equal(text, "here\n");
    bf_supervisor_stop(&supervisor, 2000);
    close(ends[0]);
    close(ends[1]);
}

static void a_stop_is_heard_however_early_it_comes(void **state)
{
    (void)state;
    for (int turn = 0; turn < 30; turn++) {
        struct bf_supervisor supervisor = {.count = 0};
        start(&supervisor, (struct bf_child)SHELL("exec tail -f /dev/null"));
        int64_t began = bf_time_monotonic_us();
        bf_supervisor_stop(&supervisor, 20000);
        assert_true(bf_time_monotonic_us() - began < 10 * BF_US_PER_S);
        assert_int_equal(supervisor.children[0].pid, 0);
    }
}

static void who_does_not_hear_is_killed(void **state)
{
    (void)state;
    struct bf_supervisor supervisor = {.count = 0};
    int ends[2];
    char byte;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    struct bf_child deaf = SHELL("trap '' TERM; echo; exec tail -f /dev/null");
    deaf.out = ends[1];
    start(&supervisor, deaf);
    assert_int_equal(read(ends[0], &byte, 1), 1);
    int64_t began = bf_time_monotonic_us();
    bf_supervisor_stop(&supervisor, 300);
    assert_true(bf_time_monotonic_us() - began >= 300 * BF_US_PER_MS);
    assert_int_equal(supervisor.children[0].pid, 0);
    close(ends[0]);
    close(ends[1]);
}

static void a_killed_child_is_started_again(void **state)
{
    (void)state;
    struct bf_supervisor supervisor = {.count = 0};
    struct bf_err err;
    start(&supervisor, (struct bf_child)SHELL("exec tail -f /dev/null"));
    assert_int_equal(kill(supervisor.children[0].pid, SIGKILL), 0);
    BF_EVENTUALLY(bf_supervisor_tend(&supervisor, &err) == BF_OK && supervisor.children[0].restarts == 1,
                  5000);
    bf_supervisor_stop(&supervisor, 2000);
}

static void children_die_with_the_supervisor(void **state)
{
    (void)state;
    int ends[2];
    pid_t orphan = 0;
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0); /* the orphan becomes ours, so we see its end */
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t parent = fork();
    if (parent == 0) {
        struct bf_supervisor supervisor = {.count = 0};
        start(&supervisor, (struct bf_child)SHELL("exec tail -f /dev/null"));
        if (write(ends[1], &supervisor.children[0].pid, sizeof orphan) == (ssize_t)sizeof orphan) {
            pause();
        }
        _exit(1);
    }
    assert_int_equal(read(ends[0], &orphan, sizeof orphan), sizeof orphan);
    kill(parent, SIGKILL);
    assert_int_equal(waitpid(parent, NULL, 0), parent);
    BF_EVENTUALLY(waitpid(orphan, NULL, WNOHANG) == orphan, 5000);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_dies_is_started_again_after_a_growing_pause),
        cmocka_unit_test(the_end_of_a_vital_one_ends_all),
        cmocka_unit_test(who_refuses_is_not_asked_again),
        cmocka_unit_test(its_output_goes_where_it_should),
        cmocka_unit_test(a_stop_is_heard_however_early_it_comes),
        cmocka_unit_test(who_does_not_hear_is_killed),
        cmocka_unit_test(a_killed_child_is_started_again),
        cmocka_unit_test(children_die_with_the_supervisor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
