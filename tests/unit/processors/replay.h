/* replay.h: a log of readings, run through both stages, straight and with save and load at random points,
 * in any interleaving of the partials.
 * Owner: static, one per test program.   Thread: main. */
#ifndef TEST_PROCESSORS_REPLAY_H
#define TEST_PROCESSORS_REPLAY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/processors/city.h"

#define INGESTS 3
#define DEVICES 6
#define CHANNELS 4
#define MAX_TRUTH 4096
#define MAX_RECORDS 16384

static uint64_t seed;
static uint32_t draw(uint32_t below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33) % below;
}

/* ---- the log */
struct entry {
    enum bf_record_type type;
    char bytes[512];
    size_t len;
    int truth, ingest;
    int64_t incarnation;
    int64_t event_us, ingest_us; /* of a reading */
    bool estimated;
};
static struct entry logs[SOURCES][MAX_RECORDS];
static size_t log_len[SOURCES];
static struct {
    int device, channel;
    int64_t event_us;
} truths[MAX_TRUTH];
static int truth_count;

static const char *const ingest_ids[INGESTS] = {"in-a", "in-b", "in-c"};

static struct entry *append(int p, enum bf_record_type type, int ingest, int64_t incarnation)
{
    assert_true(log_len[p] < MAX_RECORDS);
    struct entry *entry = &logs[p][log_len[p]++];
    entry->type = type;
    entry->ingest = ingest;
    entry->truth = -1;
    entry->incarnation = incarnation;
    return entry;
}

static void put_control(int p, int64_t generation)
{
    const struct bf_control control = {
        .generation = generation,
        .hash = BF_SLICE("0000000000000000000000000000000000000000000000000000000000000000"),
        .from_us = plan_from[generation - 1]};
    struct entry *entry = append(p, BF_RECORD_CONTROL, 0, INT64_MAX);
    struct bf_mp_writer writer;
    bf_mp_writer_init(&writer, entry->bytes, sizeof(entry->bytes));
    bf_control_pack(&control, &writer);
    entry->len = writer.len;
}

/* ---- running it */
static int64_t clocks[SOURCES][MAX_RECORDS]; /* after each record */

static struct bf_slice saved(void *task, bool first, char **bytes)
{
    size_t size = 1 << 22;
    struct bf_mp_writer writer;
    *bytes = malloc(size);
    bf_mp_writer_init(&writer, *bytes, size);
    if (first) {
        bf_stage1_save(task, &writer);
    } else {
        bf_stage2_save(task, &writer);
    }
    assert_false(writer.full);
    return (struct bf_slice){writer.data, writer.len};
}

static struct bf_stage1 *reload_stage1(struct bf_stage1 *task, const struct bf_task_options *options)
{
    char *a, *b;
    struct bf_err err = {.message = ""};
    struct bf_slice before = saved(task, true, &a);
    bf_stage1_destroy(task);
    assert_int_equal(bf_stage1_create(options, &task, &err), BF_OK);
    if (bf_stage1_load(task, before, &err) != BF_OK) {
        fail_msg("%s", err.message);
    }
    struct bf_slice after = saved(task, true, &b);
    assert_int_equal(before.len, after.len);
    assert_memory_equal(before.data, after.data, before.len);
    free(a);
    free(b);
    return task;
}

static struct bf_stage2 *reload_stage2(struct bf_stage2 *task, const struct bf_task_options *options)
{
    char *a, *b;
    struct bf_err err = {.message = ""};
    struct bf_slice before = saved(task, false, &a);
    bf_stage2_destroy(task);
    assert_int_equal(bf_stage2_create(options, &task, &err), BF_OK);
    if (bf_stage2_load(task, before, &err) != BF_OK) {
        fail_msg("%s", err.message);
    }
    struct bf_slice after = saved(task, false, &b);
    assert_int_equal(before.len, after.len);
    assert_memory_equal(before.data, after.data, before.len);
    free(a);
    free(b);
    return task;
}

static bool finals_only; /* of the tasks that run_stage1 makes */

static void run_stage1(int p, struct list *out, bool crash, uint64_t crash_seed)
{
    struct bf_task_options options = task_options(p, out, "s1");
    options.finals_only = finals_only;
    struct bf_stage1 *task;
    struct bf_err err;
    uint64_t keep_seed = seed;
    seed = crash_seed;
    assert_int_equal(bf_stage1_create(&options, &task, &err), BF_OK);
    for (size_t i = 0; i < log_len[p]; i++) {
        if (crash && draw(60) == 0) {
            task = reload_stage1(task, &options);
        }
        const struct bf_input input = {
            .type = logs[p][i].type, .offset = (int64_t)i, .value = {logs[p][i].bytes, logs[p][i].len}};
        out->offset = (int64_t)i;
        assert_int_equal(bf_stage1_apply(task, &input, &err), BF_OK);
        clocks[p][i] = bf_stage1_status(task).clock_us;
    }
    struct bf_task_counters c = bf_stage1_counters(task);
    assert_int_equal(c.readings, c.accepted + c.duplicate + c.older + c.content + c.malformed);
    assert_int_equal(c.limit, 0);
    seed = keep_seed;
    bf_stage1_destroy(task);
}

/* The partials partitions: the outputs of the tasks in a random interleaving. */
static void interleave(struct list from[SOURCES], struct list to[PARTIALS])
{
    size_t at[SOURCES] = {0, 0, 0};
    for (;;) {
        int left[SOURCES], n = 0;
        for (int p = 0; p < SOURCES; p++) {
            if (at[p] < from[p].count) {
                left[n++] = p;
            }
        }
        if (n == 0) {
            return;
        }
        int p = left[draw((uint32_t)n)];
        for (uint32_t k = 1 + draw(30); k > 0 && at[p] < from[p].count; k--) {
            const struct kept *one = &from[p].items[at[p]++];
            if (one->topic == BF_OUTPUT_PARTIALS) {
                list_add(&to[one->partition], *one, one->bytes, one->len);
            }
        }
    }
}

static void run_stage2(int q, const struct list *in, struct list *out, bool crash)
{
    struct bf_task_options options = task_options(q, out, "s2");
    struct bf_stage2 *task;
    struct bf_err err;
    assert_int_equal(bf_stage2_create(&options, &task, &err), BF_OK);
    for (size_t i = 0; i < in->count; i++) {
        if (crash && draw(80) == 0) {
            task = reload_stage2(task, &options);
        }
        const struct kept *one = &in->items[i];
        const struct bf_input input = {.type = one->type,
                                       .offset = (int64_t)i,
                                       .value = {one->bytes, one->len},
                                       .origin = {one->origin, one->origin_len}};
        out->offset = (int64_t)i;
        assert_int_equal(bf_stage2_apply(task, &input, &err), BF_OK);
        if (draw(30) == 0) { /* a replay writes it again */
            assert_int_equal(bf_stage2_apply(task, &input, &err), BF_OK);
        }
    }
    struct bf_task_status status = bf_stage2_status(task);
    assert_int_equal(status.waiting, 0);
    assert_int_equal(status.malformed + status.foreign + status.refused, 0);
    bf_stage2_destroy(task);
}

static void assert_same(const struct list *a, const struct list *b)
{
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        const struct kept *x = &a->items[i], *y = &b->items[i];
        assert_int_equal(x->topic, y->topic);
        assert_int_equal(x->partition, y->partition);
        assert_int_equal(x->offset, y->offset);
        assert_int_equal(x->index, y->index);
        assert_int_equal(x->len, y->len);
        assert_memory_equal(x->bytes, y->bytes, x->len);
    }
}

#endif
