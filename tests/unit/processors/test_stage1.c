/* Stage 1 at its edges: what is refused, what is counted, in which order things go out.
 * Covers: processors/output.c, processors/generation.c, processors/cell.c, processors/merge.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/support/alloc.h"
#include "tests/unit/processors/city.h"

static struct bf_stage1 *task;
static struct list outputs;
static int64_t offset, serial;

static enum bf_status apply(enum bf_record_type type, const struct bf_mp_writer *value)
{
    struct bf_err err;
    const struct bf_input input = {.type = type, .offset = offset, .value = {value->data, value->len}};
    outputs.offset = offset;
    enum bf_status status = bf_stage1_apply(task, &input, &err);
    offset += status == BF_OK ? 1 : 0;
    return status;
}

static enum bf_status control(int64_t generation)
{
    char bytes[256];
    struct bf_mp_writer writer;
    const struct bf_control record = {
        .generation = generation,
        .hash = BF_SLICE("0000000000000000000000000000000000000000000000000000000000000000"),
        .from_us = plan_from[generation - 1]};
    bf_mp_writer_init(&writer, bytes, sizeof bytes);
    bf_control_pack(&record, &writer);
    return apply(BF_RECORD_CONTROL, &writer);
}

static void tick_of(const char *ingest, int64_t second)
{
    char bytes[256];
    struct bf_mp_writer writer;
    const struct bf_tick record = {.ingest = bf_slice_of(ingest),
                                   .incarnation = 1,
                                   .has_epoch = true,
                                   .epoch = 1,
                                   .serial = serial,
                                   .has_clock = true,
                                   .clock_us = second * SECOND,
                                   .flows = true};
    bf_mp_writer_init(&writer, bytes, sizeof bytes);
    bf_tick_pack(&record, &writer);
    assert_int_equal(apply(BF_RECORD_TICK, &writer), BF_OK);
}

static void tick(int64_t second)
{
    tick_of("in", second);
}

static struct bf_reading plain_reading(int64_t second)
{
    serial++;
    return (struct bf_reading){.source = BF_SLICE("net:d1"),
                               .quantity = BF_SLICE("speed"),
                               .event_us = second * SECOND,
                               .ingest_us = second * SECOND,
                               .value = {.kind = BF_VALUE_DOUBLE, .as = {.number = 1}},
                               .unit = BF_SLICE("km/h"),
                               .quality = BF_QUALITY_GOOD,
                               .zone = BF_SLICE("north"),
                               .profile = BF_SLICE("test@1"),
                               .delivery = {.ingest = BF_SLICE("in"),
                                            .incarnation = 1,
                                            .epoch = 1,
                                            .serial = serial,
                                            .packet_id = 1,
                                            .payload_hash = (uint64_t)serial}};
}

static void put(const struct bf_reading *reading)
{
    char bytes[2048];
    struct bf_mp_writer writer;
    bf_mp_writer_init(&writer, bytes, sizeof bytes);
    bf_reading_pack(reading, &writer);
    assert_int_equal(apply(BF_RECORD_READING, &writer), BF_OK);
}

static void put_at(int64_t second)
{
    struct bf_reading reading = plain_reading(second);
    put(&reading);
}

static int fresh(void **state)
{
    (void)state;
    struct bf_err err;
    struct bf_task_options options = task_options(0, &outputs, "s1");
    offset = serial = 0;
    plans_there = true;
    return bf_stage1_create(&options, &task, &err) == BF_OK ? 0 : -1;
}

static int gone(void **state)
{
    (void)state;
    bf_stage1_destroy(task);
    list_free(&outputs);
    return 0;
}

static size_t count_of(enum bf_record_type type)
{
    size_t count = 0;
    for (size_t i = 0; i < outputs.count; i++) {
        count += outputs.items[i].type == type;
    }
    return count;
}

/* The nth KPI result among the outputs. */
static struct bf_kpi result(size_t nth)
{
    struct bf_kpi kpi = {.n = 0};
    struct bf_err err;
    for (size_t i = 0; i < outputs.count; i++) {
        if (outputs.items[i].type == BF_RECORD_KPI && nth-- == 0) {
            const struct bf_slice bytes = {outputs.items[i].bytes, outputs.items[i].len};
            assert_int_equal(bf_kpi_unpack(bytes, &kpi, &err), BF_OK);
            return kpi;
        }
    }
    fail_msg("no such result");
    return kpi;
}

