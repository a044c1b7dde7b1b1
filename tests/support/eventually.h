/* eventually.h: waiting with a bound for something to become true. The only way in which a test waits:
 * a fixed pause is too short on a busy machine and too long on every other.
 *
 *     assert_true(bf_eventually(has_arrived, &count, 5000));
 *     BF_EVENTUALLY(bf_counter_read(seen) == 3, 5000);      fails the cmocka test at the line it stands
 *
 * BELFRY_TEST_SLOWNESS=10 in the environment makes every bound ten times as long (valgrind, busy machines).
 * Thread: any. */
#ifndef BF_TESTS_EVENTUALLY_H
#define BF_TESTS_EVENTUALLY_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "core/time.h"

/* The moment (monotonic) at which a bound that begins now ends. */
static inline int64_t bf_deadline_us(int timeout_ms)
{
    const char *slowness = getenv("BELFRY_TEST_SLOWNESS");
    int64_t factor = slowness ? strtoll(slowness, NULL, 10) : 1;
    return bf_time_monotonic_us() + timeout_ms * BF_US_PER_MS * (factor > 0 ? factor : 1);
}

/* Gives way for 2 ms; false once the deadline is over. */
static inline bool bf_wait_turn(int64_t deadline_us)
{
    struct timespec turn = {.tv_nsec = 2000000};
    if (bf_time_monotonic_us() >= deadline_us) {
        return false;
    }
    ppoll(NULL, 0, &turn, NULL);
    return true;
}

static inline bool bf_eventually(bool (*condition)(void *), void *context, int timeout_ms)
{
    int64_t deadline_us = bf_deadline_us(timeout_ms);
    bool in_time = true;
    bool met;
    while (!(met = condition(context)) && in_time) {
        in_time = bf_wait_turn(deadline_us);
    }
    return met;
}

/* The same for any expression; once it has held it is not evaluated again. */
#define BF_EVENTUALLY(condition, timeout_ms)                  \
    do {                                                      \
        int64_t bf_until_us = bf_deadline_us(timeout_ms);     \
        bool bf_in_time = true;                               \
        bool bf_met;                                          \
        while (!(bf_met = (condition)) && bf_in_time) {       \
            bf_in_time = bf_wait_turn(bf_until_us);           \
        }                                                     \
        _assert_true(bf_met, #condition, __FILE__, __LINE__); \
    } while (0)

#endif
