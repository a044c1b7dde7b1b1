/* aggregate.h: the family of aggregates. An aggregate turns the readings of a window into one number, in
 * pieces: each readings partition has a state of its own, states travel as bytes and are merged.
 *
 * Laws, tested for every entry (tests/contract/test_aggregates.c): merge(a, b) equals adding everything;
 * save then load changes nothing; nothing allocates; a state is plain bytes without pointers (it is copied
 * into checkpoints), at most BF_AGGREGATE_STATE_MAX of them.
 * To add one: a file with one `const struct bf_aggregate bf_aggregate_<name>`, one line in aggregates.def.
 *
 * Owner: the window owns the state.   Thread: the task's. */
#ifndef BF_PROCESSORS_AGGREGATE_H
#define BF_PROCESSORS_AGGREGATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/mp.h"

#define BF_AGGREGATE_STATE_MAX 32 /* grows with the sketches of a later release */

struct bf_sample {
    double value; /* finite */
    int64_t event_us;
    /* Where it stands in its partition: breaks ties of equal event times (last, first). */
    int32_t partition;
    int64_t offset;
};

struct bf_aggregate {
    const char *name;    /* "mean", as written in the configuration */
    const char *summary; /* one sentence, shown in the manual */
    size_t state_size;   /* the window allocates, zeroed before init */
    void (*init)(void *state);
    void (*add)(void *state, const struct bf_sample *sample);
    void (*merge)(void *state, const void *other);
    /* False where there is no value: nothing was added (a count of nothing is zero, and that is a value). */
    bool (*result)(const void *state, double *value);
    void (*save)(const void *state, struct bf_mp_writer *writer);
    enum bf_status (*load)(void *state, struct bf_mp_reader *reader);
};

/* NULL where there is none of that name. */
const struct bf_aggregate *bf_aggregate_find(struct bf_slice name);
/* The whole family, NULL-terminated; and its names, NULL-terminated (for config/city.h). */
const struct bf_aggregate *const *bf_aggregates(void);
const char *const *bf_aggregate_names(void);

#endif
