/* The configuration in the log: installed once, reloaded, cut short and finished.
 * Covers: config/log/config_log.c, config/log/config_writer.c, config/log/log_clock.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/log/config_log.h"
#include "config/log/log_clock.h"
#include "core/mp.h"
#include "core/time.h"
#include "core/wire.h"
#include "tests/flow/kafka_peer.h"
#include "tests/support/eventually.h"

/* A bundle of one file with `size` bytes of `fill`: what is in it does not matter here. */
static struct bf_bundle *bundle_of(char fill, size_t size)
{
    struct bf_mp_writer writer;
    struct bf_bundle *bundle;
    char *text = malloc(size);
    char *packed = malloc(size + 64);
    assert_true(text && packed);
    memset(text, fill, size);
    bf_mp_writer_init(&writer, packed, size + 64);
    bf_mp_put_map(&writer, 1);
    bf_mp_put_str(&writer, BF_SLICE("city.yaml"));
    bf_mp_put_bin(&writer, (struct bf_slice){text, size});
    OK(bf_bundle_unpack((struct bf_slice){packed, writer.len}, &bundle, &err));
    free(text);
    free(packed);
    return bundle;
}

static struct bf_config_log *open_log(void)
{
    struct bf_config_log *log;
    OK(bf_config_log_open(&kafka_options, NULL, &log, &err));
    return log;
}

/* Control records of that generation in all readings partitions. */
static int count_controls(int64_t generation)
{
    struct bf_consumer *consumer;
    struct bf_position positions[12];
    for (int32_t i = 0; i < 12; i++) {
        positions[i] =
            (struct bf_position){.topic = BF_TOPIC_READINGS, .partition = i, .offset = BF_OFFSET_BEGINNING};
    }
    OK(bf_consumer_create(&kafka_options, NULL, true, &consumer, &err));
    OK(bf_consumer_assign(consumer, positions, 12, &err));
    int found = 0;
    int64_t until = bf_deadline_us(10000);
    for (int ends = 0; ends < 12 && bf_time_monotonic_us() < until;) {
        struct bf_incoming incoming;
        struct bf_control control;
        enum bf_record_type type;
        if (bf_consumer_poll(consumer, 100, &incoming, NULL) != BF_OK) {
            continue;
        }
        ends += incoming.eof;
        found += !incoming.eof && bf_incoming_type(&incoming, &type) && type == BF_RECORD_CONTROL &&
                 !incoming.has_key && bf_control_unpack(incoming.value, &control, NULL) == BF_OK &&
                 control.generation == generation;
        bf_incoming_release(&incoming);
    }
    bf_consumer_destroy(consumer);
    return found;
}

static void without_an_install_record_nothing_starts(void **state)
{
    (void)state;
    struct bf_err err = {.status = BF_OK};
    struct bf_config_log *log;
    int64_t generation;
    assert_int_equal(bf_config_log_open(&kafka_options, NULL, &log, &err), BF_CONFIG);
    assert_non_null(strstr(err.hint, "belfry topics"));
    struct bf_bundle *bundle = bundle_of('a', 10);
    assert_int_equal(bf_config_log_reload(&kafka_options, bundle, BF_TIME_NONE, &generation, &err),
                     BF_CONFIG);
    bf_bundle_destroy(bundle);
}

static void the_install_record_is_written_once(void **state)
{
    (void)state;
    bool made = false;
    OK(bf_config_log_install_once(&kafka_options, &made, &err));
    assert_true(made);
    struct bf_config_log *log = open_log();
    char id[40];
    const struct bf_install *install = bf_config_log_install(log);
    assert_int_equal(install->id.len, 16);
    snprintf(id, sizeof id, "%.*s", BF_SLICE_ARG(install->id));
    assert_int_equal(install->readings, 12);
    assert_int_equal(install->rejects, 4);
    assert_int_equal(install->partials, 4);
    assert_int_equal(install->kpis, 4);
    assert_int_equal(install->checkpoints, 12);
    assert_int_equal(bf_config_log_newest(log), 0);
    bf_config_log_close(log);

    OK(bf_config_log_install_once(&kafka_options, &made, &err));
    assert_false(made);
    log = open_log();
    assert_true(bf_slice_equal(bf_config_log_install(log)->id, bf_slice_of(id)));
    bf_config_log_close(log);
}

