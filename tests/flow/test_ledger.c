/* The ledger over logs that are written by hand, in the embedded Kafka: each kind of record once,
 * redelivered, or written again by a task that replayed; the sums are exact.
 * Covers: cli/ledger.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "cli/ledger.h"
#include "core/time.h"
#include "core/wire.h"
#include "tests/support/peers.h"

#define HOUR (3600 * BF_US_PER_S)

static struct bf_peer kafka = {.kind = BF_PEER_KAFKA};
static struct bf_kafka_options options = {.prefix = "belfry", .client_id = "test"};
static struct bf_producer *producer;
static struct bf_ledger *ledger;
static struct bf_kpi_definition audit = {
    .id = {"audit", 5}, .window_us = HOUR, .delay_us = 5 * BF_US_PER_S, .lateness_us = 2 * HOUR};
static const struct bf_city city = {.kpis = &audit, .kpi_count = 1};

/* task NULL: no origin. */
static void put(enum bf_topic topic, enum bf_record_type type, const char *key,
                const struct bf_mp_writer *writer, const char *task, int64_t offset, uint32_t index)
{
    char origin_bytes[128];
    struct bf_mp_writer header;
    struct bf_err err = {.message = ""};
    assert_false(writer->full);
    bf_mp_writer_init(&header, origin_bytes, sizeof origin_bytes);
    if (task) {
        struct bf_origin origin = {.task = bf_slice_of(task), .offset = offset, .index = index};
        bf_origin_pack(&origin, &header);
    }
    struct bf_outgoing record = {
        .topic = topic,
        .partition = 0,
        .key = key ? bf_slice_of(key) : (struct bf_slice){NULL, 0},
        .value = {(const char *)writer->data, writer->len},
        .type = type,
        .origin = {origin_bytes, task ? header.len : 0},
    };
    if (bf_producer_send_sync(producer, &record, 10000, NULL, &err) != BF_OK) {
        fail_msg("%s", err.message);
    }
}

static struct bf_delivery delivery_of(int64_t serial, uint32_t index, bool dup)
{
    return (struct bf_delivery){.ingest = BF_SLICE("belfry-1"),
                                .incarnation = dup ? 9 : 3,
                                .epoch = 3,
                                .serial = serial,
                                .packet_id = (uint16_t)serial,
                                .dup = dup,
                                .payload_hash = (uint64_t)serial * 77,
                                .index = index};
}

static void reading(int64_t serial, uint32_t index, bool dup)
{
    char bytes[1024];
    struct bf_mp_writer writer;
    struct bf_reading record = {
        .source = BF_SLICE("city:a1"),
        .quantity = BF_SLICE("pm2_5"),
        .event_us = HOUR,
        .ingest_us = HOUR,
        .value = {.kind = BF_VALUE_DOUBLE, .as.number = 1.5},
        .unit = BF_SLICE("ug/m3"),
        .quality = BF_QUALITY_GOOD,
        .delivery = delivery_of(serial, index, dup),
    };
    bf_mp_writer_init(&writer, bytes, sizeof bytes);
    bf_reading_pack(&record, &writer);
    put(BF_TOPIC_READINGS, BF_RECORD_READING, "city:a1", &writer, NULL, 0, 0);
}

/* By ingest: serial of a message; by a task: the origin's offset. */
static void reject(struct bf_reject record, const char *task, int64_t offset)
{
    char bytes[1024];
    struct bf_mp_writer writer;
    record.reason = BF_SLICE("malformed");
    bf_mp_writer_init(&writer, bytes, sizeof bytes);
    bf_reject_pack(&record, &writer);
    put(BF_TOPIC_REJECTS, BF_RECORD_REJECT, "a", &writer, task, offset, 0);
}

static void ingest_reject(int64_t serial, bool whole, bool by_profile)
{
    reject((struct bf_reject){.stage = by_profile ? BF_STAGE_PROFILE : BF_STAGE_DECODE,
                              .whole = whole,
                              .by_profile = by_profile,
                              .event_us = BF_TIME_NONE,
                              .has_delivery = true,
                              .delivery = delivery_of(serial, 0, false)},
           NULL, 0);
}

