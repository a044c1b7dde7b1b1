/* The broker's stream: packets at every cut, payloads that no buffer holds, hostile lengths. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ingest/downlink.h"

#define MAX_PAYLOAD 4096
#define HEAD_MAX 100
#define WHOLE_MAX (MAX_PAYLOAD + BF_DOWNLINK_SLACK) /* a packet that the buffer holds */

struct heard { /* what a stream gave */
    char passed[1 << 20];
    size_t passed_len;
    int packets, messages, cut;
    uint64_t hash; /* over all messages */
    struct bf_mqtt_message last;
    char topic[70000], head[1 << 16];
    const char *fault;
};
static struct heard heard;
static char stream[8 << 20];
static struct bf_downlink *downlink;

static int open5(void **state)
{
    (void)state;
    downlink = bf_downlink_create(MAX_PAYLOAD, HEAD_MAX, true, false);
    assert_non_null(downlink);
    bf_downlink_reset(downlink);
    return 0;
}

static int close(void **state)
{
    (void)state;
    bf_downlink_destroy(downlink);
    return 0;
}

static size_t put_header(char *to, int first, size_t length)
{
    size_t at = 0;
    to[at++] = (char)first;
    do {
        to[at++] = (char)((length & 127) | (length > 127 ? 128 : 0));
        length >>= 7;
    } while (length > 0);
    return at;
}

/* A PUBLISH; properties only if props_len >= 0 (version 5): one user property that fills them. */
static size_t put_publish(char *to, int flags, size_t topic_len, int id, long props_len, size_t payload_len)
{
    char digits[5];
    size_t props_size = props_len < 0 ? 0 : put_header(digits, 0, (size_t)props_len) - 1;
    size_t props = props_len < 0 ? 0 : props_size + (size_t)props_len;
    size_t at = put_header(to, 0x30 | flags, 2 + topic_len + (flags & 6 ? 2 : 0) + props + payload_len);
    to[at++] = (char)(topic_len >> 8);
    to[at++] = (char)topic_len;
    memset(to + at, 't', topic_len);
    at += topic_len;
    if (flags & 6) {
        to[at++] = (char)(id >> 8);
        to[at++] = (char)id;
    }
    memcpy(to + at, digits + 1, props_size);
    at += props_size;
    if (props_len > 0) {
        memset(to + at, 0, (size_t)props_len);
        size_t value = (size_t)props_len - 5;
        to[at] = 0x26;
        to[at + 3] = (char)(value >> 8);
        to[at + 4] = (char)value;
        at += (size_t)props_len;
    }
    for (size_t i = 0; i < payload_len; i++) {
        to[at++] = (char)(i * 31 % 251);
    }
    return at;
}

static void note_message(const struct bf_mqtt_message *message)
{
    heard.messages++;
    heard.cut += message->is_cut;
    heard.last = *message;
    heard.hash = heard.hash * 31 + message->packet_id +
                 (message->is_cut ? message->whole_hash : bf_payload_hash(message->payload));
    assert_in_range(message->topic.len, 1, sizeof heard.topic);
    memcpy(heard.topic, message->topic.data, message->topic.len);
    if (message->payload.len > 0 && message->payload.len <= sizeof heard.head) {
        memcpy(heard.head, message->payload.data, message->payload.len);
    }
}

static bool take_all(void)
{
    struct bf_slice bytes;
    struct bf_mqtt_message message;
    for (;;) {
        switch (bf_downlink_next(downlink, &bytes, &message)) {
        case BF_DOWNLINK_MORE:
            return true;
        case BF_DOWNLINK_PASS:
            memcpy(heard.passed + heard.passed_len, bytes.data, bytes.len);
            heard.passed_len += bytes.len;
            heard.packets++;
            break;
        case BF_DOWNLINK_MESSAGE:
            note_message(&message);
            break;
        case BF_DOWNLINK_BAD:
            heard.fault = bf_downlink_fault(downlink);
            return false;
        }
    }
}

/* Feeds a stream in pieces of at most `piece` bytes, as a gate would. */
static void feed(const char *data, size_t len, size_t piece)
{
    memset(&heard, 0, sizeof heard);
    bf_downlink_reset(downlink);
    for (size_t at = 0, n; at < len; at += n) {
        size_t room;
        char *to = bf_downlink_room(downlink, &room);
        assert_true(room > 0);
        n = piece < len - at ? piece : len - at;
        n = n < room ? n : room;
        memcpy(to, data + at, n);
        bf_downlink_came(downlink, n);
        if (!take_all()) {
            return;
        }
    }
}

