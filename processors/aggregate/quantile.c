/* quantile.c: quantiles within 1 per cent, by DDSketch (Masson, Rim and Lee, "DDSketch: a fast and
 * fully-mergeable quantile sketch with relative-error guarantees", VLDB 2019). Values are counted in bins
 * whose edges grow by at most 1.01 / 0.99, so a bin's middle is within 1 per cent of all that it holds.
 * Counts are integers and bins are where they are: adding and merging in any order gives the same bytes.
 *
 * The bin of a value is found by the paper's cubic interpolation of the logarithm within a power of two
 * (its section 2.2's mapping made cheap; 1 per cent more bins than the logarithm): exact arithmetic, no
 * libm. Bins stand sorted, each with its count, negative values and zero among them, so that only what
 * occurs takes room: BINS_MAX of them span four powers of ten without a gap, and far more with the gaps
 * that tails have. At the limit the lowest two become one, as in the paper: then quantiles among the lowest
 * values are too high. It is always the lowest values that give way, so the result still does not depend on
 * the order. Declined: dense bins (one outlier would need them all), t-digest and KLL (no bound of the
 * relative error, and merges that depend on the order). */
#include <math.h>
#include <string.h>

#include "processors/aggregate/aggregate.h"

#define BINS_MAX 380
/* Bins per unit of interpolated binary logarithm. The interpolation's slope is at least 10/7 of the natural
 * logarithm's, so edges grow by at most exp(0.7 / 35) = exp(0.02), and the middle is off by tanh(0.01). */
#define BINS_PER_OCTAVE 35
#define EXPONENT_MAX \
    467 /* numbers of bins have 15 bits: values beyond 1e140 share the last, and those below
                          * 1e-140 are zero */
#define BIN_LAST (BINS_PER_OCTAVE * (2 * EXPONENT_MAX + 1))

struct state {
    uint64_t n;
    uint32_t bins;
    uint32_t counts[BINS_MAX];
    int16_t keys[BINS_MAX]; /* ascending: the bin's number from 1, with the values' sign; 0 is zero */
};

/* ---- from a value to its bin, and back */

static int16_t key_of(double value)
{
    double magnitude = fabs(value);
    uint64_t bits = 0;
    memcpy(&bits, &magnitude, sizeof bits);
    int exponent = (int)(bits >> 52) - 1023;
    if (exponent < -EXPONENT_MAX) {
        return 0;
    }
    int bin = BIN_LAST;
    if (exponent <= EXPONENT_MAX) {
        bits = (bits & UINT64_C(0xfffffffffffff)) | UINT64_C(0x3ff0000000000000);
        memcpy(&magnitude, &bits, sizeof bits);
        double s = magnitude - 1; /* BINS_PER_OCTAVE (6/35 s^3 - 3/5 s^2 + 10/7 s) */
        bin = BINS_PER_OCTAVE * (exponent + EXPONENT_MAX) + (int)(((6 * s - 21) * s + 50) * s) + 1;
    }
    return (int16_t)(value < 0 ? -bin : bin);
}

/* Where in its power of two the bin begins: the root of 6 s^3 - 21 s^2 + 50 s = bin, by Newton's method. */
static double edge_of(int bin)
{
    double s = (double)bin / BINS_PER_OCTAVE;
    for (int i = 0; i < 5; i++) {
        s -= (((6 * s - 21) * s + 50) * s - bin) / ((18 * s - 42) * s + 50);
    }
    return 1 + s;
}

static double value_of(int key)
{
    if (key == 0) {
        return 0;
    }
    int bin = (key < 0 ? -key : key) - 1;
    double low = edge_of(bin % BINS_PER_OCTAVE);
    double high = edge_of(bin % BINS_PER_OCTAVE + 1);
    double middle = ldexp(2 * low * high / (low + high), bin / BINS_PER_OCTAVE - EXPONENT_MAX);
    return key < 0 ? -middle : middle;
}

/* ---- the bins */

static uint32_t sum_of(uint32_t a, uint32_t b)
{
    return a > UINT32_MAX - b ? UINT32_MAX : a + b;
}

/* The first bin that is not below the key. Without a branch in the loop: which half it is cannot be
 * foretold. */
static uint32_t find(const struct state *sketch, int key)
{
    const int16_t *at = sketch->keys;
    for (uint32_t left = sketch->bins; left > 0;) {
        uint32_t half = (left + 1) / 2;
        at += at[half - 1] < key ? half : 0;
        left -= half;
    }
    return (uint32_t)(at - sketch->keys);
}

