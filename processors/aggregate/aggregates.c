/* aggregates.c: the family's table, made from aggregates.def. Declined: registration by constructors (the
 * order would be the linker's). */
#include "processors/aggregate/aggregate.h"

#include "core/slice.h"

#define X(name) extern const struct bf_aggregate bf_aggregate_##name;
#include "processors/aggregate/aggregates.def"
#undef X

static const struct bf_aggregate *const family[] = {
#define X(name) &bf_aggregate_##name,
#include "processors/aggregate/aggregates.def"
#undef X
    NULL,
};

static const struct bf_aggregate_kind *const kinds[] = {
#define X(name) &bf_aggregate_##name.kind,
#include "processors/aggregate/aggregates.def"
#undef X
    NULL,
};

const struct bf_aggregate *bf_aggregate_find(struct bf_slice name)
{
    for (size_t i = 0; family[i] != NULL; i++) {
        if (bf_slice_equal(bf_slice_of(family[i]->kind.name), name)) {
            return family[i];
        }
    }
    return NULL;
}

const struct bf_aggregate *const *bf_aggregates(void)
{
    return family;
}

const struct bf_aggregate_kind *const *bf_aggregate_kinds(void)
{
    return kinds;
}
