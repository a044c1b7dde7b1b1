/* mp.c: msgpack over fixed buffers. It exists because records are written and read millions of
 * times an hour and their shape is known: no tree, no allocation, one pass.
 * Declined: recursion for skipping (a counter of what is still open does it), and checking UTF-8
 * (done once, where a text enters belfry). */
#include "core/mp.h"

#include <endian.h>

void bf_mp_writer_init(struct bf_mp_writer *writer, void *data, size_t capacity)
{
    *writer = (struct bf_mp_writer){.data = data, .capacity = capacity, .len = 0, .full = false};
}

static inline char *room(struct bf_mp_writer *writer, size_t size)
{
    if (writer->full || writer->capacity - writer->len < size) {
        writer->full = true;
        return NULL;
    }
    char *at = writer->data + writer->len;
    writer->len += size;
    return at;
}

static inline void put_byte(struct bf_mp_writer *writer, uint64_t byte)
{
    char *at = room(writer, 1);
    if (at) {
        *at = (char)byte;
    }
}

/* A tag and a big-endian number of `width` bytes (1 to 8; constant, so the copy is one store). */
static inline char *put_tagged(struct bf_mp_writer *writer, unsigned char tag, uint64_t number,
                               size_t width, size_t body)
{
    char *at = body <= SIZE_MAX - 9 ? room(writer, 1 + width + body) : NULL;
    if (!at) {
        writer->full = true;
        return NULL;
    }
    uint64_t big = htobe64(number << (64 - 8 * width));
    *at = (char)tag;
    memcpy(at + 1, &big, width);
    return at + 1 + width;
}

void bf_mp_put_nil(struct bf_mp_writer *writer)
{
    put_byte(writer, 0xc0);
}

void bf_mp_put_bool(struct bf_mp_writer *writer, bool value)
{
    put_byte(writer, value ? 0xc3 : 0xc2);
}

void bf__mp_put_uint(struct bf_mp_writer *writer, uint64_t value)
{
    if (value < 0x80) {
        put_byte(writer, value);
    } else if (value <= UINT8_MAX) {
        put_tagged(writer, 0xcc, value, 1, 0);
    } else if (value <= UINT16_MAX) {
        put_tagged(writer, 0xcd, value, 2, 0);
    } else if (value <= UINT32_MAX) {
        put_tagged(writer, 0xce, value, 4, 0);
    } else {
        put_tagged(writer, 0xcf, value, 8, 0);
    }
}

void bf_mp_put_int(struct bf_mp_writer *writer, int64_t value)
{
    if (value >= 0) {
        bf_mp_put_uint(writer, (uint64_t)value);
    } else if (value >= -32) {
        put_byte(writer, (uint64_t)value);
    } else if (value >= INT8_MIN) {
        put_tagged(writer, 0xd0, (uint64_t)value, 1, 0);
    } else if (value >= INT16_MIN) {
        put_tagged(writer, 0xd1, (uint64_t)value, 2, 0);
    } else if (value >= INT32_MIN) {
        put_tagged(writer, 0xd2, (uint64_t)value, 4, 0);
    } else {
        put_tagged(writer, 0xd3, (uint64_t)value, 8, 0);
    }
}

void bf_mp_put_double(struct bf_mp_writer *writer, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    put_tagged(writer, 0xcb, bits, 8, 0);
}

static void put_body(char *at, struct bf_slice bytes)
{
    if (at && bytes.len > 0) {
        memcpy(at, bytes.data, bytes.len);
    }
}

void bf_mp_put_str(struct bf_mp_writer *writer, struct bf_slice text)
{
    char *at;
    if (text.len < 32) {
        at = room(writer, 1 + text.len);
        if (at) {
            *at++ = (char)(0xa0 | text.len);
        }
    } else if (text.len <= UINT8_MAX) {
        at = put_tagged(writer, 0xd9, text.len, 1, text.len);
    } else if (text.len <= UINT16_MAX) {
        at = put_tagged(writer, 0xda, text.len, 2, text.len);
    } else {
        at = text.len <= UINT32_MAX ? put_tagged(writer, 0xdb, text.len, 4, text.len) : NULL;
        writer->full = writer->full || !at;
    }
    put_body(at, text);
}

