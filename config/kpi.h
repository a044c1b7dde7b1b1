/* kpi.h: one file of kpis/ -> KPI definitions; and the boards, which only name them.
 * Owner: the pool's; the expressions are the city's to destroy.   Thread: the loader's. */
#ifndef BF_CONFIG_KPI_H
#define BF_CONFIG_KPI_H

#include "config/city.h"
#include "config/option.h"

/* The definitions of one file, and the node of each (for later messages). loader->context is the city
 * (its default delay), loader->aggregates the names of the aggregates. */
struct bf__kpi_file {
    struct bf_kpi_definition *kpis;
    size_t count;
};
bool bf__kpi_load(struct bf__loader *loader, const struct bf__node *root, struct bf__kpi_file *file);

#endif