static void kpi(const char *id, int64_t hour, uint64_t n, uint64_t suspect, enum bf_kpi_phase phase,
                uint32_t revision, int64_t offset)
{
    char bytes[1024];
    struct bf_mp_writer writer;
    struct bf_kpi record = {
        .kpi = bf_slice_of(id),
        .scope = BF_SLICE("device.city~3Aa1"),
        .unit = BF_SLICE("1"),
        .start_us = hour * HOUR,
        .end_us = (hour + 1) * HOUR,
        .n = n,
        .excluded = {.suspect = suspect},
        .phase = phase,
        .revision = revision,
        .quality = BF_QUALITY_GOOD,
    };
    bf_mp_writer_init(&writer, bytes, sizeof bytes);
    bf_kpi_pack(&record, &writer);
    put(BF_TOPIC_KPIS, BF_RECORD_KPI, "k", &writer, "i/s1/0", offset, 0);
}

static void tick(int32_t source, struct bf_task_counters counters, int64_t offset)
{
    char bytes[512], task[32];
    struct bf_mp_writer writer;
    struct bf_task_tick record = {.source = source, .clock_us = HOUR, .counters = counters};
    snprintf(task, sizeof task, "i/s1/%d", (int)source);
    bf_mp_writer_init(&writer, bytes, sizeof bytes);
    bf_task_tick_pack(&record, &writer);
    put(BF_TOPIC_PARTIALS, BF_RECORD_TASK_TICK, "t", &writer, task, offset, 0);
}

static struct bf_ledger_sums sums(void)
{
    struct bf_err err = {.message = ""};
    if (bf_ledger_read(ledger, &err) != BF_OK) {
        fail_msg("%s", err.message);
    }
    return bf_ledger_sums(ledger);
}

static void a_message_is_one_however_often_it_came(void **state)
{
    (void)state;
    reading(1, 0, false);
    reading(1, 1, false); /* two readings of one message */
    reading(1, 0, true);  /* and its redelivery */
    reading(1, 1, true);
    reading(2, 0, false);
    ingest_reject(2, false, false); /* a part of a message that gave a reading */
    ingest_reject(3, true, false);
    ingest_reject(3, true, false); /* redelivered */
    ingest_reject(4, true, true);
    struct bf_ledger_sums is = sums();
    assert_int_equal(is.readings, 5);
    assert_int_equal(is.gave_readings, 2);
    assert_int_equal(is.rejected, 1);
    assert_int_equal(is.by_profile, 1);
    assert_int_equal(is.rejects, 4);
    assert_int_equal(bf_ledger_messages(&is), 4);
    assert_int_equal(sums().readings, 5); /* reading on where nothing is new changes nothing */
}

static void the_last_result_of_a_window_counts(void **state)
{
    (void)state;
    kpi("audit", 1, 1, 0, BF_KPI_PROVISIONAL, 0, 10);
    struct bf_ledger_sums is = sums();
    assert_int_equal(is.windows, 1);
    assert_int_equal(is.open_windows, 1);
    kpi("audit", 1, 2, 1, BF_KPI_FINAL, 0, 11);
    kpi("audit", 1, 2, 1, BF_KPI_FINAL, 0, 11); /* a replay wrote it again */
    kpi("audit", 1, 1, 0, BF_KPI_PROVISIONAL, 0, 10);
    kpi("audit", 1, 3, 1, BF_KPI_FINAL, 1, 12);
    kpi("other", 1, 50, 5, BF_KPI_FINAL, 0, 13);
    is = sums();
    assert_int_equal(is.windows, 2);
    assert_int_equal(is.open_windows, 0);
    assert_int_equal(is.counted, 3);
    assert_int_equal(is.excluded, 1);
    assert_int_equal(is.finals, 2);
    assert_int_equal(is.revisions, 1);
    assert_int_equal(is.repeats, 2);
}

static void late_is_late_for_the_audit_kpi(void **state)
{
    (void)state;
    struct bf_reject late = {
        .stage = BF_STAGE_LATE, .event_us = HOUR + 1, .at_us = 4 * HOUR + 5 * BF_US_PER_S};
    struct bf_ledger_sums before = sums();
    reject(late, "i/s1/0", 20);
    reject(late, "i/s1/0", 20); /* written again */
    late.at_us--;               /* too late for another KPI only */
    reject(late, "i/s1/0", 21);
    struct bf_ledger_sums is = sums();
    assert_int_equal(is.late - before.late, 1);
    assert_int_equal(is.rejects - before.rejects, 2);
    assert_int_equal(is.repeats - before.repeats, 1);
    assert_int_equal(bf_ledger_messages(&is), 4); /* no message */
}

