/* wraps.c: what belfry's code asks of the kernel, by the linker's --wrap: time, randomness, waiting. Where no
 * process runs, the kernel itself answers. */
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>

#include "peers/http/http.h"
#include "tests/sim/sim.h"

int __real_clock_gettime(clockid_t clock, struct timespec *time);
int __wrap_clock_gettime(clockid_t clock, struct timespec *time);
ssize_t __wrap_getrandom(void *bytes, size_t size, unsigned flags);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout_ms);
int __wrap_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const void *mask);
int __wrap_pthread_cond_wait(pthread_cond_t *changed, pthread_mutex_t *lock);

int __wrap_clock_gettime(clockid_t clock, struct timespec *time)
{
    const struct sim_process *self = sim_self();
    if (self == NULL) {
        return __real_clock_gettime(clock, time);
    }
    int64_t us = clock == CLOCK_REALTIME ? SIM_EPOCH_US + sim_now() + self->skew_us
                                         : 10000 * SECOND + sim_now() - self->start_us;
    *time = (struct timespec){.tv_sec = us / SECOND, .tv_nsec = us % SECOND * 1000};
    return 0;
}

ssize_t __wrap_getrandom(void *bytes, size_t size, unsigned flags)
{
    (void)flags;
    for (size_t i = 0; i < size; i++) {
        ((unsigned char *)bytes)[i] = (unsigned char)sim_draw(SIM_KERNEL, 256);
    }
    return (ssize_t)size;
}

int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    (void)fds;
    (void)count;
    sim_wait(sim_now() + sim_stretch(timeout_ms));
    return 0;
}

int __wrap_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const void *mask)
{
    (void)fds;
    (void)count;
    (void)mask;
    sim_wait(sim_now() + (int64_t)timeout->tv_sec * SECOND + timeout->tv_nsec / 1000);
    return 0;
}

/* Here nobody is left who could end that. */
int __wrap_pthread_cond_wait(pthread_cond_t *changed, pthread_mutex_t *lock)
{
    (void)changed;
    (void)lock;
    sim_fail("waits", "%s took a message before its start was through", sim_self()->name);
    sim_wait(INT64_MAX);
    return 0;
}

/* ---- what a daemon has that nobody asks for here */
enum bf_status bf_http_start(const char *listen, struct bf_counters *counters, struct bf_health *health,
                             struct bf_http **http, struct bf_err *err)
{
    (void)listen;
    (void)counters;
    (void)health;
    (void)err;
    *http = NULL;
    return BF_OK;
}

uint16_t bf_http_port(const struct bf_http *http)
{
    (void)http;
    return 0;
}

void bf_http_stop(struct bf_http *http)
{
    (void)http;
}

bool bf_daemon_stopping(void)
{
    return sim_self()->stopping;
}
