/* Daemons that start while their peers are away: they wait, say why, stop when told, and go on
 * where they can.
 * Covers: config/log/config_await.c */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "config/log/config_log.h"
#include "peers/http/http.h"
#include "tests/flow/kafka_peer.h"
#include "tests/support/eventually.h"
#include "tests/support/port.h"
#include "tests/support/tempdir.h"

static const char *const daemons[] = {"ingest", "process", "sink"};
#define DAEMONS (sizeof daemons / sizeof daemons[0])

static const char *folder;
static uint16_t http_port[DAEMONS], redis_port, mqtt_port;
static struct bf_child child[DAEMONS];
static char log_path[DAEMONS][400];

static void write_config(uint16_t kafka_port)
{
    char path[400];
    (void)snprintf(path, sizeof path, "%s/belfry.yaml", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fprintf(file,
                  "city: city\nkafka: {brokers: \"127.0.0.1:%u\"}\nmqtt: {url: \"mqtt://127.0.0.1:%u\"}\n"
                  "redis: {url: \"redis://127.0.0.1:%u/0\"}\n"
                  "ingest: {id: in-1, filters: [\"a/#\"], http: \"127.0.0.1:%u\"}\n"
                  "process: {id: process-1, http: \"127.0.0.1:%u\"}\nsink: {http: \"127.0.0.1:%u\"}\n",
                  (unsigned)kafka_port, (unsigned)mqtt_port, (unsigned)redis_port, (unsigned)http_port[0],
                  (unsigned)http_port[1], (unsigned)http_port[2]);
    assert_int_equal(fclose(file), 0);
}

static void start(size_t i)
{
    char program[300], config[400];
    (void)snprintf(program, sizeof program, TEST_BINARY_DIR "/bin/belfry-%s", daemons[i]);
    (void)snprintf(config, sizeof config, "%s/belfry.yaml", folder);
    (void)snprintf(log_path[i], sizeof log_path[i], "%s/%s.log", folder, daemons[i]);
    const char *const argv[] = {program, "--config", config, NULL};
    const struct bf_child_options options = {.argv = argv, .err = log_path[i]};
    OK(bf_child_start(&child[i], &options, &err));
}

static bool readyz_says(size_t i, int wanted, const char *words)
{
    char body[8192];
    int code = 0;
    struct bf_err err;
    return bf_http_get("127.0.0.1", http_port[i], "/readyz", 1000, &code, body, sizeof body, &err) == BF_OK &&
           (wanted == 0 || code == wanted) && strstr(body, words) != NULL;
}

static int set_up(void **state)
{
    (void)state;
    folder = bf_tempdir("waiting");
    assert_non_null(folder);
    redis_port = bf_port_take();
    mqtt_port = bf_port_take();
    for (size_t i = 0; i < DAEMONS; i++) {
        http_port[i] = bf_port_take();
    }
    return 0;
}

static void without_kafka_they_wait_say_why_and_stop_when_told(void **state)
{
    (void)state;
    write_config(bf_port_take()); /* nobody listens there */
    for (size_t i = 0; i < DAEMONS; i++) {
        start(i);
    }
    for (size_t i = 0; i < DAEMONS; i++) {
        BF_EVENTUALLY(readyz_says(i, 503, "Connection refused"), 15000);
        assert_true(readyz_says(i, 503, "Kafka cannot be reached"));
    }
    for (size_t i = 0; i < DAEMONS; i++) {
        assert_true(bf_child_running(&child[i]));
        assert_int_equal(bf_child_stop(&child[i], 5000), 0);
    }
}

static void without_mqtt_and_redis_they_start(void **state)
{
    (void)state;
    bool made;
    write_config(kafka_peer.port);
    OK(bf_config_log_install_once(&kafka_options, &made, &err));
    for (size_t i = 0; i < DAEMONS; i++) { /* neither MQTT nor Redis is there */
        start(i);
    }
    for (size_t i = 0; i < DAEMONS; i++) {
        BF_EVENTUALLY(bf_file_contains(log_path[i], "event=daemon.started"), 20000);
    }
    assert_true(readyz_says(2, 0, "redis"));
    for (size_t i = 0; i < DAEMONS; i++) {
        assert_true(bf_child_running(&child[i]));
        assert_int_equal(bf_child_stop(&child[i], 8000), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_kafka_they_wait_say_why_and_stop_when_told),
        cmocka_unit_test(without_mqtt_and_redis_they_start),
    };
    int code = kafka_start();
    if (code != 0) {
        return code;
    }
    code = cmocka_run_group_tests(tests, set_up, NULL);
    bf_peer_stop(&kafka_peer);
    return code;
}