static void a_reload_makes_a_generation_and_the_same_again_does_not(void **state)
{
    (void)state;
    struct bf_config_log *watching = open_log();
    struct bf_bundle *bundle = bundle_of('a', 2000000); /* three chunks */
    int64_t generation = 0;
    OK(bf_config_log_reload(&kafka_options, bundle, BF_TIME_NONE, &generation, &err));
    assert_int_equal(generation, 1);
    assert_int_equal(count_controls(1), 12);
    OK(bf_config_log_reload(&kafka_options, bundle, 5000000, &generation, &err));
    assert_int_equal(generation, 1);
    assert_int_equal(count_controls(1), 12);

    /* Somebody who had it open before learns it by a refresh. */
    struct bf_generation record;
    int64_t until = bf_deadline_us(10000);
    while (bf_config_log_newest(watching) < 1 && bf_time_monotonic_us() < until) {
        struct bf_err fault = {.status = BF_OK};
        enum bf_status status = bf_config_log_refresh(watching, 100, &fault);
        assert_true(status == BF_OK || status == BF_AGAIN);
    }
    OK(bf_config_log_generation(watching, 1, &record, NULL, &err));
    assert_true(record.complete);
    assert_int_equal(record.from_us, 0);
    assert_true(bf_slice_equal(record.hash, bf_slice_of(bundle->hash)));
    assert_int_equal(bf_config_log_generation(watching, 2, &record, NULL, NULL), BF_AGAIN);
    assert_int_equal(bf_config_log_refresh(watching, 0, NULL), BF_AGAIN);
    bf_bundle_destroy(bundle);
    bf_config_log_close(watching);
}

static void another_bundle_is_another_generation_that_begins_later(void **state)
{
    (void)state;
    struct bf_bundle *second = bundle_of('b', 100);
    struct bf_bundle *first = bundle_of('a', 2000000);
    int64_t generation = 0;
    OK(bf_config_log_reload(&kafka_options, second, 7000000, &generation, &err));
    assert_int_equal(generation, 2);
    OK(bf_config_log_reload(&kafka_options, first, 6000000, &generation, &err)); /* back, with a stale time */
    assert_int_equal(generation, 3);
    struct bf_config_log *log = open_log();
    struct bf_generation record;
    OK(bf_config_log_generation(log, 2, &record, NULL, &err));
    assert_int_equal(record.from_us, 7000000);
    OK(bf_config_log_generation(log, 3, &record, NULL, &err));
    assert_int_equal(record.from_us, 7000001);
    assert_true(bf_slice_equal(record.hash, bf_slice_of(first->hash)));
    assert_int_equal(bf_config_log_newest(log), 3);
    bf_config_log_close(log);
    bf_bundle_destroy(first);
    bf_bundle_destroy(second);
}

