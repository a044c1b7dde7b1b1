/* The Redis sink against a real Redis: the laws of "Redis, once", one law a test. */
#include "tests/unit/sinks/redis_place.h"

static void a_final_reaches_every_key(void **state)
{
    struct fixture it;
    (void)state;
    ready(&it);
    assert_int_equal(it.positions[0], BF_SINK_NO_POSITION);
    struct bf_sink_record record = window(4, 1, 12.5, BF_KPI_FINAL, 0);
    assert_int_equal(write_at(&it, BF_SINK_NO_POSITION, 5, &record, 1), BF_OK);
    assert_text("HGET " KEY " value", "12.5");
    assert_text("HGET " KEY " window_start_ms", "3600000");
    assert_text("HGET " KEY " final", "1");
    assert_text("HGET " KEY " seq", "1");
    assert_text("HGET " KEY " target", NULL);
    assert_text("HGET belfry:v1:board:wall air:zone.mitte", "12.5");
    assert_int_equal(number("SISMEMBER belfry:v1:idx:kpi air"), 1);
    assert_int_equal(number("SISMEMBER belfry:v1:idx:scope zone.mitte"), 1);
    assert_int_equal(number("SISMEMBER belfry:v1:idx:board wall"), 1);
    struct bf_reply reply = ask("XRANGE belfry:v1:hist:air:zone.mitte 4-1 4-1");
    assert_int_equal(reply.count, 1);
    assert_text("HGET belfry:v1:position 0", "5");
    assert_text("HGET belfry:v1:origin:0 i/s2/0", "4:0");
    assert_text("HGET belfry:v1:meta clock_ms", "7200000");
    assert_text("HGET belfry:v1:meta generation", "1");
    sink()->close(it.self);
}

static void the_channel_says_the_same_with_its_number(void **state)
{
    struct bf_redis_options options = {.url = url, .timeout_ms = 5000};
    struct bf_redis *listener = NULL;
    struct bf_reply push;
    struct bf_slice words[] = {BF_SLICE("SUBSCRIBE"), BF_SLICE(KEY)};
    struct fixture it;
    (void)state;
    assert_int_equal(bf_redis_open(&options, &listener, NULL), BF_OK);
    assert_int_equal(bf_redis_command(listener, words, 2, &push, NULL), BF_OK);
    ready(&it);
    struct bf_sink_record record = window(4, 1, 12.5, BF_KPI_PROVISIONAL, 0);
    assert_int_equal(write_at(&it, BF_SINK_NO_POSITION, 5, &record, 1), BF_OK);
    assert_int_equal(bf_redis_listen(listener, 5000, &push, NULL), BF_OK);
    static const char expected[] =
        "{\"kpi\":\"air\",\"scope\":\"zone.mitte\",\"value\":12.5,\"unit\":\"ug/"
        "m3\",\"window_start_ms\":3600000,"
        "\"window_end_ms\":7200000,\"n\":3,\"min\":1,\"max\":9,\"quality\":1,\"final\":false,\"revision\":0,"
        "\"stale_after_ms\":14400000,\"seq\":1}";
    assert_int_equal(push.items[2].text.len, sizeof expected - 1);
    assert_memory_equal(push.items[2].text.data, expected, sizeof expected - 1);
    bf_redis_close(listener);
    sink()->close(it.self);
}

static void a_repeated_record_is_dropped_and_the_position_moves(void **state)
{
    struct fixture it;
    (void)state;
    ready(&it);
    struct bf_sink_record records[] = {window(4, 1, 1, BF_KPI_FINAL, 0), window(5, 1, 99, BF_KPI_FINAL, 0),
                                       window(6, 2, 2, BF_KPI_FINAL, 0)};
    records[1].origin = records[0].origin; /* what a successor of the writing task wrote again */
    assert_int_equal(write_at(&it, BF_SINK_NO_POSITION, 7, records, 3), BF_OK);
    assert_int_equal(number(HIST_LEN), 2);
    assert_text("HGET " KEY " seq", "2");
    assert_text("HGET belfry:v1:position 0", "7");
    records[0].offset = 8; /* and in a later batch */
    assert_int_equal(write_at(&it, 7, 9, records, 1), BF_OK);
    assert_int_equal(number(HIST_LEN), 2);
    assert_text("HGET belfry:v1:position 0", "9");
    sink()->close(it.self);
}

