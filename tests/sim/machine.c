/* machine.c: the machine: fibers (ucontext), processes, time, timers.
 * Declined: threads under a lock (the kernel's scheduler has no seed) and one call stack per step (the
 * daemons wait in the middle of calls). */
#undef _FORTIFY_SOURCE /* its longjmp knows of one stack only */
#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "tests/sim/heap.h"
#include "tests/sim/world.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#define STACK_BYTES ((size_t)1 << 20)
#else
#define STACK_BYTES ((size_t)256 << 10)
#endif
#define FIBERS 48
#define JITTER_US (60 * BF_US_PER_MS)
#define JITTER_ONE_IN 24

struct sim_fiber {
    ucontext_t context;
    char *stack;
    struct sim_process *process;
    sim_body body;
    void *argument;
    int64_t wake_us;
    bool used, waits; /* waits: sim_wake may end it */
#ifdef __SANITIZE_ADDRESS__
    void *fake_stack;
#else
    jmp_buf jump;
    bool entered;
#endif
};

static struct sim_fiber fibers[FIBERS];
static size_t fibers_top; /* none is used from here on */
static struct sim_fiber *running;
#ifdef __SANITIZE_ADDRESS__
static ucontext_t scheduler;
#else
static jmp_buf scheduler;
#endif
static struct sim_timer timers[SIM_TIMERS];
static size_t timers_top;
static int64_t now_us;
struct sim_process sim_processes[SIM_PROCESSES];

int64_t sim_now(void)
{
    return now_us;
}

struct sim_process *sim_process(enum sim_kind kind, int number)
{
    static const int first[] = {0, SIM_INGESTS, SIM_INGESTS + SIM_PROCESSORS,
                                SIM_INGESTS + SIM_PROCESSORS + SIM_SINKS};
    return &sim_processes[first[kind] + number];
}

struct sim_process *sim_self(void)
{
    return running == NULL ? NULL : running->process;
}

/* ---- switching: a fiber is entered by setcontext, everything else is a jump (swapcontext asks the kernel
 * twice). Under the address sanitizer, which must be told, it is swapcontext. */
#ifdef __SANITIZE_ADDRESS__
static const void *scheduler_stack;
static size_t scheduler_size;

static void to_scheduler(bool for_good)
{
    struct sim_fiber *self = running;
    __sanitizer_start_switch_fiber(for_good ? NULL : &self->fake_stack, scheduler_stack, scheduler_size);
    if (for_good) {
        setcontext(&scheduler);
    }
    swapcontext(&self->context, &scheduler);
    __sanitizer_finish_switch_fiber(self->fake_stack, &scheduler_stack, &scheduler_size);
}

static void switch_to(struct sim_fiber *fiber)
{
    void *fake;
    __sanitizer_start_switch_fiber(&fake, fiber->stack, STACK_BYTES);
    swapcontext(&scheduler, &fiber->context);
    __sanitizer_finish_switch_fiber(fake, NULL, NULL);
}
#else
static void to_scheduler(bool for_good)
{
    if (for_good || _setjmp(running->jump) == 0) {
        _longjmp(scheduler, 1);
    }
}

static void switch_to(struct sim_fiber *fiber)
{
    if (_setjmp(scheduler) != 0) {
        return;
    }
    if (fiber->entered) {
        _longjmp(fiber->jump, 1);
    }
    fiber->entered = true;
    setcontext(&fiber->context);
}
#endif

static void enter(void)
{
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(NULL, &scheduler_stack, &scheduler_size);
#endif
    running->body(running->argument);
    running->used = false;
    to_scheduler(true);
}

static void resume(struct sim_fiber *fiber)
{
    running = fiber;
    sim_heap_use((int)(fiber->process - sim_processes));
    switch_to(fiber);
    running = NULL;
    sim_heap_use(-1);
}

struct sim_fiber *sim_spawn(struct sim_process *process, sim_body body, void *context)
{
    struct sim_fiber *fiber = fibers;
    while (fiber->used) {
        fiber++;
        assert(fiber < fibers + FIBERS);
    }
    fibers_top = (size_t)(fiber - fibers) >= fibers_top ? (size_t)(fiber - fibers) + 1 : fibers_top;
    if (fiber->stack == NULL) {
        fiber->stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        assert(fiber->stack != MAP_FAILED);
    }
    fiber->process = process;
    fiber->body = body;
    fiber->argument = context;
    fiber->wake_us = now_us;
    fiber->used = true;
    fiber->waits = false;
#ifndef __SANITIZE_ADDRESS__
    fiber->entered = false;
#endif
    getcontext(&fiber->context);
    fiber->context.uc_stack.ss_sp = fiber->stack;
    fiber->context.uc_stack.ss_size = STACK_BYTES;
    fiber->context.uc_link = NULL;
    makecontext(&fiber->context, enter, 0);
    return fiber;
}

