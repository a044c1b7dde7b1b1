/* test_process.c: belfry-process over a real log: readings in, finals out, each once, also when the process
 * is killed in between; a reload changes the definition at its `from`; an orderly stop leaves a checkpoint
 * behind the last output.
 * Covers: processors/run/ahead.c, processors/run/checkpoint.c, processors/run/plans.c,
 *   processors/run/process.c, processors/run/report.c, processors/run/restore.c, processors/run/tasks.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdlib.h>

#include "config/bundle.h"
#include "config/log/config_log.h"
#include "core/hash.h"
#include "core/time.h"
#include "core/wire.h"
#include "tests/flow/kafka_peer.h"
#include "tests/support/eventually.h"
#include "tests/support/tempdir.h"

#define SECOND BF_US_PER_S
#define BASE (1700000000 * SECOND)
#define DEVICES 20
#define WINDOW 5
#define MAX_FINALS 20000

static const char *folder;
static char log_path[300], config_path[300];
static struct bf_child process, other;
static struct bf_producer *producer;
static struct bf_install install;
static char install_id[40];
static int64_t serial;

static void write_file(const char *name, const char *text)
{
    char path[400];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void write_kpis(const char *aggregate)
{
    char text[1024];
    (void)snprintf(text, sizeof text,
                   "kpis:\n"
                   "  - id: zone_speed\n    title: Speed\n    unit: km/h\n    from: {quantity: speed}\n"
                   "    window: {tumbling: 5s, delay: 1s}\n    group: [zone]\n    value: %s\n"
                   "  - id: seen\n    title: Readings\n    unit: \"1\"\n    from: {quantity: speed}\n"
                   "    window: {tumbling: 5s, delay: 1s}\n    group: [device]\n    value: count\n",
                   aggregate);
    write_file("city/kpis/all.yaml", text);
}

static int64_t reload(int64_t from_us)
{
    char city[400];
    struct bf_bundle *bundle;
    int64_t generation;
    (void)snprintf(city, sizeof city, "%s/city", folder);
    OK(bf_bundle_read(city, &bundle, &err));
    OK(bf_config_log_reload(&kafka_options, bundle, from_us, &generation, &err));
    bf_bundle_destroy(bundle);
    return generation;
}

static void make_folder(const char *path)
{
    const char *const argv[] = {"mkdir", "-p", path, NULL};
    const struct bf_child_options options = {.argv = argv};
    struct bf_child child;
    OK(bf_child_start(&child, &options, &err));
    assert_int_equal(bf_child_wait(&child, 5000), 0);
}

static int set_up(void **state)
{
    (void)state;
    char text[1024], path[400];
    bool made;
    struct bf_config_log *log;
    folder = bf_tempdir("process");
    assert_non_null(folder);
    (void)snprintf(path, sizeof path, "%s/city/kpis", folder);
    make_folder(path);
    (void)snprintf(log_path, sizeof log_path, "%s/process.log", folder);
    (void)snprintf(config_path, sizeof config_path, "%s/belfry.yaml", folder);
    (void)snprintf(text, sizeof text,
                   "city: city\nkafka: {brokers: \"%s\"}\n"
                   "process: {id: process-1, checkpoint_every: 300ms, http: \"127.0.0.1:0\"}\n",
                   kafka_options.brokers);
    write_file("belfry.yaml", text);
    (void)snprintf(text, sizeof text,
                   "city: city\nkafka: {brokers: \"%s\"}\n"
                   "process: {id: process-2, checkpoint_every: 300ms, http: \"127.0.0.1:0\"}\n",
                   kafka_options.brokers);
    write_file("second.yaml", text);
    write_file("city/city.yaml", "name: test\ntitle: Test\ntimezone: UTC\n");
    write_kpis("sum");
    OK(bf_config_log_install_once(&kafka_options, &made, &err));
    assert_int_equal(reload(BF_TIME_NONE), 1);
    OK(bf_config_log_open(&kafka_options, NULL, &log, &err));
    install = *bf_config_log_install(log);
    (void)snprintf(install_id, sizeof install_id, "%.*s", BF_SLICE_ARG(install.id));
    bf_config_log_close(log);
    OK(bf_producer_create(&kafka_options, 2, 10000, &producer, &err));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    bf_producer_destroy(producer, 1000);
    return 0;
}

static void start_process(void)
{
    const char *const argv[] = {TEST_BINARY_DIR "/bin/belfry-process", "--config", config_path, NULL};
    const struct bf_child_options options = {.argv = argv, .err = log_path};
    OK(bf_child_start(&process, &options, &err));
}

/* ---- the log of readings */
static void send(enum bf_record_type type, int32_t partition, struct bf_slice key,
                 const struct bf_mp_writer *value)
{
    const struct bf_outgoing record = {.topic = BF_TOPIC_READINGS,
                                       .partition = partition,
                                       .key = key,
                                       .value = {value->data, value->len},
                                       .type = type};
    assert_false(value->full);
    OK(bf_producer_send_wait(producer, &record, NULL, &err));
}

