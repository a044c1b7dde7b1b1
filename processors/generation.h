/* generation.h: the configurations that a task knows, in the order of their generations. A window belongs to
 * the newest one whose `from` is not after its start; the oldest known also has all that began before.
 *
 * Owner:  the task.   Thread: the task's.
 * Limits: BF_GENERATIONS_MAX at once; one more drops the oldest (its windows go on in their slots). */
#ifndef BF_PROCESSORS_GENERATION_H
#define BF_PROCESSORS_GENERATION_H

#include "processors/clock.h"
#include "processors/window.h"

#define BF_GENERATIONS_MAX 64

struct bf_generation_known {
    int64_t generation;
    int64_t
        from_us; /* stage 1: never before the windows that had begun when the partition learned of it */
    const struct bf_kpi_plan *plan;
    uint32_t *slots; /* of each KPI of the plan */
};

struct bf_generations {
    struct bf_generation_known list[BF_GENERATIONS_MAX]; /* ascending */
    size_t count;
};

/* What the newest known generation says; defaults before the first. */
struct bf_settings {
    struct bf_clock_rules clock;
    int64_t emit_every_us, device_every_us;
    uint64_t live_scopes, max_windows, max_state, max_scopes, max_sources, max_devices;
};

struct bf_settings bf_generations_settings(const struct bf_generations *generations);
int64_t bf_generations_newest(const struct bf_generations *generations); /* 0 before the first */
bool bf_generations_known(const struct bf_generations *generations, int64_t generation);
/* Adds it and makes its slots; `stage1`: these also of KPIs by device, which stage 1 finishes. */
enum bf_status bf_generations_learn(struct bf_generations *generations, struct bf_windows *windows,
                                    const struct bf_kpi_plan *plan, int64_t from_us, bool stage1,
                                    int64_t now_us, struct bf_err *err) BF_MUST_CHECK;
/* Forgets those that no reading can reach any more at now_us, and their slots. */
void bf_generations_prune(struct bf_generations *generations, struct bf_windows *windows,
                          int64_t now_us);
/* The one that a window with this start belongs to; NULL before the first is known. */
const struct bf_generation_known *bf_generations_at(const struct bf_generations *generations,
                                                    int64_t start_us);
/* What the results and partials of a slot's window with this start carry: that one, but none newer than the
 * slot's own. */
int64_t bf_generations_of(const struct bf_generations *generations, const struct bf_slot *slot,
                          int64_t start_us);
/* Whether that one has this slot's definition. */
bool bf_generations_in_force(const struct bf_generations *generations, uint32_t slot,
                             int64_t start_us);
void bf_generations_deinit(struct bf_generations *generations);
void bf_generations_save(const struct bf_generations *generations, struct bf_mp_writer *out);
/* After the windows, whose slots it finds again. */
enum bf_status bf_generations_load(struct bf_generations *generations, struct bf_windows *windows,
                                   struct bf_mp_reader *in, bf_definitions definitions,
                                   void *context, bool stage1, struct bf_err *err) BF_MUST_CHECK;

#endif