static void the_newest_counters_of_each_task_count(void **state)
{
    (void)state;
    tick(0, (struct bf_task_counters){.readings = 3, .accepted = 2, .duplicate = 1}, 5);
    tick(0, (struct bf_task_counters){.readings = 4, .accepted = 2, .duplicate = 2}, 6);
    tick(0, (struct bf_task_counters){.readings = 3, .accepted = 2, .duplicate = 1}, 5); /* a replay */
    tick(1, (struct bf_task_counters){.readings = 1, .older = 1}, 0);
    struct bf_ledger_sums is = sums();
    assert_int_equal(is.seen, 5);
    assert_int_equal(is.duplicate, 2);
    assert_int_equal(is.older, 1);
    assert_int_equal(bf_ledger_accounted(&is), 3 + 1 + 1 + 2 + 1);
}

/* The clocks stand at the first hour: what ended before is due, what ends then waits for its delay. */
static void a_window_that_is_not_over_holds_nothing_up(void **state)
{
    (void)state;
    struct bf_ledger_sums before = sums();
    assert_int_equal(before.open_windows + before.running, 0);
    kpi("day", 0, 1, 0, BF_KPI_PROVISIONAL, 0, 40);
    kpi("day", -1, 1, 0, BF_KPI_PROVISIONAL, 0, 41);
    struct bf_ledger_sums is = sums();
    assert_int_equal(is.running, 1);
    assert_int_equal(is.open_windows, 1);
    kpi("day", -1, 1, 0, BF_KPI_FINAL, 0, 42);
    kpi("audit", 20, 1, 0, BF_KPI_PROVISIONAL, 0, 43); /* without it the readings are not accounted for */
    is = sums();
    assert_int_equal(is.running, 1);
    assert_int_equal(is.open_windows, 1);
}

static void rubbish_is_passed_over(void **state)
{
    (void)state;
    char bytes[] = "\xc1rubbish";
    struct bf_mp_writer writer;
    struct bf_ledger_sums before = sums();
    bf_mp_writer_init(&writer, bytes, sizeof bytes);
    writer.len = sizeof bytes - 1;
    put(BF_TOPIC_READINGS, BF_RECORD_READING, "city:a1", &writer, NULL, 0, 0);
    put(BF_TOPIC_KPIS, BF_RECORD_KPI, "k", &writer, "i/s1/0", 99, 0);
    put(BF_TOPIC_REJECTS, BF_RECORD_REJECT, "k", &writer, NULL, 0, 0);
    put(BF_TOPIC_PARTIALS, BF_RECORD_TASK_TICK, "k", &writer, "i/s1/0", 99, 0);
    struct bf_ledger_sums is = sums();
    assert_int_equal(is.readings - before.readings, 1); /* the task counts it as malformed */
    assert_int_equal(is.windows, before.windows);
    assert_int_equal(is.seen, before.seen);
    assert_int_equal(bf_ledger_messages(&is), bf_ledger_messages(&before));
}

static void what_it_may_remember_is_bounded(void **state)
{
    (void)state;
    struct bf_ledger *small = NULL;
    struct bf_err err = {.message = ""};
    assert_int_equal(bf_ledger_open(&options, &city, &audit, 2, &small, &err), BF_OK);
    assert_int_equal(bf_ledger_read(small, &err), BF_LIMIT);
    assert_non_null(strstr(err.message, "raise --messages"));
    bf_ledger_close(small);
    bf_ledger_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_one_however_often_it_came),
        cmocka_unit_test(the_last_result_of_a_window_counts),
        cmocka_unit_test(late_is_late_for_the_audit_kpi),
        cmocka_unit_test(the_newest_counters_of_each_task_count),
        cmocka_unit_test(a_window_that_is_not_over_holds_nothing_up),
        cmocka_unit_test(rubbish_is_passed_over),
        cmocka_unit_test(what_it_may_remember_is_bounded),
    };
    struct bf_err err = {.message = ""};
    if (!bf_peer_available(BF_PEER_KAFKA)) {
        fputs("skipped: belfry-kafka is not built\n", stderr);
        return 77;
    }
    enum bf_status status = bf_peer_start(&kafka, &err);
    options.brokers = kafka.address;
    status = status == BF_OK ? bf_producer_create(&options, 1, 10000, &producer, &err) : status;
    status = status == BF_OK ? bf_ledger_open(&options, &city, &audit, 1000, &ledger, &err) : status;
    if (status != BF_OK) {
        fprintf(stderr, "%s\n%s\n", err.message, err.detail);
        return 1;
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    bf_ledger_close(ledger);
    bf_producer_destroy(producer, 1000);
    bf_peer_stop(&kafka);
    return failed;
}
