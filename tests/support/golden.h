/* golden.h: a record held against its golden bytes in tests/vectors/wire, and against everything
 * that can happen to them on the way: an unknown key, a cut at every byte, each byte changed.
 *
 * Thread: the test's.   Errors: a text that says what went wrong, or NULL. */
#ifndef BF_TESTS_GOLDEN_H
#define BF_TESTS_GOLDEN_H

#include "core/wire.h"

struct bf_golden {
    const char *path;   /* of the .hex file */
    const void *record; /* what those bytes say */
    void *scratch;      /* room for another record of that type */
    void (*pack)(const void *record, struct bf_mp_writer *writer);
    enum bf_status (*unpack)(struct bf_slice bytes, void *record, struct bf_err *err);
};

/* Defines pack and unpack of one record type over void pointers: pack_tick, unpack_tick. */
#define BF_GOLDEN(type)                                                                          \
    static void pack_##type(const void *record, struct bf_mp_writer *writer)                     \
    {                                                                                            \
        bf_##type##_pack(record, writer);                                                        \
    }                                                                                            \
    static enum bf_status unpack_##type(struct bf_slice bytes, void *record, struct bf_err *err) \
    {                                                                                            \
        return bf_##type##_unpack(bytes, record, err);                                           \
    }

/* Bytes of a .hex file (white space between digits is free); 0 where it cannot be read. */
size_t bf_hex_load(const char *path, unsigned char *bytes, size_t size);

const char *bf_golden_check(const struct bf_golden *golden);

#endif
