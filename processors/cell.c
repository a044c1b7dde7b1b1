/* cell.c: one partition's share of one window. */
#include "processors/cell.h"

#include <assert.h>
#include <float.h>
#include <math.h>

size_t bf_cell_state_size(const struct bf_aggregate *aggregate, const struct bf_value_options *options)
{
    size_t size = aggregate->size != NULL ? aggregate->size(options) : aggregate->state_size;
    assert(size > 0 && size <= BF_CELL_STATE_MAX);
    return size;
}

void bf_cell_init(struct bf_cell *cell, const struct bf_aggregate *aggregate,
                  const struct bf_value_options *options)
{
    memset(cell, 0, sizeof(*cell) + bf_cell_state_size(aggregate, options));
    cell->min = DBL_MAX;
    cell->max = -DBL_MAX;
    aggregate->init(bf_cell_state(cell), options);
}

static void widen(struct bf_cell *cell, double min, double max)
{
    cell->min = min < cell->min ? min : cell->min;
    cell->max = max > cell->max ? max : cell->max;
}

/* False: its quality has left it out. */
static bool quality_counts(struct bf_cell *cell, const struct bf_kpi_definition *definition,
                           enum bf_quality quality)
{
    if (quality == BF_QUALITY_MISSING) {
        cell->excluded.missing++;
    } else if (quality == BF_QUALITY_FAIL) {
        cell->excluded.fail++;
    } else if (quality == BF_QUALITY_SUSPECT && !definition->take_suspect) {
        cell->excluded.suspect++;
    } else {
        return true;
    }
    return false;
}

/* Texts say how many there were, who sent them, and whether a condition holds; the rest takes numbers. */
static bool needs_number(const struct bf_kpi_plan_item *kpi)
{
    const struct bf_value_options *options = &kpi->definition->options;
    enum bf_aggregate_input input = kpi->aggregate->kind.input;
    return input == BF_INPUT_VALUE || input == BF_INPUT_CHANGE ||
           (input == BF_INPUT_HELD && options->when == NULL && options->every_us == 0);
}

bool bf_cell_add(struct bf_cell *cell, const struct bf_kpi_plan_item *kpi, const struct bf_reading *reading,
                 struct bf_sample *sample)
{
    char label[BF_KPI_LABEL_MAX];
    if (!quality_counts(cell, kpi->definition, reading->quality)) {
        return false;
    }
    sample->has_value = bf_value_number(&reading->value, &sample->value);
    if (!sample->has_value && needs_number(kpi)) {
        cell->excluded.text++;
        return false;
    }
    if (sample->has_value && !isfinite(sample->value)) {
        cell->excluded.fail++;
        return false;
    }
    if (!bf_kpi_plan_sample(kpi, reading, sample, label)) {
        cell->excluded.missing++;
        return false;
    }
    if (sample->has_value) {
        widen(cell, sample->value, sample->value);
    } else {
        sample->value = 0;
    }
    cell->taken += reading->quality == BF_QUALITY_SUSPECT ? 1 : 0;
    cell->n++;
    sample->part = kpi->part;
    if (kpi->owner->aggregate->add != NULL) {
        kpi->owner->aggregate->add(bf_cell_state(cell), sample, &kpi->owner->definition->options);
    }
    return true;
}

void bf_cell_merge(struct bf_cell *cell, const struct bf_aggregate *aggregate,
                   const struct bf_cell *other)
{
    widen(cell, other->min, other->max);
    cell->n += other->n;
    cell->taken += other->taken;
    cell->excluded.suspect += other->excluded.suspect;
    cell->excluded.fail += other->excluded.fail;
    cell->excluded.missing += other->excluded.missing;
    cell->excluded.text += other->excluded.text;
    aggregate->merge(bf_cell_state(cell), bf_cell_state_of(other));
}

void bf_cell_copy(struct bf_cell *cell, const struct bf_cell *other, size_t state_size)
{
    memcpy(cell, other, sizeof(*cell) + state_size);
}

void bf_cell_pack_state(const struct bf_cell *cell, const struct bf_aggregate *aggregate,
                        struct bf_mp_writer *out)
{
    aggregate->save(bf_cell_state_of(cell), out);
    bf_mp_put_uint(out, cell->taken);
}

static enum bf_status unpack_state(struct bf_cell *cell, const struct bf_aggregate *aggregate,
                                   struct bf_mp_reader *in)
{
    if (aggregate->load(bf_cell_state(cell), in) != BF_OK) {
        return BF_MALFORMED;
    }
    cell->taken = bf_mp_get_uint(in);
    return bf_mp_ok(in) ? BF_OK : BF_MALFORMED;
}

enum bf_status bf_cell_from_partial(struct bf_cell *cell, const struct bf_aggregate *aggregate,
                                    const struct bf_value_options *options,
                                    const struct bf_partial *partial)
{
    bf_cell_init(cell, aggregate, options);
    cell->n = partial->n;
    cell->excluded = partial->excluded;
    if (partial->n > 0) {
        cell->min = partial->min;
        cell->max = partial->max;
    }
    struct bf_mp_reader in;
    bf_mp_reader_init(&in, partial->state);
    if (unpack_state(cell, aggregate, &in) != BF_OK || !bf_mp_done(&in)) {
        return BF_MALFORMED;
    }
    return BF_OK;
}

void bf_cell_save(const struct bf_cell *cell, const struct bf_aggregate *aggregate,
                  struct bf_mp_writer *out)
{
    bf_mp_put_uint(out, cell->n);
    bf_mp_put_uint(out, cell->excluded.suspect);
    bf_mp_put_uint(out, cell->excluded.fail);
    bf_mp_put_uint(out, cell->excluded.missing);
    bf_mp_put_uint(out, cell->excluded.text);
    bf_mp_put_double(out, cell->min);
    bf_mp_put_double(out, cell->max);
    bf_cell_pack_state(cell, aggregate, out);
}

enum bf_status bf_cell_load(struct bf_cell *cell, const struct bf_aggregate *aggregate,
                            const struct bf_value_options *options,
                            struct bf_mp_reader *in)
{
    bf_cell_init(cell, aggregate, options);
    cell->n = bf_mp_get_uint(in);
    cell->excluded.suspect = bf_mp_get_uint(in);
    cell->excluded.fail = bf_mp_get_uint(in);
    cell->excluded.missing = bf_mp_get_uint(in);
    cell->excluded.text = bf_mp_get_uint(in);
    cell->min = bf_mp_get_double(in);
    cell->max = bf_mp_get_double(in);
    return unpack_state(cell, aggregate, in);
}
