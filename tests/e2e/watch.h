/* watch.h: how far each readings partition is worked off, read from the ticks that its task writes into
 * belfry.partials: how long nothing moved while processes came, went and were killed.
 * Owner: the test's static struct.   Thread: main.   Errors: it fails the test. */
#ifndef BF_TESTS_E2E_WATCH_H
#define BF_TESTS_E2E_WATCH_H

#include "tests/e2e/town.h"

#define WATCH_SOURCES 64

struct watch {
    struct bf_consumer *consumer;
    int32_t sources;
    int64_t clock_us[WATCH_SOURCES]; /* log time up to which it is worked off */
    int64_t moved_us[WATCH_SOURCES]; /* monotonic, when that was seen last to move */
    int64_t longest_us;              /* the longest that one has stood since watch_reset */
};

void watch_open(struct watch *watch, const struct town *town);
void watch_close(struct watch *watch);
/* Takes what has come; never waits. */
void watch_look(struct watch *watch);
void watch_reset(struct watch *watch);
/* Tends the town until every partition is worked off beyond that log time; how long it took, in ms. -1
 * where it takes longer than the bound. */
int watch_await(struct watch *watch, struct town *town, int64_t clock_us, int timeout_ms);

#endif
