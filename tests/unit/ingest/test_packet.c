/* Packets in memory: fixed headers at their limits, PUBLISHes of both versions, properties, and what no
 * honest broker sends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ingest/packet.h"

#define PUBLISH_QOS1 0x32

static struct bf_packet_header header_of(const char *bytes, size_t len)
{
    struct bf_packet_header header;
    assert_null(bf_packet_header((struct bf_slice){bytes, len}, &header));
    return header;
}

static void a_header_is_read_at_each_size(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size, length;
    } cases[] = {
        {"\x32\x00", 2, 0},         {"\x32\x7f", 2, 127},           {"\x32\x80\x01", 3, 128},
        {"\x32\xff\x7f", 3, 16383}, {"\x32\x80\x80\x01", 4, 16384}, {"\x32\xff\xff\xff\x7f", 5, 268435455},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t there = 0; there < cases[i].size; there++) {
            assert_int_equal(header_of(cases[i].bytes, there).size, 0);
        }
        struct bf_packet_header header = header_of(cases[i].bytes, cases[i].size);
        assert_int_equal(header.size, cases[i].size);
        assert_int_equal(header.length, cases[i].length);
        assert_int_equal(bf_packet_type(header), BF_PACKET_PUBLISH);
    }
}

static void hostile_headers_are_refused(void **state)
{
    (void)state;
    struct bf_packet_header header;
    assert_non_null(bf_packet_header(BF_SLICE("\x32\xff\xff\xff\xff\x01"), &header));
    assert_non_null(bf_packet_header(BF_SLICE("\x32\xff\xff\xff\xff"), &header));
    assert_non_null(bf_packet_header(BF_SLICE("\x00\x00"), &header));
    assert_non_null(bf_packet_header(BF_SLICE("\x0f\x00"), &header));
}

/* Takes the body of a PUBLISH apart, in memory of its exact size, so that a byte read past its end shows. */
static const char *publish(int first, struct bf_slice body, bool mqtt5, struct bf_mqtt_message *message,
                           size_t *payload_at)
{
    static char *exact;
    free(exact); /* the message of the last call points into it */
    exact = malloc(body.len + 1);
    assert_non_null(exact);
    memcpy(exact + 1, body.data, body.len);
    struct bf_packet_header header = {.first = (unsigned char)first, .size = 2, .length = body.len};
    return bf_packet_publish(header, (struct bf_slice){exact + 1, body.len}, mqtt5, message, payload_at);
}

static void a_publish_of_3_1_1(void **state)
{
    (void)state;
    struct bf_mqtt_message message;
    size_t at;
    assert_null(publish(PUBLISH_QOS1, BF_SLICE("\0\4town\x12\x34{}"), false, &message, &at));
    assert_true(bf_slice_equal(message.topic, BF_SLICE("town")));
    assert_int_equal(message.packet_id, 0x1234);
    assert_int_equal(message.qos, 1);
    assert_false(message.dup || message.retained || message.has_time || message.is_cut);
    assert_int_equal(at, 8);
    assert_null(publish(0x3b, BF_SLICE("\0\1t\0\1"), false, &message, &at)); /* DUP, RETAIN, no payload */
    assert_true(message.dup && message.retained);
    assert_int_equal(at, 5);
    assert_null(publish(0x30, BF_SLICE("\0\1t\0\1"), false, &message, &at)); /* QoS 0 has no packet id */
    assert_int_equal(message.packet_id, 0);
    assert_int_equal(message.qos, 0);
    assert_int_equal(at, 3);
}

static void a_publish_of_5_has_properties(void **state)
{
    (void)state;
    struct bf_mqtt_message message;
    size_t at;
    assert_null(publish(PUBLISH_QOS1, BF_SLICE("\0\1t\0\7\0payload"), true, &message, &at));
    assert_int_equal(at, 6);
    assert_false(message.has_time);
    struct bf_slice every = BF_SLICE("\0\1t\0\7"
                                     "\x41"
                                     "\x01\x01"
                                     "\x02\0\0\0\5"
                                     "\x03\0\4text"
                                     "\x08\0\1r"
                                     "\x09\0\2\0\0"
                                     "\x0b\xff\xff\xff\x7f"
                                     "\x26\0\1a\0\1b"
                                     "\x26\0\xb"
                                     "belfry-time\0\6"
                                     "123456"
                                     "\x26\0\1c\0\2dd"
                                     "{}");
    assert_null(publish(PUBLISH_QOS1, every, true, &message, &at));
    assert_int_equal(at, every.len - 2);
    assert_true(message.has_time);
    assert_int_equal(message.time_us, 123456);
}

