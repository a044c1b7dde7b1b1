/* The scanner: packets at every cut, hostile lengths, and the note that stands for an oversize payload. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/hash.h"
#include "ingest/packet.h"

#define MAX_PAYLOAD 4096
#define HEAD_MAX 100

struct heard { /* what a stream gave */
    char passed[1 << 20];
    size_t len;
    int packets, replaced;
    const char *fault;
};
static struct heard heard;
static char stream[8 << 20];

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

/* A PUBLISH; properties only if props_len >= 0 (version 5). */
static size_t put_publish(char *to, int flags, size_t topic_len, int id, long props_len, size_t payload_len)
{
    size_t props = props_len < 0 ? 0 : (size_t)props_len + (props_len > 16383 ? 3 : props_len > 127 ? 2 : 1);
    size_t length = 2 + topic_len + (flags & 6 ? 2 : 0) + props + payload_len;
    size_t at = put_header(to, 0x30 | flags, length);
    to[at++] = (char)(topic_len >> 8);
    to[at++] = (char)topic_len;
    memset(to + at, 't', topic_len);
    at += topic_len;
    if (flags & 6) {
        to[at++] = (char)(id >> 8);
        to[at++] = (char)id;
    }
    if (props_len >= 0) {
        size_t rest = (size_t)props_len;
        do {
            to[at++] = (char)((rest & 127) | (rest > 127 ? 128 : 0));
            rest >>= 7;
        } while (rest > 0);
        memset(to + at, 'p', (size_t)props_len);
        at += (size_t)props_len;
    }
    for (size_t i = 0; i < payload_len; i++) {
        to[at++] = (char)(i * 31 % 251);
    }
    return at;
}

/* Feeds a stream in pieces of at most `piece` bytes, as a gate would. */
static void feed(struct bf_scanner *scanner, const char *data, size_t len, size_t piece)
{
    size_t at = 0, end = 0;
    memset(&heard, 0, sizeof heard);
    bf_scanner_reset(scanner);
    while (end < len || at < end) {
        end = end + piece < len ? end + piece : len;
        size_t before = at;
        for (enum bf_scan_event event = BF_SCAN_PACKET; event != BF_SCAN_MORE && at < end;) {
            size_t taken;
            bool pass;
            event = bf_scanner_feed(scanner, (struct bf_slice){data + at, end - at}, &taken, &pass);
            if (pass) {
                memcpy(heard.passed + heard.len, data + at, taken);
                heard.len += taken;
            }
            at += taken;
            heard.packets += event == BF_SCAN_PACKET;
            if (event == BF_SCAN_OVERSIZE) {
                struct bf_slice small = bf_scanner_replacement(scanner);
                memcpy(heard.passed + heard.len, small.data, small.len);
                heard.len += small.len;
                heard.replaced++;
            }
            if (event == BF_SCAN_BAD) {
                heard.fault = bf_scanner_fault(scanner);
                return;
            }
        }
        if (end == len && at == before) {
            return; /* the rest of a header never comes */
        }
    }
}

static void packets_pass_as_they_are(void **state)
{
    (void)state;
    struct bf_scanner *scanner = bf_scanner_create(MAX_PAYLOAD, HEAD_MAX, true);
    size_t len = 0;
    memcpy(stream, "\x20\x03\x01\x00\x00", 5);
    len = 5;
    len += put_publish(stream + len, 2, 5, 7, 0, 300);
    memcpy(stream + len, "\xd0\x00", 2);
    len += 2;
    len += put_publish(stream + len, 0, 5, 0, 200, MAX_PAYLOAD);
    for (size_t piece = 1; piece < len; piece = piece * 2 + 1) {
        feed(scanner, stream, len, piece);
        assert_null(heard.fault);
        assert_int_equal(heard.packets, 4);
        assert_int_equal(heard.len, len);
        assert_memory_equal(heard.passed, stream, len);
    }
    assert_int_equal(bf_scanner_type(scanner), BF_PACKET_PUBLISH);
    assert_false(bf_scanner_inside(scanner));
    bf_scanner_destroy(scanner);
}

static void an_oversize_publish_becomes_a_note(void **state)
{
    (void)state;
    for (int version = 3; version <= 5; version += 2) {
        struct bf_scanner *scanner = bf_scanner_create(MAX_PAYLOAD, HEAD_MAX, version == 5);
        size_t payload_len = MAX_PAYLOAD + BF_PACKET_SLACK + 100000, topic_len = 11;
        size_t len = put_publish(stream, 8 | 2, topic_len, 0x1234, version == 5 ? 150 : -1, payload_len);
        uint64_t hash = bf_payload_hash((struct bf_slice){stream + len - payload_len, payload_len});
        len += put_publish(stream + len, 2, 3, 9, version == 5 ? 0 : -1, 10);
        for (size_t piece = 1000; piece < 2 * len; piece = piece * 7 + 1) {
            feed(scanner, stream, len, piece);
            assert_null(heard.fault);
            assert_int_equal(heard.replaced, 1);
            assert_int_equal(heard.packets, 1);
            const unsigned char *at = (const unsigned char *)heard.passed;
            assert_int_equal(at[0], 0x3a); /* PUBLISH, DUP, QoS 1 */
            size_t length = (size_t)(at[1] & 127) | (size_t)at[2] << 7;
            at += 3;
            assert_int_equal(at[0] << 8 | at[1], topic_len);
            at += 2 + topic_len;
            assert_int_equal(at[0] << 8 | at[1], 0x1234);
            at += 2;
            size_t props = version == 5 ? 152 : 0; /* as they came */
            at += props;
            struct bf_note note;
            struct bf_slice payload = {(const char *)at, length - 2 - topic_len - 2 - props};
            assert_true(bf_note_parse(payload, &note));
            assert_int_equal(note.payload_len, payload_len);
            assert_true(note.payload_hash == hash);
            assert_int_equal(note.head.len, HEAD_MAX);
            assert_int_equal(note.head.data[3], (char)(3 * 31 % 251));
        }
        bf_scanner_destroy(scanner);
    }
}

