/* Sessions and counts in the window table: what a reading extends, joins, cuts and is refused by. (The whole
 * of it against an oracle: test_replay_sessions.c.) */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define MORE_FIRST_KPIS                                                                            \
    DEFINITION_OVER("trip", "sum", by_device, 1, true, 51, .kind = BF_WINDOW_SESSION, .panes = 1,  \
                    .gap_us = 10 * SECOND, .longest_us = 60 * SECOND),                             \
        DEFINITION_OVER("row", "sum", by_device, 1, true, 52, .kind = BF_WINDOW_COUNT, .panes = 3, \
                        .readings = 2),
#define MORE_SECOND_KPIS

#include "processors/session.h"
#include "tests/unit/processors/city.h"

static struct bf_windows table;
static uint32_t trip, row;
static char text[1024];

static int fresh(void **state)
{
    (void)state;
    struct bf_err err;
    bf_windows_init(&table);
    return bf_windows_limit(&table, 20, 4, 1, 1 << 20, &err) == BF_OK &&
                   bf_windows_add_slot(&table, &plans[0]->kpis[3], 1, true, BF_TIME_NONE, &trip, &err) ==
                       BF_OK &&
                   bf_windows_add_slot(&table, &plans[0]->kpis[4], 1, true, BF_TIME_NONE, &row, &err) == BF_OK
               ? 0
               : -1;
}

static int gone(void **state)
{
    (void)state;
    bf_windows_deinit(&table);
    return 0;
}

static struct bf_series *series_of(uint32_t slot)
{
    struct bf_series *series = bf_windows_put_series(&table, slot, BF_SLICE("device.a"));
    assert_non_null(series);
    return series;
}

static struct bf_window *take(uint32_t slot, int64_t at)
{
    struct bf_window *window = bf_series_take(&table, series_of(slot), at * SECOND);
    assert_non_null(window);
    struct bf_cell *cell = bf_window_cell(&table, window, 0);
    assert_non_null(cell);
    cell->n++;
    return window;
}

/* "100-110:1 ", newest first, closed ones in brackets: "[100-110:1] ". */
static const char *list(uint32_t slot)
{
    size_t len = 0;
    text[0] = '\0';
    for (uint32_t w = series_of(slot)->newest; w != 0; w = bf_windows_at(&table, w)->older) {
        struct bf_window *window = bf_windows_at(&table, w);
        bool closed = window->flags & BF_WINDOW_SEALED;
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%lld-%lld:%llu%s ", closed ? "[" : "",
                                (long long)(window->start_us / SECOND), (long long)(window->end_us / SECOND),
                                (unsigned long long)bf_window_cell(&table, window, 0)->n, closed ? "]" : "");
    }
    return text;
}

static void seal(void *context, uint32_t slot, struct bf_series *series, struct bf_window *window,
                 const struct bf_pane *pane)
{
    (void)slot;
    (void)series;
    assert_int_equal(window->start_us, pane->start_us);
    (*(int *)context)++;
}

static int close_at(int64_t at)
{
    int count = 0;
    bf_windows_close(&table, at * SECOND, seal, &count);
    return count;
}

static void readings_extend_and_join(void **state)
{
    (void)state;
    take(trip, 100);
    take(trip, 109);
    assert_string_equal(list(trip), "100-119:2 ");
    take(trip, 119); /* a silence as long as the gap */
    assert_string_equal(list(trip), "119-129:1 100-119:2 ");
    take(trip, 118); /* lies in the first and touches the second */
    assert_string_equal(list(trip), "100-129:4 ");
    take(trip, 95); /* in front of it */
    assert_string_equal(list(trip), "95-129:5 ");
    take(trip, 85);
    assert_string_equal(list(trip), "95-129:5 85-95:1 ");
}

static void a_long_session_is_cut(void **state)
{
    (void)state;
    for (int64_t at = 100; at <= 160; at += 5) {
        take(trip, at);
    }
    assert_string_equal(list(trip), "160-170:1 100-160:12 ");
    take(trip, 159); /* joins nothing: it would be too long */
    assert_string_equal(list(trip), "160-170:1 100-160:13 ");
    take(trip, 99); /* would make it too long as well */
    assert_string_equal(list(trip), "160-170:1 100-160:13 99-100:1 ");
}

static void what_is_closed_stays(void **state)
{
    (void)state;
    take(trip, 100);
    take(trip, 115);
    assert_int_equal(close_at(113), 0); /* the delay is 4 s */
    assert_int_equal(close_at(114), 1);
    assert_string_equal(list(trip), "115-125:1 [100-110:1] ");
    take(trip, 109);
    take(trip, 92);
    assert_string_equal(list(trip), "115-125:1 [100-110:3] ");
    take(trip, 111); /* in front of the open one */
    assert_string_equal(list(trip), "111-125:2 [100-110:3] ");
    assert_int_equal(close_at(500), 1);
    assert_false(bf_series_refuses(&table, series_of(trip), 105 * SECOND, 173 * SECOND));
    bf_windows_drop(&table, 173 * SECOND);
    assert_string_equal(list(trip), "[111-125:2] [100-110:3] ");
    bf_windows_drop(&table, 174 * SECOND); /* the lateness is 60 s */
    assert_string_equal(list(trip), "[111-125:2] ");
    assert_true(bf_series_refuses(&table, series_of(trip), 90 * SECOND, 174 * SECOND));
    assert_false(bf_series_refuses(&table, series_of(trip), 101 * SECOND, 174 * SECOND));
    bf_windows_drop(&table, 900 * SECOND);
    assert_int_equal(table.windows.live, 0);
}

static void counts_are_full_rows(void **state)
{
    (void)state;
    const struct bf_slot *slot = &table.slots[row];
    for (int64_t at = 100; at < 110; at++) {
        struct bf_window *window = take(row, at == 104 ? 50 : at); /* one is out of order */
        const struct bf_cell *cell = bf_window_cell(&table, window, 0);
        assert_int_equal(bf_count_is_full(slot, cell), at % 2 == 1);
        if (bf_count_is_full(slot, cell)) {
            window->flags |= BF_WINDOW_SEALED;
            assert_int_equal(bf_count_ends(&table, slot, window), at >= 105);
            bf_count_trim(&table, series_of(row));
        }
    }
    struct bf_series *series = series_of(row);
    assert_int_equal(series->windows, 2); /* the next window needs no more */
    assert_true(bf_windows_at(&table, series->newest)->start_us == 108 * SECOND);
    bf_windows_drop(&table, 173 * SECOND);
    assert_int_equal(series->windows, 2);
    bf_windows_drop(&table, 174 * SECOND);
    assert_int_equal(table.windows.live, 0);
}

static void limits_are_limits(void **state)
{
    (void)state;
    for (int64_t i = 0; i < 20; i++) {
        take(trip, 100 + 20 * i);
    }
    assert_null(bf_series_take(&table, series_of(trip), 1000 * SECOND));
    assert_non_null(bf_series_take(&table, series_of(trip), 101 * SECOND)); /* is there */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh, gone)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(readings_extend_and_join), TEST(a_long_session_is_cut), TEST(what_is_closed_stays),
        TEST(counts_are_full_rows),     TEST(limits_are_limits),
    };
    (void)keep;
    (void)task_options;
    return cmocka_run_group_tests(tests, make_plans, free_plans);
}
