/* base.c: chance, memory of one schedule, traces and the verdict. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "core/log.h"
#include "tests/sim/sim.h"

#define ARENA_BYTES ((size_t)96 << 20)

static uint64_t streams[SIM_STREAMS];
static char *arena;
static size_t arena_used;
static char verdict[512];
bool sim_tracing;

void sim_seed(uint64_t seed)
{
    for (size_t i = 0; i < SIM_STREAMS; i++) { /* splitmix64: neighbouring seeds share nothing */
        uint64_t word = seed * UINT64_C(0x9e3779b97f4a7c15) + (i + 1) * UINT64_C(0xd1342543de82ef95);
        word = (word ^ (word >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        word = (word ^ (word >> 27)) * UINT64_C(0x94d049bb133111eb);
        streams[i] = (word ^ (word >> 31)) | 1;
    }
}

uint32_t sim_draw(enum sim_stream stream, uint32_t below)
{
    uint64_t x = streams[stream]; /* xorshift64* */
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    streams[stream] = x;
    return (uint32_t)(((x * UINT64_C(0x2545f4914f6cdd1d)) >> 32) * below >> 32);
}

void *sim_alloc(size_t size)
{
    if (arena == NULL) {
        arena = mmap(NULL, ARENA_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                     -1, 0);
        assert(arena != MAP_FAILED);
    }
    size = (size + 15) & ~(size_t)15;
    assert(size <= ARENA_BYTES - arena_used);
    void *block = arena + arena_used;
    arena_used += size;
    return block;
}

void sim_arena_reset(void)
{
    arena_used = 0;
}

size_t sim_arena_used(void)
{
    return arena_used;
}

/* ---- verdict and trace */
void sim_verdict_reset(void)
{
    verdict[0] = '\0';
}

static void print_line(const char *format, va_list args)
{
    const struct sim_process *self = sim_self();
    printf("%10.4f %-10s ", (double)sim_now() / 1e6, self == NULL ? "-" : self->name);
    vprintf(format, args);
    putchar('\n');
}

void sim_trace(const char *format, ...)
{
    if (sim_tracing) {
        va_list args;
        va_start(args, format);
        print_line(format, args);
        va_end(args);
    }
}

void sim_fail(const char *kind, const char *format, ...)
{
    if (sim_failed()) {
        return;
    }
    va_list args;
    va_start(args, format);
    size_t used = (size_t)snprintf(verdict, sizeof(verdict), "%s: ", kind);
    vsnprintf(verdict + used, sizeof(verdict) - used, format, args);
    va_end(args);
    sim_trace("FAILED %s", verdict);
}

bool sim_failed(void)
{
    return verdict[0] != '\0';
}

const char *sim_failure(void)
{
    return verdict;
}

/* ---- core/log.h: the daemons' logs are part of the trace */
void bf_log_init(const struct bf_log_options *options)
{
    (void)options;
}

void bf_log(enum bf_log_level level, const char *event, const char *format, ...)
{
    if (sim_tracing && level >= BF_LOG_INFO) {
        char text[600];
        va_list args;
        va_start(args, format);
        vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        sim_trace("%s %s", event, text);
    }
}

void bf_log_err(enum bf_log_level level, const char *event, const struct bf_err *err)
{
    (void)level;
    sim_trace("%s %s; %s", event, err->message, err->detail);
}
