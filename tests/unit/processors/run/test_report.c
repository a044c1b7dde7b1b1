/* What /metrics says of the tasks of a process. The tasks, and whether Kafka answers, are told (the linker's
 * --wrap), so that every figure can be another one.
 * Covers: processors/run/report.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/time.h"
#include "processors/run/state.h"

#define TASKS 3 /* two of stage 1, one of stage 2 */

static struct bf_task_status told[TASKS];
static struct bf_counters counters;
static struct bf_health health;
static struct bf_running tasks[TASKS];
static struct bf_process process;
static int64_t tail_clocks[2];
static const struct bf_install install = {.readings = 2, .partials = 1};

struct bf_task_status __wrap_bf_stage1_status(const struct bf_stage1 *task);
struct bf_task_status __wrap_bf_stage2_status(const struct bf_stage2 *task);
struct bf_task_counters __wrap_bf_stage1_counters(const struct bf_stage1 *task);
int64_t __wrap_bf_stage2_source_clock(const struct bf_stage2 *task, int32_t source);
bool __wrap_bf_producer_connected(const struct bf_producer *producer);

/* A told task's address is that of what it says. */
struct bf_task_status __wrap_bf_stage1_status(const struct bf_stage1 *task)
{
    return *(const struct bf_task_status *)(const void *)task;
}

struct bf_task_status __wrap_bf_stage2_status(const struct bf_stage2 *task)
{
    return *(const struct bf_task_status *)(const void *)task;
}

struct bf_task_counters __wrap_bf_stage1_counters(const struct bf_stage1 *task)
{
    (void)task;
    return (struct bf_task_counters){.readings = 10, .accepted = 7, .late = 3};
}

int64_t __wrap_bf_stage2_source_clock(const struct bf_stage2 *task, int32_t source)
{
    (void)task, (void)source;
    return BF_TIME_NONE;
}

bool __wrap_bf_producer_connected(const struct bf_producer *producer)
{
    (void)producer;
    return true;
}

static int64_t reads(const char *name)
{
    for (size_t i = 0; i < counters.used; i++) {
        if (strcmp(counters.series[i].name, name) == 0 && counters.series[i].label == NULL) {
            return bf_counter_read(&counters.series[i]);
        }
    }
    fail_msg("nothing of the name %s", name);
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    memset(told, 0, sizeof told);
    memset(&counters, 0, sizeof counters);
    bf_health_init(&health);
    process = (struct bf_process){.install = &install,
                                  .health = &health,
                                  .tasks = tasks,
                                  .task_count = TASKS,
                                  .tail_clocks = tail_clocks};
    for (size_t i = 0; i < TASKS; i++) {
        const bool first = i < (size_t)install.readings;
        tasks[i] = (struct bf_running){.used = true,
                                       .stage1 = first ? (struct bf_stage1 *)(void *)&told[i] : NULL,
                                       .stage2 = first ? NULL : (struct bf_stage2 *)(void *)&told[i]};
    }
    bf__process_register(&process, &counters);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    bf_health_deinit(&health);
    return 0;
}

static void what_the_tasks_hold_is_added_up(void **state)
{
    (void)state;
    told[0] = (struct bf_task_status){.bytes = 1000, .windows = 1, .series = 10, .sources = 100};
    told[1] = (struct bf_task_status){.bytes = 2000, .windows = 2, .series = 20, .sources = 200};
    told[2] = (struct bf_task_status){.bytes = 4000, .windows = 4, .series = 40, .waiting = 5};
    bf__process_report(&process);
    assert_int_equal(reads("belfry_tasks"), 3);
    assert_int_equal(reads("belfry_state_bytes"), 7000);
    assert_int_equal(reads("belfry_windows"), 7);
    assert_int_equal(reads("belfry_series"), 70);
    assert_int_equal(reads("belfry_sources"), 300);
    assert_int_equal(reads("belfry_partials_waiting"), 5);
}

static void a_task_that_is_gone_holds_nothing(void **state)
{
    (void)state;
    told[0] = (struct bf_task_status){.bytes = 1000, .sources = 100};
    told[1] = (struct bf_task_status){.bytes = 2000, .sources = 200};
    bf__process_report(&process);
    tasks[1].used = false;
    bf__process_report(&process);
    assert_int_equal(reads("belfry_tasks"), 2);
    assert_int_equal(reads("belfry_state_bytes"), 1000);
    assert_int_equal(reads("belfry_sources"), 100);
}

static void what_is_unreadable_is_foreign_only_at_stage_2(void **state)
{
    (void)state;
    told[0] = (struct bf_task_status){.malformed = 1, .generation = 4};
    told[2] = (struct bf_task_status){.malformed = 2, .foreign = 3, .generation = 3};
    bf__process_report(&process);
    assert_int_equal(reads("belfry_partials_foreign"), 5);
    assert_int_equal(reads("belfry_config_generation"), 4);
}

static void the_slowest_source_is_named(void **state)
{
    char text[300];
    (void)state;
    told[0].clock_us = 100 * BF_US_PER_S;
    told[1].clock_us = 200 * BF_US_PER_S;
    bf__process_report(&process);
    assert_int_equal(reads("belfry_slowest_clock_us"), 100 * BF_US_PER_S);
    assert_int_equal(bf_health_summary(&health, text, sizeof text), BF_HEALTH_DEGRADED);
    assert_non_null(strstr(text, "partition 0 of belfry.readings stands"));
    told[0].clock_us = 199 * BF_US_PER_S;
    bf__process_report(&process);
    assert_int_equal(bf_health_summary(&health, text, sizeof text), BF_HEALTH_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_the_tasks_hold_is_added_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_task_that_is_gone_holds_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_unreadable_is_foreign_only_at_stage_2, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_slowest_source_is_named, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
