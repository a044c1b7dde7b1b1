/* vector.h: a schedule as a small file (tests/vectors/sim), and the shrinking of one that fails.
 * Owner: the caller's plan.   Thread: one. */
#ifndef SIM_VECTOR_H
#define SIM_VECTOR_H

#include <stdio.h>

#include "tests/sim/world.h"

bool sim_vector_read(const char *path, struct sim_plan *plan);
void sim_vector_write(const struct sim_plan *plan, FILE *file);
/* Drops faults and cuts time while it still fails in the same way. */
void sim_vector_shrink(struct sim_plan *plan);

#endif
