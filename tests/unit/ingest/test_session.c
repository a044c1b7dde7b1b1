/* The start order, driven with fakes: nothing before its turn, every connection a start, and what each
 * failure leads to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "core/time.h"
#include "ingest/session.h"

struct world {
    struct bf_session session;
    bool idle, greeted;
    enum bf_status claim, connect, hello, ends, begin, subscribe;
    int64_t offset;
    struct bf_ends_found found;
    char calls[256]; /* one letter each */
    int64_t now;
};
static struct world world;

static void note(char letter)
{
    size_t len = strlen(world.calls);
    assert_true(len + 1 < sizeof world.calls);
    world.calls[len] = letter;
}

static bool idle(void *context)
{
    (void)context;
    return world.idle;
}

static void forget(void *context)
{
    (void)context;
    note('F');
}

static enum bf_status claim(void *context, int64_t *offset, struct bf_err *err)
{
    (void)context;
    note('C');
    *offset = world.offset;
    return world.claim == BF_OK ? BF_OK : bf_err_set(err, world.claim, "no claim");
}

static enum bf_status connect(void *context, struct bf_err *err)
{
    (void)context;
    note('N');
    return world.connect == BF_OK ? BF_OK : bf_err_set(err, world.connect, "no network");
}

static void drop(void *context)
{
    (void)context;
    note('D');
}

static enum bf_status hello(void *context, struct bf_err *err)
{
    (void)context;
    (void)err;
    note('H');
    return world.hello;
}

static bool greeted(void *context)
{
    (void)context;
    return world.greeted;
}

static enum bf_status read_ends(void *context, struct bf_ends_found *found, struct bf_err *err)
{
    (void)context;
    note('E');
    *found = world.found;
    return world.ends == BF_OK || world.ends == BF_AGAIN ? world.ends
                                                         : bf_err_set(err, world.ends, "no ends");
}

static enum bf_status begin(void *context, const struct bf_ends_found *found, struct bf_err *err)
{
    (void)context;
    (void)err;
    assert_ptr_equal(found, &world.session.found);
    note('B');
    return world.begin;
}

static enum bf_status subscribe(void *context, struct bf_err *err)
{
    (void)context;
    note('S');
    return world.subscribe == BF_OK ? BF_OK : bf_err_set(err, world.subscribe, "no");
}

static int start(void **state)
{
    (void)state;
    memset(&world, 0, sizeof world);
    struct bf_session_port port = {
        .idle = idle,
        .forget = forget,
        .claim = claim,
        .connect = connect,
        .drop = drop,
        .hello = hello,
        .greeted = greeted,
        .read_ends = read_ends,
        .begin = begin,
        .subscribe = subscribe,
    };
    world.idle = world.greeted = true;
    world.offset = 40;
    world.now = BF_US_PER_S;
    bf_ends_clear(&world.found);
    bf_session_init(&world.session, &port, 1);
    return 0;
}

static enum bf_status turn(struct bf_session_news news)
{
    struct bf_err err;
    world.now += 10000;
    return bf_session_turn(&world.session, &news, world.now, &err);
}

static void expect(const char *calls, enum bf_session_phase phase)
{
    assert_string_equal(world.calls, calls);
    assert_int_equal(world.session.phase, phase);
    memset(world.calls, 0, sizeof world.calls);
}

static const struct bf_session_news nothing = {.connected = false};
static const struct bf_session_news fresh = {.connected = true};
static const struct bf_session_news kept = {.connected = true, .session_kept = true};
static const struct bf_session_news subscribed = {.subscribed = true};
static const struct bf_session_news lost = {.lost = true, .reason = "gone"};
static const struct bf_session_news failed = {.failed = true, .reason = "bad password"};

static void run(struct bf_session_news connected)
{
    assert_int_equal(turn(nothing), BF_OK);
    expect("FCN", BF_SESSION_CONNECTING);
    assert_int_equal(turn(connected), BF_OK);
    expect("HEBS", BF_SESSION_SUBSCRIBE);
    assert_int_equal(turn(subscribed), BF_OK);
    expect("", BF_SESSION_RUNNING);
}

