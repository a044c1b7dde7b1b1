/* distinct.c: how many different devices, zones, routes. Exact up to EXACT_MAX: their 64-bit hashes,
 * sorted; beyond that HyperLogLog (Flajolet, Fusy, Gandouet and Meunier 2007) with 4,096 registers of 6
 * bits, whose standard error is 1.04 / sqrt(4096) = 1.63 per cent. Both are functions of the set alone, so
 * adding and merging in any order gives the same bytes.
 *
 * The estimate is Ertl's improved one ("New cardinality estimation algorithms for HyperLogLog sketches",
 * 2017, section 4, algorithm 6): without bias over the whole range, and without HLL++'s tables of measured
 * corrections, which no one can check. */
#include <math.h>
#include <string.h>

#include "core/hash.h"
#include "processors/aggregate/aggregate.h"

#define INDEX_BITS 12
#define REGISTERS (1u << INDEX_BITS)
#define RANK_MAX (64 - INDEX_BITS + 1)
#define REGISTER_BYTES (REGISTERS / 4 * 3)
#define EXACT_MAX (REGISTER_BYTES / sizeof(uint64_t))

struct state {
    uint64_t known; /* hashes held; above EXACT_MAX: there are registers instead */
    union {
        uint64_t hashes[EXACT_MAX];        /* ascending */
        uint8_t registers[REGISTER_BYTES]; /* four in three bytes, the lowest bits first */
    } as;
};

#define ESTIMATED (EXACT_MAX + 1)

/* ---- registers */

