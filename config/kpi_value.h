/* kpi_value.h: `value:` of a KPI: the aggregate, its options, and whether its unit can be that of the KPI.
 * Which options an aggregate takes it says itself (struct bf_aggregate_kind); what they are is one table
 * here. Owner: the pool's; the expressions are the city's to destroy.   Thread: the loader's. */
#ifndef BF_CONFIG_KPI_VALUE_H
#define BF_CONFIG_KPI_VALUE_H

#include "config/city.h"
#include "config/option.h"

/* `mean`, `{mean: {}}` or `{quantile: {p: 0.95}}`, into a struct bf_kpi_definition. */
extern const struct bf__option_type bf__type_value;
/* All options of all aggregates, for the manual. */
extern const struct bf__section bf__value_section;

/* What aggregate, quantity and unit of `map` have to do with each other; sets options.scale. */
bool bf__kpi_value_check(struct bf__loader *loader, const struct bf__node *map,
                         struct bf_kpi_definition *kpi);
/* The same where it needs the unit of the readings, known only across files. `from`:
 * "(profiles/x.yaml)". */
bool bf__kpi_value_check_unit(struct bf__loader *loader, const struct bf__node *unit_node,
                              const struct bf_kpi_definition *kpi, struct bf_slice reading_unit,
                              const char *from);
uint64_t bf__kpi_value_hash(uint64_t hash, const struct bf_value_options *options);

#endif