static void the_first_time_counts_and_nonsense_is_none(void **state)
{
    (void)state;
    struct bf_mqtt_message message;
    size_t at;
    assert_null(publish(0x30,
                        BF_SLICE("\0\1t\x22\x26\0\xb"
                                 "belfry-time\0\1"
                                 "1\x26\0\xb"
                                 "belfry-time\0\1"
                                 "2"),
                        true, &message, &at));
    assert_int_equal(message.time_us, 1);
    assert_null(publish(0x30,
                        BF_SLICE("\0\1t\x12\x26\0\xb"
                                 "belfry-time\0\2"
                                 "-1"),
                        true, &message, &at));
    assert_false(message.has_time);
}

static void every_cut_of_a_publish_is_refused_or_whole(void **state)
{
    (void)state;
    struct bf_slice whole = BF_SLICE("\0\4town\0\7\x11\x01\x00\x26\0\4name\0\6valuesx");
    struct bf_mqtt_message message;
    size_t at;
    for (size_t len = 0; len < whole.len; len++) {
        const char *fault = publish(PUBLISH_QOS1, (struct bf_slice){whole.data, len}, true, &message, &at);
        assert_int_equal(fault == NULL, len >= whole.len - 1); /* only the payload may be missing */
    }
}

static void contradictions_are_refused(void **state)
{
    (void)state;
    static const struct {
        int first;
        bool mqtt5;
        struct bf_slice body;
    } cases[] = {
        {PUBLISH_QOS1, false, BF_SLICE_INIT("\xff\xfftown\0\1")},           /* a topic past the end */
        {PUBLISH_QOS1, false, BF_SLICE_INIT("\0\0\0\1{}")},                 /* no topic */
        {PUBLISH_QOS1, false, BF_SLICE_INIT("\0\1t\0\0{}")},                /* no packet id */
        {PUBLISH_QOS1, false, BF_SLICE_INIT("\0\1t\1")},                    /* half of one */
        {0x34, false, BF_SLICE_INIT("\0\1t\0\1{}")},                        /* QoS 2 */
        {0x36, false, BF_SLICE_INIT("\0\1t\0\1{}")},                        /* QoS 3 */
        {PUBLISH_QOS1, true, BF_SLICE_INIT("\0\1t\0\1")},                   /* no properties' length */
        {PUBLISH_QOS1, true, BF_SLICE_INIT("\0\1t\0\1\xff\xff\xff\xff\1")}, /* of five bytes */
        {PUBLISH_QOS1, true, BF_SLICE_INIT("\0\1t\0\1\7\1\1")},             /* past the end */
        {PUBLISH_QOS1, true, BF_SLICE_INIT("\0\1t\0\1\3\x23\0\1{}")},       /* a topic alias */
        {PUBLISH_QOS1, true, BF_SLICE_INIT("\0\0\0\1\3\x23\0\1{}")},        /* instead of a topic */
        {PUBLISH_QOS1, true, BF_SLICE_INIT("\0\1t\0\1\2\x11\0{}")},         /* no property of a PUBLISH */
        {PUBLISH_QOS1, true, BF_SLICE_INIT("\0\1t\0\1\2\xff\0{}")},         /* none at all */
        {PUBLISH_QOS1, true, BF_SLICE_INIT("\0\1t\0\1\3\2\0\0\0\0")},       /* four bytes in two */
        {PUBLISH_QOS1, true, BF_SLICE_INIT("\0\1t\0\1\5\x26\0\1a\0\0\1b")}, /* half a user property */
        {PUBLISH_QOS1, true, BF_SLICE_INIT("\0\1t\0\1\5\x0b\xff\xff\xff\xff\1")},
        {PUBLISH_QOS1, true, BF_SLICE_INIT("\0\1t\0\1\1\x26")},
    };
    struct bf_mqtt_message message;
    size_t at;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_non_null(publish(cases[i].first, cases[i].body, cases[i].mqtt5, &message, &at));
    }
}

static void monstrous_properties_are_not_looked_at(void **state)
{
    (void)state;
    struct bf_mqtt_message message;
    size_t at;
    struct bf_slice front = BF_SLICE("\0\1t\0\1\x81\x80\x04\xff\xff"); /* 65,537 bytes of nonsense */
    struct bf_packet_header header = {.first = PUBLISH_QOS1, .size = 4, .length = 70000};
    assert_null(bf_packet_publish(header, front, true, &message, &at));
    assert_int_equal(at, 8 + 65537);
    header.length = at - 1;
    assert_non_null(bf_packet_publish(header, front, true, &message, &at));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_is_read_at_each_size),
        cmocka_unit_test(hostile_headers_are_refused),
        cmocka_unit_test(a_publish_of_3_1_1),
        cmocka_unit_test(a_publish_of_5_has_properties),
        cmocka_unit_test(the_first_time_counts_and_nonsense_is_none),
        cmocka_unit_test(every_cut_of_a_publish_is_refused_or_whole),
        cmocka_unit_test(contradictions_are_refused),
        cmocka_unit_test(monstrous_properties_are_not_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
