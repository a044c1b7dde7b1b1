/* belfry-ingest against a hand-made broker that sends what no honest one would: each is told of,
 * the connection
 * is dropped and tried again where there is no other way, memory stays flat, and good messages go
 * on. */
#include "tests/flow/ingest_town.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#ifdef __SANITIZE_ADDRESS__
#define FLAT_KIB 131072 /* the sanitizer keeps what was freed for a while */
#else
#define FLAT_KIB 4096
#endif

static struct town town;
static int listener = -1, client = -1;

static int close_town(void **state)
{
    (void)state;
    if (client >= 0) {
        close(client);
    }
    if (listener >= 0) {
        close(listener);
    }
    client = listener = -1;
    town_close(&town);
    return 0;
}

static void wait_for(int fd, short events)
{
    struct pollfd ready = {.fd = fd, .events = events};
    assert_int_equal(poll(&ready, 1, 20000), 1);
}

static void listen_on(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(listener >= 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 8), 0);
}

static void say(const void *bytes, size_t len)
{
    for (const char *data = bytes; len > 0;) {
        ssize_t n = send(client, data, len, MSG_NOSIGNAL);
        if (n < 0) {
            wait_for(client, POLLOUT);
            continue;
        }
        data += n;
        len -= (size_t)n;
    }
}

static unsigned char hear_byte(void)
{
    unsigned char byte;
    wait_for(client, POLLIN);
    assert_int_equal(recv(client, &byte, 1, 0), 1);
    return byte;
}

/* The next packet's first byte; its body (at most 1,023 bytes) in `body`. */
static int hear_packet(char body[1024], size_t *len)
{
    int first = hear_byte();
    size_t length = 0;
    unsigned char digit;
    for (int shift = 0; (digit = hear_byte()), length |= (size_t)(digit & 127) << shift, digit & 128;
         shift += 7) {
    }
    assert_in_range(length, 0, 1023);
    for (size_t i = 0; i < length; i++) {
        body[i] = (char)hear_byte();
    }
    body[length] = '\0';
    *len = length;
    return first;
}

/* Lets ingest in and answers as a broker of version 3.1.1 would, until it has subscribed. Its other
 * connection, which sends markers, is refused. */
static void accept_ingest(void)
{
    char body[1024];
    size_t len;
    for (;;) {
        wait_for(listener, POLLIN);
        client = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        assert_true(client >= 0);
        assert_int_equal(hear_packet(body, &len), 0x10);
        if (len > 12 && memcmp(body + 12, "town-1", 6) == 0 && len == 18) {
            break;
        }
        close(client);
    }
    say("\x20\x02\x01\x00", 4); /* the session is kept */
    assert_int_equal(hear_packet(body, &len), 0x82);
    unsigned char answer[] = {0x90, 3, (unsigned char)body[0], (unsigned char)body[1], 1};
    say(answer, sizeof answer);
}

/* A PUBLISH of QoS 1. */
static void publish(const char *topic, size_t topic_len, int id, const char *payload, size_t payload_len)
{
    size_t length = 2 + topic_len + 2 + payload_len, at = 0;
    char *packet = malloc(length + 5);
    assert_non_null(packet);
    packet[at++] = 0x32;
    for (size_t rest = length;; rest >>= 7) {
        packet[at++] = (char)((rest & 127) | (rest > 127 ? 128 : 0));
        if (rest <= 127) {
            break;
        }
    }
    packet[at++] = (char)(topic_len >> 8);
    packet[at++] = (char)topic_len;
    memcpy(packet + at, topic, topic_len);
    at += topic_len;
    packet[at++] = (char)(id >> 8);
    packet[at++] = (char)id;
    memcpy(packet + at, payload, payload_len);
    say(packet, at + payload_len);
    free(packet);
}

static void hear_puback(int id)
{
    char body[1024];
    size_t len;
    assert_int_equal(hear_packet(body, &len), 0x40);
    assert_int_equal((unsigned char)body[0] << 8 | (unsigned char)body[1], id);
}

static void hear_end(void)
{
    char rest[512];
    do {
        wait_for(client, POLLIN);
    } while (recv(client, rest, sizeof rest, 0) > 0);
    close(client);
    client = -1;
}

static long resident_kib(void)
{
    char path[64], text[8192];
    snprintf(path, sizeof path, "/proc/%d/status", (int)town.daemon.pid);
    const char *at = strstr(bf_file_tail(path, text, sizeof text), "VmHWM:");
    return at ? strtol(at + 6, NULL, 10) : -1;
}