static struct bf_reject last_reject(void)
{
    struct bf_reject reject = {.stage = BF_STAGE_DECODE};
    struct bf_err err;
    for (size_t i = outputs.count; i-- > 0;) {
        if (outputs.items[i].type == BF_RECORD_REJECT) {
            const struct bf_slice bytes = {outputs.items[i].bytes, outputs.items[i].len};
            assert_int_equal(bf_reject_unpack(bytes, &reject, &err), BF_OK);
            return reject;
        }
    }
    fail_msg("no reject");
    return reject;
}

static void a_generation_that_is_not_there_changes_nothing(void **state)
{
    (void)state;
    plans_there = false;
    assert_int_equal(control(1), BF_AGAIN);
    assert_int_equal(bf_stage1_status(task).generation, 0);
    plans_there = true;
    assert_int_equal(control(1), BF_OK);
    assert_int_equal(bf_stage1_status(task).generation, 1);
    assert_int_equal(control(1), BF_OK); /* a reload that was finished by running it again */
    assert_int_equal(bf_stage1_status(task).generation, 1);
}

static void partials_go_out_with_the_old_clock_before_the_tick(void **state)
{
    (void)state;
    struct bf_partial partial;
    struct bf_err err;
    assert_int_equal(control(1), BF_OK);
    tick(1000);
    put_at(1001);
    list_free(&outputs);
    outputs.stage = "s1";
    tick(1024); /* [1000, 1020) closes at 1024 */
    assert_true(outputs.count > 0 && outputs.items[0].type == BF_RECORD_PARTIAL);
    assert_int_equal(
        bf_partial_unpack((struct bf_slice){outputs.items[0].bytes, outputs.items[0].len}, &partial, &err),
        BF_OK);
    assert_int_equal(partial.stamp_us, 1000 * SECOND);
    assert_int_equal(outputs.items[outputs.count - 1].type, BF_RECORD_TASK_TICK);
    for (size_t i = 0; i < outputs.count; i++) {
        assert_int_equal(outputs.items[i].index, i);
    }
    assert_int_equal(count_of(BF_RECORD_PARTIAL), 2); /* zone and city */
    assert_int_equal(count_of(BF_RECORD_TASK_TICK), PARTIALS);
    assert_int_equal(result(0).phase, BF_KPI_FINAL);
    assert_int_equal(result(0).n, 1);
}

static void device_windows_have_finals_revisions_and_empty_finals(void **state)
{
    (void)state;
    assert_int_equal(control(1), BF_OK);
    tick(1000);
    put_at(1001);
    tick(1024);
    tick(1044); /* nothing was read for [1020, 1040), but the scope is known */
    assert_int_equal(count_of(BF_RECORD_KPI), 2);
    assert_int_equal(result(1).start_us, 1020 * SECOND);
    assert_int_equal(result(1).n, 0);
    assert_true(result(1).has_value); /* a count of nothing is zero */
    put_at(1002);                     /* late, within the allowed lateness */
    put_at(1021);                     /* late for a window that went out empty */
    tick(1050);
    assert_int_equal(count_of(BF_RECORD_KPI), 4);
    assert_int_equal(result(2).revision, 1);
    assert_int_equal(result(2).n, 2);
    assert_int_equal(result(3).revision, 1);
    assert_int_equal(result(3).start_us, 1020 * SECOND);
    assert_int_equal(bf_stage1_counters(task).late, 0);
}

