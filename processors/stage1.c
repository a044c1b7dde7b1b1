/* stage1.c: the life of a stage 1 task, and which record does what. */
#include "processors/stage1.h"

#include <stdlib.h>

#include "core/wire.h"
#include "processors/stage1_task.h"

static enum bf_status apply_settings(struct bf_stage1 *task, struct bf_err *err)
{
    task->settings = bf_generations_settings(&task->generations);
    enum bf_status status = bf_windows_limit(&task->windows, task->settings.max_windows,
                                             task->settings.max_scopes, 1, task->settings.max_state, err);
    if (status == BF_OK) {
        status = bf_tracks_limit(&task->tracks, &task->windows, task->settings.max_sources, err);
    }
    return status == BF_OK ? bf_devices_limit(&task->devices, task->settings.max_devices, err) : status;
}

enum bf_status bf_stage1_create(const struct bf_task_options *options, struct bf_stage1 **task,
                                struct bf_err *err)
{
    struct bf_stage1 *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return bf_err_set(err, BF_PEER, "out of memory");
    }
    made->options = *options;
    made->last_emit_us = BF_TIME_NONE;
    made->due_us = BF_TIME_NONE;
    made->outlet.emit = options->emit;
    made->outlet.context = options->emit_context;
    made->outlet.partitions[BF_OUTPUT_REJECTS] = options->install->rejects;
    made->outlet.partitions[BF_OUTPUT_PARTIALS] = options->install->partials;
    made->outlet.partitions[BF_OUTPUT_KPIS] = options->install->kpis;
    bf_clock_init(&made->clock);
    bf_windows_init(&made->windows);
    bf_devices_init(&made->devices);
    bf_tracks_init(&made->tracks);
    made->contents = bf_contents_create();
    enum bf_status status = made->contents == NULL
                                ? bf_err_set(err, BF_PEER, "out of memory for what was read before")
                                : apply_settings(made, err);
    if (status != BF_OK) {
        bf_stage1_destroy(made);
        return status;
    }
    *task = made;
    return BF_OK;
}

void bf_stage1_destroy(struct bf_stage1 *task)
{
    if (task == NULL) {
        return;
    }
    bf_generations_deinit(&task->generations);
    bf_clock_deinit(&task->clock);
    bf_windows_deinit(&task->windows);
    bf_devices_deinit(&task->devices);
    bf_tracks_deinit(&task->tracks);
    bf_contents_destroy(task->contents);
    free(task);
}

static void take_tick(struct bf_stage1 *task, struct bf_slice bytes)
{
    struct bf_tick tick;
    struct bf_err err;
    if (bf_tick_unpack(bytes, &tick, &err) != BF_OK) {
        task->counters.malformed++;
        task->counters.readings++;
        return;
    }
    struct bf_writer *writer = bf_clock_writer(&task->clock, &task->settings.clock, tick.ingest);
    if (writer == NULL || tick.incarnation < writer->newest) {
        return;
    }
    writer->newest = tick.incarnation;
    if (tick.has_epoch) {
        bf_deliveries_advance(writer->deliveries, tick.epoch, tick.serial);
    }
    int64_t now_us = bf_clock_tick(&task->clock, &task->settings.clock, writer, &tick);
    if (now_us > task->clock.now_us) {
        bf__stage1_step(task, now_us);
    }
}

/* A partition whose clock has passed `from` begins with its next window. */
static int64_t effective_from(const struct bf_stage1 *task, int64_t from_us)
{
    int64_t now_us = task->clock.now_us;
    return now_us != BF_TIME_NONE && now_us >= from_us ? now_us + 1 : from_us;
}

static enum bf_status take_control(struct bf_stage1 *task, struct bf_slice bytes, struct bf_err *err)
{
    struct bf_control control;
    struct bf_err bad;
    const struct bf_kpi_plan *plan;
    if (bf_control_unpack(bytes, &control, &bad) != BF_OK) {
        task->counters.malformed++;
        task->counters.readings++;
        return BF_OK;
    }
    if (control.generation <= bf_generations_newest(&task->generations)) {
        return BF_OK; /* a reload that was finished by running it again */
    }
    enum bf_status status =
        task->options.definitions(task->options.definitions_context, control.generation, &plan, err);
    if (status != BF_OK) {
        return status;
    }
    status = bf_generations_learn(&task->generations, &task->windows, plan,
                                  effective_from(task, control.from_us), true, task->clock.now_us, err);
    return status == BF_OK ? apply_settings(task, err) : status;
}

