/* cell.h: what one readings partition knows about one window: the aggregate's state, how many values, their
 * range, and what was left out by quality. Cumulative, so the newest of a partition replaces the older ones.
 * Plain bytes without pointers. The state stands behind the cell, as long as its aggregate needs it: whoever
 * makes a cell has the room (processors/share.h, or a bf_cell_room on the stack), zeroed.
 * Owner: the window.   Thread: values, the task's. */
#ifndef BF_PROCESSORS_CELL_H
#define BF_PROCESSORS_CELL_H

#include "core/result.h"
#include "processors/kpi.h"

struct bf_cell {
    uint64_t n, taken; /* counted values; suspect ones among them */
    struct bf_excluded excluded;
    double min, max; /* of the values that are numbers; min > max: of none */
};

/* A derived KPI has the states of its inputs. */
#define BF_CELL_STATE_MAX (BF_FORMULA_INPUTS_MAX * BF_AGGREGATE_STATE_MAX + 512)
#define BF_CELL_PACKED_MAX (2 * BF_CELL_STATE_MAX + 16)
union bf_cell_room { /* for any cell */
    struct bf_cell cell;
    unsigned char bytes[sizeof(struct bf_cell) + BF_CELL_STATE_MAX];
};

static inline void *bf_cell_state(struct bf_cell *cell)
{
    return cell + 1;
}
static inline const void *bf_cell_state_of(const struct bf_cell *cell)
{
    return cell + 1;
}
/* How long the state of a KPI's cells is. */
size_t bf_cell_state_size(const struct bf_aggregate *aggregate, const struct bf_value_options *options);

void bf_cell_init(struct bf_cell *cell, const struct bf_aggregate *aggregate,
                  const struct bf_value_options *options);
/* Counts the reading (true) or says why it was left out: by its quality, or because it has not what the KPI
 * needs, a number or a weight. `sample` knows when and where it was; the rest is filled in, its label only
 * until this returns. */
bool bf_cell_add(struct bf_cell *cell, const struct bf_kpi_plan_item *kpi, const struct bf_reading *reading,
                 struct bf_sample *sample);
void bf_cell_merge(struct bf_cell *cell, const struct bf_aggregate *aggregate,
                   const struct bf_cell *other);
void bf_cell_copy(struct bf_cell *cell, const struct bf_cell *other, size_t state_size);
/* The partial's `state`: what the aggregate saves, then `taken`; at most BF_CELL_PACKED_MAX bytes. */
void bf_cell_pack_state(const struct bf_cell *cell, const struct bf_aggregate *aggregate,
                        struct bf_mp_writer *out);
/* From a partial of another task. MALFORMED where its state is not the aggregate's. */
enum bf_status bf_cell_from_partial(struct bf_cell *cell, const struct bf_aggregate *aggregate,
                                    const struct bf_value_options *options,
                                    const struct bf_partial *partial) BF_MUST_CHECK;
void bf_cell_save(const struct bf_cell *cell, const struct bf_aggregate *aggregate,
                  struct bf_mp_writer *out);
enum bf_status bf_cell_load(struct bf_cell *cell, const struct bf_aggregate *aggregate,
                            const struct bf_value_options *options,
                            struct bf_mp_reader *in) BF_MUST_CHECK;

#endif