static void beyond_the_lateness_is_one_reject_that_names_the_kpis(void **state)
{
    (void)state;
    assert_int_equal(control(1), BF_OK);
    tick(1084); /* [1000, 1020) ends at 1020 + 4 + 60 */
    put_at(1019);
    put_at(1020);
    assert_int_equal(count_of(BF_RECORD_REJECT), 1);
    const struct bf_reject reject = last_reject();
    assert_int_equal(reject.stage, BF_STAGE_LATE);
    assert_true(bf_slice_equal(reject.detail, BF_SLICE("zone_sum, device_count, city_mean")));
    assert_true(reject.has_delivery && reject.delivery.serial == 1);
    assert_int_equal(bf_stage1_counters(task).late, 1);
    assert_int_equal(bf_stage1_counters(task).accepted, 2);
}

static void an_estimated_time_is_raised_to_the_clock(void **state)
{
    (void)state;
    assert_int_equal(control(1), BF_OK);
    struct bf_reading reading = plain_reading(0);
    reading.reasons = BF_REASON_ESTIMATED;
    reading.event_us = 0;
    reading.ingest_us = 1003 * SECOND; /* no clock yet: the ingest time */
    put(&reading);
    tick(1200);
    reading = plain_reading(1001);
    reading.reasons = BF_REASON_ESTIMATED;
    put(&reading);
    tick(1224);
    assert_int_equal(bf_stage1_counters(task).late, 0);
    assert_int_equal(result(0).start_us, 1000 * SECOND);
    assert_int_equal(result(count_of(BF_RECORD_KPI) - 1).start_us, 1200 * SECOND);
}

static void what_is_left_out_is_counted_by_quality(void **state)
{
    (void)state;
    static const enum bf_quality qualities[] = {BF_QUALITY_GOOD, BF_QUALITY_NOT_EVALUATED, BF_QUALITY_SUSPECT,
                                                BF_QUALITY_FAIL, BF_QUALITY_MISSING};
    assert_int_equal(control(1), BF_OK);
    tick(1000);
    for (size_t i = 0; i < 5; i++) {
        struct bf_reading reading = plain_reading(1001);
        reading.quality = qualities[i];
        put(&reading);
    }
    struct bf_reading reading = plain_reading(1001);
    reading.value = (struct bf_value){.kind = BF_VALUE_TEXT, .as = {.text = BF_SLICE("open")}};
    put(&reading);
    tick(1024);
    const struct bf_kpi kpi = result(0);
    assert_int_equal(kpi.n, 3); /* the text too: it is a count */
    assert_true(kpi.excluded.suspect == 1 && kpi.excluded.fail == 1 && kpi.excluded.missing == 1 &&
                kpi.excluded.text == 0);
    assert_true(kpi.has_range && kpi.min == kpi.max);
    assert_int_equal(kpi.quality, BF_QUALITY_GOOD);
}

static void a_broken_record_is_counted_and_rejected(void **state)
{
    (void)state;
    char bytes[] = "\xc1 not msgpack";
    const struct bf_mp_writer junk = {
        .data = bytes, .capacity = sizeof bytes, .len = sizeof bytes, .full = false};
    assert_int_equal(control(1), BF_OK);
    assert_int_equal(apply(BF_RECORD_READING, &junk), BF_OK);
    assert_int_equal(last_reject().stage, BF_STAGE_DECODE);
    assert_int_equal(apply(BF_RECORD_TICK, &junk), BF_OK);
    assert_int_equal(apply(BF_RECORD_CONTROL, &junk), BF_OK);
    assert_int_equal(apply(BF_RECORD_CLAIM, &junk), BF_OK);
    assert_int_equal(apply(BF_RECORD_COUNT, &junk), BF_OK);
    const struct bf_task_counters counters = bf_stage1_counters(task);
    assert_int_equal(counters.malformed, 3);
    assert_int_equal(counters.readings, 3);
}

