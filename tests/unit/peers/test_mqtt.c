/* The MQTT connection without a broker: addresses, refusals, and an end that never hangs. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/time.h"
#include "peers/mqtt/mqtt.h"
#include "tests/support/eventually.h"

static atomic_int failures, others;

static void on_message(void *context, const struct bf_mqtt_message *message)
{
    (void)context;
    (void)message;
    atomic_fetch_add(&others, 1);
}
static void on_connected(void *context, bool session_present)
{
    (void)context;
    (void)session_present;
    atomic_fetch_add(&others, 1);
}
static void on_failed(void *context, const char *reason)
{
    (void)context;
    assert_true(reason[0] != '\0');
    atomic_fetch_add(&failures, 1);
}
static void on_lost(void *context, const char *reason)
{
    (void)context;
    (void)reason;
    atomic_fetch_add(&others, 1);
}
static void on_subscribed(void *context, bool ok, const char *reason)
{
    (void)context;
    (void)ok;
    (void)reason;
    atomic_fetch_add(&others, 1);
}

static const struct bf_mqtt_callbacks callbacks = {
    .message = on_message,
    .connected = on_connected,
    .failed = on_failed,
    .lost = on_lost,
    .subscribed = on_subscribed,
};

/* Listens and never answers. */
static int silent_server(uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

static struct bf_mqtt *make(uint16_t port, int version)
{
    static char url[64];
    snprintf(url, sizeof url, "mqtt://127.0.0.1:%u", port);
    struct bf_mqtt_options options = {
        .url = url,
        .version = version,
        .client_id = "test",
        .keep_alive_s = 60,
        .clean = true,
        .connect_timeout_s = 5,
        .session_expiry_s = UINT32_MAX,
    };
    struct bf_mqtt *mqtt = NULL;
    struct bf_err err = {0};
    assert_int_equal(bf_mqtt_create(&options, &callbacks, &mqtt, &err), BF_OK);
    return mqtt;
}

struct good {
    const char *url, *host;
    uint16_t port;
    bool tls;
};

static void addresses_are_parsed(void **state)
{
    static const struct good table[] = {
        {.url = "mqtt://127.0.0.1", .host = "127.0.0.1", .port = 1883, .tls = false},
        {.url = "mqtts://broker.city.example", .host = "broker.city.example", .port = 8883, .tls = true},
        {.url = "mqtt://h:1", .host = "h", .port = 1, .tls = false},
        {.url = "mqtts://[::1]:65535", .host = "::1", .port = 65535, .tls = true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char host[64];
        uint16_t port = 0;
        bool tls = false;
        assert_int_equal(bf_mqtt_parse_url(table[i].url, host, sizeof host, &port, &tls, NULL), BF_OK);
        assert_string_equal(host, table[i].host);
        assert_int_equal(port, table[i].port);
        assert_int_equal(tls, table[i].tls);
    }
}

static void other_addresses_are_refused(void **state)
{
    static const char *const table[] = {
        "",
        "mqtt",
        "mqtt://",
        "mqtt://:1883",
        "tcp://h",
        "http://h",
        "mqtt://h:",
        "mqtt://h:0",
        "mqtt://h:65536",
        "mqtt://h:99999999999999999999",
        "mqtt://h:1x",
        "mqtt://h/topic",
        "mqtt://user@h",
        "mqtt://[::1",
        "mqtt://[::1]x",
        "MQTT://h",
        "mqtt://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char host[32];
        uint16_t port = 0;
        bool tls = false;
        struct bf_err err = {0};
        assert_int_equal(bf_mqtt_parse_url(table[i], host, sizeof host, &port, &tls, &err), BF_CONFIG);
        assert_true(err.message[0] && err.hint[0]);
    }
}

static void a_bad_address_makes_no_client(void **state)
{
    struct bf_mqtt_options options = {.url = "ftp://h", .version = 5, .client_id = "test"};
    struct bf_mqtt *mqtt = NULL;
    (void)state;
    assert_int_equal(bf_mqtt_create(&options, &callbacks, &mqtt, NULL), BF_CONFIG);
    assert_null(mqtt);
}

static void a_closed_port_fails_once(void **state)
{
    uint16_t port = 0;
    (void)state;
    close(silent_server(&port));
    for (int version = 3; version <= 5; version += 2) {
        struct bf_mqtt *mqtt = make(port, version);
        atomic_store(&failures, 0);
        struct bf_err err = {0};
        if (bf_mqtt_connect(mqtt, &err) == BF_OK) {
            BF_EVENTUALLY(atomic_load(&failures) == 1, 5000);
        }
        bf_mqtt_destroy(mqtt);
        assert_in_range(atomic_load(&failures), 0, 1);
    }
}

static void destroy_does_not_hang_on_a_silent_broker(void **state)
{
    uint16_t port = 0;
    (void)state;
    int fd = silent_server(&port);
    struct bf_mqtt *mqtt = make(port, 5);
    atomic_store(&failures, 0);
    assert_int_equal(bf_mqtt_connect(mqtt, NULL), BF_OK);
    int peer = accept(fd, NULL, NULL); /* the connection stands, and no CONNACK ever comes */
    assert_true(peer >= 0);
    char byte;
    assert_int_equal(recv(peer, &byte, 1, 0), 1);
    assert_int_equal(byte, 0x10);
    int64_t begin_us = bf_time_monotonic_us();
    bf_mqtt_destroy(mqtt);
    assert_true(bf_time_monotonic_us() - begin_us < BF_US_PER_S);
    assert_int_equal(atomic_load(&failures), 0);
    assert_int_equal(atomic_load(&others), 0);
    close(peer);
    close(fd);
}

/* The bytes of the CONNECT: a session that expires loses what the broker holds for us. */
static void a_session_that_never_expires_is_asked_for_so(void **state)
{
    uint16_t port = 0;
    (void)state;
    int fd = silent_server(&port);
    struct bf_mqtt *mqtt = make(port, 5);
    assert_int_equal(bf_mqtt_connect(mqtt, NULL), BF_OK);
    int peer = accept(fd, NULL, NULL);
    assert_true(peer >= 0);
    unsigned char packet[256];
    assert_int_equal(recv(peer, packet, 2, MSG_WAITALL), 2);
    assert_int_equal(packet[0], 0x10);
    assert_in_range(packet[1], 14, 127);
    assert_int_equal(recv(peer, packet, packet[1], MSG_WAITALL), packet[1]);
    assert_int_equal(packet[11], 0x11); /* behind name, version, flags, keep-alive, length: session expiry */
    assert_in_range(packet[12], 0x7f, 0xff); /* its first of four bytes: 68 years or more */
    bf_mqtt_destroy(mqtt);
    close(peer);
    close(fd);
}

static void publishing_unconnected_is_refused(void **state)
{
    struct bf_mqtt *mqtt = make(1, 5);
    struct bf_err err = {0};
    (void)state;
    assert_int_equal(bf_mqtt_publish(mqtt, BF_SLICE("a"), BF_SLICE("b"), 1, false, BF_TIME_NONE, NULL, &err),
                     BF_PEER);
    assert_true(err.message[0]);
    assert_int_equal(
        bf_mqtt_publish(mqtt, BF_SLICE("a\0b"), BF_SLICE("b"), 1, false, BF_TIME_NONE, NULL, &err), BF_LIMIT);
    assert_int_equal(bf_mqtt_publish(mqtt, BF_SLICE(""), BF_SLICE("b"), 1, false, BF_TIME_NONE, NULL, &err),
                     BF_LIMIT);
    const char *filter = "a/#";
    assert_int_equal(bf_mqtt_subscribe(mqtt, &filter, 1, 1, &err), BF_PEER);
    bf_mqtt_destroy(mqtt);
    bf_mqtt_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_parsed),
        cmocka_unit_test(other_addresses_are_refused),
        cmocka_unit_test(a_bad_address_makes_no_client),
        cmocka_unit_test(a_closed_port_fails_once),
        cmocka_unit_test(destroy_does_not_hang_on_a_silent_broker),
        cmocka_unit_test(a_session_that_never_expires_is_asked_for_so),
        cmocka_unit_test(publishing_unconnected_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