static void tick_all(int64_t clock_us)
{
    for (int32_t p = 0; p < install.readings; p++) {
        char bytes[256];
        struct bf_mp_writer writer;
        const struct bf_tick tick = {.ingest = BF_SLICE("in-a"),
                                     .incarnation = 1,
                                     .has_epoch = true,
                                     .epoch = 1,
                                     .serial = serial,
                                     .wall_us = clock_us,
                                     .has_clock = true,
                                     .clock_us = clock_us,
                                     .flows = true,
                                     .generation = 1};
        bf_mp_writer_init(&writer, bytes, sizeof bytes);
        bf_tick_pack(&tick, &writer);
        send(BF_RECORD_TICK, p, (struct bf_slice){NULL, 0}, &writer);
    }
}

static void one_reading(int device, int64_t event_us, double value, bool dup)
{
    char source[32], bytes[512];
    struct bf_mp_writer writer;
    (void)snprintf(source, sizeof source, "net:d%d", device);
    const struct bf_reading reading = {.source = bf_slice_of(source),
                                       .quantity = BF_SLICE("speed"),
                                       .event_us = event_us,
                                       .ingest_us = event_us,
                                       .value = {.kind = BF_VALUE_DOUBLE, .as = {.number = value}},
                                       .unit = BF_SLICE("km/h"),
                                       .quality = BF_QUALITY_GOOD,
                                       .zone = device % 2 ? BF_SLICE("odd") : BF_SLICE("even"),
                                       .profile = BF_SLICE("test@1"),
                                       .delivery = {.ingest = BF_SLICE("in-a"),
                                                    .incarnation = 1,
                                                    .epoch = 1,
                                                    .serial = serial,
                                                    .packet_id = (uint16_t)(serial % 65535 + 1),
                                                    .dup = dup,
                                                    .payload_hash = (uint64_t)serial,
                                                    .index = 0}};
    bf_mp_writer_init(&writer, bytes, sizeof bytes);
    bf_reading_pack(&reading, &writer);
    send(BF_RECORD_READING, bf_hash_partition(bf_slice_of(source), install.readings), bf_slice_of(source),
         &writer);
}

/* Seconds [from, to) of log time: every device once a second; every fifth delivery comes twice. */
static void feed(int from, int to)
{
    for (int second = from; second < to; second++) {
        for (int device = 0; device < DEVICES; device++) {
            serial++;
            one_reading(device, BASE + second * SECOND, device + 1, false);
            if (serial % 5 == 0) {
                one_reading(device, BASE + second * SECOND, device + 1, true);
            }
        }
        tick_all(BASE + second * SECOND);
    }
    OK(bf_producer_wait(producer, bf_producer_handed(producer), 10000, &err));
}

/* ---- the results */
struct final {
    char key[80];
    int64_t start_us;
    uint32_t revision;
    uint64_t n;
    double value;
};
static struct final finals[MAX_FINALS];
static size_t final_count;
static struct {
    char task[80];
    int32_t partition;
    int64_t offset;
    uint32_t index;
} last[256];
static size_t last_count, repeated;
static struct bf_consumer *reader;

static bool is_new(const struct bf_incoming *incoming)
{
    struct bf_origin origin;
    OK(bf_origin_unpack(bf_incoming_header(incoming, "bf-origin"), &origin, &err));
    for (size_t i = 0; i < last_count; i++) {
        if (last[i].partition == incoming->partition &&
            bf_slice_equal(bf_slice_of(last[i].task), origin.task)) {
            if (origin.offset < last[i].offset ||
                (origin.offset == last[i].offset && origin.index <= last[i].index)) {
                repeated++;
                return false;
            }
            last[i].offset = origin.offset;
            last[i].index = origin.index;
            return true;
        }
    }
    assert_true(last_count < 256);
    (void)snprintf(last[last_count].task, sizeof last[0].task, "%.*s", BF_SLICE_ARG(origin.task));
    last[last_count].partition = incoming->partition;
    last[last_count].offset = origin.offset;
    last[last_count++].index = origin.index;
    return true;
}