static void full_tables_refuse_and_count(void **state)
{
    (void)state;
    cities[0].limits.max_scopes = 7;
    assert_int_equal(control(1), BF_OK);
    cities[0].limits.max_scopes = 500;
    tick(1000);
    for (int i = 0; i < 10; i++) { /* two scopes are the city's and the zone's: five devices have room */
        char source[32];
        struct bf_reading reading = plain_reading(1001);
        (void)snprintf(source, sizeof source, "net:d%d", i);
        reading.source = bf_slice_of(source);
        put(&reading);
    }
    assert_int_equal(bf_stage1_counters(task).limit, 5);
    assert_int_equal(last_reject().stage, BF_STAGE_LIMIT);
    assert_true(bf_slice_equal(last_reject().reason, BF_SLICE("scopes_full")));
    for (int i = 0; i < 4; i++) {
        char ingest[8];
        (void)snprintf(ingest, sizeof ingest, "x%d", i);
        tick_of(ingest, 1000);
    }
    struct bf_reading reading = plain_reading(1001);
    reading.delivery.ingest = BF_SLICE("x3"); /* the fifth writer */
    put(&reading);
    assert_true(bf_slice_equal(last_reject().reason, BF_SLICE("writers_full")));
    assert_int_equal(bf_stage1_counters(task).limit, 6);
}

/* A jump of the clock by a week gives no more than the lateness' worth of empty finals. */
static void a_jump_of_the_clock_has_a_bound(void **state)
{
    (void)state;
    assert_int_equal(control(1), BF_OK);
    tick(1000);
    put_at(1001);
    tick(1000 + 7 * 86400);
    assert_int_equal(count_of(BF_RECORD_KPI),
                     1 + 2); /* its final, and [1020), [1040): less than 60 s behind */
    assert_int_equal(bf_stage1_status(task).windows, 0);
    assert_int_equal(bf_stage1_status(task).series, 0);
}

/* `from` decides by the window's start; an unchanged KPI goes on. */
static void a_reload_decides_by_the_windows_start(void **state)
{
    (void)state;
    struct bf_partial partial;
    struct bf_err err;
    assert_int_equal(control(1), BF_OK);
    tick(1190);
    assert_int_equal(control(2), BF_OK); /* from 1200 */
    put_at(1195);
    put_at(1201);
    list_free(&outputs);
    outputs.stage = "s1";
    tick(1224);
    size_t old = 0, new = 0;
    for (size_t i = 0; i < outputs.count; i++) {
        if (outputs.items[i].type != BF_RECORD_PARTIAL) {
            continue;
        }
        const struct bf_slice bytes = {outputs.items[i].bytes, outputs.items[i].len};
        assert_int_equal(bf_partial_unpack(bytes, &partial, &err), BF_OK);
        assert_true(partial.start_us < 1200 * SECOND ? partial.generation == 1 : partial.generation == 2);
        old += partial.definition == 11 || partial.definition == 13;
        new += partial.definition == 21;
    }
    assert_int_equal(old, 2);                     /* zone and city of [1180, 1200) */
    assert_int_equal(new, 1);                     /* the city's mean has gone */
    assert_int_equal(count_of(BF_RECORD_KPI), 2); /* device_count: both windows */
}

/* Another definition of the device's count from 1200 on, in the place of generation 2's. */
static struct bf_kpi_definition changed_kpis[] = {
    DEFINITION(device, "device_count", "count", by_device, 1, true, 22),
};

static struct bf_kpi_plan *change_the_device_kpi(int64_t lateness_us)
{
    static struct bf_city city;
    struct bf_kpi_plan *before = plans[1];
    struct bf_err err;
    city = cities[1];
    city.kpis = changed_kpis;
    city.kpi_count = 1;
    changed_kpis[0].lateness_us = lateness_us;
    assert_int_equal(bf_kpi_plan_create(&city, 2, plan_from[1], &plans[1], &err), BF_OK);
    return before;
}

