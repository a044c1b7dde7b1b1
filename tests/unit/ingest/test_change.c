/* The change of generation: only over a connection that is empty and whose PUBACKs the broker has seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "core/time.h"
#include "ingest/change.h"

struct world {
    struct bf_change change;
    bool quiet;
    uint64_t taken;
    enum bf_status probe;
    int pauses, probes, restarts, changes;
    int64_t now;
};
static struct world world;

static void pause(void *context)
{
    (void)context;
    world.pauses++;
}

static bool quiet(void *context)
{
    (void)context;
    return world.quiet;
}

static uint64_t taken(void *context)
{
    (void)context;
    return world.taken;
}

static enum bf_status probe(void *context, struct bf_err *err)
{
    (void)context;
    world.probes++;
    return world.probe == BF_OK ? BF_OK : bf_err_set(err, world.probe, "no");
}

static void restart(void *context, bool change, const char *why)
{
    (void)context;
    assert_non_null(why);
    world.restarts++;
    world.changes += change;
}

static int start(void **state)
{
    (void)state;
    memset(&world, 0, sizeof world);
    struct bf_change_port port = {
        .pause = pause, .quiet = quiet, .taken = taken, .probe = probe, .restart = restart};
    bf_change_init(&world.change, &port);
    world.now = BF_US_PER_S;
    return 0;
}

static void turn(bool running, bool answered)
{
    world.now += 10 * BF_US_PER_MS;
    bf_change_turn(&world.change, true, running, answered, world.now);
}

static void turns(int count)
{
    for (int i = 0; i < count; i++) {
        turn(true, false);
    }
}

static void changes_over_an_empty_connection(void **state)
{
    (void)state;
    bf_change_turn(&world.change, false, true, false, world.now);
    assert_int_equal(world.pauses, 0);
    turns(20);
    assert_int_equal(world.pauses, 1);
    assert_int_equal(world.probes, 0); /* something is unacknowledged */
    world.quiet = true;
    turns(4);
    assert_int_equal(world.probes, 0); /* a PUBACK may be on its way */
    turns(4);
    assert_int_equal(world.probes, 1);
    turns(10);
    assert_int_equal(world.restarts, 0);
    turn(true, true);
    assert_int_equal(world.changes, 1);
}

static void noise_begins_the_wait_anew(void **state)
{
    (void)state;
    world.quiet = true;
    turns(4);
    world.quiet = false;
    turns(1);
    world.quiet = true;
    turns(4);
    assert_int_equal(world.probes, 0);
}

static void a_message_that_slips_through_keeps_the_old(void **state)
{
    (void)state;
    world.quiet = true;
    turns(10);
    world.taken++;
    turn(true, true);
    assert_int_equal(world.restarts, 1);
    assert_int_equal(world.changes, 0);
    turns(100);
    assert_int_equal(world.pauses, 1); /* not at once again */
    turns(1000);
    assert_true(world.pauses > 1);
}

static void slowness_keeps_the_old(void **state)
{
    (void)state;
    turns(3100);
    assert_int_equal(world.restarts, 1);
    assert_int_equal(world.changes, 0);
    start(NULL);
    world.quiet = true;
    turns(1100);
    assert_int_equal(world.probes, 1);
    assert_int_equal(world.restarts, 1);
    assert_int_equal(world.changes, 0);
}

static void a_lost_connection_ends_the_attempt(void **state)
{
    (void)state;
    turns(5);
    turn(false, false);
    world.quiet = true;
    turn(false, true);
    assert_int_equal(world.restarts, 0);
    turns(10);
    assert_int_equal(world.pauses, 2);
    assert_int_equal(world.probes, 1);
}

static void a_probe_that_fails_keeps_the_old(void **state)
{
    (void)state;
    world.quiet = true;
    world.probe = BF_PEER;
    turns(10);
    assert_int_equal(world.restarts, 1);
    assert_int_equal(world.changes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(changes_over_an_empty_connection, start),
        cmocka_unit_test_setup(noise_begins_the_wait_anew, start),
        cmocka_unit_test_setup(a_message_that_slips_through_keeps_the_old, start),
        cmocka_unit_test_setup(slowness_keeps_the_old, start),
        cmocka_unit_test_setup(a_lost_connection_ends_the_attempt, start),
        cmocka_unit_test_setup(a_probe_that_fails_keeps_the_old, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
