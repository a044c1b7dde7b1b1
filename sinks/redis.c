/* redis.c: the Redis sink: one script call per batch, at most two on their way, so that Redis works on one
 * while the next is being written.
 *
 * Declined: MULTI with WATCH (a round trip more, and it cannot skip single records); keeping the position in
 * Kafka (it would not roll back together with Redis). */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "core/log.h"
#include "core/time.h"
#include "sinks/number.h"
#include "sinks/redis_sink.h"

#define HEAD (10 + BF_REDIS_TASKS)   /* EVALSHA, script, 0, and seven words before the tasks */
#define RECORD_WORDS 21 /* kind, origin, and at most 17 of the record */
#define RECORD_TEXT 24576            /* more than any record that unpacks needs */
#define BATCH_TEXT (RECORD_TEXT + 384 * 1024)
#define SWEEP_WORDS 4096             /* for the steps of redis_adopt.c */
#define ALIVE_US (10 * BF_US_PER_S)  /* a heartbeat younger than this is somebody else at work */

static void draw_epoch(struct bf__redis_sink *sink)
{
    uint64_t number = 0;
    if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number) {
        number = (uint64_t)bf_time_wall_us(); /* different is all that it must be */
    }
    snprintf(sink->epoch, sizeof sink->epoch, "%016" PRIx64, number);
}

static void redis_close(void *self)
{
    struct bf__redis_sink *sink = self;
    if (!sink) {
        return;
    }
    bf_redis_close(sink->redis);
    bf__words_deinit(&sink->words);
    free(sink->sent);
    free(sink->applied);
    free(sink->kpis);
    free(sink->names);
    free(sink);
}

static void add_counters(struct bf__redis_sink *sink, struct bf_counters *counters)
{
    static const char name[] = "belfry_sink_skipped_total";
    static const char help[] = "Records of belfry.kpis that changed nothing in Redis, by reason";
    sink->repeated = bf_counters_add(counters, BF_COUNTER, name, help, "reason", "repeated");
    sink->overtaken = bf_counters_add(counters, BF_COUNTER, name, help, "reason", "overtaken");
    sink->removed = bf_counters_add(counters, BF_COUNTER, name, help, "reason", "removed");
    sink->bytes_refused = bf_counters_add(counters, BF_COUNTER, name, help, "reason", "too_long");
}

static enum bf_status redis_open(const struct bf_sink_options *options, void **self, struct bf_err *err)
{
    struct bf__redis_sink *sink = calloc(1, sizeof *sink);
    if (!sink) {
        return bf_err_set(err, BF_FATAL, "out of memory");
    }
    size_t count = (size_t)options->partitions;
    size_t words = (size_t)options->site->sink.batch * RECORD_WORDS + SWEEP_WORDS;
    sink->options = *options;
    sink->swept = -1;
    sink->generation = -1;
    sink->clock_us = BF_TIME_NONE;
    sink->sent = calloc(count, sizeof *sink->sent);
    sink->applied = calloc(count, sizeof *sink->applied);
    enum bf_status status = bf__words_init(&sink->words, HEAD, words, BATCH_TEXT, err);
    if (status == BF_OK && (!sink->sent || !sink->applied)) {
        status = bf_err_set(err, BF_FATAL, "out of memory");
    }
    if (status != BF_OK) {
        redis_close(sink);
        return status;
    }
    for (size_t i = 0; i < count; i++) {
        sink->applied[i] = BF_SINK_NO_POSITION;
    }
    add_counters(sink, options->counters);
    draw_epoch(sink);
    *self = sink;
    return BF_OK;
}

/* ---- one request, one answer */

/* Redis said no: out of memory, loading, read only, no such script. Nothing was applied, or the position
 * was not moved; either way the whole connection starts again from what Redis says. */
static enum bf_status refused(enum bf_status status, struct bf_err *why, struct bf_err *err)
{
    if (status == BF_MALFORMED) {
        return bf_err_set(err, BF_PEER, "Redis refuses: %s", why->message);
    }
    if (err) {
        *err = *why;
    }
    return status;
}

enum bf_status bf__redis_ask(struct bf__redis_sink *sink, const struct bf_slice *command, size_t count,
                             struct bf_reply *reply, struct bf_err *err)
{
    struct bf_err why = {0};
    assert(sink->flight_count == 0);
    enum bf_status status = bf_redis_command(sink->redis, command, count, reply, &why);
    return status == BF_OK ? BF_OK : refused(status, &why, err);
}