void sim_fiber_kill(struct sim_fiber *fiber)
{
    assert(fiber != running);
    fiber->used = false;
}

/* ---- waiting */
static void sleep_until(int64_t until_us, bool waits)
{
    assert(running != NULL);
    running->wake_us = until_us > now_us ? until_us : now_us;
    running->waits = waits;
    to_scheduler(false);
}

void sim_wait(int64_t until_us)
{
    sleep_until(until_us, true);
}

/* How long after something has come its reader notices, at most: who gathers batches is in no hurry. */
static const int64_t notice_us[] = {
    [SIM_INGEST] = 4000, [SIM_PROCESSOR] = 80000, [SIM_SINK] = 900000, [SIM_OPERATOR] = 4000};

void sim_wake(struct sim_process *process)
{
    for (size_t i = 0; i < fibers_top; i++) {
        struct sim_fiber *fiber = &fibers[i];
        if (fiber->used && fiber->waits && fiber->process == process && fiber->wake_us > now_us) {
            int64_t soon_us = now_us + sim_draw_us(SIM_CPU, notice_us[process->kind]);
            fiber->wake_us = fiber->wake_us < soon_us ? fiber->wake_us : soon_us;
        }
    }
}

int64_t sim_stretch(int timeout_ms)
{
    int64_t us = (int64_t)timeout_ms * BF_US_PER_MS, longer_us = us * (int64_t)(20 + sim_draw(SIM_CPU, 40));
    return longer_us < 3 * SECOND ? longer_us : us > 3 * SECOND ? us : 3 * SECOND;
}

static void burn_fuse(struct sim_process *process)
{
    if (--process->fuse > 0) {
        return;
    }
    if (process->fuse_kills) {
        sim_kill(process, "fuse");
    } else {
        sim_hang(process, process->fuse_us);
        if (process->fuse_twins) {
            sim_faults_hung(process);
        }
        sleep_until(now_us, false); /* gives the others the word */
    }
}

void sim_hang_here(int64_t *for_us)
{
    if (*for_us > 0) {
        sim_hang(sim_self(), *for_us);
        *for_us = 0;
        sleep_until(now_us, false);
    }
}

void sim_point(void)
{
    struct sim_process *process = sim_self();
    if (process == NULL) {
        return;
    }
    if (process->fuse > 0) {
        burn_fuse(process);
    }
    if (sim_draw(SIM_CPU, JITTER_ONE_IN) == 0) {
        sleep_until(now_us + sim_draw_us(SIM_CPU, JITTER_US), false);
    }
}

/* ---- processes */
static void live(void *context)
{
    struct sim_process *process = context;
    struct bf_daemon_context daemon = {
        .config_path = process->name, .counters = &process->counters, .health = &process->health};
    struct bf_err err = {.message = ""};
    void *self = NULL;
    enum bf_status status = process->daemon->open(&daemon, &self, &err);
    bool opened = status == BF_OK;
    while (opened && (status == BF_OK || status == BF_AGAIN) && !process->stopping) {
        sim_point();
        status = process->daemon->step(self, &err);
    }
    bool orderly = opened && (status == BF_OK || status == BF_AGAIN);
    sim_trace("%s ends: %s%s%s", process->name, orderly ? "asked to" : err.message, *err.detail ? "; " : "",
              err.detail);
    process->failures += orderly ? 0 : 1;
    if (opened) {
        process->daemon->close(self);
    }
    sim_kill(process, "its end");
}

void sim_start(struct sim_process *process)
{
    assert(process->state == SIM_DOWN);
    sim_heap_reset_of(process);
    process->state = SIM_UP;
    process->hung_us = 0;
    process->silent_us = INT64_MAX;
    process->fuse = 0;
    process->fuse_twins = process->stopping = false;
    process->start_us = now_us - sim_draw_us(SIM_CPU, 1000 * SECOND);
    process->starts++;
    process->counters.used = 0;
    process->health.used = 0;
    sim_trace("%s starts", process->name);
    sim_spawn(process, live, process);
}

