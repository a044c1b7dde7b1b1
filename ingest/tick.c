/* tick.c: the rules of tick.h; each has its counter-example in docs/ARCHITECTURE.md ("Time").
 * Declined: catching up on missed ticks: a task counts the ticks of others to find a dead writer, so a burst
 * after an outage would declare its neighbours dead. */
#include "ingest/tick.h"

#include <stdlib.h>

enum bf_status bf_ticker_init(struct bf_ticker *ticker, const struct bf_tick_port *port, int32_t partitions,
                              struct bf_err *err)
{
    ticker->port = *port;
    ticker->partitions = partitions;
    ticker->tick_every_us = ticker->hold_max_us = 0;
    ticker->round = 0;
    ticker->last_us = ticker->silent_us = 0;
    ticker->marked = false;
    ticker->said_us = BF_TIME_NONE;
    atomic_store(&ticker->clock_us, BF_TIME_NONE);
    atomic_store(&ticker->heard_us, 0);
    ticker->last = calloc((size_t)partitions, sizeof *ticker->last);
    return ticker->last ? BF_OK : bf_err_set(err, BF_FATAL, "out of memory");
}

void bf_ticker_deinit(struct bf_ticker *ticker)
{
    free(ticker->last);
    ticker->last = NULL;
}

void bf_ticker_pace(struct bf_ticker *ticker, int64_t tick_every_us, int64_t hold_max_us)
{
    ticker->tick_every_us = tick_every_us;
    ticker->hold_max_us = hold_max_us;
}

void bf_ticker_begin(struct bf_ticker *ticker, int64_t monotonic_us)
{
    atomic_store(&ticker->clock_us, BF_TIME_NONE);
    ticker->silent_us = monotonic_us;
}

void bf_ticker_raise(struct bf_ticker *ticker, int64_t clock_us)
{
    int64_t now = atomic_load(&ticker->clock_us);
    while (now < clock_us && !atomic_compare_exchange_weak(&ticker->clock_us, &now, clock_us)) {
    }
}

int64_t bf_ticker_clock(const struct bf_ticker *ticker)
{
    return atomic_load(&ticker->clock_us);
}

void bf_ticker_heard(struct bf_ticker *ticker, int64_t monotonic_us)
{
    atomic_store_explicit(&ticker->heard_us, monotonic_us, memory_order_relaxed);
}

static enum bf_status send(struct bf_ticker *ticker, int32_t partition, const struct bf_tick *tick,
                           struct bf_err *err)
{
    enum bf_status status =
        ticker->port.send(ticker->port.context, partition, tick, &ticker->last[partition], err);
    if (status == BF_OK && ticker->last[partition] > ticker->round) {
        ticker->round = ticker->last[partition];
    }
    return status;
}

/* Before the ticks are handed over, so that everything behind which the clock stands is in front of them. */
static void set_clock(const struct bf_ticker *ticker, struct bf_tick *tick)
{
    int64_t clock = bf_ticker_clock(ticker);
    tick->has_clock = clock != BF_TIME_NONE;
    tick->clock_us = tick->has_clock ? clock : 0;
}

enum bf_status bf_ticker_hello(struct bf_ticker *ticker, struct bf_tick tick, int32_t *next, uint64_t *mark,
                               struct bf_err *err)
{
    tick.hello = true;
    tick.flows = false;
    set_clock(ticker, &tick);
    for (; *next < ticker->partitions; (*next)++) {
        enum bf_status status = send(ticker, *next, &tick, err);
        if (status != BF_OK) {
            return status;
        }
    }
    *mark = ticker->round;
    return BF_OK;
}

bool bf_ticker_due(const struct bf_ticker *ticker, int64_t monotonic_us)
{
    int64_t since_us = monotonic_us - ticker->last_us, clock_us = bf_ticker_clock(ticker);
    if (!ticker->marked || clock_us == BF_TIME_NONE) {
        return since_us >= ticker->tick_every_us;
    }
    int64_t quarter_us = ticker->tick_every_us / 4; /* markers do not come back to the millisecond */
    return since_us >= ticker->tick_every_us + (clock_us > ticker->said_us ? -quarter_us : quarter_us);
}

/* What this process slept is no silence: what came meanwhile stands in its socket. */
static void forget_sleep(struct bf_ticker *ticker, int64_t before_us, int64_t monotonic_us)
{
    int64_t since_us = before_us > ticker->silent_us ? before_us : ticker->silent_us;
    int64_t slept_us = monotonic_us - since_us - 2 * ticker->tick_every_us;
    ticker->silent_us += slept_us > 0 ? slept_us : 0;
}

/* Silence counts only while Kafka acknowledges everything. True when it has lasted for hold_max. */
static bool held_out(struct bf_ticker *ticker, int64_t before_us, int64_t monotonic_us)
{
    bool answered = ticker->port.acked(ticker->port.context) == ticker->port.handed(ticker->port.context);
    int64_t heard = atomic_load_explicit(&ticker->heard_us, memory_order_relaxed);
    if (heard > ticker->silent_us) {
        ticker->silent_us = heard;
    }
    forget_sleep(ticker, before_us, monotonic_us);
    if (!answered) {
        ticker->silent_us = monotonic_us;
    }
    return monotonic_us - ticker->silent_us > ticker->hold_max_us;
}

enum bf_status bf_ticker_round(struct bf_ticker *ticker, struct bf_tick tick, int64_t monotonic_us, int *sent,
                               struct bf_err *err)
{
    int64_t before_us = ticker->last_us;
    ticker->last_us = monotonic_us;
    *sent = 0;
    if (held_out(ticker, before_us, monotonic_us)) {
        bf_ticker_raise(ticker, tick.wall_us);
    }
    tick.hello = false;
    tick.flows = ticker->port.acked(ticker->port.context) >= ticker->round;
    set_clock(ticker, &tick);
    ticker->said_us = tick.has_clock ? tick.clock_us : BF_TIME_NONE;
    for (int32_t p = 0; p < ticker->partitions; p++) {
        if (ticker->last[p] != 0 && !ticker->port.is_acked(ticker->port.context, ticker->last[p])) {
            continue;
        }
        enum bf_status status = send(ticker, p, &tick, err);
        if (status == BF_AGAIN) { /* the queue is full: a tick that waits would only be old */
            return BF_OK;
        }
        if (status != BF_OK) {
            return status;
        }
        (*sent)++;
    }
    return BF_OK;
}
