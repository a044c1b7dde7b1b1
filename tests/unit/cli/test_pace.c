/* The pace of replays and simulations: what --speed takes, how log time passes, and what a signal does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/pace.h"
#include "core/time.h"

static void a_speed_is_a_factor_or_max(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double speed;
    } good[] = {{.text = "1", .speed = 1},     {.text = "10x", .speed = 10}, {.text = "0.5x", .speed = 0.5},
                {.text = "2.5", .speed = 2.5}, {.text = "max", .speed = 0},  {.text = "1e3", .speed = 1000}};
    static const char *const bad[] = {"",     "x",    "0",    "-1",
                                      "fast", "10xx", "10 x", "nan",
                                      "inf",  "1e7",  "1x1",  "1000000000000000000000000000000000000000"};
    double speed;
    struct bf_err err;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(bf_pace_parse(bf_slice_of(good[i].text), &speed, &err), BF_OK);
        assert_true(speed >= good[i].speed && speed <= good[i].speed);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(bf_pace_parse(bf_slice_of(bad[i]), &speed, &err), BF_CONFIG);
        assert_non_null(strstr(err.message, "--speed: expected"));
    }
}

static void log_time_passes_at_that_speed(void **state)
{
    (void)state;
    struct bf_pace pace;
    int64_t began = bf_time_monotonic_us();
    bf_pace_start(&pace, 100, 5000000);
    assert_true(bf_pace_wait(&pace, 4000000)); /* already over */
    assert_true(bf_pace_wait(&pace, 5000000 + 2 * BF_US_PER_S));
    int64_t took = bf_time_monotonic_us() - began;
    assert_true(took >= 20000);
    assert_true(bf_pace_now(&pace) >= 5000000 + 2 * BF_US_PER_S);
}

static void max_waits_for_nothing(void **state)
{
    (void)state;
    struct bf_pace pace;
    int64_t began = bf_time_monotonic_us();
    bf_pace_start(&pace, 0, 0);
    for (int64_t due_us = 0; due_us < 1000; due_us++) {
        assert_true(bf_pace_wait(&pace, due_us * 3600 * BF_US_PER_S));
    }
    assert_true(bf_time_monotonic_us() - began < 10 * BF_US_PER_S);
}

/* In a child: the flag stays for the life of a process. */
static void a_signal_ends_every_wait(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        struct bf_pace pace;
        bf_pace_start(&pace, 1, 0);
        bool before = bf_pace_idle(1) && !bf_pace_stopped();
        raise(SIGTERM);
        bool after = !bf_pace_wait(&pace, INT64_MAX / 4) && !bf_pace_idle(3600000) && bf_pace_stopped();
        _exit(before && after ? 0 : 1);
    }
    int how = -1;
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_speed_is_a_factor_or_max),
        cmocka_unit_test(log_time_passes_at_that_speed),
        cmocka_unit_test(max_waits_for_nothing),
        cmocka_unit_test(a_signal_ends_every_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
