/* storm.h: faults of every kind at instants drawn from a seed, under load, several at a time; afterwards
 * everything is left running again. The plan (which fault, on whom, how long after the one before, for how
 * long) depends on the seed alone; what it meets does not, since programs run as fast as they can.
 *
 *     struct storm storm = {.town = &town, .seed = seed, .faults = 16, .gap_ms = 3000};
 *     storm_plan(&storm); town_run(&town); town_devices(&town, ...);
 *     storm_blow(&storm);                         every fault is over and every daemon is ready
 *
 * mosquitto is only restarted in order: what it loses when it is killed is lost before belfry's promise
 * begins. Before it restarts the devices are cut off and have all their answers, so that none of them sends a
 * message that it has.
 * Owner: the test's static struct.   Thread: main.   Limits: STORM_FAULTS_MAX.
 * Errors: as town.h: it fails the test that calls it. */
#ifndef BF_TESTS_E2E_STORM_H
#define BF_TESTS_E2E_STORM_H

#include "tests/e2e/town.h"

#define STORM_FAULTS_MAX 5000

enum storm_kind {
    STORM_KILL_INGEST,
    STORM_KILL_PROCESS,
    STORM_KILL_SINK,
    STORM_KILL_KAFKA,
    STORM_KILL_REDIS,
    STORM_STOP_INGEST,  /* SIGSTOP, and goes on later: */
    STORM_STOP_PROCESS, /* for longer than the session, so a zombie */
    STORM_STOP_SINK,
    STORM_STOP_KAFKA,
    STORM_STOP_REDIS,
    STORM_RESTART_MQTT,
    STORM_FULL_KAFKA,
    STORM_FULL_REDIS,
    STORM_RESTORE_REDIS, /* killed, and comes back with an older save */
    STORM_CUT,           /* nothing passes between one daemon and one peer */
    STORM_HALF_CUT,      /* in one direction */
    STORM_REFUSE,        /* every connection between them is reset */
    STORM_ABSENT_INGEST, /* away for longer than `writer_timeout`: only where `absences` says so */
    STORM_KINDS
};

struct storm_fault {
    enum storm_kind kind;
    uint32_t choice;       /* which of those that it can hit */
    int gap_ms, length_ms; /* after the one before has begun; of the fault */
};

struct storm_strike;

struct storm {
    struct town *town;
    uint64_t seed;
    int faults, gap_ms; /* how many, and how far apart on average */
    bool absences;
    int64_t until_us; /* monotonic; no fault begins later; 0: no bound */
    void (*progress)(void *context, int number, const char *words); /* may be NULL */
    void *context;
    /* Filled in. */
    struct storm_fault plan[STORM_FAULTS_MAX];
    int begun, counts[STORM_KINDS], overlapping;
    char saved[300]; /* an older save of Redis; "": none yet */
};

const char *storm_kind_name(enum storm_kind kind);
/* The town for a storm: two ingest processes, three processors, a relay on every cable, and disks for Kafka
 * and Redis that can run full, where such disks can be had: where not, it says so. As town_build. */
bool storm_build(struct town *town);
void storm_plan(struct storm *storm);
void storm_blow(struct storm *storm);

#endif
