/* Stage 2 at its edges: sealing, late partials, foreign records, sources that disagree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/processors/city.h"

static struct bf_stage2 *task;
static struct list outputs;
static int64_t offset, origins[SOURCES];

static int fresh(void **state)
{
    (void)state;
    struct bf_err err;
    struct bf_task_options options = task_options(0, &outputs, "s2");
    offset = 0;
    memset(origins, 0, sizeof origins);
    plans_there = true;
    return bf_stage2_create(&options, &task, &err) == BF_OK ? 0 : -1;
}

static int gone(void **state)
{
    (void)state;
    bf_stage2_destroy(task);
    list_free(&outputs);
    return 0;
}

static enum bf_status apply(enum bf_record_type type, const char *writer_task, int64_t at,
                            const struct bf_mp_writer *value)
{
    char bytes[128];
    struct bf_mp_writer writer;
    struct bf_err err;
    const struct bf_origin origin = {.task = bf_slice_of(writer_task), .offset = at, .index = 0};
    bf_mp_writer_init(&writer, bytes, sizeof bytes);
    bf_origin_pack(&origin, &writer);
    const struct bf_input input = {
        .type = type, .offset = offset, .value = {value->data, value->len}, .origin = {bytes, writer.len}};
    outputs.offset = offset++;
    return bf_stage2_apply(task, &input, &err);
}

static const char *task_of(int32_t source)
{
    static const char *const names[] = {"00000000000000aa/s1/0", "00000000000000aa/s1/1",
                                        "00000000000000aa/s1/2"};
    return names[source];
}

static void tick(int32_t source, int64_t second)
{
    char bytes[256];
    struct bf_mp_writer writer;
    const struct bf_task_tick record = {.source = source, .clock_us = second * SECOND, .generation = 1};
    bf_mp_writer_init(&writer, bytes, sizeof bytes);
    bf_task_tick_pack(&record, &writer);
    assert_int_equal(apply(BF_RECORD_TASK_TICK, task_of(source), ++origins[source], &writer), BF_OK);
}

static void tick_all(int64_t second)
{
    for (int32_t i = 0; i < SOURCES; i++) {
        tick(i, second);
    }
}

/* A partial of the zone's sum (generation 1) or maximum (2), of one reading with this value. */
static enum bf_status partial(int32_t source, int64_t generation, int64_t start, int64_t stamp, double value)
{
    const struct bf_kpi_plan_item *kpi = &plans[generation - 1]->kpis[0];
    char bytes[512], state[256];
    struct bf_mp_writer writer, saved;
    union bf_cell_room room;
    const struct bf_sample sample = {.value = value, .event_us = start * SECOND};
    bf_cell_init(&room.cell, kpi->aggregate, &kpi->definition->options);
    kpi->aggregate->add(bf_cell_state(&room.cell), &sample, &kpi->definition->options);
    bf_mp_writer_init(&saved, state, sizeof state);
    bf_cell_pack_state(&room.cell, kpi->aggregate, &saved);
    const struct bf_partial record = {.kpi = kpi->definition->id,
                                      .scope = BF_SLICE("zone.north"),
                                      .start_us = start * SECOND,
                                      .end_us = start * SECOND + WINDOW,
                                      .source = source,
                                      .stamp_us = stamp * SECOND,
                                      .definition = kpi->definition->hash,
                                      .generation = generation,
                                      .n = 1,
                                      .min = value,
                                      .max = value,
                                      .state = {saved.data, saved.len}};
    bf_mp_writer_init(&writer, bytes, sizeof bytes);
    bf_partial_pack(&record, &writer);
    return apply(BF_RECORD_PARTIAL, task_of(source), ++origins[source], &writer);
}

static size_t finals(struct bf_kpi *found, size_t size)
{
    size_t count = 0;
    for (size_t i = 0; i < outputs.count; i++) {
        struct bf_kpi kpi;
        struct bf_err err;
        if (outputs.items[i].type == BF_RECORD_KPI) {
            const struct bf_slice bytes = {outputs.items[i].bytes, outputs.items[i].len};
            assert_int_equal(bf_kpi_unpack(bytes, &kpi, &err), BF_OK);
            if (kpi.phase == BF_KPI_FINAL && count < size) {
                found[count++] = kpi;
            }
        }
    }
    return count;
}

