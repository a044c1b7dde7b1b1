/* storm_kinds.c: one row a kind of fault: whom it can hit, for how long, how it begins, how it ends. */
#include "tests/e2e/storm_inside.h"

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

/* Kafka ends when its disk is full, sooner or later; Redis refuses writes until there is room again. */
static bool empty_disk(struct storm *storm, struct storm_strike *strike)
{
    struct bf_peer *peer = storm_peer(storm->town, strike->target.peer);
    if (!strike->ending) {
        storm_disk(storm->town, strike->target.peer, false);
        if (strike->target.peer == TOWN_REDIS && bf_peer_running(peer)) {
            return true;
        }
        bf_peer_kill(peer);
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

const struct storm_row storm_rows[STORM_KINDS] = {
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
    return storm_rows[kind].name;
}
