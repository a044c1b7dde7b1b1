/* moments.c: see moments.h. */
#include "processors/aggregate/moments.h"

#include <math.h>

static struct bf_pair two_sum(double a, double b)
{
    double sum = a + b;
    double rest = sum - a;
    return (struct bf_pair){.high = sum, .low = (a - (sum - rest)) + (b - rest)};
}

/* a + b where |a| >= |b|. */
static struct bf_pair quick_sum(double a, double b)
{
    double sum = a + b;
    return (struct bf_pair){.high = sum, .low = b - (sum - a)};
}

static struct bf_pair sum_of(struct bf_pair a, struct bf_pair b)
{
    struct bf_pair high = two_sum(a.high, b.high);
    struct bf_pair low = two_sum(a.low, b.low);
    high = quick_sum(high.high, high.low + low.high);
    return quick_sum(high.high, high.low + low.low);
}

static struct bf_pair difference(struct bf_pair a, struct bf_pair b)
{
    return sum_of(a, (struct bf_pair){.high = -b.high, .low = -b.low});
}

static struct bf_pair product(struct bf_pair a, struct bf_pair b)
{
    double high = a.high * b.high;
    double low = fma(a.high, b.high, -high) + (a.high * b.low + a.low * b.high);
    return quick_sum(high, low);
}

static struct bf_pair scaled(struct bf_pair a, double by)
{
    double high = a.high * by;
    return quick_sum(high, fma(a.high, by, -high) + a.low * by);
}

static struct bf_pair quotient(struct bf_pair a, double by)
{
    double high = a.high / by;
    double rest = fma(-high, by, a.high); /* exact */
    return quick_sum(high, (rest + a.low) / by);
}

void bf_moments_init(void *state, const struct bf_value_options *options)
{
    (void)options;
    *(struct bf_moments *)state = (struct bf_moments){.mean = {.high = 0}, .squares = {.high = 0}, .n = 0};
}

void bf_moments_add(void *state, const struct bf_sample *sample, const struct bf_value_options *options)
{
    (void)options;
    struct bf_moments *moments = state;
    const struct bf_pair value = {.high = sample->value, .low = 0};
    moments->n++;
    struct bf_pair before = difference(value, moments->mean);
    moments->mean = sum_of(moments->mean, quotient(before, (double)moments->n));
    moments->squares = sum_of(moments->squares, product(before, difference(value, moments->mean)));
}

void bf_moments_merge(void *state, const void *other)
{
    struct bf_moments *moments = state;
    const struct bf_moments *from = other;
    if (from->n == 0) {
        return;
    }
    if (moments->n == 0) {
        *moments = *from;
        return;
    }
    double a = (double)moments->n;
    double b = (double)from->n;
    struct bf_pair apart = difference(from->mean, moments->mean);
    struct bf_pair between = quotient(scaled(scaled(product(apart, apart), a), b), a + b);
    moments->mean = sum_of(moments->mean, quotient(scaled(apart, b), a + b));
    moments->squares = sum_of(sum_of(moments->squares, from->squares), between);
    moments->n += from->n;
}

bool bf_moments_variance(const void *state, const struct bf_value_options *options, double *value)
{
    (void)options;
    const struct bf_moments *moments = state;
    if (moments->n < 2) {
        return false;
    }
    double squares = moments->squares.high + moments->squares.low;
    *value = squares > 0 ? squares / (double)(moments->n - 1) : 0;
    return !isnan(squares);
}

void bf_moments_save(const void *state, struct bf_mp_writer *writer)
{
    const struct bf_moments *moments = state;
    bf_mp_put_double(writer, moments->mean.high);
    bf_mp_put_double(writer, moments->mean.low);
    bf_mp_put_double(writer, moments->squares.high);
    bf_mp_put_double(writer, moments->squares.low);
    bf_mp_put_uint(writer, moments->n);
}

enum bf_status bf_moments_load(void *state, struct bf_mp_reader *reader)
{
    struct bf_moments *moments = state;
    moments->mean.high = bf_mp_get_double(reader);
    moments->mean.low = bf_mp_get_double(reader);
    moments->squares.high = bf_mp_get_double(reader);
    moments->squares.low = bf_mp_get_double(reader);
    moments->n = bf_mp_get_uint(reader);
    return bf_mp_ok(reader) ? BF_OK : BF_MALFORMED;
}
