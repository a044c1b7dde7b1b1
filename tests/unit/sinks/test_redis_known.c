/* What the sink knows of Redis is used only while it holds: rollbacks, a second sink, keys removed by hand,
 * and
 * more keys than it can know. */
#include "tests/unit/sinks/redis_place.h"

#include "sinks/redis_known.h"

static void seq_is(int64_t seq)
{
    char digits[32];
    snprintf(digits, sizeof digits, "%lld", (long long)seq);
    assert_text("HGET " KEY " seq", digits);
}

/* Keeps a copy of all keys in another database; back to it. */
static void save(void)
{
    char keys[32][128];
    struct bf_reply reply = ask("KEYS *");
    size_t count = reply.count;
    assert_in_range(count, 1, 32);
    for (size_t i = 0; i < count; i++) {
        snprintf(keys[i], sizeof keys[i], "%.*s", BF_SLICE_ARG(reply.items[i].text));
    }
    for (size_t i = 0; i < count; i++) {
        char line[300];
        snprintf(line, sizeof line, "COPY %s %s DB 1 REPLACE", keys[i], keys[i]);
        assert_int_equal(number(line), 1);
    }
}

static void roll_back(void)
{
    ask("SWAPDB 0 1");
}

static void writing_on_counts_on(void **state)
{
    struct fixture it;
    (void)state;
    ready(&it);
    for (int64_t i = 0; i < 5; i++) { /* the same value again is a message again */
        struct bf_sink_record record = window(i, 1, 7, BF_KPI_PROVISIONAL, 0);
        assert_int_equal(write_at(&it, i ? i : BF_SINK_NO_POSITION, i + 1, &record, 1), BF_OK);
        seq_is(i + 1);
    }
    assert_text("HGET " KEY " unit", "ug/m3");
    assert_int_equal(number("HLEN " KEY), 12);
    sink()->close(it.self);
}

static void a_successor_asks_and_counts_on(void **state)
{
    struct fixture it;
    (void)state;
    struct bf_sink_record records[] = {window(0, 2, 7, BF_KPI_FINAL, 1), window(1, 2, 6, BF_KPI_FINAL, 0),
                                       window(2, 3, 8, BF_KPI_PROVISIONAL, 0)};
    for (int64_t i = 0; i < 3; i++) {
        ready(&it);
        assert_int_equal(write_at(&it, i ? i : BF_SINK_NO_POSITION, i + 1, records + i, 1), BF_OK);
        seq_is(i + 1);
        assert_text("HGET " KEY " value", i < 2 ? "7" : "8"); /* an older revision does not win */
        records[i].offset = i + 1; /* what the task wrote again is known to have been */
        assert_int_equal(write_at(&it, i + 1, i + 1, records + i, 1), BF_OK);
        seq_is(i + 1);
        sink()->close(it.self);
    }
    assert_int_equal(number(HIST_LEN), 2);
}

static void after_a_rollback_seq_goes_on_from_what_is_there(void **state)
{
    struct fixture it;
    (void)state;
    ready(&it);
    struct bf_sink_record records[] = {
        window(0, 1, 1, BF_KPI_PROVISIONAL, 0), window(1, 1, 2, BF_KPI_PROVISIONAL, 0),
        window(2, 1, 3, BF_KPI_PROVISIONAL, 0), window(3, 2, 4, BF_KPI_PROVISIONAL, 0)};
    records[3].as.kpi.band = BF_SLICE("good");
    assert_int_equal(write_at(&it, BF_SINK_NO_POSITION, 2, records, 2), BF_OK);
    save();
    assert_int_equal(write_at(&it, 2, 4, records + 2, 2), BF_OK);
    seq_is(4);
    roll_back();
    seq_is(2);
    assert_int_equal(write_at(&it, 4, 5, records + 3, 1), BF_AGAIN);
    seq_is(2);
    assert_int_equal(sync_sink(&it), BF_OK);
    assert_int_equal(it.positions[0], 2);
    adopt(&it, &city, 1);
    assert_int_equal(write_at(&it, 2, 3, records + 2, 1), BF_OK);
    seq_is(3);
    assert_text("HGET " KEY " value", "3");
    assert_int_equal(write_at(&it, 3, 4, records + 3, 1), BF_OK);
    seq_is(4);
    assert_text("HGET " KEY " band", "good"); /* it was thought to be there before the rollback */
    sink()->close(it.self);
}

/* The first of two batches on their way fails; the second finds its position, but not its own work. */
static void what_another_wrote_is_not_mistaken_for_ones_own(void **state)
{
    struct fixture one, other;
    (void)state;
    struct bf_sink_record records[] = {window(0, 1, 1, BF_KPI_PROVISIONAL, 0),
                                       window(1, 1, 2, BF_KPI_PROVISIONAL, 0),
                                       window(2, 1, 3, BF_KPI_PROVISIONAL, 0)};
    ready(&one);
    assert_int_equal(write_at(&one, BF_SINK_NO_POSITION, 1, records, 1), BF_OK);
    ready(&other);
    assert_int_equal(write_at(&other, 1, 2, records + 1, 1), BF_OK);
    for (int64_t i = 1; i < 3; i++) {
        struct bf_sink_batch batch = {.expected = i, .next = i + 1, .records = records + i, .count = 1};
        assert_int_equal(sink()->write(one.self, &batch, NULL), BF_OK);
    }
    assert_int_equal(sink()->flush(one.self, NULL), BF_AGAIN);
    assert_text("HGET belfry:v1:position 0", "2");
    seq_is(2);
    assert_int_equal(sync_sink(&one), BF_OK);
    assert_int_equal(write_at(&one, 2, 3, records + 2, 1), BF_OK);
    seq_is(3);
    assert_int_equal(write_at(&other, 2, 3, records + 2, 1), BF_AGAIN);
    sink()->close(one.self);
    sink()->close(other.self);
}

