/* following.h: the city of city.h with two KPIs that follow sources from reading to reading, and aggregates
 * for them that add whole numbers, so that any order gives the same: by how much a device's value rose, and
 * for how long values held.
 * Owner: static, one per test program.   Thread: main. */
#ifndef TEST_PROCESSORS_FOLLOWING_H
#define TEST_PROCESSORS_FOLLOWING_H

#include "tests/unit/processors/city.h"

#define HOLD (45 * SECOND)
#define STEP 1000000 /* what each step of a rise adds beside its height */

struct whole {
    int64_t sum, any;
};

static inline void whole_init(void *state, const struct bf_value_options *options)
{
    (void)options;
    *(struct whole *)state = (struct whole){.sum = 0, .any = 0};
}

static inline void add_area(void *state, const struct bf_step *step, const struct bf_value_options *options)
{
    (void)options;
    struct whole *whole = state;
    int64_t start_us = bf_time_floor(step->from_us, WINDOW);
    if (step->from_us >= step->to_us || step->to_us > start_us + WINDOW) {
        abort(); /* a piece lies within one window */
    }
    whole->sum += (int64_t)step->value * (step->to_us - step->from_us);
    whole->any = 1;
}

static inline void add_rise(void *state, const struct bf_step *step, const struct bf_value_options *options)
{
    (void)options;
    struct whole *whole = state;
    if (!step->ends || step->from_us >= step->to_us) {
        abort();
    }
    whole->sum += (int64_t)(step->next - step->value) + STEP;
    whole->any = 1;
}

static inline void whole_merge(void *state, const void *other)
{
    ((struct whole *)state)->sum += ((const struct whole *)other)->sum;
    ((struct whole *)state)->any |= ((const struct whole *)other)->any;
}

static inline bool whole_result(const void *state, const struct bf_value_options *options, double *value)
{
    (void)options;
    *value = (double)((const struct whole *)state)->sum;
    return ((const struct whole *)state)->any != 0;
}

static inline void whole_save(const void *state, struct bf_mp_writer *writer)
{
    bf_mp_put_int(writer, ((const struct whole *)state)->sum);
    bf_mp_put_int(writer, ((const struct whole *)state)->any);
}

static inline enum bf_status whole_load(void *state, struct bf_mp_reader *reader)
{
    ((struct whole *)state)->sum = bf_mp_get_int(reader);
    ((struct whole *)state)->any = bf_mp_get_int(reader);
    return bf_mp_ok(reader) ? BF_OK : BF_MALFORMED;
}

#define WHOLE(text, takes, what)                                                                           \
    {                                                                                                      \
        .kind = {.name = text, .input = takes}, .state_size = sizeof(struct whole), .init = whole_init,    \
        .step = what, .merge = whole_merge, .result = whole_result, .save = whole_save, .load = whole_load \
    }
static const struct bf_aggregate holding = WHOLE("held", BF_INPUT_HELD, add_area);
static const struct bf_aggregate rising = WHOLE("rise", BF_INPUT_CHANGE, add_rise);

static struct bf_kpi_definition following[2][5];

/* As make_plans, with zone_held and device_rise in both generations; the former differs in the second. */
static inline int make_following_plans(void **state)
{
    const struct bf_kpi_definition more[] = {DEFINITION(held, "zone_held", "sum", by_zone, 1, false, 31),
                                             DEFINITION(rise, "device_rise", "sum", by_device, 1, true, 32)};
    size_t counts[2] = {0, 0};
    for (size_t i = 0; i < 2; i++) {
        counts[i] = cities[i].kpi_count;
        memcpy(following[i], cities[i].kpis, counts[i] * sizeof(following[i][0]));
        memcpy(following[i] + counts[i], more, sizeof(more));
        following[i][counts[i]].options.hold_us = HOLD;
        following[i][counts[i]].hash += i;
        following[i][counts[i] + 1].options.hold_us = HOLD;
        cities[i].kpis = following[i];
        cities[i].kpi_count = counts[i] + 2;
    }
    int bad = make_plans(state);
    for (size_t i = 0; bad == 0 && i < 2; i++) {
        plans[i]->kpis[counts[i]].aggregate = &holding;
        plans[i]->kpis[counts[i] + 1].aggregate = &rising;
    }
    return bad;
}

#endif
