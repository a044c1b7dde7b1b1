/* Daemons that are told to stop while Kafka is being killed: whatever they were about to ask it, they end
 * within a bound and say that all is well, since what was not committed is replayed.
 * Covers: peers/kafka/consumer.c */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "config/bundle.h"
#include "config/log/config_log.h"
#include "peers/http/http.h"
#include "tests/flow/kafka_peer.h"
#include "tests/support/eventually.h"
#include "tests/support/port.h"
#include "tests/support/tempdir.h"

#define BOUND_MS 10000
#define ROUNDS 3

enum { INGEST, PROCESS, SINK, DAEMONS };
static const char *const names[DAEMONS] = {"ingest", "process", "sink"};

static const char *folder;
static char config[400];
static uint16_t http_port[DAEMONS];
static struct bf_peer broker = {.kind = BF_PEER_MOSQUITTO}, redis = {.kind = BF_PEER_REDIS};
static struct bf_child child[DAEMONS];
static char logs[DAEMONS][400];

static void write_config(void)
{
    FILE *file = fopen(config, "w");
    assert_non_null(file);
    (void)fprintf(file,
                  "city: " TEST_SOURCE_DIR
                  "/config/city\nkafka: {brokers: \"%s\"}\nmqtt: {url: \"mqtt://%s\"}\n"
                  "redis: {url: \"redis://%s/0\"}\ningest: {id: in-1, http: \"127.0.0.1:%u\"}\n"
                  "process: {id: process-1, checkpoint_every: 300ms, http: \"127.0.0.1:%u\"}\n"
                  "sink: {http: \"127.0.0.1:%u\"}\n",
                  kafka_peer.address, broker.address, redis.address, (unsigned)http_port[INGEST],
                  (unsigned)http_port[PROCESS], (unsigned)http_port[SINK]);
    assert_int_equal(fclose(file), 0);
}

static void fill_log(void)
{
    struct bf_bundle *bundle;
    int64_t generation;
    bool made;
    OK(bf_config_log_install_once(&kafka_options, &made, &err));
    OK(bf_bundle_read(TEST_SOURCE_DIR "/config/city", &bundle, &err));
    OK(bf_config_log_reload(&kafka_options, bundle, BF_TIME_NONE, &generation, &err));
    bf_bundle_destroy(bundle);
}

static bool is_ready(size_t i)
{
    char body[8192];
    int code = 0;
    struct bf_err err;
    return bf_http_get("127.0.0.1", http_port[i], "/readyz", 1000, &code, body, sizeof body, &err) == BF_OK &&
           code == 200;
}

static void start(size_t i)
{
    char program[300];
    (void)snprintf(program, sizeof program, TEST_BINARY_DIR "/bin/belfry-%s", names[i]);
    (void)snprintf(logs[i], sizeof logs[i], "%s/%s.log", folder, names[i]);
    const char *const argv[] = {program, "--config", config, NULL};
    const struct bf_child_options options = {.argv = argv, .err = logs[i]};
    OK(bf_child_start(&child[i], &options, &err));
}

static void tell_to_stop(void)
{
    for (size_t i = 0; i < DAEMONS; i++) {
        kill(child[i].pid, SIGTERM);
    }
}

static void pass(int ms)
{
    int64_t until_us = bf_time_monotonic_us() + ms * BF_US_PER_MS;
    while (bf_wait_turn(until_us)) {
    }
}

static void gone(const char *when)
{
    char tail[2000];
    int64_t began_us = bf_time_monotonic_us();
    for (size_t i = 0; i < DAEMONS; i++) {
        int code = bf_child_wait(&child[i], BOUND_MS);
        printf("%s: belfry-%s ended with %d after %lld ms\n", when, names[i], code,
               (long long)((bf_time_monotonic_us() - began_us) / BF_US_PER_MS));
        if (code != 0) {
            fail_msg("belfry-%s: %d\n%s", names[i], code, bf_file_tail(logs[i], tail, sizeof tail));
        }
    }
}

static void all_ready(void)
{
    OK(bf_peer_start(&kafka_peer, &err));
    int created = 0;
    OK(bf_topics_ensure(&kafka_options, 1, &created, &err));
    fill_log();
    for (size_t i = 0; i < DAEMONS; i++) {
        start(i);
    }
    for (size_t i = 0; i < DAEMONS; i++) {
        BF_EVENTUALLY(is_ready(i), 30000);
    }
}

static int clear(void **state)
{
    (void)state;
    for (size_t i = 0; i < DAEMONS; i++) {
        bf_child_kill(&child[i]);
    }
    bf_peer_kill(&kafka_peer);
    return 0;
}

static void told_after_kafka_has_gone_they_end(void **state)
{
    static const int delays_ms[ROUNDS] = {0, 5, 600};
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        char when[60];
        (void)snprintf(when, sizeof when, "TERM %d ms after Kafka", delays_ms[i]);
        all_ready();
        bf_peer_kill(&kafka_peer);
        pass(delays_ms[i]);
        tell_to_stop();
        gone(when);
    }
}

static void told_before_kafka_goes_they_end(void **state)
{
    static const int delays_ms[ROUNDS] = {0, 2, 50};
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        char when[60];
        (void)snprintf(when, sizeof when, "Kafka %d ms after TERM", delays_ms[i]);
        all_ready();
        tell_to_stop();
        pass(delays_ms[i]);
        bf_peer_kill(&kafka_peer);
        gone(when);
    }
}

/* The group assigns after Kafka's initial delay: by then its tasks are being restored, or about to be. */
static void told_in_the_middle_of_a_start_they_end(void **state)
{
    static const char *const events[] = {"event=daemon.started", "event=kafka.assigned", "event=task.began"};
    (void)state;
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        all_ready();
        for (size_t k = 0; k < DAEMONS; k++) {
            assert_int_equal(bf_child_stop(&child[k], BOUND_MS), 0);
            (void)remove(logs[k]);
            start(k);
        }
        for (size_t k = 0; k < DAEMONS; k++) { /* before its first words it is no daemon yet */
            BF_EVENTUALLY(bf_file_contains(logs[k], k == PROCESS ? events[i] : "event="), 30000);
        }
        bf_peer_kill(&kafka_peer);
        tell_to_stop();
        gone(events[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(told_after_kafka_has_gone_they_end, clear),
        cmocka_unit_test_teardown(told_before_kafka_goes_they_end, clear),
        cmocka_unit_test_teardown(told_in_the_middle_of_a_start_they_end, clear),
    };
    struct bf_err err = {.status = BF_OK};
    if (!bf_peer_available(BF_PEER_MOSQUITTO) || !bf_peer_available(BF_PEER_REDIS)) {
        (void)fputs("skipped: mosquitto or redis-server is not installed\n", stderr);
        return SKIPPED;
    }
    int code = kafka_start();
    if (code != 0) {
        return code;
    }
    folder = bf_tempdir("stopping");
    (void)snprintf(config, sizeof config, "%s/belfry.yaml", folder);
    if (bf_peer_start(&broker, &err) != BF_OK || bf_peer_start(&redis, &err) != BF_OK) {
        (void)fprintf(stderr, "%s\n%s\n", err.message, err.detail);
        return 1;
    }
    for (size_t i = 0; i < DAEMONS; i++) {
        http_port[i] = bf_port_take();
    }
    write_config();
    bf_peer_kill(&kafka_peer);
    code = cmocka_run_group_tests(tests, NULL, NULL);
    bf_peer_stop(&broker);
    bf_peer_stop(&redis);
    bf_peer_stop(&kafka_peer);
    return code;
}
