/* circular_mean.c: the mean of directions in degrees, that of the sum of their unit vectors, so that 350
 * and 10 make 0 (Mardia and Jupp, Directional Statistics, 2.2). The `weight` lengthens the vectors: with
 * the wind's speed it is the mean wind vector's direction (WMO-No. 8, measurement of surface wind).
 * Directions that cancel each other have no mean: below a millionth of the weight what remains is
 * rounding. */
#include "processors/aggregate/compensated.h"
#include "processors/aggregate/portable.h"

#define CANCELLED 1e-6

struct state {
    struct bf_compensated north, east, weight;
};

static void init(void *state, const struct bf_value_options *options)
{
    (void)options;
    *(struct state *)state = (struct state){.north = {.sum = 0}, .east = {.sum = 0}, .weight = {.sum = 0}};
}

static void add(void *state, const struct bf_sample *sample, const struct bf_value_options *options)
{
    (void)options;
    struct state *total = state;
    double sine = 0;
    double cosine = 0;
    bf_portable_sincos(sample->value, &sine, &cosine);
    bf_compensated_add(&total->north, cosine * sample->weight);
    bf_compensated_add(&total->east, sine * sample->weight);
    bf_compensated_add(&total->weight, sample->weight);
}

static void merge(void *state, const void *other)
{
    struct state *total = state;
    const struct state *from = other;
    bf_compensated_merge(&total->north, &from->north);
    bf_compensated_merge(&total->east, &from->east);
    bf_compensated_merge(&total->weight, &from->weight);
}

static bool result(const void *state, const struct bf_value_options *options, double *value)
{
    (void)options;
    const struct state *total = state;
    double weight = bf_compensated_value(&total->weight);
    double north = bf_compensated_value(&total->north) / weight;
    double east = bf_compensated_value(&total->east) / weight;
    if (!(weight > 0) || !(north * north + east * east > CANCELLED * CANCELLED)) {
        return false;
    }
    *value = bf_portable_direction(east, north);
    return true;
}

static void save(const void *state, struct bf_mp_writer *writer)
{
    const struct state *total = state;
    bf_compensated_put(&total->north, writer);
    bf_compensated_put(&total->east, writer);
    bf_compensated_put(&total->weight, writer);
}

static enum bf_status load(void *state, struct bf_mp_reader *reader)
{
    struct state *total = state;
    bf_compensated_get(&total->north, reader);
    bf_compensated_get(&total->east, reader);
    bf_compensated_get(&total->weight, reader);
    return bf_mp_ok(reader) ? BF_OK : BF_MALFORMED;
}

extern const struct bf_aggregate bf_aggregate_circular_mean;
const struct bf_aggregate bf_aggregate_circular_mean = {
    .kind = {.name = "circular_mean", .takes = "weight", .unit = BF_RESULT_SAME, .input = BF_INPUT_VALUE},
    .summary =
        "The mean direction in degrees, from 0 to below 360; with `weight`, of vectors of that length.",
    .state_size = sizeof(struct state),
    .init = init,
    .add = add,
    .merge = merge,
    .result = result,
    .save = save,
    .load = load,
};
