/* faults.c: what each kind of event does, and how the world is put right in the end. */
#include "tests/sim/mqtt.h"
#include "tests/sim/redis_server.h"
#include "tests/sim/world.h"

#define SAVES 4

static uint32_t loops[SIM_PROCESSES]; /* how often it dies again soon after its start */

static int64_t seconds(uint32_t draw, uint32_t most)
{
    return (int64_t)(draw % most + 1) * SECOND;
}

/* Any process that is up, those that matter most first. */
static struct sim_process *victim(uint32_t draw)
{
    for (uint32_t i = 0; i < SIM_PROCESSES; i++) {
        struct sim_process *process = &sim_processes[(draw + i) % SIM_PROCESSES];
        if (process->state == SIM_UP) {
            return process;
        }
    }
    return &sim_processes[0];
}

static int64_t down_for(uint32_t draw)
{
    static const int64_t times[] = {0, 0, 0, 1, 3, 8, 13, 25};
    return times[draw % 8] * SECOND;
}

static void kill_one(const struct sim_event *event)
{
    struct sim_process *process = victim(event->a);
    process->back_us = sim_now() + down_for(event->b) + 1;
    sim_kill(process, "killed");
}

static void kill_at(const struct sim_event *event)
{
    struct sim_process *process = victim(event->a);
    process->fuse = (int)(event->b % 400) + 1;
    process->fuse_kills = true;
}

static void hang_at(const struct sim_event *event)
{
    struct sim_process *process = victim(event->a);
    process->fuse = (int)(event->b % 400) + 1;
    process->fuse_kills = false;
    process->fuse_us = seconds(event->b, 22);
}

/* Another is started under its id; once awake it ends in a while, for its successor has its place. */
static void replace(struct sim_process *first, int seam_calls)
{
    bool is_second = first->number >= SIM_IDS;
    struct sim_process *second =
        sim_process(first->kind, is_second ? first->number - SIM_IDS : first->number + SIM_IDS);
    first->fuse = seam_calls;
    first->fuse_kills = true;
    first->back_us = INT64_MAX / 2;
    if (second->state == SIM_DOWN) {
        sim_start(second);
    }
}

void sim_faults_hung(struct sim_process *process)
{
    process->fuse_twins = false;
    replace(process, 1 + (int)sim_draw(SIM_MORE, 300));
}

/* A process hangs; somebody starts another under its id; it wakes. */
static void twin(const struct sim_event *event)
{
    static const enum sim_kind kinds[] = {SIM_INGEST, SIM_INGEST, SIM_PROCESSOR};
    enum sim_kind kind = kinds[event->a % 3];
    int number = (int)(event->b % SIM_IDS);
    struct sim_process *first = sim_process(kind, number), *second = sim_process(kind, number + SIM_IDS);
    if (first->state == SIM_DOWN) {
        struct sim_process *other = first;
        first = second;
        second = other;
    }
    if (first->state == SIM_UP && second->state == SIM_DOWN) {
        sim_hang(first, seconds(event->a, 20));
        replace(first, (int)(event->b % 300) + 1);
    }
}

/* The same, but it hangs at its start, with its hello on the way. */
static void twin_at_start(const struct sim_event *event)
{
    struct sim_process *first = sim_process(SIM_INGEST, (int)(event->b % SIM_IDS));
    if (sim_process(SIM_INGEST, first->number + SIM_IDS)->state == SIM_DOWN) {
        first->connect_hang_us = seconds(event->a, 20);
        sim_kill(first, "to start anew");
        first->back_us = sim_now() + 1;
    }
}

/* The broker forgets a session; who makes the new one dies at its start, with its hello or its first readings
 * on the way, and who follows finds it kept. */
static void new_session_dies(const struct sim_event *event)
{
    struct sim_process *process = sim_process(SIM_INGEST, (int)(event->a % SIM_IDS));
    if (sim_process(SIM_INGEST, process->number + SIM_IDS)->state == SIM_DOWN) {
        sim_shape.forgot = true;
        process->connect_fuse = 1 + (int)(event->b % 300);
        sim_kill(process, "to start anew");
        process->back_us = sim_now() + 1;
        sim_mqtt_lose_session(process->number);
    }
}

