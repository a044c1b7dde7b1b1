/* The laws of the family of sinks, over every entry of its table: a unique name, a summary that is a
 * sentence, every function there, and no connection before it is asked for one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sinks/sink.h"

static void names_are_unique_and_found(void **state)
{
    const struct bf_sink *const *all = bf_sinks();
    (void)state;
    assert_non_null(all[0]);
    for (size_t i = 0; all[i]; i++) {
        assert_ptr_equal(bf_sink_find(bf_slice_of(all[i]->name)), all[i]);
        assert_int_equal(strspn(all[i]->name, "abcdefghijklmnopqrstuvwxyz_"), strlen(all[i]->name));
    }
    assert_null(bf_sink_find(BF_SLICE("no such sink")));
    assert_null(bf_sink_find(BF_SLICE("")));
}

static void summaries_are_sentences(void **state)
{
    (void)state;
    for (const struct bf_sink *const *sink = bf_sinks(); *sink; sink++) {
        const char *summary = (*sink)->summary;
        assert_in_range(summary[0], 'A', 'Z');
        assert_int_equal(summary[strlen(summary) - 1], '.');
    }
}

static void without_sync_nothing_is_written(void **state)
{
    static struct bf_counters counters;
    static struct bf_site site = {.redis = {.url = "redis://127.0.0.1:1", .timeout_us = 100000},
                                  .sink = {.batch = 10, .history = 10}};
    struct bf_sink_options options = {
        .site = &site, .install = BF_SLICE("00000000000000aa"), .partitions = 2, .counters = &counters};
    (void)state;
    for (const struct bf_sink *const *sink = bf_sinks(); *sink; sink++) {
        void *self = NULL;
        struct bf_err err = {0};
        int64_t positions[2], clock_us = 0;
        struct bf_sink_batch batch = {.expected = BF_SINK_NO_POSITION, .next = 1};
        struct bf_sink_beat beat = {.wall_us = 1};
        memset(&counters, 0, sizeof counters);
        assert_int_equal((*sink)->open(&options, &self, &err), BF_OK);
        assert_int_equal((*sink)->write(self, &batch, &err), BF_AGAIN);
        assert_int_equal((*sink)->flush(self, &err), BF_AGAIN);
        assert_int_equal((*sink)->beat(self, &beat, &err), BF_AGAIN);
        assert_int_equal((*sink)->sync(self, positions, &clock_us, &err), BF_PEER); /* nobody is there */
        assert_true(err.message[0]);
        (*sink)->close(self);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_unique_and_found),
        cmocka_unit_test(summaries_are_sentences),
        cmocka_unit_test(without_sync_nothing_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
