/* senml_pack.h: SenML (RFC 8428), JSON or CBOR, to resolved records: base fields applied, times
 * absolute.
 *
 * A pack whose form is broken, whose version is above 10, or that holds a field ending in "_"
 * (which must be understood) is refused whole; a record with a bad value or time is marked bad,
 * the rest stands.
 * Owner:  the arena.   Thread: the arena's.
 * Limits: the arena; max_depth of nesting. */
#ifndef BF_DECODE_SENML_PACK_H
#define BF_DECODE_SENML_PACK_H

#include "core/arena.h"
#include "ingest/decode/field.h"
#include "ingest/decode/reason.h"

#define BF_SENML_VERSION 10

enum bf_senml_form { BF_SENML_JSON, BF_SENML_CBOR };

struct bf_senml_record {
    struct bf_senml_record *next;
    struct bf_slice name;  /* base name and name */
    struct bf_slice base;  /* the base name in force */
    struct bf_slice own;   /* the record's own name; may be empty */
    struct bf_slice unit;  /* the base unit where it has none; may be empty */
    int64_t time_us;       /* absolute; BF_TIME_NONE: neither time nor base time was sent */
    struct bf_field value; /* MISSING: the record has none; OTHER: data (vd) */
    struct bf_field sum;   /* s, with the base sum */
    enum bf_reject_reason bad;
};

struct bf_senml_pack {
    struct bf_senml_record *records; /* in their order */
    size_t count;
    enum bf_reject_reason reason; /* none, or why there are no records */
    size_t offset;                /* the byte at which that was seen */
    const char *expected;         /* static */
};

/* Times below 2^28 seconds are relative to now_us. False: pack->reason tells why. */
bool bf_senml_resolve(struct bf_slice payload, enum bf_senml_form form, size_t max_depth, int64_t now_us,
                      struct bf_arena *arena, struct bf_senml_pack *pack) BF_MUST_CHECK;

#endif