static void packets_are_the_same_at_every_cut(void **state)
{
    (void)state;
    size_t len = 5;
    memcpy(stream, "\x20\x03\x01\x00\x00", len);
    len += put_publish(stream + len, 2, 5, 7, 0, 300);
    memcpy(stream + len, "\xd0\x00", 2);
    len += 2;
    len += put_publish(stream + len, 8 | 2, 5, 8, 200, MAX_PAYLOAD);
    len += put_publish(stream + len, 1, 5, 0, 0, 0);
    feed(stream, len, len);
    uint64_t hash = heard.hash;
    for (size_t piece = 1; piece < len; piece += piece < 600 ? 1 : 97) {
        feed(stream, len, piece);
        assert_null(heard.fault);
        assert_int_equal(heard.packets, 2);
        assert_int_equal(heard.passed_len, 7);
        assert_memory_equal(heard.passed, "\x20\x03\x01\x00\x00\xd0\x00", 7);
        assert_int_equal(heard.messages, 3);
        assert_int_equal(heard.cut, 0);
        assert_true(heard.hash == hash);
        assert_true(heard.last.retained && heard.last.qos == 0);
        assert_false(bf_downlink_is_inside(downlink));
    }
}

static void a_user_property_survives_every_cut(void **state)
{
    (void)state;
    static const char packet[] = "\x32\x1b\0\1t\0\7\x14\x26\0\xb"
                                 "belfry-time\0\4"
                                 "1234{";
    for (size_t piece = 1; piece < sizeof packet; piece++) {
        feed(packet, sizeof packet - 1, piece);
        assert_null(heard.fault);
        assert_int_equal(heard.messages, 1);
        assert_true(heard.last.has_time);
        assert_int_equal(heard.last.time_us, 1234);
    }
}

static void an_oversize_payload_is_drained(void **state)
{
    (void)state;
    static const size_t sizes[] = {WHOLE_MAX, WHOLE_MAX + 1, WHOLE_MAX + 65536 * 3, 2000000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t len = put_publish(stream, 8 | 2, 11, 0x1234, 150, sizes[i]);
        struct bf_slice payload = {stream + len - sizes[i], sizes[i]};
        uint64_t hash = bf_payload_hash(payload);
        char head[HEAD_MAX];
        memcpy(head, payload.data, sizeof head);
        len += put_publish(stream + len, 2, 3, 9, 0, 10);
        for (size_t piece = 1000; piece < 2 * len; piece = piece * 7 + 1) {
            feed(stream, len, piece);
            assert_null(heard.fault);
            assert_int_equal(heard.messages, 2);
            assert_int_equal(heard.cut, 1);
            feed(stream, len - 18, piece); /* without the small one: the large one is the last */
            assert_int_equal(heard.messages, 1);
            assert_true(heard.last.is_cut && heard.last.dup);
            assert_int_equal(heard.last.qos, 1);
            assert_int_equal(heard.last.packet_id, 0x1234);
            assert_int_equal(heard.last.topic.len, 11);
            assert_memory_equal(heard.topic, "ttttttttttt", 11);
            assert_int_equal(heard.last.whole_len, sizes[i]);
            assert_true(heard.last.whole_hash == hash);
            assert_int_equal(heard.last.payload.len, HEAD_MAX);
            assert_memory_equal(heard.head, head, HEAD_MAX);
        }
    }
}

static void what_the_buffer_just_holds_is_whole(void **state)
{
    (void)state;
    size_t payload_len = WHOLE_MAX - 4 - 2 - 3 - 2 - 1;
    size_t len = put_publish(stream, 2, 3, 1, 0, payload_len);
    assert_int_equal(len, WHOLE_MAX);
    feed(stream, len, 70000);
    assert_int_equal(heard.messages, 1);
    assert_int_equal(heard.cut, 0);
    assert_int_equal(heard.last.payload.len, payload_len);
    len = put_publish(stream, 2, 3, 1, 0, payload_len + 1);
    feed(stream, len, 70000);
    assert_int_equal(heard.messages, 1);
    assert_int_equal(heard.cut, 1);
    assert_int_equal(heard.last.whole_len, payload_len + 1);
}

