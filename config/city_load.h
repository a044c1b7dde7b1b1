/* city_load.h: what the parts of loading a city share: the city in the making, and where each of its KPIs
 * and profiles stands in its file, so that checks across files can say so.
 * Thread: the loader's. */
#ifndef BF_CONFIG_CITY_LOAD_H
#define BF_CONFIG_CITY_LOAD_H

#include "config/city.h"
#include "config/option.h"

struct bf__whole_city {
    struct bf_city city; /* stands first: what callers hold */
    struct bf__pool *pool;
};

struct bf__place { /* of a KPI, a profile or a board */
    const char *file;
    const struct bf__node *node; /* NULL where the file could not be read */
};

struct bf__city_load {
    struct bf_city *city;
    struct bf__pool *pool;    /* the city's */
    struct bf__pool *scratch; /* the documents', gone when the city is loaded */
    struct bf__problems problems;
    const struct bf_aggregate_kind *const *aggregates;
    struct bf__place *kpi_places, *profile_places, *board_places;
    bool core_good; /* no fatal problem so far: checks across files make sense */
};

/* Checks across files (city_check.c). They may disable profiles. */
void bf__city_check(struct bf__city_load *load);

#endif
