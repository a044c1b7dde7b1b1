/* storm_peers.h: what a storm does to the peers themselves.   Owner: storm.c.   Thread: main.
 * Errors: they fail the test. */
#ifndef BF_TESTS_E2E_STORM_PEERS_H
#define BF_TESTS_E2E_STORM_PEERS_H

#include "tests/e2e/town.h"

struct bf_peer *storm_peer(struct town *town, int peer);
/* Starts it (again: asks whether it has started); false while it does not answer yet. */
bool storm_bring(struct bf_peer *peer, bool again);
/* In order, and on the same port. Devices hold still meanwhile: what they sent is acknowledged before. */
void storm_restart_broker(struct town *town);
void storm_disk(struct town *town, int peer, bool full);
/* A copy of its append-only file, as a backup takes it from a running server. */
void storm_save_redis(struct town *town, char saved[300]);
/* Killed; its file is what it was at the save (taken now where there is none). It does not run yet. */
void storm_restore_redis(struct town *town, char saved[300]);

#endif