static void a_zombie_cannot_write(void **state)
{
    struct fixture zombie, successor;
    (void)state;
    ready(&zombie);
    ready(&successor);
    struct bf_sink_record first = window(0, 1, 1, BF_KPI_FINAL, 0), late = window(0, 1, 666, BF_KPI_FINAL, 0);
    assert_int_equal(write_at(&successor, BF_SINK_NO_POSITION, 1, &first, 1), BF_OK);
    assert_int_equal(write_at(&zombie, BF_SINK_NO_POSITION, 1, &late, 1), BF_AGAIN);
    assert_int_equal(beat(&zombie, 1000), BF_AGAIN);
    assert_text("HGET " KEY " value", "1");
    assert_int_equal(sync_sink(&zombie), BF_OK); /* it learns where Redis is */
    assert_int_equal(zombie.positions[0], 1);
    sink()->close(zombie.self);
    sink()->close(successor.self);
}

static void a_lost_reply_is_harmless(void **state)
{
    struct fixture it;
    (void)state;
    ready(&it);
    int64_t at = BF_SINK_NO_POSITION;
    for (int64_t i = 0; i < 20; i++) {
        struct bf_sink_record record = window(i, i, (double)i, BF_KPI_FINAL, 0);
        struct bf_sink_batch batch = {
            .partition = 0, .expected = at, .next = i + 1, .records = &record, .count = 1};
        assert_int_equal(sink()->write(it.self, &batch, NULL), BF_OK);
        ask("CLIENT KILL TYPE normal SKIPME yes"); /* before or after it was applied: nobody knows */
        enum bf_status status = sink()->flush(it.self, NULL);
        if (status != BF_OK) {
            assert_int_equal(status, BF_PEER);
            assert_int_equal(sync_sink(&it), BF_OK);
            adopt(&it, &city, 1);
            if (it.positions[0] != i + 1) {
                assert_int_equal(it.positions[0], at);
                assert_int_equal(write_at(&it, at, i + 1, &record, 1), BF_OK);
            }
        }
        at = i + 1;
    }
    assert_int_equal(number(HIST_LEN), 20);
    assert_text("HGET " KEY " seq", "20");
    sink()->close(it.self);
}

/* Saves every key, goes on, puts the older state back: what an append-only file that lagged does. */
struct saved {
    char key[128];
    char bytes[8192];
    size_t len;
};
static struct saved saves[32];

static size_t save_all(void)
{
    struct bf_reply reply = ask("KEYS *");
    size_t count = reply.count;
    assert_in_range(count, 1, 32);
    for (size_t i = 0; i < count; i++) {
        assert_true(reply.items[i].text.len < sizeof saves[i].key);
        snprintf(saves[i].key, sizeof saves[i].key, "%.*s", BF_SLICE_ARG(reply.items[i].text));
    }
    for (size_t i = 0; i < count; i++) {
        char line[160];
        snprintf(line, sizeof line, "DUMP %.*s", (int)sizeof saves[i].key - 1, saves[i].key);
        reply = ask(line);
        assert_true(reply.text.len <= sizeof saves[i].bytes);
        memcpy(saves[i].bytes, reply.text.data, reply.text.len);
        saves[i].len = reply.text.len;
    }
    return count;
}

static void restore_all(size_t count)
{
    ask("FLUSHALL");
    for (size_t i = 0; i < count; i++) {
        struct bf_slice words[] = {BF_SLICE("RESTORE"), bf_slice_of(saves[i].key), BF_SLICE("0"),
                                   {saves[i].bytes, saves[i].len}};
        struct bf_reply reply;
        assert_int_equal(bf_redis_command(reader, words, 4, &reply, NULL), BF_OK);
    }
}

static void a_rollback_is_brought_forward_to_the_same(void **state)
{
    struct fixture it;
    char before[41], after[41], epoch[64];
    (void)state;
    ready(&it);
    struct bf_sink_record early[] = {window(0, 1, 1, BF_KPI_FINAL, 0), device(1, "city:A1", "airbox@2")};
    struct bf_sink_record late[] = {window(2, 2, 2, BF_KPI_FINAL, 0), window(3, 1, 1.5, BF_KPI_FINAL, 1),
                                    window(4, 3, 3, BF_KPI_PROVISIONAL, 0)};
    assert_int_equal(write_at(&it, BF_SINK_NO_POSITION, 2, early, 2), BF_OK);
    assert_int_equal(beat(&it, 1000), BF_OK);
    struct bf_reply reply = ask("HGET belfry:v1:meta epoch");
    snprintf(epoch, sizeof epoch, "%.*s", BF_SLICE_ARG(reply.text));
    size_t count = save_all();
    assert_int_equal(write_at(&it, 2, 5, late, 3), BF_OK);
    digest(before);
    restore_all(count);
    assert_int_equal(beat(&it, 2000), BF_AGAIN); /* seen on a quiet partition, too */
    assert_int_equal(sync_sink(&it), BF_OK);
    assert_int_equal(it.positions[0], 2);
    adopt(&it, &city, 1);
    assert_int_equal(write_at(&it, 2, 5, late, 3), BF_OK);
    assert_int_equal(beat(&it, 3000), BF_OK);
    reply = ask("HGET belfry:v1:meta epoch");
    assert_true(reply.text.len > 0 && strncmp(epoch, reply.text.data, reply.text.len) != 0);
    digest(after);
    assert_string_equal(before, after);
    assert_int_equal(number(HIST_LEN), 3);
    sink()->close(it.self);
}