static unsigned register_at(const struct state *state, unsigned index)
{
    const uint8_t *at = state->as.registers + index / 4 * 3;
    unsigned shift = index % 4 * 6;
    uint32_t four = (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16;
    return four >> shift & 63;
}

static void raise_register(struct state *state, unsigned index, unsigned rank)
{
    unsigned before = register_at(state, index);
    if (rank > before) {
        uint8_t *at = state->as.registers + index / 4 * 3;
        uint32_t change = (uint32_t)(rank ^ before) << index % 4 * 6;
        at[0] ^= (uint8_t)change;
        at[1] ^= (uint8_t)(change >> 8);
        at[2] ^= (uint8_t)(change >> 16);
    }
}

/* The rank is the place of the first one among the bits behind the index. */
static void count_hash(struct state *state, uint64_t hash)
{
    uint64_t rest = hash << INDEX_BITS;
    unsigned rank = rest == 0 ? RANK_MAX : (unsigned)__builtin_clzll(rest) + 1;
    raise_register(state, (unsigned)(hash >> (64 - INDEX_BITS)), rank);
}

static void estimate_from_now_on(struct state *state)
{
    uint64_t hashes[EXACT_MAX];
    size_t count = state->known;
    memcpy(hashes, state->as.hashes, count * sizeof *hashes);
    memset(state->as.registers, 0, sizeof state->as.registers);
    state->known = ESTIMATED;
    for (size_t i = 0; i < count; i++) {
        count_hash(state, hashes[i]);
    }
}

/* ---- adding and merging */

static void add_hash(struct state *state, uint64_t hash)
{
    if (state->known > EXACT_MAX) {
        count_hash(state, hash);
        return;
    }
    const uint64_t *at = state->as.hashes;
    for (size_t left = state->known; left > 0;) {
        size_t half = (left + 1) / 2;
        at += at[half - 1] < hash ? half : 0;
        left -= half;
    }
    size_t place = (size_t)(at - state->as.hashes);
    if (place < state->known && *at == hash) {
        return;
    }
    if (state->known == EXACT_MAX) {
        estimate_from_now_on(state);
        count_hash(state, hash);
        return;
    }
    memmove(state->as.hashes + place + 1, at, (state->known - place) * sizeof *at);
    state->as.hashes[place] = hash;
    state->known++;
}

static void init(void *state, const struct bf_value_options *options)
{
    (void)options;
    ((struct state *)state)->known = 0;
}

static void add(void *state, const struct bf_sample *sample, const struct bf_value_options *options)
{
    (void)options;
    if (sample->label.len > 0) {
        add_hash(state, bf_hash64(sample->label));
    }
}

static void merge(void *state, const void *other)
{
    struct state *to = state;
    const struct state *from = other;
    if (from->known <= EXACT_MAX) {
        for (size_t i = 0; i < from->known; i++) {
            add_hash(to, from->as.hashes[i]);
        }
        return;
    }
    if (to->known <= EXACT_MAX) {
        estimate_from_now_on(to);
    }
    for (unsigned i = 0; i < REGISTERS; i++) {
        raise_register(to, i, register_at(from, i));
    }
}

/* ---- the estimate */

/* x + sum of x^(2^k) 2^(k-1), for the registers that are zero. */
static double sigma(double x)
{
    double power = 1;
    double sum = x;
    for (double before = -1; sum != before; power += power) {
        x *= x;
        before = sum;
        sum += x * power;
    }
    return sum;
}

/* (1 - x - sum of (1 - x^(2^-k))^2 2^-k) / 3, for those that are full. */
static double tau(double x)
{
    double power = 1;
    double sum = 1 - x;
    if (x <= 0 || x >= 1) {
        return 0;
    }
    for (double before = -1; sum != before;) {
        x = sqrt(x);
        before = sum;
        power *= 0.5;
        sum -= (1 - x) * (1 - x) * power;
    }
    return sum / 3;
}

static double estimate(const struct state *state)
{
    const double m = REGISTERS;
    unsigned ranks[RANK_MAX + 1] = {0};
    for (unsigned i = 0; i < REGISTERS; i++) {
        ranks[register_at(state, i)]++;
    }
    double z = m * tau(1 - ranks[RANK_MAX] / m);
    for (unsigned rank = RANK_MAX - 1; rank >= 1; rank--) {
        z = 0.5 * (z + ranks[rank]);
    }
    z += m * sigma(ranks[0] / m);
    return m * m / (2 * 0.69314718055994530942 * z);
}

static bool result(const void *state, const struct bf_value_options *options, double *value)
{
    (void)options;
    const struct state *counted = state;
    *value = counted->known > EXACT_MAX ? floor(estimate(counted) + 0.5) : (double)counted->known;
    return true;
}

/* ---- as bytes */

static void save(const void *state, struct bf_mp_writer *writer)
{
    const struct state *counted = state;
    bf_mp_put_uint(writer, counted->known);
    if (counted->known > EXACT_MAX) {
        bf_mp_put_bin(writer, (struct bf_slice){(const char *)counted->as.registers, REGISTER_BYTES});
    }
    for (size_t i = 0; counted->known <= EXACT_MAX && i < counted->known; i++) {
        bf_mp_put_uint(writer, counted->as.hashes[i]);
    }
}

static enum bf_status load_registers(struct state *state, struct bf_mp_reader *reader)
{
    struct bf_slice bytes = bf_mp_get_bin(reader);
    if (!bf_mp_ok(reader) || state->known != ESTIMATED || bytes.len != REGISTER_BYTES) {
        return BF_MALFORMED;
    }
    memcpy(state->as.registers, bytes.data, REGISTER_BYTES);
    for (unsigned i = 0; i < REGISTERS; i++) {
        if (register_at(state, i) > RANK_MAX) {
            return BF_MALFORMED;
        }
    }
    return BF_OK;
}

static enum bf_status load(void *state, struct bf_mp_reader *reader)
{
    struct state *to = state;
    to->known = bf_mp_get_uint(reader);
    if (to->known > EXACT_MAX) {
        return load_registers(to, reader);
    }
    for (size_t i = 0; i < to->known; i++) {
        to->as.hashes[i] = bf_mp_get_uint(reader);
        if (!bf_mp_ok(reader) || (i > 0 && to->as.hashes[i] <= to->as.hashes[i - 1])) {
            return BF_MALFORMED;
        }
    }
    return bf_mp_ok(reader) ? BF_OK : BF_MALFORMED;
}

extern const struct bf_aggregate bf_aggregate_distinct;
const struct bf_aggregate bf_aggregate_distinct = {
    .kind = {.name = "distinct", .takes = "of!", .unit = BF_RESULT_NUMBER, .input = BF_INPUT_ANY},
    .summary = "How many different `of` there are: exact up to 384, then within 2 per cent (HyperLogLog).",
    .exact = true,
    .state_size = sizeof(struct state),
    .init = init,
    .add = add,
    .merge = merge,
    .result = result,
    .save = save,
    .load = load,
};
