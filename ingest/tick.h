/* tick.h: the ticks of one ingest process: how far it is, written every tick_every to every readings
 * partition whose last tick is acknowledged, so ticks never queue up and an outage is nobody's death.
 *
 * Where markers are used, a tick waits for the marker that is on its way, at most a quarter of tick_every,
 * and goes as soon as it is back: else every tick would carry the clock of the marker before.
 *
 * The clock is the send time of the last marker that came back, forgotten at each connection. Where nothing
 * has come from the broker for hold_max it goes on by wall time; time in which Kafka does not acknowledge
 * never counts, because a closed gate looks like a broker that is away; nor does time in which this process
 * was stopped: a round counts for two tick_every at most.
 *
 * Owner: ingest.   Thread: main, but for clock, raise and heard (any).   Limits: one tick a partition. */
#ifndef BF_INGEST_TICK_H
#define BF_INGEST_TICK_H

#include <stdatomic.h>
#include <stdint.h>

#include "core/err.h"
#include "core/record.h"

/* The producer as a ticker sees it; tests bring their own. */
struct bf_tick_port {
    enum bf_status (*send)(void *context, int32_t partition, const struct bf_tick *tick, uint64_t *sequence,
                           struct bf_err *err);
    bool (*is_acked)(void *context, uint64_t sequence);
    uint64_t (*handed)(void *context);
    uint64_t (*acked)(void *context); /* contiguous low watermark */
    void *context;
};

struct bf_ticker {
    struct bf_tick_port port;
    int32_t partitions;
    int64_t tick_every_us, hold_max_us;
    bool marked;              /* markers move the clock */
    int64_t said_us;          /* the clock of the last round */
    uint64_t *last;           /* by partition: sequence of its newest tick; 0: none */
    uint64_t round;           /* newest sequence of the last round */
    int64_t last_us;          /* monotonic time of the last round */
    int64_t silent_us;        /* monotonic time since which silence counts */
    _Atomic int64_t clock_us; /* BF_TIME_NONE: no marker has come back */
    _Atomic int64_t heard_us; /* monotonic time at which the broker last sent something */
};

enum bf_status bf_ticker_init(struct bf_ticker *ticker, const struct bf_tick_port *port, int32_t partitions,
                              struct bf_err *err) BF_MUST_CHECK;
void bf_ticker_deinit(struct bf_ticker *ticker);
/* From the city in force. */
void bf_ticker_pace(struct bf_ticker *ticker, int64_t tick_every_us, int64_t hold_max_us);

/* A connection begins: no clock until a marker comes back. */
void bf_ticker_begin(struct bf_ticker *ticker, int64_t monotonic_us);
/* Never lowers. */
void bf_ticker_raise(struct bf_ticker *ticker, int64_t clock_us);
int64_t bf_ticker_clock(const struct bf_ticker *ticker);
void bf_ticker_heard(struct bf_ticker *ticker, int64_t monotonic_us);

/* The hello of a connection, to every partition; *mark is the sequence to wait for. `flows`, `hello` and
 * the clock are filled in here. AGAIN where the queue is full: call again with the same *next (0 first). */
enum bf_status bf_ticker_hello(struct bf_ticker *ticker, struct bf_tick tick, int32_t *next, uint64_t *mark,
                               struct bf_err *err) BF_MUST_CHECK;
bool bf_ticker_due(const struct bf_ticker *ticker, int64_t monotonic_us);
/* One round of ticks. *sent: how many partitions got one. `clock` and `flows` are filled in here. */
enum bf_status bf_ticker_round(struct bf_ticker *ticker, struct bf_tick tick, int64_t monotonic_us, int *sent,
                               struct bf_err *err) BF_MUST_CHECK;

#endif
