/* Checkpoints against a Kafka that does as it is told: what is acknowledged when, and which answer a commit
 * gets, or none. The functions of peers/kafka that checkpoints use are replaced by the linker (--wrap).
 * Covers: processors/run/checkpoint.c, processors/run/chunks.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/hash.h"
#include "core/time.h"
#include "tests/unit/processors/run/told_kafka.h"

#define EVERY_US (10 * BF_US_PER_S)

/* ---- the process */
static struct bf_process process;
static struct bf_site site;
static struct bf_install install;
static struct bf_running tasks[TASKS];
static struct bf_counter counters[32];
static int64_t now_us;

static int begin_process(void **unused)
{
    (void)unused;
    struct bf_err err;
    free(kafka.bytes);
    memset(&kafka, 0, sizeof kafka);
    memset(tasks, 0, sizeof tasks);
    memset(&process, 0, sizeof process);
    install = (struct bf_install){
        .id = BF_SLICE("log"), .readings = TASKS, .rejects = 1, .partials = 1, .kpis = 1, .checkpoints = 4};
    site = (struct bf_site){.process = {.checkpoint_every_us = EVERY_US, .checkpoint_rate = 0}};
    process.install = &install;
    process.site = &site;
    process.tasks = tasks;
    process.task_count = TASKS;
    struct bf_process_tally *tally = &process.tally;
    struct bf_counter **const used[] = {&tally->checkpoints,
                                        &tally->checkpoints_unanswered,
                                        &tally->checkpoints_refused,
                                        &tally->checkpoint_bytes,
                                        &tally->pauses[BF_PAUSE_SAVE],
                                        &tally->pauses[BF_PAUSE_CHUNK],
                                        &tally->pauses[BF_PAUSE_COMMIT]};
    memset(counters, 0, sizeof counters);
    for (size_t i = 0; i < sizeof used / sizeof used[0]; i++) {
        *used[i] = &counters[i];
    }
    assert_int_equal(bf__chunks_open(&process.chunks, &err), BF_OK);
    state_size = 1000;
    state_byte = 'a';
    now_us = 1;
    return 0;
}

static int end_process(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < TASKS; i++) {
        if (tasks[i].used) {
            bf__process_end(&tasks[i]);
        }
    }
    bf__chunks_close(&process.chunks);
    return 0;
}

static struct bf_running *begin_task(int32_t partition)
{
    struct bf_running *task = &tasks[partition];
    struct bf_err err;
    *task = (struct bf_running){.process = &process,
                                .used = true,
                                .topic = BF_TOPIC_READINGS,
                                .partition = partition,
                                .owner = 0xabc,
                                .committed = -1,
                                .floor_offset = INT64_MAX,
                                .next = 5};
    (void)snprintf(task->name, sizeof task->name, "log/s1/%d", (int)partition);
    assert_int_equal(bf__process_new_stages(task, &err), BF_OK);
    kafka.offset[partition] = -1;
    return task;
}

static void turn(void)
{
    struct bf_err err;
    assert_int_equal(bf__process_checkpoints(&process, now_us, &err), BF_OK);
}

static void turns(int count)
{
    for (int i = 0; i < count; i++) {
        turn();
    }
}

static void acknowledge(void)
{
    kafka.acked = kafka.handed;
}

static uint64_t counted(const struct bf_counter *counter)
{
    return (uint64_t)bf_counter_read(counter);
}

/* A whole one, confirmed. */
static void checkpoint(struct bf_running *task, int64_t next)
{
    uint64_t before = counted(process.tally.checkpoints);
    task->next = next;
    now_us = task->due_us > now_us ? task->due_us : now_us;
    for (int i = 0; i < 20 && counted(process.tally.checkpoints) == before; i++) {
        turn();
        acknowledge();
    }
    assert_int_equal(counted(process.tally.checkpoints), before + 1);
    assert_int_equal(task->committed, next);
}