static void a_window_is_sealed_when_every_source_has_passed(void **state)
{
    (void)state;
    struct bf_kpi found[4];
    assert_int_equal(partial(0, 1, 1000, 1010, 1), BF_OK);
    assert_int_equal(partial(1, 1, 1000, 1010, 2), BF_OK);
    assert_int_equal(partial(0, 1, 1000, 1020, 10), BF_OK); /* replaces its older one */
    tick(0, 1030);
    tick(1, 1030);
    assert_int_equal(finals(found, 4), 0); /* source 2 has not been heard */
    tick(2, 1023);
    assert_int_equal(finals(found, 4), 0);
    tick(2, 1024);
    assert_int_equal(finals(found, 4), 1);
    assert_true(found[0].value == 12 && found[0].revision == 0 && found[0].quality == BF_QUALITY_GOOD);
    assert_int_equal(bf_stage2_status(task).clock_us, 1024 * SECOND);
    assert_int_equal(bf_stage2_source_clock(task, 0), 1030 * SECOND);
}

static void late_partials_wait_until_every_clock_is_greater(void **state)
{
    (void)state;
    struct bf_kpi found[4];
    assert_int_equal(partial(0, 1, 1000, 1010, 1), BF_OK);
    tick_all(1030);
    assert_int_equal(partial(1, 1, 1000, 1040, 5), BF_OK);
    assert_int_equal(partial(0, 1, 1000, 1035, 3), BF_OK);
    tick_all(1040);
    assert_int_equal(finals(found, 4), 2); /* the one stamped 1040 still waits */
    assert_int_equal(bf_stage2_status(task).waiting, 1);
    tick_all(1041);
    assert_int_equal(finals(found, 4), 3);
    assert_true(found[1].revision == 1 && found[1].value == 3);
    assert_true(found[2].revision == 2 && found[2].value == 8);
    tick_all(1084);                                      /* end + delay + lateness: gone */
    assert_int_equal(bf_stage2_status(task).windows, 2); /* the empty ones of [1020) and [1040) */
}

static void a_window_with_late_partials_only_begins_with_revision_0(void **state)
{
    (void)state;
    struct bf_kpi found[4];
    tick_all(1030);
    assert_int_equal(partial(0, 1, 1000, 1030, 4), BF_OK);
    tick_all(1031);
    assert_int_equal(finals(found, 4), 1);
    assert_true(found[0].revision == 0 && found[0].value == 4);
}

static void a_known_scope_without_data_gets_a_final(void **state)
{
    (void)state;
    struct bf_kpi found[4];
    assert_int_equal(partial(0, 1, 1000, 1010, 1), BF_OK);
    tick_all(1044);
    assert_int_equal(finals(found, 4), 2);
    assert_true(found[1].n == 0 && !found[1].has_value && found[1].start_us == 1020 * SECOND);
    assert_int_equal(partial(0, 1, 1020, 1044, 9), BF_OK); /* and its first data is a revision */
    tick_all(1045);
    assert_int_equal(finals(found, 4), 3);
    assert_true(found[2].revision == 1 && found[2].value == 9);
}

static void provisional_values_go_on_while_a_source_stands(void **state)
{
    (void)state;
    struct bf_kpi kpi;
    struct bf_err err;
    assert_int_equal(partial(0, 1, 1000, 1001, 1), BF_OK);
    tick(0, 1002);
    assert_int_equal(outputs.count, 1);
    assert_int_equal(
        bf_kpi_unpack((struct bf_slice){outputs.items[0].bytes, outputs.items[0].len}, &kpi, &err), BF_OK);
    assert_true(kpi.phase == BF_KPI_PROVISIONAL && kpi.incomplete && kpi.value == 1);
    assert_int_equal(partial(0, 1, 1000, 1003, 2), BF_OK);
    tick(0, 1004);
    assert_int_equal(outputs.count, 1); /* at most every emit_every of log time */
    tick(0, 1007);
    assert_int_equal(outputs.count, 2);
    tick(0, 1013);
    assert_int_equal(outputs.count, 2); /* and only what changed */
}

