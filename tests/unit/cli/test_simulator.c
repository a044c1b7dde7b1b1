/* The simulated city: the same seed gives the same bytes, in order of time, at the rate asked for; faults do
 * what faults.def says of them; what every kind of device sends is what its profile in config/city reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/simulator.h"
#include "config/bundle.h"
#include "config/city_load.h"
#include "core/hash.h"
#include "core/time.h"
#include "ingest/decode/pipeline.h"
#include "processors/aggregate/aggregate.h"

#define START INT64_C(1700000000000000)
#define MINUTE (60 * BF_US_PER_S)

static struct bf_simulator *city_of(struct bf_simulator_options options)
{
    struct bf_simulator *simulator = NULL;
    struct bf_err err;
    options.start_us = options.start_us ? options.start_us : START;
    assert_int_equal(bf_simulator_create(&options, &simulator, &err), BF_OK);
    return simulator;
}

/* Everything until `until_us` in one number; *count messages, which are in order of time. */
static uint64_t digest(struct bf_simulator *simulator, int64_t until_us, uint64_t *count)
{
    uint64_t hash = 0;
    int64_t last_us = 0;
    struct bf_simulated message;
    for (*count = 0; bf_simulator_next(simulator, until_us, &message); ++*count) {
        assert_true(message.due_us >= last_us && message.due_us < until_us);
        assert_true(message.device < bf_simulator_devices(simulator));
        assert_in_range(message.payload.len, 1, BF_SIMULATOR_PAYLOAD - 1);
        last_us = message.due_us;
        hash = bf_hash64_mix(hash, bf_hash64(message.topic));
        hash = bf_hash64_mix(hash, bf_hash64(message.payload) ^ (uint64_t)message.due_us);
    }
    bf_simulator_destroy(simulator);
    return hash;
}

static void a_seed_repeats_a_city_to_the_byte(void **state)
{
    (void)state;
    const struct bf_simulator_options options = {.seed = 7, .fault_share[BF_FAULT_SPIKE] = 0.3};
    const struct bf_simulator_options other = {.seed = 8, .fault_share[BF_FAULT_SPIKE] = 0.3};
    uint64_t first, second, third;
    uint64_t one = digest(city_of(options), START + MINUTE, &first);
    uint64_t same = digest(city_of(options), START + MINUTE, &second);
    uint64_t another = digest(city_of(other), START + MINUTE, &third);
    assert_true(one == same && first == second);
    assert_true(one != another);
    assert_true(first > 1000);
}

static void the_rate_is_what_was_asked_for(void **state)
{
    (void)state;
    uint64_t count;
    digest(city_of((struct bf_simulator_options){.devices = 1000, .rate = 500}), START + MINUTE, &count);
    assert_in_range(count, 29000, 31000);
    digest(city_of((struct bf_simulator_options){.devices = 1, .rate = 0.5}), START + MINUTE, &count);
    assert_in_range(count, 29, 31);
}

static void stopping_and_going_on_changes_nothing(void **state)
{
    (void)state;
    uint64_t count, whole = 0;
    struct bf_simulated message;
    struct bf_simulator *in_steps = city_of((struct bf_simulator_options){.devices = 1000});
    for (int64_t until_us = START; until_us <= START + MINUTE; until_us += MINUTE / 40) {
        while (bf_simulator_next(in_steps, until_us, &message)) {
            whole++;
        }
    }
    assert_false(bf_simulator_next(in_steps, START + MINUTE, &message));
    bf_simulator_destroy(in_steps);
    digest(city_of((struct bf_simulator_options){.devices = 1000}), START + MINUTE, &count);
    assert_int_equal(whole, count);
}

