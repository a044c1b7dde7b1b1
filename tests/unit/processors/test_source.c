/* Tracks of sources: limits, order, the series that they hold, their bytes; and in a task, how they are
 * forgotten, refused and moved. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "processors/source.h"
#include "tests/unit/processors/following.h"

enum { HELD = 3 }; /* the KPI of the first generation */

static struct bf_windows windows;
static struct bf_tracks tracks;
static uint32_t slot;

static int fresh(void **state)
{
    (void)state;
    struct bf_err err;
    bf_windows_init(&windows);
    bf_tracks_init(&tracks);
    const struct bf_kpi_plan_item *kpi = &plans[0]->kpis[HELD];
    return bf_windows_limit(&windows, 100, 50, 1, 1 << 20, &err) == BF_OK &&
                   bf_windows_add_slot(&windows, kpi, 1, false, BF_TIME_NONE, &slot, &err) == BF_OK &&
                   bf_tracks_limit(&tracks, &windows, 3, &err) == BF_OK
               ? 0
               : -1;
}

static int gone(void **state)
{
    (void)state;
    bf_tracks_deinit(&tracks);
    bf_windows_deinit(&windows);
    return 0;
}

static struct bf_track *add(const char *source, const char *scope)
{
    struct bf_series *series = bf_windows_put_series(&windows, slot, bf_slice_of(scope));
    return bf_tracks_add(&tracks, &windows, series, 0, bf_slice_of(source));
}

static struct bf_track *find(const char *source)
{
    return bf_tracks_find(&tracks, &windows, slot, 0, bf_slice_of(source));
}

static void they_hold_their_series(void **state)
{
    (void)state;
    struct bf_err err;
    assert_null(find("a"));
    assert_non_null(add("a", "zone.north"));
    assert_non_null(add("b", "zone.north"));
    assert_non_null(add("c", "zone.south"));
    assert_false(bf_tracks_room(&tracks, BF_SLICE("d")));
    assert_null(add("d", "zone.south"));
    assert_int_equal(windows.series.live, 2);
    struct bf_track *b = find("b");
    bf_track_move(&windows, find("a"), bf_windows_put_series(&windows, slot, BF_SLICE("zone.south")));
    assert_int_equal(windows.series.live, 2);
    bf_track_move(&windows, b, bf_windows_put_series(&windows, slot, BF_SLICE("zone.south")));
    assert_int_equal(windows.series.live, 1); /* nobody is in the north any more */
    bf_tracks_remove(&tracks, &windows, b);
    assert_null(find("b"));
    assert_non_null(find("a"));
    assert_non_null(find("c"));
    assert_int_equal(bf_tracks_limit(&tracks, &windows, 200, &err), BF_OK); /* a reload; more heads */
    assert_non_null(find("a"));
    assert_non_null(find("c"));
    bf_tracks_remove(&tracks, &windows, find("c"));
    bf_tracks_remove(&tracks, &windows, find("a"));
    assert_int_equal(windows.series.live + tracks.tracks.live + tracks.texts.live, 0);
    assert_int_equal(windows.slots[slot].first_track + windows.slots[slot].last_track, 0);
}

static size_t save(char *bytes, size_t size)
{
    struct bf_mp_writer writer;
    bf_mp_writer_init(&writer, bytes, size);
    bf_tracks_save(&tracks, &windows, &writer);
    assert_false(writer.full);
    return writer.len;
}