void sim_faults_connects(struct sim_process *process)
{
    if (process->connect_hang_us > 0) {
        process->fuse = 1 + (int)sim_draw(SIM_MORE, 60);
        process->fuse_kills = false;
        process->fuse_twins = true;
        process->fuse_us = process->connect_hang_us;
        process->connect_hang_us = 0;
    }
    if (process->connect_fuse > 0) {
        process->fuse = process->connect_fuse;
        process->fuse_kills = true;
        process->connect_fuse = 0;
        for (int32_t p = 0; p < SIM_READINGS; p++) {
            sim_log(BF_TOPIC_READINGS, p)->lag_us = seconds(sim_draw(SIM_MORE, 4), 4);
        }
    }
}

static void commit_hangs(const struct sim_event *event)
{
    struct sim_process *process = sim_process(SIM_PROCESSOR, (int)(event->a % SIM_IDS));
    process->commit_hang_us = (5 + (int64_t)(event->b % 17)) * SECOND;
}

static void term(const struct sim_event *event)
{
    struct sim_process *process = victim(event->a);
    process->stopping = process->kind != SIM_OPERATOR;
}

static void link_lost(const struct sim_event *event)
{
    sim_mqtt_lose_link((int)(event->a % SIM_IDS), false);
}

static void markers_lost(const struct sim_event *event)
{
    sim_mqtt_lose_link((int)(event->a % SIM_IDS), true);
}

static void mqtt_away(const struct sim_event *event)
{
    sim_mqtt_away_us = sim_now() + seconds(event->b, 35);
    sim_shape.stalled = true;
    for (int i = 0; i < SIM_IDS; i++) {
        sim_mqtt_lose_link(i, false);
        sim_mqtt_lose_link(i, true);
    }
}

static void session_lost(const struct sim_event *event)
{
    struct sim_process *process = sim_process(SIM_INGEST, (int)(event->a % SIM_IDS));
    sim_shape.forgot = true;
    sim_mqtt_lose_session(process->number);
    if (event->b % 2 == 0 && process->state == SIM_UP) { /* it, and who follows, die soon */
        loops[process - sim_processes] = 1 + event->b % 5;
        process->fuse = 20 + (int)(event->b % 200);
        process->fuse_kills = true;
    }
}

static void crash_loop(const struct sim_event *event)
{
    struct sim_process *process = sim_process(SIM_INGEST, (int)(event->a % SIM_IDS));
    loops[process - sim_processes] = 2 + event->b % 8;
    sim_kill(process, "the first of a row");
    process->back_us = sim_now() + 1;
}

static void kafka_away(const struct sim_event *event)
{
    sim_kafka_away_us = sim_now() + seconds(event->b, 40);
}

static void stands(const struct sim_event *event)
{
    sim_logs[event->a % SIM_LOGS].stands_until_us = sim_now() + seconds(event->b, 40);
}

static void lags(const struct sim_event *event)
{
    sim_logs[event->a % SIM_LOGS].lag_us = seconds(event->b, 3);
}

static void hidden(const struct sim_event *event)
{
    sim_logs[event->a % SIM_LOGS].hidden_until_us = sim_now() + seconds(event->b, 30);
}

static void rebalance(const struct sim_event *event)
{
    (void)event;
    sim_group_rebalance("chance");
}

static void commits_silent(const struct sim_event *event)
{
    sim_commit_silent = 20 + event->a % 60;
    sim_commit_late = event->b % 50;
}

static void redis_save(const struct sim_event *event)
{
    sim_redis_save((int)(event->a % SAVES));
}

static void redis_restore(const struct sim_event *event)
{
    sim_redis_restore((int)(event->a % SAVES), event->b % 2 == 0);
}

static void redis_away(const struct sim_event *event)
{
    sim_redis_away_us = sim_now() + seconds(event->b, 30);
}

