/* The msgpack writer and reader, held against msgpack-c over random values, and against broken
 * bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <float.h>
#include <msgpack.h>
#include <stdlib.h>

#include "core/mp.h"

#define CAPACITY ((size_t)1 << 17)

static uint64_t seed;

static uint64_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

/* Every width of integer as often as any other, edges included. */
static uint64_t random_integer(void)
{
    uint64_t number = next_random() >> next_random() % 64;
    switch (next_random() % 4) {
    case 0:
        return UINT64_C(1) << number % 64;
    case 1:
        return (UINT64_C(1) << number % 64) - 1;
    case 2:
        return ~number;
    default:
        return number;
    }
}

static char body[70000];

static size_t random_length(void)
{
    static const size_t edges[] = {0, 1, 31, 32, 33, 255, 256, 257, 65535, 65536};
    return next_random() % 8 == 0 ? edges[next_random() % 10] : next_random() % 40;
}

/* Writes one value with both; arrays and maps to a depth of four. */
static void put_both(struct bf_mp_writer *writer, msgpack_packer *packer, int depth)
{
    uint64_t number = random_integer();
    size_t len = random_length();
    double value;
    switch (next_random() % (depth < 4 ? 9 : 7)) {
    case 0:
        bf_mp_put_nil(writer);
        msgpack_pack_nil(packer);
        break;
    case 1:
        bf_mp_put_bool(writer, number & 1);
        number & 1 ? msgpack_pack_true(packer) : msgpack_pack_false(packer);
        break;
    case 2:
        bf_mp_put_int(writer, (int64_t)number);
        msgpack_pack_int64(packer, (int64_t)number);
        break;
    case 3:
        bf_mp_put_uint(writer, number);
        msgpack_pack_uint64(packer, number);
        break;
    case 4:
        memcpy(&value, &number, sizeof(value));
        bf_mp_put_double(writer, value);
        msgpack_pack_double(packer, value);
        break;
    case 5:
        bf_mp_put_str(writer, (struct bf_slice){.data = body, .len = len});
        msgpack_pack_str(packer, len);
        msgpack_pack_str_body(packer, body, len);
        break;
    case 6:
        bf_mp_put_bin(writer, (struct bf_slice){.data = body, .len = len});
        msgpack_pack_bin(packer, len);
        msgpack_pack_bin_body(packer, body, len);
        break;
    default:
        len %= 20;
        bool map = number & 1;
        map ? bf_mp_put_map(writer, (uint32_t)len) : bf_mp_put_array(writer, (uint32_t)len);
        map ? msgpack_pack_map(packer, len) : msgpack_pack_array(packer, len);
        for (size_t i = 0; i < (map ? 2 * len : len); i++) {
            put_both(writer, packer, depth + 1);
        }
    }
}

static void same_object(struct bf_mp_reader *reader, const msgpack_object *object);

static void same_elements(struct bf_mp_reader *reader, const msgpack_object *object)
{
    if (object->type == MSGPACK_OBJECT_ARRAY) {
        assert_int_equal(bf_mp_get_array(reader), object->via.array.size);
        for (uint32_t i = 0; i < object->via.array.size; i++) {
            same_object(reader, &object->via.array.ptr[i]);
        }
        return;
    }
    assert_int_equal(object->type, MSGPACK_OBJECT_MAP);
    assert_int_equal(bf_mp_get_map(reader), object->via.map.size);
    for (uint32_t i = 0; i < object->via.map.size; i++) {
        same_object(reader, &object->via.map.ptr[i].key);
        same_object(reader, &object->via.map.ptr[i].val);
    }
}

static void same_bytes(struct bf_slice got, const char *data, uint32_t len)
{
    assert_int_equal(got.len, len);
    assert_memory_equal(got.data, data, len);
}