void sim_kill(struct sim_process *process, const char *why)
{
    if (process->state == SIM_DOWN) {
        return;
    }
    sim_trace("%s is gone: %s", process->name, why);
    process->state = SIM_DOWN;
    process->silent_us = now_us < process->silent_us ? now_us : process->silent_us;
    process->hung_us = 0;
    if (process->back_us < now_us) {
        process->back_us = now_us + sim_draw_us(SIM_CPU, 2 * SECOND);
    }
    sim_kafka_forget(process);
    sim_mqtt_forget(process);
    sim_redis_forget(process);
    for (size_t i = 0; i < fibers_top; i++) {
        fibers[i].used = fibers[i].used && fibers[i].process != process;
    }
    if (running != NULL && running->process == process) {
        to_scheduler(true);
    }
}

void sim_hang(struct sim_process *process, int64_t for_us)
{
    if (process->state == SIM_UP && process->hung_us == 0) {
        sim_trace("%s hangs for %.1f s", process->name, (double)for_us / 1e6);
        process->hung_us = now_us + for_us;
        process->silent_us = now_us;
    }
}

/* ---- timers */
struct sim_timer *sim_timer(void (*fire)(void *context), void *context)
{
    for (size_t i = 0; i < SIM_TIMERS; i++) {
        if (timers[i].fire == NULL) {
            timers[i] = (struct sim_timer){.due_us = INT64_MAX, .fire = fire, .context = context};
            timers_top = i >= timers_top ? i + 1 : timers_top;
            return &timers[i];
        }
    }
    abort();
}

void sim_timer_free(struct sim_timer *timer)
{
    timer->fire = NULL;
    timer->due_us = INT64_MAX;
}

/* ---- the scheduler: whoever is due first */
static struct sim_fiber *first_fiber(int64_t *due_us)
{
    struct sim_fiber *first = NULL;
    for (size_t i = 0; i < fibers_top; i++) {
        struct sim_fiber *fiber = &fibers[i];
        if (!fiber->used) {
            continue;
        }
        int64_t wake_us = fiber->wake_us;
        int64_t hung_us = fiber->process->hung_us;
        wake_us = hung_us > wake_us ? hung_us : wake_us;
        if (wake_us < *due_us) {
            *due_us = wake_us;
            first = fiber;
        }
    }
    return first;
}

static struct sim_timer *first_timer(int64_t *due_us)
{
    struct sim_timer *first = NULL;
    for (size_t i = 0; i < timers_top; i++) {
        if (timers[i].due_us < *due_us) {
            *due_us = timers[i].due_us;
            first = &timers[i];
        }
    }
    return first;
}

void sim_run(int64_t until_us)
{
    while (!sim_failed()) {
        int64_t due_us = until_us;
        struct sim_fiber *fiber = first_fiber(&due_us);
        struct sim_timer *timer = first_timer(&due_us);
        if (fiber == NULL && timer == NULL) {
            now_us = until_us > now_us ? until_us : now_us;
            return;
        }
        now_us = due_us > now_us ? due_us : now_us;
        if (timer != NULL) {
            timer->due_us = INT64_MAX;
            timer->fire(timer->context);
        } else {
            if (fiber->process->hung_us != 0) { /* SIGCONT */
                sim_trace("%s goes on", fiber->process->name);
                fiber->process->hung_us = 0;
                fiber->process->woken_us = now_us;
                fiber->process->silent_us = INT64_MAX;
            }
            resume(fiber);
        }
    }
}

void sim_machine_reset(void)
{
    for (size_t i = 0; i < FIBERS; i++) {
        fibers[i].used = false;
    }
    fibers_top = 0;
    memset(timers, 0, sizeof(timers));
    timers_top = 0;
    now_us = 0;
    running = NULL;
    sim_heap_use(-1);
    for (int i = 0; i < SIM_PROCESSES; i++) {
        struct sim_process *process = &sim_processes[i];
        *process = (struct sim_process){.kind = process->kind,
                                        .number = process->number,
                                        .daemon = process->daemon,
                                        .silent_us = 0,
                                        .health = process->health};
        static const char *const names[] = {"ingest", "process", "sink", "operator"};
        static const int counts[] = {SIM_INGESTS, SIM_PROCESSORS, SIM_SINKS, 1};
        int number = i, kind = 0;
        while (number >= counts[kind]) {
            number -= counts[kind++];
        }
        process->kind = (enum sim_kind)kind;
        process->number = number;
        snprintf(process->name, sizeof(process->name), "%s-%d", names[kind], number);
        sim_heap_reset(i);
    }
}