static void their_bytes_come_back_and_broken_ones_do_not(void **state)
{
    (void)state;
    char bytes[1024], again[1024];
    struct bf_err err;
    static const char *const sources[] = {"net:d1:a-channel-with-a-name-that-fills-more-than-one-block", "b"};
    for (int i = 0; i < 2; i++) {
        struct bf_track *track = add(sources[i], i == 0 ? "zone.north" : "zone.south");
        track->at_us = 5 + i;
        track->upto_us = 9;
        track->value = 0.1 * i;
        track->holds = i == 1;
    }
    size_t len = save(bytes, sizeof bytes);
    for (size_t cut = 0; cut <= len; cut++) {
        struct bf_mp_reader reader;
        while (windows.slots[slot].first_track != 0) {
            bf_tracks_remove(&tracks, &windows, bf_track_at(&tracks, windows.slots[slot].first_track));
        }
        (void)bf_windows_put_series(&windows, slot, BF_SLICE("zone.north"));
        (void)bf_windows_put_series(&windows, slot, BF_SLICE("zone.south"));
        bf_mp_reader_init(&reader, (struct bf_slice){bytes, cut});
        enum bf_status status = bf_tracks_load(&tracks, &windows, &reader, &err);
        assert_int_equal(status == BF_OK, cut == len);
    }
    assert_int_equal(save(again, sizeof again), len);
    assert_memory_equal(bytes, again, len);
    assert_true(find("b")->holds && find("b")->at_us == 6);
}

/* ---- in a task */
static struct bf_stage1 *task;
static struct list outputs;
static int64_t offset;

static int begin_task(void **state)
{
    (void)state;
    struct bf_task_options options = task_options(0, &outputs, "s1");
    struct bf_err err;
    offset = 0;
    return bf_stage1_create(&options, &task, &err) == BF_OK ? 0 : -1;
}

static int end_task(void **state)
{
    (void)state;
    bf_stage1_destroy(task);
    list_free(&outputs);
    return 0;
}

static void apply(enum bf_record_type type, const struct bf_mp_writer *writer)
{
    struct bf_err err;
    const struct bf_input input = {.type = type, .offset = offset, .value = {writer->data, writer->len}};
    outputs.offset = offset++;
    assert_int_equal(bf_stage1_apply(task, &input, &err), BF_OK);
}

static void control(void)
{
    char bytes[256];
    struct bf_mp_writer writer;
    const struct bf_control record = {
        .generation = 1,
        .hash = BF_SLICE("0000000000000000000000000000000000000000000000000000000000000000"),
        .from_us = BF_TIME_NONE};
    bf_mp_writer_init(&writer, bytes, sizeof bytes);
    bf_control_pack(&record, &writer);
    apply(BF_RECORD_CONTROL, &writer);
}

static void tick(int64_t second)
{
    char bytes[256];
    struct bf_mp_writer writer;
    const struct bf_tick record = {.ingest = BF_SLICE("in"),
                                   .incarnation = 1,
                                   .has_epoch = true,
                                   .epoch = 1,
                                   .serial = 1,
                                   .wall_us = second * SECOND,
                                   .has_clock = true,
                                   .clock_us = second * SECOND,
                                   .flows = true,
                                   .generation = 1};
    bf_mp_writer_init(&writer, bytes, sizeof bytes);
    bf_tick_pack(&record, &writer);
    apply(BF_RECORD_TICK, &writer);
}

static void put(const char *source, const char *zone, int64_t second, double value)
{
    char bytes[512];
    struct bf_mp_writer writer;
    const struct bf_reading reading = {.source = bf_slice_of(source),
                                       .quantity = BF_SLICE("speed"),
                                       .event_us = second * SECOND,
                                       .ingest_us = second * SECOND,
                                       .value = {.kind = BF_VALUE_DOUBLE, .as = {.number = value}},
                                       .unit = BF_SLICE("km/h"),
                                       .quality = BF_QUALITY_GOOD,
                                       .zone = bf_slice_of(zone),
                                       .profile = BF_SLICE("test@1"),
                                       .delivery = {.ingest = BF_SLICE("in"),
                                                    .incarnation = 1,
                                                    .epoch = 1,
                                                    .serial = offset,
                                                    .packet_id = 1,
                                                    .payload_hash = (uint64_t)offset}};
    bf_mp_writer_init(&writer, bytes, sizeof bytes);
    bf_reading_pack(&reading, &writer);
    apply(BF_RECORD_READING, &writer);
}

