/* need.c: see need.h. Saturating: a year's lateness of ten-millisecond windows is only a number here. */
#include "cli/need.h"

static uint64_t times(uint64_t a, uint64_t b)
{
    uint64_t product = 0;
    return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

static uint64_t share(uint64_t count, uint64_t partitions)
{
    return count / partitions + (count % partitions != 0 ? 1 : 0);
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

struct bf_need bf_need_of(const struct bf_city *city, const struct bf_kpi_definition *kpi,
                          const struct bf_need_scale *scale)
{
    struct bf_need need = {.scopes = 1};
    uint64_t span = (uint64_t)kpi->window_us + (uint64_t)kpi->delay_us + (uint64_t)kpi->lateness_us;
    need.open = share(span, (uint64_t)kpi->window_us);
    for (size_t i = 0; i < kpi->group_count; i++) {
        /* A device has one zone and few values of a tag: with devices, their number is the measure. */
        uint64_t values = values_of(city, kpi->group[i].kind, scale);
        if (!kpi->by_device) {
            need.scopes = times(need.scopes, values);
        } else if (kpi->group[i].kind == BF_GROUP_DEVICE) {
            need.scopes = values;
        }
    }
    uint64_t first_scopes = kpi->by_device ? share(need.scopes, scale->readings) : need.scopes;
    uint64_t second_scopes = kpi->by_device ? 0 : share(need.scopes, scale->partials);
    need.first_windows = times(first_scopes, need.open);
    need.second_windows = times(second_scopes, need.open);
    need.first_bytes =
        times(need.first_windows, BF_NEED_WINDOW + BF_NEED_CELL) + times(first_scopes, BF_NEED_SCOPE);
    need.second_bytes = times(need.second_windows, BF_NEED_WINDOW + scale->readings * BF_NEED_CELL) +
                        times(second_scopes, BF_NEED_SCOPE);
    return need;
}