void bf_mp_put_bin(struct bf_mp_writer *writer, struct bf_slice bytes)
{
    char *at;
    if (bytes.len <= UINT8_MAX) {
        at = put_tagged(writer, 0xc4, bytes.len, 1, bytes.len);
    } else if (bytes.len <= UINT16_MAX) {
        at = put_tagged(writer, 0xc5, bytes.len, 2, bytes.len);
    } else {
        at = bytes.len <= UINT32_MAX ? put_tagged(writer, 0xc6, bytes.len, 4, bytes.len) : NULL;
        writer->full = writer->full || !at;
    }
    put_body(at, bytes);
}

void bf_mp_put_array(struct bf_mp_writer *writer, uint32_t count)
{
    if (count < 16) {
        put_byte(writer, 0x90 | count);
    } else if (count <= UINT16_MAX) {
        put_tagged(writer, 0xdc, count, 2, 0);
    } else {
        put_tagged(writer, 0xdd, count, 4, 0);
    }
}

void bf_mp_put_map(struct bf_mp_writer *writer, uint32_t count)
{
    if (count < 16) {
        put_byte(writer, 0x80 | count);
    } else if (count <= UINT16_MAX) {
        put_tagged(writer, 0xde, count, 2, 0);
    } else {
        put_tagged(writer, 0xdf, count, 4, 0);
    }
}

/* What the tag bytes 0xc0 to 0xdf say: the type, and how many bytes of number follow. */
enum shape { PLAIN, UNSIGNED, SIGNED, FLOAT, LENGTH, FIXED_EXT, TRUTH, UNUSED };
struct tag {
    uint8_t type;  /* enum bf_mp_type */
    uint8_t shape; /* enum shape */
    uint8_t width; /* of the number; for FIXED_EXT the body's length */
};
static const struct tag tags[32] = {
    [0x00] = {.type = BF_MP_NIL, .shape = PLAIN, .width = 0},
    [0x01] = {.type = BF_MP_END, .shape = UNUSED, .width = 0},
    [0x02] = {.type = BF_MP_BOOL, .shape = TRUTH, .width = 0},
    [0x03] = {.type = BF_MP_BOOL, .shape = TRUTH, .width = 0},
    [0x04] = {.type = BF_MP_BIN, .shape = LENGTH, .width = 1},
    [0x05] = {.type = BF_MP_BIN, .shape = LENGTH, .width = 2},
    [0x06] = {.type = BF_MP_BIN, .shape = LENGTH, .width = 4},
    [0x07] = {.type = BF_MP_EXT, .shape = LENGTH, .width = 1},
    [0x08] = {.type = BF_MP_EXT, .shape = LENGTH, .width = 2},
    [0x09] = {.type = BF_MP_EXT, .shape = LENGTH, .width = 4},
    [0x0a] = {.type = BF_MP_DOUBLE, .shape = FLOAT, .width = 4},
    [0x0b] = {.type = BF_MP_DOUBLE, .shape = FLOAT, .width = 8},
    [0x0c] = {.type = BF_MP_INT, .shape = UNSIGNED, .width = 1},
    [0x0d] = {.type = BF_MP_INT, .shape = UNSIGNED, .width = 2},
    [0x0e] = {.type = BF_MP_INT, .shape = UNSIGNED, .width = 4},
    [0x0f] = {.type = BF_MP_INT, .shape = UNSIGNED, .width = 8},
    [0x10] = {.type = BF_MP_INT, .shape = SIGNED, .width = 1},
    [0x11] = {.type = BF_MP_INT, .shape = SIGNED, .width = 2},
    [0x12] = {.type = BF_MP_INT, .shape = SIGNED, .width = 4},
    [0x13] = {.type = BF_MP_INT, .shape = SIGNED, .width = 8},
    [0x14] = {.type = BF_MP_EXT, .shape = FIXED_EXT, .width = 1},
    [0x15] = {.type = BF_MP_EXT, .shape = FIXED_EXT, .width = 2},
    [0x16] = {.type = BF_MP_EXT, .shape = FIXED_EXT, .width = 4},
    [0x17] = {.type = BF_MP_EXT, .shape = FIXED_EXT, .width = 8},
    [0x18] = {.type = BF_MP_EXT, .shape = FIXED_EXT, .width = 16},
    [0x19] = {.type = BF_MP_STR, .shape = LENGTH, .width = 1},
    [0x1a] = {.type = BF_MP_STR, .shape = LENGTH, .width = 2},
    [0x1b] = {.type = BF_MP_STR, .shape = LENGTH, .width = 4},
    [0x1c] = {.type = BF_MP_ARRAY, .shape = LENGTH, .width = 2},
    [0x1d] = {.type = BF_MP_ARRAY, .shape = LENGTH, .width = 4},
    [0x1e] = {.type = BF_MP_MAP, .shape = LENGTH, .width = 2},
    [0x1f] = {.type = BF_MP_MAP, .shape = LENGTH, .width = 4},
};

