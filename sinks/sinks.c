/* sinks.c: the family as a table, made from sinks.def. */
#include "sinks/sink.h"

#define X(name) extern const struct bf_sink bf_sink_##name;
#include "sinks/sinks.def"
#undef X

static const struct bf_sink *const family[] = {
#define X(name) &bf_sink_##name,
#include "sinks/sinks.def"
#undef X
    NULL,
};

const struct bf_sink *const *bf_sinks(void)
{
    return family;
}

const struct bf_sink *bf_sink_find(struct bf_slice name)
{
    for (size_t i = 0; family[i]; i++) {
        if (bf_slice_equal(bf_slice_of(family[i]->name), name)) {
            return family[i];
        }
    }
    return NULL;
}