static void insert(struct state *sketch, uint32_t at, int16_t key, uint32_t count)
{
    uint32_t *counts = sketch->counts;
    int16_t *keys = sketch->keys;
    if (sketch->bins < BINS_MAX) {
        memmove(keys + at + 1, keys + at, (sketch->bins - at) * sizeof *keys);
        memmove(counts + at + 1, counts + at, (sketch->bins - at) * sizeof *counts);
        keys[at] = key;
        counts[at] = count;
        sketch->bins++;
    } else if (at == 0) {
        counts[0] = sum_of(counts[0], count);
    } else { /* the lowest goes into the next */
        uint32_t lowest = counts[0];
        memmove(keys, keys + 1, (at - 1) * sizeof *keys);
        memmove(counts, counts + 1, (at - 1) * sizeof *counts);
        keys[at - 1] = key;
        counts[at - 1] = count;
        counts[0] = sum_of(counts[0], lowest);
    }
}

static void init(void *state, const struct bf_value_options *options)
{
    (void)options;
    ((struct state *)state)->n = 0;
    ((struct state *)state)->bins = 0;
}

static void add(void *state, const struct bf_sample *sample, const struct bf_value_options *options)
{
    (void)options;
    struct state *sketch = state;
    int16_t key = key_of(sample->value);
    uint32_t at = find(sketch, key);
    if (at < sketch->bins && sketch->keys[at] == key) {
        sketch->counts[at] = sum_of(sketch->counts[at], 1);
    } else {
        insert(sketch, at, key, 1);
    }
    sketch->n++;
}

/* From the highest bin down; what finds no room goes into the lowest that did. */
static void merge(void *state, const void *other)
{
    struct state *sketch = state;
    const struct state *from = other;
    struct state merged;
    uint32_t a = sketch->bins;
    uint32_t b = from->bins;
    uint32_t at = BINS_MAX;
    while (a > 0 || b > 0) {
        bool take_a = a > 0 && (b == 0 || sketch->keys[a - 1] >= from->keys[b - 1]);
        int16_t key = take_a ? sketch->keys[a - 1] : from->keys[b - 1];
        uint32_t count = take_a ? sketch->counts[--a] : 0;
        if (b > 0 && from->keys[b - 1] == key) {
            count = sum_of(count, from->counts[--b]);
        }
        if (at > 0) {
            merged.keys[--at] = key;
            merged.counts[at] = count;
        } else {
            merged.counts[0] = sum_of(merged.counts[0], count);
        }
    }
    sketch->n += from->n;
    sketch->bins = BINS_MAX - at;
    memcpy(sketch->keys, merged.keys + at, sketch->bins * sizeof *merged.keys);
    memcpy(sketch->counts, merged.counts + at, sketch->bins * sizeof *merged.counts);
}

/* The bin of the value with rank floor(p (n - 1)), as in the paper. */
static bool result(const void *state, const struct bf_value_options *options, double *value)
{
    const struct state *sketch = state;
    if (sketch->bins == 0) {
        return false;
    }
    double rank = options->p * (double)(sketch->n - 1);
    uint64_t below = sketch->counts[0];
    uint32_t at = 0;
    while (at + 1 < sketch->bins && !((double)below > rank)) {
        below += sketch->counts[++at];
    }
    *value = value_of(sketch->keys[at]);
    return true;
}

/* Keys as what each is more than the one before: most are one byte. */
static void save(const void *state, struct bf_mp_writer *writer)
{
    const struct state *sketch = state;
    int key = -BIN_LAST - 1;
    bf_mp_put_uint(writer, sketch->n);
    bf_mp_put_uint(writer, sketch->bins);
    for (uint32_t i = 0; i < sketch->bins; i++) {
        bf_mp_put_uint(writer, (uint64_t)(sketch->keys[i] - key));
        bf_mp_put_uint(writer, sketch->counts[i]);
        key = sketch->keys[i];
    }
}

static enum bf_status load(void *state, struct bf_mp_reader *reader)
{
    struct state *sketch = state;
    int key = -BIN_LAST - 1;
    sketch->n = bf_mp_get_uint(reader);
    uint64_t bins = bf_mp_get_uint(reader);
    if (!bf_mp_ok(reader) || bins > BINS_MAX || (bins > 0) != (sketch->n > 0)) {
        return BF_MALFORMED;
    }
    sketch->bins = (uint32_t)bins;
    for (uint32_t i = 0; i < sketch->bins; i++) {
        uint64_t more = bf_mp_get_uint(reader);
        uint64_t count = bf_mp_get_uint(reader);
        if (!bf_mp_ok(reader) || more == 0 || more > (uint64_t)(BIN_LAST - key) || count == 0 ||
            count > UINT32_MAX) {
            return BF_MALFORMED;
        }
        key += (int)more;
        sketch->keys[i] = (int16_t)key;
        sketch->counts[i] = (uint32_t)count;
    }
    return BF_OK;
}

extern const struct bf_aggregate bf_aggregate_quantile;
const struct bf_aggregate bf_aggregate_quantile = {
    .kind = {.name = "quantile", .takes = "p!", .unit = BF_RESULT_SAME, .input = BF_INPUT_VALUE},
    .summary = "The value that the share `p` of all values does not exceed, within 1 per cent (DDSketch).",
    .exact = true,
    .state_size = sizeof(struct state),
    .init = init,
    .add = add,
    .merge = merge,
    .result = result,
    .save = save,
    .load = load,
};
