/* reading.c: the two questions that every part asks of a reading: whose it is, and which number. */
#include "core/reading.h"

struct bf_slice bf_reading_device(struct bf_slice source)
{
    size_t colons = 0;
    for (size_t i = 0; i < source.len; i++) {
        if (source.data[i] == ':' && ++colons == 2) {
            return (struct bf_slice){.data = source.data, .len = i};
        }
    }
    return source;
}

bool bf_value_number(const struct bf_value *value, double *number)
{
    switch (value->kind) {
    case BF_VALUE_DOUBLE:
        *number = value->as.number;
        return true;
    case BF_VALUE_INT:
        *number = (double)value->as.integer;
        return true;
    case BF_VALUE_BOOL:
        *number = value->as.truth ? 1 : 0;
        return true;
    case BF_VALUE_TEXT:
    default:
        return false;
    }
}