static void same_object(struct bf_mp_reader *reader, const msgpack_object *object)
{
    double number;
    switch (bf_mp_peek(reader)) {
    case BF_MP_NIL:
        assert_int_equal(object->type, MSGPACK_OBJECT_NIL);
        bf_mp_get_nil(reader);
        break;
    case BF_MP_BOOL:
        assert_int_equal(object->type, MSGPACK_OBJECT_BOOLEAN);
        assert_int_equal(bf_mp_get_bool(reader), object->via.boolean);
        break;
    case BF_MP_INT:
        assert_true(object->type == MSGPACK_OBJECT_POSITIVE_INTEGER ||
                    object->type == MSGPACK_OBJECT_NEGATIVE_INTEGER);
        assert_true(bf_mp_get_int(reader) == object->via.i64);
        break;
    case BF_MP_UINT:
        assert_int_equal(object->type, MSGPACK_OBJECT_POSITIVE_INTEGER);
        assert_true(object->via.u64 > INT64_MAX);
        assert_true(bf_mp_get_uint(reader) == object->via.u64);
        break;
    case BF_MP_DOUBLE:
        assert_true(object->type == MSGPACK_OBJECT_FLOAT64 ||
                    object->type == MSGPACK_OBJECT_FLOAT32);
        number = bf_mp_get_double(reader);
        assert_memory_equal(&number, &object->via.f64, sizeof(number));
        break;
    case BF_MP_STR:
        same_bytes(bf_mp_get_str(reader), object->via.str.ptr, object->via.str.size);
        break;
    case BF_MP_BIN:
        same_bytes(bf_mp_get_bin(reader), object->via.bin.ptr, object->via.bin.size);
        break;
    case BF_MP_ARRAY:
    case BF_MP_MAP:
        same_elements(reader, object);
        break;
    case BF_MP_EXT:
        assert_int_equal(object->type, MSGPACK_OBJECT_EXT);
        bf_mp_skip(reader);
        break;
    case BF_MP_END:
    default:
        fail_msg("the reader ends where msgpack-c does not");
    }
    assert_true(bf_mp_ok(reader));
}

static void writes_and_reads_as_msgpack_c(void **state)
{
    struct bf_mp_writer writer;
    char *bytes = *state;
    seed = 1;
    memset(body, 'b', sizeof(body));
    for (int round = 0; round < 3000; round++) {
        msgpack_sbuffer buffer;
        msgpack_packer packer;
        msgpack_sbuffer_init(&buffer);
        msgpack_packer_init(&packer, &buffer, msgpack_sbuffer_write);
        bf_mp_writer_init(&writer, bytes, CAPACITY);
        put_both(&writer, &packer, 0);
        if (writer.full) {
            assert_true(buffer.size > CAPACITY);
            msgpack_sbuffer_destroy(&buffer);
            continue;
        }
        assert_int_equal(writer.len, buffer.size);
        assert_memory_equal(bytes, buffer.data, buffer.size);
        msgpack_unpacked unpacked;
        msgpack_unpacked_init(&unpacked);
        assert_int_equal(msgpack_unpack_next(&unpacked, buffer.data, buffer.size, NULL),
                         MSGPACK_UNPACK_SUCCESS);
        struct bf_mp_reader reader, skipper;
        bf_mp_reader_init(&reader, (struct bf_slice){.data = bytes, .len = writer.len});
        skipper = reader;
        same_object(&reader, &unpacked.data);
        assert_true(bf_mp_done(&reader));
        bf_mp_skip(&skipper);
        assert_true(bf_mp_done(&skipper));
        msgpack_unpacked_destroy(&unpacked);
        msgpack_sbuffer_destroy(&buffer);
    }
}

/* Small values, cut at every byte, from blocks of just that size. */
static void every_cut_is_a_fault(void **state)
{
    char *bytes = *state;
    seed = 2;
    for (int round = 0; round < 300; round++) {
        struct bf_mp_writer writer;
        msgpack_sbuffer buffer;
        msgpack_packer packer;
        msgpack_sbuffer_init(&buffer);
        msgpack_packer_init(&packer, &buffer, msgpack_sbuffer_write);
        bf_mp_writer_init(&writer, bytes, 300);
        put_both(&writer, &packer, 2);
        msgpack_sbuffer_destroy(&buffer);
        for (size_t len = 0; len < writer.len && !writer.full; len++) {
            char *block = malloc(len ? len : 1);
            assert_non_null(block);
            memcpy(block, bytes, len);
            struct bf_mp_reader reader;
            bf_mp_reader_init(&reader, (struct bf_slice){.data = block, .len = len});
            bf_mp_skip(&reader);
            assert_false(bf_mp_ok(&reader));
            assert_string_equal(reader.fault, "truncated");
            free(block);
        }
    }
}

/* What one takes the other takes, with the same end. Arrays and maps with 32 bits of count are
 * left to counts_are_checked_against_the_bytes: msgpack-c allocates for what they announce. */
static void garbage_agrees_with_msgpack_c(void **state)
{
    (void)state;
    seed = 3;
    for (int round = 0; round < 30000; round++) {
        size_t len = 1 + next_random() % 24, used = 0;
        char *block = malloc(len);
        assert_non_null(block);
        for (size_t i = 0; i < len; i++) {
            unsigned char byte = (unsigned char)(next_random() >> 32);
            block[i] = (char)(byte == 0xdd || byte == 0xdf ? 0x92 : byte);
        }
        struct bf_mp_reader reader;
        bf_mp_reader_init(&reader, (struct bf_slice){.data = block, .len = len});
        bf_mp_skip(&reader);
        msgpack_unpacked unpacked;
        msgpack_unpacked_init(&unpacked);
        bool taken = msgpack_unpack_next(&unpacked, block, len, &used) == MSGPACK_UNPACK_SUCCESS;
        assert_int_equal(bf_mp_ok(&reader), taken);
        if (taken) {
            assert_ptr_equal(reader.at, block + used);
            bf_mp_reader_init(&reader, (struct bf_slice){.data = block, .len = used});
            same_object(&reader, &unpacked.data);
        }
        msgpack_unpacked_destroy(&unpacked);
        free(block);
    }
}

