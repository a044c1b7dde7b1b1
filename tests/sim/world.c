/* world.c: a schedule from its first claim to its quiet end. */
#include "tests/sim/world.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/wire.h"
#include "ingest/ingest.h"
#include "ingest/serial.h"
#include "processors/run/process.h"
#include "sinks/runner.h"
#include "tests/sim/gate.h"
#include "tests/sim/mqtt.h"
#include "tests/sim/redis_server.h"

#define FAST_US (8 * SECOND)    /* a host's clock, at most, before it jumps */
#define QUIET_US (170 * SECOND) /* from the last fault to the end of time, at most */
#define IDLE_US (6 * SECOND)    /* nothing was written for so long: all is through */
#define DRAIN_US (240 * SECOND)
#define LAST_SAVE 99 /* of Redis */

struct sim_truth sim_truths[SIM_TRUTHS];
int sim_truth_count;
struct sim_shape sim_shape;
static const struct sim_plan *plan;
static size_t next_event;
static struct sim_timer *devices, *fate, *supervisor;
static bool quiet;
static double owed; /* a large value whose opposite is still to come */

/* ---- the plan */
static const char *const event_names[] = {
#define X(name) #name,
#include "tests/sim/events.def"
#undef X
};

const char *sim_event_name(enum sim_event_kind kind)
{
    return event_names[kind];
}

bool sim_event_parse(const char *name, enum sim_event_kind *kind)
{
    for (int i = 0; i < SIM_EVENT_KINDS; i++) {
        if (strcmp(name, event_names[i]) == 0) {
            *kind = (enum sim_event_kind)i;
            return true;
        }
    }
    return false;
}

/* Crashes and what goes with them come more often than the rest. */
static enum sim_event_kind draw_kind(void)
{
    static const enum sim_event_kind often[] = {SIM_EVENT_KILL_AT, SIM_EVENT_KILL_AT,   SIM_EVENT_KILL,
                                                SIM_EVENT_HANG_AT, SIM_EVENT_TWIN,      SIM_EVENT_REBALANCE,
                                                SIM_EVENT_STANDS,  SIM_EVENT_KAFKA_AWAY};
    if (sim_draw(SIM_SHAPE, 5) < 2) {
        return often[sim_draw(SIM_SHAPE, sizeof(often) / sizeof(often[0]))];
    }
    return (enum sim_event_kind)sim_draw(SIM_SHAPE, SIM_EVENT_COMMIT_HANGS);
}

/* Faults that chance alone would hit too seldom: their instant is a place in the code. */
static enum sim_event_kind draw_aimed(void)
{
    return sim_draw(SIM_MORE, 2) == 0 ? SIM_EVENT_COMMIT_HANGS : SIM_EVENT_TWIN_AT_START;
}

static int by_time(const void *a, const void *b)
{
    const struct sim_event *x = a, *y = b;
    return (x->at_us > y->at_us) - (x->at_us < y->at_us);
}

void sim_plan_draw(struct sim_plan *made, uint64_t seed)
{
    sim_seed(seed);
    memset(made, 0, sizeof(*made));
    made->seed = seed;
    made->chaos_us = (45 + (int64_t)sim_draw(SIM_SHAPE, 55)) * SECOND;
    made->count = sim_draw(SIM_SHAPE, 8) == 0 ? 0 : 2 + sim_draw(SIM_SHAPE, 14);
    for (size_t i = 0; i < made->count; i++) {
        made->events[i] = (struct sim_event){.at_us = sim_draw_us(SIM_SHAPE, made->chaos_us),
                                             .kind = draw_kind(),
                                             .a = sim_draw(SIM_SHAPE, 1u << 20),
                                             .b = sim_draw(SIM_SHAPE, 1u << 20)};
    }
    for (uint32_t n = made->count > 0 ? sim_draw(SIM_MORE, 4) : 0; n > 0; n--) {
        made->events[made->count++] = (struct sim_event){.at_us = sim_draw_us(SIM_MORE, made->chaos_us),
                                                         .kind = draw_aimed(),
                                                         .a = sim_draw(SIM_MORE, 1u << 20),
                                                         .b = sim_draw(SIM_MORE, 1u << 20)};
    }
    qsort(made->events, made->count, sizeof(made->events[0]), by_time);
}

void sim_plan_aim(struct sim_plan *made, enum sim_event_kind kind)
{
    made->events[made->count++] = (struct sim_event){.at_us = sim_draw_us(SIM_MORE, made->chaos_us),
                                                     .kind = kind,
                                                     .a = sim_draw(SIM_MORE, 1u << 20),
                                                     .b = sim_draw(SIM_MORE, 1u << 20)};
    qsort(made->events, made->count, sizeof(made->events[0]), by_time);
}

