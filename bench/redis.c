/* redis.c: what one item costs in Redis and in belfry-sink: the sink's own code and script, beside the same
 * commands (hash, board, stream, channel) of the same values in a pipeline, without any guard. CPU time of
 * this process and of the server together. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/measure.h"
#include "bench/sample.h"
#include "core/number.h"
#include "core/time.h"
#include "peers/redis/redis.h"
#include "sinks/sink.h"
#include "sinks/words.h"

#define BATCH 200
#define SCOPES 1000
#define WINDOW_US (10 * BF_US_PER_S)
#define FIRST_VALUE 3 /* of a KPI's words: behind offset, name and boards (sinks/words.h) */

struct state {
    const struct bf_sink *sink;
    void *self;
    struct bf_redis *redis; /* of the floor */
    struct bf__words words;
    struct bf__kpi_names names;
    char scopes[SCOPES][32];
    struct bf_sink_record records[BATCH];
    int64_t offset, expected; /* next offset; where the sink stands */
    int64_t floor_offset;
    bool final;
};

/* Places in bf__kpi_fields. The sink writes of a hash only what has changed since; so does the floor. */
static const size_t every[BF_KPI_FIELDS] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
static const size_t changing[] = {0, 2, 3, 4, 12};         /* value, window, n, stale_after_ms */
static const size_t history[] = {0, 2, 3, 4, 5, 6, 9, 11}; /* as in sinks/redis.lua */

/* Item number `offset`: each window of each scope ends once; provisional values of it come before. */
static struct bf_kpi make_kpi(const struct state *state, int64_t offset)
{
    int64_t start = BENCH_START_US + offset / SCOPES * WINDOW_US;
    return (struct bf_kpi){
        .kpi = BF_SLICE("pm2_5"),
        .scope = bf_slice_of(state->scopes[offset % SCOPES]),
        .unit = BF_SLICE("ug/m3"),
        .start_us = start,
        .end_us = start + WINDOW_US,
        .has_value = true,
        .value = 12.0 + (double)(offset % 97) / 8,
        .n = (uint64_t)(100 + offset % 50),
        .has_range = true,
        .min = 3.5,
        .max = 41.25,
        .phase = state->final ? BF_KPI_FINAL : BF_KPI_PROVISIONAL,
        .quality = BF_QUALITY_GOOD,
        .generation = 1,
        .clock_us = start + WINDOW_US,
        .stale_after_us = start + 3 * WINDOW_US,
        .has_target = true,
        .target = 15,
        .band = BF_SLICE("fair"),
    };
}

static void run_sink(void *context, size_t count)
{
    struct state *state = context;
    struct bf_err err;
    for (size_t done = 0; done < count; done += BATCH) {
        for (size_t i = 0; i < BATCH; i++) {
            int64_t offset = state->offset + (int64_t)i;
            state->records[i] = (struct bf_sink_record){
                .type = BF_RECORD_KPI,
                .offset = offset,
                .origin = {.task = BF_SLICE("0123456789abcdef/s2/0"), .offset = offset, .index = 0},
                .as.kpi = make_kpi(state, offset),
            };
        }
        const struct bf_sink_batch batch = {.partition = 0,
                                            .expected = state->expected,
                                            .next = state->offset + BATCH,
                                            .records = state->records,
                                            .count = BATCH};
        bench_must(state->sink->write(state->self, &batch, &err), &err);
        state->offset = state->expected = batch.next;
    }
    bench_must(state->sink->flush(state->self, &err), &err);
}

/* ---- the same commands without the script */

static struct bf_slice join(char *text, size_t size, const char *prefix, struct bf_slice scope)
{
    int len = snprintf(text, size, "%s%.*s", prefix, BF_SLICE_ARG(scope));
    return (struct bf_slice){.data = text, .len = (size_t)len};
}

static void append(struct state *state, const struct bf_slice *words, size_t count)
{
    struct bf_err err;
    bench_must(bf_redis_append(state->redis, words, count, &err), &err);
}

