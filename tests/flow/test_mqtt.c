/* The MQTT connection against a real mosquitto: both versions, sessions, retained messages, the time
 * property, refusals, TLS with a client certificate, and the end of everything. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/time.h"
#include "peers/mqtt/mqtt.h"
#include "tests/support/eventually.h"
#include "tests/support/peers.h"
#include "tests/support/port.h"
#include "tests/support/tempdir.h"

#define WAIT_MS 10000

static struct bf_peer broker = {.kind = BF_PEER_MOSQUITTO};
static char url[96], tls_url[96], config[2000], folder[300];
static uint16_t tls_port;

/* What the callbacks of one client have seen. */
struct client {
    struct bf_mqtt *mqtt;
    pthread_mutex_t lock;
    atomic_int connected, failed, lost, subscribed, refused, acknowledged, messages;
    atomic_bool present;
    /* of the newest message, under the lock */
    char topic[64], payload[64], reason[256];
    size_t topic_len, payload_len;
    struct bf_mqtt_message last;
};

static void on_message(void *context, const struct bf_mqtt_message *message)
{
    struct client *client = context;
    pthread_mutex_lock(&client->lock);
    client->last = *message;
    client->topic_len = message->topic.len;
    client->payload_len = message->payload.len;
    snprintf(client->topic, sizeof client->topic, "%.*s", BF_SLICE_ARG(message->topic));
    if (message->payload.len && message->payload.len < sizeof client->payload) {
        memcpy(client->payload, message->payload.data, message->payload.len);
    }
    pthread_mutex_unlock(&client->lock);
    atomic_fetch_add(&client->messages, 1);
}
static void on_connected(void *context, bool session_present)
{
    struct client *client = context;
    atomic_store(&client->present, session_present);
    atomic_fetch_add(&client->connected, 1);
}
static void on_failed(void *context, const char *reason)
{
    struct client *client = context;
    snprintf(client->reason, sizeof client->reason, "%s", reason);
    atomic_fetch_add(&client->failed, 1);
}
static void on_lost(void *context, const char *reason)
{
    struct client *client = context;
    (void)reason;
    atomic_fetch_add(&client->lost, 1);
}
static void on_subscribed(void *context, bool ok, const char *reason)
{
    struct client *client = context;
    (void)reason;
    atomic_fetch_add(ok ? &client->subscribed : &client->refused, 1);
}
static void on_published(void *context, int token, bool ok)
{
    struct client *client = context;
    assert_true(token >= 0);
    atomic_fetch_add(&client->acknowledged, ok);
}

static struct bf_mqtt_options options_for(int version, const char *id)
{
    return (struct bf_mqtt_options){
        .url = url, .version = version, .client_id = id, .keep_alive_s = 60, .clean = true,
        .session_expiry_s = 3600, .receive_maximum = 1000, .connect_timeout_s = 5,
        .username = "belfry", .password = "secret",
    };
}

static void open_client(struct client *client, const struct bf_mqtt_options *options)
{
    struct bf_mqtt_callbacks callbacks = {
        .message = on_message, .connected = on_connected, .failed = on_failed, .lost = on_lost,
        .subscribed = on_subscribed, .published = on_published, .context = client,
    };
    struct bf_err err = {0};
    memset(client, 0, sizeof *client);
    pthread_mutex_init(&client->lock, NULL);
    assert_int_equal(bf_mqtt_create(options, &callbacks, &client->mqtt, &err), BF_OK);
    assert_int_equal(bf_mqtt_connect(client->mqtt, &err), BF_OK);
}

static void open_connected(struct client *client, const struct bf_mqtt_options *options)
{
    open_client(client, options);
    BF_EVENTUALLY(atomic_load(&client->connected) + atomic_load(&client->failed) == 1, WAIT_MS);
    if (atomic_load(&client->failed)) {
        fail_msg("%s", client->reason);
    }
}

