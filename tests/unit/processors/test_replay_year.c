/* A year that slides by days, for 420 days, with late readings, through restarts at random points and a
 * reload: every final and every revision is the oracle's, and what is held are days, not readings. */
#define SECOND (3600 * BF_US_PER_S) /* an hour */
#define BASE (24000 * SECOND)
#define PANES_ORACLE
#define ORACLE_BEFORE (380 * 24 * SECOND)
#define ORACLE_BEHIND (440 * 24 * SECOND)
#define MORE_FIRST_KPIS                                                                               \
    DEFINITION_OVER("zone_year", "sum", by_zone, 1, false, 71, .pane_us = 24 * SECOND, .panes = 365), \
        DEFINITION_OVER("device_year", "count", by_device, 1, true, 72, .pane_us = 24 * SECOND,       \
                        .panes = 365),
#define MORE_SECOND_KPIS

#include "processors/stage2_task.h"
#include "tests/unit/processors/random_log.h"

#define DAYS 420

static void make_year(void)
{
    truth_count = 0;
    memset(log_len, 0, sizeof(log_len));
    memset(senders, 0, sizeof(senders));
    senders[0] = (struct sender){.incarnation = 10, .epoch = 10, .clock_us = BF_TIME_NONE};
    for (int p = 0; p < SOURCES; p++) {
        put_control(p, 1);
    }
    for (int hour = 0; hour < DAYS * 24; hour += 2) {
        int64_t now_us = BASE + hour * SECOND;
        for (int n = hour % 8 == 0 ? 2 : 0; n > 0; n--) {
            int truth = truth_count++;
            int64_t age_us = draw(8) == 0 ? (int64_t)draw(70) * SECOND : 0;
            truths[truth].device = (int)draw(DEVICES);
            truths[truth].event_us = now_us - age_us;
            put_reading(0, truth, ++senders[0].serial, false, 10, now_us);
        }
        senders[0].clock_us = now_us;
        for (int p = 0; p < SOURCES; p++) {
            put_tick(p, 0, now_us, false);
            if (hour == 24 * 200) {
                put_control(p, 2);
            }
        }
    }
}

/* The second generation is the first once more. */
static int make_same_plans(void **state)
{
    cities[1] = (struct bf_city){.kpis = first_kpis, .kpi_count = sizeof(first_kpis) / sizeof(first_kpis[0])};
    return make_plans(state);
}

static void a_year_slides(void **state)
{
    (void)state;
    seed = 12;
    make_year();
    check_log(5, false);
}

static void what_is_held_are_days(void **state)
{
    (void)state;
    struct list out[SOURCES], parts[PARTIALS], kpis;
    size_t most = 0;
    memset(out, 0, sizeof(out));
    memset(parts, 0, sizeof(parts));
    memset(&kpis, 0, sizeof(kpis));
    seed = 12;
    make_year();
    for (int p = 0; p < SOURCES; p++) {
        run_stage1(p, &out[p], false, 0);
    }
    interleave(out, parts);
    for (int q = 0; q < PARTIALS; q++) {
        struct bf_task_options options = task_options(q, &kpis, "s2");
        struct bf_stage2 *task;
        struct bf_err err;
        assert_int_equal(bf_stage2_create(&options, &task, &err), BF_OK);
        for (size_t i = 0; i < parts[q].count; i++) {
            const struct kept *one = &parts[q].items[i];
            const struct bf_input input = {.type = one->type,
                                           .offset = (int64_t)i,
                                           .value = {one->bytes, one->len},
                                           .origin = {one->origin, one->origin_len}};
            assert_int_equal(bf_stage2_apply(task, &input, &err), BF_OK);
            most = task->windows.shares.count > most ? task->windows.shares.count : most;
        }
        /* Two zones of at most 365 days and the lateness; the tumbling KPIs hold a handful. A cell of each of
         * the three partitions would be 2,000. */
        assert_true(task->windows.shares.count <= 2 * (365 + 3 * 8) + 40);
        bf_stage2_destroy(task);
    }
    assert_true(most > 300);
    for (int i = 0; i < SOURCES; i++) {
        list_free(&out[i]);
    }
    for (int q = 0; q < PARTIALS; q++) {
        list_free(&parts[q]);
    }
    list_free(&kpis);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_year_slides),
        cmocka_unit_test(what_is_held_are_days),
    };
    (void)make_log;
    return cmocka_run_group_tests(tests, make_same_plans, free_plans);
}