static void a_revision_does_not_overwrite_a_newer_window(void **state)
{
    struct fixture it;
    (void)state;
    ready(&it);
    struct bf_sink_record records[] = {window(0, 1, 1, BF_KPI_FINAL, 0), window(1, 2, 2, BF_KPI_FINAL, 0),
                                       window(2, 1, 1.5, BF_KPI_FINAL, 1),
                                       window(3, 2, 2.5, BF_KPI_FINAL, 1)};
    assert_int_equal(write_at(&it, BF_SINK_NO_POSITION, 3, records, 3), BF_OK);
    assert_text("HGET " KEY " value", "2");
    assert_text("HGET " KEY " revision", "0");
    assert_text("HGET " KEY " seq", "3"); /* the channel has had three messages */
    assert_text("HGET belfry:v1:board:wall air:zone.mitte", "2");
    assert_int_equal(number(HIST_LEN), 3);
    assert_int_equal(write_at(&it, 3, 4, records + 3, 1), BF_OK); /* of the newest window it does */
    assert_text("HGET " KEY " value", "2.5");
    assert_text("HGET " KEY " revision", "1");
    sink()->close(it.self);
}

static void provisional_values_never_enter_the_history(void **state)
{
    struct fixture it;
    (void)state;
    ready(&it);
    struct bf_sink_record records[] = {
        window(0, 1, 1, BF_KPI_PROVISIONAL, 0), window(1, 2, 2, BF_KPI_PROVISIONAL, 0),
        window(2, 1, 1.5, BF_KPI_FINAL, 0),     window(3, 2, 2.5, BF_KPI_FINAL, 0),
        window(4, 2, 9, BF_KPI_PROVISIONAL, 0), window(5, 3, 3, BF_KPI_PROVISIONAL, 0),
        window(6, 2, 9, BF_KPI_PROVISIONAL, 0),
    };
    assert_int_equal(write_at(&it, BF_SINK_NO_POSITION, 2, records, 2), BF_OK);
    assert_text("HGET " KEY " value", "2");
    assert_text("HGET " KEY " final", "0");
    assert_int_equal(write_at(&it, 2, 3, records + 2, 1), BF_OK); /* the older window closes */
    assert_text("HGET " KEY " value", "2");
    assert_int_equal(write_at(&it, 3, 5, records + 3, 2), BF_OK);
    assert_text("HGET " KEY " value", "2.5"); /* a provisional value does not undo a final */
    assert_int_equal(write_at(&it, 5, 7, records + 5, 2), BF_OK);
    assert_text("HGET " KEY " value", "3");
    assert_text("HGET " KEY " final", "0");
    assert_int_equal(number(HIST_LEN), 2);
    sink()->close(it.self);
}

/* A step that breaks off half way leaves what it had written; made again, it meets its own entries, or finds
 * that the newest ones have pushed them out. */
static void a_step_that_broke_off_is_made_again(void **state)
{
    struct fixture it;
    (void)state;
    ask("CONFIG SET stream-node-max-entries 1");
    site.sink.history = 2;
    ready(&it);
    struct bf_sink_record records[] = {window(0, 1, 1, BF_KPI_FINAL, 0), window(1, 2, 2, BF_KPI_FINAL, 0),
                                       window(2, 3, 3, BF_KPI_FINAL, 0), window(3, 4, 4, BF_KPI_FINAL, 0)};
    assert_int_equal(write_at(&it, BF_SINK_NO_POSITION, 4, records, 4), BF_OK);
    assert_int_equal(number(HIST_LEN), 2);
    ask("DEL belfry:v1:position belfry:v1:origin:0"); /* as if the last commands had not been reached */
    assert_int_equal(sync_sink(&it), BF_OK);
    adopt(&it, &city, 1);
    assert_int_equal(write_at(&it, BF_SINK_NO_POSITION, 4, records, 4), BF_OK);
    assert_int_equal(number(HIST_LEN), 2);
    assert_text("HGET " KEY " value", "4");
    assert_text("HGET belfry:v1:position 0", "4");
    site.sink.history = 500;
    ask("CONFIG SET stream-node-max-entries 100");
    sink()->close(it.self);
}

