/* What the ends of a log say of an ingest id: the rules alone; the reader is tested with a cluster. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ingest/ends.h"

static void nothing_is_known(void **state)
{
    (void)state;
    struct bf_ends_found found;
    bf_ends_clear(&found);
    assert_int_equal(found.newest, -1);
    assert_false(found.has_epoch);
    assert_int_equal(found.generation, 0);
    assert_int_equal(found.wall_us, BF_TIME_NONE);
}

static void the_newest_incarnation_that_had_an_epoch_wins(void **state)
{
    (void)state;
    struct bf_ends_found found;
    bf_ends_clear(&found);
    bf_ends_take_delivery(&found, &(struct bf_delivery){.incarnation = 5, .epoch = 5, .serial = 900});
    bf_ends_take_tick(&found,
                      &(struct bf_tick){.incarnation = 8, .has_epoch = true, .epoch = 5, .serial = 40});
    bf_ends_take_delivery(&found, &(struct bf_delivery){.incarnation = 8, .epoch = 5, .serial = 60});
    bf_ends_take_delivery(&found,
                          &(struct bf_delivery){.incarnation = 5, .epoch = 5, .serial = 999}); /* late */
    bf_ends_take_tick(&found, &(struct bf_tick){.incarnation = 9, .hello = true}); /* died before it knew */
    assert_int_equal(found.newest, 9);
    assert_int_equal(found.known, 8);
    assert_int_equal(found.epoch, 5);
    assert_int_equal(found.serial, 60);
}

static void the_newest_claim_is_kept(void **state)
{
    (void)state;
    struct bf_ends_found found;
    bf_ends_clear(&found);
    assert_int_equal(found.claimed, -1);
    bf_ends_take_claim(&found, 12);
    bf_ends_take_claim(&found, 11);
    assert_int_equal(found.claimed, 12);
    assert_int_equal(found.newest, -1); /* it may never connect */
}

static void a_new_epoch_within_an_incarnation_wins(void **state)
{
    (void)state;
    struct bf_ends_found found;
    bf_ends_clear(&found);
    bf_ends_take_tick(&found,
                      &(struct bf_tick){.incarnation = 8, .has_epoch = true, .epoch = 8, .serial = 2});
    bf_ends_take_tick(&found,
                      &(struct bf_tick){.incarnation = 8, .has_epoch = true, .epoch = 5, .serial = 500});
    assert_int_equal(found.epoch, 8);
    assert_int_equal(found.serial, 2);
}

static void the_generation_is_that_of_the_last_tick(void **state)
{
    (void)state;
    struct bf_ends_found found;
    bf_ends_clear(&found);
    bf_ends_take_tick(&found, &(struct bf_tick){.incarnation = 4, .generation = 3, .wall_us = 100});
    bf_ends_take_tick(&found, &(struct bf_tick){.incarnation = 6, .generation = 2, .wall_us = 90});
    bf_ends_take_tick(&found, &(struct bf_tick){.incarnation = 6, .generation = 1, .wall_us = 80});
    bf_ends_take_tick(&found,
                      &(struct bf_tick){.incarnation = 7, .generation = 0, .wall_us = 95, .hello = true});
    assert_int_equal(found.generation, 2);
    assert_int_equal(found.wall_us, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_known),
        cmocka_unit_test(the_newest_incarnation_that_had_an_epoch_wins),
        cmocka_unit_test(the_newest_claim_is_kept),
        cmocka_unit_test(a_new_epoch_within_an_incarnation_wins),
        cmocka_unit_test(the_generation_is_that_of_the_last_tick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