static void subscribe(struct client *client, const char *filter)
{
    int before = atomic_load(&client->subscribed);
    assert_int_equal(bf_mqtt_subscribe(client->mqtt, &filter, 1, 1, NULL), BF_OK);
    BF_EVENTUALLY(atomic_load(&client->subscribed) == before + 1, WAIT_MS);
}

static void publish(struct client *client, const char *topic, struct bf_slice payload, bool retained,
                    int64_t time_us)
{
    struct bf_err err = {0};
    assert_int_equal(
        bf_mqtt_publish(client->mqtt, bf_slice_of(topic), payload, 1, retained, time_us, NULL, &err), BF_OK);
}

static void messages_come_whole(void **state)
{
    (void)state;
    for (int version = 3; version <= 5; version += 2) {
        struct client it;
        struct bf_mqtt_options options = options_for(version, "whole");
        open_connected(&it, &options);
        assert_false(atomic_load(&it.present));
        const char *filters[] = {"city/#", "town/+/x"};
        assert_int_equal(bf_mqtt_subscribe(it.mqtt, filters, 2, 1, NULL), BF_OK);
        BF_EVENTUALLY(atomic_load(&it.subscribed) == 1, WAIT_MS);
        publish(&it, "town/a/x", BF_SLICE("a\0b"), false, 1234567890123456);
        BF_EVENTUALLY(atomic_load(&it.messages) == 1 && atomic_load(&it.acknowledged) == 1, WAIT_MS);
        assert_string_equal(it.topic, "town/a/x");
        assert_int_equal(it.topic_len, 8);
        assert_int_equal(it.payload_len, 3);
        assert_memory_equal(it.payload, "a\0b", 3);
        assert_int_equal(it.last.qos, 1);
        assert_true(it.last.packet_id > 0 && !it.last.dup && !it.last.retained);
        assert_int_equal(it.last.has_time, version == 5);
        assert_true(version == 3 || it.last.time_us == 1234567890123456);
        publish(&it, "city/empty", (struct bf_slice){0}, false, BF_TIME_NONE);
        BF_EVENTUALLY(atomic_load(&it.messages) == 2, WAIT_MS);
        assert_int_equal(it.payload_len, 0);
        assert_false(it.last.has_time);
        bf_mqtt_destroy(it.mqtt);
    }
}

/* The session holds what came meanwhile; a renewed subscription brings retained messages in 3.1.1 only, and
 * then they say so. */
static void a_session_is_kept(void **state)
{
    (void)state;
    for (int version = 3; version <= 5; version += 2) {
        struct client it, other;
        char topic[32];
        snprintf(topic, sizeof topic, "kept%d/a", version);
        struct bf_mqtt_options options = options_for(version, version == 3 ? "kept3" : "kept5");
        struct bf_mqtt_options plain = options_for(version, "other");
        options.clean = false;
        open_connected(&other, &plain);
        publish(&other, topic, BF_SLICE("old"), true, BF_TIME_NONE);
        BF_EVENTUALLY(atomic_load(&other.acknowledged) == 1, WAIT_MS);
        open_connected(&it, &options);
        assert_false(atomic_load(&it.present));
        subscribe(&it, topic);
        BF_EVENTUALLY(atomic_load(&it.messages) == 1, WAIT_MS);
        assert_true(it.last.retained);
        bf_mqtt_destroy(it.mqtt);
        publish(&other, topic, BF_SLICE("meanwhile"), false, BF_TIME_NONE);
        BF_EVENTUALLY(atomic_load(&other.acknowledged) == 2, WAIT_MS);
        open_connected(&it, &options);
        assert_true(atomic_load(&it.present));
        BF_EVENTUALLY(atomic_load(&it.messages) == 1, WAIT_MS);
        assert_false(it.last.retained);
        subscribe(&it, topic);
        publish(&it, topic, BF_SLICE("last"), true, BF_TIME_NONE);
        BF_EVENTUALLY(it.payload_len == 4, WAIT_MS);
        assert_int_equal(atomic_load(&it.messages), version == 3 ? 3 : 2);
        assert_false(it.last.retained); /* retained by its publisher, but new to us */
        bf_mqtt_destroy(it.mqtt);
        bf_mqtt_destroy(other.mqtt);
    }
}