static void a_new_session_gets_a_new_epoch(void **state)
{
    (void)state;
    world.found =
        (struct bf_ends_found){.newest = 12, .has_epoch = true, .known = 12, .epoch = 3, .serial = 99};
    run(fresh);
    assert_int_equal(world.session.incarnation, 40);
    assert_int_equal(world.session.epoch, 40);
    assert_int_equal(world.session.serial, 0);
    assert_true(bf_session_may_tick(&world.session));
}

static void a_kept_session_goes_on(void **state)
{
    (void)state;
    world.found =
        (struct bf_ends_found){.newest = 12, .has_epoch = true, .known = 12, .epoch = 3, .serial = 99};
    run(kept);
    assert_int_equal(world.session.epoch, 3);
    assert_int_equal(world.session.serial, 99);
}

static void a_kept_session_without_a_trace_gets_an_epoch(void **state)
{
    (void)state;
    run(kept);
    assert_int_equal(world.session.epoch, 40);
    assert_int_equal(world.session.serial, 0);
}

static void a_newer_incarnation_ends_it(void **state)
{
    (void)state;
    world.found.newest = 41;
    (void)turn(nothing);
    assert_int_equal(turn(kept), BF_FATAL);
}

/* Who claimed after us may have connected before us: its hello, still on its way, would void all of ours. */
static void a_claim_behind_ours_makes_us_claim_anew(void **state)
{
    (void)state;
    world.found.claimed = 41;
    assert_int_equal(turn(nothing), BF_OK);
    expect("FCN", BF_SESSION_CONNECTING);
    assert_int_equal(turn(kept), BF_OK);
    expect("HED", BF_SESSION_OFF);
    assert_non_null(strstr(world.session.reason, "claimed"));
    assert_int_equal(turn(nothing), BF_OK);
    expect("FC", BF_SESSION_CONNECT);
}

static void each_step_waits_for_the_one_before(void **state)
{
    (void)state;
    world.idle = false;
    (void)turn(nothing);
    expect("", BF_SESSION_OFF); /* CONNECT would be held by the gate */
    world.idle = true;
    (void)turn(nothing);
    world.hello = BF_AGAIN;
    world.greeted = false;
    memset(world.calls, 0, sizeof world.calls);
    (void)turn(fresh);
    expect("H", BF_SESSION_HELLO);
    assert_false(bf_session_may_tick(&world.session));
    world.hello = BF_OK;
    (void)turn(nothing);
    (void)turn(nothing);
    expect("H", BF_SESSION_GREETING);
    world.greeted = true;
    world.ends = BF_AGAIN;
    (void)turn(nothing);
    (void)turn(nothing);
    expect("EE", BF_SESSION_ENDS);
    world.ends = BF_OK;
    world.begin = BF_AGAIN;
    (void)turn(nothing);
    expect("EB", BF_SESSION_BEGIN);
    world.begin = BF_OK;
    (void)turn(nothing);
    (void)turn(nothing);
    expect("BS", BF_SESSION_SUBSCRIBE); /* one SUBSCRIBE */
}

static void every_connection_is_a_start(void **state)
{
    (void)state;
    run(fresh);
    world.offset = 77;
    world.idle = false;
    (void)turn(lost);
    expect("D", BF_SESSION_OFF);
    assert_string_equal(world.session.reason, "gone");
    (void)turn(nothing);
    expect("", BF_SESSION_OFF);
    world.idle = true;
    (void)turn(nothing);
    expect("FC", BF_SESSION_CONNECT); /* backoff */
    assert_true(bf_session_may_tick(&world.session));
    /* A successor may have the session: a newer incarnation before our CONNECT ends its connection would void
     * what it still writes and acknowledges. */
    assert_int_equal(world.session.incarnation, 40);
    world.now += 30 * BF_US_PER_S;
    (void)turn(nothing);
    world.found =
        (struct bf_ends_found){.newest = 40, .has_epoch = true, .known = 40, .epoch = 40, .serial = 5};
    (void)turn(kept);
    expect("NHEBS", BF_SESSION_SUBSCRIBE);
    assert_int_equal(world.session.incarnation, 77);
    assert_int_equal(world.session.epoch, 40);
    assert_int_equal(world.session.serial, 5);
}

