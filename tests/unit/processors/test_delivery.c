/* What a partition remembers of deliveries, and of content.
 * Covers: processors/delivery.c, processors/content.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "processors/content.h"
#include "processors/delivery.h"

static struct bf_deliveries *memory;

static int fresh(void **state)
{
    (void)state;
    memory = bf_deliveries_create();
    return memory == NULL ? -1 : 0;
}

static int gone(void **state)
{
    (void)state;
    bf_deliveries_destroy(memory);
    return 0;
}

static bool seen(int64_t serial, bool dup, uint64_t hash, uint32_t index)
{
    const struct bf_delivery delivery = {
        .epoch = 1, .serial = serial, .packet_id = 1, .dup = dup, .payload_hash = hash, .index = index};
    return bf_deliveries_seen(memory, &delivery);
}

static void only_a_redelivery_of_what_was_seen_is_dropped(void **state)
{
    (void)state;
    assert_false(seen(10, true, 7, 0)); /* DUP alone says nothing */
    assert_true(seen(10, true, 7, 0));
    assert_false(seen(10, false, 7, 0)); /* not marked: counts */
    assert_false(seen(10, true, 7, 3));  /* its other readings were not there yet */
    assert_true(seen(10, true, 7, 2));
    assert_true(seen(10, true, 7, 3));
    assert_false(seen(10, true, 8, 0)); /* another payload */
}

static void it_reaches_32768_serials_back(void **state)
{
    (void)state;
    assert_false(seen(1, false, 7, 0));
    assert_false(seen(2, false, 7, 0));
    bf_deliveries_advance(memory, 1, BF_DELIVERIES + 1);
    assert_false(seen(1, true, 7, 0));
    assert_true(seen(2, true, 7, 0));
    assert_false(seen(2 + BF_DELIVERIES, false, 9, 0)); /* takes the slot */
    assert_false(seen(2, true, 7, 0));
    assert_true(seen(2 + BF_DELIVERIES, true, 9, 0));
}

/* Devices without a time of their own send the same bytes again and again. */
static void the_same_payload_a_round_later_is_another_message(void **state)
{
    (void)state;
    assert_false(seen(3, false, 7, 0));
    bf_deliveries_advance(memory, 1, 3 + BF_DELIVERIES);
    assert_false(seen(3 + BF_DELIVERIES, true, 7, 0)); /* in flight, never read */
    assert_true(seen(3 + BF_DELIVERIES, true, 7, 0));
}

static void a_new_epoch_forgets(void **state)
{
    (void)state;
    assert_false(seen(5, false, 7, 0));
    bf_deliveries_advance(memory, 2, 5);
    const struct bf_delivery again = {
        .epoch = 2, .serial = 5, .packet_id = 1, .dup = true, .payload_hash = 7};
    assert_false(bf_deliveries_seen(memory, &again));
    assert_true(bf_deliveries_seen(memory, &again));
}

static void what_has_no_packet_id_is_not_remembered(void **state)
{
    (void)state;
    const struct bf_delivery once = {.epoch = 1, .serial = 5, .packet_id = 0, .dup = true, .payload_hash = 7};
    assert_false(bf_deliveries_seen(memory, &once));
    assert_false(bf_deliveries_seen(memory, &once));
}

static void hostile_serials_are_survived(void **state)
{
    (void)state;
    assert_false(seen(INT64_MIN, true, 1, 0));
    assert_false(seen(INT64_MAX, true, 1, 0));
    assert_false(seen(-5, true, 1, 0));
    assert_false(seen(INT64_MAX, true, 1, UINT32_MAX));
    assert_true(seen(INT64_MAX, true, 1, 0));
}

static void save_and_load_change_nothing(void **state)
{
    (void)state;
    char *bytes = malloc(1 << 20), *again = malloc(1 << 20);
    struct bf_mp_writer out, second;
    struct bf_mp_reader in;
    for (int64_t i = 0; i < 40000; i += 3) {
        (void)seen(i, false, (uint64_t)i * 31, (uint32_t)(i % 5));
    }
    bf_mp_writer_init(&out, bytes, 1 << 20);
    bf_deliveries_save(memory, &out);
    assert_false(out.full);
    struct bf_deliveries *loaded = bf_deliveries_create();
    bf_mp_reader_init(&in, (struct bf_slice){bytes, out.len});
    assert_int_equal(bf_deliveries_load(loaded, &in), BF_OK);
    bf_mp_writer_init(&second, again, 1 << 20);
    bf_deliveries_save(loaded, &second);
    assert_int_equal(out.len, second.len);
    assert_memory_equal(bytes, again, out.len);
    bf_deliveries_destroy(memory);
    memory = loaded;
    assert_true(seen(39999, true, UINT64_C(39999) * 31, 39999 % 5));
    assert_false(seen(3, true, 93, 0));
    bf_mp_reader_init(&in, (struct bf_slice){bytes, out.len - 1});
    loaded = bf_deliveries_create();
    assert_int_equal(bf_deliveries_load(loaded, &in), BF_MALFORMED);
    bf_deliveries_destroy(loaded);
    free(bytes);
    free(again);
}

static void content_is_forgotten_oldest_first(void **state)
{
    (void)state;
    struct bf_contents *contents = bf_contents_create();
    assert_non_null(contents);
    for (uint64_t i = 0; i < BF_CONTENTS; i++) {
        assert_false(bf_contents_seen(contents, i << 16)); /* many share a chain */
    }
    assert_true(bf_contents_seen(contents, 0));
    assert_false(bf_contents_seen(contents, 1)); /* pushes out the oldest */
    assert_true(bf_contents_seen(contents, UINT64_C(1) << 16));
    assert_false(bf_contents_seen(contents, 0));
    char *bytes = malloc(1 << 20);
    struct bf_mp_writer out;
    struct bf_mp_reader in;
    bf_mp_writer_init(&out, bytes, 1 << 20);
    bf_contents_save(contents, &out);
    bf_contents_destroy(contents);
    contents = bf_contents_create();
    bf_mp_reader_init(&in, (struct bf_slice){bytes, out.len});
    assert_int_equal(bf_contents_load(contents, &in), BF_OK);
    assert_true(bf_contents_seen(contents, 0));
    assert_false(bf_contents_seen(contents, 2));
    assert_false(bf_contents_seen(contents, UINT64_C(2) << 16)); /* was the oldest */
    bf_contents_destroy(contents);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(only_a_redelivery_of_what_was_seen_is_dropped, fresh, gone),
        cmocka_unit_test_setup_teardown(it_reaches_32768_serials_back, fresh, gone),
        cmocka_unit_test_setup_teardown(the_same_payload_a_round_later_is_another_message, fresh, gone),
        cmocka_unit_test_setup_teardown(a_new_epoch_forgets, fresh, gone),
        cmocka_unit_test_setup_teardown(what_has_no_packet_id_is_not_remembered, fresh, gone),
        cmocka_unit_test_setup_teardown(hostile_serials_are_survived, fresh, gone),
        cmocka_unit_test_setup_teardown(save_and_load_change_nothing, fresh, gone),
        cmocka_unit_test(content_is_forgotten_oldest_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