static size_t put_fields(struct bf_slice *words, const struct bf_slice *values, const size_t *places,
                         size_t count)
{
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        if (values[places[i]].len > 0) {
            words[used++] = bf__kpi_fields[places[i]];
            words[used++] = values[places[i]];
        }
    }
    return used;
}

static void append_hash(struct state *state, struct bf_slice key, const struct bf_slice *values,
                        struct bf_slice seq, bool first)
{
    struct bf_slice words[4 + 2 * BF_KPI_FIELDS] = {BF_SLICE("HSET"), key, BF_SLICE("seq"), seq};
    size_t count = first ? BF_KPI_FIELDS : sizeof changing / sizeof *changing;
    append(state, words, 4 + put_fields(words + 4, values, first ? every : changing, count));
}

static void append_history(struct state *state, struct bf_slice key, const struct bf_slice *values,
                           int64_t offset)
{
    char id[BF_NUMBER_MAX + 2];
    int length = snprintf(id, sizeof id, "%lld-1", (long long)offset);
    struct bf_slice words[6 + 2 * BF_KPI_FIELDS] = {
        BF_SLICE("XADD"), key, BF_SLICE("MAXLEN"), BF_SLICE("~"), BF_SLICE("500"), {id, (size_t)length}};
    append(state, words, 6 + put_fields(words + 6, values, history, sizeof history / sizeof *history));
}

/* One item; its place on the board goes with those of the whole batch. */
static size_t append_item(struct state *state, int64_t offset)
{
    char keys[2][96], number[BF_NUMBER_MAX];
    struct bf_kpi kpi = make_kpi(state, offset);
    bf__words_reset(&state->words);
    bf__words_put_kpi(&state->words, &kpi, &state->names, offset);
    const struct bf_slice *values = state->words.at + state->words.first + FIRST_VALUE;
    int64_t number_of = offset / SCOPES + 1;
    struct bf_slice seq = {.data = number, .len = bf_number_format_int(number_of, number)};
    (void)bf__words_end_message(&state->words, number_of);
    struct bf_slice key = join(keys[0], sizeof keys[0], "floor:v1:kpi:pm2_5:", kpi.scope);
    append_hash(state, key, values, seq, offset < SCOPES);
    if (state->final) {
        append_history(state, join(keys[1], sizeof keys[1], "floor:v1:hist:pm2_5:", kpi.scope), values,
                       offset);
    }
    struct bf_slice publish[] = {BF_SLICE("PUBLISH"), key, values[BF_KPI_FIELDS]};
    append(state, publish, 3);
    return state->final ? 3 : 2;
}

/* The values of a batch onto the board, as the script does: one command. */
static size_t append_board(struct state *state, int64_t from)
{
    static char names[BATCH][96], numbers[BATCH][BF_NUMBER_MAX];
    static struct bf_slice words[2 + 2 * BATCH];
    words[0] = BF_SLICE("HSET");
    words[1] = BF_SLICE("floor:v1:board:wall");
    for (size_t i = 0; i < BATCH; i++) {
        struct bf_kpi kpi = make_kpi(state, from + (int64_t)i);
        words[2 + 2 * i] = join(names[i], sizeof names[i], "pm2_5:", kpi.scope);
        words[3 + 2 * i] = (struct bf_slice){numbers[i], bf_number_format(kpi.value, numbers[i])};
    }
    append(state, words, 2 + 2 * BATCH);
    return 1;
}

static void take_replies(struct state *state, size_t count)
{
    struct bf_reply reply;
    struct bf_err err;
    while (count-- > 0) {
        bench_must(bf_redis_take(state->redis, &reply, &err), &err);
    }
}

/* One batch on its way while the next is written, as the sink does. */
static void run_floor(void *context, size_t count)
{
    struct state *state = context;
    struct bf_err err;
    size_t waiting = 0;
    for (size_t done = 0; done < count; done += BATCH) {
        size_t commands = append_board(state, state->floor_offset);
        for (size_t i = 0; i < BATCH; i++) {
            commands += append_item(state, state->floor_offset++);
        }
        bench_must(bf_redis_flush(state->redis, &err), &err);
        take_replies(state, waiting);
        waiting = commands;
    }
    take_replies(state, waiting);
}

