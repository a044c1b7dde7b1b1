/* storm_inside.h: what the files of the storm share (storm.c: the plan and its course, storm_kinds.c: what
 * each kind of fault does, storm_peers.c: what that means for the peers).
 * Owner: storm.h's.   Thread: main.   Errors: they fail the test. */
#ifndef BF_TESTS_E2E_STORM_INSIDE_H
#define BF_TESTS_E2E_STORM_INSIDE_H

#include "tests/e2e/storm.h"

/* What is hit: a daemon, a peer, or a cable between the two. One fault at a time on each. */
struct storm_target {
    int daemon, peer; /* -1: none */
};

struct storm_strike {
    bool used;
    enum storm_kind kind;
    struct storm_target target;
    int64_t end_us;
    bool ending; /* its peer starts */
};

enum hits { HITS_DAEMON, HITS_PEER, HITS_CABLE };

struct storm_row {
    const char *name;
    enum hits hits;
    int which; /* a daemon's kind, or a peer */
    int least_ms, most_ms, weight;
    void (*begin)(struct storm *, struct storm_strike *);
    bool (*end)(struct storm *, struct storm_strike *);
};

extern const struct storm_row storm_rows[STORM_KINDS];

/* storm_peers.c */
struct bf_peer *storm_peer(struct town *town, int peer);
/* Starts it (again: asks whether it has started); false while it does not answer yet. */
bool storm_bring(struct bf_peer *peer, bool again);
/* In order, and on the same port. */
void storm_restart_broker(struct town *town);
void storm_disk(struct town *town, int peer, bool full);
/* A copy of its append-only file, as a backup takes it from a running server. */
void storm_save_redis(struct town *town, char saved[300]);
/* Killed; its file is what it was at the save (taken now where there is none). It does not run yet. */
void storm_restore_redis(struct town *town, char saved[300]);

#endif