static void redis_breaks(const struct sim_event *event)
{
    sim_redis_breaks = 20 + event->a % 150;
}

static void reload(const struct sim_event *event)
{
    sim_operator_reload(event->a);
}

static void clock_jump(const struct sim_event *event)
{
    struct sim_process *process = sim_process(SIM_INGEST, (int)(event->a % SIM_IDS));
    process->skew_us += ((int64_t)(event->b % 41) - 20) * SECOND;
    sim_process(SIM_INGEST, process->number + SIM_IDS)->skew_us = process->skew_us;
    sim_shape.skewed = true;
    sim_shape.fast_us = process->skew_us > sim_shape.fast_us ? process->skew_us : sim_shape.fast_us;
}

void sim_strike(const struct sim_event *event)
{
    static void (*const strikes[])(const struct sim_event *event) = {
        [SIM_EVENT_KILL] = kill_one,
        [SIM_EVENT_KILL_AT] = kill_at,
        [SIM_EVENT_HANG_AT] = hang_at,
        [SIM_EVENT_TWIN] = twin,
        [SIM_EVENT_TERM] = term,
        [SIM_EVENT_LINK_LOST] = link_lost,
        [SIM_EVENT_MARKERS_LOST] = markers_lost,
        [SIM_EVENT_MQTT_AWAY] = mqtt_away,
        [SIM_EVENT_SESSION_LOST] = session_lost,
        [SIM_EVENT_CRASH_LOOP] = crash_loop,
        [SIM_EVENT_KAFKA_AWAY] = kafka_away,
        [SIM_EVENT_STANDS] = stands,
        [SIM_EVENT_LAGS] = lags,
        [SIM_EVENT_HIDDEN] = hidden,
        [SIM_EVENT_REBALANCE] = rebalance,
        [SIM_EVENT_COMMITS_SILENT] = commits_silent,
        [SIM_EVENT_REDIS_SAVE] = redis_save,
        [SIM_EVENT_REDIS_RESTORE] = redis_restore,
        [SIM_EVENT_REDIS_AWAY] = redis_away,
        [SIM_EVENT_REDIS_BREAKS] = redis_breaks,
        [SIM_EVENT_RELOAD] = reload,
        [SIM_EVENT_CLOCK_JUMP] = clock_jump,
        [SIM_EVENT_COMMIT_HANGS] = commit_hangs,
        [SIM_EVENT_TWIN_AT_START] = twin_at_start,
        [SIM_EVENT_NEW_SESSION_DIES] = new_session_dies,
    };
    strikes[event->kind](event);
}

void sim_faults_reset(void)
{
    for (size_t i = 0; i < SIM_PROCESSES; i++) {
        loops[i] = 0;
    }
}

/* A process has started: one that crashes in a row gets its next fuse. */
void sim_faults_started(struct sim_process *process)
{
    size_t index = (size_t)(process - sim_processes);
    if (loops[index] > 0) {
        loops[index]--;
        process->fuse = 20 + (int)sim_draw(SIM_CPU, 400);
        process->fuse_kills = true;
        process->back_us = sim_now() + 1;
    }
}

void sim_heal(void)
{
    sim_faults_reset();
    sim_kafka_away_us = sim_mqtt_away_us = sim_redis_away_us = 0;
    sim_commit_silent = sim_commit_late = sim_redis_breaks = 0;
    for (size_t i = 0; i < SIM_LOGS; i++) {
        sim_logs[i].stands_until_us = sim_logs[i].hidden_until_us = sim_logs[i].lag_us = 0;
    }
    for (int i = 0; i < SIM_PROCESSES; i++) {
        struct sim_process *process = &sim_processes[i];
        process->hung_us = process->hung_us != 0 ? sim_now() : 0;
        process->commit_hang_us = process->connect_hang_us = 0;
        process->connect_fuse = 0;
        process->back_us = process->back_us > sim_now() ? sim_now() : process->back_us;
        if (process->kind != SIM_OPERATOR && process->number >= SIM_IDS && process->state == SIM_UP) {
            sim_kill(process, "one is enough");
        }
    }
}