static void a_thousand_devices_all_speak(void **state)
{
    (void)state;
    static bool spoke[1000];
    uint64_t heard = 0;
    struct bf_simulated message;
    struct bf_simulator *simulator = city_of((struct bf_simulator_options){.devices = 1000});
    assert_int_equal(bf_simulator_devices(simulator), 1000);
    while (bf_simulator_next(simulator, START + 10 * MINUTE, &message)) {
        heard += !spoke[message.device];
        spoke[message.device] = true;
    }
    bf_simulator_destroy(simulator);
    assert_int_equal(heard, 1000);
}

static void too_many_devices_are_refused(void **state)
{
    (void)state;
    struct bf_simulator *simulator = NULL;
    struct bf_err err;
    struct bf_simulator_options options = {.devices = BF_SIMULATOR_DEVICES + 1};
    assert_int_equal(bf_simulator_create(&options, &simulator, &err), BF_LIMIT);
    assert_non_null(strstr(err.message, "1000000"));
}

static void faults_have_names(void **state)
{
    (void)state;
    enum bf_fault fault;
    assert_true(bf_fault_parse(BF_SLICE("bad-clock"), &fault) && fault == BF_FAULT_BAD_CLOCK);
    assert_true(bf_fault_parse(BF_SLICE("silent"), &fault) && fault == BF_FAULT_SILENT);
    assert_false(bf_fault_parse(BF_SLICE("silen"), &fault));
    assert_false(bf_fault_parse(BF_SLICE(""), &fault));
}

/* ---- the demo city's own pipeline */

struct reader {
    struct bf_bundle *bundle;
    struct bf_city *city;
    struct bf_pipeline *pipeline;
    size_t readings, rejects;
    double last, least, most; /* of the quantity that is watched */
    int64_t event_us;
    const char *quantity;
    char reason[200];
};

static void on_reading(void *context, const struct bf_reading *reading)
{
    struct reader *reader = context;
    double value;
    reader->readings++;
    reader->event_us = reading->event_us;
    if (reader->quantity && bf_slice_equal(reading->quantity, bf_slice_of(reader->quantity)) &&
        bf_value_number(&reading->value, &value)) {
        reader->last = value;
        reader->least = value < reader->least ? value : reader->least;
        reader->most = value > reader->most ? value : reader->most;
    }
}

static void on_reject(void *context, const struct bf_reject *reject)
{
    struct reader *reader = context;
    reader->rejects++;
    snprintf(reader->reason, sizeof reader->reason, "%.*s: %.*s", BF_SLICE_ARG(reject->reason),
             BF_SLICE_ARG(reject->detail));
}

static void reader_open(struct reader *reader)
{
    static const struct bf_pipeline_limits limits = {.max_topic = 1024,
                                                     .max_payload = 262144,
                                                     .max_readings = 1000,
                                                     .reject_payload = 65536,
                                                     .decode_memory = 4u << 20,
                                                     .max_depth = 64};
    struct bf_err err = {.message = ""};
    *reader = (struct reader){.least = 1e300, .most = -1e300};
    if (bf_bundle_read(TEST_SOURCE_DIR "/config/city", &reader->bundle, &err) != BF_OK ||
        bf_city_load(reader->bundle, bf_aggregate_kinds(), &reader->city, &err) != BF_OK ||
        bf_pipeline_create(reader->city, &limits, &reader->pipeline, &err) != BF_OK) {
        fail_msg("%s", err.message);
    }
}

static void reader_close(struct reader *reader)
{
    bf_pipeline_destroy(reader->pipeline);
    bf_city_destroy(reader->city);
    bf_bundle_destroy(reader->bundle);
}

/* Which readings and rejects this message gave. */
static void read_message(struct reader *reader, const struct bf_simulated *message)
{
    const struct bf_pipeline_output output = {.reading = on_reading, .reject = on_reject, .context = reader};
    struct bf_pipeline_input input = {
        .topic = message->topic,
        .payload = message->payload,
        .payload_len = message->payload.len,
        .ingest_us = message->due_us,
        .clock_us = message->due_us,
        .delivery = {.ingest = BF_SLICE("t")},
    };
    reader->readings = reader->rejects = 0;
    bf_pipeline_run(reader->pipeline, &input, &output);
}

