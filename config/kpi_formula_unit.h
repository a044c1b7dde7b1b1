/* kpi_formula_unit.h: whether a formula gives what its KPI's unit says.   Thread: the loader's. */
#ifndef BF_CONFIG_KPI_FORMULA_UNIT_H
#define BF_CONFIG_KPI_FORMULA_UNIT_H

#include "config/definition.h"

/* False with the reason in `why`. The formula's names are linked. */
bool bf__formula_unit_fits(const struct bf_kpi_definition *kpi, char *why, size_t size);

#endif
