/* storm.c: see storm.h. One row a kind: whom it can hit, how it begins, how it ends. A fault that finds its
 * target under another fault waits; faults on different targets overlap. */
#include "tests/e2e/storm.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/e2e/storm_peers.h"

#define READY_MS 120000
#define STRIKES 24

/* What is hit: a daemon, a peer, or a cable between the two. One fault at a time on each. */
struct storm_target {
    int daemon, peer; /* -1: none */
};

struct storm_strike {
    bool used;
    enum storm_kind kind;
    struct storm_target target;
    int64_t end_us;
    bool ending; /* its peer starts */
};

static struct storm_strike strikes[STRIKES];

/* ---- begin and end */

static void kill_daemon(struct storm *storm, struct storm_strike *strike)
{
    town_kill(storm->town, (enum town_daemon)strike->target.daemon);
    storm->town->wanted[strike->target.daemon] = false;
}

static bool want_daemon(struct storm *storm, struct storm_strike *strike)
{
    storm->town->wanted[strike->target.daemon] = true;
    return true;
}

static void stop_daemon(struct storm *storm, struct storm_strike *strike)
{
    bf_child_pause(&storm->town->daemons[strike->target.daemon]);
}

static bool continue_daemon(struct storm *storm, struct storm_strike *strike)
{
    bf_child_resume(&storm->town->daemons[strike->target.daemon]);
    return true;
}

static void kill_peer(struct storm *storm, struct storm_strike *strike)
{
    bf_peer_kill(storm_peer(storm->town, strike->target.peer));
}

static void stop_peer(struct storm *storm, struct storm_strike *strike)
{
    bf_peer_pause(storm_peer(storm->town, strike->target.peer));
}

static bool continue_peer(struct storm *storm, struct storm_strike *strike)
{
    bf_peer_resume(storm_peer(storm->town, strike->target.peer));
    return true;
}

/* False while it starts. */
static bool bring_peer(struct storm *storm, struct storm_strike *strike)
{
    bool again = strike->ending;
    strike->ending = true;
    return storm_bring(storm_peer(storm->town, strike->target.peer), again);
}

static void restart_broker(struct storm *storm, struct storm_strike *strike)
{
    (void)strike;
    storm_restart_broker(storm->town);
}

static void fill_disk(struct storm *storm, struct storm_strike *strike)
{
    storm_disk(storm->town, strike->target.peer, true);
}

/* Kafka ends when its disk is full; Redis refuses writes until there is room again. */
static bool empty_disk(struct storm *storm, struct storm_strike *strike)
{
    if (!strike->ending) {
        storm_disk(storm->town, strike->target.peer, false);
        if (bf_peer_running(storm_peer(storm->town, strike->target.peer))) {
            return true;
        }
    }
    return bring_peer(storm, strike);
}

static void restore(struct storm *storm, struct storm_strike *strike)
{
    (void)strike;
    storm_restore_redis(storm->town, storm->saved);
}

static void cut(struct storm *storm, struct storm_strike *strike)
{
    static const enum bf_cut_mode modes[STORM_KINDS] = {
        [STORM_CUT] = BF_CUT_SILENT, [STORM_HALF_CUT] = BF_CUT_ASK, [STORM_REFUSE] = BF_CUT_REFUSED};
    enum bf_cut_mode mode = modes[strike->kind];
    if (strike->kind == STORM_HALF_CUT && strike->end_us % 2) {
        mode = BF_CUT_ANSWER;
    }
    bf_cut_set(&storm->town->cuts[strike->target.daemon][strike->target.peer], mode);
}

static bool mend(struct storm *storm, struct storm_strike *strike)
{
    bf_cut_set(&storm->town->cuts[strike->target.daemon][strike->target.peer], BF_CUT_NOTHING);
    return true;
}

static bool nothing_to_end(struct storm *storm, struct storm_strike *strike)
{
    (void)storm;
    (void)strike;
    return true;
}

/* ---- kinds */

enum hits { HITS_DAEMON, HITS_PEER, HITS_CABLE };

struct row {
    const char *name;
    enum hits hits;
    int which; /* a daemon's kind, or a peer */
    int least_ms, most_ms, weight;
    void (*begin)(struct storm *, struct storm_strike *);
    bool (*end)(struct storm *, struct storm_strike *);
};

