/* clockwork.h: a partition's clock as oracles tell it: each id's ticks are counted, and for every pair how
 * many the other had written when one was heard last. The engine counts the others' ticks since each instead
 * (processors/clock.c), so a mistake in one is not a mistake in both.
 * Owner: values.   Thread: main.   Limits: CLOCKWORK_IDS ids. */
#ifndef TEST_SUPPORT_CLOCKWORK_H
#define TEST_SUPPORT_CLOCKWORK_H

#include <stdbool.h>
#include <stdint.h>

#include "core/reading.h"
#include "core/record.h"
#include "core/time.h"

#define CLOCKWORK_IDS 8

struct clockwork_rules {
    int ids;         /* in use */
    int death;       /* ticks of another after which one is dead: writer_timeout / tick_every */
    int64_t tick_us; /* tick_every */
    int64_t hold_us; /* hold_max: so long an id without a clock is waited for */
};

struct clockwork {
    int64_t now_us, last_us[CLOCKWORK_IDS], newest[CLOCKWORK_IDS], of[CLOCKWORK_IDS];
    int ticks[CLOCKWORK_IDS], flowing[CLOCKWORK_IDS], then[CLOCKWORK_IDS][CLOCKWORK_IDS];
    bool known[CLOCKWORK_IDS], pair[CLOCKWORK_IDS][CLOCKWORK_IDS];
};

static inline void clockwork_begin(struct clockwork *clock)
{
    *clock = (struct clockwork){.now_us = BF_TIME_NONE};
    for (int i = 0; i < CLOCKWORK_IDS; i++) {
        clock->newest[i] = INT64_MIN;
    }
}

/* A reading or a tick of id i: false where a newer incarnation has been heard. */
static inline bool clockwork_hears(struct clockwork *clock, int i, int64_t incarnation)
{
    bool heard = incarnation >= clock->newest[i];
    clock->newest[i] = heard ? incarnation : clock->newest[i];
    return heard;
}

static inline bool clockwork__is_dead(const struct clockwork *clock, const struct clockwork_rules *rules,
                                      int i)
{
    for (int j = 0; j < rules->ids; j++) {
        if (j != i && clock->known[j] && clock->ticks[j] - clock->then[i][j] > rules->death) {
            return true;
        }
    }
    return false;
}

static inline void clockwork__count(struct clockwork *clock, const struct clockwork_rules *rules, int i,
                                    const struct bf_tick *tick)
{
    clock->flowing[i] = clock->known[i] && clock->of[i] == tick->incarnation ? clock->flowing[i] : 0;
    clock->of[i] = tick->incarnation;
    clock->flowing[i] += tick->flows;
    clock->ticks[i]++;
    if (!clock->known[i]) {
        clock->last_us[i] = BF_TIME_NONE;
    }
    clock->known[i] = true;
    if (tick->has_clock && tick->clock_us > clock->last_us[i]) {
        clock->last_us[i] = tick->clock_us;
    }
    for (int j = 0; j < rules->ids; j++) {
        if (!clock->pair[j][i]) { /* who never heard of i counts from its first tick on */
            clock->pair[j][i] = clock->known[j];
            clock->then[j][i] = clock->ticks[i];
        }
        clock->then[i][j] = clock->ticks[j];
        clock->pair[i][j] = clock->known[j];
    }
}

/* A tick of id i that was heard; of it only incarnation, flows and clock are looked at. */
static inline void clockwork_tick(struct clockwork *clock, const struct clockwork_rules *rules, int i,
                                  const struct bf_tick *tick)
{
    int64_t smallest = INT64_MAX;
    clockwork__count(clock, rules, i, tick);
    for (int j = 0; j < rules->ids; j++) {
        if (!clock->known[j] || clockwork__is_dead(clock, rules, j)) {
            continue;
        }
        if (clock->last_us[j] == BF_TIME_NONE && clock->flowing[j] * rules->tick_us <= rules->hold_us) {
            return; /* never had a clock: holds, for a while */
        }
        if (clock->last_us[j] != BF_TIME_NONE && clock->last_us[j] < smallest) {
            smallest = clock->last_us[j];
        }
    }
    if (smallest != INT64_MAX && smallest > clock->now_us) {
        clock->now_us = smallest;
    }
}

#endif