static void draw_shape(void)
{
    static const size_t windows[] = {6, 12, 12, 20, 30, 48};
    sim_shape = (struct sim_shape){.in_flight = windows[sim_draw(SIM_SHAPE, 6)],
                                   .processors = 2 + (int)sim_draw(SIM_SHAPE, 2),
                                   .sinks = sim_draw(SIM_SHAPE, 4) == 0 ? 2 : 1,
                                   .joins = sim_draw(SIM_SHAPE, 2) == 0,
                                   .send_every_us = (300 + (int64_t)sim_draw(SIM_SHAPE, 900)) * BF_US_PER_MS};
    bool agree = sim_draw(SIM_MORE, 2) == 0; /* where clocks do, nothing may be late but by its device */
    for (int i = 0; i < SIM_IDS; i++) {
        int64_t skew_us = sim_draw(SIM_SHAPE, 4) == 0 ? ((int64_t)sim_draw(SIM_SHAPE, 17) - 8) * SECOND
                                                      : (int64_t)sim_draw(SIM_SHAPE, 1000000) - 500000;
        skew_us = agree ? skew_us % (SECOND / 2) : skew_us;
        sim_shape.skewed |= skew_us > SECOND || skew_us < -SECOND;
        sim_process(SIM_INGEST, i)->skew_us = skew_us;
        /* Another host's clock may be elsewhere. */
        bool apart = sim_draw(SIM_SHAPE, 4) == 0 && !agree;
        sim_process(SIM_INGEST, i + SIM_IDS)->skew_us = apart ? -skew_us - 4 * SECOND : skew_us;
        sim_shape.skewed |= apart;
    }
}

/* ---- devices */
static size_t write_payload(char *text, size_t size, int first, int count, bool again)
{
    size_t used = (size_t)snprintf(text, size, "{");
    if (!again) {
        used += (size_t)snprintf(text + used, size - used, "\"n\":\"%d\",", first);
    }
    if (sim_truths[first].event_us != BF_TIME_NONE) {
        used += (size_t)snprintf(text + used, size - used, "\"ts\":%lld,",
                                 (long long)(SIM_EPOCH_US + sim_truths[first].event_us));
    }
    used += (size_t)snprintf(text + used, size - used, "\"v\":[");
    for (int i = 0; i < count; i++) {
        const struct sim_truth *truth = &sim_truths[first + i];
        used += (size_t)snprintf(text + used, size - used, "%s{\"d\":\"d%d\",\"x\":%.17g}", i > 0 ? "," : "",
                                 truth->device, truth->value);
    }
    return used + (size_t)snprintf(text + used, size - used, "]}");
}

static int64_t draw_event_time(bool *late)
{
    uint32_t kind = sim_draw(SIM_DEVICES, 100);
    *late = kind < 8;
    if (kind < 8) {
        return sim_now() - (20 + (int64_t)sim_draw(SIM_DEVICES, 100)) * SECOND;
    }
    if (kind < 14) {
        return sim_now() + (int64_t)sim_draw(SIM_DEVICES, 15) * SECOND;
    }
    return kind < 34 ? BF_TIME_NONE : sim_now() - sim_draw_us(SIM_DEVICES, 2 * SECOND);
}

/* Of such different sizes that the order of adding shows in the last bit: the largest come in pairs that take
 * each other away, and what is left is what was lost beside them, rounded once for each that came. */
static double draw_value(void)
{
    static const double scales[] = {1, 1, 1, 1e12, -1e31, 1e-9};
    double value = ((double)sim_draw(SIM_DEVICES, 1u << 30) + 1) / 3e6;
    uint32_t scale = sim_draw(SIM_DEVICES, 6);
    value *= scales[scale];
    if (fabs(scales[scale]) > 1e12) {
        value = owed != 0 ? -owed : value;
        owed = owed != 0 ? 0 : value;
    }
    return value;
}