static void open_town(const char *mqtt)
{
    uint16_t port = bf_port_take();
    char text[1200];
    town_open(&town, "");
    listen_on(port);
    snprintf(text, sizeof text,
             "city: city\nmqtt: {url: \"mqtt://127.0.0.1:%u\", version: 4%s}\nkafka: {brokers: \"%s\"}\n"
             "ingest: {id: town-1, filters: [\"town/#\"], http: \"127.0.0.1:%u\", markers: false}\n",
             port, mqtt, town.kafka.address, town.http);
    town_write(town.config, text);
    town_start_daemon(&town);
    accept_ingest();
}

static void a_good_message(int id)
{
    char payload[32];
    int len = snprintf(payload, sizeof payload, "{\"n\": %d}", id);
    publish("town/d1", 7, id, payload, (size_t)len);
    hear_puback(id);
    BF_EVENTUALLY((town_read(&town), town.seen[id].times == 1), 10000);
}

static void odd_messages_are_told_of(void **state)
{
    (void)state;
    static char topic[65535];
    open_town("");
    a_good_message(1);
    memset(topic, 'x', sizeof topic);
    publish(topic, sizeof topic, 2, "{}", 2);
    hear_puback(2);
    BF_EVENTUALLY((town_read(&town), town.rejects == 1), 10000);
    assert_string_equal(town.last_reason, "topic_length");
    publish("town/d1", 7, 3, "{\"n\": \xff\xfe}", 9);
    hear_puback(3);
    publish("town/d1", 7, 4, "{\"n\0\": 1}", 9);
    hear_puback(4);
    BF_EVENTUALLY((town_read(&town), town.rejects == 3), 10000);
    a_good_message(5);
    assert_int_equal(town.whole, 3);
}

static void a_length_of_five_bytes_ends_the_connection(void **state)
{
    (void)state;
    open_town("");
    a_good_message(1);
    say("\x32\xff\xff\xff\xff\x01", 6);
    hear_end();
    accept_ingest();
    a_good_message(2);
    assert_int_equal(town_metric(&town, "belfry_gate_faults_total"), 1);
}

static void a_length_that_never_comes_costs_no_memory(void **state)
{
    (void)state;
    open_town("");
    a_good_message(1);
    long before_kib = resident_kib();
    say("\x32\xff\xff\xff\x7f\x00\x07town/d1", 14);
    hear_end(); /* within 10 s and some */
    accept_ingest();
    a_good_message(2);
    assert_in_range(resident_kib() - before_kib, 0, FLAT_KIB);
    assert_int_equal(town_metric(&town, "belfry_gate_faults_total"), 1);
}

static void lowest_free_ids_stop_it_with_advice(void **state)
{
    (void)state;
    open_town("");
    a_good_message(1);
    a_good_message(2);
    publish("town/d1", 7, 1, "{\"n\": 3}", 8);
    assert_int_equal(bf_child_wait(&town.daemon, 10000), 1);
    assert_true(bf_file_contains(town.log, "packet_ids: free"));
    town_read(&town);
    assert_int_equal(town.seen[3].times, 0);
}

/* Its PINGRESP may stand behind all that it sends. */
static void a_broker_that_speaks_is_alive_and_a_silent_one_is_not(void **state)
{
    (void)state;
    char rest[512];
    open_town(", keep_alive: 1s");
    int64_t until_us = bf_deadline_us(5000);
    for (int turn = 0; bf_wait_turn(until_us); turn++) {
        if (turn % 50 == 0) {
            say("\x30\x11\0\7town/d1{\"n\": 1}", 19);
        }
        assert_int_not_equal(recv(client, rest, sizeof rest, 0), 0); /* PINGREQs, without an answer */
    }
    hear_end();
    accept_ingest();
    a_good_message(2);
    assert_int_equal(town_metric(&town, "belfry_gate_faults_total"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(odd_messages_are_told_of, close_town),
        cmocka_unit_test_teardown(a_length_of_five_bytes_ends_the_connection, close_town),
        cmocka_unit_test_teardown(a_length_that_never_comes_costs_no_memory, close_town),
        cmocka_unit_test_teardown(a_broker_that_speaks_is_alive_and_a_silent_one_is_not, close_town),
        cmocka_unit_test_teardown(lowest_free_ids_stop_it_with_advice, close_town),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
