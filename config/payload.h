/* payload.h: how a profile says what a payload is made of: formats, and paths to values in them.
 * Owner: the city's.   Thread: read-only after load. */
#ifndef BF_CONFIG_PAYLOAD_H
#define BF_CONFIG_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/slice.h"

/* Paths into payloads: child and index steps only ($.a.b[0], also $["a b"]) */
struct bf_path_step { struct bf_slice name; int64_t index; /* -1: a name step */ };
struct bf_path { struct bf_path_step *steps; size_t count; };

enum bf_format {
    BF_FORMAT_JSON, BF_FORMAT_CBOR, BF_FORMAT_MSGPACK, BF_FORMAT_SENML_JSON, BF_FORMAT_SENML_CBOR,
    BF_FORMAT_SCALAR, BF_FORMAT_BINARY, BF_FORMAT_CSV, BF_FORMAT_ULTRALIGHT
};
static inline bool bf_format_senml(enum bf_format format)
{
    return format == BF_FORMAT_SENML_JSON || format == BF_FORMAT_SENML_CBOR;
}

/* What a payload is wrapped in, in the order of unwrapping. */
enum bf_wrap { BF_WRAP_BASE64, BF_WRAP_HEX, BF_WRAP_GZIP };
struct bf_wraps { enum bf_wrap kinds[4]; size_t count; };

/* A payload in a field of the payload: The Things Stack's frm_payload. Readings and `each` are of it. */
struct bf_profile_inner { struct bf_path path; enum bf_format format; struct bf_wraps wraps; };

/* What a text means: {ON: 1, OFF: 0}. */
struct bf_profile_value { struct bf_slice text; double number; };

/* ---- format csv */
enum bf_csv_header { BF_CSV_NAMES, BF_CSV_SKIP, BF_CSV_NONE };
struct bf_profile_csv {
    struct bf_slice delimiter; enum bf_csv_header header;
    struct bf_slice *columns; size_t column_count;
};

/* ---- format binary: fields of bytes and bits (profile_binary.c) */
#define BF_BINARY_FIELDS 64 /* of the head and one repeat or block */
enum bf_binary_type { BF_BINARY_UINT, BF_BINARY_INT, BF_BINARY_FLOAT, BF_BINARY_BCD, BF_BINARY_TEXT };
/* Only where another field, or a value of the envelope (path), is one of these. */
struct bf_binary_when { struct bf_slice name; struct bf_path path; int64_t *values; size_t count; };
struct bf_binary_field {
    struct bf_slice name;
    enum bf_binary_type type;
    int length;         /* bytes */
    bool little, optional, has_at;
    int at;             /* from the part's first byte; otherwise behind the field before */
    int bit, bits;      /* bits > 0: so many of the number, from `bit` (0: the lowest) */
    struct bf_binary_when *whens; size_t when_count;
};
struct bf_binary_block { uint64_t type; struct bf_binary_field *fields; size_t count; };
struct bf_profile_binary {
    struct bf_binary_field *fields; size_t count; /* the head, once */
    struct bf_binary_field *repeat; size_t repeat_count; /* behind it, each time a record of its own */
    struct bf_slice times;  /* the head's field that says how often; empty: to the end */
    struct bf_binary_block *blocks; size_t block_count; /* or blocks of a type, until the end */
    int type_length, size_length; /* bytes before a block; size 0: a block is as long as its fields */
};

#endif
