/* The slewed clock: never back, small steps followed slowly, large ones not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/time.h"
#include "ingest/clock.h"

#define START (INT64_C(1700000000) * BF_US_PER_S)
#define STEP (10 * BF_US_PER_MS)
#define MAX_JUMP (10 * BF_US_PER_S)

struct world {
    struct bf_clock clock;
    int64_t real, monotonic, wall;
};

static struct world begin(void)
{
    struct world world = {.real = START, .monotonic = 5000};
    bf_clock_init(&world.clock, world.real, world.monotonic, MAX_JUMP);
    world.wall = bf_clock_wall(&world.clock, world.monotonic);
    assert_int_equal(world.wall, START);
    return world;
}

/* Time passes; the clock must not run back and not faster than a tenth above the pace of time. */
static void pass(struct world *world, int64_t span_us)
{
    for (int64_t end = world->monotonic + span_us; world->monotonic < end;) {
        world->monotonic += STEP;
        world->real += STEP;
        bf_clock_update(&world->clock, world->real, world->monotonic);
        int64_t wall = bf_clock_wall(&world->clock, world->monotonic);
        assert_in_range((uint64_t)(wall - world->wall), (uint64_t)(STEP - STEP / BF_CLOCK_SLEW),
                        (uint64_t)(STEP + STEP / BF_CLOCK_SLEW));
        world->wall = wall;
    }
}

static void follows_small_steps(void **state)
{
    (void)state;
    struct world world = begin();
    pass(&world, BF_US_PER_S);
    assert_int_equal(world.wall, world.real);
    world.real += 2 * BF_US_PER_S;
    pass(&world, BF_US_PER_S);
    assert_true(world.wall < world.real);
    pass(&world, 25 * BF_US_PER_S);
    assert_int_equal(world.wall, world.real);
    world.real -= 3 * BF_US_PER_S;
    pass(&world, 40 * BF_US_PER_S);
    assert_int_equal(world.wall, world.real);
    assert_int_equal(bf_clock_fault(&world.clock), BF_CLOCK_RIGHT);
}

static void does_not_follow_a_jump(void **state)
{
    (void)state;
    struct world world = begin();
    world.real += 3600 * BF_US_PER_S;
    pass(&world, BF_US_PER_S);
    assert_int_equal(bf_clock_fault(&world.clock), BF_CLOCK_JUMPED);
    assert_int_equal(world.wall, START + BF_US_PER_S); /* on by the monotonic clock */
    world.real -= 3600 * BF_US_PER_S;
    pass(&world, BF_US_PER_S);
    assert_int_equal(bf_clock_fault(&world.clock), BF_CLOCK_RIGHT);
    world.real -= 3600 * BF_US_PER_S;
    pass(&world, BF_US_PER_S);
    assert_int_equal(bf_clock_fault(&world.clock), BF_CLOCK_JUMPED);
}

static void goes_on_from_the_last_tick(void **state)
{
    (void)state;
    struct world world = begin();
    bf_clock_raise(&world.clock, START - BF_US_PER_S); /* the past says nothing */
    assert_int_equal(bf_clock_wall(&world.clock, world.monotonic), START);
    bf_clock_raise(&world.clock, START + 4 * BF_US_PER_S);
    world.wall = bf_clock_wall(&world.clock, world.monotonic);
    assert_int_equal(world.wall, START + 4 * BF_US_PER_S);
    assert_int_equal(bf_clock_fault(&world.clock), BF_CLOCK_RIGHT);
    pass(&world, 60 * BF_US_PER_S);
    assert_int_equal(world.wall, world.real);
}

static void stands_until_it_has_caught_up(void **state)
{
    (void)state;
    struct world world = begin();
    bf_clock_raise(&world.clock, START + 60 * BF_US_PER_S);
    assert_int_equal(bf_clock_fault(&world.clock), BF_CLOCK_BEHIND);
    pass(&world, 50 * BF_US_PER_S);
    assert_int_equal(bf_clock_fault(&world.clock), BF_CLOCK_BEHIND);
    while (bf_clock_fault(&world.clock) == BF_CLOCK_BEHIND) {
        world.monotonic += STEP;
        world.real += STEP;
        bf_clock_update(&world.clock, world.real, world.monotonic);
        assert_true(world.monotonic < 61 * BF_US_PER_S);
    }
    assert_true(bf_clock_wall(&world.clock, world.monotonic) >= START + 60 * BF_US_PER_S);
    assert_int_equal(bf_clock_fault(&world.clock), BF_CLOCK_RIGHT);
}

static void every_fault_has_its_sentence(void **state)
{
    (void)state;
    for (int fault = BF_CLOCK_RIGHT; fault <= BF_CLOCK_BEHIND; fault++) {
        assert_non_null(bf_clock_fault_text((enum bf_clock_fault)fault));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(follows_small_steps),          cmocka_unit_test(does_not_follow_a_jump),
        cmocka_unit_test(goes_on_from_the_last_tick),   cmocka_unit_test(stands_until_it_has_caught_up),
        cmocka_unit_test(every_fault_has_its_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
