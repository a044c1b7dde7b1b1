/* quantile.c: quantiles within 1 per cent, by DDSketch (Masson, Rim and Lee, "DDSketch: a fast and
 * fully-mergeable quantile sketch with relative-error guarantees", VLDB 2019). Values are counted in bins
 * whose edges grow by at most 1.01 / 0.99, so a bin's middle is within 1 per cent of all that it holds.
 * Counts are integers and bins are where they are: adding and merging in any order gives the same bytes.
 *
 * The bin of a value is found by a cubic interpolation of the logarithm within a power of two, which costs
 * 1 per cent more bins than the logarithm: exact arithmetic, no libm.
 *
 * Bins stand in blocks of 16, only where values occur, negative ones and zero among them, in order. A block
 * takes one unit of 16 bits for each of its bins, and a second one when a bin needs it. The 63 units span
 * almost nine powers of ten without a gap. Where they run out, the lowest block goes into the first bin of
 * the next, as in the paper: then quantiles among the lowest values are too high. It is always the lowest
 * that give way, and what once had no room never has, so the result still does not depend on the order.
 *
 * Declined: dense bins (one outlier would need them all), sorted pairs of bin and count (a third of the
 * bins in the same room), t-digest and KLL (no bound of the relative error, and merges that depend on the
 * order). */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "processors/aggregate/aggregate.h"

/* Bins per unit of interpolated binary logarithm. The interpolation's slope is at least 10/7 of the natural
 * logarithm's, so edges grow by at most exp(0.7 / 35) = exp(0.02), and the middle is off by tanh(0.01). */
#define BINS_PER_OCTAVE 35
/* So that keys have 16 bits: values beyond 1e140 share the last bin, those below 1e-140 are zero. */
#define EXPONENT_MAX 467
#define BIN_LAST (BINS_PER_OCTAVE * (2 * EXPONENT_MAX + 1))
#define BLOCK 16
#define UNITS 63
#define NONE UINT8_MAX
#define KEY_MIN (-(BIN_LAST + BLOCK - 1) / BLOCK * BLOCK) /* the first of the lowest block */

/* A key is a bin's number from 1, with the values' sign; 0 is zero. */
struct state {
    uint64_t n;
    uint64_t taken;                  /* units, a bit each */
    int16_t blocks[UNITS];           /* ascending: of each its first key, by BLOCK */
    uint8_t low[UNITS], high[UNITS]; /* the units of each; high: of the upper 16 bits, or NONE */
    uint8_t count;                   /* of the blocks */
    uint8_t collapsed;               /* what was below the lowest block is in its first bin */
    uint16_t units[UNITS][BLOCK];
};

/* ---- from a value to its bin, and back */

static int key_of(double value)
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
    return value < 0 ? -bin : bin;
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

/* ---- the blocks */

static uint32_t sum_of(uint64_t a, uint64_t b)
{
    return a + b < UINT32_MAX ? (uint32_t)(a + b) : UINT32_MAX;
}

static int block_of(int key)
{
    return (key - KEY_MIN) / BLOCK + KEY_MIN / BLOCK; /* rounds down */
}

/* The first block that is not below. Without a branch in the loop: which half it is cannot be foretold. */
static unsigned find(const struct state *sketch, int block)
{
    const int16_t *at = sketch->blocks;
    for (unsigned left = sketch->count; left > 0;) {
        unsigned half = (left + 1) / 2;
        at += at[half - 1] < block ? half : 0;
        left -= half;
    }
    return (unsigned)(at - sketch->blocks);
}

static uint32_t count_of(const struct state *sketch, unsigned at, unsigned bin)
{
    uint32_t low = sketch->units[sketch->low[at]][bin];
    return sketch->high[at] == NONE ? low : low | (uint32_t)sketch->units[sketch->high[at]][bin] << 16;
}

static bool has_unit(const struct state *sketch)
{
    return sketch->taken != (UINT64_C(1) << UNITS) - 1;
}

static uint8_t take_unit(struct state *sketch)
{
    unsigned unit = (unsigned)__builtin_ctzll(~sketch->taken);
    sketch->taken |= UINT64_C(1) << unit;
    memset(sketch->units[unit], 0, sizeof sketch->units[unit]);
    return (uint8_t)unit;
}

static void open_block(struct state *sketch, unsigned at, int block)
{
    unsigned behind = sketch->count - at;
    memmove(sketch->blocks + at + 1, sketch->blocks + at, behind * sizeof *sketch->blocks);
    memmove(sketch->low + at + 1, sketch->low + at, behind);
    memmove(sketch->high + at + 1, sketch->high + at, behind);
    sketch->blocks[at] = (int16_t)block;
    sketch->low[at] = take_unit(sketch);
    sketch->high[at] = NONE;
    sketch->count++;
}

/* False: the block needs a second unit, and there is none. */
static bool count_in(struct state *sketch, unsigned at, unsigned bin, uint32_t count)
{
    uint32_t sum = sum_of(count_of(sketch, at, bin), count);
    if (sum > UINT16_MAX && sketch->high[at] == NONE) {
        if (!has_unit(sketch)) {
            return false;
        }
        sketch->high[at] = take_unit(sketch);
    }
    sketch->units[sketch->low[at]][bin] = (uint16_t)sum;
    if (sketch->high[at] != NONE) {
        sketch->units[sketch->high[at]][bin] = (uint16_t)(sum >> 16);
    }
    return true;
}

