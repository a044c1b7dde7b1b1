/* pace.c: a bucket of turns, kept as one number: when the next turn would be if all were evenly apart, but
 * never more than `burst` turns ago.
 * Declined: a wait after each turn (a message that comes alone takes four turns of the gate, and would wait
 * at each). */
#include "ingest/pace.h"

#include <poll.h>
#include <time.h>

#include "core/time.h"

void bf_pace_turn(struct bf_pace *pace, int64_t now_us)
{
    int64_t oldest_us = now_us - pace->burst * pace->every_us;
    pace->due_us = (pace->due_us > oldest_us ? pace->due_us : oldest_us) + pace->every_us;
}

int64_t bf_pace_left(const struct bf_pace *pace, int64_t now_us)
{
    return pace->due_us - now_us;
}

void bf_pace_wait(const struct bf_pace *pace, int fd)
{
    int64_t left_us = bf_pace_left(pace, bf_time_monotonic_us());
    if (left_us > 0) {
        struct pollfd event = {.fd = fd, .events = POLLIN};
        const struct timespec left = {.tv_sec = left_us / BF_US_PER_S,
                                      .tv_nsec = left_us % BF_US_PER_S * 1000};
        (void)ppoll(&event, 1, &left, NULL); /* too short a wait does no harm */
    }
}