/* What the newest partial of the zone's window says, in seconds times value; -1: there is none. */
static int64_t area(const char *scope, int64_t start)
{
    int64_t found = -1;
    for (size_t i = 0; i < outputs.count; i++) {
        struct bf_partial partial;
        struct bf_err err;
        struct bf_mp_reader reader;
        if (outputs.items[i].type != BF_RECORD_PARTIAL ||
            bf_partial_unpack((struct bf_slice){outputs.items[i].bytes, outputs.items[i].len}, &partial,
                              &err) != BF_OK ||
            !bf_slice_equal(partial.kpi, BF_SLICE("zone_held")) || partial.start_us != start * SECOND ||
            !bf_slice_equal(partial.scope, bf_slice_of(scope))) {
            continue;
        }
        bf_mp_reader_init(&reader, partial.state);
        found = bf_mp_get_int(&reader) / SECOND;
    }
    return found;
}

static void a_value_holds_across_windows_and_zones(void **state)
{
    (void)state;
    control();
    tick(1000);
    put("net:d0:x", "north", 1010, 3);
    tick(1024); /* [1000, 1020) closes */
    assert_int_equal(area("zone.north", 1000), 30);
    put("net:d0:x", "south", 1030, 5);
    assert_int_equal(bf_stage1_status(task).sources, 2); /* held, and rise */
    tick(1044);
    assert_int_equal(area("zone.north", 1020), 30); /* what held in the north counts there */
    assert_int_equal(area("zone.south", 1020), 50);
    tick(1064);
    assert_int_equal(area("zone.south", 1040), 100); /* a window of held pieces only */
    tick(1084);
    assert_int_equal(area("zone.south", 1060), 75); /* it held for 45 seconds */
    tick(1104);
    assert_int_equal(area("zone.south", 1080), -1);
    assert_int_equal(bf_stage1_status(task).sources, 2);
    put("net:d0:x", "south", 1080, 7); /* late: what has closed gets its part at once */
    tick(1110);
    assert_int_equal(area("zone.south", 1080), 140);
    put("net:d0:x", "south", 1070, 9); /* older than the last: no step */
    tick(1116);
    assert_int_equal(area("zone.south", 1060), 75);
    tick(1300);
    tick(1340); /* no window that 1125 could fall into takes anything */
    assert_int_equal(bf_stage1_status(task).sources, 0);
    assert_int_equal(bf_stage1_status(task).series, 0);
}

static void what_finds_no_room_is_refused_and_counted(void **state)
{
    (void)state;
    char source[32];
    control();
    tick(1000);
    for (int i = 0; i < 40; i++) { /* two tracks each, 60 fit */
        (void)snprintf(source, sizeof source, "net:d%d", i);
        put(source, "north", 1010, 1);
    }
    assert_int_equal(bf_stage1_status(task).sources, 60);
    assert_int_equal(bf_stage1_counters(task).limit, 10);
    struct bf_reject reject;
    struct bf_err err;
    const struct kept *last = &outputs.items[outputs.count - 1];
    assert_int_equal(bf_reject_unpack((struct bf_slice){last->bytes, last->len}, &reject, &err), BF_OK);
    assert_true(bf_slice_equal(reject.reason, BF_SLICE("sources_full")));
    tick(1024);
    assert_int_equal(area("zone.north", 1000), 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(they_hold_their_series, fresh, gone),
        cmocka_unit_test_setup_teardown(their_bytes_come_back_and_broken_ones_do_not, fresh, gone),
        cmocka_unit_test_setup_teardown(a_value_holds_across_windows_and_zones, begin_task, end_task),
        cmocka_unit_test_setup_teardown(what_finds_no_room_is_refused_and_counted, begin_task, end_task),
    };
    return cmocka_run_group_tests(tests, make_following_plans, free_plans);
}