enum bf_status bf__redis_step(struct bf__redis_sink *sink, struct bf_slice step, struct bf_reply *reply,
                              struct bf_err *err)
{
    struct bf__words *words = &sink->words;
    assert(!words->full);
    struct bf_slice *head = words->at + words->first - 4;
    head[0] = BF_SLICE("EVALSHA");
    head[1] = bf_slice_of(sink->script);
    head[2] = BF_SLICE("0");
    head[3] = step;
    return bf__redis_ask(sink, head, 4 + words->count - words->first, reply, err);
}

/* ---- sync */

static enum bf_status connect_anew(struct bf__redis_sink *sink, struct bf_err *err)
{
    const struct bf_site *site = sink->options.site;
    struct bf_redis_options options = {
        .url = site->redis.url,
        .username = site->redis.username,
        .password = site->redis.password,
        .timeout_ms = (int)(site->redis.timeout_us / BF_US_PER_MS),
    };
    bf_redis_close(sink->redis);
    sink->redis = NULL;
    sink->flight_count = 0;
    enum bf_status status = bf_redis_open(&options, &sink->redis, err);
    if (status != BF_OK) {
        return status;
    }
    struct bf_slice load[] = {
        BF_SLICE("SCRIPT"), BF_SLICE("LOAD"),
        {(const char *)bf__redis_script, bf__redis_script_len},
    };
    struct bf_reply reply;
    status = bf__redis_ask(sink, load, 3, &reply, err);
    if (status == BF_OK && reply.text.len < sizeof sink->script) {
        snprintf(sink->script, sizeof sink->script, "%.*s", BF_SLICE_ARG(reply.text));
    }
    return status;
}

static int64_t number_of(struct bf_slice text, int64_t unknown)
{
    char digits[BF_NUMBER_MAX];
    if (text.len == 0 || text.len >= sizeof digits) {
        return unknown;
    }
    memcpy(digits, text.data, text.len);
    digits[text.len] = '\0';
    return strtoll(digits, NULL, 10);
}

/* What Redis holds may be of another log: one that was made anew, or one that another installation keeps. */
static enum bf_status take_over(struct bf__redis_sink *sink, const struct bf_reply *hello, struct bf_err *err)
{
    char install[64];
    snprintf(install, sizeof install, "%.*s", BF_SLICE_ARG(hello->items[0].text));
    int64_t beat_us = number_of(hello->items[3].text, 0) * BF_US_PER_MS;
    int64_t age_us = bf_time_wall_us() - beat_us;
    if (age_us < ALIVE_US && age_us > -ALIVE_US) {
        bf_err_set(err, BF_PEER, "another installation (%s) writes into this Redis", install);
        bf_err_hint(err, "give each installation a database of its own; one that was stopped is taken over "
                         "after 10 s");
        return BF_PEER;
    }
    bf_log(BF_LOG_WARN, "sink.redis.anew", "old_install=%s install=%.*s reason=%s", install,
           BF_SLICE_ARG(sink->options.install), "Redis holds what another log said; it is cleared");
    return bf__redis_clear(sink, err);
}

static enum bf_status say_hello(struct bf__redis_sink *sink, struct bf_reply *reply, struct bf_err *err)
{
    bf__words_reset(&sink->words);
    bf__words_put_int(&sink->words, sink->options.partitions);
    enum bf_status status = bf__redis_step(sink, BF_SLICE("hello"), reply, err);
    if (status == BF_OK && reply->count != 4 + (size_t)sink->options.partitions) {
        return bf_err_set(err, BF_PEER, "Redis answers hello with %zu words", reply->count);
    }
    return status;
}

static enum bf_status redis_sync(void *self, int64_t *positions, int64_t *clock_us, struct bf_err *err)
{
    struct bf__redis_sink *sink = self;
    struct bf_reply hello;
    enum bf_status status = connect_anew(sink, err);
    status = status == BF_OK ? say_hello(sink, &hello, err) : status;
    if (status == BF_OK && hello.items[0].text.len
        && !bf_slice_equal(hello.items[0].text, sink->options.install)) {
        status = take_over(sink, &hello, err);
        status = status == BF_OK ? say_hello(sink, &hello, err) : status;
    }
    if (status != BF_OK) {
        return status;
    }
    bool back = false;
    sink->swept = number_of(hello.items[1].text, -1);
    int64_t clock_ms = number_of(hello.items[2].text, -1);
    sink->clock_us = clock_ms < 0 ? BF_TIME_NONE : clock_ms * BF_US_PER_MS;
    for (int32_t i = 0; i < sink->options.partitions; i++) {
        positions[i] = number_of(hello.items[4 + i].text, BF_SINK_NO_POSITION);
        back |= positions[i] < sink->applied[i];
        sink->sent[i] = sink->applied[i] = positions[i];
    }
    if (back) {
        draw_epoch(sink);
        bf_log(BF_LOG_WARN, "sink.redis.rolled_back", "epoch=%s reason=%s", sink->epoch,
               "Redis stands behind what it had confirmed; it is brought forward from Kafka");
    }
    *clock_us = sink->clock_us;
    return BF_OK;
}