static void send_one(void)
{
    bool good = sim_draw(SIM_DEVICES, 40) != 0, late;
    int count = good ? 1 + (int)sim_draw(SIM_DEVICES, 3) / 2 + (int)sim_draw(SIM_DEVICES, 8) / 7 : 1;
    int session = (int)sim_draw(SIM_DEVICES, SIM_IDS), first = sim_truth_count;
    int zone = (int)sim_draw(SIM_DEVICES, 2) * (SIM_DEVICES / 2);
    int64_t event_us = draw_event_time(&late);
    bool again = event_us == BF_TIME_NONE && sim_draw(SIM_DEVICES, 2) == 0; /* the same payload, once more */
    char topic[32], payload[512];
    if (first + count > SIM_TRUTHS) {
        return;
    }
    for (int i = 0; i < count; i++) {
        int device = zone + (int)sim_draw(SIM_DEVICES, SIM_DEVICES / 2);
        sim_truths[first + i] = (struct sim_truth){.device = good ? device : -1,
                                                   .session = session,
                                                   .sent_us = sim_now(),
                                                   .event_us = event_us,
                                                   .late = late,
                                                   .value = again ? device + 0.1 : draw_value()};
    }
    snprintf(topic, sizeof(topic), "city/%d/%s", session, zone == 0 ? "north" : "south");
    size_t len = good ? write_payload(payload, sizeof(payload), first, count, again)
                      : (size_t)snprintf(payload, sizeof(payload), "{\"n\":\"%d\",", first);
    struct sim_message *message = sim_alloc(sizeof(*message) + 64 + len);
    char *bytes = (char *)(message + 1);
    memcpy(bytes, topic, sizeof(topic));
    memcpy(bytes + sizeof(topic), payload, len);
    *message = (struct sim_message){.topic = {bytes, strlen(topic)},
                                    .payload = {bytes + sizeof(topic), len},
                                    .first_truth = first,
                                    .truths = count};
    bool accepted = sim_mqtt_deliver(session, message);
    for (int i = 0; i < count && accepted; i++) {
        sim_truths[first + i].accepted = true;
    }
    sim_truth_count += accepted ? count : 0;
}

static void fire_devices(void *context)
{
    (void)context;
    for (uint32_t n = sim_draw(SIM_DEVICES, 12) == 0 ? 6 : 1; n > 0; n--) { /* bursts, now and then */
        send_one();
    }
    devices->due_us = sim_now() + sim_draw_us(SIM_DEVICES, 2 * sim_shape.send_every_us);
}

/* ---- fate and the supervisor */
static void fire_fate(void *context)
{
    (void)context;
    const struct sim_event *event = &plan->events[next_event++];
    if (!event->dropped) {
        sim_trace("---- %s %u %u", event_names[event->kind], event->a, event->b);
        sim_strike(event);
    }
    fate->due_us = next_event < plan->count ? plan->events[next_event].at_us : INT64_MAX;
    fate->due_us = fate->due_us < sim_now() ? sim_now() : fate->due_us;
}

static bool is_wanted(const struct sim_process *process)
{
    int ids = process->kind == SIM_PROCESSOR ? sim_shape.processors : SIM_IDS;
    if (process->kind == SIM_OPERATOR || (quiet && process->kind == SIM_INGEST)) {
        return false;
    }
    if (process->kind == SIM_SINK) {
        return process->number < sim_shape.sinks;
    }
    bool joined = process->kind != SIM_INGEST || process->number != SIM_IDS - 1 || !sim_shape.joins ||
                  sim_now() >= 50 * SECOND;
    return process->number < ids && joined && /* nobody starts a second one under the same id but TWIN */
           sim_process(process->kind, process->number + SIM_IDS)->state == SIM_DOWN;
}

static void fire_supervisor(void *context)
{
    (void)context;
    for (int i = 0; i < SIM_PROCESSES; i++) {
        struct sim_process *process = &sim_processes[i];
        if (process->state == SIM_DOWN && sim_now() >= process->back_us && is_wanted(process)) {
            sim_start(process);
            sim_faults_started(process);
        }
    }
    supervisor->due_us = sim_now() + SECOND / 2;
}

/* ---- the whole */
void sim_world_prepare(void)
{
    sim_operator_prepare();
    for (int i = 0; i < SIM_PROCESSES; i++) {
        bf_health_init(&sim_processes[i].health);
    }
    for (int i = 0; i < SIM_INGESTS; i++) {
        sim_process(SIM_INGEST, i)->daemon = &bf_ingest_daemon;
    }
    for (int i = 0; i < SIM_PROCESSORS; i++) {
        sim_process(SIM_PROCESSOR, i)->daemon = &bf_process_daemon;
    }
    for (int i = 0; i < SIM_SINKS; i++) {
        sim_process(SIM_SINK, i)->daemon = &bf_sink_daemon;
    }
}