static void monstrous_properties_leave_length_and_hash(void **state)
{
    (void)state;
    static const size_t payloads[] = {50, 0, 70000};
    for (size_t i = 0; i < sizeof payloads / sizeof *payloads; i++) {
        size_t len = put_publish(stream, 2, 65535, 1, 2000000, payloads[i]);
        uint64_t hash = bf_payload_hash((struct bf_slice){stream + len - payloads[i], payloads[i]});
        for (size_t piece = 4096; piece < 4 * len; piece *= 5) {
            feed(stream, len, piece);
            assert_null(heard.fault);
            assert_int_equal(heard.messages, 1);
            assert_true(heard.last.is_cut);
            assert_int_equal(heard.last.topic.len, 65535);
            assert_int_equal(heard.topic[65534], 't');
            assert_int_equal(heard.last.whole_len, payloads[i]);
            assert_true(heard.last.whole_hash == hash);
            assert_int_equal(heard.last.payload.len, 0);
        }
    }
}

static void one_large_packet_after_the_other(void **state)
{
    (void)state;
    size_t len = 0;
    for (int i = 0; i < 4; i++) {
        len += put_publish(stream + len, 2, 3, i + 1, i % 2 ? 0 : 70000, 300000);
        len += put_publish(stream + len, 2, 3, i + 10, 0, 20);
    }
    feed(stream, len, len);
    uint64_t hash = heard.hash;
    for (size_t piece = 999; piece < len; piece = piece * 3 + 1) {
        feed(stream, len, piece);
        assert_null(heard.fault);
        assert_int_equal(heard.messages, 8);
        assert_int_equal(heard.cut, 4);
        assert_true(heard.hash == hash);
    }
}

static void a_declared_length_costs_nothing(void **state)
{
    (void)state;
    feed("\x32\xff\xff\xff\x7f\x00\x05town/", 12, 3);
    assert_null(heard.fault);
    assert_true(bf_downlink_is_inside(downlink));
    assert_int_equal(heard.messages + heard.packets, 0);
}

static void hostile_packets_are_refused(void **state)
{
    (void)state;
    for (size_t piece = 1; piece <= 6; piece++) {
        feed("\x32\xff\xff\xff\xff\x01", 6, piece);
        assert_non_null(heard.fault);
        feed("\x20\xff\xff\xff\x7f", 5, piece); /* a CONNACK of 255 MiB */
        assert_non_null(heard.fault);
        feed("\x34\x05\0\1t\0\1", 7, piece); /* QoS 2 */
        assert_non_null(heard.fault);
    }
    size_t length = 300000, at = put_header(stream, 0x32, length);
    memset(stream + at, 0xff, length); /* a topic of 65,535; properties whose length never ends */
    feed(stream, at + length, 5000);
    assert_non_null(heard.fault);
}

static void opaque_bytes_pass_as_they_come(void **state)
{
    (void)state;
    bf_downlink_destroy(downlink);
    downlink = bf_downlink_create(0, 0, true, true);
    for (size_t i = 0; i < sizeof heard.passed; i++) {
        stream[i] = (char)(i * 7 + i / 251);
    }
    feed(stream, sizeof heard.passed, 99999);
    assert_null(heard.fault);
    assert_int_equal(heard.passed_len, sizeof heard.passed);
    assert_memory_equal(heard.passed, stream, sizeof heard.passed);
    assert_false(bf_downlink_is_inside(downlink));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(packets_are_the_same_at_every_cut, open5, close),
        cmocka_unit_test_setup_teardown(a_user_property_survives_every_cut, open5, close),
        cmocka_unit_test_setup_teardown(an_oversize_payload_is_drained, open5, close),
        cmocka_unit_test_setup_teardown(what_the_buffer_just_holds_is_whole, open5, close),
        cmocka_unit_test_setup_teardown(monstrous_properties_leave_length_and_hash, open5, close),
        cmocka_unit_test_setup_teardown(one_large_packet_after_the_other, open5, close),
        cmocka_unit_test_setup_teardown(a_declared_length_costs_nothing, open5, close),
        cmocka_unit_test_setup_teardown(hostile_packets_are_refused, open5, close),
        cmocka_unit_test_setup_teardown(opaque_bytes_pass_as_they_come, open5, close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