/* As a reload leaves it that was killed after its generation's first record. */
static void write_unfinished(const struct bf_bundle *bundle, int64_t generation)
{
    char bytes[256];
    char key[128];
    struct bf_producer *producer;
    struct bf_slice packed;
    struct bf_mp_writer writer;
    const struct bf_header last = {.name = "last", .value = BF_SLICE("1")};
    OK(bf_producer_create(&kafka_options, 0, 100, &producer, &err));
    OK(bf_bundle_pack(bundle, &packed, &err));
    snprintf(key, sizeof key, "%s.0", bundle->hash);
    const struct bf_outgoing chunk = {.topic = BF_TOPIC_CONFIG,
                                      .key = bf_slice_of(key),
                                      .value = packed,
                                      .type = BF_RECORD_BUNDLE,
                                      .extra = &last,
                                      .extra_count = 1};
    OK(bf_producer_send_sync(producer, &chunk, 10000, NULL, &err));
    const struct bf_generation record = {
        .generation = generation, .hash = bf_slice_of(bundle->hash), .from_us = 9000000};
    bf_mp_writer_init(&writer, bytes, sizeof bytes);
    bf_generation_pack(&record, &writer);
    snprintf(key, sizeof key, "generation.%d", (int)generation);
    const struct bf_outgoing outgoing = {.topic = BF_TOPIC_CONFIG,
                                         .key = bf_slice_of(key),
                                         .value = {bytes, writer.len},
                                         .type = BF_RECORD_GENERATION};
    OK(bf_producer_send_sync(producer, &outgoing, 10000, NULL, &err));
    bf_producer_destroy(producer, 1000);
    free((void *)(uintptr_t)packed.data);
}

static void a_reload_cut_short_is_finished_by_the_next(void **state)
{
    (void)state;
    struct bf_bundle *bundle = bundle_of('c', 100);
    struct bf_generation record;
    write_unfinished(bundle, 4);
    struct bf_config_log *log = open_log();
    assert_int_equal(bf_config_log_newest(log), 3); /* it is not in force */
    OK(bf_config_log_generation(log, 4, &record, NULL, &err));
    assert_false(record.complete);
    bf_config_log_close(log);

    int64_t generation = 0;
    OK(bf_config_log_reload(&kafka_options, bundle, 10000000, &generation, &err));
    assert_int_equal(generation, 4); /* finished, and the same: no fifth */
    assert_int_equal(count_controls(4), 12);
    log = open_log();
    assert_int_equal(bf_config_log_newest(log), 4);
    OK(bf_config_log_generation(log, 4, &record, NULL, &err));
    assert_true(record.complete);
    assert_int_equal(record.from_us, 9000000); /* its own, not the later command's */
    bf_config_log_close(log);
    bf_bundle_destroy(bundle);
}

static void what_cannot_be_read_is_passed_over(void **state)
{
    (void)state;
    struct bf_producer *producer;
    OK(bf_producer_create(&kafka_options, 0, 100, &producer, &err));
    const struct bf_outgoing bad[] = {
        {.topic = BF_TOPIC_CONFIG,
         .key = BF_SLICE("generation.9"),
         .value = BF_SLICE("\xc1"),
         .type = BF_RECORD_GENERATION},
        {.topic = BF_TOPIC_CONFIG,
         .key = BF_SLICE("install"),
         .value = BF_SLICE(""),
         .type = BF_RECORD_INSTALL},
        {.topic = BF_TOPIC_CONFIG,
         .key = BF_SLICE("short.0"),
         .value = BF_SLICE("x"),
         .type = BF_RECORD_BUNDLE},
        {.topic = BF_TOPIC_CONFIG, .key = BF_SLICE("foreign"), .value = BF_SLICE("x"), .type = BF_RECORD_KPI},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        OK(bf_producer_send_sync(producer, &bad[i], 10000, NULL, &err));
    }
    bf_producer_destroy(producer, 1000);
    struct bf_config_log *log = open_log();
    assert_int_equal(bf_config_log_newest(log), 4);
    bf_config_log_close(log);
}

/* clock_us 0: a hello, or no marker has come back yet. */
static void send_tick(struct bf_producer *producer, int32_t partition, int64_t clock_us)
{
    char bytes[256];
    struct bf_mp_writer writer;
    const struct bf_tick tick = {.ingest = BF_SLICE("i"),
                                 .has_epoch = true,
                                 .has_clock = clock_us > 0,
                                 .clock_us = clock_us,
                                 .wall_us = clock_us > 0 ? clock_us : 7000000,
                                 .generation = 4};
    bf_mp_writer_init(&writer, bytes, sizeof bytes);
    bf_tick_pack(&tick, &writer);
    const struct bf_outgoing record = {.topic = BF_TOPIC_READINGS,
                                       .partition = partition,
                                       .value = {bytes, writer.len},
                                       .type = BF_RECORD_TICK};
    OK(bf_producer_send_sync(producer, &record, 10000, NULL, &err));
}

