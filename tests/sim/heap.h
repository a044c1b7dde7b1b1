/* heap.h: the memory of simulated processes: what belfry's code allocates (malloc and its kin, by the
 * linker's --wrap) comes from the heap of the process whose fiber runs, and goes whole when that process
 * dies.
 * Owner: static.   Thread: one.   Limits: SIM_HEAP_BYTES a process; beyond it malloc answers NULL. */
#ifndef SIM_HEAP_H
#define SIM_HEAP_H

#include <stddef.h>

#define SIM_HEAP_BYTES ((size_t)256 << 20)

void sim_heap_use(int process); /* -1: the world's own code, which has libc's */
void sim_heap_reset(int process);

#endif