/* A day of the whole city, each kind at its own pace stretched so that the test is quick. */
static void every_message_of_every_kind_gives_readings(void **state)
{
    (void)state;
    struct reader reader;
    struct bf_simulated message;
    size_t messages[16] = {0};
    int64_t midnight = START / (1440 * MINUTE) * (1440 * MINUTE);
    struct bf_simulator *simulator =
        city_of((struct bf_simulator_options){.seed = 3, .rate = 0.5, .start_us = midnight});
    reader_open(&reader);
    assert_int_equal(bf__kind_count, 9);
    while (bf_simulator_next(simulator, midnight + 1440 * MINUTE, &message)) {
        read_message(&reader, &message);
        if (reader.rejects > 0 || reader.readings == 0) {
            fail_msg("%.*s gave %zu readings; %s; payload %.*s", BF_SLICE_ARG(message.topic), reader.readings,
                     reader.reason, BF_SLICE_ARG(message.payload));
        }
        size_t kind = 0;
        for (uint64_t place = message.device % 360; place >= bf__kinds[kind].share; kind++) {
            place -= bf__kinds[kind].share;
        }
        messages[kind]++;
    }
    for (size_t kind = 0; kind < bf__kind_count; kind++) {
        if (messages[kind] < 24) {
            fail_msg("a day had %zu messages of kind %s", messages[kind], bf__kinds[kind].name);
        }
    }
    bf_simulator_destroy(simulator);
    reader_close(&reader);
}

static double after(const char *text, const char *key)
{
    const char *at = strstr(text, key);
    return at ? strtod(at + strlen(key), NULL) : -1;
}

/* Over a day: counters never fall, what flows into a district is more than its customers draw, and the kerb
 * has both states. */
static void meters_and_spaces_make_sense(void **state)
{
    (void)state;
    struct bf_simulated message;
    double first[360], total[360], drawn = 0, let_in = 0;
    bool inlet[360] = {false};
    size_t taken = 0, vacant = 0;
    int64_t midnight = START / (1440 * MINUTE) * (1440 * MINUTE);
    struct bf_simulator *simulator =
        city_of((struct bf_simulator_options){.seed = 3, .rate = 2, .start_us = midnight});
    for (size_t i = 0; i < 360; i++) {
        first[i] = -1;
    }
    while (bf_simulator_next(simulator, midnight + 1440 * MINUTE, &message)) {
        char text[BF_SIMULATOR_PAYLOAD];
        snprintf(text, sizeof text, "%.*s", BF_SLICE_ARG(message.payload));
        taken += strstr(text, "\"bay\":\"occupied\"") != NULL;
        vacant += strstr(text, "\"bay\":\"free\"") != NULL;
        double now = after(text, "\"total_m3\":");
        if (now < 0) {
            continue;
        }
        assert_true(first[message.device] < 0 || now >= total[message.device]);
        first[message.device] = first[message.device] < 0 ? now : first[message.device];
        total[message.device] = now;
        inlet[message.device] = strstr(text, "\"use\":\"inlet\"") != NULL;
    }
    for (size_t i = 0; i < 360; i++) {
        double risen = first[i] < 0 ? 0 : total[i] - first[i];
        *(inlet[i] ? &let_in : &drawn) += risen;
    }
    assert_true(taken > 100 && vacant > 100);
    assert_true(drawn > 10 && let_in > 1.05 * drawn && let_in < 1.4 * drawn);
    bf_simulator_destroy(simulator);
}

/* ---- faults: a fleet that has one, read by the pipeline */

struct outcome {
    uint64_t messages, rejected, twice, misdated, misdated_most_s, odd_minutes;
    double least, most;
};