static const struct row rows[STORM_KINDS] = {
    [STORM_KILL_INGEST] = {.name = "kill ingest",
                           .hits = HITS_DAEMON,
                           .which = TOWN_INGEST,
                           .least_ms = 0,
                           .most_ms = 2000,
                           .weight = 4,
                           .begin = kill_daemon,
                           .end = want_daemon},
    [STORM_KILL_PROCESS] = {.name = "kill process",
                            .hits = HITS_DAEMON,
                            .which = TOWN_PROCESS,
                            .least_ms = 0,
                            .most_ms = 9000,
                            .weight = 5,
                            .begin = kill_daemon,
                            .end = want_daemon},
    [STORM_KILL_SINK] = {.name = "kill sink",
                         .hits = HITS_DAEMON,
                         .which = TOWN_SINK,
                         .least_ms = 0,
                         .most_ms = 2000,
                         .weight = 3,
                         .begin = kill_daemon,
                         .end = want_daemon},
    [STORM_KILL_KAFKA] = {.name = "kill Kafka",
                          .hits = HITS_PEER,
                          .which = TOWN_KAFKA,
                          .least_ms = 0,
                          .most_ms = 2000,
                          .weight = 2,
                          .begin = kill_peer,
                          .end = bring_peer},
    [STORM_KILL_REDIS] = {.name = "kill Redis",
                          .hits = HITS_PEER,
                          .which = TOWN_REDIS,
                          .least_ms = 0,
                          .most_ms = 2000,
                          .weight = 3,
                          .begin = kill_peer,
                          .end = bring_peer},
    [STORM_STOP_INGEST] = {.name = "stop ingest",
                           .hits = HITS_DAEMON,
                           .which = TOWN_INGEST,
                           .least_ms = 500,
                           .most_ms = 9000,
                           .weight = 3,
                           .begin = stop_daemon,
                           .end = continue_daemon},
    [STORM_STOP_PROCESS] = {.name = "stop process",
                            .hits = HITS_DAEMON,
                            .which = TOWN_PROCESS,
                            .least_ms = 6500,
                            .most_ms = 10000,
                            .weight = 4,
                            .begin = stop_daemon,
                            .end = continue_daemon},
    [STORM_STOP_SINK] = {.name = "stop sink",
                         .hits = HITS_DAEMON,
                         .which = TOWN_SINK,
                         .least_ms = 500,
                         .most_ms = 9000,
                         .weight = 2,
                         .begin = stop_daemon,
                         .end = continue_daemon},
    [STORM_STOP_KAFKA] = {.name = "stop Kafka",
                          .hits = HITS_PEER,
                          .which = TOWN_KAFKA,
                          .least_ms = 500,
                          .most_ms = 5000,
                          .weight = 1,
                          .begin = stop_peer,
                          .end = continue_peer},
    [STORM_STOP_REDIS] = {.name = "stop Redis",
                          .hits = HITS_PEER,
                          .which = TOWN_REDIS,
                          .least_ms = 500,
                          .most_ms = 5000,
                          .weight = 1,
                          .begin = stop_peer,
                          .end = continue_peer},
    [STORM_RESTART_MQTT] = {.name = "restart mosquitto",
                            .hits = HITS_PEER,
                            .which = TOWN_MQTT,
                            .least_ms = 0,
                            .most_ms = 1,
                            .weight = 3,
                            .begin = restart_broker,
                            .end = nothing_to_end},
    [STORM_FULL_KAFKA] = {.name = "Kafka's disk full",
                          .hits = HITS_PEER,
                          .which = TOWN_KAFKA,
                          .least_ms = 1000,
                          .most_ms = 4000,
                          .weight = 1,
                          .begin = fill_disk,
                          .end = empty_disk},
    [STORM_FULL_REDIS] = {.name = "Redis' disk full",
                          .hits = HITS_PEER,
                          .which = TOWN_REDIS,
                          .least_ms = 1000,
                          .most_ms = 4000,
                          .weight = 2,
                          .begin = fill_disk,
                          .end = empty_disk},
    [STORM_RESTORE_REDIS] = {.name = "Redis restored",
                             .hits = HITS_PEER,
                             .which = TOWN_REDIS,
                             .least_ms = 0,
                             .most_ms = 1000,
                             .weight = 3,
                             .begin = restore,
                             .end = bring_peer},
    [STORM_CUT] = {.name = "cut",
                   .hits = HITS_CABLE,
                   .which = 0,
                   .least_ms = 500,
                   .most_ms = 9000,
                   .weight = 5,
                   .begin = cut,
                   .end = mend},
    [STORM_HALF_CUT] = {.name = "cut one way",
                        .hits = HITS_CABLE,
                        .which = 0,
                        .least_ms = 500,
                        .most_ms = 9000,
                        .weight = 4,
                        .begin = cut,
                        .end = mend},
    [STORM_REFUSE] = {.name = "refuse",
                      .hits = HITS_CABLE,
                      .which = 0,
                      .least_ms = 0,
                      .most_ms = 4000,
                      .weight = 4,
                      .begin = cut,
                      .end = mend},
    [STORM_ABSENT_INGEST] = {.name = "ingest away",
                             .hits = HITS_DAEMON,
                             .which = TOWN_INGEST,
                             .least_ms = 36000,
                             .most_ms = 45000,
                             .weight = 1,
                             .begin = kill_daemon,
                             .end = want_daemon},
};