static void take_result(const struct bf_incoming *incoming)
{
    struct bf_kpi kpi;
    enum bf_record_type type;
    if (!is_new(incoming) || !bf_incoming_type(incoming, &type) || type != BF_RECORD_KPI) {
        return;
    }
    OK(bf_kpi_unpack(incoming->value, &kpi, &err));
    if (kpi.phase != BF_KPI_FINAL) {
        return;
    }
    assert_true(final_count < MAX_FINALS);
    struct final *final = &finals[final_count];
    (void)snprintf(final->key, sizeof final->key, "%.*s|%.*s", BF_SLICE_ARG(kpi.kpi),
                   BF_SLICE_ARG(kpi.scope));
    final->start_us = kpi.start_us;
    final->revision = kpi.revision;
    final->n = kpi.n;
    final->value = kpi.value;
    for (size_t i = 0; i < final_count; i++) {
        if (finals[i].start_us == final->start_us && finals[i].revision == final->revision &&
            strcmp(finals[i].key, final->key) == 0) {
            fail_msg("%s at %lld stands twice", final->key, (long long)((final->start_us - BASE) / SECOND));
        }
    }
    final_count++;
}

/* Where it stands in `finals`; final_count: not there yet. */
static size_t find_final(const char *key, int second)
{
    size_t i = 0;
    while (i < final_count &&
           (finals[i].start_us != BASE + second * SECOND || strcmp(finals[i].key, key) != 0)) {
        i++;
    }
    return i;
}

static const struct final *the_final(const char *key, int second)
{
    size_t at = find_final(key, second);
    assert_true(at < final_count);
    return &finals[at];
}

static bool read_on(void)
{
    struct bf_incoming incoming;
    for (int i = 0; i < 500; i++) {
        if (bf_consumer_poll(reader, 1, &incoming, NULL) != BF_OK) {
            return true;
        }
        take_result(&incoming);
        bf_incoming_release(&incoming);
    }
    return true;
}

static bool all_final(int from, int to)
{
    bool all = true;
    for (int second = from; all && second < to; second += WINDOW) {
        all = find_final("zone_speed|zone.odd", second) < final_count &&
              find_final("zone_speed|zone.even", second) < final_count;
        for (int device = 0; all && device < DEVICES; device++) {
            char key[80];
            (void)snprintf(key, sizeof key, "seen|device.net~3Ad%d", device);
            all = find_final(key, second) < final_count;
        }
    }
    return all;
}

static void check_finals(int from, int to, double odd, double even)
{
    for (int second = from; second < to; second += WINDOW) {
        const struct final *zone = the_final("zone_speed|zone.odd", second);
        assert_true(zone->value == odd && zone->n == WINDOW * DEVICES / 2);
        zone = the_final("zone_speed|zone.even", second);
        assert_true(zone->value == even && zone->n == WINDOW * DEVICES / 2);
        for (int device = 0; device < DEVICES; device++) {
            char key[80];
            (void)snprintf(key, sizeof key, "seen|device.net~3Ad%d", device);
            assert_int_equal(the_final(key, second)->n, WINDOW);
        }
    }
}

static void open_reader(void)
{
    struct bf_position positions[16];
    for (int32_t i = 0; i < install.kpis; i++) {
        positions[i] =
            (struct bf_position){.topic = BF_TOPIC_KPIS, .partition = i, .offset = BF_OFFSET_BEGINNING};
    }
    OK(bf_consumer_create(&kafka_options, NULL, false, &reader, &err));
    OK(bf_consumer_assign(reader, positions, (size_t)install.kpis, &err));
}

#define SUM_ODD \
    (5.0 * (2 + 4 + 6 + 8 + 10 + 12 + 14 + 16 + 18 + 20)) /* devices 1, 3, ...: value device + 1 */
#define SUM_EVEN (5.0 * (1 + 3 + 5 + 7 + 9 + 11 + 13 + 15 + 17 + 19))

static void finals_come_once_through_kills(void **state)
{
    (void)state;
    open_reader();
    start_process();
    feed(0, 12);
    BF_EVENTUALLY(read_on() && all_final(0, 5), 30000);
    feed(12, 20);
    bf_child_kill(&process); /* wherever it is */
    start_process();
    feed(20, 33);
    BF_EVENTUALLY(read_on() && all_final(0, 25), 30000);
    bf_child_kill(&process);
    feed(33, 47);
    start_process();
    BF_EVENTUALLY(read_on() && all_final(0, 40), 30000);
    check_finals(0, 40, SUM_ODD, SUM_EVEN);
}

/* The definition changes at `from`: windows that begin before keep the old one, also after a kill. */
static void a_reload_takes_effect_at_its_time(void **state)
{
    (void)state;
    write_kpis("max");
    assert_int_equal(reload(BASE + 60 * SECOND), 2);
    feed(47, 58);
    bf_child_kill(&process);
    feed(58, 77);
    start_process();
    BF_EVENTUALLY(read_on() && all_final(40, 70), 30000);
    check_finals(40, 60, SUM_ODD, SUM_EVEN);
    check_finals(60, 70, 20, 19);
}