/* The start of a value. number: the integer, the bits of the double, the truth, the length of the
 * body that follows (text, bytes; an ext's type byte counts), or the count of elements. */
struct head {
    enum bf_mp_type type;
    uint64_t number;
};

void bf_mp_reader_init(struct bf_mp_reader *reader, struct bf_slice bytes)
{
    /* An empty slice may have no address; the reader's pointers always have one. */
    const unsigned char *at = (const unsigned char *)(bytes.len ? bytes.data : "");
    *reader = (struct bf_mp_reader){.at = at, .end = at + bytes.len, .fault = NULL};
}

/* Keeps the first fault. Moving to the end makes every later call fail without asking for it. */
static void set_fault(struct bf_mp_reader *reader, const char *fault)
{
    if (!reader->fault) {
        reader->fault = fault;
    }
    reader->at = reader->end;
}

static inline size_t left(const struct bf_mp_reader *reader)
{
    return (size_t)(reader->end - reader->at);
}

static inline uint64_t load(const unsigned char *at, size_t width)
{
    uint16_t two;
    uint32_t four;
    uint64_t eight;
    switch (width) {
    case 1:
        return at[0];
    case 2:
        memcpy(&two, at, sizeof(two));
        return be16toh(two);
    case 4:
        memcpy(&four, at, sizeof(four));
        return be32toh(four);
    case 8:
        memcpy(&eight, at, sizeof(eight));
        return be64toh(eight);
    default:
        return 0;
    }
}

static uint64_t widen_float(uint64_t bits)
{
    uint32_t narrow_bits = (uint32_t)bits;
    float narrow;
    memcpy(&narrow, &narrow_bits, sizeof(narrow));
    double wide = (double)narrow;
    memcpy(&bits, &wide, sizeof(bits));
    return bits;
}

/* Tags 0xc0 to 0xdf. */
static bool read_tagged(struct bf_mp_reader *reader, struct head *head)
{
    unsigned char byte = *reader->at;
    const struct tag *tag = &tags[byte - 0xc0];
    size_t width = tag->shape == FIXED_EXT ? 0 : tag->width;
    if (tag->shape == UNUSED) {
        set_fault(reader, "the unused tag 0xc1");
        return false;
    }
    if (left(reader) - 1 < width) {
        set_fault(reader, "truncated");
        return false;
    }
    uint64_t number = load(reader->at + 1, width);
    reader->at += 1 + width;
    head->type = tag->type;
    if (tag->shape == SIGNED) {
        unsigned shift = 64 - 8 * (unsigned)width; /* sign extension */
        number = (uint64_t)((int64_t)(number << shift) >> shift);
    } else if (tag->shape == UNSIGNED && number > INT64_MAX) {
        head->type = BF_MP_UINT;
    } else if (tag->shape == FLOAT && width == 4) {
        number = widen_float(number);
    } else if (tag->shape == TRUTH) {
        number = byte & 1;
    } else if (tag->shape == FIXED_EXT) {
        number = tag->width + UINT64_C(1);
    } else if (tag->type == BF_MP_EXT) {
        number += 1;
    }
    head->number = number;
    return true;
}

/* Reads a head and checks that what it announces can be there: a body fits, and every element of an
 * array or map is at least a byte. */
static inline bool read_head(struct bf_mp_reader *reader, struct head *head)
{
    if (reader->at == reader->end) {
        set_fault(reader, "truncated");
        return false;
    }
    unsigned char byte = *reader->at;
    if (byte < 0x80 || byte >= 0xe0) {
        reader->at++;
        *head = (struct head){.type = BF_MP_INT, .number = (uint64_t)(int64_t)(int8_t)byte};
        return true;
    }
    if (byte < 0xc0) {
        reader->at++;
        head->type = byte < 0x90 ? BF_MP_MAP : byte < 0xa0 ? BF_MP_ARRAY : BF_MP_STR;
        head->number = byte < 0xa0 ? byte & 15 : byte & 31;
    } else if (!read_tagged(reader, head)) {
        return false;
    }
    bool sized = head->type >= BF_MP_STR && head->type <= BF_MP_EXT;
    size_t bound = head->type == BF_MP_MAP ? left(reader) / 2 : left(reader);
    if (sized && head->number > bound) {
        set_fault(reader, "truncated");
        return false;
    }
    return true;
}