static void change_it_back(struct bf_kpi_plan *before)
{
    bf_stage1_destroy(task); /* it borrows the plan */
    task = NULL;
    bf_kpi_plan_destroy(plans[1]);
    plans[1] = before;
}

/* A reading may be ahead of the clock, and so of a reload that its partition has not learned of yet. */
static void a_window_of_two_definitions_has_one_final(void **state)
{
    (void)state;
    struct bf_kpi_plan *before = change_the_device_kpi(LATENESS);
    assert_int_equal(control(1), BF_OK);
    tick(1180);
    put_at(1205);                        /* counts in the older definition */
    assert_int_equal(control(2), BF_OK); /* from 1200 */
    put_at(1206);
    tick(1224);
    assert_int_equal(count_of(BF_RECORD_KPI), 1);
    assert_int_equal(result(0).start_us, 1200 * SECOND);
    assert_int_equal(result(0).generation, 1);
    assert_int_equal(result(0).quality, BF_QUALITY_SUSPECT);
    assert_int_equal(bf_stage1_status(task).mixed, 2); /* told of both */
    put_at(1207);                                      /* late, in the newer one: held back as well */
    tick(1230);
    assert_int_equal(count_of(BF_RECORD_KPI), 1);
    change_it_back(before);
}

/* What began before a reload stays with its generation as long as any definition would take it. */
static void a_longer_lateness_does_not_open_old_windows_again(void **state)
{
    (void)state;
    struct bf_kpi_plan *before = change_the_device_kpi(10 * LATENESS);
    assert_int_equal(control(1), BF_OK);
    tick(1170);
    put_at(1171);
    assert_int_equal(control(2), BF_OK); /* from 1200 */
    tick(1184);
    assert_int_equal(result(0).start_us, 1160 * SECOND);
    tick(1290); /* the older generation's windows are over, and with them all that it could reach */
    list_free(&outputs);
    outputs.stage = "s1";
    put_at(1172); /* too late for the definition that had its window */
    assert_int_equal(last_reject().stage, BF_STAGE_LATE);
    tick(1296);
    for (size_t i = 0; i < count_of(BF_RECORD_KPI); i++) {
        assert_true(result(i).start_us >= 1180 * SECOND);
    }
    change_it_back(before);
}

static void nothing_is_allocated_per_record(void **state)
{
    (void)state;
    struct list *kept = &outputs;
    assert_int_equal(control(1), BF_OK);
    tick(1000);
    put_at(1001);
    list_free(kept);
    outputs.stage = "s1";
    char bytes[512];
    struct bf_mp_writer writer;
    struct bf_reading reading = plain_reading(1002);
    bf_alloc_count_begin();
    for (int i = 0; i < 1000; i++) {
        reading.delivery.serial = ++serial;
        reading.event_us = (1002 + i / 20) * SECOND;
        bf_mp_writer_init(&writer, bytes, sizeof bytes);
        bf_reading_pack(&reading, &writer);
        assert_int_equal(apply(BF_RECORD_READING, &writer), BF_OK);
    }
    assert_int_equal(bf_alloc_count_end(), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh, gone)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_generation_that_is_not_there_changes_nothing),
        TEST(partials_go_out_with_the_old_clock_before_the_tick),
        TEST(device_windows_have_finals_revisions_and_empty_finals),
        TEST(beyond_the_lateness_is_one_reject_that_names_the_kpis),
        TEST(an_estimated_time_is_raised_to_the_clock),
        TEST(what_is_left_out_is_counted_by_quality),
        TEST(a_broken_record_is_counted_and_rejected),
        TEST(full_tables_refuse_and_count),
        TEST(a_jump_of_the_clock_has_a_bound),
        TEST(a_reload_decides_by_the_windows_start),
        TEST(a_window_of_two_definitions_has_one_final),
        TEST(a_longer_lateness_does_not_open_old_windows_again),
        TEST(nothing_is_allocated_per_record),
    };
    return cmocka_run_group_tests(tests, make_plans, free_plans);
}