/* ---- write: a batch goes out, its answer comes with a later one */

static enum bf_status take_answer(struct bf__redis_sink *sink, struct bf_err *err)
{
    struct bf_reply reply;
    struct bf_err why = {0};
    struct bf__redis_flight flight = sink->flights[0];
    sink->flights[0] = sink->flights[1];
    sink->flight_count--;
    enum bf_status status = bf_redis_take(sink->redis, &reply, &why);
    if (status != BF_OK) {
        return refused(status, &why, err);
    }
    if (reply.kind != BF_REPLY_ARRAY || reply.count < 2) {
        return bf_err_set(err, BF_PEER, "Redis answers a batch with something else");
    }
    if (reply.items[0].integer != 1 || reply.count < 3) {
        return BF_AGAIN;
    }
    sink->applied[flight.partition] = flight.next;
    bf_count(sink->repeated, reply.items[1].integer);
    bf_count(sink->overtaken, reply.items[2].integer);
    return BF_OK;
}

/* Whatever went wrong, what is on its way counts no more: only sync begins anew. */
static enum bf_status settle(struct bf__redis_sink *sink, enum bf_status status)
{
    if (status != BF_OK) {
        bf_redis_close(sink->redis);
        sink->redis = NULL;
        sink->flight_count = 0;
    }
    return status;
}

static enum bf_status redis_flush(void *self, struct bf_err *err)
{
    struct bf__redis_sink *sink = self;
    enum bf_status status = sink->redis ? BF_OK : BF_AGAIN;
    while (status == BF_OK && sink->flight_count > 0) {
        status = take_answer(sink, err);
    }
    return settle(sink, status);
}

/* The number of a writing task in this batch, from 1 on; 0 where there is no room for another. */
static size_t task_number(struct bf__redis_sink *sink, struct bf_slice task)
{
    for (size_t i = sink->task_count; i > 0; i--) {
        if (bf_slice_equal(sink->tasks[i - 1], task)) {
            return i;
        }
    }
    if (sink->task_count == BF_REDIS_TASKS) {
        return 0;
    }
    sink->tasks[sink->task_count++] = task;
    return sink->task_count;
}

/* Writes one record's words. False where the batch must be sent first. */
static bool add_record(struct bf__redis_sink *sink, const struct bf_sink_record *record)
{
    struct bf__words *words = &sink->words;
    bool is_kpi = record->type == BF_RECORD_KPI;
    const struct bf__kpi_names *names = is_kpi ? bf__redis_kpi(sink, record->as.kpi.kpi) : NULL;
    int64_t clock_us = is_kpi ? record->as.kpi.clock_us : record->as.device.clock_us;
    if (is_kpi && !names) {
        bf_count(sink->removed, 1);
        return true;
    }
    if (words->size - words->used < RECORD_TEXT || words->capacity - words->count < RECORD_WORDS) {
        return false;
    }
    size_t task = task_number(sink, record->origin.task), count = words->count, used = words->used;
    if (task == 0) {
        return false;
    }
    bf__words_put(words, is_kpi ? BF_SLICE("k") : BF_SLICE("d"));
    bf__words_put_int(words, (int64_t)task);
    bf__words_put_int(words, record->origin.offset);
    bf__words_put_int(words, record->origin.index);
    if (is_kpi) {
        bf__words_put_kpi(words, &record->as.kpi, names, record->offset);
    } else {
        bf__words_put_device(words, &record->as.device);
    }
    if (words->full) { /* longer than any that unpacks: leave it out and say so */
        words->full = false;
        words->count = count;
        words->used = used;
        bf_count(sink->bytes_refused, 1);
    } else if (clock_us > sink->clock_us) {
        sink->clock_us = clock_us;
    }
    return true;
}

