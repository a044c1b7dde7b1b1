/* generation.c: which configuration decides which window. */
#include "processors/generation.h"

#include <stdlib.h>

struct bf_settings bf_generations_settings(const struct bf_generations *generations)
{
    struct bf_settings settings = {
        .clock = {.tick_every_us = 250 * BF_US_PER_MS,
                  .writer_timeout_us = 30 * BF_US_PER_S,
                  .hold_max_us = 30 * BF_US_PER_S,
                  .max_writers = 8},
        .emit_every_us = BF_US_PER_S,
        .device_every_us = 30 * BF_US_PER_S,
    };
    if (generations->count > 0) {
        const struct bf_city *city = generations->list[generations->count - 1].plan->city;
        settings.clock.tick_every_us =
            city->time.tick_every_us > 0 ? city->time.tick_every_us : BF_US_PER_S;
        settings.clock.writer_timeout_us = city->time.writer_timeout_us;
        settings.clock.hold_max_us = city->time.hold_max_us;
        settings.clock.max_writers = city->limits.max_writers;
        settings.emit_every_us = city->time.emit_every_us;
        settings.device_every_us = city->time.device_every_us;
        settings.live_scopes = city->time.live_scopes;
        settings.max_windows = city->limits.max_windows;
        settings.max_state = city->limits.max_state;
        settings.max_scopes = city->limits.max_scopes;
        settings.max_sources = city->limits.max_sources;
        settings.max_devices = city->limits.max_devices;
    }
    return settings;
}

int64_t bf_generations_newest(const struct bf_generations *generations)
{
    return generations->count == 0 ? 0 : generations->list[generations->count - 1].generation;
}

bool bf_generations_known(const struct bf_generations *generations, int64_t generation)
{
    for (size_t i = 0; i < generations->count; i++) {
        if (generations->list[i].generation == generation) {
            return true;
        }
    }
    return false;
}

/* Forgets the oldest and the slots that only it had. */
static void forget_oldest(struct bf_generations *generations, struct bf_windows *windows)
{
    free(generations->list[0].slots);
    generations->count--;
    memmove(&generations->list[0], &generations->list[1],
            generations->count * sizeof(generations->list[0]));
    for (size_t i = 0; i < windows->slot_count; i++) {
        windows->slots[i].wanted = false;
    }
    for (size_t g = 0; g < generations->count; g++) {
        for (size_t k = 0; k < generations->list[g].plan->count; k++) {
            uint32_t slot = generations->list[g].slots[k];
            if (slot != UINT32_MAX) {
                windows->slots[slot].wanted = true;
            }
        }
    }
    bf_windows_collect(windows);
    for (size_t g = 0; g < generations->count; g++) {
        struct bf_generation_known *known = &generations->list[g];
        for (size_t k = 0; k < known->plan->count; k++) {
            const struct bf_kpi_definition *definition = known->plan->kpis[k].definition;
            if (known->slots[k] != UINT32_MAX) {
                known->slots[k] =
                    (uint32_t)bf_windows_find_slot(windows, definition->id, definition->hash);
            }
        }
    }
}

enum bf_status bf_generations_learn(struct bf_generations *generations, struct bf_windows *windows,
                                    const struct bf_kpi_plan *plan, int64_t from_us, bool stage1,
                                    int64_t now_us, struct bf_err *err)
{
    uint32_t *slots = calloc(plan->count + 1, sizeof(*slots));
    if (slots == NULL) {
        return bf_err_set(err, BF_PEER, "out of memory for generation %lld",
                          (long long)plan->generation);
    }
    if (generations->count == BF_GENERATIONS_MAX) {
        forget_oldest(generations, windows);
    }
    for (size_t k = 0; k < plan->count; k++) {
        bool by_device = plan->kpis[k].definition->by_device;
        enum bf_status status = BF_OK;
        slots[k] = UINT32_MAX;
        if (stage1 || !by_device) {
            status = bf_windows_add_slot(windows, &plan->kpis[k], plan->generation,
                                         stage1 ? by_device : true, now_us, &slots[k], err);
        }
        if (status != BF_OK) {
            free(slots);
            return status;
        }
    }
    size_t at = generations->count++;
    while (at > 0 && generations->list[at - 1].generation > plan->generation) {
        generations->list[at] = generations->list[at - 1];
        at--;
    }
    generations->list[at] = (struct bf_generation_known){
        .generation = plan->generation, .from_us = from_us, .plan = plan, .slots = slots};
    return BF_OK;
}

