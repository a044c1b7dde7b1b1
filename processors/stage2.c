/* stage2.c: which record of belfry.partials does what. */
#include "processors/stage2.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/wire.h"
#include "processors/stage2_task.h"

enum bf_status bf__stage2_settings(struct bf_stage2 *task, struct bf_err *err)
{
    task->settings = bf_generations_settings(&task->generations);
    enum bf_status status =
        bf_windows_limit(&task->windows, task->settings.max_windows, task->settings.max_scopes,
                         BF_STAGE2_CELLS, task->settings.max_state, err);
    return status == BF_OK ? bf_pool_limit(&task->waiting, task->settings.max_windows, err) : status;
}

enum bf_status bf_stage2_create(const struct bf_task_options *options, struct bf_stage2 **task,
                                struct bf_err *err)
{
    struct bf_stage2 *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return bf_err_set(err, BF_PEER, "out of memory");
    }
    made->options = *options;
    made->slowest_us = made->fastest_us = made->last_emit_us = BF_TIME_NONE;
    made->outlet.emit = options->emit;
    made->outlet.context = options->emit_context;
    made->outlet.partitions[BF_OUTPUT_KPIS] = options->install->kpis;
    made->source_count = options->install->readings;
    made->sources = calloc((size_t)made->source_count, sizeof(*made->sources));
    bf_windows_init(&made->windows);
    bf_pool_init(&made->waiting, sizeof(struct bf_waiting));
    for (int32_t i = 0; made->sources != NULL && i < made->source_count; i++) {
        made->sources[i] = (struct bf_source){.clock_us = BF_TIME_NONE, .offset = -1, .index = 0};
    }
    enum bf_status status =
        made->sources == NULL
            ? bf_err_set(err, BF_PEER, "out of memory for %d sources", (int)made->source_count)
            : bf__stage2_settings(made, err);
    if (status != BF_OK) {
        bf_stage2_destroy(made);
        return status;
    }
    *task = made;
    return BF_OK;
}

void bf_stage2_destroy(struct bf_stage2 *task)
{
    if (task == NULL) {
        return;
    }
    bf_generations_deinit(&task->generations);
    bf_windows_deinit(&task->windows);
    bf_pool_deinit(&task->waiting);
    free(task->sources);
    free(task);
}

/* The stage 1 task that wrote this: its source, NULL where the origin is none of this installation's. */
static struct bf_source *source_of(struct bf_stage2 *task, const struct bf_origin *origin)
{
    struct bf_slice id = task->options.install->id, name = origin->task;
    struct bf_slice stage = BF_SLICE("/s1/");
    if (name.len <= id.len + stage.len || memcmp(name.data, id.data, id.len) != 0 ||
        memcmp(name.data + id.len, stage.data, stage.len) != 0) {
        return NULL;
    }
    int64_t number = 0;
    for (size_t i = id.len + stage.len; i < name.len; i++) {
        number = number * 10 + (name.data[i] - '0');
        if (name.data[i] < '0' || name.data[i] > '9' || number >= task->source_count) {
            return NULL;
        }
    }
    return &task->sources[number];
}

static bool is_newer(const struct bf_source *source, const struct bf_origin *origin)
{
    return origin->offset > source->offset ||
           (origin->offset == source->offset && origin->index > source->index);
}

static enum bf_status learn(struct bf_stage2 *task, int64_t generation, struct bf_err *err)
{
    const struct bf_kpi_plan *plan;
    if (generation <= 0 || bf_generations_known(&task->generations, generation)) {
        return BF_OK;
    }
    enum bf_status status =
        task->options.definitions(task->options.definitions_context, generation, &plan, err);
    if (status == BF_OK) {
        status = bf_generations_learn(&task->generations, &task->windows, plan, plan->from_us, false,
                                      task->slowest_us, err);
    }
    return status == BF_OK ? bf__stage2_settings(task, err) : status;
}

/* In time: the newest of a source replaces the older one at once. */
static void replace(struct bf_stage2 *task, struct bf_series *series, const struct bf_partial *partial,
                    const struct bf_cell *cell)
{
    const struct bf_slot *slot = &task->windows.slots[series->slot];
    struct bf_window *window;
    const struct bf_pane pane = {.start_us = partial->start_us, .end_us = partial->end_us};
    struct bf_cell *held = bf_series_put_cell(&task->windows, series, &pane, partial->source, &window);
    if (held == NULL) {
        task->refused++;
        return;
    }
    bf_cell_copy(held, cell, slot->state_size);
    if (slot->definition->live && slot->count <= task->settings.live_scopes) {
        bf_window_mark(&task->windows, window);
    }
}

void bf__stage2_wait(struct bf_stage2 *task, const struct bf_waiting *late, const struct bf_cell *cell)
{
    struct bf_series *series = bf_series_at(&task->windows, late->series);
    const struct bf_slot *slot = &task->windows.slots[series->slot];
    bool room = bf_shares_room(&task->windows.shares, slot->share_class);
    uint32_t index = room ? bf_pool_take(&task->waiting) : 0, before = task->waiting_last;
    if (index == 0) {
        task->refused++;
        return;
    }
    struct bf_waiting *waiting = bf_pool_at(&task->waiting, index);
    *waiting = *late;
    waiting->share = bf_share_take(&task->windows.shares, slot->share_class);
    bf_cell_copy(&bf_slot_share(&task->windows, slot, waiting->share)->cell, cell, slot->state_size);
    while (before != 0) { /* the newest stand last, so this is short; origins ascend within a source */
        const struct bf_waiting *other = bf_pool_at(&task->waiting, before);
        if (other->stamp_us < late->stamp_us ||
            (other->stamp_us == late->stamp_us && other->source <= late->source)) {
            break;
        }
        before = other->previous;
    }
    waiting->previous = before;
    uint32_t *next =
        before == 0 ? &task->waiting_first : &((struct bf_waiting *)bf_pool_at(&task->waiting, before))->next;
    waiting->next = *next;
    *next = index;
    if (waiting->next == 0) {
        task->waiting_last = index;
    } else {
        ((struct bf_waiting *)bf_pool_at(&task->waiting, waiting->next))->previous = index;
    }
    series->waiting++;
}