enum bf_mp_type bf_mp_peek(const struct bf_mp_reader *reader)
{
    struct bf_mp_reader ahead = *reader;
    struct head head;
    return read_head(&ahead, &head) ? head.type : BF_MP_END;
}

static uint64_t expect(struct bf_mp_reader *reader, enum bf_mp_type type)
{
    struct head head;
    if (!read_head(reader, &head)) {
        return 0;
    }
    if (head.type != type) {
        set_fault(reader, "wrong type");
        return 0;
    }
    return head.number;
}

void bf_mp_get_nil(struct bf_mp_reader *reader)
{
    expect(reader, BF_MP_NIL);
}

bool bf_mp_get_bool(struct bf_mp_reader *reader)
{
    return expect(reader, BF_MP_BOOL) != 0;
}

int64_t bf__mp_get_int(struct bf_mp_reader *reader)
{
    struct head head;
    if (!read_head(reader, &head)) {
        return 0;
    }
    if (head.type != BF_MP_INT) {
        set_fault(reader, head.type == BF_MP_UINT ? "out of range" : "wrong type");
        return 0;
    }
    return (int64_t)head.number;
}

uint64_t bf__mp_get_uint(struct bf_mp_reader *reader)
{
    struct head head;
    if (!read_head(reader, &head)) {
        return 0;
    }
    if (head.type != BF_MP_UINT && head.type != BF_MP_INT) {
        set_fault(reader, "wrong type");
        return 0;
    }
    if (head.type == BF_MP_INT && head.number > INT64_MAX) {
        set_fault(reader, "out of range");
        return 0;
    }
    return head.number;
}

double bf_mp_get_double(struct bf_mp_reader *reader)
{
    struct head head;
    if (!read_head(reader, &head)) {
        return 0;
    }
    if (head.type == BF_MP_INT) {
        return (double)(int64_t)head.number;
    }
    if (head.type == BF_MP_UINT) {
        return (double)head.number;
    }
    if (head.type != BF_MP_DOUBLE) {
        set_fault(reader, "wrong type");
        return 0;
    }
    double value;
    memcpy(&value, &head.number, sizeof(value));
    return value;
}

static struct bf_slice get_body(struct bf_mp_reader *reader, enum bf_mp_type type)
{
    size_t len = (size_t)expect(reader, type);
    struct bf_slice body = {.data = (const char *)reader->at, .len = len};
    reader->at += len;
    return body;
}

struct bf_slice bf_mp_get_str(struct bf_mp_reader *reader)
{
    /* The short text that fits, which is nearly every one. */
    size_t bytes = left(reader);
    size_t len = bytes > 0 ? *reader->at ^ 0xa0u : SIZE_MAX;
    if (len < 32 && len < bytes) {
        struct bf_slice text = {.data = (const char *)reader->at + 1, .len = len};
        reader->at += 1 + len;
        return text;
    }
    return get_body(reader, BF_MP_STR);
}

struct bf_slice bf_mp_get_bin(struct bf_mp_reader *reader)
{
    return get_body(reader, BF_MP_BIN);
}

uint32_t bf_mp_get_array(struct bf_mp_reader *reader)
{
    return (uint32_t)expect(reader, BF_MP_ARRAY);
}

uint32_t bf_mp_get_map(struct bf_mp_reader *reader)
{
    return (uint32_t)expect(reader, BF_MP_MAP);
}

void bf_mp_skip(struct bf_mp_reader *reader)
{
    struct head head;
    uint64_t open = 1; /* values to come; each takes a byte, so more than are left is a fault */
    while (open > 0 && read_head(reader, &head)) {
        open--;
        if (head.type == BF_MP_STR || head.type == BF_MP_BIN || head.type == BF_MP_EXT) {
            reader->at += head.number;
        } else if (head.type == BF_MP_ARRAY) {
            open += head.number;
        } else if (head.type == BF_MP_MAP) {
            open += 2 * head.number;
        }
        if (open > left(reader)) {
            set_fault(reader, "truncated");
            return;
        }
    }
}
