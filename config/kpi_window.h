/* kpi_window.h: the section `window` of a KPI -> its shape, delay and lateness.
 * Thread: the loader's. */
#ifndef BF_CONFIG_KPI_WINDOW_H
#define BF_CONFIG_KPI_WINDOW_H

#include "config/definition.h"
#include "config/option.h"

/* Fills window, window_us, delay_us and lateness_us of a struct bf_kpi_definition. loader->context is the
 * city: its default delay and its time zone. */
extern const struct bf__option_type bf__type_window;
extern const struct bf__section bf__window_section; /* for the reference */

/* What only the whole KPI tells: groups and aggregates that a kind of window cannot have. */
bool bf__window_check(struct bf__loader *loader, const struct bf__node *map,
                      const struct bf_kpi_definition *kpi);
/* All that changes a number; a tumbling window adds nothing. */
uint64_t bf__window_hash(const struct bf_window_shape *shape, uint64_t hash);

#endif
