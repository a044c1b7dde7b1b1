/* clock.c: the slewed clock.
 * Declined: CLOCK_REALTIME itself (an operator's `date -s` would send thousands of readings into windows
 * that have closed) and CLOCK_MONOTONIC plus a start offset (hours of drift). */
#include "ingest/clock.h"

#include <assert.h>

void bf_clock_init(struct bf_clock *clock, int64_t real_us, int64_t monotonic_us, int64_t max_jump_us)
{
    clock->max_jump_us = max_jump_us;
    clock->monotonic_us = monotonic_us;
    clock->error_us = 0;
    clock->floor_us = real_us;
    clock->behind = false;
    atomic_store(&clock->offset_us, real_us - monotonic_us);
}

static bool jumped(const struct bf_clock *clock)
{
    return clock->error_us > clock->max_jump_us || clock->error_us < -clock->max_jump_us;
}

static int64_t clamp(int64_t value, int64_t bound)
{
    return value > bound ? bound : value < -bound ? -bound : value;
}

/* Ours is never set back: where the floor lies a little ahead we go on from it, and slewing does the rest. */
static void lift(struct bf_clock *clock)
{
    int64_t missing = clock->floor_us - bf_clock_wall(clock, clock->monotonic_us);
    clock->behind = missing > clock->max_jump_us / 2;
    if (missing > 0 && !clock->behind) {
        atomic_fetch_add(&clock->offset_us, missing);
        clock->error_us -= missing;
    }
}

void bf_clock_update(struct bf_clock *clock, int64_t real_us, int64_t monotonic_us)
{
    int64_t elapsed = monotonic_us - clock->monotonic_us;
    assert(elapsed >= 0);
    clock->monotonic_us = monotonic_us;
    clock->error_us = real_us - bf_clock_wall(clock, monotonic_us);
    if (!jumped(clock)) { /* else on by the monotonic clock, until the system clock is back */
        int64_t step = clamp(clock->error_us, elapsed / BF_CLOCK_SLEW);
        atomic_fetch_add(&clock->offset_us, step);
        clock->error_us -= step;
    }
    lift(clock);
}

void bf_clock_raise(struct bf_clock *clock, int64_t wall_us)
{
    if (wall_us > clock->floor_us) {
        clock->floor_us = wall_us;
        lift(clock);
    }
}

int64_t bf_clock_wall(const struct bf_clock *clock, int64_t monotonic_us)
{
    return monotonic_us + atomic_load_explicit(&clock->offset_us, memory_order_relaxed);
}

enum bf_clock_fault bf_clock_fault(const struct bf_clock *clock)
{
    return jumped(clock) ? BF_CLOCK_JUMPED : clock->behind ? BF_CLOCK_BEHIND : BF_CLOCK_RIGHT;
}

const char *bf_clock_fault_text(enum bf_clock_fault fault)
{
    static const char *const text[] = {
        [BF_CLOCK_RIGHT] = "right",
        [BF_CLOCK_JUMPED] =
            "the system clock jumped by more than max_jump; no ticks until it is back, or restart",
        [BF_CLOCK_BEHIND] =
            "the system clock is behind this id's last tick in the log; no ticks until it has caught up",
    };
    return text[fault];
}