static void a_wrong_password_is_said(void **state)
{
    (void)state;
    for (int version = 3; version <= 5; version += 2) {
        struct client it;
        struct bf_mqtt_options options = options_for(version, "stranger");
        options.password = "wrong";
        open_client(&it, &options);
        BF_EVENTUALLY(atomic_load(&it.failed) == 1, WAIT_MS);
        if (!strstr(it.reason, "uthori") && !strstr(it.reason, "password")) {
            fail_msg("version %d: %s", version, it.reason);
        }
        assert_int_equal(atomic_load(&it.connected), 0);
        bf_mqtt_destroy(it.mqtt);
    }
}

static void a_lost_connection_is_told_once_and_can_be_made_again(void **state)
{
    struct bf_err err = {0};
    struct client it;
    struct bf_mqtt_options options = options_for(5, "loser");
    (void)state;
    open_connected(&it, &options);
    bf_peer_kill(&broker);
    BF_EVENTUALLY(atomic_load(&it.lost) == 1, WAIT_MS);
    assert_int_equal(
        bf_mqtt_publish(it.mqtt, BF_SLICE("a"), BF_SLICE("b"), 1, false, BF_TIME_NONE, NULL, &err), BF_PEER);
    if (bf_peer_start(&broker, &err) != BF_OK) {
        fail_msg("%s: %s", err.message, err.detail);
    }
    assert_int_equal(bf_mqtt_connect(it.mqtt, &err), BF_OK);
    BF_EVENTUALLY(atomic_load(&it.connected) == 2, WAIT_MS);
    bf_mqtt_disconnect(it.mqtt);
    bf_mqtt_destroy(it.mqtt);
    assert_int_equal(atomic_load(&it.lost), 1); /* not for our own disconnect */
}

/* While messages pour in: the end comes in time, and nothing comes after it. */
static void destroy_ends_everything(void **state)
{
    struct client it, other;
    struct bf_mqtt_options options = options_for(5, "receiver"), plain = options_for(5, "sender");
    (void)state;
    open_connected(&other, &plain);
    for (int round = 0; round < 2; round++) {
        open_connected(&it, &options);
        subscribe(&it, "flood");
        for (int i = 0; i < 500; i++) {
            publish(&other, "flood", BF_SLICE("x"), false, BF_TIME_NONE);
        }
        BF_EVENTUALLY(atomic_load(&it.messages) > 10, WAIT_MS);
        int64_t begin_us = bf_time_monotonic_us();
        bf_mqtt_destroy(it.mqtt);
        assert_true(bf_time_monotonic_us() - begin_us < BF_US_PER_S);
        int seen = atomic_load(&it.messages);
        publish(&other, "flood", BF_SLICE("y"), false, BF_TIME_NONE);
        BF_EVENTUALLY(atomic_load(&other.acknowledged) == (round + 1) * 501, WAIT_MS);
        assert_int_equal(atomic_load(&it.messages), seen);
    }
    bf_mqtt_destroy(other.mqtt);
}

/* ---- TLS */

static bool __attribute__((format(printf, 1, 2))) run(const char *format, ...)
{
    char command[1500];
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof command, format, args);
    va_end(args);
    const char *const argv[] = {"sh", "-c", command, NULL};
    struct bf_child child = {0};
    struct bf_child_options options = {.argv = argv, .folder = folder};
    return bf_child_start(&child, &options, NULL) == BF_OK && bf_child_wait(&child, 30000) == 0;
}

