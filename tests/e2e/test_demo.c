/* The whole city by one command: every reading accounted for, and nothing left behind. */
#include "tests/e2e/demo_run.h"

static void a_simulated_city_accounts_for_every_reading(void **state)
{
    (void)state;
    struct demo demo;
    assert_true(demo_accounts(&demo, (const char *const[]){"--for", "15s", "--json", NULL}) > 1000);
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

/* As a terminal does it: the whole group gets the signal. */
static void ctrl_c_stops_everything_within_five_seconds(void **state)
{
    (void)state;
    struct demo demo;
    struct bf_err err = {.status = BF_OK};
    char text[2000];
    demo_start(&demo, (const char *const[]){NULL});
    if (bf_child_wait_ready(&demo.child, shows_values, demo.err, RUN_MS, demo.err, &err) != BF_OK) {
        fail_msg("%s", bf_err_format(&err, text, sizeof text));
    }
    assert_true(demo_running(&demo) >= 7);
    kill(-demo.child.pid, SIGINT);
    assert_int_equal(bf_child_wait(&demo.child, 5000), 128 + SIGINT);
    demo_left_nothing(&demo);
}

/* Nobody is left who could end the rest in order, but nothing goes on; the folder of state stays. */
static void a_demo_that_is_killed_leaves_nothing_running(void **state)
{
    (void)state;
    struct demo demo;
    struct bf_err err = {.status = BF_OK};
    char text[2000];
    demo_start(&demo, (const char *const[]){NULL});
    if (bf_child_wait_ready(&demo.child, shows_values, demo.err, RUN_MS, demo.err, &err) != BF_OK) {
        fail_msg("%s", bf_err_format(&err, text, sizeof text));
    }
    assert_true(demo_running(&demo) >= 7);
    kill(demo.child.pid, SIGKILL);
    assert_int_equal(bf_child_wait(&demo.child, 5000), 128 + SIGKILL);
    BF_EVENTUALLY(demo_running(&demo) == 0, 20000);
}

/* The devices have ended and it waits for the account: no reason to let anybody wait. */
static void term_is_heard_during_the_account(void **state)
{
    (void)state;
    struct demo demo;
    char path[600] = "";
    demo_start(&demo, (const char *const[]){"--for", "2s", "--json", NULL});
    BF_EVENTUALLY(demo_state(&demo, path, sizeof path), 60000);
    strncat(path, "/audit.out", sizeof path - strlen(path) - 1);
    FILE *file = NULL;
    BF_EVENTUALLY((file = fopen(path, "r")) != NULL, 60000);
    fclose(file);
    kill(demo.child.pid, SIGTERM);
    assert_int_equal(bf_child_wait(&demo.child, 5000), 128 + SIGTERM);
    demo_left_nothing(&demo);
}

static void a_kafka_that_is_not_there_is_named(void **state)
{
    (void)state;
    struct demo demo;
    demo_start(&demo, (const char *const[]){"--kafka", "127.0.0.1:1", "--for", "1s", "--json", NULL});
    assert_int_equal(bf_child_wait(&demo.child, 20000), 1);
    assert_true(bf_file_contains(demo.err, "Kafka does not answer at 127.0.0.1:1"));
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
        cmocka_unit_test(ctrl_c_stops_everything_within_five_seconds),
        cmocka_unit_test(a_demo_that_is_killed_leaves_nothing_running),
        cmocka_unit_test(term_is_heard_during_the_account),
        cmocka_unit_test(a_kafka_that_is_not_there_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