static struct bf_mp_reader over(struct bf_slice bytes)
{
    struct bf_mp_reader reader;
    bf_mp_reader_init(&reader, bytes);
    return reader;
}

static void faults_stick(void **state)
{
    (void)state;
    struct bf_mp_reader reader = over(BF_SLICE("\x01\xa1x\x02"));
    assert_int_equal(bf_mp_get_int(&reader), 1);
    assert_int_equal(bf_mp_get_int(&reader), 0);
    assert_string_equal(reader.fault, "wrong type");
    assert_int_equal(bf_mp_get_int(&reader), 0);
    assert_int_equal(bf_mp_get_str(&reader).len, 0);
    assert_int_equal(bf_mp_get_map(&reader), 0);
    bf_mp_skip(&reader);
    assert_string_equal(reader.fault, "wrong type");
    assert_int_equal(bf_mp_peek(&reader), BF_MP_END);
    assert_false(bf_mp_done(&reader));
    char byte;
    struct bf_mp_writer writer;
    bf_mp_writer_init(&writer, &byte, 1);
    bf_mp_put_str(&writer, BF_SLICE("long"));
    bf_mp_put_nil(&writer);
    bf_mp_put_uint(&writer, 1);
    assert_true(writer.full);
    assert_int_equal(writer.len, 0);
    bf_mp_writer_init(&writer, &byte, 1);
    bf_mp_put_bin(&writer, (struct bf_slice){.data = &byte, .len = SIZE_MAX});
    bf_mp_put_str(&writer, (struct bf_slice){.data = &byte, .len = SIZE_MAX - 1});
    assert_true(writer.full);
}

static void numbers_convert_only_without_loss_of_sense(void **state)
{
    (void)state;
    struct bf_mp_reader reader = over(BF_SLICE("\xcf\x80\x00\x00\x00\x00\x00\x00\x00"));
    assert_int_equal(bf_mp_get_int(&reader), 0);
    assert_string_equal(reader.fault, "out of range");
    reader = over(BF_SLICE("\xff"));
    assert_int_equal(bf_mp_get_uint(&reader), 0);
    assert_string_equal(reader.fault, "out of range");
    reader = over(BF_SLICE("\xca\x3f\xc0\x00\x00\xff\xcf\x80\x00\x00\x00\x00\x00\x00\x00"));
    double number = bf_mp_get_double(&reader);
    assert_true(number >= 1.5 && number <= 1.5);
    number = bf_mp_get_double(&reader);
    assert_true(number >= -1 && number <= -1);
    number = bf_mp_get_double(&reader);
    assert_true(number >= 0x1p63 && number <= 0x1p63);
    assert_true(bf_mp_done(&reader));
}

/* Counts that no such input can hold are refused before anybody makes room for them. */
static void counts_are_checked_against_the_bytes(void **state)
{
    (void)state;
    struct bf_mp_reader reader = over(BF_SLICE("\xdd\xff\xff\xff\xff\x01\x02"));
    assert_int_equal(bf_mp_get_array(&reader), 0);
    assert_string_equal(reader.fault, "truncated");
    reader = over(BF_SLICE("\x82\x01\x02\x03"));
    assert_int_equal(bf_mp_get_map(&reader), 0);
    assert_false(bf_mp_ok(&reader));
    reader = over(BF_SLICE("\x82\x01\x02\x03\x04"));
    assert_int_equal(bf_mp_get_map(&reader), 2);
    reader = over(BF_SLICE("\xc6\xff\xff\xff\xff\x01"));
    assert_int_equal(bf_mp_get_bin(&reader).len, 0);
    assert_false(bf_mp_ok(&reader));
}

static int make_room(void **state)
{
    *state = malloc(CAPACITY);
    return *state ? 0 : -1;
}

static int free_room(void **state)
{
    free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_and_reads_as_msgpack_c),
        cmocka_unit_test(every_cut_is_a_fault),
        cmocka_unit_test(garbage_agrees_with_msgpack_c),
        cmocka_unit_test(faults_stick),
        cmocka_unit_test(numbers_convert_only_without_loss_of_sense),
        cmocka_unit_test(counts_are_checked_against_the_bytes),
    };
    return cmocka_run_group_tests(tests, make_room, free_room);
}