static bool was_removed(const char *key)
{
    for (uint64_t i = 0; i < kafka.handed; i++) {
        if (kafka.tombstone[i] && strcmp(kafka.keys[i], key) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- */
static void nothing_is_committed_before_all_is_acknowledged(void **unused)
{
    (void)unused;
    struct bf_running *task = begin_task(0);
    kafka.handed = 7; /* outputs under way */
    turns(3);
    assert_int_equal(kafka.chunks, 1);
    assert_int_equal(task->phase, BF_CHECKPOINT_CHUNKS);
    kafka.acked = 7; /* the outputs, not the chunk */
    turns(3);
    assert_int_equal(kafka.commits, 0);
    task->next = 99; /* records go on; the checkpoint is of before */
    kafka.acked = 8;
    turns(2);
    assert_int_equal(kafka.commits, 1);
    assert_int_equal(kafka.offset[0], 5);
    assert_int_equal(task->committed, 5);
    struct bf_manifest manifest;
    struct bf_err err;
    assert_int_equal(bf_manifest_parse(kafka.text[0], &manifest, &err), BF_OK);
    assert_int_equal(manifest.chunks, 1);
    assert_int_equal(manifest.offsets[0], 80);
    assert_int_equal(manifest.bytes, 1000);
    assert_int_equal(manifest.from, 80);
    assert_false(manifest.clean);
}

/* Two brokers: the chunk's acknowledgement may overtake that of an output before it. */
static void an_acknowledged_chunk_waits_for_the_outputs_before_it(void **unused)
{
    (void)unused;
    struct bf_running *task = begin_task(0);
    turns(2);
    process.chunks.receipts[0] = (struct bf_receipt){.sequence = 1, .offset = 10};
    kafka.acked = 1;
    task->mark = 2; /* as if an output before it were still under way */
    turns(3);
    assert_int_equal(task->phase, BF_CHECKPOINT_ACKS);
    assert_int_equal(kafka.commits, 0);
    kafka.acked = 2;
    turn();
    assert_int_equal(kafka.commits, 1);
}

static void a_large_state_goes_a_chunk_a_turn_and_four_at_most_are_under_way(void **unused)
{
    (void)unused;
    struct bf_running *task = begin_task(0);
    state_size = 9 * (size_t)BF_CHUNK_BYTES + 17;
    turn();           /* saves */
    state_byte = 'b'; /* what the task does from now on is none of the checkpoint's */
    for (uint64_t i = 1; i <= 4; i++) {
        turn();
        assert_int_equal(kafka.chunks, i);
    }
    turns(5);
    assert_int_equal(kafka.chunks, 4);
    kafka.full = true; /* the producer's queue */
    acknowledge();
    turns(3);
    assert_int_equal(kafka.chunks, 4);
    kafka.full = false;
    for (int i = 0; i < 20; i++) {
        turn();
        acknowledge();
    }
    struct bf_manifest manifest;
    struct bf_err err;
    char digest[65];
    assert_int_equal(task->committed, 5);
    assert_int_equal(bf_manifest_parse(kafka.text[0], &manifest, &err), BF_OK);
    assert_int_equal(manifest.chunks, 10);
    assert_int_equal(manifest.bytes, state_size);
    assert_int_equal(kafka.len, state_size);
    bf_hash_sha256_hex((struct bf_slice){kafka.bytes, kafka.len}, digest);
    assert_string_equal(digest, manifest.digest);
    for (uint32_t i = 0; i < 10; i++) {
        assert_int_equal(manifest.offsets[i], 10 * (i + 1));
        assert_true(kafka.bytes[(size_t)i * BF_CHUNK_BYTES] == 'a');
    }
}

static void the_rate_spreads_the_chunks(void **unused)
{
    (void)unused;
    (void)begin_task(0);
    state_size = 3 * (size_t)BF_CHUNK_BYTES;
    site.process.checkpoint_rate = BF_CHUNK_BYTES; /* one a second */
    turns(5);
    assert_int_equal(kafka.chunks, 1);
    now_us += BF_US_PER_S - 1;
    turns(2);
    assert_int_equal(kafka.chunks, 1);
    now_us += 1;
    turns(2);
    assert_int_equal(kafka.chunks, 2);
}

static void a_state_that_is_too_large_ends_the_process(void **unused)
{
    (void)unused;
    struct bf_err err;
    (void)begin_task(0);
    state_size = (size_t)BF_MANIFEST_CHUNKS * BF_CHUNK_BYTES + 1;
    assert_int_equal(bf__process_checkpoints(&process, now_us, &err), BF_FATAL);
}

static void older_chunks_go_after_the_commit_and_none_is_used_again(void **unused)
{
    (void)unused;
    struct bf_running *task = begin_task(0);
    *bf__process_set(task, 0xdead, 4, 3) =
        (struct bf_chunk_set){.owner = 0xdead, .number = 4, .chunks = 2, .live = 2, .first_offset = 3};
    checkpoint(task, 6);
    assert_true(was_removed("log/s1/0|000000000000dead|4|0") && was_removed("log/s1/0|000000000000dead|4|1"));
    assert_false(was_removed("log/s1/0|0000000000000abc|1|0"));
    checkpoint(task, 7);
    assert_true(was_removed("log/s1/0|0000000000000abc|1|0"));
    assert_int_equal(kafka.removed, 3);
    for (uint64_t i = 0; i < kafka.handed; i++) {
        for (uint64_t j = 0; j < i; j++) {
            assert_true(kafka.tombstone[i] || strcmp(kafka.keys[i], kafka.keys[j]) != 0);
        }
    }
}

static void an_unanswered_commit_is_asked_for_and_its_chunks_are_left(void **unused)
{
    (void)unused;
    struct bf_running *task = begin_task(0);
    checkpoint(task, 6);
    kafka.answer = APPLIED;
    kafka.silent = true;
    task->next = 7;
    now_us = task->due_us;
    for (int i = 0; i < 6; i++) {
        turn();
        acknowledge();
    }
    assert_int_equal(task->phase, BF_CHECKPOINT_ASK);
    assert_int_equal(kafka.commits, 2);
    assert_int_equal(task->committed, 6); /* not known */
    assert_int_equal(kafka.removed, 0);
    uint64_t asked = kafka.questions;
    turns(5); /* not without a pause */
    assert_int_equal(kafka.questions, asked);
    task->next = 8;
    now_us += 2 * EVERY_US; /* no newer one begins before the answer */
    turns(2);
    assert_int_equal(kafka.chunks, 2);
    kafka.silent = false;
    kafka.answer = DONE;
    now_us += BF_US_PER_S;
    turn();
    assert_int_equal(task->committed, 7); /* it was ours: nothing was committed again */
    assert_int_equal(kafka.commits, 2);
    assert_true(was_removed("log/s1/0|0000000000000abc|1|0"));
    checkpoint(task, 8);                                        /* has begun in that very turn */
    assert_false(was_removed("log/s1/0|0000000000000abc|2|0")); /* the first request may still land */
    checkpoint(task, 9);
    assert_true(was_removed("log/s1/0|0000000000000abc|3|0"));
    assert_false(was_removed("log/s1/0|0000000000000abc|2|0"));
    assert_int_equal(counted(process.tally.checkpoints_unanswered), 1);
}

static void what_was_not_applied_is_committed_again_as_it_was(void **unused)
{
    (void)unused;
    struct bf_running *task = begin_task(0);
    kafka.answer = LOST;
    for (int i = 0; i < 6 && kafka.commits == 0; i++) {
        turn();
        acknowledge();
    }
    assert_int_equal(task->phase, BF_CHECKPOINT_ASK);
    task->next = 50;
    kafka.answer = DONE;
    now_us += BF_US_PER_S;
    turns(2);
    assert_int_equal(kafka.commits, 2);
    assert_int_equal(kafka.offset[0], 5);
    assert_int_equal(task->committed, 5);
    assert_int_equal(kafka.chunks, 1);
    /* A late request of the same commit changes nothing: it says the same. */
    char text[BF_MANIFEST_TEXT + 1];
    memcpy(text, kafka.text[0], sizeof text);
    const struct bf_position late = {.topic = BF_TOPIC_READINGS, .partition = 0, .offset = 5};
    apply(&late, text);
    checkpoint(task, 50);
    assert_false(was_removed("log/s1/0|0000000000000abc|1|0"));
}

static void a_refused_commit_stops_the_task(void **unused)
{
    (void)unused;
    struct bf_running *task = begin_task(0), *other = begin_task(1);
    kafka.answer = REFUSED;
    for (int i = 0; i < 6 && kafka.commits == 0; i++) {
        turn();
        acknowledge();
    }
    struct bf_running *refused = task->stopped ? task : other;
    assert_true(refused->stopped);
    assert_int_equal(kafka.removed, 0);
    kafka.answer = DONE;
    now_us += 2 * EVERY_US;
    for (int i = 0; i < 10; i++) {
        turn();
        acknowledge();
    }
    assert_int_equal(refused->committed, -1); /* for good, until the next assignment */
    assert_int_equal((refused == task ? other : task)->committed, 5);
    assert_int_equal(counted(process.tally.checkpoints_refused), 1);
}

static void a_task_that_ends_leaves_its_checkpoint_to_nobody(void **unused)
{
    (void)unused;
    struct bf_running *task = begin_task(0);
    state_size = 3 * (size_t)BF_CHUNK_BYTES;
    turns(3);
    assert_int_equal(kafka.chunks, 2);
    bf__process_end(task);
    acknowledge();
    turns(5);
    assert_int_equal(kafka.chunks, 2);
    assert_int_equal(kafka.commits, 0);
    task = begin_task(0); /* a new epoch */
    task->owner = 0xdef;
    checkpoint(task, 6);
    assert_int_equal(kafka.commits, 1);
}

static void tasks_take_turns(void **unused)
{
    (void)unused;
    for (int32_t i = 0; i < TASKS; i++) {
        (void)begin_task(i);
    }
    for (uint64_t i = 1; i <= 30; i++) {
        uint64_t commits = kafka.commits, chunks = kafka.chunks;
        turn();
        acknowledge();
        assert_true(kafka.commits - commits <= 1 && kafka.chunks - chunks <= 1);
    }
    for (int32_t i = 0; i < TASKS; i++) {
        assert_int_equal(tasks[i].committed, 5);
    }
    turns(10); /* nothing has changed, nothing is due */
    assert_int_equal(kafka.commits, TASKS);
}

static void the_last_checkpoints_are_clean(void **unused)
{
    (void)unused;
    struct bf_running *task = begin_task(0), *idle = begin_task(1), *announced = begin_task(2);
    checkpoint(task, 6); /* and the others with it, or soon */
    idle->next = 0;
    announced->must_announce = true;
    kafka.commits = 0;
    bf__process_last_checkpoints(&process, bf_time_monotonic_us() + 5 * BF_US_PER_S);
    struct bf_manifest manifest;
    struct bf_err err;
    assert_int_equal(bf_manifest_parse(kafka.text[0], &manifest, &err), BF_OK);
    assert_true(manifest.clean);
    assert_int_equal(kafka.offset[0], 6);
    uint64_t commits = kafka.commits;
    bf__process_last_checkpoints(&process, bf_time_monotonic_us() + 5 * BF_US_PER_S);
    assert_int_equal(kafka.commits, commits); /* once is enough */
}

static void the_last_checkpoints_end_at_their_deadline(void **unused)
{
    (void)unused;
    struct bf_running *task = begin_task(0);
    kafka.full = true;
    bf__process_last_checkpoints(&process, bf_time_monotonic_us() + 20 * BF_US_PER_MS);
    assert_int_equal(task->committed, -1);
}

static void what_comes_after_an_orderly_stop_is_announced(void **unused)
{
    (void)unused;
    struct bf_running *task = begin_task(0);
    struct bf_err err;
    struct bf_manifest manifest;
    task->must_announce = true;
    bf_hash_sha256_hex((struct bf_slice){NULL, 0}, task->manifest.digest);
    task->manifest.clean = true;
    kafka.answer = LOST;
    assert_int_equal(bf__process_announce(task, &err), BF_AGAIN);
    assert_true(task->must_announce);
    kafka.answer = DONE;
    assert_int_equal(bf__process_announce(task, &err), BF_OK);
    assert_false(task->must_announce);
    assert_int_equal(bf_manifest_parse(kafka.text[0], &manifest, &err), BF_OK);
    assert_false(manifest.clean);
    assert_int_equal(kafka.offset[0], 5);
    task->must_announce = true;
    kafka.answer = REFUSED;
    assert_int_equal(bf__process_announce(task, &err), BF_OK);
    assert_true(task->stopped && task->must_announce);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin_process, end_process)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_committed_before_all_is_acknowledged),
        TEST(an_acknowledged_chunk_waits_for_the_outputs_before_it),
        TEST(a_large_state_goes_a_chunk_a_turn_and_four_at_most_are_under_way),
        TEST(the_rate_spreads_the_chunks),
        TEST(a_state_that_is_too_large_ends_the_process),
        TEST(older_chunks_go_after_the_commit_and_none_is_used_again),
        TEST(an_unanswered_commit_is_asked_for_and_its_chunks_are_left),
        TEST(what_was_not_applied_is_committed_again_as_it_was),
        TEST(a_refused_commit_stops_the_task),
        TEST(a_task_that_ends_leaves_its_checkpoint_to_nobody),
        TEST(tasks_take_turns),
        TEST(the_last_checkpoints_are_clean),
        TEST(the_last_checkpoints_end_at_their_deadline),
        TEST(what_comes_after_an_orderly_stop_is_announced),
    };
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    free(kafka.bytes);
    return failures;
}
