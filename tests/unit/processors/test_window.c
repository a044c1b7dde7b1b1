/* The window table: limits, order, closing, dropping, and its bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "processors/window.h"
#include "tests/unit/processors/city.h"

static struct bf_windows table;
static uint32_t slot;
static char closed[1024];

static int fresh(void **state)
{
    (void)state;
    struct bf_err err;
    bf_windows_init(&table);
    closed[0] = '\0';
    return bf_windows_limit(&table, 6, 4, 1, 1 << 20, &err) == BF_OK &&
                   bf_windows_add_slot(&table, &plans[0]->kpis[0], 1, true, BF_TIME_NONE, &slot, &err) ==
                       BF_OK
               ? 0
               : -1;
}

static int gone(void **state)
{
    (void)state;
    bf_windows_deinit(&table);
    return 0;
}

static struct bf_window *data(const char *scope, int64_t start)
{
    struct bf_series *series = bf_windows_put_series(&table, slot, bf_slice_of(scope));
    const struct bf_pane pane = {.start_us = start * SECOND, .end_us = start * SECOND + WINDOW};
    struct bf_window *window = series == NULL ? NULL : bf_series_put_window(&table, series, &pane);
    return window != NULL && bf_window_cell(&table, window, 0) != NULL ? window : NULL;
}

static void note(void *context, uint32_t index, struct bf_series *series, struct bf_window *window,
                 const struct bf_pane *pane)
{
    char scope[BF_SCOPE_MAX];
    const struct bf_slice name = bf_series_scope(&table, series, scope);
    size_t len = strlen(closed);
    (void)context;
    assert_int_equal(index, slot);
    (void)snprintf(closed + len, sizeof closed - len, "%.*s%c%lld ", BF_SLICE_ARG(name),
                   window == NULL ? '-' : '+', (long long)(pane->start_us / SECOND));
}

static void series_and_windows_have_limits(void **state)
{
    (void)state;
    char scope[8] = "a";
    for (int i = 0; i < 4; i++) {
        scope[0] = (char)('a' + i);
        assert_non_null(data(scope, 1000));
    }
    assert_null(bf_windows_put_series(&table, slot, BF_SLICE("e")));
    assert_non_null(bf_windows_put_series(&table, slot, BF_SLICE("d"))); /* is there */
    assert_non_null(data("a", 1020));
    assert_non_null(data("a", 980));
    assert_null(data("a", 1040));
    assert_non_null(data("a", 1000));
    bf_windows_drop(&table, 2000 * SECOND);
    assert_int_equal(table.windows.live + table.series.live + table.shares.count + table.texts.live, 0);
    assert_non_null(data("e", 1040));
}

static void closing_follows_log_time_and_knows_silent_scopes(void **state)
{
    (void)state;
    (void)data("b", 1000);
    (void)data("a", 1000);
    (void)data("a", 1040);
    bf_windows_close(&table, 1023 * SECOND, note, NULL);
    assert_string_equal(closed, "");
    bf_windows_close(&table, 1024 * SECOND, note, NULL);
    assert_string_equal(closed, "b+1000 a+1000 ");
    closed[0] = '\0';
    bf_windows_close(&table, 5000 * SECOND, note, NULL); /* the lateness is 60 s */
    assert_string_equal(closed, "b-1020 a-1020 b-1040 a+1040 a-1060 a-1080 ");
    closed[0] = '\0';
    bf_windows_close(&table, 9000 * SECOND, note, NULL);
    assert_string_equal(closed, "");
}

static void marks_keep_their_order(void **state)
{
    (void)state;
    struct bf_window *a = data("a", 1000), *b = data("b", 1000), *c = data("c", 1000);
    bf_window_mark(&table, b);
    bf_window_mark(&table, a);
    bf_window_mark(&table, c);
    bf_window_mark(&table, b);
    assert_ptr_equal(bf_windows_at(&table, table.dirty_first), b);
    bf_window_clean(&table, a);
    bf_window_clean(&table, a);
    assert_ptr_equal(bf_windows_at(&table, b->dirty_next), c);
    bf_window_clean(&table, b);
    bf_window_clean(&table, c);
    assert_int_equal(table.dirty_first, 0);
    assert_int_equal(table.dirty_last, 0);
}

static void its_bytes_come_back_and_broken_ones_are_refused(void **state)
{
    (void)state;
    char bytes[4096], again[4096];
    struct bf_mp_writer out, second;
    struct bf_mp_reader in;
    struct bf_windows loaded;
    struct bf_err err;
    bf_window_mark(&table, data("a", 1000));
    bf_window_mark(&table, data("b", 1020));
    (void)data("a", 1040);
    bf_mp_writer_init(&out, bytes, sizeof bytes);
    bf_windows_save(&table, &out);
    bf_windows_init(&loaded);
    bf_mp_reader_init(&in, (struct bf_slice){bytes, out.len});
    assert_int_equal(bf_windows_load(&loaded, &in, find_plan, NULL, &err), BF_OK);
    assert_true(bf_mp_done(&in));
    bf_mp_writer_init(&second, again, sizeof again);
    bf_windows_save(&loaded, &second);
    assert_int_equal(out.len, second.len);
    assert_memory_equal(bytes, again, out.len);
    bf_windows_deinit(&loaded);
    for (size_t cut = 0; cut < out.len; cut++) {
        bf_windows_init(&loaded);
        bf_mp_reader_init(&in, (struct bf_slice){bytes, cut});
        assert_int_not_equal(bf_windows_load(&loaded, &in, find_plan, NULL, &err), BF_OK);
        bf_windows_deinit(&loaded);
    }
    for (size_t at = 0; at < out.len; at++) { /* any one byte wrong: survives, whatever it says */
        memcpy(again, bytes, out.len);
        again[at] = (char)(again[at] ^ 0x55);
        bf_windows_init(&loaded);
        bf_mp_reader_init(&in, (struct bf_slice){again, out.len});
        enum bf_status status = bf_windows_load(&loaded, &in, find_plan, NULL, &err);
        assert_true(status == BF_OK || status == BF_MALFORMED || status == BF_LIMIT || status == BF_FATAL ||
                    status == BF_AGAIN || status == BF_PEER);
        bf_windows_deinit(&loaded);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh, gone)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(series_and_windows_have_limits),
        TEST(closing_follows_log_time_and_knows_silent_scopes),
        TEST(marks_keep_their_order),
        TEST(its_bytes_come_back_and_broken_ones_are_refused),
    };
    return cmocka_run_group_tests(tests, make_plans, free_plans);
}
