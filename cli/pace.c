/* Why: replays and simulations hold a pace and end on one Ctrl-C with their sums printed.
 * Declined: absolute timers; ppoll on a deadline is interrupted by the very signals it should see. */
#include "cli/pace.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/time.h"

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
    (void)number;
    stopped = 1;
}

enum bf_status bf_pace_parse(struct bf_slice text, double *speed, struct bf_err *err)
{
    char copy[32];
    if (bf_slice_equal(text, BF_SLICE("max"))) {
        *speed = 0;
        return BF_OK;
    }
    snprintf(copy, sizeof copy, "%.*s", BF_SLICE_ARG(text));
    char *end = copy;
    errno = 0;
    *speed = strtod(copy, &end);
    end += *end == 'x';
    if (text.len >= sizeof copy || end == copy || *end != '\0' || errno || !(*speed > 0 && *speed <= 1e6)) {
        return bf_err_set(err, BF_CONFIG,
                          "--speed: expected a number such as 1, 10x or 0.5x, or max, not \"%.*s\"",
                          BF_SLICE_ARG(text));
    }
    return BF_OK;
}

void bf_pace_start(struct bf_pace *pace, double speed, int64_t first_us)
{
    *pace = (struct bf_pace){.speed = speed, .first_us = first_us, .started_us = bf_time_monotonic_us()};
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool bf_pace_stopped(void)
{
    return stopped != 0;
}

bool bf_pace_idle(int milliseconds)
{
    struct timespec span = {.tv_sec = milliseconds / 1000, .tv_nsec = (long)(milliseconds % 1000) * 1000000L};
    if (!stopped) {
        ppoll(NULL, 0, &span, NULL);
    }
    return !stopped;
}

int64_t bf_pace_now(const struct bf_pace *pace)
{
    int64_t passed = bf_time_monotonic_us() - pace->started_us;
    return pace->first_us + (int64_t)((double)passed * (pace->speed > 0 ? pace->speed : 1));
}

bool bf_pace_wait(const struct bf_pace *pace, int64_t due_us)
{
    while (!stopped && pace->speed > 0) {
        double left_us = (double)(due_us - bf_pace_now(pace)) / pace->speed;
        if (left_us <= 0) {
            break;
        }
        int milliseconds = left_us > 200000 ? 200 : (int)(left_us / 1000) + 1;
        bf_pace_idle(milliseconds);
    }
    return !stopped;
}