/* Else a reload would begin at the beginning, and take the windows of what is counted already. */
static void before_the_first_clock_readings_are_behind_the_wall_time(void **state)
{
    (void)state;
    struct bf_producer *producer;
    struct bf_log_clock *clock;
    OK(bf_producer_create(&kafka_options, 0, 100, &producer, &err));
    send_tick(producer, 5, 0);
    OK(bf_log_clock_open(&kafka_options, 12, &clock, &err));
    assert_true(bf_log_clock_front(clock) == BF_TIME_NONE);
    bf_log_clock_close(clock);
    const struct bf_outgoing reading = {.topic = BF_TOPIC_READINGS,
                                        .partition = 6,
                                        .key = BF_SLICE("net:d1"),
                                        .value = BF_SLICE("x"),
                                        .type = BF_RECORD_READING};
    OK(bf_producer_send_sync(producer, &reading, 10000, NULL, &err));
    OK(bf_log_clock_open(&kafka_options, 12, &clock, &err));
    assert_true(bf_log_clock_newest(clock) == BF_TIME_NONE);
    assert_int_equal(bf_log_clock_front(clock), 7000000);
    bf_log_clock_close(clock);
    bf_producer_destroy(producer, 1000);
}

static void log_time_is_what_the_ticks_say(void **state)
{
    (void)state;
    struct bf_producer *producer;
    struct bf_log_clock *clock;
    OK(bf_log_clock_open(&kafka_options, 12, &clock, &err));
    assert_true(bf_log_clock_newest(clock) == BF_TIME_NONE);
    bf_log_clock_close(clock);
    OK(bf_producer_create(&kafka_options, 0, 100, &producer, &err));
    for (int32_t i = 0; i < 12; i++) {
        send_tick(producer, i, 20000000 + i);
    }
    send_tick(producer, 3, 0); /* a hello carries no clock */
    OK(bf_log_clock_open(&kafka_options, 12, &clock, &err));
    assert_int_equal(bf_log_clock_newest(clock), 20000011);
    assert_int_equal(bf_log_clock_front(clock), 20000011);
    assert_int_equal(bf_log_clock_slowest(clock), 20000000);
    assert_int_equal(bf_log_clock_wait(clock, 20000000, 5000, NULL), BF_OK);
    assert_int_equal(bf_log_clock_wait(clock, 30000000, 50, NULL), BF_AGAIN);
    for (int32_t i = 0; i < 12; i++) {
        send_tick(producer, i, 30000000);
    }
    assert_int_equal(bf_log_clock_wait(clock, 30000000, 10000, NULL), BF_OK);
    bf_log_clock_close(clock);
    bf_producer_destroy(producer, 1000);
}

int main(void)
{
    int skipped = kafka_start();
    if (skipped) {
        return skipped;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_an_install_record_nothing_starts),
        cmocka_unit_test(the_install_record_is_written_once),
        cmocka_unit_test(a_reload_makes_a_generation_and_the_same_again_does_not),
        cmocka_unit_test(another_bundle_is_another_generation_that_begins_later),
        cmocka_unit_test(a_reload_cut_short_is_finished_by_the_next),
        cmocka_unit_test(what_cannot_be_read_is_passed_over),
        cmocka_unit_test(before_the_first_clock_readings_are_behind_the_wall_time),
        cmocka_unit_test(log_time_is_what_the_ticks_say),
    };
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    bf_peer_stop(&kafka_peer);
    return failures;
}