/* One source learned of the reload late: the older definition is published, as suspect. */
static void sources_that_disagree_give_the_older_definition(void **state)
{
    (void)state;
    struct bf_kpi found[4];
    assert_int_equal(partial(0, 1, 1200, 1210, 4), BF_OK);
    assert_int_equal(partial(1, 2, 1200, 1210, 7), BF_OK);
    tick_all(1224);
    assert_int_equal(finals(found, 4), 1);
    assert_true(found[0].quality == BF_QUALITY_SUSPECT && found[0].value == 4 && found[0].generation == 1);
    assert_int_equal(bf_stage2_status(task).mixed, 2);
}

/* ... and what it says after the newer one was published is a revision, not a second final. */
static void a_late_older_definition_is_a_revision(void **state)
{
    (void)state;
    struct bf_kpi found[4];
    assert_int_equal(partial(1, 2, 1200, 1210, 7), BF_OK);
    tick_all(1224);
    assert_int_equal(partial(0, 1, 1200, 1224, 4), BF_OK);
    tick_all(1226);
    assert_int_equal(finals(found, 4), 2);
    assert_true(found[0].revision == 0 && found[0].value == 7 && found[0].quality == BF_QUALITY_GOOD);
    assert_true(found[1].revision == 1 && found[1].value == 4 && found[1].quality == BF_QUALITY_SUSPECT);
    assert_int_equal(partial(2, 1, 1200, 1226, 5), BF_OK);
    tick_all(1228);
    assert_int_equal(finals(found, 4), 3);
    assert_true(found[2].revision == 2 && found[2].value == 9);
}

static void what_others_wrote_is_counted_and_dropped(void **state)
{
    (void)state;
    char bytes[] = "\x01\x02";
    const struct bf_mp_writer junk = {.data = bytes, .capacity = 2, .len = 2, .full = false};
    static const char *const strangers[] = {"0",
                                            "x",
                                            "00000000000000bb/s1/0",
                                            "00000000000000aa/s2/0",
                                            "00000000000000aa/s1/",
                                            "00000000000000aa/s1/3",
                                            "00000000000000aa/s1/99999999999999999999",
                                            "00000000000000aa/s1/1x"};
    for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++) {
        assert_int_equal(apply(BF_RECORD_PARTIAL, strangers[i], 1, &junk), BF_OK);
    }
    assert_int_equal(bf_stage2_status(task).foreign, sizeof strangers / sizeof strangers[0]);
    assert_int_equal(apply(BF_RECORD_PARTIAL, task_of(0), 1, &junk), BF_OK);
    assert_int_equal(apply(BF_RECORD_TASK_TICK, task_of(0), 2, &junk), BF_OK);
    assert_int_equal(apply(BF_RECORD_COUNT, task_of(0), 3, &junk), BF_OK);
    assert_int_equal(bf_stage2_status(task).malformed, 2);
    assert_int_equal(outputs.count, 0);
}

static void a_generation_that_is_not_there_changes_nothing(void **state)
{
    (void)state;
    struct bf_kpi found[4];
    plans_there = false;
    assert_int_equal(partial(0, 1, 1000, 1010, 1), BF_AGAIN);
    plans_there = true;
    origins[0]--; /* the same record once more */
    assert_int_equal(partial(0, 1, 1000, 1010, 1), BF_OK);
    tick_all(1024);
    assert_int_equal(finals(found, 4), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh, gone)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_window_is_sealed_when_every_source_has_passed),
        TEST(late_partials_wait_until_every_clock_is_greater),
        TEST(a_window_with_late_partials_only_begins_with_revision_0),
        TEST(a_known_scope_without_data_gets_a_final),
        TEST(provisional_values_go_on_while_a_source_stands),
        TEST(sources_that_disagree_give_the_older_definition),
        TEST(a_late_older_definition_is_a_revision),
        TEST(what_others_wrote_is_counted_and_dropped),
        TEST(a_generation_that_is_not_there_changes_nothing),
    };
    return cmocka_run_group_tests(tests, make_plans, free_plans);
}
