/* example.h: the `examples:` of a profile: a message, and the readings and rejects that it must give.
 * `belfry test` runs them; nothing else looks at them.
 * Owner: the city.   Thread: read-only after load. */
#ifndef BF_CONFIG_EXAMPLE_H
#define BF_CONFIG_EXAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/slice.h"

/* How the texts of a field are compared: as they are; as numbers (within 1e-9) where both are; as instants;
 * as a list, in any order; the entries of a map that are named. */
enum bf_example_kind { BF_EXAMPLE_TEXT, BF_EXAMPLE_NUMBER, BF_EXAMPLE_TIME, BF_EXAMPLE_LIST, BF_EXAMPLE_MAP };

enum bf_example_field {
#define X(name, kind, text) BF_EXAMPLE_FIELD_##name,
#include "config/example_fields.def"
#undef X
    BF_EXAMPLE_FIELDS
};

/* What an example says of one field. */
struct bf_expected_field {
    enum bf_example_field field;
    struct bf_slice name; /* MAP: of the entry */
    struct bf_slice text; /* LIST: its items, sorted, joined by ", " */
    int line, column;
};

struct bf_expected_reading {
    struct bf_expected_field *fields;
    size_t count;
    int line, column;
};

struct bf_example {
    struct bf_slice topic;
    struct bf_slice payload; /* bytes */
    struct bf_slice file;    /* not empty: the payload is its content; relative to the profile's folder */
    struct bf_slice note;
    bool has_at;
    int64_t at_us; /* time of day at which it comes; else now */
    bool retained;
    bool has_readings, has_rejects; /* neither: at least one reading, and no reject */
    struct bf_expected_reading *readings;
    size_t reading_count;
    struct bf_slice *rejects; /* reasons, in order */
    size_t reject_count;
    int line, column;
};

struct bf_example_field_info {
    const char *name;
    enum bf_example_kind kind;
    const char *text; /* a sentence for a person */
};
const struct bf_example_field_info *bf_example_field(enum bf_example_field field);

#endif
