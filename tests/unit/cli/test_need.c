/* What `belfry check` predicts, against real tasks that hold as much: each device sends in each window, until
 * as many windows are held as ever are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "cli/need.h"
#include "tests/unit/processors/city.h"

#define NEED_DEVICES 120
#define NEED_TAGS 8

static struct bf_group_by by_tag[] = {{.kind = BF_GROUP_TAG, .tag = {"line", 4}}};
static struct bf_kpi_definition needed[] = {
    DEFINITION(device, "device_count", "count", by_device, 1, true, 1),
    DEFINITION(device, "device_last", "last", by_device, 1, true, 2),
    DEFINITION(tag, "line_mean", "mean", by_tag, 1, false, 3),
    DEFINITION(city, "city_max", "max", NULL, 0, false, 4),
    DEFINITION(tag, "line_median", "quantile", by_tag, 1, false, 5),
    DEFINITION(device, "device_rise", "increase", by_device, 1, true, 6),
    DEFINITION(tag, "line_held", "time_weighted_mean", by_tag, 1, false, 7),
};

static struct list outputs[SOURCES], results;
static int64_t offsets[SOURCES + PARTIALS];

static void feed(struct bf_stage1 *task, int32_t p, enum bf_record_type type,
                 const struct bf_mp_writer *writer)
{
    struct bf_err err;
    const struct bf_input input = {.type = type, .offset = offsets[p], .value = {writer->data, writer->len}};
    outputs[p].offset = offsets[p]++;
    assert_int_equal(bf_stage1_apply(task, &input, &err), BF_OK);
}

static void feed_control(struct bf_stage1 *task, int32_t p)
{
    char bytes[256];
    struct bf_mp_writer writer;
    const struct bf_control record = {
        .generation = 1,
        .hash = BF_SLICE("0000000000000000000000000000000000000000000000000000000000000000"),
        .from_us = BF_TIME_NONE};
    bf_mp_writer_init(&writer, bytes, sizeof bytes);
    bf_control_pack(&record, &writer);
    feed(task, p, BF_RECORD_CONTROL, &writer);
}

static void feed_tick(struct bf_stage1 *task, int32_t p, int64_t second)
{
    char bytes[256];
    struct bf_mp_writer writer;
    const struct bf_tick record = {.ingest = BF_SLICE("in"),
                                   .incarnation = 1,
                                   .has_epoch = true,
                                   .epoch = 1,
                                   .serial = offsets[p],
                                   .wall_us = second * SECOND,
                                   .has_clock = true,
                                   .clock_us = second * SECOND,
                                   .flows = true,
                                   .generation = 1};
    bf_mp_writer_init(&writer, bytes, sizeof bytes);
    bf_tick_pack(&record, &writer);
    feed(task, p, BF_RECORD_TICK, &writer);
}

static void feed_reading(struct bf_stage1 *task, int32_t p, int device, int64_t second)
{
    char bytes[512], source[32], line[8];
    struct bf_mp_writer writer;
    (void)snprintf(source, sizeof source, "net:device-%03d", device);
    (void)snprintf(line, sizeof line, "l%d", device / SOURCES % NEED_TAGS);
    const struct bf_reading reading = {
        .source = bf_slice_of(source),
        .quantity = BF_SLICE("speed"),
        .event_us = second * SECOND,
        .ingest_us = second * SECOND,
        .value = {.kind = BF_VALUE_DOUBLE, .as = {.number = device + (double)(second % 977)}},
        .unit = BF_SLICE("km/h"),
        .quality = BF_QUALITY_GOOD,
        .profile = BF_SLICE("test@1"),
        .tags = {{.name = BF_SLICE("line"), .value = bf_slice_of(line)}},
        .tag_count = 1,
        .delivery = {
            .ingest = BF_SLICE("in"), .incarnation = 1, .epoch = 1, .serial = offsets[p], .packet_id = 1}};
    bf_mp_writer_init(&writer, bytes, sizeof bytes);
    bf_reading_pack(&reading, &writer);
    feed(task, p, BF_RECORD_READING, &writer);
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static void near(const char *what, uint64_t predicted, uint64_t real)
{
    if (predicted > real + real / 5 || real > predicted + real / 5) {
        fail_msg("%s: predicted %llu bytes, there are %llu", what, (unsigned long long)predicted,
                 (unsigned long long)real);
    }
}

/* The most that one task of stage 1, and all of stage 2 together, ever held. */
static void hold(uint64_t *first, uint64_t *second)
{
    struct bf_stage1 *tasks[SOURCES];
    struct bf_stage2 *merging[PARTIALS];
    struct bf_err err;
    for (int32_t p = 0; p < SOURCES; p++) {
        struct bf_task_options options = task_options(p, &outputs[p], "s1");
        assert_int_equal(bf_stage1_create(&options, &tasks[p], &err), BF_OK);
        feed_control(tasks[p], p);
    }
    for (int32_t q = 0; q < PARTIALS; q++) {
        struct bf_task_options options = task_options(q, &results, "s2");
        assert_int_equal(bf_stage2_create(&options, &merging[q], &err), BF_OK);
    }
    size_t taken[SOURCES] = {0};
    for (int64_t now = 1000; now < 1300; now += 4) {
        uint64_t all = 0;
        for (int32_t p = 0; p < SOURCES; p++) {
            for (int device = p; device < NEED_DEVICES; device += SOURCES) {
                feed_reading(tasks[p], p, device, now);
            }
            feed_tick(tasks[p], p, now + 3);
            *first = larger(*first, bf_stage1_status(tasks[p]).bytes);
            assert_int_equal(bf_stage1_counters(tasks[p]).limit, 0);
            for (; taken[p] < outputs[p].count; taken[p]++) {
                const struct kept *one = &outputs[p].items[taken[p]];
                const struct bf_input input = {.type = one->type,
                                               .offset = (int64_t)taken[p],
                                               .value = {one->bytes, one->len},
                                               .origin = {one->origin, one->origin_len}};
                if (one->topic == BF_OUTPUT_PARTIALS) {
                    assert_int_equal(bf_stage2_apply(merging[one->partition], &input, &err), BF_OK);
                }
            }
        }
        for (int32_t q = 0; q < PARTIALS; q++) {
            assert_int_equal(bf_stage2_status(merging[q]).refused, 0);
            all += bf_stage2_status(merging[q]).bytes;
        }
        *second = larger(*second, all);
    }
    for (int32_t p = 0; p < SOURCES; p++) {
        bf_stage1_destroy(tasks[p]);
        list_free(&outputs[p]);
    }
    for (int32_t q = 0; q < PARTIALS; q++) {
        bf_stage2_destroy(merging[q]);
    }
    list_free(&results);
}

