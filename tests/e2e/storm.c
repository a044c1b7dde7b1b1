/* storm.c: see storm.h. A fault that finds all that it could hit under other faults waits; faults on
 * different targets overlap. Declined: the log's time as the clock of the plan (it would need belfry's own
 * help). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/e2e/storm_inside.h"

#define READY_MS 120000
#define STRIKES 24

static struct storm_strike strikes[STRIKES];

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
    return kind == STORM_FULL_KAFKA              ? town->kafka_disk[0] != '\0'
           : kind == STORM_FULL_REDIS            ? town->redis_disk[0] != '\0'
           : kind == STORM_ABSENT_INGEST         ? storm->absences
           : storm_rows[kind].hits == HITS_CABLE ? town->cuts[TOWN_SINK][TOWN_REDIS].open
                                                 : true;
}

static enum storm_kind draw_kind(struct storm *storm)
{
    int sum = 0;
    for (int kind = 0; kind < STORM_KINDS; kind++) {
        sum += possible(storm, (enum storm_kind)kind) ? storm_rows[kind].weight : 0;
    }
    int left = (int)(draw(storm) % (uint64_t)sum);
    for (int kind = 0; kind < STORM_KINDS; kind++) {
        left -= possible(storm, (enum storm_kind)kind) ? storm_rows[kind].weight : 0;
        if (left < 0) {
            return (enum storm_kind)kind;
        }
    }
    return STORM_KILL_INGEST;
}

static void fill_in(struct storm *storm, struct storm_fault *fault)
{
    const struct storm_row *row = &storm_rows[fault->kind];
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

/* All that a kind can hit; how many. */
static size_t list_targets(const struct storm *storm, const struct storm_row *row,
                           struct storm_target found[TOWN_DAEMONS * TOWN_PEERS])
{
    size_t count = 0;
    if (row->hits == HITS_PEER) {
        found[0] = (struct storm_target){.daemon = -1, .peer = row->which};
        return 1;
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
    return count;
}

/* The drawn one, or the next that is under no fault; false where there is none. */
static bool find_target(const struct storm *storm, const struct storm_fault *fault,
                        struct storm_target *target)
{
    struct storm_target found[TOWN_DAEMONS * TOWN_PEERS];
    size_t count = list_targets(storm, &storm_rows[fault->kind], found);
    for (size_t i = 0; i < count; i++) {
        *target = found[(fault->choice + i) % count];
        if (!strike_on(*target)) {
            return true;
        }
    }
    return false;
}

static void tell(struct storm *storm, const struct storm_strike *strike, int length_ms)
{
    static const char *const peers[TOWN_PEERS] = {"MQTT", "Kafka", "Redis"};
    const struct storm_target *target = &strike->target;
    char words[200];
    snprintf(words, sizeof words, "%s%s%s%s%s, %d ms", storm_rows[strike->kind].name,
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
    struct storm_target target;
    struct storm_strike *free_one = NULL;
    int others = 0;
    for (size_t i = 0; i < STRIKES; i++) {
        free_one = strikes[i].used ? free_one : &strikes[i];
        others += strikes[i].used;
    }
    if (!free_one || !find_target(storm, fault, &target)) {
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
    storm_rows[fault->kind].begin(storm, free_one);
    return true;
}

static int end_what_is_over(struct storm *storm, bool all)
{
    int open = 0;
    for (size_t i = 0; i < STRIKES; i++) {
        struct storm_strike *strike = &strikes[i];
        if (strike->used && (all || bf_time_monotonic_us() >= strike->end_us)) {
            strike->used = !storm_rows[strike->kind].end(storm, strike);
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
        int64_t now_us = bf_time_monotonic_us();
        next_us = (next_us > now_us ? next_us : now_us) + storm->plan[i].gap_ms * BF_US_PER_MS;
        int64_t give_up_us = next_us + READY_MS * BF_US_PER_MS;
        do {
            pass_turn(storm);
            end_what_is_over(storm, false);
            if (bf_time_monotonic_us() > give_up_us) {
                fail_msg("fault %d finds its target under another one for too long", i + 1);
            }
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