static void a_rollback_brought_forward_by_another_is_seen(void **state)
{
    struct fixture one, other;
    (void)state;
    struct bf_sink_record records[] = {window(0, 1, 1, BF_KPI_FINAL, 0), window(1, 2, 2, BF_KPI_FINAL, 0),
                                       window(2, 3, 3, BF_KPI_FINAL, 0)};
    ready(&one);
    assert_int_equal(write_at(&one, BF_SINK_NO_POSITION, 2, records, 2), BF_OK);
    ask("FLUSHALL");
    ready(&other); /* of its log the beginning has gone: it counts from another number */
    assert_int_equal(write_at(&other, BF_SINK_NO_POSITION, 2, records + 1, 1), BF_OK);
    assert_int_equal(write_at(&one, 2, 3, records + 2, 1), BF_AGAIN);
    assert_int_equal(sync_sink(&one), BF_OK);
    adopt(&one, &city, 1);
    assert_int_equal(write_at(&one, 2, 3, records + 2, 1), BF_OK);
    seq_is(2);
    sink()->close(one.self);
    sink()->close(other.self);
}

static void a_key_removed_by_hand_comes_back_whole(void **state)
{
    struct fixture it;
    (void)state;
    ready(&it);
    for (int64_t i = 0; i < 3; i++) {
        struct bf_sink_record record = window(i, 1, (double)i, BF_KPI_PROVISIONAL, 0);
        assert_int_equal(write_at(&it, i ? i : BF_SINK_NO_POSITION, i + 1, &record, 1), BF_OK);
        if (i == 0) {
            ask("DEL " KEY " belfry:v1:idx:kpi belfry:v1:idx:scope");
        }
    }
    assert_text("HGET " KEY " value", "2");
    assert_text("HGET " KEY " unit", "ug/m3");
    assert_int_equal(number("HLEN " KEY), 12);
    seq_is(3);
    assert_int_equal(number("SISMEMBER belfry:v1:idx:scope zone.mitte"), 1);
    sink()->close(it.self);
}

static void a_reload_that_removed_a_kpi_forgets_it(void **state)
{
    struct fixture it;
    (void)state;
    ready(&it);
    struct bf_sink_record records[] = {window(0, 1, 1, BF_KPI_FINAL, 0), window(1, 1, 1, BF_KPI_FINAL, 1)};
    assert_int_equal(write_at(&it, BF_SINK_NO_POSITION, 1, records, 1), BF_OK);
    adopt(&it, &(struct bf_city){.kpis = kpis + 1, .kpi_count = 1}, 2);
    adopt(&it, &city, 3);
    assert_int_equal(write_at(&it, 1, 2, records + 1, 1), BF_OK);
    seq_is(1);
    assert_text("HGET " KEY " unit", "ug/m3");
    assert_text("HGET belfry:v1:board:wall air:zone.mitte", "1");
    sink()->close(it.self);
}

/* More keys than it can know: each is asked for again, and none is mistaken for another. */
static void more_keys_than_it_can_know(void **state)
{
    enum { BATCH = 9000, BATCHES = 8 };
    static struct bf_sink_record records[BATCH];
    static char scopes[BATCH][24];
    struct fixture it;
    (void)state;
    assert_true(BATCH * BATCHES > BF_KNOWN_MAX);
    ready(&it);
    int64_t at = BF_SINK_NO_POSITION, offset = 0;
    for (int64_t batch = 0; batch <= BATCHES; batch++) { /* the last is the first again */
        for (int64_t i = 0; i < BATCH; i++, offset++) {
            int64_t scope = batch % BATCHES * BATCH + i;
            records[i] = window(offset, 1, (double)scope, BF_KPI_PROVISIONAL, 0);
            snprintf(scopes[i], sizeof scopes[i], "zone.z%lld", (long long)scope);
            records[i].as.kpi.scope = bf_slice_of(scopes[i]);
        }
        assert_int_equal(write_at(&it, at, offset, records, BATCH), BF_OK);
        at = offset;
    }
    assert_int_equal(number("SCARD belfry:v1:idx:scope"), BATCH * BATCHES);
    assert_text("HGET belfry:v1:kpi:air:zone.z0 seq", "2");
    assert_text("HGET belfry:v1:kpi:air:zone.z8999 value", "8999");
    assert_text("HGET belfry:v1:kpi:air:zone.z9000 seq", "1");
    sink()->close(it.self);
}

int main(void)
{
    int failed = place_open();
    if (failed) {
        return failed;
    }
    const struct CMUnitTest tests[] = {
        LAW(writing_on_counts_on),
        LAW(a_successor_asks_and_counts_on),
        LAW(after_a_rollback_seq_goes_on_from_what_is_there),
        LAW(what_another_wrote_is_not_mistaken_for_ones_own),
        LAW(a_rollback_brought_forward_by_another_is_seen),
        LAW(a_key_removed_by_hand_comes_back_whole),
        LAW(a_reload_that_removed_a_kpi_forgets_it),
        LAW(more_keys_than_it_can_know),
    };
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    place_close();
    return failed;
}
