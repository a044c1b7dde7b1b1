/* sim.h: belfry in one process and one thread, driven by a seed.
 *
 * The daemons are the real ones, from bf_ingest_daemon to redis.lua. What is simulated is what they stand
 * on: the machine (machine.c: processes that can be killed and stopped, their memory, time, randomness),
 * Kafka (kafka_*.c, in the place of peers/kafka), MQTT (mqtt_*.c, in the place of peers/mqtt), Redis
 * (redis_server.c, in the place of peers/redis). All seams are link-time: no line of belfry knows of this
 * folder.
 *
 * Every process is a set of fibers; a call into a seam is a point at which it may be made to wait, be
 * stopped or be killed. Time passes only while nobody has anything to do.
 * Owner: static, one world at a time.   Thread: one. */
#ifndef SIM_H
#define SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/counters.h"
#include "core/daemon.h"
#include "core/health.h"
#include "core/time.h"

#define SECOND BF_US_PER_S
#define SIM_EPOCH_US (INT64_C(1700000000) * SECOND) /* wall time at the start; the end of a window */
#define SIM_IDS 3                                   /* ingest ids; and instances of belfry-process */
#define SIM_INGESTS (2 * SIM_IDS) /* number and number + SIM_IDS run under one id, now and then at once */
#define SIM_PROCESSORS (2 * SIM_IDS)
#define SIM_SINKS 2
#define SIM_PROCESSES (SIM_INGESTS + SIM_PROCESSORS + SIM_SINKS + 1)

/* ---- chance: one stream for each part of the world, so that one event less leaves the others alone */
enum sim_stream {
    SIM_NET,
    SIM_CPU,
    SIM_DEVICES,
    SIM_KERNEL,
    SIM_BROKER,
    SIM_REDIS,
    SIM_SHAPE,
    SIM_MORE,
    SIM_STREAMS
};
void sim_seed(uint64_t seed);
uint32_t sim_draw(enum sim_stream stream, uint32_t below);
static inline int64_t sim_draw_us(enum sim_stream stream, int64_t below_us)
{
    return (int64_t)sim_draw(stream, (uint32_t)(below_us / 1000 + 1)) * 1000;
}

/* ---- processes and their fibers (machine.c) */
enum sim_kind { SIM_INGEST, SIM_PROCESSOR, SIM_SINK, SIM_OPERATOR };
enum sim_state { SIM_DOWN, SIM_UP };
struct sim_process {
    enum sim_kind kind;
    int number; /* of its kind */
    char name[16];
    const struct bf_daemon *daemon;
    enum sim_state state;
    int64_t back_us;   /* when it may start (again) */
    int64_t hung_us;   /* stopped until then; 0: it runs */
    int64_t woken_us;  /* when it was last stopped no more */
    int64_t silent_us; /* since when its threads stand still; INT64_MAX: they run */
    int64_t skew_us;   /* of its wall clock */
    int64_t start_us;  /* monotonic */
    bool stopping;     /* it was asked to end in order */
    int fuse;          /* seam calls until `fuse_kills` happens; 0: none */
    bool fuse_kills;   /* else it is stopped for fuse_us */
    int64_t fuse_us;
    bool fuse_twins;         /* when it hangs, another is started under its id */
    int64_t commit_hang_us;  /* so long it will be stopped within its next commit; 0: it will not */
    int64_t connect_hang_us; /* ... soon behind its next CONNECT */
    int connect_fuse;        /* so many seam calls behind its next CONNECT it dies; 0: it does not */
    unsigned starts, failures;
    struct bf_counters counters;
    struct bf_health health;
};
extern struct sim_process sim_processes[SIM_PROCESSES];
struct sim_process *sim_process(enum sim_kind kind, int number);
/* Whose call this is; NULL: the world's own. */
struct sim_process *sim_self(void);

typedef void (*sim_body)(void *context);
struct sim_fiber;
struct sim_fiber *sim_spawn(struct sim_process *process, sim_body body, void *context);
void sim_fiber_kill(struct sim_fiber *fiber); /* not the one that runs */
/* Waits until woken or `until_us`, whichever comes first; perhaps for nothing. */
void sim_wait(int64_t until_us);
void sim_wake(struct sim_process *process);
/* A step boundary. */
void sim_point(void);
/* kill -9. Returns unless the caller belongs to that process. */
void sim_kill(struct sim_process *process, const char *why);
void sim_hang(struct sim_process *process, int64_t for_us);
/* The caller's own process, here and now, where that field says so. */
void sim_hang_here(int64_t *for_us);
void sim_start(struct sim_process *process);
void sim_heap_reset_of(const struct sim_process *process);
/* How long a wait of that many milliseconds lasts on this slow machine. */
int64_t sim_stretch(int timeout_ms);

/* ---- time and the scheduler */
int64_t sim_now(void);
struct sim_timer {
    int64_t due_us; /* INT64_MAX: nothing to do */
    void (*fire)(void *context);
    void *context;
};
#define SIM_TIMERS 96
struct sim_timer *sim_timer(void (*fire)(void *context), void *context);
void sim_timer_free(struct sim_timer *timer);
/* Runs until that time, or until sim_fail. */
void sim_run(int64_t until_us);
/* Runs one fiber's body to its end, before the world begins. */
void sim_machine_reset(void);
size_t sim_heap_peak(void);

/* ---- memory of one schedule */
void *sim_alloc(size_t size);
void sim_arena_reset(void);
size_t sim_arena_used(void);

/* ---- verdicts */
extern bool sim_tracing;
void sim_trace(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The first one counts. */
void sim_fail(const char *kind, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool sim_failed(void);
const char *sim_failure(void);
void sim_verdict_reset(void);

/* ---- what the other parts do when a process dies */
void sim_kafka_forget(struct sim_process *process);
void sim_mqtt_forget(struct sim_process *process);
void sim_redis_forget(struct sim_process *process);

#endif