static void a_failed_attempt_keeps_its_claim(void **state)
{
    (void)state;
    int64_t waited_us = 0;
    (void)turn(nothing);
    for (int i = 0; i < 12; i++) {
        (void)turn(failed);
        assert_int_equal(world.session.phase, BF_SESSION_CONNECT);
        assert_string_equal(world.session.reason, "bad password");
        int64_t wait_us = world.session.not_before_us - world.now;
        assert_in_range((uint64_t)wait_us, 1, 30 * BF_US_PER_S);
        waited_us = wait_us;
        (void)turn(nothing);
        assert_int_equal(world.session.phase, BF_SESSION_CONNECT);
        world.now += wait_us;
        (void)turn(nothing);
        assert_int_equal(world.session.phase, BF_SESSION_CONNECTING);
    }
    assert_true(waited_us >= 15 * BF_US_PER_S);
    expect("FCNDNDNDNDNDNDNDNDNDNDNDNDN", BF_SESSION_CONNECTING);
}

static void a_claim_that_kafka_does_not_take_is_written_anew(void **state)
{
    (void)state;
    world.claim = BF_PEER;
    assert_int_equal(turn(nothing), BF_OK);
    expect("FC", BF_SESSION_OFF);
    assert_string_equal(world.session.reason, "no claim");
    world.idle = false; /* it is still on its way */
    (void)turn(nothing);
    expect("", BF_SESSION_OFF);
    world.claim = BF_FATAL;
    world.idle = true;
    assert_int_equal(turn(nothing), BF_FATAL);
}

static void ends_are_asked_for_again_after_a_pause(void **state)
{
    (void)state;
    (void)turn(nothing);
    world.ends = BF_PEER;
    (void)turn(fresh);
    (void)turn(nothing);
    expect("FCNHE", BF_SESSION_ENDS);
    world.ends = BF_OK;
    world.now += 2 * BF_US_PER_S;
    (void)turn(nothing);
    expect("EBS", BF_SESSION_SUBSCRIBE);
}

static void a_refused_subscription_starts_anew(void **state)
{
    (void)state;
    (void)turn(nothing);
    (void)turn(fresh);
    (void)turn((struct bf_session_news){.refused = true, .reason = "not authorised"});
    assert_string_equal(world.session.reason, "not authorised");
    expect("FCNHEBSDFC", BF_SESSION_CONNECT);
}

static void loss_at_any_phase_starts_anew(void **state)
{
    (void)state;
    (void)turn(nothing);
    world.greeted = false;
    (void)turn(fresh);
    assert_int_equal(world.session.phase, BF_SESSION_GREETING);
    world.idle = false;
    (void)turn(lost);
    assert_int_equal(world.session.phase, BF_SESSION_OFF);
    assert_int_equal(turn(subscribed), BF_OK); /* too late: it means nothing any more */
    assert_int_equal(world.session.phase, BF_SESSION_OFF);
}

static void a_restart_is_without_backoff(void **state)
{
    (void)state;
    run(fresh);
    bf_session_restart(&world.session, world.now, "changing");
    (void)turn(nothing);
    expect("DFCN", BF_SESSION_CONNECTING);
}

static void every_phase_has_a_name(void **state)
{
    (void)state;
    for (int phase = BF_SESSION_OFF; phase <= BF_SESSION_RUNNING; phase++) {
        assert_non_null(bf_session_phase_name((enum bf_session_phase)phase));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_new_session_gets_a_new_epoch, start),
        cmocka_unit_test_setup(a_kept_session_goes_on, start),
        cmocka_unit_test_setup(a_kept_session_without_a_trace_gets_an_epoch, start),
        cmocka_unit_test_setup(a_newer_incarnation_ends_it, start),
        cmocka_unit_test_setup(a_claim_behind_ours_makes_us_claim_anew, start),
        cmocka_unit_test_setup(each_step_waits_for_the_one_before, start),
        cmocka_unit_test_setup(every_connection_is_a_start, start),
        cmocka_unit_test_setup(a_failed_attempt_keeps_its_claim, start),
        cmocka_unit_test_setup(a_claim_that_kafka_does_not_take_is_written_anew, start),
        cmocka_unit_test_setup(ends_are_asked_for_again_after_a_pause, start),
        cmocka_unit_test_setup(a_refused_subscription_starts_anew, start),
        cmocka_unit_test_setup(loss_at_any_phase_starts_anew, start),
        cmocka_unit_test_setup(a_restart_is_without_backoff, start),
        cmocka_unit_test(every_phase_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