/* For how long after `from` a window in front of it can still be reached, whichever definition is asked:
 * without the oldest generation its windows would fall to the next one, which may have a longer lateness. */
static int64_t longest_reach_us(const struct bf_generations *generations)
{
    int64_t reach_us = 0;
    for (size_t i = 0; i < generations->count; i++) {
        int64_t its = generations->list[i].plan->longest_reach_us;
        reach_us = its > reach_us ? its : reach_us;
    }
    return reach_us;
}

void bf_generations_prune(struct bf_generations *generations, struct bf_windows *windows,
                          int64_t now_us)
{
    while (generations->count > 1 && now_us != BF_TIME_NONE &&
           generations->list[1].from_us != BF_TIME_NONE && now_us >= generations->list[1].from_us &&
           now_us - generations->list[1].from_us > longest_reach_us(generations)) {
        forget_oldest(generations, windows);
    }
}

const struct bf_generation_known *bf_generations_at(const struct bf_generations *generations,
                                                    int64_t start_us)
{
    for (size_t i = generations->count; i-- > 1;) {
        if (generations->list[i].from_us <= start_us) {
            return &generations->list[i];
        }
    }
    return generations->count == 0 ? NULL : &generations->list[0];
}

int64_t bf_generations_of(const struct bf_generations *generations, const struct bf_slot *slot,
                          int64_t start_us)
{
    const struct bf_generation_known *known = bf_generations_at(generations, start_us);
    return known != NULL && known->generation < slot->generation ? known->generation : slot->generation;
}

bool bf_generations_in_force(const struct bf_generations *generations, uint32_t slot,
                             int64_t start_us)
{
    const struct bf_generation_known *known = bf_generations_at(generations, start_us);
    for (size_t k = 0; known != NULL && k < known->plan->count; k++) {
        if (known->slots[k] == slot) {
            return true;
        }
    }
    return false;
}

void bf_generations_deinit(struct bf_generations *generations)
{
    for (size_t i = 0; i < generations->count; i++) {
        free(generations->list[i].slots);
    }
    generations->count = 0;
}

void bf_generations_save(const struct bf_generations *generations, struct bf_mp_writer *out)
{
    bf_mp_put_uint(out, generations->count);
    for (size_t i = 0; i < generations->count; i++) {
        bf_mp_put_int(out, generations->list[i].generation);
        bf_mp_put_int(out, generations->list[i].from_us);
    }
}

enum bf_status bf_generations_load(struct bf_generations *generations, struct bf_windows *windows,
                                   struct bf_mp_reader *in, bf_definitions definitions,
                                   void *context, bool stage1, struct bf_err *err)
{
    uint64_t count = bf_mp_get_uint(in);
    enum bf_status status = count > BF_GENERATIONS_MAX ? BF_MALFORMED : BF_OK;
    for (uint64_t i = 0; status == BF_OK && bf_mp_ok(in) && i < count; i++) {
        int64_t generation = bf_mp_get_int(in), from_us = bf_mp_get_int(in);
        const struct bf_kpi_plan *plan;
        if (!bf_mp_ok(in)) {
            return BF_MALFORMED;
        }
        status = definitions(context, generation, &plan, err);
        if (status == BF_OK) {
            status = bf_generations_learn(generations, windows, plan, from_us, stage1, BF_TIME_NONE,
                                          err);
        }
    }
    return status == BF_OK && !bf_mp_ok(in) ? BF_MALFORMED : status;
}
