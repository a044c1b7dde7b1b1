/* clock.h: ingest's wall clock: CLOCK_REALTIME slewed against CLOCK_MONOTONIC. It never runs back; small
 * steps of the system clock are followed at a tenth of the pace of time, a step beyond max_jump is not
 * followed at all: the clock is then at fault, and no tick may be written until it is right again.
 *
 * Time is an argument (microseconds of both clocks), so tests need no waiting.
 * Owner: ingest.   Thread: `init`, `update` and `raise` main; bf_clock_wall any (two readers may differ by
 * one slewing step; whoever needs a time that never decreases keeps its last).   Errors: bf_clock_fault. */
#ifndef BF_INGEST_CLOCK_H
#define BF_INGEST_CLOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define BF_CLOCK_SLEW 10 /* a correction takes at most 1/10 of the time that passes */

enum bf_clock_fault { BF_CLOCK_RIGHT, BF_CLOCK_JUMPED, BF_CLOCK_BEHIND };

struct bf_clock {
    int64_t max_jump_us;
    int64_t monotonic_us;      /* of the last update */
    int64_t error_us;          /* real minus ours, at the last update */
    int64_t floor_us;          /* the last tick in the log said so */
    bool behind;               /* ... and it lies too far ahead to go on from there */
    _Atomic int64_t offset_us; /* wall = monotonic + offset */
};

void bf_clock_init(struct bf_clock *clock, int64_t real_us, int64_t monotonic_us, int64_t max_jump_us);
/* Follows the system clock; call it often (each turn of the main loop). */
void bf_clock_update(struct bf_clock *clock, int64_t real_us, int64_t monotonic_us);
/* The last tick in the log said `wall_us`: the clock goes on from there if that is at most max_jump / 2
 * ahead; otherwise it is at fault until it has come that near. */
void bf_clock_raise(struct bf_clock *clock, int64_t wall_us);
int64_t bf_clock_wall(const struct bf_clock *clock, int64_t monotonic_us);
enum bf_clock_fault bf_clock_fault(const struct bf_clock *clock);
/* A sentence for health and log. */
const char *bf_clock_fault_text(enum bf_clock_fault fault);

#endif
