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
    BF_FORMAT_SCALAR
};
static inline bool bf_format_senml(enum bf_format format)
{
    return format == BF_FORMAT_SENML_JSON || format == BF_FORMAT_SENML_CBOR;
}

/* A payload in a field of the payload: The Things Stack's frm_payload. Readings and `each` are of it. */
struct bf_profile_inner { struct bf_path path; enum bf_format format; };

/* What a text means: {ON: 1, OFF: 0}. */
struct bf_profile_value { struct bf_slice text; double number; };

#endif