static void what_tasks_hold_is_what_was_predicted(void **state)
{
    (void)state;
    const struct bf_need_scale scale = {
        .devices = NEED_DEVICES, .tags = NEED_TAGS, .readings = SOURCES, .partials = PARTIALS};
    uint64_t first = 0, second = 0, first_real = 0, second_real = 0;
    for (size_t i = 0; i < cities[0].kpi_count; i++) {
        struct bf_need need = bf_need_of(&cities[0], &cities[0].kpis[i], &scale);
        first += need.first_bytes;
        second += PARTIALS * need.second_bytes;
    }
    hold(&first_real, &second_real);
    near("stage 1", first, first_real);
    near("stage 2", second, second_real);
}

/* Those of the family that there are, with room for all. */
static int make_needed_plans(void **state)
{
    size_t count = 0;
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        if (bf_aggregate_find(needed[i].aggregate) != NULL) {
            needed[count] = needed[i];
            needed[count].options.p = 0.5;
            needed[count].options.scale = 1;
            needed[count].options.per_us = SECOND;
            needed[count++].options.hold_us = 60 * SECOND;
        }
    }
    cities[0].kpis = needed;
    cities[0].kpi_count = count;
    int bad = make_plans(state);
    cities[0].limits.max_windows = 10000;
    cities[0].limits.max_state = 1 << 26;
    cities[0].limits.max_sources = 1000;
    cities[0].limits.max_devices = 1000;
    return bad;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_tasks_hold_is_what_was_predicted)};
    return cmocka_run_group_tests(tests, make_needed_plans, free_plans);
}