static void an_orderly_stop_leaves_nothing_to_replay(void **state)
{
    (void)state;
    assert_int_equal(bf_child_stop(&process, 8000), 0);
    assert_true(read_on());
    size_t before = repeated;
    start_process();
    feed(77, 87);
    BF_EVENTUALLY(read_on() && all_final(70, 80), 30000);
    check_finals(70, 80, 20, 19);
    assert_int_equal(repeated, before);
    assert_int_equal(bf_child_stop(&process, 8000), 0);
}

static void start_other(void)
{
    char path[400];
    (void)snprintf(path, sizeof path, "%s/second.yaml", folder);
    const char *const argv[] = {TEST_BINARY_DIR "/bin/belfry-process", "--config", path, NULL};
    const struct bf_child_options options = {.argv = argv, .err = log_path};
    OK(bf_child_start(&other, &options, &err));
}

/* It catches TERM, so it will end in order: before that the signal would just end it. */
static bool hears_term(const struct bf_child *child)
{
    char path[64], text[4096];
    (void)snprintf(path, sizeof path, "/proc/%d/status", (int)child->pid);
    const char *caught = strstr(bf_file_tail(path, text, sizeof text), "SigCgt:");
    return caught != NULL && (strtoull(caught + 7, NULL, 16) >> (SIGTERM - 1) & 1) != 0;
}

/* Two members share the partitions; what one had, the other goes on with. The embedded cluster's groups
 * have one member only. */
static void another_member_takes_over(void **state)
{
    (void)state;
    if (!kafka_is_apache()) {
        skip();
    }
    start_process();
    start_other();
    feed(87, 97);
    BF_EVENTUALLY(read_on() && all_final(80, 90), 40000);
    bf_child_kill(&process);
    feed(97, 107);
    BF_EVENTUALLY(read_on() && all_final(90, 100), 40000);
    start_process(); /* and back: both at once */
    feed(107, 117);
    BF_EVENTUALLY(read_on() && all_final(100, 110), 40000);
    check_finals(80, 110, 20, 19);
    BF_EVENTUALLY(hears_term(&process), 10000); /* the other may have done all the work by then */
    assert_int_equal(bf_child_stop(&other, 8000), 0);
    assert_int_equal(bf_child_stop(&process, 8000), 0);
}

/* Kafka is away for longer than the session: the process waits, joins anew and goes on. */
static void an_outage_longer_than_the_session_ends_no_process(void **state)
{
    (void)state;
    if (!kafka_is_apache()) {
        skip();
    }
    start_process();
    feed(117, 127);
    BF_EVENTUALLY(read_on() && all_final(110, 120), 40000);
    pid_t pid = process.pid;
    bf_peer_kill(&kafka_peer);
    int64_t back_us = bf_time_monotonic_us() + 9 * BF_US_PER_S;
    BF_EVENTUALLY(bf_time_monotonic_us() >= back_us, 30000);
    assert_true(bf_child_running(&process));
    OK(bf_peer_start(&kafka_peer, &err));
    feed(127, 137);
    BF_EVENTUALLY(read_on() && all_final(120, 130), 60000);
    check_finals(110, 130, 20, 19);
    assert_true(bf_child_running(&process) && process.pid == pid);
    /* Once more, paused this time: connections stay, answers do not come. */
    bf_peer_pause(&kafka_peer);
    back_us = bf_time_monotonic_us() + 9 * BF_US_PER_S;
    BF_EVENTUALLY(bf_time_monotonic_us() >= back_us, 30000);
    bf_peer_resume(&kafka_peer);
    feed(137, 147);
    BF_EVENTUALLY(read_on() && all_final(130, 140), 60000);
    check_finals(130, 140, 20, 19);
    assert_true(bf_child_running(&process) && process.pid == pid);
    assert_int_equal(bf_child_stop(&process, 8000), 0);
}

static int close_reader(void **state)
{
    bf_consumer_destroy(reader);
    return tear_down(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finals_come_once_through_kills),
        cmocka_unit_test(a_reload_takes_effect_at_its_time),
        cmocka_unit_test(an_orderly_stop_leaves_nothing_to_replay),
        cmocka_unit_test(another_member_takes_over),
        cmocka_unit_test(an_outage_longer_than_the_session_ends_no_process),
    };
    int code = kafka_start();
    if (code != 0) {
        return code;
    }
    code = cmocka_run_group_tests(tests, set_up, close_reader);
    bf_peer_stop(&kafka_peer);
    return code;
}
