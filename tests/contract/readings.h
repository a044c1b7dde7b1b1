/* readings.h: readings for the laws of aggregates, tame and hostile: of any magnitude, cancelling each
 * other, with what matters in the last digits, and all alike. Always the same.   Thread: one. */
#ifndef BF_TESTS_CONTRACT_READINGS_H
#define BF_TESTS_CONTRACT_READINGS_H

#include <float.h>
#include <math.h>

#include "processors/aggregate/aggregate.h"

#define READINGS 400
#define PARTS 5

struct reading {
    struct bf_sample sample;
    struct bf_step step;
};

static uint64_t seed;

static uint64_t draw(void)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return seed >> 11;
}

static double unit(void)
{
    return (double)draw() / 9007199254740992.0;
}

static double tame(size_t i)
{
    (void)i;
    return 20 + 10 * (unit() - 0.5);
}
/* Of very different magnitude and both signs. */
static double wide(size_t i)
{
    (void)i;
    return (unit() - 0.5) * pow(10, 30 * unit() - 15);
}
/* What matters is in the last digits. */
static double offset(size_t i)
{
    (void)i;
    return 1e9 + unit();
}
/* Large values that cancel each other and leave the small ones. */
static double cancelling(size_t i)
{
    return i % 4 == 0 ? 1e12 : i % 4 == 2 ? -1e12 : unit();
}
static double tiny(size_t i)
{
    return (double)(i + 1) * DBL_TRUE_MIN;
}
static double huge(size_t i)
{
    (void)i;
    return DBL_MAX * (0.5 + unit() / 2);
}
static double constant(size_t i)
{
    (void)i;
    return -7.25;
}
static double nothing(size_t i)
{
    (void)i;
    return 0;
}
static double whole(size_t i)
{
    (void)i;
    return (double)(draw() % 100);
}
static double (*const data_sets[])(size_t) = {tame, wide,     offset,  cancelling, tiny,
                                              huge, constant, nothing, whole};
#define DATA_SETS (sizeof data_sets / sizeof *data_sets)

static void make_readings(struct reading readings[READINGS], double (*value)(size_t))
{
    static const char *const labels[] = {"lab:a", "lab:b", "lab:c", ""};
    seed = 20240213;
    for (size_t i = 0; i < READINGS; i++) {
        struct bf_sample sample = {
            .value = value(i),
            .has_value = true,
            .weight = 0.5 + unit(),
            .holds = draw() % 3 == 0,
            .label = bf_slice_of(labels[draw() % 4]),
            .event_us = (int64_t)(draw() % 100) * 1000000, /* some of the same instant */
            .partition = (int32_t)(i % PARTS),
            .offset = (int64_t)(i / PARTS),
        };
        readings[i] = (struct reading){
            .sample = sample,
            .step = {.from_us = sample.event_us,
                     .to_us = sample.event_us + (int64_t)(draw() % 9000000) + 1,
                     .value = sample.value,
                     .holds = sample.holds,
                     .ends = draw() % 8 > 0,
                     .next = value(i)},
        };
    }
}

#endif