const char *storm_kind_name(enum storm_kind kind)
{
    return rows[kind].name;
}

/* ---- the plan */

/* splitmix64 */
static uint64_t draw(struct storm *storm)
{
    storm->seed += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t word = storm->seed;
    word = (word ^ (word >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    word = (word ^ (word >> 27)) * UINT64_C(0x94d049bb133111eb);
    return word ^ (word >> 31);
}

static bool possible(const struct storm *storm, enum storm_kind kind)
{
    const struct town *town = storm->town;
    return kind == STORM_FULL_KAFKA        ? town->kafka_disk[0] != '\0'
           : kind == STORM_FULL_REDIS      ? town->redis_disk[0] != '\0'
           : kind == STORM_ABSENT_INGEST   ? storm->absences
           : rows[kind].hits == HITS_CABLE ? town->cuts[TOWN_SINK][TOWN_REDIS].open
                                           : true;
}

static enum storm_kind draw_kind(struct storm *storm)
{
    int sum = 0;
    for (int kind = 0; kind < STORM_KINDS; kind++) {
        sum += possible(storm, (enum storm_kind)kind) ? rows[kind].weight : 0;
    }
    int left = (int)(draw(storm) % (uint64_t)sum);
    for (int kind = 0; kind < STORM_KINDS; kind++) {
        left -= possible(storm, (enum storm_kind)kind) ? rows[kind].weight : 0;
        if (left < 0) {
            return (enum storm_kind)kind;
        }
    }
    return STORM_KILL_INGEST;
}

static void fill_in(struct storm *storm, struct storm_fault *fault)
{
    const struct row *row = &rows[fault->kind];
    fault->choice = (uint32_t)draw(storm);
    fault->gap_ms = storm->gap_ms / 4 + (int)(draw(storm) % (uint64_t)(storm->gap_ms * 3 / 2));
    fault->length_ms = row->least_ms + (int)(draw(storm) % (uint64_t)(row->most_ms - row->least_ms));
}

/* Each kind once, if there is room for all; the rest by weight; in a drawn order. */
void storm_plan(struct storm *storm)
{
    int used = 0;
    assert_in_range(storm->faults, 1, STORM_FAULTS_MAX);
    for (int kind = 0; kind < STORM_KINDS && used < storm->faults; kind++) {
        if (possible(storm, (enum storm_kind)kind)) {
            storm->plan[used++].kind = (enum storm_kind)kind;
        }
    }
    while (used < storm->faults) {
        storm->plan[used++].kind = draw_kind(storm);
    }
    for (int i = used - 1; i > 0; i--) {
        int other = (int)(draw(storm) % (uint64_t)(i + 1));
        enum storm_kind kind = storm->plan[i].kind;
        storm->plan[i].kind = storm->plan[other].kind;
        storm->plan[other].kind = kind;
    }
    for (int i = 0; i < used; i++) {
        fill_in(storm, &storm->plan[i]);
    }
}

/* ---- the storm */

static struct storm_target target_of(const struct storm *storm, const struct storm_fault *fault)
{
    const struct row *row = &rows[fault->kind];
    struct storm_target found[TOWN_DAEMONS * TOWN_PEERS];
    size_t count = 0;
    if (row->hits == HITS_PEER) {
        return (struct storm_target){.daemon = -1, .peer = row->which};
    }
    for (int i = 0; i < TOWN_DAEMONS; i++) {
        if (row->hits == HITS_DAEMON && storm->town->exists[i] &&
            (int)town_kind((enum town_daemon)i) == row->which) {
            found[count++] = (struct storm_target){.daemon = i, .peer = -1};
        }
        for (int peer = 0; row->hits == HITS_CABLE && peer < TOWN_PEERS; peer++) {
            if (storm->town->cuts[i][peer].open) {
                found[count++] = (struct storm_target){.daemon = i, .peer = peer};
            }
        }
    }
    return found[fault->choice % count];
}

static struct storm_strike *strike_on(struct storm_target target)
{
    for (size_t i = 0; i < STRIKES; i++) {
        if (strikes[i].used && strikes[i].target.daemon == target.daemon &&
            strikes[i].target.peer == target.peer) {
            return &strikes[i];
        }
    }
    return NULL;
}

static void tell(struct storm *storm, const struct storm_strike *strike, int length_ms)
{
    static const char *const peers[TOWN_PEERS] = {"MQTT", "Kafka", "Redis"};
    const struct storm_target *target = &strike->target;
    char words[200];
    snprintf(words, sizeof words, "%s%s%s%s%s, %d ms", rows[strike->kind].name,
             target->daemon >= 0 ? ": " : "",
             target->daemon >= 0 ? town_name((enum town_daemon)target->daemon) : "",
             target->daemon >= 0 && target->peer >= 0 ? " - " : "",
             target->daemon >= 0 && target->peer >= 0 ? peers[target->peer] : "", length_ms);
    if (storm->progress) {
        storm->progress(storm->context, storm->begun, words);
    }
}

/* False while its target is under another fault. */
static bool begin(struct storm *storm, const struct storm_fault *fault)
{
    struct storm_target target = target_of(storm, fault);
    struct storm_strike *free_one = NULL;
    int others = 0;
    for (size_t i = 0; i < STRIKES; i++) {
        free_one = strikes[i].used ? free_one : &strikes[i];
        others += strikes[i].used;
    }
    if (strike_on(target) || !free_one) {
        return false;
    }
    *free_one = (struct storm_strike){.used = true,
                                      .kind = fault->kind,
                                      .target = target,
                                      .end_us = bf_time_monotonic_us() + fault->length_ms * BF_US_PER_MS};
    storm->begun++;
    storm->counts[fault->kind]++;
    storm->overlapping += others > 0;
    tell(storm, free_one, fault->length_ms);
    rows[fault->kind].begin(storm, free_one);
    return true;
}

static int end_what_is_over(struct storm *storm, bool all)
{
    int open = 0;
    for (size_t i = 0; i < STRIKES; i++) {
        struct storm_strike *strike = &strikes[i];
        if (strike->used && (all || bf_time_monotonic_us() >= strike->end_us)) {
            strike->used = !rows[strike->kind].end(storm, strike);
        }
        open += strike->used;
    }
    return open;
}

static void pass_turn(struct storm *storm)
{
    if (!town_pass(storm->town, 20)) {
        fail_msg("the devices ended in the middle of the storm: %d", storm->town->devices.ended);
    }
}

void storm_blow(struct storm *storm)
{
    memset(strikes, 0, sizeof strikes);
    int64_t next_us = bf_time_monotonic_us();
    for (int i = 0; i < storm->faults; i++) {
        next_us += storm->plan[i].gap_ms * BF_US_PER_MS;
        int64_t give_up_us = next_us + READY_MS * BF_US_PER_MS;
        do {
            pass_turn(storm);
            end_what_is_over(storm, false);
            assert_true(bf_time_monotonic_us() < give_up_us);
        } while (bf_time_monotonic_us() < next_us || !begin(storm, &storm->plan[i]));
        if (storm->plan[i].choice % 4 == 0 && storm->saved[0] == '\0') {
            storm_save_redis(storm->town, storm->saved);
        }
        if (storm->until_us && bf_time_monotonic_us() >= storm->until_us) {
            break;
        }
    }
    int64_t deadline_us = bf_deadline_us(READY_MS);
    while (end_what_is_over(storm, true) > 0) {
        pass_turn(storm);
        assert_true(bf_wait_turn(deadline_us));
    }
    for (int i = 0; i < TOWN_DAEMONS; i++) {
        town_await(storm->town, (enum town_daemon)i, READY_MS);
    }
}
