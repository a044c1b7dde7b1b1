/* test_message.c: the first refusal counts, parts are kept up to a bound and counted beyond it,
 * details are cut. */
#include "kit.h"

#include "ingest/decode/message.h"

static void test_refusal(void **unused)
{
    (void)unused;
    static struct bf_message message;
    bf_message_refuse(&message, BF_REJECT_depth, "at byte %d", 7);
    bf_message_refuse(&message, BF_REJECT_malformed, "later");
    assert_int_equal(message.refusal.reason, BF_REJECT_depth);
    assert_string_equal(message.refusal.detail, "at byte 7");
}

static void test_parts(void **unused)
{
    (void)unused;
    static struct bf_message message;
    for (int i = 0; i < 100; i++) {
        bf_message_reject(&message, BF_REJECT_bad_type, "%0200d", i);
    }
    assert_int_equal(message.fault_count, 100);
    for (size_t i = 0; i < BF_PIPELINE_REJECTS; i++) {
        assert_int_equal(message.faults[i].reason, BF_REJECT_bad_type);
        assert_int_equal(strlen(message.faults[i].detail), BF_DETAIL_MAX - 1);
    }
    assert_int_equal(message.refusal.reason, BF_REJECT_none);
}

static void test_fields(void **unused)
{
    (void)unused;
    static struct bf_message message;
    const struct bf_plan plan = {.want_count = 3};
    message.plan = &plan;
    message.arena = bf_arena_create(1024);
    assert_true(bf_message_fields(&message));
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(message.fields[i].kind, BF_FIELD_MISSING);
    }
    assert_non_null(bf_arena_alloc(message.arena, 720));
    assert_true(bf_message_fields(&message)); /* an inner format adds to what the outer one has */
    message.fields = NULL;
    assert_false(bf_message_fields(&message));
    assert_int_equal(message.refusal.reason, BF_REJECT_arena);
    bf_arena_destroy(message.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_refusal), cmocka_unit_test(test_parts),
                                       cmocka_unit_test(test_fields)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
