/* absence.h: something is away for a while, under load, and comes back: how far behind `belfry:v1:meta` says
 * that the town is meanwhile, and how fast it catches up.
 *
 *     struct absence absence = {.what = ABSENT_REDIS, .away_ms = 20000};
 *     absence_run(&absence, &town, &watch);
 *
 * Owner: the caller's struct.   Thread: main.   Errors: as town.h: it fails the test. */
#ifndef BF_TESTS_E2E_ABSENCE_H
#define BF_TESTS_E2E_ABSENCE_H

#include "tests/e2e/watch.h"

enum absent { ABSENT_KAFKA, ABSENT_REDIS, ABSENT_INGEST, ABSENTS };

struct absence {
    enum absent what;
    int away_ms;
    /* Filled in. */
    int said_ms;     /* the most that meta said: behind the log, or log time behind the heartbeat */
    int catch_up_ms; /* from its return until Redis has what was sent before */
};

const char *absence_name(enum absent what);
void absence_run(struct absence *absence, struct town *town, struct watch *watch);
/* How many times as fast as the load it caught up. */
double absence_speed(const struct absence *absence);

#endif