/* Whether it is a pane of this slot, by its length: where clocks change, the writer's time zone decides. */
static bool is_pane(const struct bf_slot *slot, const struct bf_partial *partial)
{
    const struct bf_window_shape *shape = &slot->definition->window;
    int64_t length_us = partial->end_us - partial->start_us;
    return shape->kind == BF_WINDOW_FIXED ? length_us == shape->pane_us
                                          : length_us > 0 && length_us <= shape->pane_us;
}

static void take_partial(struct bf_stage2 *task, uint32_t slot, const struct bf_partial *partial,
                         const struct bf_origin *origin)
{
    const struct bf_slot *its = &task->windows.slots[slot];
    union bf_cell_room room;
    if (!is_pane(its, partial) || partial->scope.len > BF_SCOPE_MAX ||
        bf_cell_from_partial(&room.cell, its->aggregate, &its->definition->options, partial) != BF_OK) {
        task->malformed++;
        return;
    }
    struct bf_series *series = bf_windows_put_series(&task->windows, slot, partial->scope);
    if (series == NULL) {
        task->refused++;
        return;
    }
    if (partial->stamp_us < bf_slot_close_us(its, partial->end_us)) {
        replace(task, series, partial, &room.cell);
    } else {
        const struct bf_waiting late = {.series = bf_series_index(&task->windows, series),
                                        .source = partial->source,
                                        .stamp_us = partial->stamp_us,
                                        .offset = origin->offset,
                                        .index = origin->index,
                                        .pane = {.start_us = partial->start_us, .end_us = partial->end_us}};
        bf__stage2_wait(task, &late, &room.cell);
    }
    bf_windows_release_series(&task->windows, series); /* only if there was no room for the rest */
}

static enum bf_status apply_partial(struct bf_stage2 *task, const struct bf_input *input,
                                    struct bf_source *source, const struct bf_origin *origin,
                                    struct bf_err *err)
{
    struct bf_partial partial;
    struct bf_err bad;
    bool readable = bf_partial_unpack(input->value, &partial, &bad) == BF_OK &&
                    partial.source == (int32_t)(source - task->sources);
    enum bf_status status = readable ? learn(task, partial.generation, err) : BF_OK;
    if (status != BF_OK) {
        return status;
    }
    source->offset = origin->offset;
    source->index = origin->index;
    int64_t slot = readable ? bf_windows_find_slot(&task->windows, partial.kpi, partial.definition) : -1;
    if (slot < 0) {
        task->malformed++;
    } else {
        take_partial(task, (uint32_t)slot, &partial, origin);
    }
    return BF_OK;
}

static enum bf_status apply_tick(struct bf_stage2 *task, const struct bf_input *input,
                                 struct bf_source *source, const struct bf_origin *origin, struct bf_err *err)
{
    struct bf_task_tick tick;
    struct bf_err bad;
    bool readable = bf_task_tick_unpack(input->value, &tick, &bad) == BF_OK;
    enum bf_status status = readable ? learn(task, tick.generation, err) : BF_OK;
    if (status != BF_OK) {
        return status;
    }
    source->offset = origin->offset;
    source->index = origin->index;
    if (!readable) {
        task->malformed++;
    } else if (tick.clock_us > source->clock_us) {
        source->clock_us = tick.clock_us;
        bf__stage2_step(task);
    }
    return BF_OK;
}

enum bf_status bf_stage2_apply(struct bf_stage2 *task, const struct bf_input *input, struct bf_err *err)
{
    struct bf_origin origin;
    struct bf_err bad;
    task->outlet.index = 0;
    if (input->type != BF_RECORD_PARTIAL && input->type != BF_RECORD_TASK_TICK) {
        task->foreign++;
        return BF_OK;
    }
    struct bf_source *source =
        bf_origin_unpack(input->origin, &origin, &bad) == BF_OK ? source_of(task, &origin) : NULL;
    if (source == NULL) {
        task->foreign++;
        return BF_OK;
    }
    if (!is_newer(source, &origin)) {
        return BF_OK; /* written again by a replay */
    }
    return input->type == BF_RECORD_PARTIAL ? apply_partial(task, input, source, &origin, err)
                                            : apply_tick(task, input, source, &origin, err);
}

struct bf_task_status bf_stage2_status(const struct bf_stage2 *task)
{
    return (struct bf_task_status){
        .clock_us = task->slowest_us,
        .generation = bf_generations_newest(&task->generations),
        .bytes = bf_windows_bytes(&task->windows) + (uint64_t)task->waiting.live * task->waiting.size,
        .windows = task->windows.windows.live,
        .series = task->windows.series.live,
        .waiting = task->waiting.live,
        .refused = task->refused,
        .mixed = task->mixed,
        .malformed = task->malformed,
        .foreign = task->foreign,
    };
}

int64_t bf_stage2_source_clock(const struct bf_stage2 *task, int32_t source)
{
    return task->sources[source].clock_us;
}
