/* sum.c: the sum of all values, compensated so that order and magnitude hardly matter. */
#include "processors/aggregate/aggregate.h"

#include "processors/aggregate/compensated.h"

static void init(void *state)
{
    *(struct bf_compensated *)state = (struct bf_compensated){.sum = 0, .lost = 0, .n = 0};
}

static void add(void *state, const struct bf_sample *sample)
{
    struct bf_compensated *total = state;
    bf_compensated_add(total, sample->value);
    total->n++;
}

static void merge(void *state, const void *other)
{
    bf_compensated_merge(state, other);
}

static bool result(const void *state, double *value)
{
    const struct bf_compensated *total = state;
    if (total->n == 0) {
        return false;
    }
    *value = total->sum + total->lost;
    return true;
}

static void save(const void *state, struct bf_mp_writer *writer)
{
    bf_compensated_save(state, writer);
}

static enum bf_status load(void *state, struct bf_mp_reader *reader)
{
    return bf_compensated_load(state, reader);
}

extern const struct bf_aggregate bf_aggregate_sum;
const struct bf_aggregate bf_aggregate_sum = {
    .name = "sum",
    .summary = "The sum of all values, with compensated rounding.",
    .state_size = sizeof(struct bf_compensated),
    .init = init,
    .add = add,
    .merge = merge,
    .result = result,
    .save = save,
    .load = load,
};
