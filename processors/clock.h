/* clock.h: the clock of one readings partition, computed from the log alone, and the ingest processes
 * ("writers") that move it.
 *
 * The clock is the smallest clock of the writers that are alive and never runs back. A writer is dead when
 * any other has written more than writer_timeout / tick_every ticks since its last one. A writer that never
 * had a clock holds the partition for hold_max, counted in those of its ticks that found the tick before
 * acknowledged everywhere.
 *
 * Owner:  a stage 1 task.   Thread: the task's.
 * Limits: max_writers of the city, at most BF_WRITERS_MAX; one more is refused (NULL). */
#ifndef BF_PROCESSORS_CLOCK_H
#define BF_PROCESSORS_CLOCK_H

#include "core/mp.h"
#include "core/record.h"
#include "processors/delivery.h"

#define BF_WRITERS_MAX 64

struct bf_writer {
    char id[BF_MAX_TEXT];
    size_t id_len;
    int64_t newest;           /* incarnation; what comes from an older one is dropped */
    bool ticked;              /* it takes part in the clock */
    int64_t clock_us;         /* its last one, BF_TIME_NONE before the first */
    int64_t tick_incarnation; /* of its last tick */
    int64_t flowing;          /* ticks of this incarnation that found the one before acknowledged */
    uint32_t since[BF_WRITERS_MAX]; /* ticks of each other writer since this one's last */
    struct bf_deliveries *deliveries;
};

struct bf_clock {
    int64_t now_us; /* BF_TIME_NONE before the first */
    struct bf_writer writers[BF_WRITERS_MAX];
    size_t count;
};

struct bf_clock_rules {
    int64_t tick_every_us, writer_timeout_us, hold_max_us;
    size_t max_writers;
};

void bf_clock_init(struct bf_clock *clock);
void bf_clock_deinit(struct bf_clock *clock);
/* The writer of that id, made where it is missing; NULL at the limit (or out of memory). */
struct bf_writer *bf_clock_writer(struct bf_clock *clock, const struct bf_clock_rules *rules,
                                  struct bf_slice id);
/* Takes one tick and returns the clock that it gives (clock->now_us is left to the caller, who still has
 * to flush under the old one). */
int64_t bf_clock_tick(struct bf_clock *clock, const struct bf_clock_rules *rules,
                      struct bf_writer *writer, const struct bf_tick *tick);
void bf_clock_save(const struct bf_clock *clock, struct bf_mp_writer *out);
enum bf_status bf_clock_load(struct bf_clock *clock, struct bf_mp_reader *in) BF_MUST_CHECK;

#endif