/* Gives up the lowest block and its units; how many values were in it. */
static uint32_t drop_lowest(struct state *sketch)
{
    uint64_t count = 0;
    for (unsigned bin = 0; bin < BLOCK; bin++) {
        count += count_of(sketch, 0, bin);
    }
    sketch->taken &= ~(UINT64_C(1) << sketch->low[0]);
    if (sketch->high[0] != NONE) {
        sketch->taken &= ~(UINT64_C(1) << sketch->high[0]);
    }
    sketch->count--;
    memmove(sketch->blocks, sketch->blocks + 1, sketch->count * sizeof *sketch->blocks);
    memmove(sketch->low, sketch->low + 1, sketch->count);
    memmove(sketch->high, sketch->high + 1, sketch->count);
    sketch->collapsed = 1;
    return sum_of(count, 0);
}

/* The lowest block goes into the next, which has what becomes free if it needs more room. */
static void collapse(struct state *sketch)
{
    assert(sketch->count > 1); /* one block takes two units at most */
    uint32_t count = drop_lowest(sketch);
    bool counted = count_in(sketch, 0, 0, count);
    assert(counted);
}

static void put(struct state *sketch, int key, uint32_t count)
{
    for (;;) {
        int block = block_of(key);
        unsigned at = find(sketch, block);
        bool there = at < sketch->count && sketch->blocks[at] == block;
        if (there && count_in(sketch, at, (unsigned)(key - block * BLOCK), count)) {
            return;
        }
        if (there) {
            collapse(sketch);
        } else if (at == 0 && (sketch->collapsed || !has_unit(sketch))) {
            sketch->collapsed = 1; /* and nothing is ever lower again */
            key = sketch->blocks[0] * BLOCK;
        } else if (has_unit(sketch)) {
            open_block(sketch, at, block);
        } else { /* the lowest makes room, and goes into what is then the lowest, perhaps the new one */
            uint32_t lowest = drop_lowest(sketch);
            open_block(sketch, at - 1, block);
            while (!count_in(sketch, 0, 0, lowest)) {
                collapse(sketch);
            }
        }
    }
}

/* ---- the aggregate */

static void init(void *state, const struct bf_value_options *options)
{
    (void)options;
    struct state *sketch = state;
    sketch->n = 0;
    sketch->taken = 0;
    sketch->count = 0;
    sketch->collapsed = 0;
}

static void add(void *state, const struct bf_sample *sample, const struct bf_value_options *options)
{
    (void)options;
    struct state *sketch = state;
    put(sketch, key_of(sample->value), 1);
    sketch->n++;
}

static void merge(void *state, const void *other)
{
    struct state *sketch = state;
    const struct state *from = other;
    for (unsigned at = from->count; at-- > 0;) {
        for (unsigned bin = BLOCK; bin-- > 0;) {
            uint32_t count = count_of(from, at, bin);
            if (count > 0) {
                put(sketch, from->blocks[at] * BLOCK + (int)bin, count);
            }
        }
    }
    while (from->collapsed && sketch->blocks[0] < from->blocks[0]) {
        collapse(sketch);
    }
    sketch->collapsed |= from->collapsed;
    sketch->n += from->n;
}

/* The bin of the value with rank floor(p (n - 1)), as in the paper. */
static bool result(const void *state, const struct bf_value_options *options, double *value)
{
    const struct state *sketch = state;
    double rank = options->p * (double)(sketch->n - 1);
    uint64_t below = 0;
    int key = 0;
    for (unsigned i = 0; i < sketch->count * BLOCK && !(below > 0 && (double)below > rank); i++) {
        uint32_t count = count_of(sketch, i / BLOCK, i % BLOCK);
        below += count;
        key = count > 0 ? sketch->blocks[i / BLOCK] * BLOCK + (int)(i % BLOCK) : key;
    }
    *value = value_of(key);
    return sketch->count > 0;
}

/* Bins that hold something, as how much further each is than the one before: most are one byte. */
static void save(const void *state, struct bf_mp_writer *writer)
{
    const struct state *sketch = state;
    int before = KEY_MIN - 1;
    bf_mp_put_uint(writer, sketch->n);
    bf_mp_put_bool(writer, sketch->collapsed != 0);
    for (unsigned i = 0; i < sketch->count * BLOCK; i++) {
        uint32_t count = count_of(sketch, i / BLOCK, i % BLOCK);
        int key = sketch->blocks[i / BLOCK] * BLOCK + (int)(i % BLOCK);
        if (count > 0) {
            bf_mp_put_uint(writer, (uint64_t)(key - before));
            bf_mp_put_uint(writer, count);
            before = key;
        }
    }
    bf_mp_put_uint(writer, 0);
}

static enum bf_status load(void *state, struct bf_mp_reader *reader)
{
    struct state *sketch = state;
    int key = KEY_MIN - 1;
    sketch->n = bf_mp_get_uint(reader);
    bool collapsed = bf_mp_get_bool(reader);
    for (uint64_t more = bf_mp_get_uint(reader); more > 0; more = bf_mp_get_uint(reader)) {
        uint64_t count = bf_mp_get_uint(reader);
        if (!bf_mp_ok(reader) || more > (uint64_t)(BIN_LAST - key) || count == 0 || count > UINT32_MAX) {
            return BF_MALFORMED;
        }
        key += (int)more;
        put(sketch, key, (uint32_t)count);
        if (sketch->collapsed) { /* what was saved had room */
            return BF_MALFORMED;
        }
    }
    sketch->collapsed = collapsed;
    bool any = sketch->count > 0;
    return bf_mp_ok(reader) && any == (sketch->n > 0) && (any || !collapsed) ? BF_OK : BF_MALFORMED;
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
