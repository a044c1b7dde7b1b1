/* What leaves Redis when a configuration or a whole log is no more; batches and sweeps of many steps. */
#include "tests/unit/sinks/redis_place.h"

static void a_reload_takes_away_what_it_removed(void **state)
{
    static struct bf_slice kept_kpis[] = {{"noise", 5}};
    static struct bf_board kept_boards[] = {{.name = {"street", 6}, .kpis = kept_kpis, .count = 1}};
    const struct bf_city smaller = {.kpis = kpis + 1, .kpi_count = 2, .boards = kept_boards, .board_count = 1,
                                    .profiles = profiles + 1, .profile_count = 1};
    struct fixture it;
    (void)state;
    ready(&it);
    struct bf_sink_record records[] = {window(0, 1, 1, BF_KPI_FINAL, 0), window(1, 1, 2, BF_KPI_FINAL, 0),
                                       device(2, "city:A1", "airbox@2"), device(3, "city:M1", "meter@7")};
    records[1].as.kpi.kpi = BF_SLICE("noise");
    records[1].as.kpi.scope = BF_SLICE("city");
    assert_int_equal(write_at(&it, BF_SINK_NO_POSITION, 4, records, 4), BF_OK);
    assert_int_equal(number("EXISTS belfry:v1:device:city~3A~411"), 1);
    adopt(&it, &smaller, 2);
    assert_int_equal(number("EXISTS " KEY " belfry:v1:hist:air:zone.mitte belfry:v1:board:wall"), 0);
    assert_int_equal(number("SISMEMBER belfry:v1:idx:kpi air"), 0);
    assert_int_equal(number("SISMEMBER belfry:v1:idx:scope zone.mitte"), 0);
    assert_int_equal(number("SISMEMBER belfry:v1:idx:scope city"), 1);
    assert_int_equal(number("EXISTS belfry:v1:device:city~3A~411"), 0);
    assert_int_equal(number("EXISTS belfry:v1:device:city~3A~4d1 belfry:v1:device:city~3A~4D1"), 1);
    assert_text("HGET belfry:v1:board:street noise:city", "2"); /* what stays is on its new board at once */
    assert_text("HGET belfry:v1:meta generation", "2");
    records[0].offset = records[0].origin.offset = 9; /* a late result of what is gone */
    assert_int_equal(write_at(&it, 4, 10, records, 1), BF_OK);
    assert_int_equal(number("EXISTS " KEY), 0);
    assert_text("HGET belfry:v1:position 0", "10");
    sink()->close(it.self);
}

static void the_place_of_another_log_is_cleared_but_not_of_a_living_one(void **state)
{
    struct fixture old, new;
    (void)state;
    ready(&old);
    struct bf_sink_record record = window(1000, 1, 1, BF_KPI_FINAL, 0);
    assert_int_equal(write_at(&old, BF_SINK_NO_POSITION, 1001, &record, 1), BF_OK);
    assert_int_equal(beat(&old, bf_time_wall_us()), BF_OK);
    open_sink(&new, "00000000000000bb");
    assert_int_equal(sync_sink(&new), BF_PEER); /* somebody is at work there */
    assert_text("HGET " KEY " value", "1");
    assert_int_equal(beat(&old, bf_time_wall_us() - 60 * BF_US_PER_S), BF_OK);
    assert_int_equal(sync_sink(&new), BF_OK);
    assert_int_equal(new.positions[0], BF_SINK_NO_POSITION);
    assert_int_equal(number("DBSIZE"), 0);
    adopt(&new, &city, 1);
    record.offset = 3;
    assert_int_equal(write_at(&new, BF_SINK_NO_POSITION, 4, &record, 1), BF_OK);
    sink()->close(old.self);
    sink()->close(new.self);
}

/* More tasks and more records than one script call takes: cut in several, nothing lost. */
static void a_large_batch_is_cut(void **state)
{
    static struct bf_sink_record records[3000];
    static char names[3000][24], scopes[3000][24];
    struct fixture it;
    (void)state;
    ready(&it);
    for (int i = 0; i < 3000; i++) {
        records[i] = window(i, 1, i, BF_KPI_FINAL, 0);
        snprintf(names[i], sizeof names[i], "i/s2/%d", i % 150);
        snprintf(scopes[i], sizeof scopes[i], "zone.z%d", i);
        records[i].origin.task = bf_slice_of(names[i]);
        records[i].as.kpi.scope = bf_slice_of(scopes[i]);
    }
    assert_int_equal(write_at(&it, BF_SINK_NO_POSITION, 3000, records, 3000), BF_OK);
    assert_int_equal(number("SCARD belfry:v1:idx:scope"), 3000);
    assert_int_equal(number("HLEN belfry:v1:board:wall"), 3000);
    assert_int_equal(number("HLEN belfry:v1:origin:0"), 150);
    assert_text("HGET belfry:v1:kpi:air:zone.z2999 value", "2999");
    adopt(&it, &(struct bf_city){.kpis = kpis + 1, .kpi_count = 1}, 2); /* and swept in several steps */
    assert_int_equal(number("EXISTS belfry:v1:idx:scope belfry:v1:idx:kpi belfry:v1:board:wall"), 0);
    sink()->close(it.self);
}

int main(void)
{
    int failed = place_open();
    if (failed) {
        return failed;
    }
    const struct CMUnitTest tests[] = {
        LAW(a_reload_takes_away_what_it_removed),
        LAW(the_place_of_another_log_is_cleared_but_not_of_a_living_one),
        LAW(a_large_batch_is_cut),
    };
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    place_close();
    return failed;
}