enum bf_status bf_stage1_apply(struct bf_stage1 *task, const struct bf_input *input, struct bf_err *err)
{
    task->outlet.index = 0;
    if (input->type == BF_RECORD_READING) {
        bf__stage1_reading(task, input);
    } else if (input->type == BF_RECORD_TICK) {
        take_tick(task, input->value);
    } else if (input->type == BF_RECORD_CONTROL) {
        return take_control(task, input->value, err);
    }
    return BF_OK; /* claims mean something to ingest only */
}

struct bf_task_status bf_stage1_status(const struct bf_stage1 *task)
{
    return (struct bf_task_status){
        .clock_us = task->clock.now_us,
        .generation = bf_generations_newest(&task->generations),
        .bytes = bf_windows_bytes(&task->windows) + bf_tracks_bytes(&task->tracks),
        .windows = task->windows.windows.live,
        .series = task->windows.series.live,
        .sources = task->tracks.tracks.live,
        .refused = task->refused + task->devices.refused + task->counters.limit,
        .mixed = task->mixed,
        .malformed = task->counters.malformed,
    };
}

struct bf_task_counters bf_stage1_counters(const struct bf_stage1 *task)
{
    return task->counters;
}

void bf_stage1_save(struct bf_stage1 *task, struct bf_mp_writer *out)
{
    const struct bf_task_counters *c = &task->counters;
    const uint64_t counters[] = {c->readings,  c->accepted, c->duplicate, c->older,     c->content,
                                 c->malformed, c->late,     c->limit,     task->refused};
    bf_mp_put_uint(out, BF_STATE_FORMAT);
    bf_mp_put_int(out, task->last_emit_us);
    for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++) {
        bf_mp_put_uint(out, counters[i]);
    }
    bf_clock_save(&task->clock, out);
    bf_windows_save(&task->windows, out);
    bf_generations_save(&task->generations, out);
    bf_devices_save(&task->devices, out);
    bf_contents_save(task->contents, out);
    bf_tracks_save(&task->tracks, &task->windows, out);
}

static enum bf_status load_tables(struct bf_stage1 *task, uint64_t format, struct bf_mp_reader *in,
                                  struct bf_err *err)
{
    enum bf_status status = bf_clock_load(&task->clock, in);
    if (status == BF_OK) {
        status = bf_windows_load(&task->windows, in, task->options.definitions,
                                 task->options.definitions_context, err);
    }
    if (status == BF_OK) {
        status = bf_generations_load(&task->generations, &task->windows, in, task->options.definitions,
                                     task->options.definitions_context, true, err);
    }
    if (status == BF_OK) {
        status = bf_devices_load(&task->devices, in, err);
    }
    if (status == BF_OK) {
        status = bf_contents_load(task->contents, in);
    }
    if (status == BF_OK && format > 1) {
        status = bf_tracks_load(&task->tracks, &task->windows, in, err);
    }
    return status == BF_OK ? apply_settings(task, err) : status;
}

enum bf_status bf_stage1_load(struct bf_stage1 *task, struct bf_slice bytes, struct bf_err *err)
{
    struct bf_mp_reader in;
    struct bf_task_counters *c = &task->counters;
    uint64_t *const counters[] = {&c->readings,  &c->accepted, &c->duplicate, &c->older,     &c->content,
                                  &c->malformed, &c->late,     &c->limit,     &task->refused};
    bf_mp_reader_init(&in, bytes);
    uint64_t format = bf_mp_get_uint(&in);
    if (format < BF_STATE_FORMAT_OLDEST || format > BF_STATE_FORMAT) {
        return bf_err_set(err, BF_FATAL, "the checkpoint has state format %llu, this engine reads %d to %d",
                          (unsigned long long)format, BF_STATE_FORMAT_OLDEST, BF_STATE_FORMAT);
    }
    task->last_emit_us = bf_mp_get_int(&in);
    for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++) {
        *counters[i] = bf_mp_get_uint(&in);
    }
    enum bf_status status = load_tables(task, format, &in, err);
    if (status == BF_MALFORMED || status == BF_LIMIT || (status == BF_OK && !bf_mp_done(&in))) {
        return bf_err_set(err, BF_FATAL, "the checkpoint cannot be read: %s",
                          in.fault != NULL ? in.fault : "its tables do not fit together");
    }
    return status;
}