static void what_becomes_unknown_vanishes(void **state)
{
    struct fixture it;
    (void)state;
    ready(&it);
    struct bf_sink_record records[] = {window(0, 1, 1, BF_KPI_FINAL, 0), window(1, 2, 2, BF_KPI_FINAL, 0)};
    records[1].as.kpi.has_value = records[1].as.kpi.has_range = false;
    records[1].as.kpi.n = 0;
    assert_int_equal(write_at(&it, BF_SINK_NO_POSITION, 2, records, 2), BF_OK);
    assert_text("HGET " KEY " value", NULL);
    assert_text("HGET " KEY " min", NULL);
    assert_text("HGET " KEY " n", "0");
    assert_text("HGET belfry:v1:board:wall air:zone.mitte", NULL);
    struct bf_sink_record places[] = {device(2, "city:A1", "airbox@2"), device(3, "city:A1", "airbox@2")};
    places[0].as.device.has_place = true;
    assert_int_equal(write_at(&it, 2, 3, places, 1), BF_OK);
    assert_text("HGET belfry:v1:device:city~3A~411 lat", "0");
    assert_int_equal(write_at(&it, 3, 4, places + 1, 1), BF_OK);
    assert_text("HGET belfry:v1:device:city~3A~411 lat", NULL);
    assert_text("HGET belfry:v1:device:city~3A~411 device", "city:A1");
    assert_int_equal(number("SCARD belfry:v1:idx:device"), 1);
    sink()->close(it.self);
}

static void a_script_that_redis_forgot_is_loaded_again(void **state)
{
    struct fixture it;
    (void)state;
    ready(&it);
    struct bf_sink_record record = window(0, 1, 1, BF_KPI_FINAL, 0);
    ask("SCRIPT FLUSH SYNC");
    assert_int_equal(write_at(&it, BF_SINK_NO_POSITION, 1, &record, 1), BF_PEER);
    assert_int_equal(sync_sink(&it), BF_OK);
    adopt(&it, &city, 1);
    assert_int_equal(write_at(&it, BF_SINK_NO_POSITION, 1, &record, 1), BF_OK);
    sink()->close(it.self);
}

static void two_batches_travel_at_once(void **state)
{
    struct fixture it;
    (void)state;
    ready(&it);
    int64_t at = BF_SINK_NO_POSITION;
    for (int64_t i = 0; i < 100; i++) {
        struct bf_sink_record record = window(i, i, (double)i, BF_KPI_FINAL, 0);
        struct bf_sink_batch batch = {
            .partition = 1, .expected = at, .next = i + 1, .records = &record, .count = 1};
        assert_int_equal(sink()->write(it.self, &batch, NULL), BF_OK);
        at = i + 1;
    }
    assert_int_equal(sink()->flush(it.self, NULL), BF_OK);
    assert_text("HGET belfry:v1:position 1", "100");
    assert_text("HGET belfry:v1:position 0", NULL);
    sink()->close(it.self);
}

static void redis_away_is_a_peer_error_and_comes_back(void **state)
{
    struct fixture it;
    (void)state;
    ready(&it);
    struct bf_sink_record record = window(0, 1, 1, BF_KPI_FINAL, 0);
    assert_int_equal(write_at(&it, BF_SINK_NO_POSITION, 1, &record, 1), BF_OK);
    bf_peer_kill(&server);
    assert_int_equal(beat(&it, 1000), BF_PEER);
    assert_int_equal(sync_sink(&it), BF_PEER);
    assert_int_equal(write_at(&it, 1, 2, &record, 1), BF_AGAIN); /* no connection: first sync */
    struct bf_err err = {0};
    assert_int_equal(bf_peer_start(&server, &err), BF_OK);
    bf_redis_close(reader);
    struct bf_redis_options options = {.url = url, .timeout_ms = 5000};
    assert_int_equal(bf_redis_open(&options, &reader, &err), BF_OK);
    assert_int_equal(sync_sink(&it), BF_OK);
    assert_int_equal(it.positions[0],
                     BF_SINK_NO_POSITION); /* it keeps nothing on disk: rolled back to empty */
    sink()->close(it.self);
}

int main(void)
{
    int failed = place_open();
    if (failed) {
        return failed;
    }
    const struct CMUnitTest tests[] = {
        LAW(a_final_reaches_every_key),
        LAW(the_channel_says_the_same_with_its_number),
        LAW(a_repeated_record_is_dropped_and_the_position_moves),
        LAW(a_zombie_cannot_write),
        LAW(a_lost_reply_is_harmless),
        LAW(a_rollback_is_brought_forward_to_the_same),
        LAW(a_revision_does_not_overwrite_a_newer_window),
        LAW(provisional_values_never_enter_the_history),
        LAW(a_step_that_broke_off_is_made_again),
        LAW(what_becomes_unknown_vanishes),
        LAW(a_script_that_redis_forgot_is_loaded_again),
        LAW(two_batches_travel_at_once),
        LAW(redis_away_is_a_peer_error_and_comes_back),
    };
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    place_close();
    return failed;
}