/* Puts the head before the records and sends the whole. */
static enum bf_status send_batch(struct bf__redis_sink *sink, int32_t partition, int64_t next,
                                 struct bf_err *err)
{
    struct bf__words *words = &sink->words;
    struct { struct bf_slice slice; char text[BF_NUMBER_MAX]; } number[6];
    int64_t values[6] = {partition, sink->sent[partition], next, (int64_t)sink->options.site->sink.history,
                         sink->clock_us / BF_US_PER_MS, (int64_t)sink->task_count};
    for (size_t i = 0; i < 6; i++) {
        number[i].slice = (struct bf_slice){number[i].text, bf_number_format_int(values[i], number[i].text)};
    }
    number[1].slice.len = values[1] == BF_SINK_NO_POSITION ? 0 : number[1].slice.len;
    number[4].slice.len = sink->clock_us == BF_TIME_NONE ? 0 : number[4].slice.len;
    struct bf_slice *head = words->at + words->first - 10 - sink->task_count;
    struct bf_slice fixed[10] = {
        BF_SLICE("EVALSHA"), bf_slice_of(sink->script), BF_SLICE("0"), BF_SLICE("apply"), number[0].slice,
        number[1].slice, number[2].slice, number[3].slice, number[4].slice, number[5].slice,
    };
    memcpy(head, fixed, sizeof fixed);
    memcpy(head + 10, sink->tasks, sink->task_count * sizeof *sink->tasks);
    size_t count = (size_t)(words->at + words->count - head);
    enum bf_status status = sink->flight_count == BF_REDIS_IN_FLIGHT ? take_answer(sink, err) : BF_OK;
    status = status == BF_OK ? bf_redis_append(sink->redis, head, count, err) : status;
    status = status == BF_OK ? bf_redis_flush(sink->redis, err) : status;
    if (status == BF_OK) {
        sink->flights[sink->flight_count++] = (struct bf__redis_flight){.partition = partition, .next = next};
        sink->sent[partition] = next;
    }
    bf__words_reset(words);
    sink->task_count = 0;
    return status;
}

static enum bf_status redis_write(void *self, const struct bf_sink_batch *batch, struct bf_err *err)
{
    struct bf__redis_sink *sink = self;
    if (!sink->redis || batch->expected != sink->sent[batch->partition]) {
        return BF_AGAIN;
    }
    bf__words_reset(&sink->words);
    sink->task_count = 0;
    for (size_t i = 0; i < batch->count; i++) {
        if (!add_record(sink, &batch->records[i])) {
            enum bf_status status = send_batch(sink, batch->partition, batch->records[i].offset, err);
            if (status != BF_OK) {
                return settle(sink, status);
            }
            bool added = add_record(sink, &batch->records[i]);
            assert(added);
        }
    }
    return settle(sink, send_batch(sink, batch->partition, batch->next, err));
}

static enum bf_status redis_beat(void *self, const struct bf_sink_beat *beat, struct bf_err *err)
{
    struct bf__redis_sink *sink = self;
    enum bf_status status = redis_flush(sink, err);
    if (status != BF_OK) {
        return status;
    }
    struct bf__words *words = &sink->words;
    bf__words_reset(words);
    bf__words_put(words, sink->options.install);
    bf__words_put(words, bf_slice_of(sink->epoch));
    bf__words_put_int(words, beat->wall_us / BF_US_PER_MS);
    bf__words_put_int(words, beat->behind_us / BF_US_PER_MS);
    bf__words_put_int(words, beat->behind_records);
    for (int32_t i = 0; i < sink->options.partitions; i++) {
        if (sink->sent[i] == BF_SINK_NO_POSITION) {
            bf__words_put(words, (struct bf_slice){0});
        } else {
            bf__words_put_int(words, sink->sent[i]);
        }
    }
    struct bf_reply reply;
    status = bf__redis_step(sink, BF_SLICE("beat"), &reply, err);
    return settle(sink, status == BF_OK && reply.integer != 1 ? BF_AGAIN : status);
}

static enum bf_status redis_adopt(void *self, const struct bf_sink_view *view, struct bf_err *err)
{
    enum bf_status status = redis_flush(self, err);
    return status == BF_OK ? settle(self, bf__redis_adopt(self, view, err)) : status;
}

const struct bf_sink bf_sink_redis = {
    .name = "redis",
    .summary = "Keeps the present values, their recent history and the state of devices in Redis.",
    .open = redis_open,
    .sync = redis_sync,
    .adopt = redis_adopt,
    .write = redis_write,
    .flush = redis_flush,
    .beat = redis_beat,
    .close = redis_close,
};