static void monstrous_properties_are_left_out(void **state)
{
    (void)state;
    struct bf_scanner *scanner = bf_scanner_create(MAX_PAYLOAD, HEAD_MAX, true);
    size_t len = put_publish(stream, 2, 65535, 1, 2000000, 50);
    feed(scanner, stream, len, 4096);
    assert_null(heard.fault);
    assert_int_equal(heard.replaced, 1);
    assert_true(heard.len < 66000);
    struct bf_note note;
    size_t at = 4 + 2 + 65535 + 2 + 1;
    assert_true(bf_note_parse((struct bf_slice){heard.passed + at, heard.len - at}, &note));
    assert_int_equal(note.payload_len, 50);
    assert_int_equal(note.head.len, 50);
    bf_scanner_destroy(scanner);
}

static void a_length_of_five_bytes_is_refused(void **state)
{
    (void)state;
    struct bf_scanner *scanner = bf_scanner_create(MAX_PAYLOAD, HEAD_MAX, true);
    for (size_t piece = 1; piece <= 6; piece++) {
        feed(scanner, "\x32\xff\xff\xff\xff\x01", 6, piece);
        assert_non_null(heard.fault);
        assert_int_equal(heard.len, 0);
    }
    bf_scanner_destroy(scanner);
}

static void a_declared_length_costs_nothing(void **state)
{
    (void)state;
    struct bf_scanner *scanner = bf_scanner_create(MAX_PAYLOAD, HEAD_MAX, true);
    feed(scanner, "\x32\xff\xff\xff\x7f\x00\x05town/", 12, 3);
    assert_null(heard.fault);
    assert_true(bf_scanner_inside(scanner));
    assert_int_equal(bf_scanner_length(scanner), 268435455);
    assert_int_equal(heard.len, 0);
    bf_scanner_destroy(scanner);
}

static void contradictions_are_refused(void **state)
{
    (void)state;
    struct bf_scanner *scanner = bf_scanner_create(MAX_PAYLOAD, HEAD_MAX, true);
    size_t length = 300000, at = put_header(stream, 0x32, length);
    memset(stream + at, 0xff, length); /* topic of 65,535; properties whose length never ends */
    feed(scanner, stream, at + length, 5000);
    assert_non_null(heard.fault);
    at = put_header(stream, 0x32, length);
    memset(stream + at, 0, length);
    memcpy(stream + at, "\0\1t\0\1\xff\xff\x7f", 8); /* properties longer than the packet */
    feed(scanner, stream, at + length, 5000);
    assert_non_null(heard.fault);
    feed(scanner, "\x00\x00", 2, 2);
    assert_non_null(heard.fault);
    feed(scanner, "\x20\xff\xff\xff\x7f", 5, 5); /* a CONNACK of 255 MiB */
    assert_non_null(heard.fault);
    bf_scanner_destroy(scanner);
}

static void nobody_else_can_write_a_note(void **state)
{
    (void)state;
    struct bf_note note;
    char forged[64] = {0};
    assert_false(bf_note_parse((struct bf_slice){forged, sizeof forged}, &note));
    assert_false(bf_note_parse((struct bf_slice){NULL, 0}, &note));
}

static void the_payload_hash_is_the_same_by_blocks(void **state)
{
    (void)state;
    memset(stream, 'x', 200000);
    struct bf_slice small = {stream, 65536}, large = {stream, 65537};
    assert_true(bf_payload_hash(small) == bf_hash64(small));
    assert_true(bf_payload_hash(large) ==
                bf_hash64_mix(bf_hash64(small), bf_hash64((struct bf_slice){stream + 65536, 1})));
    assert_true(bf_payload_hash((struct bf_slice){NULL, 0}) == bf_hash64((struct bf_slice){NULL, 0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_pass_as_they_are),
        cmocka_unit_test(an_oversize_publish_becomes_a_note),
        cmocka_unit_test(monstrous_properties_are_left_out),
        cmocka_unit_test(a_length_of_five_bytes_is_refused),
        cmocka_unit_test(a_declared_length_costs_nothing),
        cmocka_unit_test(contradictions_are_refused),
        cmocka_unit_test(nobody_else_can_write_a_note),
        cmocka_unit_test(the_payload_hash_is_the_same_by_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