static struct outcome fleet(enum bf_fault fault, double share, const char *quantity, uint64_t devices)
{
    struct reader reader;
    struct outcome outcome = {.messages = 0};
    struct bf_simulated message;
    struct bf_simulator_options options = {.seed = 5, .devices = devices};
    char before[BF_SIMULATOR_PAYLOAD] = "";
    options.fault_share[fault] = share;
    struct bf_simulator *simulator = city_of(options);
    reader_open(&reader);
    reader.quantity = quantity;
    while (bf_simulator_next(simulator, START + 10 * MINUTE, &message)) {
        outcome.messages++;
        outcome.odd_minutes += message.due_us / MINUTE % 2 == 1;
        outcome.twice += bf_slice_equal(message.payload, bf_slice_of(before));
        snprintf(before, sizeof before, "%.*s", BF_SLICE_ARG(message.payload));
        read_message(&reader, &message);
        outcome.rejected += reader.rejects > 0;
        int64_t off_us = reader.readings > 0 ? reader.event_us - message.due_us : 0;
        outcome.misdated += off_us > MINUTE || off_us < -MINUTE;
    }
    outcome.least = reader.least;
    outcome.most = reader.most;
    bf_simulator_destroy(simulator);
    reader_close(&reader);
    return outcome;
}

static void faults_do_what_they_are_called(void **state)
{
    (void)state;
    /* 36 devices: all of the kind "air", which says when and how much. */
    struct outcome none = fleet(BF_FAULT_SILENT, 0, "pm2_5", 36);
    struct outcome silent = fleet(BF_FAULT_SILENT, 1, "pm2_5", 36);
    struct outcome spike = fleet(BF_FAULT_SPIKE, 1, "pm2_5", 36);
    struct outcome drift = fleet(BF_FAULT_DRIFT, 1, "pm2_5", 36);
    struct outcome clock = fleet(BF_FAULT_BAD_CLOCK, 1, "pm2_5", 36);
    struct outcome twice = fleet(BF_FAULT_DUPLICATE, 1, "pm2_5", 36);
    struct outcome cut = fleet(BF_FAULT_MALFORMED, 1, "pm2_5", 36);
    assert_int_equal(none.rejected + none.misdated + none.twice, 0);
    assert_true(silent.messages < none.messages && silent.odd_minutes == 0);
    assert_true(spike.most > none.most + 50 && spike.messages == none.messages);
    assert_true(drift.most > none.most + 3);
    assert_in_range(clock.misdated, none.messages / 20, none.messages / 7);
    assert_in_range(twice.twice, none.messages / 20, none.messages / 7);
    assert_int_equal(twice.messages, none.messages + twice.twice);
    assert_in_range(cut.rejected, none.messages / 20, none.messages / 7);
    struct outcome one = fleet(BF_FAULT_STUCK, 1, "pm10", 1);
    struct outcome free_one = fleet(BF_FAULT_STUCK, 0, "pm10", 1);
    assert_true(one.most - one.least < 0.6);           /* only the hour moves it */
    assert_true(free_one.most - free_one.least > 1.5); /* noise */
}

static void half_of_the_fleet_means_half(void **state)
{
    (void)state;
    struct outcome none = fleet(BF_FAULT_SILENT, 0, NULL, 360);
    struct outcome half = fleet(BF_FAULT_SILENT, 0.5, NULL, 360);
    assert_in_range(half.odd_minutes * 100 / none.odd_minutes, 40, 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_seed_repeats_a_city_to_the_byte),
        cmocka_unit_test(the_rate_is_what_was_asked_for),
        cmocka_unit_test(stopping_and_going_on_changes_nothing),
        cmocka_unit_test(a_thousand_devices_all_speak),
        cmocka_unit_test(too_many_devices_are_refused),
        cmocka_unit_test(faults_have_names),
        cmocka_unit_test(every_message_of_every_kind_gives_readings),
        cmocka_unit_test(meters_and_spaces_make_sense),
        cmocka_unit_test(faults_do_what_they_are_called),
        cmocka_unit_test(half_of_the_fleet_means_half),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
