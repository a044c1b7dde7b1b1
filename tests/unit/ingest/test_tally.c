/* What belfry-ingest counts: every slot has its series, each series its own slot, and a reject counts under
 * its reason and no other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "ingest/tally.h"

static const char *const reasons[] = {
#define X(name, stage, text) #name,
#include "core/reasons.def"
#undef X
};
#define REASONS (sizeof reasons / sizeof *reasons)

static struct bf_counters counters;
static struct bf_tally tally;

static int begin(void **state)
{
    (void)state;
    memset(&counters, 0, sizeof counters);
    memset(&tally, 0, sizeof tally);
    bf_tally_register(&tally, &counters);
    return 0;
}

static void every_slot_has_a_series_of_its_own(void **state)
{
    (void)state;
    struct bf_counter *slots[offsetof(struct bf_tally, rejects) / sizeof(struct bf_counter *) + REASONS];
    size_t count = sizeof slots / sizeof *slots;
    memcpy(slots, &tally, sizeof slots);
    assert_int_equal(counters.used, count);
    for (size_t i = 0; i < count; i++) {
        assert_non_null(slots[i]);
        assert_int_equal(strncmp(slots[i]->name, "belfry_", 7), 0);
        for (size_t j = 0; j < i; j++) {
            assert_ptr_not_equal(slots[i], slots[j]);
        }
    }
}

static void names_say_what_is_a_counter(void **state)
{
    (void)state;
    for (size_t i = 0; i < counters.used; i++) {
        const struct bf_counter *series = &counters.series[i];
        size_t len = strlen(series->name);
        bool total = len > 6 && strcmp(series->name + len - 6, "_total") == 0;
        assert_int_equal(total, series->kind == BF_COUNTER);
        assert_true(strlen(series->help) > 0);
    }
}

static void a_reject_counts_under_its_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < REASONS; i++) {
        bf_tally_reject(&tally, bf_slice_of(reasons[i]));
        for (size_t j = 0; j < REASONS; j++) {
            assert_string_equal(tally.rejects[j]->value, reasons[j]);
            assert_int_equal(bf_counter_read(tally.rejects[j]), j <= i);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_slot_has_a_series_of_its_own, begin),
        cmocka_unit_test_setup(names_say_what_is_a_counter, begin),
        cmocka_unit_test_setup(a_reject_counts_under_its_reason, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
