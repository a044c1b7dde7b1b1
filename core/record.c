/* record.c: the names of the record types, and the order of origins. */
#include "core/record.h"

#include "core/wire.h"

static const struct bf_slice names[BF_RECORD_COUNT] = {
#define X(name, text) [BF_RECORD_##name] = {.data = (text), .len = sizeof(text) - 1},
#include "core/record.def"
#undef X
};

const char *bf_record_name(enum bf_record_type type)
{
    return (size_t)type < BF_RECORD_COUNT ? names[type].data : "unknown";
}

bool bf_record_parse_name(struct bf_slice text, enum bf_record_type *type)
{
    for (size_t i = 0; i < BF_RECORD_COUNT; i++) {
        if (bf_slice_equal(text, names[i])) {
            *type = (enum bf_record_type)i;
            return true;
        }
    }
    return false;
}

int bf_origin_compare(const struct bf_origin *a, const struct bf_origin *b)
{
    if (a->offset != b->offset) {
        return a->offset < b->offset ? -1 : 1;
    }
    return (a->index > b->index) - (a->index < b->index);
}
