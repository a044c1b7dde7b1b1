/* process.h: belfry-process: a member of the consumer group that shares out belfry.readings and
 * belfry.partials; one task per assigned partition.   Thread: main. */
#ifndef BF_PROCESSORS_RUN_PROCESS_H
#define BF_PROCESSORS_RUN_PROCESS_H

#include "core/daemon.h"

extern const struct bf_daemon bf_process_daemon;

#endif
