/* formula.h: derived KPIs. A derived KPI carries its inputs: its state is theirs, side by side, so its cells
 * are counted, merged, saved and revised like any other's, and its formula is evaluated when a window is
 * published. Nothing has to wait for the results of other KPIs.
 *
 * To the windows it is an aggregate; samples and steps say which input they are of. It is not in the family's
 * table: nobody writes its name. A state refers to its formula, which lives as long as the task.
 * Thread: the task's.   Limits: BF_FORMULA_INPUTS_MAX inputs. */
#ifndef BF_PROCESSORS_FORMULA_H
#define BF_PROCESSORS_FORMULA_H

#include "processors/aggregate/aggregate.h"

extern const struct bf_aggregate bf_aggregate_formula;

/* The formula's value over a state, for a result with that scope. False where something is missing that it
 * needs. */
bool bf_formula_result(const struct bf_formula *formula, const void *state, struct bf_slice scope,
                       double *value);

#endif
