/* The pace of a loop: a rest buys a few turns at once, after which turns are evenly apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/time.h"
#include "ingest/pace.h"

static void a_rest_buys_a_burst(void **state)
{
    (void)state;
    struct bf_pace pace = {.every_us = 1000, .burst = 3};
    int64_t now_us = 5000000;
    assert_true(bf_pace_left(&pace, now_us) <= 0);
    for (int i = 0; i < 3; i++) {
        assert_true(bf_pace_left(&pace, now_us) <= 0);
        bf_pace_turn(&pace, now_us);
    }
    assert_int_equal(bf_pace_left(&pace, now_us), 0);
    bf_pace_turn(&pace, now_us);
    assert_int_equal(bf_pace_left(&pace, now_us), 1000);
}

static void turns_are_evenly_apart_under_load(void **state)
{
    (void)state;
    struct bf_pace pace = {.every_us = 1000, .burst = 8};
    int64_t now_us = 1000000;
    int turns = 0;
    for (; now_us < 2000000; now_us += 10) { /* something to do every 10 us */
        if (bf_pace_left(&pace, now_us) <= 0) {
            bf_pace_turn(&pace, now_us);
            turns++;
        }
    }
    assert_in_range(turns, 1000, 1010);
}

static void few_turns_never_wait(void **state)
{
    (void)state;
    struct bf_pace pace = {.every_us = 1000, .burst = 8};
    int64_t now_us = 1000000;
    for (int message = 0; message < 1000; message++, now_us += 5000) { /* four turns for each */
        for (int turn = 0; turn < 4; turn++) {
            assert_true(bf_pace_left(&pace, now_us) <= 0);
            bf_pace_turn(&pace, now_us);
        }
    }
}

static void a_command_ends_the_wait(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    int64_t before_us = bf_time_monotonic_us();
    struct bf_pace pace = {.every_us = 900000, .burst = 0};
    bf_pace_turn(&pace, before_us);
    assert_true(bf_pace_left(&pace, before_us) == 900000);
    bf_pace_wait(&pace, ends[0]);
    assert_true(bf_time_monotonic_us() - before_us < 900000);
    close(ends[0]);
    close(ends[1]);
}

static void the_wait_is_as_long_as_it_should(void **state)
{
    (void)state;
    struct bf_pace pace = {.every_us = 20000, .burst = 0};
    int64_t before_us = bf_time_monotonic_us();
    bf_pace_turn(&pace, before_us);
    bf_pace_wait(&pace, -1);
    assert_true(bf_time_monotonic_us() - before_us >= 20000);
    bf_pace_wait(&pace, -1); /* nothing is left */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rest_buys_a_burst),
        cmocka_unit_test(turns_are_evenly_apart_under_load),
        cmocka_unit_test(few_turns_never_wait),
        cmocka_unit_test(a_command_ends_the_wait),
        cmocka_unit_test(the_wait_is_as_long_as_it_should),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
