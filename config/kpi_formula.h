/* kpi_formula.h: derived KPIs, value: {formula: '(supplied - billed) / supplied * 100'}.
 * Owner: the pool's; the expression is the city's to destroy.   Thread: the loader's. */
#ifndef BF_CONFIG_KPI_FORMULA_H
#define BF_CONFIG_KPI_FORMULA_H

#include "config/city_load.h"

/* The formula's text, compiled; its names wait for bf__formulas_link. */
bool bf__formula_parse(struct bf__loader *loader, const struct bf__node *node, struct bf_kpi_definition *kpi);
/* When all files are read: names find their KPIs and numbers, units are checked, the hash gets its inputs. */
void bf__formulas_link(struct bf__city_load *load);

#endif