/* An authority, a server "localhost" (by name only), and a client. */
static bool make_certificates(void)
{
    return run("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout ca.key -out "
               "ca.pem") &&
           run("openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout server.key -out server.csr "
               "&& "
               "printf 'subjectAltName=DNS:localhost' > san && "
               "openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile "
               "san "
               "-out server.pem") &&
           run("openssl req -newkey rsa:2048 -nodes -subj /CN=belfry -keyout client.key -out client.csr && "
               "openssl x509 -req -in client.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 "
               "-out client.pem && chmod 644 *.key");
}

static bool connects(const char *address, const char *ca, const char *cert, const char *key)
{
    char files[3][400];
    struct client it;
    struct bf_mqtt_options options = options_for(5, "tls");
    snprintf(files[0], sizeof files[0], "%s/%s", folder, ca ? ca : "");
    snprintf(files[1], sizeof files[1], "%s/%s", folder, cert ? cert : "");
    snprintf(files[2], sizeof files[2], "%s/%s", folder, key ? key : "");
    options.url = address;
    options.ca_file = ca ? files[0] : NULL;
    options.cert_file = cert ? files[1] : NULL;
    options.key_file = key ? files[2] : NULL;
    open_client(&it, &options);
    BF_EVENTUALLY(atomic_load(&it.connected) + atomic_load(&it.failed) == 1, WAIT_MS);
    bool connected = atomic_load(&it.connected) == 1;
    bf_mqtt_destroy(it.mqtt);
    return connected;
}

static void tls_checks_both_sides(void **state)
{
    char by_number[96];
    (void)state;
    if (!tls_port) {
        print_message("skipped: openssl is not installed\n");
        skip();
    }
    snprintf(by_number, sizeof by_number, "mqtts://127.0.0.1:%u", tls_port);
    assert_true(connects(tls_url, "ca.pem", "client.pem", "client.key"));
    assert_false(connects(tls_url, NULL, "client.pem", "client.key"));     /* whose authority is unknown */
    assert_false(connects(by_number, "ca.pem", "client.pem", "client.key")); /* whose name is another */
    assert_false(connects(tls_url, "ca.pem", NULL, NULL));                 /* who are we? */
}

static bool configure(void)
{
    char path[400];
    snprintf(folder, sizeof folder, "%s", bf_tempdir("mqtt"));
    snprintf(path, sizeof path, "%s/passwd", folder);
    if (!bf_program_exists("mosquitto_passwd") ||
        !run("mosquitto_passwd -c -b passwd belfry secret && chmod 644 passwd")) {
        return false;
    }
    int used = snprintf(config, sizeof config, "password_file %s\n", path);
    if (bf_program_exists("openssl") && make_certificates()) {
        tls_port = bf_port_take();
        snprintf(config + used, sizeof config - (size_t)used,
                 "listener %u 127.0.0.1\ncafile %s/ca.pem\ncertfile %s/server.pem\nkeyfile %s/server.key\n"
                 "require_certificate true\n",
                 tls_port, folder, folder, folder);
        snprintf(tls_url, sizeof tls_url, "mqtts://localhost:%u", tls_port);
    }
    broker.config = config;
    return true;
}

int main(void)
{
    struct bf_err err = {0};
    if (!bf_peer_available(BF_PEER_MOSQUITTO) || !configure()) {
        puts("skipped: mosquitto is not installed");
        return 77;
    }
    if (bf_peer_start(&broker, &err) != BF_OK) {
        fprintf(stderr, "%s\n%s\n", err.message, err.detail);
        return 1;
    }
    snprintf(url, sizeof url, "mqtt://%s", broker.address);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_come_whole),
        cmocka_unit_test(a_session_is_kept),
        cmocka_unit_test(a_wrong_password_is_said),
        cmocka_unit_test(tls_checks_both_sides),
        cmocka_unit_test(destroy_ends_everything),
        cmocka_unit_test(a_lost_connection_is_told_once_and_can_be_made_again),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    bf_peer_stop(&broker);
    return failed;
}