static void reset(void)
{
    sim_arena_reset();
    sim_verdict_reset();
    sim_machine_reset();
    sim_kafka_reset();
    sim_gate_reset();
    sim_redis_reset();
    sim_faults_reset();
    sim_commit_silent = sim_commit_late = 0;
    sim_truth_count = 0;
    quiet = false;
    owed = 0;
    next_event = 0;
}

static size_t written(void)
{
    size_t all = 0;
    for (size_t i = 0; i < SIM_LOGS; i++) {
        bool counts = sim_logs[i].topic != BF_TOPIC_CHECKPOINTS;
        all += counts ? sim_logs[i].count : 0;
    }
    return all;
}

/* How far the tasks of stage 1 have come, by their newest ticks. */
static int64_t slowest_tick(void)
{
    int64_t clocks[SIM_READINGS];
    const struct sim_log *log = sim_log(BF_TOPIC_PARTIALS, 0);
    size_t found = 0;
    for (int p = 0; p < SIM_READINGS; p++) {
        clocks[p] = BF_TIME_NONE;
    }
    for (size_t i = log->count; i-- > 0 && found < SIM_READINGS;) {
        struct bf_task_tick tick;
        if (log->records[i]->type == BF_RECORD_TASK_TICK &&
            bf_task_tick_unpack(log->records[i]->value, &tick, NULL) == BF_OK &&
            clocks[tick.source] == BF_TIME_NONE) {
            clocks[tick.source] = tick.clock_us - SIM_EPOCH_US;
            found++;
        }
    }
    int64_t slowest_us = clocks[0];
    for (int p = 1; p < SIM_READINGS; p++) {
        slowest_us = clocks[p] < slowest_us ? clocks[p] : slowest_us;
    }
    return slowest_us;
}

/* The latest time that any reading may have: its device's, or that of its arrival where a clock is fast. */
static int64_t newest_event(void)
{
    int64_t newest_us = 0;
    for (int t = 0; t < sim_truth_count; t++) {
        newest_us = sim_truths[t].event_us > newest_us ? sim_truths[t].event_us : newest_us;
    }
    for (int p = 0; p < SIM_READINGS; p++) {
        const struct sim_log *log = sim_log(BF_TOPIC_READINGS, p);
        size_t i = log->count;
        while (i > 0 && log->records[i - 1]->type != BF_RECORD_READING) {
            i--;
        }
        int64_t fast_us = sim_shape.fast_us > FAST_US ? sim_shape.fast_us : FAST_US;
        int64_t came_us = i > 0 ? log->records[i - 1]->appended_us + fast_us : 0;
        newest_us = came_us > newest_us ? came_us : newest_us;
    }
    return newest_us;
}

/* Time has ended: no more ticks. What is there goes through to Redis. */
static void drain(void)
{
    int64_t until_us = sim_now() + DRAIN_US;
    size_t before = 0;
    do {
        before = written();
        sim_run(sim_now() + IDLE_US);
    } while (!sim_failed() && sim_now() < until_us && (written() != before || !sim_is_through()));
}

void sim_world_run(const struct sim_plan *its)
{
    plan = its;
    sim_seed(plan->seed ^ UINT64_C(0x5eed));
    reset();
    draw_shape();
    sim_mqtt_reset((uint16_t)BF_PACKET_IDS, sim_shape.in_flight);
    sim_operator_begin();
    devices = sim_timer(fire_devices, NULL);
    fate = sim_timer(fire_fate, NULL);
    supervisor = sim_timer(fire_supervisor, NULL);
    int64_t begin_us = sim_now();
    devices->due_us = begin_us + 8 * SECOND;
    supervisor->due_us = begin_us;
    fate->due_us = plan->count > 0 ? begin_us + plan->events[0].at_us : INT64_MAX;
    sim_run(begin_us + plan->chaos_us);
    sim_timer_free(devices);
    sim_timer_free(fate);
    sim_heal();
    int64_t until_us = sim_now() + QUIET_US;
    while (!sim_failed() && sim_now() < until_us &&
           slowest_tick() < newest_event() + 2 * SIM_WINDOW + SIM_DELAY) {
        sim_operator_finish();
        sim_run(sim_now() + 3 * SECOND);
    }
    sim_redis_save(LAST_SAVE);
    quiet = true;
    for (int i = 0; i < SIM_INGESTS; i++) {
        sim_kill(sim_process(SIM_INGEST, i), "the end of time");
    }
    drain();
    if (!sim_failed() && sim_draw(SIM_MORE, 3) == 0) {
        sim_redis_restore(LAST_SAVE, false); /* and no record comes that would show it */
        drain();
    }
    if (!sim_failed()) {
        sim_check();
    }
}
