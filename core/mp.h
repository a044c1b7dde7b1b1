/* mp.h: reading and writing msgpack, the canonical subset that belfry's records use.
 *
 * A writer over a fixed buffer and a pull reader over borrowed bytes. Canonical: integers in their
 * shortest form, floats as float64, map keys ascending unsigned integers. The reader accepts any
 * valid msgpack and skips what it does not know, nested however deep, without recursion.
 * Declined: msgpack-c on the hot path: it builds a tree of objects in a zone first (3x the cost,
 * and allocation grows with hostile input); the tests hold this code against it as the oracle.
 *
 * Owner: the caller's buffers.   Thread: values, any.
 * Errors: sticky. After the first fault every call does nothing; ask ok() once at the end. */
#ifndef BF_CORE_MP_H
#define BF_CORE_MP_H

#include <stdint.h>

#include "core/slice.h"

struct bf_mp_writer {
    char *data;
    size_t capacity;
    size_t len;
    bool full; /* something did not fit */
};

void bf_mp_writer_init(struct bf_mp_writer *writer, void *data, size_t capacity);
void bf_mp_put_nil(struct bf_mp_writer *writer);
void bf_mp_put_bool(struct bf_mp_writer *writer, bool value);
void bf_mp_put_int(struct bf_mp_writer *writer, int64_t value);
void bf__mp_put_uint(struct bf_mp_writer *writer, uint64_t value);
/* Map keys and small numbers are one byte, so that byte is written here. */
static inline void bf_mp_put_uint(struct bf_mp_writer *writer, uint64_t value)
{
    if (value < 0x80 && !writer->full && writer->len < writer->capacity) {
        writer->data[writer->len++] = (char)value;
    } else {
        bf__mp_put_uint(writer, value);
    }
}
void bf_mp_put_double(struct bf_mp_writer *writer, double value);
void bf_mp_put_str(struct bf_mp_writer *writer, struct bf_slice text);
void bf_mp_put_bin(struct bf_mp_writer *writer, struct bf_slice bytes);
void bf_mp_put_array(struct bf_mp_writer *writer, uint32_t count);
void bf_mp_put_map(struct bf_mp_writer *writer, uint32_t count);

enum bf_mp_type {
    BF_MP_NIL, BF_MP_BOOL, BF_MP_INT, BF_MP_UINT /* above INT64_MAX only */, BF_MP_DOUBLE,
    BF_MP_STR, BF_MP_BIN, BF_MP_ARRAY, BF_MP_MAP, BF_MP_EXT, BF_MP_END /* no more bytes, or bad */
};

struct bf_mp_reader {
    const unsigned char *at, *end;
    const char *fault; /* NULL, or a static text: "truncated", "wrong type", ... */
};

void bf_mp_reader_init(struct bf_mp_reader *reader, struct bf_slice bytes);
/* The type of the next value, without consuming it. */
enum bf_mp_type bf_mp_peek(const struct bf_mp_reader *reader);
bool bf_mp_get_bool(struct bf_mp_reader *reader);
int64_t bf__mp_get_int(struct bf_mp_reader *reader);
uint64_t bf__mp_get_uint(struct bf_mp_reader *reader);
/* Faults outside int64. */
static inline int64_t bf_mp_get_int(struct bf_mp_reader *reader)
{
    bool small = reader->at < reader->end && *reader->at < 0x80;
    return small ? *reader->at++ : bf__mp_get_int(reader);
}
/* Faults below 0. */
static inline uint64_t bf_mp_get_uint(struct bf_mp_reader *reader)
{
    bool small = reader->at < reader->end && *reader->at < 0x80;
    return small ? *reader->at++ : bf__mp_get_uint(reader);
}
double bf_mp_get_double(struct bf_mp_reader *reader);   /* takes float32, float64 and integers */
struct bf_slice bf_mp_get_str(struct bf_mp_reader *reader); /* borrows from the input */
struct bf_slice bf_mp_get_bin(struct bf_mp_reader *reader); /* borrows from the input */
uint32_t bf_mp_get_array(struct bf_mp_reader *reader);  /* count; checked against the bytes left */
uint32_t bf_mp_get_map(struct bf_mp_reader *reader);
void bf_mp_get_nil(struct bf_mp_reader *reader);
/* Skips one whole value of any type. */
void bf_mp_skip(struct bf_mp_reader *reader);
static inline bool bf_mp_ok(const struct bf_mp_reader *reader) { return reader->fault == NULL; }
static inline bool bf_mp_done(const struct bf_mp_reader *reader)
{
    return reader->fault == NULL && reader->at == reader->end;
}

#endif