/* ---- */

static void begin(struct state *state, const struct bf_site *site, const struct bf_city *city, bool final,
                  struct bf_counters *counters)
{
    struct bf_err err;
    int64_t position, clock_us;
    const struct bf_sink_options options = {
        .site = site, .install = BF_SLICE("0123456789abcdef"), .partitions = 1, .counters = counters};
    const struct bf_sink_view view = {.generation = 1, .city = city};
    const struct bf_redis_options redis = {.url = site->redis.url, .timeout_ms = 5000};
    state->final = final;
    state->sink = bf_sink_find(BF_SLICE("redis"));
    state->names = (struct bf__kpi_names){
        .id = BF_SLICE("pm2_5"), .escaped = BF_SLICE("pm2_5"), .boards = BF_SLICE("wall")};
    for (size_t i = 0; i < SCOPES; i++) {
        (void)snprintf(state->scopes[i], sizeof state->scopes[i], "zone.district-%04zu", i);
    }
    bench_must(state->sink->open(&options, &state->self, &err), &err);
    bench_must(state->sink->sync(state->self, &position, &clock_us, &err), &err);
    bench_must(state->sink->adopt(state->self, &view, &err), &err);
    bench_must(bf_redis_open(&redis, &state->redis, &err), &err);
    bench_must(bf__words_init(&state->words, 0, 64, 65536, &err), &err);
    state->expected = position;
    state->offset = state->floor_offset = 1;
}

static void finish(struct state *state)
{
    state->sink->close(state->self);
    bf_redis_close(state->redis);
    bf__words_deinit(&state->words);
}

/* Streams fill to their cap in the rows' warm-up; a row counts from there. */
static void flush_all(const char *url)
{
    struct bf_redis *redis;
    struct bf_reply reply;
    struct bf_err err;
    const struct bf_redis_options options = {.url = url, .timeout_ms = 5000};
    const struct bf_slice command[] = {BF_SLICE("FLUSHALL")};
    bench_must(bf_redis_open(&options, &redis, &err), &err);
    bench_must(bf_redis_command(redis, command, 1, &reply, &err), &err);
    bf_redis_close(redis);
}

int main(int argc, char **argv)
{
    static struct state state;
    static struct bf_counters counters;
    struct bf_site site = {.redis = {.timeout_us = 5 * BF_US_PER_S},
                           .sink = {.batch = BATCH, .history = 500}};
    struct bf_slice boards[] = {BF_SLICE("pm2_5")};
    struct bf_board board = {.name = BF_SLICE("wall"), .title = BF_SLICE("wall"), .kpis = boards, .count = 1};
    struct bf_kpi_definition kpi = {.id = BF_SLICE("pm2_5"), .unit = BF_SLICE("ug/m3"), .live = true};
    struct bf_city city = {.kpis = &kpi, .kpi_count = 1, .boards = &board, .board_count = 1};
    struct bench_options options = bench_options_read(argc, argv);
    pid_t server = (pid_t)strtol(bench_argument(argc, argv, "--pid", "0"), NULL, 10);
    site.redis.url = bench_argument(argc, argv, "--url", "redis://127.0.0.1:6379/0");
    size_t count = options.rounds < 5 ? 10000 : 50000;
    for (int final = 0; final <= 1; final++) {
        flush_all(site.redis.url);
        begin(&state, &site, &city, final, &counters);
        struct bench_row rows[] = {
            {.stage = "redis",
             .name = final ? "item, final: the sink's script" : "item, provisional: the sink's script",
             .run = run_sink,
             .context = &state,
             .count = count,
             .other = server,
             .floor = final ? "HSET, XADD, PUBLISH unguarded" : "HSET, PUBLISH unguarded",
             .goal_ratio = 1.3},
            {.stage = "redis",
             .name = final ? "HSET, XADD, PUBLISH unguarded" : "HSET, PUBLISH unguarded",
             .run = run_floor,
             .context = &state,
             .count = count,
             .other = server},
        };
        bench_measure(rows, sizeof rows / sizeof *rows, &options);
        finish(&state);
    }
    return EXIT_SUCCESS;
}
