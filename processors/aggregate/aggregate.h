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

#include "config/definition.h"
#include "core/err.h"
#include "core/mp.h"
#include "core/result.h"

#define BF_AGGREGATE_STATE_MAX 4096 /* aligned to 8 bytes; saved it takes at most twice as many */

/* What a KPI sees of one reading. */
struct bf_sample {
    double value; /* finite; 0 where the reading has none (only BF_INPUT_ANY gets such) */
    bool has_value;
    double weight; /* options->weight of the reading, positive and finite; 1 where none is asked for */
    bool holds;    /* options->when holds for the reading */
    struct bf_slice label; /* options->of of the reading: its device, zone, a tag, its text; may be empty */
    int64_t event_us;
    uint32_t part; /* which input of a derived KPI (processors/formula.h) */
    /* Where it stands in its partition: breaks ties of equal event times (last, first). */
    int32_t partition;
    int64_t offset;
};

/* What one source did between two moments, told by the task, which remembers the last reading of each
 * source (processors/source.h). */
struct bf_step {
    int64_t from_us, to_us; /* to > from; within one window for BF_INPUT_HELD */
    double value;           /* that began it, and holds until it ends */
    bool holds;             /* options->when held for that reading */
    bool ends;              /* by a reading, whose value is `next`; false: cut at the window's end */
    double next;
    uint32_t part; /* as of a sample */
};

/* `options` are those of the KPI's definition; what merge, save and load need of them, init puts into the
 * state (load gets a state that was begun with init). */
struct bf_aggregate {
    struct bf_aggregate_kind kind;
    const char *summary; /* one sentence, shown in the manual */
    bool exact;          /* merging in any order gives the same bits */
    size_t state_size;   /* at most BF_AGGREGATE_STATE_MAX; the window allocates, zeroed before init */
    size_t (*size)(const struct bf_value_options *options); /* where options decide; NULL: state_size */
    void (*init)(void *state, const struct bf_value_options *options);
    /* VALUE and ANY: each reading. CHANGE and HELD: NULL, or each reading with a number as well. */
    void (*add)(void *state, const struct bf_sample *sample, const struct bf_value_options *options);
    /* CHANGE and HELD only. */
    void (*step)(void *state, const struct bf_step *step, const struct bf_value_options *options);
    void (*merge)(void *state, const void *other);
    /* False where there is no value: nothing was added (a count of nothing is zero, and that is a value). */
    bool (*result)(const void *state, const struct bf_value_options *options, double *value);
    /* What one number cannot say (a histogram, the top names): JSON of at most BF_KPI_DETAIL_MAX bytes, its
     * length; 0: none. NULL: the number says all. */
    size_t (*detail)(const void *state, const struct bf_value_options *options, char json[BF_KPI_DETAIL_MAX]);
    void (*save)(const void *state, struct bf_mp_writer *writer);
    enum bf_status (*load)(void *state, struct bf_mp_reader *reader);
};

/* NULL where there is none of that name. */
const struct bf_aggregate *bf_aggregate_find(struct bf_slice name);
/* The whole family, NULL-terminated. */
const struct bf_aggregate *const *bf_aggregates(void);
/* What the configuration must know of it (config/city.h), NULL-terminated. */
const struct bf_aggregate_kind *const *bf_aggregate_kinds(void);

#endif
