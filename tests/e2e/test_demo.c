/* The whole city by one command: every reading accounted for, and nothing left behind. */
#include "tests/e2e/demo_run.h"

static void a_simulated_city_accounts_for_every_reading(void **state)
{
    (void)state;
    struct demo demo;
    demo_accounts(&demo, (const char *const[]){"--for", "15s", "--json", NULL});
}

static bool shows_values(void *path)
{
    return bf_file_contains(path, "redis-cli -p ");
}

static void term_stops_everything_within_five_seconds(void **state)
{
    (void)state;
    struct demo demo;
    struct bf_err err = {.status = BF_OK};
    char text[2000];
    demo_start(&demo, (const char *const[]){"--for", "0", NULL});
    if (bf_child_wait_ready(&demo.child, shows_values, demo.err, RUN_MS, demo.err, &err) != BF_OK) {
        fail_msg("%s", bf_err_format(&err, text, sizeof text));
    }
    kill(demo.child.pid, SIGTERM);
    assert_int_equal(bf_child_wait(&demo.child, 5000), 128 + SIGTERM);
    demo_left_nothing(&demo);
}

static void nonsense_is_a_usage_error(void **state)
{
    (void)state;
    struct demo demo;
    demo_start(&demo, (const char *const[]){"--nonsense", NULL});
    assert_int_equal(bf_child_wait(&demo.child, 10000), 2);
    demo_left_nothing(&demo);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nonsense_is_a_usage_error),
        cmocka_unit_test(a_simulated_city_accounts_for_every_reading),
        cmocka_unit_test(term_stops_everything_within_five_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
