/* aggregate.c: what adding one reading to each aggregate costs, with values and labels as sensors and
 * vehicles send them. */
#include <stdio.h>
#include <stdlib.h>

#include "bench/measure.h"
#include "processors/aggregate/aggregate.h"

#define SAMPLES 4096 /* a power of two */
#define ROWS_MAX 64

static struct bf_sample samples[SAMPLES];
static struct bf_step steps[SAMPLES];
static char labels[SAMPLES][24];
static const double bounds[] = {5, 10, 15, 20, 25, 30, 35, 40};
static const struct bf_value_options options = {.p = 0.95,
                                                .bounds = bounds,
                                                .bound_count = 8,
                                                .k = 10,
                                                .every_us = 1000000,
                                                .per_us = 1000000,
                                                .scale = 1};

struct state {
    const struct bf_aggregate *aggregate;
    _Alignas(8) unsigned char bytes[BF_AGGREGATE_STATE_MAX];
};
static struct state states[ROWS_MAX];

/* Nearly normal: 20 with a deviation of 6; labels of 1,000 devices. */
static void prepare_samples(void)
{
    uint64_t seed = 42;
    for (size_t i = 0; i < SAMPLES; i++) {
        double sum = 0;
        for (int draw = 0; draw < 12; draw++) {
            seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            sum += (double)(seed >> 11) / 9007199254740992.0;
        }
        int len = snprintf(labels[i], sizeof labels[i], "city:device-%06u", (unsigned)(seed >> 40) % 1000);
        samples[i] = (struct bf_sample){.value = 20 + 6 * (sum - 6),
                                        .has_value = true,
                                        .weight = 1 + sum,
                                        .holds = sum > 6,
                                        .label = {labels[i], (size_t)len},
                                        .event_us = (int64_t)i * 1000,
                                        .offset = (int64_t)i};
        steps[i] = (struct bf_step){
            .from_us = 0, .to_us = 1000000, .value = sum, .holds = sum > 6, .ends = true, .next = sum + 1};
    }
}

static void prepare(void *context)
{
    struct state *state = context;
    memset(state->bytes, 0, sizeof state->bytes);
    state->aggregate->init(state->bytes, &options);
}

static void run(void *context, size_t count)
{
    struct state *state = context;
    const struct bf_aggregate *aggregate = state->aggregate;
    for (size_t i = 0; i < count; i++) {
        if (aggregate->step != NULL) {
            aggregate->step(state->bytes, &steps[i & (SAMPLES - 1)], &options);
        } else {
            aggregate->add(state->bytes, &samples[i & (SAMPLES - 1)], &options);
        }
    }
}

int main(int argc, char **argv)
{
    struct bench_options chosen = bench_options_read(argc, argv);
    static struct bench_row rows[ROWS_MAX];
    static char names[ROWS_MAX][64];
    size_t count = 0;
    prepare_samples();
    for (const struct bf_aggregate *const *entry = bf_aggregates(); *entry != NULL && count < ROWS_MAX;
         entry++) {
        const char *name = (*entry)->kind.name;
        snprintf(names[count], sizeof names[count], "%s: a reading", name);
        states[count].aggregate = *entry;
        rows[count] = (struct bench_row){.stage = "aggregate",
                                         .name = names[count],
                                         .run = run,
                                         .prepare = prepare,
                                         .context = &states[count],
                                         .goal_us = strcmp(name, "quantile") == 0   ? 0.04
                                                    : strcmp(name, "distinct") == 0 ? 0.03
                                                                                    : 0};
        count++;
    }
    bench_measure(rows, count, &chosen);
    return EXIT_SUCCESS;
}
