/* stage2_state.c: a stage 2 task as bytes. */
#include "processors/stage2_task.h"

static void save_waiting(const struct bf_stage2 *task, struct bf_mp_writer *out)
{
    char scope[BF_SCOPE_MAX];
    bf_mp_put_uint(out, task->waiting.live);
    for (uint32_t at = task->waiting_first; at != 0;) {
        const struct bf_waiting *late = bf_pool_at(&task->waiting, at);
        const struct bf_series *series = bf_series_at(&task->windows, late->series);
        bf_mp_put_uint(out, series->slot);
        bf_mp_put_str(out, bf_series_scope(&task->windows, series, scope));
        bf_mp_put_int(out, late->source);
        bf_mp_put_int(out, late->stamp_us);
        bf_mp_put_int(out, late->offset);
        bf_mp_put_uint(out, late->index);
        bf_pane_save(&task->windows.slots[series->slot], &late->pane, out);
        const struct bf_slot *slot = &task->windows.slots[series->slot];
        bf_cell_save(&bf_slot_share(&task->windows, slot, late->share)->cell, slot->aggregate, out);
        at = late->next;
    }
}

void bf_stage2_save(struct bf_stage2 *task, struct bf_mp_writer *out)
{
    bf_mp_put_uint(out, BF_STATE_FORMAT);
    bf_mp_put_int(out, task->source_count);
    for (int32_t i = 0; i < task->source_count; i++) {
        bf_mp_put_int(out, task->sources[i].clock_us);
        bf_mp_put_int(out, task->sources[i].offset);
        bf_mp_put_uint(out, task->sources[i].index);
    }
    bf_mp_put_int(out, task->last_emit_us);
    bf_mp_put_uint(out, task->refused);
    bf_mp_put_uint(out, task->mixed);
    bf_mp_put_uint(out, task->malformed);
    bf_mp_put_uint(out, task->foreign);
    bf_windows_save(&task->windows, out);
    bf_generations_save(&task->generations, out);
    save_waiting(task, out);
}

static enum bf_status load_waiting(struct bf_stage2 *task, struct bf_mp_reader *in, struct bf_err *err)
{
    uint64_t count = bf_mp_get_uint(in);
    if (!bf_mp_ok(in) || count > (size_t)(in->end - in->at)) {
        return BF_MALFORMED;
    }
    enum bf_status status = bf_pool_limit(&task->waiting, count, err);
    for (uint64_t i = 0; status == BF_OK && i < count; i++) {
        struct bf_waiting late = {.series = 0};
        union bf_cell_room room;
        uint64_t slot = bf_mp_get_uint(in);
        struct bf_slice scope = bf_mp_get_str(in);
        late.source = (int32_t)bf_mp_get_int(in);
        late.stamp_us = bf_mp_get_int(in);
        late.offset = bf_mp_get_int(in);
        late.index = (uint32_t)bf_mp_get_uint(in);
        if (!bf_mp_ok(in) || slot >= task->windows.slot_count || late.source < 0 ||
            late.source >= task->source_count || !bf_pane_load(&task->windows.slots[slot], &late.pane, in)) {
            return BF_MALFORMED;
        }
        struct bf_series *series = bf_windows_series(&task->windows, (uint32_t)slot, scope);
        if (series == NULL || bf_cell_load(&room.cell, task->windows.slots[slot].aggregate,
                                           &task->windows.slots[slot].definition->options, in) != BF_OK) {
            return BF_MALFORMED;
        }
        late.series = bf_series_index(&task->windows, series);
        bf__stage2_wait(task, &late, &room.cell);
    }
    return status;
}

static enum bf_status load_tables(struct bf_stage2 *task, struct bf_mp_reader *in, struct bf_err *err)
{
    enum bf_status status = bf_windows_load(&task->windows, in, task->options.definitions,
                                            task->options.definitions_context, err);
    if (status == BF_OK) {
        status = bf_generations_load(&task->generations, &task->windows, in, task->options.definitions,
                                     task->options.definitions_context, false, err);
    }
    if (status == BF_OK) {
        status = load_waiting(task, in, err);
    }
    return status == BF_OK ? bf__stage2_settings(task, err) : status;
}

static enum bf_status load(struct bf_stage2 *task, struct bf_mp_reader *in, struct bf_err *err)
{
    int64_t sources = bf_mp_get_int(in);
    if (!bf_mp_ok(in) || sources != task->source_count) {
        return BF_MALFORMED;
    }
    for (int32_t i = 0; i < task->source_count; i++) {
        task->sources[i].clock_us = bf_mp_get_int(in);
        task->sources[i].offset = bf_mp_get_int(in);
        task->sources[i].index = (uint32_t)bf_mp_get_uint(in);
    }
    bf__stage2_clocks(task, &task->slowest_us, &task->fastest_us);
    task->last_emit_us = bf_mp_get_int(in);
    task->refused = bf_mp_get_uint(in);
    task->mixed = bf_mp_get_uint(in);
    task->malformed = bf_mp_get_uint(in);
    task->foreign = bf_mp_get_uint(in);
    return load_tables(task, in, err);
}

enum bf_status bf_stage2_load(struct bf_stage2 *task, struct bf_slice bytes, struct bf_err *err)
{
    struct bf_mp_reader in;
    bf_mp_reader_init(&in, bytes);
    uint64_t format = bf_mp_get_uint(&in);
    if (format < BF_STATE_FORMAT_OLDEST || format > BF_STATE_FORMAT) {
        return bf_err_set(err, BF_FATAL,
                          "the checkpoint has state format %llu, this engine reads %d to %d",
                          (unsigned long long)format, BF_STATE_FORMAT_OLDEST, BF_STATE_FORMAT);
    }
    enum bf_status status = load(task, &in, err);
    if (status == BF_MALFORMED || status == BF_LIMIT || (status == BF_OK && !bf_mp_done(&in))) {
        return bf_err_set(err, BF_FATAL, "the checkpoint cannot be read: %s",
                          in.fault != NULL ? in.fault : "its tables do not fit together");
    }
    return status;
}
