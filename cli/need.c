/* need.c: see need.h. Saturating: a year's lateness of ten-millisecond windows is only a number here. */
#include "cli/need.h"

#include <math.h>

#include "processors/formula.h"
#include "processors/source.h"

/* With names of up to 60 bytes. */
#define SCOPE (sizeof(struct bf_series) + sizeof(struct bf_text_block))
#define SOURCE (sizeof(struct bf_track) + sizeof(struct bf_text_block))

static uint64_t times(uint64_t a, uint64_t b)
{
    uint64_t product = 0;
    return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

static uint64_t share(uint64_t count, uint64_t partitions)
{
    return count / partitions + (count % partitions != 0 ? 1 : 0);
}

static uint64_t plus(uint64_t a, uint64_t b)
{
    uint64_t sum = 0;
    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static uint64_t part_of(uint64_t count, double part)
{
    double rounded = ceil((double)count * part);
    return rounded < 1.8e19 ? (uint64_t)rounded : UINT64_MAX;
}

/* The part of the partitions in which a scope's devices lie: each device is in one, whichever. */
static double reached(uint64_t devices, uint64_t scopes, uint64_t partitions)
{
    double inside = (double)devices / (double)(scopes > 0 ? scopes : 1);
    return 1 - pow(1 - 1 / (double)partitions, inside < 1 ? 1 : inside);
}

/* How many different values one name of `group` has. */
static uint64_t values_of(const struct bf_city *city, enum bf_group_kind kind,
                          const struct bf_need_scale *scale)
{
    const uint64_t values[] = {
        [BF_GROUP_CITY] = 1,
        [BF_GROUP_ZONE] = bf_zones_count(city->zones) + 1, /* and "none" */
        [BF_GROUP_DEVICE] = scale->devices,
        [BF_GROUP_TAG] = scale->tags,
    };
    return values[kind];
}

/* Panes of one scope that are held at once, and those of them that late readings still reach. */
static void panes_of(const struct bf_kpi_definition *kpi, uint64_t *held, uint64_t *open)
{
    const struct bf_window_shape *shape = &kpi->window;
    uint64_t late_us = (uint64_t)kpi->delay_us + (uint64_t)kpi->lateness_us;
    if (shape->kind == BF_WINDOW_COUNT) {
        *held = *open = shape->panes;
    } else if (shape->kind == BF_WINDOW_SESSION) {
        *held = *open = 1 + share(late_us, (uint64_t)shape->gap_us);
    } else {
        *open = share((uint64_t)shape->pane_us + late_us, (uint64_t)shape->pane_us);
        *held = *open + shape->panes - 1;
    }
}

/* How many aggregates of the KPI follow each source. */
static uint64_t followed(const struct bf_kpi_definition *kpi)
{
    uint64_t count = 0;
    for (size_t i = 0; kpi->formula != NULL && i < kpi->formula->input_count; i++) {
        count += followed(kpi->formula->inputs[i]);
    }
    const struct bf_aggregate *aggregate = bf_aggregate_find(kpi->aggregate);
    return kpi->formula == NULL && aggregate != NULL && bf_aggregate_follows(aggregate) ? 1 : count;
}

struct bf_need bf_need_of(const struct bf_city *city, const struct bf_kpi_definition *kpi,
                          const struct bf_need_scale *scale)
{
    struct bf_need need = {.scopes = 1};
    uint64_t open = 0;
    panes_of(kpi, &need.open, &open);
    for (size_t i = 0; i < kpi->group_count; i++) {
        /* A device has one zone and few values of a tag: with devices, their number is the measure. */
        uint64_t values = values_of(city, kpi->group[i].kind, scale);
        if (!kpi->by_device) {
            need.scopes = times(need.scopes, values);
        } else if (kpi->group[i].kind == BF_GROUP_DEVICE) {
            need.scopes = values;
        }
    }
    const struct bf_aggregate *aggregate =
        kpi->formula != NULL ? &bf_aggregate_formula : bf_aggregate_find(kpi->aggregate);
    uint64_t cell = aggregate == NULL ? 0 : bf_share_size(bf_cell_state_size(aggregate, &kpi->options));
    double reach = kpi->by_device ? 1 : reached(scale->devices, need.scopes, scale->readings);
    uint64_t first_scopes =
        kpi->by_device ? share(need.scopes, scale->readings) : part_of(need.scopes, reach);
    uint64_t second_scopes = kpi->by_device ? 0 : share(need.scopes, scale->partials);
    need.first_windows = times(first_scopes, need.open);
    need.second_windows = times(second_scopes, need.open);
    need.sources = times(followed(kpi), share(scale->devices, scale->readings));
    need.first_bytes = plus(times(need.first_windows, sizeof(struct bf_window) + cell),
                            plus(times(first_scopes, SCOPE), times(need.sources, SOURCE)));
    /* What nothing late reaches has one cell, whatever the partitions. */
    uint64_t cells = plus(part_of(times(times(second_scopes, open), scale->readings), reach),
                          times(second_scopes, need.open - open));
    need.second_bytes = plus(times(need.second_windows, sizeof(struct bf_window)),
                             plus(times(cells, cell), times(second_scopes, SCOPE)));
    return need;
}
