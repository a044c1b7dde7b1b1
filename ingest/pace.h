/* pace.h: how often a thread that loops may wake. Under load it waits until a turn's worth of work has come,
 * so that many small events cost one turn; a few turns at once are free, so what comes alone does not wait.
 * Owner: creator.   Thread: one. */
#ifndef BF_INGEST_PACE_H
#define BF_INGEST_PACE_H

#include <stdint.h>

struct bf_pace {
    int64_t every_us; /* one turn in this time, in the long run */
    int64_t burst;    /* turns that may follow each other at once after a rest */
    int64_t due_us;   /* begin with 0 */
};

/* A turn was made. */
void bf_pace_turn(struct bf_pace *pace, int64_t now_us);
/* How long the next turn is to wait; 0 or less: not at all. */
int64_t bf_pace_left(const struct bf_pace *pace, int64_t now_us);
/* Waits for that long; ends early when `fd` (-1: none) can be read, or at a signal. */
void bf_pace_wait(const struct bf_pace *pace, int fd);

#endif
