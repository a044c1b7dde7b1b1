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

#include "config/log/wiring.h"
#include "core/log.h"
#include "core/number.h"
#include "core/time.h"
#include "sinks/redis_sink.h"

#define FIXED 12 /* EVALSHA, script, 0, and nine words before the tasks */
#define HEAD (FIXED + 2 * BF_REDIS_TASKS)
#define HEAD_TEXT (2 * HEAD * BF_NUMBER_MAX)
#define BATCH_TEXT (BF_REDIS_RECORD_TEXT + 384 * 1024)
#define SWEEP_WORDS 4096            /* for the steps of redis_adopt.c */
#define ALIVE_US (10 * BF_US_PER_S) /* a heartbeat younger than this is somebody else at work */

static void draw_id(char id[17])
{
    uint64_t number = 0;
    if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number) {
        number = (uint64_t)bf_time_wall_us(); /* different is all that it must be */
    }
    snprintf(id, 17, "%016" PRIx64, number);
}

static void redis_close(void *self)
{
    struct bf__redis_sink *sink = self;
    if (!sink) {
        return;
    }
    bf_redis_close(sink->redis);
    bf__words_deinit(&sink->words);
    bf__words_deinit(&sink->head);
    bf_table_destroy(sink->known);
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
    size_t words = (size_t)options->site->sink.batch * BF_REDIS_RECORD_WORDS + SWEEP_WORDS;
    sink->options = *options;
    sink->swept = -1;
    sink->generation = -1;
    sink->clock_us = BF_TIME_NONE;
    sink->sent = calloc(count, sizeof *sink->sent);
    sink->applied = calloc(count, sizeof *sink->applied);
    sink->known = bf_table_create(BF_KNOWN_MAX, sizeof((struct bf__known *)0)->key, sizeof(struct bf__known));
    enum bf_status status = bf__words_init(&sink->words, HEAD, words, BATCH_TEXT, err);
    status = status == BF_OK ? bf__words_init(&sink->head, 0, HEAD, HEAD_TEXT, err) : status;
    if (status == BF_OK && (!sink->sent || !sink->applied || !sink->known)) {
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
    draw_id(sink->epoch);
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

enum bf_status bf__redis_reply(struct bf__redis_sink *sink, struct bf_reply *reply, struct bf_err *err)
{
    struct bf_err why = {0};
    enum bf_status status = bf_redis_take(sink->redis, reply, &why);
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
    const struct bf_redis_options options = bf_wiring_redis(sink->options.site);
    bf_redis_close(sink->redis);
    sink->redis = NULL;
    sink->flight_count = 0;
    bf_table_clear(sink->known);
    enum bf_status status = bf_redis_open(&options, &sink->redis, err);
    if (status != BF_OK) {
        return status;
    }
    struct bf_slice load[] = {
        BF_SLICE("SCRIPT"),
        BF_SLICE("LOAD"),
        {(const char *)bf__redis_script, bf__redis_script_len},
    };
    struct bf_reply reply;
    status = bf__redis_ask(sink, load, 3, &reply, err);
    if (status == BF_OK && reply.text.len < sizeof sink->script) {
        snprintf(sink->script, sizeof sink->script, "%.*s", BF_SLICE_ARG(reply.text));
    }
    return status;
}

int64_t bf__redis_number(struct bf_slice text, int64_t unknown)
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
    int64_t beat_us = bf__redis_number(hello->items[3].text, 0) * BF_US_PER_MS;
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
    if (status == BF_OK && reply->count != 5 + (size_t)sink->options.partitions) {
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
    if (status == BF_OK && hello.items[0].text.len &&
        !bf_slice_equal(hello.items[0].text, sink->options.install)) {
        status = take_over(sink, &hello, err);
        status = status == BF_OK ? say_hello(sink, &hello, err) : status;
    }
    if (status != BF_OK) {
        return status;
    }
    bool back = false;
    draw_id(sink->writer);
    snprintf(sink->before, sizeof sink->before, "%.*s", BF_SLICE_ARG(hello.items[4].text));
    sink->swept = bf__redis_number(hello.items[1].text, -1);
    int64_t clock_ms = bf__redis_number(hello.items[2].text, -1);
    sink->clock_us = clock_ms < 0 ? BF_TIME_NONE : clock_ms * BF_US_PER_MS;
    for (int32_t i = 0; i < sink->options.partitions; i++) {
        positions[i] = bf__redis_number(hello.items[5 + i].text, BF_SINK_NO_POSITION);
        back |= positions[i] < sink->applied[i];
        sink->sent[i] = sink->applied[i] = positions[i];
    }
    if (back) {
        draw_id(sink->epoch);
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
    struct bf__redis_flight flight = sink->flights[0];
    sink->flights[0] = sink->flights[1];
    sink->flight_count--;
    enum bf_status status = bf__redis_reply(sink, &reply, err);
    if (status != BF_OK) {
        return status;
    }
    if (reply.kind != BF_REPLY_INT) {
        return bf_err_set(err, BF_PEER, "Redis answers a batch with something else");
    }
    if (reply.integer == 0) {
        return BF_AGAIN;
    }
    if (reply.integer == 2) { /* removed by hand: the next record of each key writes it whole */
        bf_log(BF_LOG_WARN, "sink.redis.surprised", "partition=%" PRId32 " reason=%s", flight.partition,
               "somebody else has changed keys; what Redis holds is read again");
        bf_table_clear(sink->known);
    }
    sink->applied[flight.partition] = flight.next;
    bf_count(sink->repeated, flight.skipped.repeated);
    bf_count(sink->overtaken, flight.skipped.overtaken);
    return BF_OK;
}

static enum bf_status take_answers(struct bf__redis_sink *sink, struct bf_err *err)
{
    enum bf_status status = BF_OK;
    while (status == BF_OK && sink->flight_count > 0) {
        status = take_answer(sink, err);
    }
    return status;
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
    return settle(sink, sink->redis ? take_answers(sink, err) : BF_AGAIN);
}

static void begin_batch(struct bf__redis_sink *sink)
{
    bf__words_reset(&sink->words);
    sink->task_count = 0;
    sink->skipped = (struct bf__redis_skipped){0};
}

/* What is known only at the end: where Redis must stand and will stand, and each task's last origin. */
static void put_head(struct bf__words *head, const struct bf__redis_sink *sink, int32_t partition,
                     int64_t next)
{
    bf__words_reset(head);
    bf__words_put(head, BF_SLICE("EVALSHA"));
    bf__words_put(head, bf_slice_of(sink->script));
    bf__words_put(head, BF_SLICE("0"));
    bf__words_put(head, BF_SLICE("apply"));
    bf__words_put_int(head, partition);
    bf__words_put_unless(head, sink->sent[partition], BF_SINK_NO_POSITION);
    bf__words_put_int(head, next);
    bf__words_put(head, bf_slice_of(sink->before));
    bf__words_put(head, bf_slice_of(sink->writer));
    bf__words_put_int(head, (int64_t)sink->options.site->sink.history);
    bf__words_put_unless(head, sink->clock_us / BF_US_PER_MS, BF_TIME_NONE / BF_US_PER_MS);
    bf__words_put_int(head, (int64_t)sink->task_count);
    for (size_t i = 0; i < sink->task_count; i++) {
        bf__words_put(head, sink->tasks[i].name);
        bf__words_put_origin(head, sink->tasks[i].origin->as.origin.offset,
                             sink->tasks[i].origin->as.origin.index);
    }
    assert(!head->full);
}

static enum bf_status send_batch(struct bf__redis_sink *sink, int32_t partition, int64_t next,
                                 struct bf_err *err)
{
    struct bf__words *words = &sink->words, *head = &sink->head;
    put_head(head, sink, partition, next);
    struct bf_slice *first = words->at + words->first - head->count;
    memcpy(first, head->at, head->count * sizeof *first);
    size_t count = (size_t)(words->at + words->count - first);
    enum bf_status status = sink->flight_count == BF_REDIS_IN_FLIGHT ? take_answer(sink, err) : BF_OK;
    status = status == BF_OK ? bf_redis_append(sink->redis, first, count, err) : status;
    status = status == BF_OK ? bf_redis_flush(sink->redis, err) : status;
    if (status == BF_OK) {
        sink->flights[sink->flight_count++] =
            (struct bf__redis_flight){.partition = partition, .next = next, .skipped = sink->skipped};
        sink->sent[partition] = next;
        memcpy(sink->before, sink->writer, sizeof sink->before);
    }
    begin_batch(sink);
    return status;
}

/* Sends what came before record `first`, and asks for what this and those behind it need. */
static enum bf_status learn(struct bf__redis_sink *sink, const struct bf_sink_batch *batch, size_t first,
                            struct bf_err *err)
{
    enum bf_status status = BF_OK;
    if (first > 0) {
        status = send_batch(sink, batch->partition, batch->records[first].offset, err);
    }
    status = status == BF_OK ? take_answers(sink, err) : status;
    return status == BF_OK ? bf__known_learn(sink, batch, first, err) : status;
}

static enum bf_status redis_write(void *self, const struct bf_sink_batch *batch, struct bf_err *err)
{
    struct bf__redis_sink *sink = self;
    if (!sink->redis || batch->expected != sink->sent[batch->partition]) {
        return BF_AGAIN;
    }
    enum bf_status status = BF_OK;
    begin_batch(sink);
    for (size_t i = 0; i < batch->count && status == BF_OK;) {
        switch (bf__redis_add(sink, batch->partition, &batch->records[i])) {
        case BF_ADDED:
            i++;
            break;
        case BF_ADDED_FULL:
            status = send_batch(sink, batch->partition, batch->records[i].offset, err);
            break;
        case BF_ADDED_UNKNOWN:
            status = learn(sink, batch, i, err);
            break;
        }
    }
    status = status == BF_OK ? send_batch(sink, batch->partition, batch->next, err) : status;
    return settle(sink, status);
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
        bf__words_put_unless(words, sink->sent[i], BF_SINK_NO_POSITION);
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
